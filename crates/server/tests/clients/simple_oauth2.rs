//! simple-oauth2, which checks neither the token type nor the error code. Its revocation works only if the answer is JSON.
//! `apicbase` answers with an empty body, like its original.

use std::process::Command;

use crate::process::e2e;
use crate::report::report;

#[test]
fn default_preset() {
    insta::assert_snapshot!(report(&mut client(), "default"), @r#"
    code, header: Bearer, 3600 s, expires in 60 min, "profile read", john@doe.com
    refresh, header: Bearer, 3600 s, expires in 60 min, "profile read", john@doe.com
    client credentials, header: Bearer, "profile read", refresh token undefined
    wrong secret, header: Response Error: 401 Unauthorized {"error":"invalid_client","error_description":"Client authentication failed"}
    code, body: Bearer, 3600 s, expires in 60 min, "profile read", john@doe.com
    refresh, body: Bearer, 3600 s, expires in 60 min, "profile read", john@doe.com
    client credentials, body: Bearer, "profile read", refresh token undefined
    wrong secret, body: Response Error: 401 Unauthorized {"error":"invalid_client","error_description":"Client authentication failed"}
    code, header unencoded: Bearer, 3600 s, expires in 60 min, "profile read", john@doe.com
    revocation: done, then Response Error: 400 Bad Request {"error":"invalid_grant","error_description":"The grant of this refresh token has ended"}
    code twice: Response Error: 400 Bad Request {"error":"invalid_grant","error_description":"The code was used before"}
    access ended: Response Error: 400 Bad Request {"error":"invalid_grant","error_description":"The grant of this refresh token has ended"}
    "#);
}

#[test]
fn common_controls_hub() {
    insta::assert_snapshot!(report(&mut client(), "common-controls-hub"), @r#"
    code, header: Bearer, 3600 s, expires in 60 min, "controls documents", john@doe.com
    refresh, header: Bearer, 3600 s, expires in 60 min, "controls documents", john@doe.com
    client credentials, header: Response Error: 400 Bad Request {"error":"unsupported_grant_type","error_description":"Grant type \"client_credentials\" not supported"}
    wrong secret, header: Response Error: 400 Bad Request {"error":"invalid_client","error_description":"The client credentials are invalid"}
    code, body: Bearer, 3600 s, expires in 60 min, "controls documents", john@doe.com
    refresh, body: Bearer, 3600 s, expires in 60 min, "controls documents", john@doe.com
    client credentials, body: Response Error: 400 Bad Request {"error":"unsupported_grant_type","error_description":"Grant type \"client_credentials\" not supported"}
    wrong secret, body: Response Error: 400 Bad Request {"error":"invalid_client","error_description":"The client credentials are invalid"}
    code, header unencoded: Bearer, 3600 s, expires in 60 min, "controls documents", john@doe.com
    revocation: done, then Response Error: 400 Bad Request {"error":"invalid_grant","error_description":"Invalid refresh token"}
    code twice: Response Error: 400 Bad Request {"error":"invalid_grant","error_description":"Authorization code doesn't exist or is invalid for the client"}
    access ended: Response Error: 400 Bad Request {"error":"invalid_grant","error_description":"Invalid refresh token"}
    "#);
}

#[test]
fn connected_home() {
    insta::assert_snapshot!(report(&mut client(), "connected-home"), @r#"
    code, header: BearerToken, "3599" s, expires in 60 min, "user", john@doe.com
    refresh, header: BearerToken, "3599" s, expires in 60 min, "user", john@doe.com
    client credentials, header: BearerToken, "user", refresh token undefined
    wrong secret, header: Response Error: 401 Unauthorized {"ErrorCode":"invalid_client","Error":"ClientId is Invalid"}
    code, body: BearerToken, "3599" s, expires in 60 min, "user", john@doe.com
    refresh, body: BearerToken, "3599" s, expires in 60 min, "user", john@doe.com
    client credentials, body: BearerToken, "user", refresh token undefined
    wrong secret, body: Response Error: 401 Unauthorized {"ErrorCode":"invalid_client","Error":"ClientId is Invalid"}
    code, header unencoded: BearerToken, "3599" s, expires in 60 min, "user", john@doe.com
    revocation: done, then Response Error: 400 Bad Request {"ErrorCode":"invalid_request","Error":"Invalid Refresh Token"}
    code twice: Response Error: 400 Bad Request {"ErrorCode":"invalid_request","Error":"Invalid Authorization Code"}
    access ended: Response Error: 400 Bad Request {"ErrorCode":"invalid_request","Error":"Invalid Refresh Token"}
    "#);
}

#[test]
fn house_check() {
    insta::assert_snapshot!(report(&mut client(), "house-check"), @r#"
    code, header: Bearer, 86400 s, expires in 1440 min, , john@doe.com
    refresh, header: Bearer, 86400 s, expires in 1440 min, , john@doe.com
    client credentials, header: Response Error: 400 Bad Request {"error":"unsupported_grant_type","error_description":"The authorization grant type is not supported by the authorization server.","hint":"Check that all required parameters have been provided"}
    wrong secret, header: Response Error: 401 Unauthorized {"error":"invalid_client","error_description":"Client authentication failed"}
    code, body: Bearer, 86400 s, expires in 1440 min, , john@doe.com
    refresh, body: Bearer, 86400 s, expires in 1440 min, , john@doe.com
    client credentials, body: Response Error: 400 Bad Request {"error":"unsupported_grant_type","error_description":"The authorization grant type is not supported by the authorization server.","hint":"Check that all required parameters have been provided"}
    wrong secret, body: Response Error: 401 Unauthorized {"error":"invalid_client","error_description":"Client authentication failed"}
    code, header unencoded: Bearer, 86400 s, expires in 1440 min, , john@doe.com
    revocation: done, then Response Error: 400 Bad Request {"error":"invalid_grant","error_description":"The refresh token is invalid.","hint":"Token has been revoked"}
    code twice: Response Error: 400 Bad Request {"error":"invalid_grant","error_description":"The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.","hint":"Authorization code has been revoked"}
    access ended: Response Error: 400 Bad Request {"error":"invalid_grant","error_description":"The refresh token is invalid.","hint":"Token has been revoked"}
    "#);
}

#[test]
fn apicbase() {
    insta::assert_snapshot!(report(&mut client(), "apicbase"), @r#"
    code, header: Bearer, 604800 s, expires in 10080 min, "library sales", john@doe.com
    refresh, header: Bearer, 604800 s, expires in 10080 min, "library sales", john@doe.com
    client credentials, header: Response Error: 400 Bad Request {"error":"unsupported_grant_type"}
    wrong secret, header: Response Error: 401 Unauthorized {"error":"invalid_client"}
    code, body: Bearer, 604800 s, expires in 10080 min, "library sales", john@doe.com
    refresh, body: Bearer, 604800 s, expires in 10080 min, "library sales", john@doe.com
    client credentials, body: Response Error: 400 Bad Request {"error":"unsupported_grant_type"}
    wrong secret, body: Response Error: 401 Unauthorized {"error":"invalid_client"}
    code, header unencoded: Bearer, 604800 s, expires in 10080 min, "library sales", john@doe.com
    revocation: The content-type is not JSON compatible undefined
    code twice: Response Error: 400 Bad Request {"error":"invalid_grant"}
    access ended: Response Error: 400 Bad Request {"error":"invalid_grant"}
    "#);
}

fn client() -> Command {
    e2e("node/node_modules/simple-oauth2");
    let mut client = Command::new("node");
    client.arg(e2e("node/simple_oauth2.js"));
    client
}
