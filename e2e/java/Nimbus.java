import com.nimbusds.oauth2.sdk.*;
import com.nimbusds.oauth2.sdk.as.AuthorizationServerMetadata;
import com.nimbusds.oauth2.sdk.auth.*;
import com.nimbusds.oauth2.sdk.http.HTTPResponse;
import com.nimbusds.oauth2.sdk.id.*;
import com.nimbusds.oauth2.sdk.pkce.*;
import com.nimbusds.oauth2.sdk.token.*;
import com.nimbusds.openid.connect.sdk.UserInfoRequest;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

/**
 * Nimbus OAuth 2.0 SDK, as published: the parser below many Java clients. It finds the endpoints itself (RFC 8414).
 *
 * <p>Environment: E2E_ISSUER, E2E_CLIENT_ID, E2E_CLIENT_SECRET, E2E_REDIRECT_URI, E2E_SCOPE, E2E_PKCE ({@code S256}, or
 * empty: without).
 */
final class Nimbus {
    private static final BufferedReader PERSON = new BufferedReader(new InputStreamReader(System.in));
    private static final ClientID ID = new ClientID(given("CLIENT_ID"));
    private static final URI REDIRECT_URI = URI.create(given("REDIRECT_URI"));
    private static final Scope SCOPE = Scope.parse(given("SCOPE"));

    private static AuthorizationServerMetadata server;
    private static boolean hooked;

    /** A refusal, as the SDK's error object tells it. */
    private static final class Refused extends Exception {
        private static final long serialVersionUID = 1;

        Refused(ErrorResponse answer) {
            super(answer.getErrorObject().getHTTPStatusCode() + " " + answer.getErrorObject().toJSONObject());
        }
    }

    public static void main(String[] arguments) throws Exception {
        server = AuthorizationServerMetadata.resolve(new Issuer(given("ISSUER")));
        ClientAuthentication basic = app("Basic", given("CLIENT_SECRET"));
        hooked = !report("code", () -> shown(connected(basic)));
        String hook = hooked ? ", with a hook" : "";
        for (String way : List.of("Basic", "body")) {
            ClientAuthentication app = app(way, given("CLIENT_SECRET"));
            report("refresh, " + way + hook, () -> shown(refreshed(app, connected(app))));
            report("introspection, " + way, () -> introspected(app));
            report("revocation, " + way, () -> revoked(app));
            report("client credentials, " + way, () -> clientCredentials(app));
            report("wrong secret, " + way, () -> connected(app(way, "not the secret")));
        }
        report("code twice", () -> codeTwice(basic));
        report("access ended", () -> accessEnded(basic));
    }

    private static ClientAuthentication app(String way, String secret) {
        Secret kept = new Secret(secret);
        return way.equals("Basic") ? new ClientSecretBasic(ID, kept) : new ClientSecretPost(ID, kept);
    }

    private static AccessTokenResponse connected(ClientAuthentication app) throws Exception {
        return granted(app, brought());
    }

    /** The code that the person brings; the SDK checks state and {@code iss} (RFC 9207) where it is told of them. */
    private static AuthorizationGrant brought() throws Exception {
        CodeVerifier verifier = given("PKCE").isEmpty() ? null : new CodeVerifier();
        State state = new State();
        AuthorizationRequest.Builder request =
                new AuthorizationRequest.Builder(ResponseType.CODE, ID)
                        .endpointURI(server.getAuthorizationEndpointURI())
                        .redirectionURI(REDIRECT_URI)
                        .scope(SCOPE)
                        .state(state);
        if (verifier != null) {
            request.codeChallenge(verifier, CodeChallengeMethod.S256);
        }
        URI redirected = URI.create(asked("visit " + request.build().toURI()));
        AuthorizationSuccessResponse answer = AuthorizationResponse.parse(redirected).toSuccessResponse();
        must(answer.getState().equals(state), "the state came back");
        must(answer.getIssuer().equals(server.getIssuer()), "the answer names the issuer");
        return new AuthorizationCodeGrant(answer.getAuthorizationCode(), REDIRECT_URI, verifier);
    }

    private static AccessTokenResponse granted(ClientAuthentication app, AuthorizationGrant grant) throws Exception {
        return parsed(new TokenRequest.Builder(server.getTokenEndpointURI(), app, grant));
    }

    private static AccessTokenResponse parsed(TokenRequest.Builder request) throws Exception {
        HTTPResponse raw = request.build().toHTTPRequest().send();
        if (hooked) {
            raw.setBody(raw.getBody().replace("\"BearerToken\"", "\"Bearer\""));
        }
        TokenResponse answer = TokenResponse.parse(raw);
        if (!answer.indicatesSuccess()) {
            throw new Refused(answer.toErrorResponse());
        }
        return answer.toSuccessResponse();
    }

