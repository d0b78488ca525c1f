//! An empty selection means nothing, not everything (decision 38): scopes, products and grant types of apps.

use crate::harness::{APPS, Answer, Browser, JOHN, Landing, REDIRECT_URI, SECRET, Server};
use reqwest::Method;
use serde_json::json;

const PRESETS: [&str; 5] = [
    "default",
    "common-controls-hub",
    "connected-home",
    "house-check",
    "apicbase",
];

/// Sends the form of the developer pages with these scopes ticked, and no others.
async fn register(browser: &Browser<'_>, ticked: &[&str]) -> Answer {
    let page = browser.open("/developer/apps/new").await;
    let mut form = page.form("redirect_uris");
    form.fields.retain(|(name, _)| name != "scope");
    let typed = [("name", "Crew"), ("redirect_uris", REDIRECT_URI)];
    let ticked = ticked.iter().map(|scope| ("scope", *scope));
    let typed: Vec<_> = typed.into_iter().chain(ticked).collect();
    browser.submit(&page, &form, &typed).await
}

fn declared(keys: &str) -> String {
    format!(
        "[[apps]]\nname = \"Bare\"\nclient_id = \"bare\"\nclient_secret = \"{SECRET}\"\nredirect_uris = [\"{REDIRECT_URI}\"]\n{keys}\n"
    )
}

