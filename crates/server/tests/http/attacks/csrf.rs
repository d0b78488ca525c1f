//! Requests that another site makes a browser send (RFC 9700 §4.7, RFC 6749 §10.12): with a foreign Origin, with a sealed
//! state that is missing or belongs to somebody else, or by GET.

use super::{RESET, assert_unchanged, form_to, is_logged_in, send};
use crate::harness::{APPS, Answer, Browser, Client, Form, JOHN, MARY, REDIRECT_URI, Server, Tokens, encoded};
use reqwest::Method;
use std::time::Duration;

const CHANGE: &str = "/developer/apps/sample/change";
const DELETE: &str = "/developer/apps/sample/delete";

/// Such a POST has no SameSite cookie. An anonymous session cookie in the answer would replace the person's.
#[tokio::test(flavor = "multi_thread")]
async fn a_post_from_another_site_does_not_replace_the_session() {
    let server = Server::library("default", "").await;
    for path in ["/login", "/logout", "/consent", "/switch", "/account", "/nowhere"] {
        for (origin, sets) in [
            ("https://evil.example", false),
            ("null", false),
            (server.issuer.as_str(), true),
        ] {
            let answer = server.post_raw(path, &[("origin", origin)], "").await;
            let set = answer.headers.contains_key("set-cookie");
            assert_eq!(set, sets, "{path} from {origin}");
        }
    }
}

/// Decision 9: each sealed state is bound to its browser session. An attacker's state signs nobody else out.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_another_browser_signs_nobody_out() {
    let server = Server::library("default", "").await;
    let (mary, john) = (server.browser_of(MARY).await, server.browser_of(JOHN).await);
    let theirs = mary.open("/account").await;
    send(&john, &theirs, "/logout", &[]).await;
    assert!(is_logged_in(&john).await);
    // The person's own state signs them out, however long the page was open.
    let own = john.open("/account").await;
    server.advance(Duration::from_secs(45 * 60));
    send(&john, &own, "/logout", &[]).await;
    assert!(!is_logged_in(&john).await);
}

/// A form that changes something, with the values that a person would type.
struct Deed {
    page: Answer,
    form: Form,
    typed: Vec<(&'static str, &'static str)>,
}

/// Every form that needs a sign-in.
async fn deeds(browser: &Browser<'_>, client: &Client<'_>) -> Vec<Deed> {
    let consent = browser.authorize(&client.query(&[])).await.consent();
    let (account, apps) = (browser.open("/account").await, browser.open("/account/apps").await);
    let (new, app) = (
        browser.open("/developer/apps/new").await,
        browser.open("/developer/apps/sample").await,
    );
    let (change, delete) = (browser.open(CHANGE).await, browser.open(DELETE).await);
    let deed = |page: &Answer, action: &str, typed: &[(&'static str, &'static str)]| Deed {
        page: page.clone(),
        form: form_to(page, action),
        typed: typed.to_vec(),
    };
    vec![
        deed(&consent, "/consent", &[("decision", "allow")]),
        deed(&consent, "/switch", &[]),
        deed(&apps, "/account/apps", &[("end", "1")]),
        deed(
            &new,
            "/developer/apps/new",
            &[("name", "Sneaky"), ("redirect_uris", "https://evil.example/")],
        ),
        deed(&app, RESET, &[("reset", "now")]),
        deed(&change, CHANGE, &[("name", "Sneaky")]),
        deed(&delete, DELETE, &[("delete", "1")]),
        deed(&account, "/logout", &[]),
    ]
}

