//! A person allows only what the page showed, whatever changed between the page and the click (decision 41).

use crate::harness::{APPS, Answer, Browser, Landing, MARY, REDIRECT_URI, Server, TENANTS};
use reqwest::Method;
use serde_json::json;

/// Two apps and a catalogue. `default` is the scope for requests without one, in addition to `profile`.
fn world(default: &str, more: &str) -> String {
    let scopes = ["read", "write"].map(|name| {
        let is_default = name == default;
        format!("[scopes.{name}]\ntitle = \"Have {name}\"\ndefault = {is_default}\n")
    });
    let scopes = scopes.concat();
    format!(
        r#"
[server]
public_url = "http://id.example"
{scopes}
[[apps]]
name = "Sample App"
client_id = "sample"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["{REDIRECT_URI}"]
{more}
"#
    )
}

/// The page's reason for asking again.
const CHANGED: &str = "Nothing was decided, because this has changed since you opened the page";

/// Opens the consent page, changes the declaration, restarts, and allows in the same browser.
async fn allowed_after(server: &mut Server, declared: &str) -> (Landing, String) {
    let (page, cookies) = {
        let mary = server.browser_of(MARY).await;
        let query = server.client("sample", REDIRECT_URI).query(&[]);
        (mary.authorize(&query).await.consent(), mary.cookies())
    };
    server.declare(declared);
    server.restart().await;
    let mary = server.browser();
    mary.set_cookies(&cookies);
    (mary.decide(&page, "allow").await, cookies)
}

async fn granted(server: &Server, landing: &Landing) -> String {
    let Landing::App(callback) = landing else {
        panic!("not back at the app: {landing:?}")
    };
    let sample = server.client("sample", REDIRECT_URI);
    let answer = sample.redeem(callback.code()).await.json();
    answer["scope"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_the_page_did_not_show_is_not_granted() {
    let mut server = Server::library("default", &world("", "")).await;
    let (landing, _) = allowed_after(&mut server, &world("read", "")).await;
    assert_eq!(granted(&server, &landing).await, "profile");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_the_app_lost_since_is_not_granted() {
    let mut server = Server::library("default", &world("read", "")).await;
    let fewer = world("read", "scopes = [\"profile\", \"write\"]");
    let (landing, _) = allowed_after(&mut server, &fewer).await;
    assert_eq!(granted(&server, &landing).await, "profile");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_scope_left_of_the_page_consent_is_asked_again() {
    let mut server = Server::library("default", &world("read", "scopes = [\"profile\"]")).await;
    let other = world("read", "scopes = [\"read\"]");
    let (landing, cookies) = allowed_after(&mut server, &other).await;
    let again = landing.consent();
    assert!(again.text().contains("Have read"), "{}", again.text());
    assert!(again.text().contains("what the app asks for"), "{}", again.text());
    let mary = server.browser();
    mary.set_cookies(&cookies);
    let landing = mary.decide(&again, "allow").await;
    assert_eq!(granted(&server, &landing).await, "read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_permission_text_is_asked_for_again() {
    let mut server = Server::library("default", &world("read", "")).await;
    let changed = world("read", "").replace("Have read", "Have read and much more");
    let (landing, _) = allowed_after(&mut server, &changed).await;
    let again = landing.consent().text();
    assert!(again.contains("Have read and much more"), "{again}");
    assert!(
        again.contains(&format!(
            "{CHANGED}. Please read it again: what the app asks for On behalf of"
        )),
        "{again}"
    );
}

async fn patch(server: &Server, app: &str, changes: serde_json::Value) {
    let answer = server
        .operator(Method::PATCH, &format!("/apps/{app}"), Some(changes))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// Presses "Allow" on an outdated page. Returns the page that asks again.
async fn asked_again(browser: &Browser<'_>, page: &Answer) -> Answer {
    let again = browser.decide(page, "allow").await.consent();
    assert_ne!(
        page.form("decision").value("state"),
        again.form("decision").value("state")
    );
    assert!(again.text().contains(CHANGED), "{}", again.text());
    again
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_app_is_asked_for_again() {
    let server = Server::library("default", APPS).await;
    let mary = server.browser_of(MARY).await;
    let sample = server.client("sample", REDIRECT_URI);
    let page = mary.authorize(&sample.query(&[])).await.consent();
    patch(&server, "sample", json!({"name": "Quite Another"})).await;
    let again = asked_again(&mary, &page).await;
    assert!(
        again.text().contains("Quite Another asks for access"),
        "{}",
        again.text()
    );
    assert!(
        again.text().contains("the app’s name, or who made it"),
        "{}",
        again.text()
    );
    assert!(!again.text().contains("where the answer goes"), "{}", again.text());
    mary.decide(&again, "allow").await.callback();
}

/// The request names no redirect URI, so the only registered one counts, which is now another one.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_destination_is_asked_for_again() {
    let server = Server::library("default", APPS).await;
    let mary = server.browser_of(MARY).await;
    let query = server.client("sample", "").query(&[]);
    let page = mary.authorize(&query).await.consent();
    patch(
        &server,
        "sample",
        json!({"redirect_uris": ["https://elsewhere.example/cb"]}),
    )
    .await;
    let again = asked_again(&mary, &page).await;
    assert!(
        again.text().contains("You go back to elsewhere.example"),
        "{}",
        again.text()
    );
    assert!(again.text().contains("where the answer goes"), "{}", again.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_uri_removed_since_is_not_redirected_to() {
    let server = Server::library("default", APPS).await;
    let mary = server.browser_of(MARY).await;
    let sample = server.client("sample", REDIRECT_URI);
    let page = mary.authorize(&sample.query(&[])).await.consent();
    patch(
        &server,
        "sample",
        json!({"redirect_uris": ["https://elsewhere.example/cb"]}),
    )
    .await;
    for decision in ["allow", "deny"] {
        let refused = mary.decide(&page, decision).await.page();
        assert_eq!((refused.status, refused.header("location")), (400, ""));
    }
}

/// A page for one organization has no field for it, but the person still allows only that one.
#[tokio::test(flavor = "multi_thread")]
async fn access_is_given_only_in_an_organization_that_the_page_showed() {
    let server = Server::library("default", TENANTS).await;
    let mary = server.browser_of(MARY).await;
    let partner = server.client("partner-sync", "https://partner.example/callback");
    let page = mary.authorize(&partner.query(&[])).await.consent();
    assert!(page.text().contains("Globex Test Kitchen"), "{}", page.text());
    let member = |method, organization: &str| {
        let path = format!("/organizations/{organization}/members/mary@example.com");
        let role = (method == Method::PUT).then(|| json!({"role": "member"}));
        let server = &server;
        async move { server.operator(method, &path, role).await.status }
    };
    assert_eq!(member(Method::PUT, "acme").await, 200);
    assert_eq!(member(Method::DELETE, "globex").await, 200);
    let again = asked_again(&mary, &page).await;
    assert!(again.text().contains("Acme Kitchens"), "{}", again.text());
    assert!(
        again.text().contains("the organizations it can be for"),
        "{}",
        again.text()
    );
    // The click on the old page allowed nothing.
    let apps = mary.open("/account/apps").await;
    assert!(apps.forms().iter().all(|form| !form.has("end")), "{}", apps.text());
}