/// Asserts that nobody is asked for consent and no token is given: the app gets `invalid_scope`.
async fn assert_nothing_is_granted(server: &Server, id: &str, secret: &str, scope: &str) {
    let app = server.client(id, REDIRECT_URI).with_secret(secret);
    let john = server.browser_of(JOHN).await;
    for asked in [&[][..], &[("scope", scope)]] {
        match john.authorize(&app.query(asked)).await {
            Landing::App(callback) => assert_eq!(callback.get("error"), "invalid_scope", "{id}"),
            // If the app is not trusted, the person sees the error.
            Landing::Page(page) => assert_eq!(page.status, 400, "{id}: {}", page.text()),
            other => panic!("{} {id}: {other:?}", server.preset),
        }
        if matches!(server.preset.as_str(), "default") {
            let refused = app.client_credentials(asked).await;
            assert_eq!(refused.refusal(), "400 invalid_scope", "{id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_a_permission_registers_nothing_and_says_so() {
    for preset in PRESETS {
        let server = Server::library(preset, "").await;
        let john = server.browser_of(JOHN).await;
        let page = register(&john, &[]).await;
        assert_eq!((page.status, page.by_id("client-id")), (400, None), "{preset}");
        assert!(page.body.contains("scopes-why"), "{preset}: {}", page.text());
        // The page does not select again what the person had deselected.
        assert!(!page.form("redirect_uris").has("scope") || page.form("redirect_uris").value("scope").is_empty());
        assert!(!john.open("/developer").await.text().contains("Crew"), "{preset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_whose_scopes_are_an_empty_list_gets_nothing() {
    for preset in PRESETS {
        let server = Server::library(preset, &declared("scopes = []")).await;
        let scope = server.get("/.well-known/oauth-authorization-server").await.json()["scopes_supported"][0].clone();
        assert_nothing_is_granted(&server, "bare", SECRET, scope.as_str().unwrap()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_app_without_scopes_gets_nothing_and_a_clear_reason() {
    let server = Server::library("default", APPS).await;
    let body = json!({"name": "Bare", "redirect_uris": [REDIRECT_URI], "scopes": []});
    let made = server.operator(Method::POST, "/apps", Some(body)).await.json();
    let (id, secret) = (
        made["client_id"].as_str().unwrap(),
        made["client_secret"].as_str().unwrap(),
    );
    assert_nothing_is_granted(&server, id, secret, "read").await;
    let refused = server.client(id, "").with_secret(secret).client_credentials(&[]).await;
    let reason = refused.json()["error_description"].as_str().unwrap().to_owned();
    assert!(reason.contains("has no scopes"), "{reason}");
    let shown = server.command(&["app", "show", id]);
    assert_eq!(shown["scopes"], json!([]));
}

/// Scopes added to the catalogue later do not extend a registered app. Only a declared app without scopes always has the
/// whole catalogue.
#[tokio::test(flavor = "multi_thread")]
async fn a_scope_added_later_does_not_extend_a_registered_app() {
    let place = "[server]\npublic_url = \"http://hallpass.example\"\n";
    let before = format!("{place}{}", declared(""));
    let mut server = Server::library("default", &before).await;
    let (from_form, from_command) = {
        let john = server.browser_of(JOHN).await;
        let page = register(&john, &["profile"]).await;
        let form = (page.by_id("client-id").unwrap(), page.by_id("fresh-secret").unwrap());
        let made = server
            .operator(Method::POST, "/apps", Some(json!({"name": "Made"})))
            .await
            .json();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (form, (text("client_id"), text("client_secret")))
    };
    server.declare(&format!("{before}[scopes.later]\ntitle = \"Later\"\ndefault = true\n"));
    server.restart().await;
    for (id, secret) in [&from_form, &from_command] {
        let app = server.client(id, "").with_secret(secret);
        let later = app.client_credentials(&[("scope", "later")]).await;
        assert_eq!(later.refusal(), "400 invalid_scope");
        let tokens = app.client_credentials(&[]).await;
        assert_eq!((tokens.status, tokens.json()["scope"].clone()), (200, json!("profile")));
    }
    let bare = server
        .client("bare", "")
        .client_credentials(&[("scope", "later")])
        .await;
    assert_eq!(bare.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_without_existing_products_gets_nothing() {
    let place = "[server]\npublic_url = \"http://hallpass.example\"\n";
    let product = "[products.Gold]\nscopes = [\"profile\"]\n";
    let (none, gold) = (
        declared("products = []"),
        declared("products = [\"Gold\"]").replace("\"bare\"", "\"gold\""),
    );
    let free = declared("").replace("\"bare\"", "\"free\"");
    let mut server = Server::library("default", &format!("{place}{product}{none}{gold}{free}")).await;
    assert_nothing_is_granted(&server, "bare", SECRET, "profile").await;
    for id in ["gold", "free"] {
        assert_eq!(server.client(id, "").client_credentials(&[]).await.status, 200, "{id}");
    }
    let made = server
        .operator(Method::POST, "/apps", Some(json!({"name": "None", "products": []})))
        .await
        .json();
    let (id, secret) = (
        made["client_id"].as_str().unwrap(),
        made["client_secret"].as_str().unwrap(),
    );
    let refused = server.client(id, "").with_secret(secret).client_credentials(&[]).await;
    assert_eq!(refused.refusal(), "400 invalid_scope");
    // The product is removed, and the app that has it is no longer declared.
    server.declare(&format!("{place}{none}{free}"));
    server.restart().await;
    assert_nothing_is_granted(&server, "gold", SECRET, "profile").await;
    assert_nothing_is_granted(&server, "bare", SECRET, "profile").await;
    assert_eq!(server.client("free", "").client_credentials(&[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_without_grant_types_gets_no_token() {
    let server = Server::library("default", &declared("grant_types = []")).await;
    let bare = server.client("bare", REDIRECT_URI);
    assert_eq!(bare.client_credentials(&[]).await.refusal(), "400 unauthorized_client");
    assert_eq!(bare.redeem("hp_ac_x").await.refusal(), "400 unauthorized_client");
    assert_eq!(bare.refresh("hp_rt_x").await.refusal(), "400 unauthorized_client");
    let john = server.browser_of(JOHN).await;
    match john.authorize(&bare.query(&[])).await {
        Landing::App(callback) => assert_eq!(callback.get("error"), "unauthorized_client"),
        Landing::Page(page) => assert_eq!(page.status, 400),
        other => panic!("{other:?}"),
    }
    let made = json!({"name": "None", "grant_types": []});
    let made = server.operator(Method::POST, "/apps", Some(made)).await.json();
    let (id, secret) = (
        made["client_id"].as_str().unwrap(),
        made["client_secret"].as_str().unwrap(),
    );
    let refused = server.client(id, "").with_secret(secret).client_credentials(&[]).await;
    assert_eq!(refused.refusal(), "400 unauthorized_client");
}
