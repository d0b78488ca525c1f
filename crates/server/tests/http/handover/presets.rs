//! Each preset behind the login of its site.

use super::authorize;
use crate::harness::{APPS, HANDOVER, REDIRECT_URI, Server, Site, ann};
use serde_json::json;

async fn server(preset: &str) -> Server {
    Server::library(preset, &format!("{HANDOVER}{APPS}")).await
}

/// HC-16: `id` is the site's own number.
#[tokio::test(flavor = "multi_thread")]
async fn house_check_names_people_by_the_sites_number() {
    let server = server("house-check").await;
    let browser = server.browser();
    let john = json!({ "subject": "1", "name": "John Doe", "email": "john@doe.com", "locale": "nl" });
    let page = Site::new(&server)
        .sign_in(&browser, &authorize(&server, &[]), john)
        .await
        .consent();
    let callback = browser.decide(&page, "allow").await.callback();
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.redeem(callback.code()).await.tokens();
    let identity = server.identity(&tokens.access).await;
    assert_eq!(
        identity.body,
        r#"{"id":1,"name":"John Doe","email":"john@doe.com","locale":"nl"}"#
    );
}

/// API-11: `username` is the name that the site gives its people.
#[tokio::test(flavor = "multi_thread")]
async fn apicbase_introspects_the_sites_user_name() {
    let server = server("apicbase").await;
    for (person, username) in [
        (json!({ "subject": "chef.jane" }), "chef.jane"),
        (ann(), "ann@site.example"),
    ] {
        let browser = server.browser();
        let page = Site::new(&server)
            .sign_in(&browser, &authorize(&server, &[]), person)
            .await
            .consent();
        let callback = browser.decide(&page, "allow").await.callback();
        let sample = server.client("sample", REDIRECT_URI);
        let tokens = sample.redeem(callback.code()).await.tokens();
        let introspected = sample.introspect(&tokens.access).await.json();
        assert_eq!(
            (&introspected["active"], &introspected["username"]),
            (&json!(true), &json!(username))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_every_preset_come_from_their_site() {
    for preset in [
        "common-controls-hub",
        "connected-home",
        "house-check",
        "apicbase",
        "default",
    ] {
        let server = server(preset).await;
        let (site, browser) = (Site::new(&server), server.browser());
        let page = site
            .sign_in(&browser, &authorize(&server, &[("state", "s")]), ann())
            .await
            .consent();
        assert!(page.text().contains("Ann Site"), "{preset}: {}", page.text());
        let callback = browser.decide(&page, "allow").await.callback();
        assert_eq!(callback.get("state"), "s", "{preset}");
        let sample = server.client("sample", REDIRECT_URI);
        let tokens = sample.redeem(callback.code()).await.tokens();
        sample.refresh(&tokens.refresh).await.tokens();
        let page = browser.open("/account/apps").await;
        assert!(page.text().contains("Sample App"), "{preset}: {}", page.text());
        // What the site refuses is told in the words of the preset.
        let refused = json!({ "error": "access_denied" });
        let callback = site
            .sign_in(&browser, &authorize(&server, &[("state", "s")]), refused)
            .await
            .callback();
        assert_eq!(callback.get("error"), "access_denied", "{preset}");
    }
}
