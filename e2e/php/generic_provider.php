<?php

// What league/oauth2-client's GenericProvider does on the wire and with answers, written anew from its documented
// behaviour: composer and its registry are not needed, php-cli alone is.
//
// Environment: E2E_AUTHORIZE, E2E_TOKEN, E2E_IDENTITY, E2E_CLIENT_ID, E2E_CLIENT_SECRET, E2E_REDIRECT_URI, E2E_SCOPE,
// E2E_PKCE (`S256`, or empty: without).

declare(strict_types=1);

/** An answer with a member `error`: the only sign of a refusal that the original looks at. */
final class IdentityProviderException extends Exception
{
}

/** What the original keeps of a token answer. */
final class Token
{
    public readonly string $token;
    public readonly ?string $refreshToken;
    public readonly ?int $expires;
    /** @var array<string, mixed> */
    public readonly array $values;

    /** @param array<string, mixed> $answer */
    public function __construct(array $answer)
    {
        if (empty($answer['access_token'])) {
            throw new InvalidArgumentException('Required option not passed: "access_token"');
        }
        $lifetime = $answer['expires_in'] ?? null;
        if ($lifetime !== null && !is_numeric($lifetime)) {
            throw new InvalidArgumentException('expires_in value must be an integer');
        }
        $this->token = $answer['access_token'];
        $this->refreshToken = $answer['refresh_token'] ?? null;
        $this->expires = $lifetime === null ? null : ($lifetime == 0 ? 0 : time() + (int) $lifetime);
        $own = ['access_token' => 0, 'refresh_token' => 0, 'expires_in' => 0];
        $this->values = array_diff_key($answer, $own);
    }
}

/** One app; it remembers the verifier of its last authorization URL, and sends it with every grant from then on. */
final class Provider
{
    private ?string $verifier = null;

    public function __construct(
        private readonly bool $basic,
        private readonly string $secret,
        private readonly string $separator = ' ',
    ) {
    }

    public function authorizationUrl(): string
    {
        $query = [
            'state' => 'a state',
            'scope' => implode($this->separator, explode(' ', given('SCOPE'))),
            'response_type' => 'code',
            'approval_prompt' => 'auto',
        ];
        if (given('PKCE') === 'S256') {
            $this->verifier = base64url(random_bytes(48));
            $query['code_challenge'] = base64url(hash('sha256', $this->verifier, true));
            $query['code_challenge_method'] = 'S256';
        }
        $query += ['redirect_uri' => given('REDIRECT_URI'), 'client_id' => given('CLIENT_ID')];
        return given('AUTHORIZE') . '?' . encoded($query);
    }

    /** The redirect URI goes with every grant, refresh and client_credentials too. @param array<string, string> $grant */
    public function accessToken(array $grant): Token
    {
        $app = ['client_id' => given('CLIENT_ID'), 'client_secret' => $this->secret];
        $fields = ['redirect_uri' => given('REDIRECT_URI')];
        if ($this->verifier !== null) {
            $fields['code_verifier'] = $this->verifier;
        }
        $headers = ['Content-Type: application/x-www-form-urlencoded'];
        if ($this->basic) {
            $headers[] = 'Authorization: Basic ' . base64_encode(implode(':', $app));
        } else {
            $fields = $app + $fields;
        }
        $answer = parsed(given('TOKEN'), 'POST', $headers, encoded($fields + $grant));
        if (!is_array($answer)) {
            throw new UnexpectedValueException('Invalid response received from Authorization Server. Expected JSON.');
        }
        return new Token($answer);
    }

    /** @return array<string, mixed> */
    public function resourceOwner(Token $token): array
    {
        return parsed(given('IDENTITY'), 'GET', ['Authorization: Bearer ' . $token->token]);
    }
}

