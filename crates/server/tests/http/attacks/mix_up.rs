//! Mix-up (RFC 9700 §4.4, RFC 9207): every authorization response has `iss` once, with the issuer of the metadata.

use super::PRESETS;
use crate::harness::{APPS, Callback, JOHN, MARY, REDIRECT_URI, Server, TENANTS};

fn assert_iss_once(callback: &Callback, issuer: &str, what: &str) {
    let said: Vec<&str> = callback
        .pairs
        .iter()
        .filter(|(name, _)| name == "iss")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(said, [issuer], "{what}: {}", callback.address);
    // `iss` is the last parameter, so that no value before it can end in a forged one.
    assert_eq!(callback.names().last(), Some(&"iss"), "{what}");
    assert!(!callback.address.contains('#'), "{what}");
}

/// Every redirect to an app: success, denial, an error before the login and one after it.
async fn assert_every_answer_has_iss(server: &Server, what: &str) {
    let issuer = server.get("/.well-known/oauth-authorization-server").await.json()["issuer"].clone();
    let issuer = issuer.as_str().unwrap();
    assert_eq!(issuer, server.issuer, "{what}");
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    for more in [
        &[][..],
        &[("iss", "https://evil.example")],
        &[("state", "s&iss=https://evil.example")],
    ] {
        for decision in ["allow", "deny"] {
            let page = john.authorize(&sample.query(more)).await.consent();
            let callback = john.decide(&page, decision).await.callback();
            assert_iss_once(&callback, issuer, &format!("{what} {decision}"));
        }
        for browser in [&server.browser(), &john] {
            let query = sample.query(&[more, &[("scope", "nonsense")]].concat());
            assert_iss_once(&browser.authorize(&query).await.callback(), issuer, what);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_an_authorization_response_has_iss() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        assert_every_answer_has_iss(&server, preset).await;
    }
}

/// RFC 9207 §2.4: compared as text with the issuer of the metadata, including its path.
#[tokio::test(flavor = "multi_thread")]
async fn iss_includes_the_path_of_the_issuer() {
    let declared = format!("[server]\npublic_url = \"https://id.example.com/auth\"\n{APPS}");
    let server = Server::library("default", &declared).await;
    assert_every_answer_has_iss(&server, "with a path").await;
}

/// The link back to the app on an error page is an authorization response too.
#[tokio::test(flavor = "multi_thread")]
async fn the_link_back_for_a_person_who_is_no_member_has_iss() {
    let server = Server::library("default", TENANTS).await;
    let mary = server.browser_of(MARY).await;
    let acme = server.client("acme-reports", "https://acme.example/callback");
    let page = mary.authorize(&acme.query(&[])).await.page();
    let link = page.body.split("href=\"https://acme.example").nth(1).unwrap();
    let link = link
        .split('"')
        .next()
        .unwrap()
        .replace("&#38;", "&")
        .replace("&amp;", "&");
    let issuer = crate::harness::encoded(&[("iss", &server.issuer)]);
    assert!(link.ends_with(&issuer), "{link}");
}

/// RFC 9207 §3, RFC 8414 §2: the metadata tells a client that it can rely on `iss`.
#[tokio::test(flavor = "multi_thread")]
async fn the_metadata_announces_iss_in_authorization_responses() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        let metadata = server.get("/.well-known/oauth-authorization-server").await.json();
        assert_eq!(
            metadata["authorization_response_iss_parameter_supported"], true,
            "{preset}"
        );
        for endpoint in [
            "authorization_endpoint",
            "token_endpoint",
            "revocation_endpoint",
            "introspection_endpoint",
        ] {
            let address = metadata[endpoint].as_str().unwrap();
            assert!(
                address.starts_with(&format!("{}/", server.issuer)),
                "{preset} {endpoint}: {address}"
            );
        }
    }
}