/// Asserts that nothing was signed out, granted, ended, registered or reset.
async fn assert_nothing_done(server: &Server, browser: &Browser<'_>, client: &Client<'_>, tokens: &Tokens, by: &str) {
    assert_unchanged(server, browser, client, tokens).await;
    let apps = browser.open("/account/apps").await;
    assert_eq!(apps.forms().iter().filter(|form| form.has("end")).count(), 1, "{by}");
    assert!(!browser.open("/developer").await.text().contains("Sneaky"), "{by}");
    let grants = server.command(&["grant", "list"]);
    assert_eq!(grants["grants"].as_array().map(Vec::len), Some(1), "{by}: {grants}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_posted_from_another_site_changes_nothing() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    let port = server.issuer.rsplit(':').next().unwrap();
    let cookies = john.cookies();
    for origin in [
        "https://evil.example",
        "null",
        "",
        "file://",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        &format!("https://127.0.0.1:{port}"),
        &format!("http://evil.127.0.0.1:{port}"),
        &format!("http://127.0.0.1.evil.example:{port}"),
        &format!("http://127.0.0.1:{port}.evil.example"),
        &format!("{}, https://evil.example", server.issuer),
    ] {
        for deed in deeds(&john, &sample).await {
            let answer = john
                .submit_from(&deed.page, &deed.form, &deed.typed, Some(origin))
                .await;
            assert_eq!(
                (answer.status, answer.header("location")),
                (403, ""),
                "{origin} {}",
                deed.form.action
            );
        }
        assert_eq!(john.cookies(), cookies, "{origin}");
    }
    assert_nothing_done(&server, &john, &sample, &tokens, "another site").await;
}

/// With a configured name, no other host counts as the server, not even the names of the local computer.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_public_url_accepts_one_origin() {
    let declared = format!("[server]\npublic_url = \"https://id.example.com\"\n{APPS}");
    let server = Server::library("default", &declared).await;
    let browser = server.browser();
    let page = browser.open("/login").await;
    let (form, typed) = (
        page.form("password"),
        [("username", JOHN.email), ("password", JOHN.password)],
    );
    for origin in [
        "http://id.example.com",
        "https://id.example.com:444",
        "https://id.example.com:443",
        "https://ID.example.com",
        "https://id.example.com.",
        "https://example.com",
        "https://evil.id.example.com",
        "https://id.example.com.evil.example",
        "https://id.example.com@evil.example",
        "https://localhost",
        "https://127.0.0.1",
    ] {
        let answer = browser.submit_from(&page, &form, &typed, Some(origin)).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (403, ""), "{origin}");
    }
    assert!(!is_logged_in(&browser).await);
    let answer = browser
        .submit_from(&page, &form, &typed, Some("https://id.example.com"))
        .await;
    assert_eq!(answer.status, 303);
}

/// So the person can open the right address, and the operator can find a proxy that changes it.
#[tokio::test(flavor = "multi_thread")]
async fn the_refusal_of_a_form_from_another_address_names_both_addresses() {
    let declared = format!("[server]\npublic_url = \"https://id.example.com\"\n{APPS}");
    let server = Server::library("default", &declared).await;
    let browser = server.browser();
    let page = browser.open("/login").await;
    let form = page.form("password");
    let typed = [("username", JOHN.email), ("password", JOHN.password)];
    let long = format!("https://{}", "x".repeat(5_000));
    for (origin, told) in [
        (
            "http://10.0.0.5:8080",
            "sent from http://10.0.0.5:8080, and this server is at https://id.example.com",
        ),
        ("<b>\"&'", "sent from <b>\"&', and"),
        ("null", "Your browser hides where this came from"),
        (long.as_str(), "sent from https://xxx"),
    ] {
        let answer = browser.submit_from(&page, &form, &typed, Some(origin)).await;
        assert_eq!(answer.status, 403, "{origin}");
        assert!(answer.text().contains(told), "{origin}: {}", answer.text());
        assert!(answer.text().contains("https://id.example.com"), "{origin}");
        assert!(answer.text().len() < 3_000, "{origin}");
    }
}

/// Privacy extensions, and a proxy with `Referrer-Policy: no-referrer`, hide the origin. Then Fetch Metadata decides, which
/// no page can set.
#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_origin_is_accepted_if_fetch_metadata_says_same_origin() {
    let server = Server::library("default", "").await;
    let browser = server.browser();
    let page = browser.open("/login").await;
    let cookies = browser.cookies();
    let form = page.form("password");
    let state = form.value("state");
    let pairs = [("state", state), ("username", JOHN.email), ("password", JOHN.password)];
    for (site, status) in [
        (None, 403),
        (Some("cross-site"), 403),
        (Some("same-site"), 403),
        (Some("none"), 403),
        (Some("same-origin"), 303),
    ] {
        let mut headers = vec![
            ("content-type", "application/x-www-form-urlencoded"),
            ("cookie", cookies.as_str()),
            ("origin", "null"),
        ];
        headers.extend(site.map(|site| ("sec-fetch-site", site)));
        let answer = server.post_raw("/login", &headers, encoded(&pairs)).await;
        assert_eq!(answer.status, status, "{site:?}");
    }
}