/** Form or JSON, whatever the status says. */
function parsed(string $url, string $method, array $headers, string $body = ''): mixed
{
    $request = ['method' => $method, 'header' => $headers, 'content' => $body, 'ignore_errors' => true, 'timeout' => 30];
    $content = file_get_contents($url, false, stream_context_create(['http' => $request]));
    $types = array_filter($http_response_header, fn ($line) => stripos($line, 'content-type:') === 0);
    $type = implode(';', $types);
    if (str_contains($type, 'urlencoded')) {
        parse_str($content, $answer);
    } else {
        $answer = json_decode($content, true);
        if (json_last_error() !== JSON_ERROR_NONE && str_contains($type, 'json')) {
            throw new UnexpectedValueException('Failed to parse JSON response: ' . json_last_error_msg());
        }
    }
    if (!empty($answer['error'])) {
        $error = $answer['error'];
        throw new IdentityProviderException(is_string($error) ? $error : var_export($error, true));
    }
    return $answer;
}

/** The code that the person brings back, and the provider that asked for it. */
function brought(Provider $provider): string
{
    parse_str(parse_url(asked('visit ' . $provider->authorizationUrl()), PHP_URL_QUERY), $query);
    if (isset($query['error'])) {
        throw new Exception('redirected with ' . $query['error']);
    }
    must($query['state'] === 'a state', 'the state came back');
    return $query['code'];
}

function connected(Provider $provider): Token
{
    return redeemed($provider, brought($provider));
}

function redeemed(Provider $provider, string $code): Token
{
    return $provider->accessToken(['code' => $code, 'grant_type' => 'authorization_code']);
}

function refreshed(Provider $provider, Token $before): Token
{
    $after = $provider->accessToken(['refresh_token' => $before->refreshToken, 'grant_type' => 'refresh_token']);
    must($after->token !== $before->token, 'another access token');
    must($after->refreshToken !== $before->refreshToken, 'another refresh token');
    return $after;
}

function shown(Provider $provider, Token $token): string
{
    $minutes = round(($token->expires - time()) / 60);
    $scope = json_encode($token->values['scope'] ?? null);
    $email = $provider->resourceOwner($token)['email'];
    return "{$token->values['token_type']}, expires in $minutes min, $scope, $email";
}

function clientCredentials(Provider $provider): string
{
    $token = $provider->accessToken(['scope' => given('SCOPE'), 'grant_type' => 'client_credentials']);
    $scope = json_encode($token->values['scope'] ?? null);
    return "{$token->values['token_type']}, $scope, refresh token " . json_encode($token->refreshToken);
}

/** Says what came of a step, in the client's own words where it fails. */
function report(string $step, callable $take): void
{
    try {
        $said = $take();
    } catch (Exception $error) {
        $said = $error::class . ': ' . $error->getMessage();
    }
    echo "$step: $said\n";
}

/** Asks the test, which plays the person: `visit URL` is answered with the redirect, `end access` with `ended`. */
function asked(string $request): string
{
    echo $request, "\n";
    return trim(fgets(STDIN));
}

function given(string $name): string
{
    $value = getenv("E2E_$name");
    must($value !== false, "E2E_$name is set");
    return $value;
}

function must(bool $holds, string $what): void
{
    if (!$holds) {
        throw new Error("not so: $what");
    }
}

/** @param array<string, string> $pairs */
function encoded(array $pairs): string
{
    return http_build_query($pairs, '', '&', PHP_QUERY_RFC3986);
}

function base64url(string $bytes): string
{
    return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
}

foreach (['body' => false, 'Basic' => true] as $way => $basic) {
    $app = new Provider($basic, given('CLIENT_SECRET'));
    report("code, $way", fn () => shown($app, connected($app)));
    report("refresh, $way", fn () => shown($app, refreshed($app, connected($app))));
    report("client credentials, $way", fn () => clientCredentials($app));
    report("wrong secret, $way", fn () => shown($app, connected(new Provider($basic, 'not the secret'))));
}
report('scopes separated by commas, as by default', function () {
    $provider = new Provider(false, given('CLIENT_SECRET'), ',');
    return shown($provider, connected($provider));
});
report('code twice', function () use ($app) {
    $code = brought($app);
    redeemed($app, $code);
    return shown($app, redeemed($app, $code));
});
report('access ended', function () use ($app) {
    $token = connected($app);
    asked('end access');
    return shown($app, refreshed($app, $token));
});