    private static AccessTokenResponse refreshed(ClientAuthentication app, AccessTokenResponse before) throws Exception {
        AccessTokenResponse after = granted(app, new RefreshTokenGrant(before.getTokens().getRefreshToken()));
        must(!after.getTokens().getAccessToken().equals(before.getTokens().getAccessToken()), "another access token");
        must(!after.getTokens().getRefreshToken().equals(before.getTokens().getRefreshToken()), "another refresh token");
        return after;
    }

    private static String shown(AccessTokenResponse answer) throws Exception {
        AccessToken token = answer.getTokens().getAccessToken();
        HTTPResponse identity = identity(token);
        must(identity.getStatusCode() == 200, "the token opens the identity endpoint");
        String email = (String) identity.getBodyAsJSONObject().get("email");
        return String.join(", ", token.getType().toString(), token.getLifetime() + " s", "" + token.getScope(), email);
    }

    private static HTTPResponse identity(AccessToken token) throws IOException {
        return new UserInfoRequest(URI.create(given("IDENTITY")), token).toHTTPRequest().send();
    }

    /** RFC 7662. */
    private static String introspected(ClientAuthentication app) throws Exception {
        AccessToken token = connected(app).getTokens().getAccessToken();
        TokenIntrospectionSuccessResponse live = introspection(app, token);
        must(live.isActive() && live.getClientID().equals(ID), "a live token of this client");
        String unknown = introspection(app, new BearerAccessToken("unknown")).toJSONObject().toString();
        return String.join(", ", live.toJSONObject().keySet()) + "; unknown: " + unknown;
    }

    private static TokenIntrospectionSuccessResponse introspection(ClientAuthentication app, AccessToken token)
            throws Exception {
        TokenIntrospectionRequest request =
                new TokenIntrospectionRequest(server.getIntrospectionEndpointURI(), app, token);
        return TokenIntrospectionResponse.parse(request.toHTTPRequest().send()).toSuccessResponse();
    }

    /** RFC 7009: an access token ends alone, a refresh token takes its grant with it. */
    private static String revoked(ClientAuthentication app) throws Exception {
        AccessTokenResponse first = connected(app);
        revocation(app, first.getTokens().getAccessToken());
        must(identity(first.getTokens().getAccessToken()).getStatusCode() == 401, "the access token is void");
        AccessTokenResponse second = refreshed(app, first);
        revocation(app, second.getTokens().getRefreshToken());
        must(identity(second.getTokens().getAccessToken()).getStatusCode() == 401, "the grant is ended");
        return "done, then " + refusal(app, second);
    }

    private static void revocation(ClientAuthentication app, Token token) throws Exception {
        TokenRevocationRequest request = new TokenRevocationRequest(server.getRevocationEndpointURI(), app, token);
        request.toHTTPRequest().send().ensureStatusCode(200);
    }

    private static String clientCredentials(ClientAuthentication app) throws Exception {
        TokenRequest.Builder request =
                new TokenRequest.Builder(server.getTokenEndpointURI(), app, new ClientCredentialsGrant());
        Tokens tokens = parsed(request.scope(SCOPE)).getTokens();
        AccessToken token = tokens.getAccessToken();
        return token.getType() + ", " + token.getScope() + ", refresh token " + tokens.getRefreshToken();
    }

    private static String codeTwice(ClientAuthentication app) throws Exception {
        AuthorizationGrant grant = brought();
        granted(app, grant);
        return shown(granted(app, grant));
    }

    private static String accessEnded(ClientAuthentication app) throws Exception {
        AccessTokenResponse answer = connected(app);
        asked("end access");
        return refusal(app, answer);
    }

    private static String refusal(ClientAuthentication app, AccessTokenResponse connection) throws Exception {
        try {
            granted(app, new RefreshTokenGrant(connection.getTokens().getRefreshToken()));
        } catch (Refused refused) {
            return refused.getMessage();
        }
        throw new AssertionError("a void refresh token was refreshed");
    }

    /** Says what came of a step, in the client's own words where it fails. Whether it went well. */
    private static boolean report(String step, Callable<Object> take) {
        try {
            System.out.println(step + ": " + take.call());
            return true;
        } catch (Exception error) {
            System.out.println(step + ": " + error.getClass().getSimpleName() + ": " + error.getMessage());
            return false;
        }
    }

    /** The test plays the person: {@code visit URL} is answered with the redirect, {@code end access} with {@code ended}. */
    private static String asked(String request) throws IOException {
        System.out.println(request);
        return PERSON.readLine();
    }

    private static String given(String name) {
        return Optional.ofNullable(System.getenv("E2E_" + name)).orElseThrow();
    }

    private static void must(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError("not so: " + what);
        }
    }
}
