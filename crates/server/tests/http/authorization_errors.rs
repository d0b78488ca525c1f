//! Who gets an error of an authorization request (RFC 6749 §4.1.2.1, RFC 9700 §4.11.2): the app, once its id and redirect
//! URI are known to be valid. The redirect is automatic only if the operator trusts the app.

use crate::harness::{
    APPS, Answer, Browser, CHALLENGE, JOHN, Landing, MARY, Person, REDIRECT_URI, Server, TENANTS, encoded,
};

const PRESETS: [&str; 5] = [
    "default",
    "common-controls-hub",
    "connected-home",
    "house-check",
    "apicbase",
];

fn good(client_id: &str) -> String {
    encoded(&[
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", REDIRECT_URI),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ])
}

/// A valid request without the parameter `name`.
fn without(client_id: &str, name: &str) -> String {
    let good = good(client_id);
    let kept = good.split('&').filter(|pair| pair.split('=').next() != Some(name));
    kept.collect::<Vec<_>>().join("&")
}

/// Requests with one parameter that is repeated, too long or not text, and whether that parameter is `state`.
fn faulty(client_id: &str) -> Vec<(String, bool)> {
    let good = good(client_id);
    let mut all = vec![(format!("{}&state=%ff", without(client_id, "state")), true)];
    all.push((format!("{}&state=a%00b", without(client_id, "state")), true));
    all.push((
        format!("{}&state={}", without(client_id, "state"), "x".repeat(4097)),
        true,
    ));
    all.push((format!("{good}&state=s"), true));
    all.push((format!("{good}&state="), true));
    all.push((format!("{good}&scope=%ff"), false));
    all.push((format!("{good}&scope={}", "x".repeat(4097)), false));
    for name in [
        "response_type",
        "code_challenge",
        "code_challenge_method",
        "scope",
        "response_mode",
        "request",
        "request_uri",
    ] {
        all.push((format!("{good}&{name}=x&{name}=x"), false));
    }
    all
}

async fn browsers(server: &Server) -> [Browser<'_>; 2] {
    [server.browser(), server.browser_of(JOHN).await]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_trusted_apps_request_is_redirected_to_it() {
    let server = Server::library("default", APPS).await;
    for browser in browsers(&server).await {
        for (query, of_state) in faulty("sample") {
            let callback = browser.authorize(&query).await.callback();
            assert!(
                callback.address.starts_with(&format!("{REDIRECT_URI}?error=")),
                "{query}"
            );
            assert_eq!(callback.get("error"), "invalid_request", "{query}");
            assert_eq!(callback.get("iss"), server.issuer, "{query}");
            // A repeated `state` is not returned: the server cannot know which of the two is the app's.
            assert_eq!(callback.get("state"), if of_state { "" } else { "s" }, "{query}");
            assert!(!callback.address.contains("code="), "{query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_a_fault_is_redirected_to_a_trusted_app() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        for (query, _) in faulty("sample") {
            let callback = server.browser().authorize(&query).await.callback();
            assert!(!callback.get("error").is_empty(), "{preset} {query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_parameter_is_not_a_fault() {
    let server = Server::library("default", APPS).await;
    let many: String = (0..300).map(|number| format!("&p{number}=1")).collect();
    for more in [
        "&resource=https://a.example&resource=https://b.example",
        "&x=1&x=2",
        "&x=%ff",
        "&%ff=x",
        &many,
        &format!("&{}=1", "n".repeat(300)),
        &format!("&x={}", "y".repeat(5000)),
    ] {
        let query = format!("{}{more}", good("sample"));
        server.browser().authorize(&query).await.login();
        server.browser_of(JOHN).await.authorize(&query).await.consent();
    }
}

/// A repeated value does not count, even if both are the same or only one is registered.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_client_id_or_redirect_uri_is_never_redirected() {
    let server = Server::library("default", APPS).await;
    let uri = encoded(&[("redirect_uri", REDIRECT_URI)]);
    for query in [
        format!("{}&client_id=sample", good("sample")),
        format!("{}&client_id=%ff", without("sample", "client_id")),
        format!("{}&{uri}", good("sample")),
        format!("{}&redirect_uri=", good("sample")),
        format!("{}&redirect_uri=%ff", without("sample", "redirect_uri")),
        format!(
            "{}&redirect_uri={}",
            without("sample", "redirect_uri"),
            "x".repeat(4097)
        ),
    ] {
        for browser in browsers(&server).await {
            let page = browser.authorize(&query).await.page();
            assert_eq!((page.status, page.header("location")), (400, ""), "{query}");
            assert!(!page.body.contains("app.example"), "{query}");
        }
    }
}

/// Registers apps only through a role in the organization, so none of them is trusted.
const MAX: Person = Person {
    email: "max@example.com",
    password: "only a member of it",
};

fn tenants() -> String {
    TENANTS.replace("max@example.com:member", "max@example.com:developer")
}

/// An app of a developer whom the operator does not trust.
async fn untrusted(server: &Server) -> String {
    let max = server.browser_of(MAX).await;
    let page = max.open("/developer/apps/new?organization=acme").await;
    let typed = [
        ("name", "Crew"),
        ("redirect_uris", REDIRECT_URI),
        ("organization", "acme"),
    ];
    let made = max.submit(&page, &page.form("redirect_uris"), &typed).await;
    made.by_id("client-id").unwrap_or_else(|| panic!("{}", made.text()))
}

/// Asserts that the page has a link to the app with the refusal, and no automatic redirect.
fn assert_offered(page: &Answer, error: &str) {
    assert_eq!((page.status, page.header("location")), (400, ""), "{}", page.url);
    assert!(!page.body.contains("http-equiv"), "{}", page.url);
    let link = format!("href=\"{REDIRECT_URI}?");
    let after = page.body.split(&link).nth(1);
    let href = after.and_then(|rest| rest.split('"').next()).unwrap_or_default();
    assert!(href.contains(&format!("error={error}")), "{} {}", page.url, page.body);
    assert!(page.text().contains("app.example"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_an_untrusted_app_is_a_page_with_a_link() {
    for preset in ["default", "house-check"] {
        let server = Server::library(preset, &tenants()).await;
        let id = untrusted(&server).await;
        let wrong = [
            (format!("{}&scope=nonsense", good(&id)), "invalid_scope"),
            (
                format!("{}&response_type=token", without(&id, "response_type")),
                "unsupported_",
            ),
            (format!("{}&request=x", good(&id)), "request_not_supported"),
        ];
        let faults = faulty(&id).into_iter().map(|(query, _)| (query, "invalid_request"));
        for (query, error) in faults.chain(wrong) {
            for browser in browsers(&server).await {
                let page = browser.authorize(&query).await.page();
                assert_offered(&page, error);
            }
        }
    }
}

/// People know an untrusted app only by the destination of its link.
#[tokio::test(flavor = "multi_thread")]
async fn the_link_back_to_an_untrusted_app_shows_its_destination() {
    let server = Server::library("default", &tenants()).await;
    let id = untrusted(&server).await;
    let mary = server.browser_of(MARY).await;
    let page = mary.authorize(&good(&id)).await.page();
    assert_eq!((page.status, page.header("location")), (403, ""));
    assert!(page.body.contains(&format!("href=\"{REDIRECT_URI}?")), "{}", page.body);
    assert!(page.text().contains("app.example"), "{}", page.text());
}

/// A denial is a click of the person.
#[tokio::test(flavor = "multi_thread")]
async fn a_denial_redirects_to_an_untrusted_app() {
    let server = Server::library("default", &tenants()).await;
    let id = untrusted(&server).await;
    let john = server.browser_of(JOHN).await;
    let page = john.authorize(&good(&id)).await.consent();
    let callback = john.decide(&page, "deny").await.callback();
    assert_eq!((callback.get("error"), callback.get("state")), ("access_denied", "s"));
}

/// An app that asks for another mode expects the answer elsewhere: in the query it could end up in a log.
#[tokio::test(flavor = "multi_thread")]
async fn a_response_mode_that_is_not_offered_is_refused_in_the_query() {
    let server = Server::library("default", APPS).await;
    let offered = server.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(offered["response_modes_supported"], serde_json::json!(["query"]));
    for browser in browsers(&server).await {
        for mode in ["fragment", "form_post", "web_message", "query.jwt", "QUERY", "nonsense"] {
            let query = format!("{}&response_mode={mode}", good("sample"));
            let callback = browser.authorize(&query).await.callback();
            assert!(!callback.address.contains('#'), "{}", callback.address);
            assert_eq!(
                (callback.get("error"), callback.get("error_description")),
                ("invalid_request", "The response_mode must be query"),
                "{mode}"
            );
        }
        for mode in ["query", ""] {
            let landing = browser
                .authorize(&format!("{}&response_mode={mode}", good("sample")))
                .await;
            assert!(matches!(landing, Landing::Login(_) | Landing::Consent(_)), "{mode}");
        }
    }
}

/// The reasons are those of `docs/reasons.md`.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_gives_a_stable_reason_for_a_refused_authorization_request() {
    let server = Server::binary("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let page = john.authorize(&good("sample")).await.consent();
    john.decide(&page, "deny").await.callback();
    john.authorize(&good("nobody")).await;
    john.authorize(&without("sample", "response_type")).await;
    let log = server.log();
    let refused = log.lines().filter(|line| line.contains("endpoint=\"authorization\""));
    let words: Vec<_> = refused
        .map(|line| line.split("reason=\"").nth(1).unwrap().split('"').next().unwrap())
        .collect();
    assert_eq!(words, ["denied", "unknown_client", "response_type_missing"], "{log}");
}
