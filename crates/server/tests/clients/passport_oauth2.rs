//! passport-oauth2 under passport. To load profiles, its header must be switched on: by default it puts the token into the query.

use std::process::Command;

use crate::process::e2e;
use crate::report::report;

#[test]
fn default_preset() {
    insta::assert_snapshot!(report(&mut client(), "default"), @r#"
    code: Bearer, 3600 s, "profile read", john@doe.com
    refresh: Bearer, 3600 s, "profile read", john@doe.com
    profile, token in the query: 401
    profile, token in the header: john@doe.com
    wrong secret: TokenError invalid_client: Client authentication failed
    code twice: TokenError invalid_grant: The code was used before
    access ended: TokenError invalid_grant: The grant of this refresh token has ended
    "#);
}

#[test]
fn common_controls_hub() {
    insta::assert_snapshot!(report(&mut client(), "common-controls-hub"), @r#"
    code: Bearer, 3600 s, "controls documents", john@doe.com
    refresh: Bearer, 3600 s, "controls documents", john@doe.com
    profile, token in the query: 401
    profile, token in the header: john@doe.com
    wrong secret: TokenError invalid_client: The client credentials are invalid
    code twice: TokenError invalid_grant: Authorization code doesn't exist or is invalid for the client
    access ended: TokenError invalid_grant: Invalid refresh token
    "#);
}

#[test]
fn connected_home() {
    insta::assert_snapshot!(report(&mut client(), "connected-home"), @r#"
    code: BearerToken, "3599" s, "user", john@doe.com
    refresh: BearerToken, "3599" s, "user", john@doe.com
    profile, token in the query: 401
    profile, token in the header: john@doe.com
    wrong secret: InternalOAuthError undefined: Failed to obtain access token (401 {"ErrorCode":"invalid_client","Error":"ClientId is Invalid"})
    code twice: InternalOAuthError undefined: Failed to obtain access token (400 {"ErrorCode":"invalid_request","Error":"Invalid Authorization Code"})
    access ended: InternalOAuthError undefined: Failed to refresh (400 {"ErrorCode":"invalid_request","Error":"Invalid Refresh Token"})
    "#);
}

#[test]
fn house_check() {
    insta::assert_snapshot!(report(&mut client(), "house-check"), @r#"
    code: Bearer, 86400 s, undefined, john@doe.com
    refresh: Bearer, 86400 s, undefined, john@doe.com
    profile, token in the query: 401
    profile, token in the header: john@doe.com
    wrong secret: TokenError invalid_client: Client authentication failed
    code twice: TokenError invalid_grant: The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.
    access ended: TokenError invalid_grant: The refresh token is invalid.
    "#);
}

#[test]
fn apicbase() {
    insta::assert_snapshot!(report(&mut client(), "apicbase"), @r#"
    code: Bearer, 604800 s, "library sales", john@doe.com
    refresh: Bearer, 604800 s, "library sales", john@doe.com
    profile, token in the query: 401
    profile, token in the header: john@doe.com
    wrong secret: TokenError invalid_client: undefined
    code twice: TokenError invalid_grant: undefined
    access ended: TokenError invalid_grant: undefined
    "#);
}

fn client() -> Command {
    e2e("node/node_modules/passport-oauth2");
    let mut client = Command::new("node");
    client.arg(e2e("node/passport_oauth2.js"));
    client
}
