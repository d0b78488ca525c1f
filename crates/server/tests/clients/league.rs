//! league/oauth2-client's GenericProvider, whose behaviour our own script has. It separates scopes by commas by
//! default, sends its redirect URI with every grant, and recognises a refusal only by its member `error`.

use std::process::Command;

use crate::process::e2e;
use crate::report::report;

#[test]
fn default_preset() {
    insta::assert_snapshot!(report(&mut client(), "default"), @r#"
    code, body: Bearer, expires in 60 min, "profile read", john@doe.com
    refresh, body: Bearer, expires in 60 min, "profile read", john@doe.com
    client credentials, body: Bearer, "profile read", refresh token null
    wrong secret, body: IdentityProviderException: invalid_client
    code, Basic: Bearer, expires in 60 min, "profile read", john@doe.com
    refresh, Basic: Bearer, expires in 60 min, "profile read", john@doe.com
    client credentials, Basic: Bearer, "profile read", refresh token null
    wrong secret, Basic: IdentityProviderException: invalid_client
    scopes separated by commas, as by default: Exception: redirected with invalid_scope
    code twice: IdentityProviderException: invalid_grant
    access ended: IdentityProviderException: invalid_grant
    "#);
}

#[test]
fn common_controls_hub() {
    insta::assert_snapshot!(report(&mut client(), "common-controls-hub"), @r#"
    code, body: Bearer, expires in 60 min, "controls documents", john@doe.com
    refresh, body: Bearer, expires in 60 min, "controls documents", john@doe.com
    client credentials, body: IdentityProviderException: unsupported_grant_type
    wrong secret, body: IdentityProviderException: invalid_client
    code, Basic: Bearer, expires in 60 min, "controls documents", john@doe.com
    refresh, Basic: Bearer, expires in 60 min, "controls documents", john@doe.com
    client credentials, Basic: IdentityProviderException: unsupported_grant_type
    wrong secret, Basic: IdentityProviderException: invalid_client
    scopes separated by commas, as by default: Exception: redirected with invalid_scope
    code twice: IdentityProviderException: invalid_grant
    access ended: IdentityProviderException: invalid_grant
    "#);
}

#[test]
fn connected_home() {
    insta::assert_snapshot!(report(&mut client(), "connected-home"), @r#"
    code, body: BearerToken, expires in 60 min, "user", john@doe.com
    refresh, body: BearerToken, expires in 60 min, "user", john@doe.com
    client credentials, body: BearerToken, "user", refresh token null
    wrong secret, body: InvalidArgumentException: Required option not passed: "access_token"
    code, Basic: BearerToken, expires in 60 min, "user", john@doe.com
    refresh, Basic: BearerToken, expires in 60 min, "user", john@doe.com
    client credentials, Basic: BearerToken, "user", refresh token null
    wrong secret, Basic: InvalidArgumentException: Required option not passed: "access_token"
    scopes separated by commas, as by default: BearerToken, expires in 60 min, "user", john@doe.com
    code twice: InvalidArgumentException: Required option not passed: "access_token"
    access ended: InvalidArgumentException: Required option not passed: "access_token"
    "#);
}

#[test]
fn house_check() {
    insta::assert_snapshot!(report(&mut client(), "house-check"), @r#"
    code, body: Bearer, expires in 1440 min, null, john@doe.com
    refresh, body: Bearer, expires in 1440 min, null, john@doe.com
    client credentials, body: IdentityProviderException: unsupported_grant_type
    wrong secret, body: IdentityProviderException: invalid_client
    code, Basic: Bearer, expires in 1440 min, null, john@doe.com
    refresh, Basic: Bearer, expires in 1440 min, null, john@doe.com
    client credentials, Basic: IdentityProviderException: unsupported_grant_type
    wrong secret, Basic: IdentityProviderException: invalid_client
    scopes separated by commas, as by default: Exception: redirected with invalid_scope
    code twice: IdentityProviderException: invalid_grant
    access ended: IdentityProviderException: invalid_grant
    "#);
}

#[test]
fn apicbase() {
    insta::assert_snapshot!(report(&mut client(), "apicbase"), @r#"
    code, body: Bearer, expires in 10080 min, "library sales", john@doe.com
    refresh, body: Bearer, expires in 10080 min, "library sales", john@doe.com
    client credentials, body: IdentityProviderException: unsupported_grant_type
    wrong secret, body: IdentityProviderException: invalid_client
    code, Basic: Bearer, expires in 10080 min, "library sales", john@doe.com
    refresh, Basic: Bearer, expires in 10080 min, "library sales", john@doe.com
    client credentials, Basic: IdentityProviderException: unsupported_grant_type
    wrong secret, Basic: IdentityProviderException: invalid_client
    scopes separated by commas, as by default: Exception: redirected with invalid_scope
    code twice: IdentityProviderException: invalid_grant
    access ended: IdentityProviderException: invalid_grant
    "#);
}

fn client() -> Command {
    let mut client = Command::new("php");
    client.arg(e2e("php/generic_provider.php"));
    client
}
