//! Markup in every text that a person, a developer, an operator or a URL can set: each page shows it as text.

use super::form_to;
use crate::harness::{Answer, Browser, MARY, Person, REDIRECT_URI, Server, encoded};
use crate::page_headers::assert_protected;

/// Would break out of an attribute, of a tag and of text if it were not escaped. It has no white space, so it can be used
/// in an id.
const HOSTILE: &str = r#""'><img/src=x/onerror=alert(1)><script>alert(1)</script>{{7*7}}"#;
/// The escaped form of its beginning.
const ESCAPED: &str = "&#34;&#39;&#62;&#60;img/src=x/onerror=alert(1)&#62;";

const EVE: Person = Person {
    email: "o'hara&sons@example.com",
    password: "correct horse battery",
};

/// A world in which every name is hostile. `URI` stands for the app's redirect URI.
const WORLD: &str = r#"
[brand]
name = '''HOSTILE'''
[scopes.harm]
title = '''HOSTILE'''
description = '''HOSTILE'''
default = true
[[users]]
email = "o'hara&sons@example.com"
name = '''HOSTILE'''
password = "correct horse battery"
[[organizations]]
slug = "acme"
name = '''HOSTILE'''
members = ["o'hara&sons@example.com:owner"]
[[organizations]]
slug = "second"
name = '''2HOSTILE'''
members = ["o'hara&sons@example.com:owner"]
[[apps]]
name = '''HOSTILE'''
organization = "acme"
client_id = '''HOSTILE'''
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
reach = "partner"
URIS
"#;

const URI: &str = "https://app.example/cb?a='&b=(x);onerror=alert(1)";

async fn server(preset: &str, uris: &str) -> Server {
    let world = WORLD.replace("HOSTILE", HOSTILE).replace("URIS", uris);
    Server::library(preset, &world).await
}

/// Asserts that the page is protected, and that nothing in it has become markup.
fn assert_text(page: &Answer, what: &str) {
    assert_protected(page, what);
    for raw in ["<img", "<script>", "\"'>", "'><", "href=\"javascript", "href='", "49}}"] {
        assert!(!page.body.contains(raw), "{what} {raw}: {}", page.body);
    }
}

