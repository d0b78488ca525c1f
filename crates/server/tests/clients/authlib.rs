//! Authlib. On `connected-home` it needs a hook for the token type, and takes a refusal for a token: it recognises a refusal only
//! by its member `error`.

use std::process::Command;

use crate::process::e2e;
use crate::report::report;

#[test]
fn default_preset() {
    insta::assert_snapshot!(report(&mut client(), "default"), @r#"
    code: Bearer, 3600 s, 'profile read', john@doe.com
    refresh, Basic: Bearer, 3600 s, 'profile read', john@doe.com
    introspection, Basic: active, scope, client_id, username, token_type, exp, iat, sub, iss; unknown: {'active': False}
    revocation, Basic: 200, then OAuthError: invalid_grant: The grant of this refresh token has ended
    client credentials, Basic: Bearer, 'profile read', refresh token None
    wrong secret, Basic: OAuthError: invalid_client: Client authentication failed
    refresh, body: Bearer, 3600 s, 'profile read', john@doe.com
    introspection, body: active, scope, client_id, username, token_type, exp, iat, sub, iss; unknown: {'active': False}
    revocation, body: 200, then OAuthError: invalid_grant: The grant of this refresh token has ended
    client credentials, body: Bearer, 'profile read', refresh token None
    wrong secret, body: OAuthError: invalid_client: Client authentication failed
    code twice: OAuthError: invalid_grant: The code was used before
    access ended: OAuthError: invalid_grant: The grant of this refresh token has ended
    "#);
}

#[test]
fn common_controls_hub() {
    insta::assert_snapshot!(report(&mut client(), "common-controls-hub"), @r#"
    code: Bearer, 3600 s, 'controls documents', john@doe.com
    refresh, Basic: Bearer, 3600 s, 'controls documents', john@doe.com
    introspection, Basic: active, scope, client_id, username, token_type, exp, iat, sub, iss; unknown: {'active': False}
    revocation, Basic: 200, then OAuthError: invalid_grant: Invalid refresh token
    client credentials, Basic: OAuthError: unsupported_grant_type: Grant type "client_credentials" not supported
    wrong secret, Basic: OAuthError: invalid_client: The client credentials are invalid
    refresh, body: Bearer, 3600 s, 'controls documents', john@doe.com
    introspection, body: active, scope, client_id, username, token_type, exp, iat, sub, iss; unknown: {'active': False}
    revocation, body: 200, then OAuthError: invalid_grant: Invalid refresh token
    client credentials, body: OAuthError: unsupported_grant_type: Grant type "client_credentials" not supported
    wrong secret, body: OAuthError: invalid_client: The client credentials are invalid
    code twice: OAuthError: invalid_grant: Authorization code doesn't exist or is invalid for the client
    access ended: OAuthError: invalid_grant: Invalid refresh token
    "#);
}

#[test]
fn connected_home() {
    insta::assert_snapshot!(report(&mut client(), "connected-home"), @r#"
    code: UnsupportedTokenTypeError: unsupported_token_type: Unsupported token_type: 'bearertoken'
    refresh, Basic, with a hook: Bearer, '3599' s, 'user', john@doe.com
    introspection, Basic: active, scope, client_id, username, token_type, exp, iat, sub, iss; unknown: {'active': False}
    revocation, Basic: 200, then no error, but a token of {'ErrorCode': 'invalid_request', 'Error': 'Invalid Refresh Token'}
    client credentials, Basic: BearerToken, 'user', refresh token None
    wrong secret, Basic: no error, but a token of {'ErrorCode': 'invalid_client', 'Error': 'ClientId is Invalid'}
    refresh, body, with a hook: Bearer, '3599' s, 'user', john@doe.com
    introspection, body: active, scope, client_id, username, token_type, exp, iat, sub, iss; unknown: {'active': False}
    revocation, body: 200, then no error, but a token of {'ErrorCode': 'invalid_request', 'Error': 'Invalid Refresh Token'}
    client credentials, body: BearerToken, 'user', refresh token None
    wrong secret, body: no error, but a token of {'ErrorCode': 'invalid_client', 'Error': 'ClientId is Invalid'}
    code twice: no error, but a token of {'ErrorCode': 'invalid_request', 'Error': 'Invalid Authorization Code'}
    access ended: no error, but a token of {'ErrorCode': 'invalid_request', 'Error': 'Invalid Refresh Token'}
    "#);
}

#[test]
fn house_check() {
    insta::assert_snapshot!(report(&mut client(), "house-check"), @r#"
    code: Bearer, 86400 s, None, john@doe.com
    refresh, Basic: Bearer, 86400 s, None, john@doe.com
    introspection, Basic: active, scope, client_id, username, token_type, exp, iat, sub, iss; unknown: {'active': False}
    revocation, Basic: 200, then OAuthError: invalid_grant: The refresh token is invalid.
    client credentials, Basic: OAuthError: unsupported_grant_type: The authorization grant type is not supported by the authorization server.
    wrong secret, Basic: OAuthError: invalid_client: Client authentication failed
    refresh, body: Bearer, 86400 s, None, john@doe.com
    introspection, body: active, scope, client_id, username, token_type, exp, iat, sub, iss; unknown: {'active': False}
    revocation, body: 200, then OAuthError: invalid_grant: The refresh token is invalid.
    client credentials, body: OAuthError: unsupported_grant_type: The authorization grant type is not supported by the authorization server.
    wrong secret, body: OAuthError: invalid_client: Client authentication failed
    code twice: OAuthError: invalid_grant: The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.
    access ended: OAuthError: invalid_grant: The refresh token is invalid.
    "#);
}

#[test]
fn apicbase() {
    insta::assert_snapshot!(report(&mut client(), "apicbase"), @r#"
    code: Bearer, 604800 s, 'library sales', john@doe.com
    refresh, Basic: Bearer, 604800 s, 'library sales', john@doe.com
    introspection, Basic: active, scope, exp, client_id, username; unknown: {'active': False}
    revocation, Basic: 200, then OAuthError: invalid_grant:
    client credentials, Basic: OAuthError: unsupported_grant_type:
    wrong secret, Basic: OAuthError: invalid_client:
    refresh, body: Bearer, 604800 s, 'library sales', john@doe.com
    introspection, body: active, scope, exp, client_id, username; unknown: {'active': False}
    revocation, body: 200, then OAuthError: invalid_grant:
    client credentials, body: OAuthError: unsupported_grant_type:
    wrong secret, body: OAuthError: invalid_client:
    code twice: OAuthError: invalid_grant:
    access ended: OAuthError: invalid_grant:
    "#);
}

fn client() -> Command {
    let mut client = Command::new(e2e(".venv/bin/python"));
    client.arg(e2e("python/authlib_client.py"));
    client
}
