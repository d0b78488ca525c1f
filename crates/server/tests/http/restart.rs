//! A restart on the same data folder keeps everything, revocations included.

use crate::harness::{APPS, Answer, JOHN, REDIRECT_URI, Server};
use std::time::Duration;

/// The issuer must not change with the port.
fn world() -> String {
    format!("[server]\npublic_url = \"http://id.example\"\n{APPS}")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_binary_keeps_grants_tokens_sessions_and_revocations() {
    let mut server = Server::binary("default", &world()).await;
    let before = {
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let kept = sample.connect(&john).await;
        let ended = sample.connect(&john).await;
        let access_only = sample.connect(&john).await;
        sample.revoke(&ended.refresh).await;
        sample.revoke(&access_only.access).await;
        let code = sample.code(&john, &[]).await;
        (john.cookies(), kept, ended, access_only, code)
    };
    server.restart().await;
    let (cookies, kept, ended, access_only, code) = before;
    let sample = server.client("sample", REDIRECT_URI);
    assert_eq!(server.identity(&kept.access).await.status, 200);
    assert_eq!(server.identity(&ended.access).await.refusal(), "401 invalid_token");
    assert_eq!(
        server.identity(&access_only.access).await.refusal(),
        "401 invalid_token"
    );
    assert_eq!(sample.refresh(&kept.refresh).await.status, 200);
    assert_eq!(sample.refresh(&access_only.refresh).await.status, 200);
    assert_eq!(sample.refresh(&ended.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(sample.redeem(&code).await.status, 200);
    let browser = server.browser();
    browser.set_cookies(&cookies);
    assert!(browser.open("/account").await.text().contains("John Doe"));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_a_lost_answer_is_repeated_and_reuse_detected() {
    let mut server = Server::library("default", &world()).await;
    let (first, lost) = {
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let first = sample.connect(&john).await;
        let lost: Answer = sample.refresh(&first.refresh).await;
        (first, lost)
    };
    server.restart().await;
    let sample = server.client("sample", REDIRECT_URI);
    let again = sample.refresh(&first.refresh).await;
    assert_eq!(again.body, lost.body, "the successor is derived, not remembered");
    let third = sample.refresh(&again.tokens().refresh).await.tokens();
    server.restart().await;
    let sample = server.client("sample", REDIRECT_URI);
    assert_eq!(sample.refresh(&first.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(server.identity(&third.access).await.refusal(), "401 invalid_token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seen_successor_is_known_after_a_restart() {
    let mut server = Server::library("default", &world()).await;
    let (first, second) = {
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let first = sample.connect(&john).await;
        let second = sample.refresh(&first.refresh).await.tokens();
        assert_eq!(server.identity(&second.access).await.status, 200);
        (first, second)
    };
    server.restart().await;
    server.advance(Duration::from_secs(31));
    let sample = server.client("sample", REDIRECT_URI);
    assert_eq!(sample.refresh(&first.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(server.identity(&second.access).await.refusal(), "401 invalid_token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voided_access_token_stays_refused_after_a_restart() {
    let mut server = Server::library("default", &world()).await;
    let (lost, third) = {
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let first = sample.connect(&john).await;
        let lost = sample.refresh(&first.refresh).await.tokens();
        server.advance(Duration::from_secs(31));
        (lost, sample.refresh(&first.refresh).await.tokens())
    };
    server.restart().await;
    assert_eq!(server.identity(&lost.access).await.refusal(), "401 invalid_token");
    assert_eq!(server.identity(&third.access).await.status, 200);
}

/// A declared secret is applied only when it changes, so a later reset remains after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_secret_remains_after_a_restart() {
    let mut server = Server::library("default", &world()).await;
    let fresh = {
        let john = server.browser_of(JOHN).await;
        let page = john.open("/developer/apps/sample").await;
        let shown = john.submit(&page, &page.form("reset"), &[("reset", "now")]).await;
        shown.by_id("fresh-secret").expect("a new secret")
    };
    server.restart().await;
    let sample = server.client("sample", REDIRECT_URI);
    assert_eq!(sample.client_credentials(&[]).await.refusal(), "401 invalid_client");
    assert_eq!(sample.with_secret(&fresh).client_credentials(&[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_app_remains_after_a_restart() {
    let mut server = Server::library("default", &world()).await;
    let (id, secret) = {
        let john = server.browser_of(JOHN).await;
        let page = john.open("/developer/apps/new").await;
        let typed = [("name", "Crew"), ("redirect_uris", REDIRECT_URI)];
        let made = john.submit(&page, &page.form("redirect_uris"), &typed).await;
        (made.by_id("client-id").unwrap(), made.by_id("fresh-secret").unwrap())
    };
    server.restart().await;
    let crew = server.client(&id, REDIRECT_URI).with_secret(&secret);
    assert_eq!(crew.client_credentials(&[]).await.status, 200);
}

/// Scopes: asked ∩ grant ∩ app. A scope that the app has lost is left out (RFC 6749 §6), and access tokens with it become
/// invalid.
#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_leaves_out_scopes_that_the_app_has_lost() {
    let mut server = Server::library("default", &world()).await;
    let first = {
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        sample.connect_with(&john, &[("scope", "read write")]).await
    };
    let bounded = world().replace(
        "[\"https://app.example/callback\"]",
        "[\"https://app.example/callback\"]\nscopes = [\"read\"]",
    );
    server.declare(&bounded);
    server.restart().await;
    let sample = server.client("sample", REDIRECT_URI);
    assert_eq!(server.identity(&first.access).await.refusal(), "401 invalid_token");
    let second = sample.refresh(&first.refresh).await;
    assert_eq!(second.json()["scope"], "read");
    assert_eq!(server.identity(&second.tokens().access).await.status, 200);
}

/// A POST repeats the authorization checks: the answer may have changed since its page was shown.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_consent_page_does_not_redirect_to_a_removed_redirect_uri() {
    let mut server = Server::library("default", &world()).await;
    let (cookies, page) = {
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        (john.cookies(), john.authorize(&sample.query(&[])).await.consent())
    };
    server.declare(&world().replace(REDIRECT_URI, "https://moved.example/callback"));
    server.restart().await;
    let john = server.browser();
    john.set_cookies(&cookies);
    let refused = john.decide(&page, "allow").await.page();
    assert_eq!((refused.status, refused.header("location")), (400, ""));
}

/// Moving an app to another owner ends its grants: people gave access to the old one.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_moved_to_another_owner_loses_its_grants() {
    let acme = "[[organizations]]\nslug = \"acme\"\nname = \"Acme\"\nmembers = [\"john@doe.com:owner\"]\n";
    let declared = format!("{}{acme}", world());
    let mut server = Server::library("default", &declared).await;
    let tokens = {
        let john = server.browser_of(JOHN).await;
        server.client("sample", REDIRECT_URI).connect(&john).await
    };
    let handed = declared.replace(
        "client_id = \"sample\"",
        "client_id = \"sample\"\norganization = \"acme\"",
    );
    server.declare(&handed);
    server.restart().await;
    assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
    let sample = server.client("sample", REDIRECT_URI);
    assert_eq!(sample.refresh(&tokens.refresh).await.refusal(), "400 invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_replaces_the_old_one() {
    let mut server = Server::library("default", &world()).await;
    let max = |password: &str| {
        format!(
            "{}[[users]]\nemail = \"max@example.com\"\nname = \"Max\"\npassword = {password:?}\n",
            world()
        )
    };
    let person = |password| crate::harness::Person {
        email: "max@example.com",
        password,
    };
    server.declare(&max("the first of them"));
    server.restart().await;
    server.browser_of(person("the first of them")).await;
    server.declare(&max("and then the second"));
    server.restart().await;
    assert_eq!(server.browser().log_in(person("the first of them")).await.status, 401);
    server.browser_of(person("and then the second")).await;
}
