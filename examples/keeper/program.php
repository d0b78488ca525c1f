<?php
// Calls an API with a token from the keeper.

/** Status and body of a GET. */
function get(string $url, string $bearer): array
{
    $options = ['http' => ['header' => "Authorization: Bearer $bearer", 'ignore_errors' => true, 'timeout' => 30]];
    $body = @file_get_contents($url, false, stream_context_create($options));
    if ($body === false) {
        throw new RuntimeException('no answer');
    }
    return [(int) explode(' ', $http_response_header[0])[1], json_decode($body, true)];
}

/** A live access token. $refused is a token that the API refused. */
function token(string $connection, ?string $refused = null): string
{
    $path = implode('/', array_map('rawurlencode', explode('/', $connection)));
    $query = $refused === null ? '' : '?refused=' . rawurlencode(substr($refused, -8));
    [$status, $body] = get(getenv('KEEPER_URL') . "/token/$path$query", getenv('KEEPER_SECRET'));
    $reason = $body['reason'] ?? 'busy';
    return match ($status) {
        200 => $body['access_token'],
        404 => throw new RuntimeException("$connection is not connected, or this program may not use it"),
        409 => throw new RuntimeException("the user must connect $connection again: {$body['reason']}"),
        503 => throw new RuntimeException("no token now ($reason): ask again in {$body['retry_after']} s"),
        default => throw new RuntimeException("the keeper answers $status: {$body['message']}"),
    };
}

/** The API's answer. If the API refuses the token, another one is tried, once. */
function call(string $connection, string $url): array
{
    $access = token($connection);
    [$status, $body] = get($url, $access);
    if ($status === 401) {
        [$status, $body] = get($url, token($connection, $access));
    }
    return $status === 200 ? $body : throw new RuntimeException("the API answers $status");
}

try {
    echo json_encode(call(getenv('CONNECTION'), getenv('API_URL'))), "\n";
} catch (RuntimeException $error) {
    fwrite(STDERR, $error->getMessage() . "\n");
    exit(1);
}
