//! Paused is not ended (decision 42): a suspended object is refused at once and works again after it is resumed. No answer in
//! between makes a client delete its tokens or its registration.

use crate::harness::{APPS, Answer, Browser, Client, JOHN, MARY, Person, REDIRECT_URI, Server, TENANTS, Tokens};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

const MAX: Person = Person {
    email: "max@example.com",
    password: "only a member of it",
};

async fn is_logged_in(browser: &Browser<'_>) -> bool {
    let forms = browser.open("/account").await.forms();
    forms.iter().all(|form| !form.has("password"))
}

/// The reason of a pause in an answer.
fn pause(answer: &Answer) -> String {
    assert_eq!(answer.refusal(), "400 access_denied", "{answer:?}");
    let body = answer.json();
    let text = body["error_description"].as_str().or(body["Error"].as_str());
    text.and_then(|text| text.strip_prefix("paused: "))
        .unwrap_or_else(|| panic!("no pause: {body}"))
        .to_owned()
}

async fn assert_inactive(client: &Client<'_>, tokens: &Tokens) {
    for token in [&tokens.access, &tokens.refresh] {
        assert_eq!(client.introspect(token).await.json()["active"], false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_app_gets_paused_and_nobody_is_redirected_to_it() {
    let server = Server::binary("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let (tokens, own) = (
        sample.connect(&john).await,
        sample.client_credentials(&[]).await.tokens(),
    );
    let page = john.authorize(&sample.query(&[])).await.consent();
    let code = sample.code(&john, &[]).await;

    server.command(&["app", "suspend", "sample"]);
    assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
    for answer in [
        sample.refresh(&tokens.refresh).await,
        sample.redeem(&code).await,
        sample.client_credentials(&[]).await,
        sample.client_credentials(&[("scope", "nonsense")]).await,
    ] {
        assert_eq!(pause(&answer), "app_suspended");
    }
    assert_eq!(
        sample
            .clone()
            .with_secret("guessed")
            .refresh(&tokens.refresh)
            .await
            .refusal(),
        "401 invalid_client"
    );
    assert_inactive(&sample, &tokens).await;
    assert_eq!(sample.introspect(&own.access).await.json()["active"], false);
    let api = server.client(crate::harness::RESOURCE, "");
    for token in [&tokens.access, &own.access] {
        assert_eq!(api.introspect(token).await.json()["active"], false);
    }
    for browser in [&john, &server.browser()] {
        let refused = browser.authorize(&sample.query(&[])).await.page();
        assert_eq!((refused.status, refused.header("location")), (403, ""));
    }
    assert_eq!(john.decide(&page, "allow").await.page().status, 403);

    server.command(&["app", "resume", "sample"]);
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    assert_eq!(sample.refresh(&tokens.refresh).await.status, 200);
    assert_eq!(sample.redeem(&code).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_person_is_signed_out_and_their_apps_are_refused() {
    let server = Server::binary("default", APPS).await;
    let (john, mary) = (server.browser_of(JOHN).await, server.browser_of(MARY).await);
    let sample = server.client("sample", REDIRECT_URI);
    let (of_john, of_mary) = (sample.connect(&john).await, sample.connect(&mary).await);
    let code = sample.code(&john, &[]).await;

    server.command(&["user", "suspend", JOHN.email]);
    assert!(!is_logged_in(&john).await);
    assert_eq!(server.identity(&of_john.access).await.refusal(), "401 invalid_token");
    assert_inactive(&sample, &of_john).await;
    assert_eq!(pause(&sample.refresh(&of_john.refresh).await), "person_suspended");
    assert_eq!(pause(&sample.redeem(&code).await), "person_suspended");
    let (refused, unknown) = (
        server.browser().log_in(JOHN).await,
        server
            .browser()
            .log_in(Person {
                email: "nobody@example.com",
                ..JOHN
            })
            .await,
    );
    assert_eq!((refused.status, refused.text()), (401, unknown.text()));
    assert!(is_logged_in(&mary).await);
    assert_eq!(server.identity(&of_mary.access).await.status, 200);

    server.command(&["user", "resume", JOHN.email]);
    assert_eq!(sample.refresh(&of_john.refresh).await.status, 200);
    assert_eq!(sample.redeem(&code).await.status, 200);
    assert!(is_logged_in(&server.browser_of(JOHN).await).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_organization_and_its_apps_are_refused() {
    let server = Server::binary("default", TENANTS).await;
    let (john, mary) = (server.browser_of(JOHN).await, server.browser_of(MARY).await);
    let acme = server.client("acme-reports", "https://acme.example/callback");
    let partner = server.client("partner-sync", "https://partner.example/callback");
    let (of_acme, of_partner) = (acme.connect(&john).await, partner.connect(&john).await);
    let elsewhere = partner.connect(&mary).await;
    let code = partner.code(&john, &[]).await;

    server.command(&["org", "suspend", "acme"]);
    for tokens in [&of_acme, &of_partner] {
        assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
    }
    assert_eq!(pause(&acme.refresh(&of_acme.refresh).await), "app_suspended");
    assert_eq!(pause(&acme.client_credentials(&[]).await), "app_suspended");
    assert_eq!(
        pause(&partner.refresh(&of_partner.refresh).await),
        "organization_policy"
    );
    assert_eq!(pause(&partner.redeem(&code).await), "organization_policy");
    assert_inactive(&partner, &of_partner).await;
    assert_eq!(server.identity(&elsewhere.access).await.status, 200);

    server.command(&["org", "resume", "acme"]);
    assert_eq!(server.identity(&of_acme.access).await.status, 200);
    assert_eq!(partner.refresh(&of_partner.refresh).await.status, 200);
    assert_eq!(partner.redeem(&code).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_lost_its_reach_is_paused_by_the_organizations_policy_until_it_has_it_again() {
    let server = Server::library("default", TENANTS).await;
    let (john, mary) = (server.browser_of(JOHN).await, server.browser_of(MARY).await);
    let partner = server.client("partner-sync", "https://partner.example/callback");
    let (of_acme, of_globex) = (partner.connect(&john).await, partner.connect(&mary).await);

    let reach = async |reach: &str| {
        let path = "/apps/partner-sync";
        let changed = server
            .operator(Method::PATCH, path, Some(json!({ "reach": reach })))
            .await;
        assert_eq!(changed.status, 200, "{changed:?}");
    };
    reach("own").await;
    assert_eq!(server.identity(&of_acme.access).await.refusal(), "401 invalid_token");
    assert_inactive(&partner, &of_acme).await;
    assert_eq!(pause(&partner.refresh(&of_acme.refresh).await), "organization_policy");
    assert_eq!(server.identity(&of_globex.access).await.status, 200);

    reach("partner").await;
    assert_eq!(server.identity(&of_acme.access).await.status, 200);
    assert_eq!(partner.refresh(&of_acme.refresh).await.status, 200);
}

/// `unauthorized_client` would also make clients delete their registration.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_app_gets_paused_for_a_forbidden_grant_type_too() {
    let native = r#"
[[apps]]
name = "Native App"
client_id = "native"
type = "public"
redirect_uris = ["http://127.0.0.1/callback"]
"#;
    let server = Server::library("default", native).await;
    let native = server.client("native", "http://127.0.0.1:1/callback").public();
    assert_eq!(
        native.client_credentials(&[]).await.refusal(),
        "400 unauthorized_client"
    );
    server.command(&["app", "suspend", "native"]);
    assert_eq!(pause(&native.client_credentials(&[]).await), "app_suspended");
}

/// Only an authentic, current and unexpired token gets "paused": an expired or ended one gets its own refusal.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_hides_neither_an_end_nor_an_expiry() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let (ended, expired) = (sample.connect(&john).await, sample.connect(&john).await);
    let code = sample.code(&john, &[]).await;
    sample.revoke(&ended.refresh).await;

    server.command(&["app", "suspend", "sample"]);
    assert_eq!(sample.refresh(&ended.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(sample.refresh("hp_rt_none").await.refusal(), "400 invalid_grant");
    assert_eq!(pause(&sample.refresh(&expired.refresh).await), "app_suspended");
    server.advance(Duration::from_secs(60));
    assert_eq!(sample.redeem(&code).await.refusal(), "400 invalid_grant");
    server.advance(Duration::from_secs(14 * 24 * 3600));
    assert_eq!(sample.refresh(&expired.refresh).await.refusal(), "400 invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_refresh_rotates_nothing_and_counts_as_seen() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let first = sample.connect(&john).await;
    let second = sample.refresh(&first.refresh).await.tokens();
    server.command(&["user", "suspend", JOHN.email]);
    for token in [&second.refresh, &first.refresh] {
        assert_eq!(pause(&sample.refresh(token).await), "person_suspended");
    }
    server.command(&["user", "resume", JOHN.email]);
    assert_eq!(sample.introspect(&second.refresh).await.json()["active"], true);
    // The holder has the second pair, so after the grace the first token counts as reuse.
    server.advance(Duration::from_secs(31));
    assert_eq!(sample.refresh(&first.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(sample.refresh(&second.refresh).await.refusal(), "400 invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn reuse_ends_a_paused_grant() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let first = sample.connect(&john).await;
    let second = sample.refresh(&first.refresh).await.tokens();
    let third = sample.refresh(&second.refresh).await.tokens();
    server.command(&["app", "suspend", "sample"]);
    assert_eq!(sample.refresh(&first.refresh).await.refusal(), "400 invalid_grant");
    server.command(&["app", "resume", "sample"]);
    assert_eq!(sample.refresh(&third.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(server.identity(&third.access).await.refusal(), "401 invalid_token");
}

/// To give up access is never refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_app_may_revoke_its_tokens() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    server.command(&["app", "suspend", "sample"]);
    assert_eq!(sample.revoke(&tokens.refresh).await.status, 200);
    server.command(&["app", "resume", "sample"]);
    assert_eq!(sample.refresh(&tokens.refresh).await.refusal(), "400 invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_uses_the_words_of_each_preset() {
    for preset in [
        "default",
        "common-controls-hub",
        "connected-home",
        "house-check",
        "apicbase",
    ] {
        let app = r#"
[[apps]]
name = "Sample App"
client_id = "sample"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://app.example/callback"]
"#;
        let server = Server::library(preset, app).await;
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let (tokens, code) = (sample.connect(&john).await, sample.code(&john, &[]).await);
        server.command(&["user", "suspend", JOHN.email]);
        assert_eq!(
            pause(&sample.refresh(&tokens.refresh).await),
            "person_suspended",
            "{preset}"
        );
        assert_eq!(pause(&sample.redeem(&code).await), "person_suspended", "{preset}");
        server.command(&["app", "suspend", "sample"]);
        assert_eq!(
            pause(&sample.refresh(&tokens.refresh).await),
            "app_suspended",
            "{preset}"
        );
        server.command(&["app", "resume", "sample"]);
        server.command(&["user", "resume", JOHN.email]);
        assert_eq!(sample.refresh(&tokens.refresh).await.status, 200, "{preset}");
        assert_eq!(sample.redeem(&code).await.status, 200, "{preset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_of_a_person_who_leaves_an_organization_are_paused_until_they_return() {
    let server = Server::binary("default", TENANTS).await;
    let (john, max) = (server.browser_of(JOHN).await, server.browser_of(MAX).await);
    let acme = server.client("acme-reports", "https://acme.example/callback");
    let (of_john, of_max) = (acme.connect(&john).await, acme.connect(&max).await);
    let code = acme.code(&max, &[]).await;

    server.command(&["org", "remove-member", "acme", MAX.email]);
    assert_eq!(server.identity(&of_max.access).await.refusal(), "401 invalid_token");
    assert_eq!(pause(&acme.refresh(&of_max.refresh).await), "not_a_member");
    assert_eq!(pause(&acme.redeem(&code).await), "not_a_member");
    assert_inactive(&acme, &of_max).await;
    assert_eq!(max.authorize(&acme.query(&[])).await.page().status, 403);
    assert_eq!(server.identity(&of_john.access).await.status, 200);

    server.command(&["org", "set-member", "acme", MAX.email, "member"]);
    assert_eq!(server.identity(&of_max.access).await.status, 200);
    assert_eq!(acme.refresh(&of_max.refresh).await.status, 200);
    assert_eq!(acme.redeem(&code).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_of_a_person_who_is_away_for_thirty_days_end() {
    let world = format!("[server]\npublic_url = \"http://id.example\"\n[tokens]\nrefresh = \"never\"\n{TENANTS}");
    let mut server = Server::library("default", &world).await;
    let of_max = {
        let max = server.browser_of(MAX).await;
        let acme = server.client("acme-reports", "https://acme.example/callback");
        acme.connect(&max).await
    };
    server.command(&["org", "remove-member", "acme", MAX.email]);
    server.advance(Duration::from_secs(30 * 24 * 3600));
    // The sweep ignores a jump of the clock while the server runs.
    server.restart().await;
    let acme = server.client("acme-reports", "https://acme.example/callback");
    // The next write also ends expired grants, before the membership is written.
    server.command(&["app", "suspend", "partner-sync"]);
    server.command(&["org", "set-member", "acme", MAX.email, "member"]);
    assert_eq!(acme.refresh(&of_max.refresh).await.refusal(), "400 invalid_grant");
    let listed = server.command(&["grant", "list"]);
    assert_eq!(listed["grants"][0]["reason"], "membership_ended", "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_is_no_longer_a_developer_manages_no_app() {
    let server = Server::binary("default", TENANTS).await;
    let mary = server.browser_of(MARY).await;
    let page = mary.open("/developer/apps/globex-trials").await;
    server.command(&["org", "set-member", "globex", MARY.email, "member"]);
    let refused = mary.submit(&page, &page.form("reset"), &[("reset", "now")]).await;
    assert_eq!(refused.status, 404, "{}", refused.text());
    assert_eq!(mary.open("/developer/apps/globex-trials").await.status, 404);
    let globex = server.client("globex-trials", "");
    assert_eq!(globex.client_credentials(&[]).await.status, 200);
}
