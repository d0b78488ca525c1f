//! The request that the browser carries to the site.

use super::{authorize, server};
use crate::harness::{Callback, Landing, Site, parameter};
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_long_request_fits_and_a_longer_one_is_told() {
    let long = "x".repeat(200 - "https://app.example/callback?".len());
    let uri = format!("https://app.example/callback?{long}");
    let names: Vec<String> = (0..12)
        .map(|number| format!("scope-with-a-long-name-{number:02}"))
        .collect();
    let scopes: String = names
        .iter()
        .map(|name| format!("[scopes.{name}]\ntitle = \"Scope\"\n"))
        .collect();
    let app = format!(
        "{scopes}[[apps]]\nname = \"Long\"\nclient_id = \"long\"\nredirect_uris = [{uri:?}]\nclient_secret = \"a-secret-of-43-characters-as-hallpass-makes\"\n"
    );
    let server = super::server_with(&app).await;
    let (site, browser) = (Site::new(&server), server.browser());
    let scope = names.join(" ");
    assert!(scope.len() >= 300, "{}", scope.len());
    let state = "s".repeat(600);
    let client = server.client("long", &uri);
    let query = |state: &str| {
        format!(
            "/oauth/authorize?{}",
            client.query(&[("scope", &scope), ("state", state)])
        )
    };
    let sent = site.sent_from(&browser, &query(&state)).await;
    let request = Site::request_in(&sent);
    assert!(request.len() <= 2_000, "{}", request.len());
    assert!(
        request
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    );
    let back = site.accept(&request, crate::harness::ann()).await;
    let page = Landing::of(browser.open(&back).await).consent();
    let callback = browser.decide(&page, "allow").await.callback();
    assert_eq!(callback.get("state"), state);
    let callback = Landing::of(browser.open(&query(&"s".repeat(1_200))).await).callback();
    assert_eq!(callback.get("error"), "invalid_request");
    assert_eq!(
        callback.get("error_description"),
        "The request is too long for the sign-in handover"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_ride_along_and_the_site_can_read_the_request() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let more = [
        ("scope", "read"),
        ("login_hint", "ann@site.example"),
        ("ui_locales", "nl en"),
        ("max_age", "60"),
        ("acr_values", "urn:mfa"),
        ("unknown", "x"),
    ];
    let sent = site.sent_from(&browser, &authorize(&server, &more)).await;
    assert_eq!(parameter(&sent, "login_hint"), "ann@site.example");
    assert_eq!(parameter(&sent, "ui_locales"), "nl en");
    let request = Site::request_in(&sent);
    let shown = site.call("GET", &format!("/handover?handover={request}"), None).await;
    assert_eq!(
        shown.json(),
        json!({
            "for": "app",
            "client": { "client_id": "sample", "name": "Sample App", "uri": null, "logo_uri": null,
                "organization": null, "reviewed": true },
            "scopes": [{ "name": "read", "title": "Read your things" }],
            "login_hint": "ann@site.example", "after": 1_767_225_540, "acr_values": "urn:mfa",
            "ui_locales": "nl en", "expires_in": 3600,
        })
    );
    let pages = site.sent_from(&browser, "/account/apps").await;
    let shown = site
        .call("GET", &format!("/handover?handover={}", Site::request_in(&pages)), None)
        .await;
    assert_eq!(
        (&shown.json()["for"], &shown.json()["client"]),
        (&json!("pages"), &json!(null))
    );
    let unknown = site.call("GET", "/handover?handover=AAAA", None).await;
    assert_eq!(unknown.refusal(), "404 not_found");
    server.advance(Duration::from_secs(3_600));
    let expired = site.call("GET", &format!("/handover?handover={request}"), None).await;
    assert_eq!(expired.refusal(), "410 expired");
    let wrong = site
        .with_secret("another-secret-that-is-not-the-sites")
        .call("GET", "/handover", None)
        .await;
    assert_eq!((wrong.status, wrong.header("www-authenticate")), (401, "Bearer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_request_never_reaches_the_site() {
    let server = server().await;
    let browser = server.browser();
    let unknown = browser
        .open("/oauth/authorize?response_type=code&client_id=nobody")
        .await;
    assert_eq!(Landing::of(unknown).page().status, 400);
    let callback: Callback = Landing::of(browser.open(&authorize(&server, &[("scope", "nothing")])).await).callback();
    assert_eq!(callback.get("error"), "invalid_scope");
}