/// For requests without an Origin the sealed state decides (decision 55): without a state, or with one of an attacker's
/// browser, nothing is done.
#[tokio::test(flavor = "multi_thread")]
async fn every_form_without_its_own_state_changes_nothing() {
    let server = Server::library("default", APPS).await;
    // Both people manage the app, so both have the same forms.
    server.sql(
        "INSERT INTO app_team (app_id, user_id, added) SELECT apps.id, users.id, 0 FROM apps, users \
         WHERE apps.client_id = 'sample' AND users.email = 'mary@example.com'",
    );
    let (john, mary) = (server.browser_of(JOHN).await, server.browser_of(MARY).await);
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    let cookies = john.cookies();
    sample.connect(&mary).await;
    let of_mary = deeds(&mary, &sample).await;
    for (own, theirs) in deeds(&john, &sample).await.iter().zip(&of_mary) {
        let state = theirs.form.value("state");
        for forged in ["", "AAAA", state] {
            let typed = [&own.typed[..], &[("state", forged)]].concat();
            let answer = john.submit_from(&own.page, &own.form, &typed, None).await;
            assert!(!answer.header("location").contains("code="), "{}", own.form.action);
            assert_eq!(answer.by_id("fresh-secret"), None, "{}", own.form.action);
        }
        let mut without = own.form.clone();
        without.fields.retain(|(name, _)| name != "state");
        john.submit_from(&own.page, &without, &own.typed, None).await;
    }
    assert_eq!(john.cookies(), cookies);
    assert_unchanged(&server, &john, &sample, &tokens).await;
    assert!(!john.open("/developer").await.text().contains("Sneaky"));
    let active = server.command(&["grant", "list", "--state", "active"]);
    assert_eq!(
        active["grants"].as_array().map(Vec::len),
        Some(2),
        "each their own: {active}"
    );
}

/// RFC 9110 §9.2.1: a link, an image or a prefetch is a GET. A GET changes nothing, whatever it carries.
#[tokio::test(flavor = "multi_thread")]
async fn no_get_changes_anything() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    let cookies = john.cookies();
    for deed in deeds(&john, &sample).await {
        let typed: Vec<(String, String)> = deed.form.filled(&deed.typed);
        let pairs: Vec<(&str, &str)> = typed
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let url = server.at(&format!("{}?{}", deed.form.action, encoded(&pairs)));
        for method in [
            Method::GET,
            Method::HEAD,
            Method::PUT,
            Method::DELETE,
            Method::PATCH,
            Method::OPTIONS,
        ] {
            let request = server.request(method.clone(), &url).header("cookie", &cookies);
            // RFC 9110 has no such header, but frameworks use it.
            let request = request
                .header("x-http-method-override", "POST")
                .header("x-http-method", "POST");
            let answer = server.send(&url, request.header("x-method-override", "POST")).await;
            assert_eq!(answer.header("location"), "", "{method} {url}");
            assert_eq!(answer.header("set-cookie"), "", "{method} {url}");
        }
        let other = server.at(&format!("{}?{}&_method=POST", deed.form.action, encoded(&pairs)));
        server
            .send(&other, server.request(Method::GET, &other).header("cookie", &cookies))
            .await;
    }
    assert_nothing_done(&server, &john, &sample, &tokens, "GET").await;
    let url = server.at(&format!(
        "/login?{}",
        encoded(&[("username", MARY.email), ("password", MARY.password)])
    ));
    let answer = server.send(&url, server.request(Method::GET, &url)).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.body.contains(MARY.email), "a link fills in no form");
}

/// Login CSRF (RFC 9700 §4.7): no sign-in form, from whichever page, signs a person in to another account.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_form_of_an_attacker_signs_nobody_in_to_another_account() {
    let server = Server::library("default", APPS).await;
    let victim = server.browser();
    let page = victim.open("/login").await;
    let typed = [("username", MARY.email), ("password", MARY.password)];
    // The victim signs in in the meantime. The earlier form then continues as the signed-in person.
    victim.log_in(JOHN).await;
    let answer = victim.submit(&page, &page.form("password"), &typed).await;
    assert!(
        answer.text().contains("John Doe") && !answer.text().contains("Mary Major"),
        "{}",
        answer.text()
    );
    for state in ["", "AAAA"] {
        let typed = [&typed[..], &[("state", state)]].concat();
        let stranger = server.browser();
        let page = stranger.open("/login").await;
        let answer = stranger.submit_from(&page, &page.form("password"), &typed, None).await;
        assert_eq!(answer.status, 400, "{state}");
        assert!(!is_logged_in(&stranger).await);
    }
}