/// The same, and the text is on the page.
fn assert_shown(page: &Answer, what: &str) {
    assert_text(page, what);
    assert!(page.body.contains(ESCAPED), "{what} does not show it: {}", page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_escaped_at_sign_in_and_consent() {
    let server = server("default", &format!("redirect_uris = [\"{URI}\"]")).await;
    let eve = server.browser();
    let app = server.client(HOSTILE, URI);
    let login = eve.authorize(&app.query(&[("state", HOSTILE)])).await.login();
    assert_shown(&login, "login for an app");
    let hostile = Person {
        email: HOSTILE,
        password: HOSTILE,
    };
    let wrong = eve.send_login(&login, hostile).await;
    assert_shown(&wrong, "wrong password");
    let consent = eve.send_login(&wrong, EVE).await;
    assert_shown(&consent, "consent");
    assert!(
        consent.body.contains("o&#39;hara&#38;sons@example.com"),
        "{}",
        consent.body
    );
    let typed = [("decision", "allow"), ("organization", "acme")];
    let back = eve.submit(&consent, &consent.form("decision"), &typed).await;
    let location = back.header("location");
    assert!(location.starts_with(URI), "{location}");
    assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{location}");
    assert!(!location[URI.len()..].contains(['<', '>', '"', '\'']), "{location}");
    let code = location.split("code=").nth(1).unwrap().split('&').next().unwrap();
    let tokens = app.redeem(code).await.tokens();
    let again = eve.submit(&consent, &consent.form("decision"), &typed).await;
    assert_shown(&again, "already answered");
    // JSON shows it as a JSON string, with the content type of JSON.
    for answer in [
        server.identity(&tokens.access).await,
        app.introspect(&tokens.access).await,
    ] {
        assert_eq!(answer.header("content-type"), "application/json");
        answer.json();
    }
    assert_eq!(server.identity(&tokens.access).await.json()["name"], HOSTILE);
    let apps = eve.open("/account/apps").await;
    assert_shown(&apps, "connected apps");
    let ended = eve
        .submit(&apps, &form_to(&apps, "/account/apps"), &[("end", "1")])
        .await;
    assert_shown(&ended, "ended");
    assert!(ended.url.query().is_some());
    assert_shown(&eve.open("/account").await, "account");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_escaped_in_the_portal() {
    let server = server("default", &format!("redirect_uris = [\"{URI}\"]")).await;
    let eve = server.browser_of(EVE).await;
    for path in [
        "/",
        "/developer",
        "/developer/apps/new",
        "/organizations/acme",
        "/organizations/acme?tab=api",
    ] {
        assert_shown(&eve.open(path).await, path);
    }
    let id: String = form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
    let path = format!("/developer/apps/{id}");
    assert_shown(&eve.open(&path).await, "a hostile id");
    let page = eve.open("/developer/apps/new").await;
    let form = page.form("redirect_uris");
    for (name, uris, scope, organization) in [
        (HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        (HOSTILE, URI, "harm", "nowhere"),
        ("\u{202e}<img>", "javascript:alert(1)", "harm", "acme"),
        (
            "</textarea><img/src=x>",
            "</textarea><img/src=x>",
            "</option>",
            "</select>",
        ),
    ] {
        let typed = [
            ("name", name),
            ("redirect_uris", uris),
            ("scope", scope),
            ("organization", organization),
        ];
        let refused = eve.submit(&page, &form, &typed).await;
        assert_eq!(refused.status, 400);
        assert_shown(&refused, name);
    }
    // The declared app has the name unchanged.
    let name = format!("{HOSTILE}2");
    let typed = [
        ("name", name.as_str()),
        ("redirect_uris", URI),
        ("organization", "acme"),
    ];
    let made = eve.submit(&page, &form, &typed).await;
    assert_shown(&made, "a new app");
    assert!(made.by_id("fresh-secret").is_some());
    let command = made.by_id("token-request").unwrap();
    assert!(
        command.contains(r"'redirect_uri=https://app.example/cb?a='\''&b=(x);onerror=alert(1)'"),
        "{command}"
    );
    let reset = eve.submit(&made, &made.form("reset"), &[("reset", "now")]).await;
    assert_shown(&reset, "a new secret");
    let mary = server.browser_of(MARY).await;
    let id = made.by_id("client-id").unwrap();
    assert_shown(
        &mary.authorize(&server.client(&id, URI).query(&[])).await.page(),
        "not a member",
    );
}

/// API-5: the page that shows a code, and the one after a denial.
#[tokio::test(flavor = "multi_thread")]
async fn names_are_escaped_on_the_code_page() {
    let server = server("apicbase", "").await;
    let eve = server.browser_of(EVE).await;
    let desk = server.client(HOSTILE, "");
    for decision in ["allow", "deny"] {
        let page = eve.authorize(&desk.query(&[])).await.consent();
        let typed = [("decision", decision), ("organization", "acme")];
        let answer = eve.submit(&page, &page.form("decision"), &typed).await;
        assert_shown(&answer, decision);
        assert_eq!(answer.body.contains("hp_ac_"), decision == "allow");
    }
}

async fn assert_each_is_text(browser: &Browser<'_>, good: &[(&str, &str)]) {
    for (name, _) in good {
        let mut pairs = good.to_vec();
        pairs.retain(|(other, _)| other != name);
        for value in [HOSTILE, "javascript:alert(1)", "</title><script>alert(1)</script>"] {
            let query = encoded(&[&pairs[..], &[(name, value)]].concat());
            let answer = browser.open(&format!("/oauth/authorize?{query}")).await;
            match answer.header("location") {
                "" => assert_text(&answer, name),
                location => {
                    assert!(location.starts_with(REDIRECT_URI), "{name}: {location}");
                    assert!(!location.contains(['<', '>', '"', '\'', '\n']), "{name}: {location}");
                }
            }
        }
    }
}

/// No page repeats a value of the URL as markup, and no redirect uses it.
#[tokio::test(flavor = "multi_thread")]
async fn values_in_a_url_are_escaped() {
    let server = Server::library("default", crate::harness::APPS).await;
    let good = [
        ("response_type", "code"),
        ("client_id", "sample"),
        ("redirect_uri", REDIRECT_URI),
        ("scope", "read"),
        ("state", "s"),
        ("code_challenge", crate::harness::CHALLENGE),
        ("code_challenge_method", "S256"),
        ("login_hint", "x"),
        ("error_description", "x"),
        ("ui_locales", "en"),
    ];
    for browser in [server.browser(), server.browser_of(MARY).await] {
        assert_each_is_text(&browser, &good).await;
        let hostile: String = form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
        for path in [
            "/",
            "/nowhere/",
            "/organizations/",
            "/developer/apps/",
            "/assets/",
            "/account/apps?ended=",
            "/login?error=",
        ] {
            assert_text(&browser.open(&format!("{path}{hostile}")).await, path);
        }
        let url = server.at("/account");
        let request = server
            .request(reqwest::Method::GET, &url)
            .header("accept-language", "\"><img src=x>");
        assert_text(&server.send(&url, request).await, "language");
    }
}
