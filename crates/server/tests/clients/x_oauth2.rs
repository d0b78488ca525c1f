//! golang.org/x/oauth2. On `connected-home` it repeats the answer's token type in its Authorization header, which is refused,
//! and reads the member `Error` as `error`.

use std::process::Command;

use crate::process::e2e;
use crate::report::report;

#[test]
fn default_preset() {
    insta::assert_snapshot!(report(&mut client(), "default"), @r#"
    code, header: Bearer, 3600 s, expires in 60 min, "profile read", john@doe.com
    refresh, header: Bearer, 3600 s, expires in 60 min, "profile read", john@doe.com
    client credentials, header: Bearer, "profile read", refresh token ""
    wrong secret, header: RetrieveError 401 "invalid_client": oauth2: "invalid_client" "Client authentication failed"
    code, params: Bearer, 3600 s, expires in 60 min, "profile read", john@doe.com
    refresh, params: Bearer, 3600 s, expires in 60 min, "profile read", john@doe.com
    client credentials, params: Bearer, "profile read", refresh token ""
    wrong secret, params: RetrieveError 401 "invalid_client": oauth2: "invalid_client" "Client authentication failed"
    code, auto: Bearer, 3600 s, expires in 60 min, "profile read", john@doe.com
    refresh, auto: Bearer, 3600 s, expires in 60 min, "profile read", john@doe.com
    client credentials, auto: Bearer, "profile read", refresh token ""
    wrong secret, auto: RetrieveError 401 "invalid_client": oauth2: "invalid_client" "Client authentication failed"
    code twice: RetrieveError 400 "invalid_grant": oauth2: "invalid_grant" "The code was used before"
    access ended: RetrieveError 400 "invalid_grant": oauth2: "invalid_grant" "The grant of this refresh token has ended"
    "#);
}

#[test]
fn common_controls_hub() {
    insta::assert_snapshot!(report(&mut client(), "common-controls-hub"), @r#"
    code, header: Bearer, 3600 s, expires in 60 min, "controls documents", john@doe.com
    refresh, header: Bearer, 3600 s, expires in 60 min, "controls documents", john@doe.com
    client credentials, header: RetrieveError 400 "unsupported_grant_type": oauth2: "unsupported_grant_type" "Grant type \"client_credentials\" not supported"
    wrong secret, header: RetrieveError 400 "invalid_client": oauth2: "invalid_client" "The client credentials are invalid"
    code, params: Bearer, 3600 s, expires in 60 min, "controls documents", john@doe.com
    refresh, params: Bearer, 3600 s, expires in 60 min, "controls documents", john@doe.com
    client credentials, params: RetrieveError 400 "unsupported_grant_type": oauth2: "unsupported_grant_type" "Grant type \"client_credentials\" not supported"
    wrong secret, params: RetrieveError 400 "invalid_client": oauth2: "invalid_client" "The client credentials are invalid"
    code, auto: Bearer, 3600 s, expires in 60 min, "controls documents", john@doe.com
    refresh, auto: Bearer, 3600 s, expires in 60 min, "controls documents", john@doe.com
    client credentials, auto: RetrieveError 400 "unsupported_grant_type": oauth2: "unsupported_grant_type" "Grant type \"client_credentials\" not supported"
    wrong secret, auto: RetrieveError 400 "invalid_client": oauth2: "invalid_client" "The client credentials are invalid"
    code twice: RetrieveError 400 "invalid_grant": oauth2: "invalid_grant" "Authorization code doesn't exist or is invalid for the client"
    access ended: RetrieveError 400 "invalid_grant": oauth2: "invalid_grant" "Invalid refresh token"
    "#);
}

#[test]
fn connected_home() {
    insta::assert_snapshot!(report(&mut client(), "connected-home"), @r#"
    code, header: BearerToken, 3599 s, expires in 60 min, "user", as BearerToken 401 Unauthorized, as Bearer john@doe.com
    refresh, header: BearerToken, 3599 s, expires in 60 min, "user", as BearerToken 401 Unauthorized, as Bearer john@doe.com
    client credentials, header: BearerToken, "user", refresh token ""
    wrong secret, header: RetrieveError 401 "ClientId is Invalid": oauth2: "ClientId is Invalid"
    code, params: BearerToken, 3599 s, expires in 60 min, "user", as BearerToken 401 Unauthorized, as Bearer john@doe.com
    refresh, params: BearerToken, 3599 s, expires in 60 min, "user", as BearerToken 401 Unauthorized, as Bearer john@doe.com
    client credentials, params: BearerToken, "user", refresh token ""
    wrong secret, params: RetrieveError 401 "ClientId is Invalid": oauth2: "ClientId is Invalid"
    code, auto: BearerToken, 3599 s, expires in 60 min, "user", as BearerToken 401 Unauthorized, as Bearer john@doe.com
    refresh, auto: BearerToken, 3599 s, expires in 60 min, "user", as BearerToken 401 Unauthorized, as Bearer john@doe.com
    client credentials, auto: BearerToken, "user", refresh token ""
    wrong secret, auto: RetrieveError 401 "ClientId is Invalid": oauth2: "ClientId is Invalid"
    code twice: RetrieveError 400 "Invalid Authorization Code": oauth2: "Invalid Authorization Code"
    access ended: RetrieveError 400 "Invalid Refresh Token": oauth2: "Invalid Refresh Token"
    "#);
}

#[test]
fn house_check() {
    insta::assert_snapshot!(report(&mut client(), "house-check"), @r#"
    code, header: Bearer, 86400 s, expires in 1440 min, null, john@doe.com
    refresh, header: Bearer, 86400 s, expires in 1440 min, null, john@doe.com
    client credentials, header: RetrieveError 400 "unsupported_grant_type": oauth2: "unsupported_grant_type" "The authorization grant type is not supported by the authorization server."
    wrong secret, header: RetrieveError 401 "invalid_client": oauth2: "invalid_client" "Client authentication failed"
    code, params: Bearer, 86400 s, expires in 1440 min, null, john@doe.com
    refresh, params: Bearer, 86400 s, expires in 1440 min, null, john@doe.com
    client credentials, params: RetrieveError 400 "unsupported_grant_type": oauth2: "unsupported_grant_type" "The authorization grant type is not supported by the authorization server."
    wrong secret, params: RetrieveError 401 "invalid_client": oauth2: "invalid_client" "Client authentication failed"
    code, auto: Bearer, 86400 s, expires in 1440 min, null, john@doe.com
    refresh, auto: Bearer, 86400 s, expires in 1440 min, null, john@doe.com
    client credentials, auto: RetrieveError 400 "unsupported_grant_type": oauth2: "unsupported_grant_type" "The authorization grant type is not supported by the authorization server."
    wrong secret, auto: RetrieveError 401 "invalid_client": oauth2: "invalid_client" "Client authentication failed"
    code twice: RetrieveError 400 "invalid_grant": oauth2: "invalid_grant" "The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client."
    access ended: RetrieveError 400 "invalid_grant": oauth2: "invalid_grant" "The refresh token is invalid."
    "#);
}

#[test]
fn apicbase() {
    insta::assert_snapshot!(report(&mut client(), "apicbase"), @r#"
    code, header: Bearer, 604800 s, expires in 10080 min, "library sales", john@doe.com
    refresh, header: Bearer, 604800 s, expires in 10080 min, "library sales", john@doe.com
    client credentials, header: RetrieveError 400 "unsupported_grant_type": oauth2: "unsupported_grant_type"
    wrong secret, header: RetrieveError 401 "invalid_client": oauth2: "invalid_client"
    code, params: Bearer, 604800 s, expires in 10080 min, "library sales", john@doe.com
    refresh, params: Bearer, 604800 s, expires in 10080 min, "library sales", john@doe.com
    client credentials, params: RetrieveError 400 "unsupported_grant_type": oauth2: "unsupported_grant_type"
    wrong secret, params: RetrieveError 401 "invalid_client": oauth2: "invalid_client"
    code, auto: Bearer, 604800 s, expires in 10080 min, "library sales", john@doe.com
    refresh, auto: Bearer, 604800 s, expires in 10080 min, "library sales", john@doe.com
    client credentials, auto: RetrieveError 400 "unsupported_grant_type": oauth2: "unsupported_grant_type"
    wrong secret, auto: RetrieveError 401 "invalid_client": oauth2: "invalid_client"
    code twice: RetrieveError 400 "invalid_grant": oauth2: "invalid_grant"
    access ended: RetrieveError 400 "invalid_grant": oauth2: "invalid_grant"
    "#);
}

fn client() -> Command {
    Command::new(e2e("go/bin/x_oauth2"))
}
