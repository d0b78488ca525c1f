//! Nimbus OAuth 2.0 SDK, which finds the endpoints itself. On `connected-home` it needs a hook for the token type.

use std::process::Command;

use crate::process::e2e;
use crate::report::report;

#[test]
fn default_preset() {
    insta::assert_snapshot!(report(&mut client(), "default"), @r#"
    code: Bearer, 3600 s, profile read, john@doe.com
    refresh, Basic: Bearer, 3600 s, profile read, john@doe.com
    introspection, Basic: sub, scope, iss, active, token_type, exp, iat, client_id, username; unknown: {"active":false}
    revocation, Basic: done, then 400 {"error_description":"The grant of this refresh token has ended","error":"invalid_grant"}
    client credentials, Basic: Bearer, profile read, refresh token null
    wrong secret, Basic: Refused: 401 {"error_description":"Client authentication failed","error":"invalid_client"}
    refresh, body: Bearer, 3600 s, profile read, john@doe.com
    introspection, body: sub, scope, iss, active, token_type, exp, iat, client_id, username; unknown: {"active":false}
    revocation, body: done, then 400 {"error_description":"The grant of this refresh token has ended","error":"invalid_grant"}
    client credentials, body: Bearer, profile read, refresh token null
    wrong secret, body: Refused: 401 {"error_description":"Client authentication failed","error":"invalid_client"}
    code twice: Refused: 400 {"error_description":"The code was used before","error":"invalid_grant"}
    access ended: 400 {"error_description":"The grant of this refresh token has ended","error":"invalid_grant"}
    "#);
}

#[test]
fn common_controls_hub() {
    insta::assert_snapshot!(report(&mut client(), "common-controls-hub"), @r#"
    code: Bearer, 3600 s, controls documents, john@doe.com
    refresh, Basic: Bearer, 3600 s, controls documents, john@doe.com
    introspection, Basic: sub, scope, iss, active, token_type, exp, iat, client_id, username; unknown: {"active":false}
    revocation, Basic: done, then 400 {"error_description":"Invalid refresh token","error":"invalid_grant"}
    client credentials, Basic: Refused: 400 {"error_description":"Grant type client_credentials not supported","error":"unsupported_grant_type"}
    wrong secret, Basic: Refused: 400 {"error_description":"The client credentials are invalid","error":"invalid_client"}
    refresh, body: Bearer, 3600 s, controls documents, john@doe.com
    introspection, body: sub, scope, iss, active, token_type, exp, iat, client_id, username; unknown: {"active":false}
    revocation, body: done, then 400 {"error_description":"Invalid refresh token","error":"invalid_grant"}
    client credentials, body: Refused: 400 {"error_description":"Grant type client_credentials not supported","error":"unsupported_grant_type"}
    wrong secret, body: Refused: 400 {"error_description":"The client credentials are invalid","error":"invalid_client"}
    code twice: Refused: 400 {"error_description":"Authorization code doesn't exist or is invalid for the client","error":"invalid_grant"}
    access ended: 400 {"error_description":"Invalid refresh token","error":"invalid_grant"}
    "#);
}

#[test]
fn connected_home() {
    insta::assert_snapshot!(report(&mut client(), "connected-home"), @r#"
    code: ParseException: Unsupported token_type: BearerToken
    refresh, Basic, with a hook: Bearer, 3599 s, user, john@doe.com
    introspection, Basic: sub, scope, iss, active, token_type, exp, iat, client_id, username; unknown: {"active":false}
    revocation, Basic: done, then 400 {"Error":"Invalid Refresh Token","ErrorCode":"invalid_request"}
    client credentials, Basic: Bearer, user, refresh token null
    wrong secret, Basic: Refused: 401 {"Error":"ClientId is Invalid","ErrorCode":"invalid_client"}
    refresh, body, with a hook: Bearer, 3599 s, user, john@doe.com
    introspection, body: sub, scope, iss, active, token_type, exp, iat, client_id, username; unknown: {"active":false}
    revocation, body: done, then 400 {"Error":"Invalid Refresh Token","ErrorCode":"invalid_request"}
    client credentials, body: Bearer, user, refresh token null
    wrong secret, body: Refused: 401 {"Error":"ClientId is Invalid","ErrorCode":"invalid_client"}
    code twice: Refused: 400 {"Error":"Invalid Authorization Code","ErrorCode":"invalid_request"}
    access ended: 400 {"Error":"Invalid Refresh Token","ErrorCode":"invalid_request"}
    "#);
}

#[test]
fn house_check() {
    insta::assert_snapshot!(report(&mut client(), "house-check"), @r#"
    code: Bearer, 86400 s, null, john@doe.com
    refresh, Basic: Bearer, 86400 s, null, john@doe.com
    introspection, Basic: sub, scope, iss, active, token_type, exp, iat, client_id, username; unknown: {"active":false}
    revocation, Basic: done, then 400 {"error_description":"The refresh token is invalid.","hint":"Token has been revoked","error":"invalid_grant"}
    client credentials, Basic: Refused: 400 {"error_description":"The authorization grant type is not supported by the authorization server.","hint":"Check that all required parameters have been provided","error":"unsupported_grant_type"}
    wrong secret, Basic: Refused: 401 {"error_description":"Client authentication failed","error":"invalid_client"}
    refresh, body: Bearer, 86400 s, null, john@doe.com
    introspection, body: sub, scope, iss, active, token_type, exp, iat, client_id, username; unknown: {"active":false}
    revocation, body: done, then 400 {"error_description":"The refresh token is invalid.","hint":"Token has been revoked","error":"invalid_grant"}
    client credentials, body: Refused: 400 {"error_description":"The authorization grant type is not supported by the authorization server.","hint":"Check that all required parameters have been provided","error":"unsupported_grant_type"}
    wrong secret, body: Refused: 401 {"error_description":"Client authentication failed","error":"invalid_client"}
    code twice: Refused: 400 {"error_description":"The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.","hint":"Authorization code has been revoked","error":"invalid_grant"}
    access ended: 400 {"error_description":"The refresh token is invalid.","hint":"Token has been revoked","error":"invalid_grant"}
    "#);
}

#[test]
fn apicbase() {
    insta::assert_snapshot!(report(&mut client(), "apicbase"), @r#"
    code: Bearer, 604800 s, library sales, john@doe.com
    refresh, Basic: Bearer, 604800 s, library sales, john@doe.com
    introspection, Basic: active, exp, client_id, scope, username; unknown: {"active":false}
    revocation, Basic: done, then 400 {"error":"invalid_grant"}
    client credentials, Basic: Refused: 400 {"error":"unsupported_grant_type"}
    wrong secret, Basic: Refused: 401 {"error":"invalid_client"}
    refresh, body: Bearer, 604800 s, library sales, john@doe.com
    introspection, body: active, exp, client_id, scope, username; unknown: {"active":false}
    revocation, body: done, then 400 {"error":"invalid_grant"}
    client credentials, body: Refused: 400 {"error":"unsupported_grant_type"}
    wrong secret, body: Refused: 401 {"error":"invalid_client"}
    code twice: Refused: 400 {"error":"invalid_grant"}
    access ended: 400 {"error":"invalid_grant"}
    "#);
}

fn client() -> Command {
    let folders = [e2e("java/classes"), e2e("java/lib").join("*")];
    let path = std::env::join_paths(folders).expect("no colon in a folder");
    let mut client = Command::new("java");
    client
        .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"])
        .arg(path)
        .arg("Nimbus");
    client
}
