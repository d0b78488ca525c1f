//! requests-oauthlib. On `connected-home` it needs a hook for the token type, and reports each refusal as a missing
//! token.

use std::process::Command;

use crate::process::e2e;
use crate::report::report;

#[test]
fn default_preset() {
    insta::assert_snapshot!(report(&mut client(), "default"), @r#"
    code: Bearer, 3600 s, ['profile', 'read'], john@doe.com
    refresh, Basic: Bearer, 3600 s, ['profile', 'read'], john@doe.com
    refresh, body: Bearer, 3600 s, ['profile', 'read'], john@doe.com
    revocation: 200, then InvalidGrantError: (invalid_grant) The grant of this refresh token has ended
    client credentials: Bearer, ['profile', 'read'], refresh token None
    wrong secret, Basic: InvalidClientError: (invalid_client) Client authentication failed
    wrong secret, body: InvalidClientError: (invalid_client) Client authentication failed
    code twice: InvalidGrantError: (invalid_grant) The code was used before
    access ended: InvalidGrantError: (invalid_grant) The grant of this refresh token has ended
    "#);
}

#[test]
fn common_controls_hub() {
    insta::assert_snapshot!(report(&mut client(), "common-controls-hub"), @r#"
    code: Bearer, 3600 s, ['controls', 'documents'], john@doe.com
    refresh, Basic: Bearer, 3600 s, ['controls', 'documents'], john@doe.com
    refresh, body: Bearer, 3600 s, ['controls', 'documents'], john@doe.com
    revocation: 200, then InvalidGrantError: (invalid_grant) Invalid refresh token
    client credentials: UnsupportedGrantTypeError: (unsupported_grant_type) Grant type "client_credentials" not supported
    wrong secret, Basic: InvalidClientError: (invalid_client) The client credentials are invalid
    wrong secret, body: InvalidClientError: (invalid_client) The client credentials are invalid
    code twice: InvalidGrantError: (invalid_grant) Authorization code doesn't exist or is invalid for the client
    access ended: InvalidGrantError: (invalid_grant) Invalid refresh token
    "#);
}

#[test]
fn connected_home() {
    insta::assert_snapshot!(report(&mut client(), "connected-home"), @r#"
    code: ValueError: Unsupported token type: BearerToken
    refresh, Basic, with a hook: Bearer, 3599 s, ['user'], john@doe.com
    refresh, body, with a hook: Bearer, 3599 s, ['user'], john@doe.com
    revocation: 200, then MissingTokenError: (missing_token) Missing access token parameter.
    client credentials: Bearer, ['user'], refresh token None
    wrong secret, Basic: MissingTokenError: (missing_token) Missing access token parameter.
    wrong secret, body: MissingTokenError: (missing_token) Missing access token parameter.
    code twice: MissingTokenError: (missing_token) Missing access token parameter.
    access ended: MissingTokenError: (missing_token) Missing access token parameter.
    "#);
}

#[test]
fn house_check() {
    insta::assert_snapshot!(report(&mut client(), "house-check"), @r#"
    code: Bearer, 86400 s, None, john@doe.com
    refresh, Basic: Bearer, 86400 s, None, john@doe.com
    refresh, body: Bearer, 86400 s, None, john@doe.com
    revocation: 200, then InvalidGrantError: (invalid_grant) The refresh token is invalid.
    client credentials: UnsupportedGrantTypeError: (unsupported_grant_type) The authorization grant type is not supported by the authorization server.
    wrong secret, Basic: InvalidClientError: (invalid_client) Client authentication failed
    wrong secret, body: InvalidClientError: (invalid_client) Client authentication failed
    code twice: InvalidGrantError: (invalid_grant) The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.
    access ended: InvalidGrantError: (invalid_grant) The refresh token is invalid.
    "#);
}

#[test]
fn apicbase() {
    insta::assert_snapshot!(report(&mut client(), "apicbase"), @r#"
    code: Bearer, 604800 s, ['library', 'sales'], john@doe.com
    refresh, Basic: Bearer, 604800 s, ['library', 'sales'], john@doe.com
    refresh, body: Bearer, 604800 s, ['library', 'sales'], john@doe.com
    revocation: 200, then InvalidGrantError: (invalid_grant)
    client credentials: UnsupportedGrantTypeError: (unsupported_grant_type)
    wrong secret, Basic: InvalidClientError: (invalid_client)
    wrong secret, body: InvalidClientError: (invalid_client)
    code twice: InvalidGrantError: (invalid_grant)
    access ended: InvalidGrantError: (invalid_grant)
    "#);
}

fn client() -> Command {
    let mut client = Command::new(e2e(".venv/bin/python"));
    client.arg(e2e("python/requests_oauthlib_client.py"));
    client
}
