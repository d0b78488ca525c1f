//! openid-client, which finds the endpoints itself. On `connected-home` it needs a hook for the token type, and reports only
//! the status of a refusal.

use std::process::Command;

use crate::process::e2e;
use crate::report::report;

#[test]
fn default_preset() {
    insta::assert_snapshot!(report(&mut client(), "default"), @r#"
    code: bearer, 3600 s, "profile read", john@doe.com
    refresh, ClientSecretBasic: bearer, 3600 s, "profile read", john@doe.com
    introspection, ClientSecretBasic: active, scope, client_id, username, token_type, exp, iat, sub, iss; unknown: {"active":false}
    revocation, ClientSecretBasic: done, then ResponseBodyError: invalid_grant, The grant of this refresh token has ended
    client credentials, ClientSecretBasic: bearer, "profile read", refresh token undefined
    wrong secret, ClientSecretBasic: WWWAuthenticateChallengeError: server responded with a challenge in the WWW-Authenticate HTTP Header, [{"scheme":"basic","parameters":{"realm":"OAuth"}}]
    refresh, ClientSecretPost: bearer, 3600 s, "profile read", john@doe.com
    introspection, ClientSecretPost: active, scope, client_id, username, token_type, exp, iat, sub, iss; unknown: {"active":false}
    revocation, ClientSecretPost: done, then ResponseBodyError: invalid_grant, The grant of this refresh token has ended
    client credentials, ClientSecretPost: bearer, "profile read", refresh token undefined
    wrong secret, ClientSecretPost: ResponseBodyError: invalid_client, Client authentication failed
    code twice: ResponseBodyError: invalid_grant, The code was used before
    access ended: ResponseBodyError: invalid_grant, The grant of this refresh token has ended
    "#);
}

#[test]
fn common_controls_hub() {
    insta::assert_snapshot!(report(&mut client(), "common-controls-hub"), @r#"
    code: bearer, 3600 s, "controls documents", john@doe.com
    refresh, ClientSecretBasic: bearer, 3600 s, "controls documents", john@doe.com
    introspection, ClientSecretBasic: active, scope, client_id, username, token_type, exp, iat, sub, iss; unknown: {"active":false}
    revocation, ClientSecretBasic: done, then ResponseBodyError: invalid_grant, Invalid refresh token
    client credentials, ClientSecretBasic: ResponseBodyError: unsupported_grant_type, Grant type "client_credentials" not supported
    wrong secret, ClientSecretBasic: ResponseBodyError: invalid_client, The client credentials are invalid
    refresh, ClientSecretPost: bearer, 3600 s, "controls documents", john@doe.com
    introspection, ClientSecretPost: active, scope, client_id, username, token_type, exp, iat, sub, iss; unknown: {"active":false}
    revocation, ClientSecretPost: done, then ResponseBodyError: invalid_grant, Invalid refresh token
    client credentials, ClientSecretPost: ResponseBodyError: unsupported_grant_type, Grant type "client_credentials" not supported
    wrong secret, ClientSecretPost: ResponseBodyError: invalid_client, The client credentials are invalid
    code twice: ResponseBodyError: invalid_grant, Authorization code doesn't exist or is invalid for the client
    access ended: ResponseBodyError: invalid_grant, Invalid refresh token
    "#);
}

#[test]
fn connected_home() {
    insta::assert_snapshot!(report(&mut client(), "connected-home"), @r#"
    code: ClientError: unsupported operation, unsupported `token_type` value
    refresh, ClientSecretBasic, with a hook: bearer, 3599 s, "user", john@doe.com
    introspection, ClientSecretBasic: active, scope, client_id, username, token_type, exp, iat, sub, iss; unknown: {"active":false}
    revocation, ClientSecretBasic: done, then ClientError: unexpected HTTP response status code
    client credentials, ClientSecretBasic: bearer, "user", refresh token undefined
    wrong secret, ClientSecretBasic: WWWAuthenticateChallengeError: server responded with a challenge in the WWW-Authenticate HTTP Header, [{"scheme":"basic","parameters":{"realm":"OAuth"}}]
    refresh, ClientSecretPost, with a hook: bearer, 3599 s, "user", john@doe.com
    introspection, ClientSecretPost: active, scope, client_id, username, token_type, exp, iat, sub, iss; unknown: {"active":false}
    revocation, ClientSecretPost: done, then ClientError: unexpected HTTP response status code
    client credentials, ClientSecretPost: bearer, "user", refresh token undefined
    wrong secret, ClientSecretPost: ClientError: unexpected HTTP response status code
    code twice: ClientError: unexpected HTTP response status code
    access ended: ClientError: unexpected HTTP response status code
    "#);
}

#[test]
fn house_check() {
    insta::assert_snapshot!(report(&mut client(), "house-check"), @r#"
    code: bearer, 86400 s, undefined, john@doe.com
    refresh, ClientSecretBasic: bearer, 86400 s, undefined, john@doe.com
    introspection, ClientSecretBasic: active, scope, client_id, username, token_type, exp, iat, sub, iss; unknown: {"active":false}
    revocation, ClientSecretBasic: done, then ResponseBodyError: invalid_grant, The refresh token is invalid.
    client credentials, ClientSecretBasic: ResponseBodyError: unsupported_grant_type, The authorization grant type is not supported by the authorization server.
    wrong secret, ClientSecretBasic: WWWAuthenticateChallengeError: server responded with a challenge in the WWW-Authenticate HTTP Header, [{"scheme":"basic","parameters":{"realm":"OAuth"}}]
    refresh, ClientSecretPost: bearer, 86400 s, undefined, john@doe.com
    introspection, ClientSecretPost: active, scope, client_id, username, token_type, exp, iat, sub, iss; unknown: {"active":false}
    revocation, ClientSecretPost: done, then ResponseBodyError: invalid_grant, The refresh token is invalid.
    client credentials, ClientSecretPost: ResponseBodyError: unsupported_grant_type, The authorization grant type is not supported by the authorization server.
    wrong secret, ClientSecretPost: ResponseBodyError: invalid_client, Client authentication failed
    code twice: ResponseBodyError: invalid_grant, The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.
    access ended: ResponseBodyError: invalid_grant, The refresh token is invalid.
    "#);
}

#[test]
fn apicbase() {
    insta::assert_snapshot!(report(&mut client(), "apicbase"), @r#"
    code: bearer, 604800 s, "library sales", john@doe.com
    refresh, ClientSecretBasic: bearer, 604800 s, "library sales", john@doe.com
    introspection, ClientSecretBasic: active, scope, exp, client_id, username; unknown: {"active":false}
    revocation, ClientSecretBasic: done, then ResponseBodyError: invalid_grant
    client credentials, ClientSecretBasic: ResponseBodyError: unsupported_grant_type
    wrong secret, ClientSecretBasic: WWWAuthenticateChallengeError: server responded with a challenge in the WWW-Authenticate HTTP Header, [{"scheme":"bearer","parameters":{"error":"invalid_client"}}]
    refresh, ClientSecretPost: bearer, 604800 s, "library sales", john@doe.com
    introspection, ClientSecretPost: active, scope, exp, client_id, username; unknown: {"active":false}
    revocation, ClientSecretPost: done, then ResponseBodyError: invalid_grant
    client credentials, ClientSecretPost: ResponseBodyError: unsupported_grant_type
    wrong secret, ClientSecretPost: WWWAuthenticateChallengeError: server responded with a challenge in the WWW-Authenticate HTTP Header, [{"scheme":"bearer","parameters":{"error":"invalid_client"}}]
    code twice: ResponseBodyError: invalid_grant
    access ended: ResponseBodyError: invalid_grant
    "#);
}

fn client() -> Command {
    e2e("node/node_modules/openid-client");
    let mut client = Command::new("node");
    client.arg(e2e("node/openid_client.js"));
    client
}
