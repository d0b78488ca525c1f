//! Attacks (RFC 9700) that once succeeded, or that must never under any preset.

use crate::harness::{APPS, Answer, Browser, Client, Form, JOHN, MARY, REDIRECT_URI, Server, TENANTS, Tokens};
use std::time::Duration;

/// A preset may be laxer than `default` only in what its own text says.
const PRESETS: [&str; 5] = [
    "default",
    "common-controls-hub",
    "connected-home",
    "house-check",
    "apicbase",
];

/// Where the form goes that gives `sample` a new secret.
const RESET: &str = "/developer/apps/sample/secret";

async fn is_logged_in(browser: &Browser<'_>) -> bool {
    let forms = browser.open("/account").await.forms();
    forms.iter().all(|form| !form.has("password"))
}

/// Sends the form of `page` that goes to `action`, with `typed` in it.
async fn send(browser: &Browser<'_>, page: &Answer, action: &str, typed: &[(&str, &str)]) -> Answer {
    browser.submit(page, &form_to(page, action), typed).await
}

fn form_to(page: &Answer, action: &str) -> Form {
    let form = page.forms().into_iter().find(|form| form.action.ends_with(action));
    form.unwrap_or_else(|| panic!("no form goes to {action}: {}", page.text()))
}

/// Such a POST comes without the SameSite cookie: an anonymous one in its answer would replace the session's.
#[tokio::test(flavor = "multi_thread")]
async fn a_post_from_another_site_takes_no_session_away() {
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

/// DESIGN §6: each sealed state is bound to its browser session. One that an attacker got in theirs signs nobody else out.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_another_browser_signs_nobody_out() {
    let server = Server::library("default", "").await;
    let (mary, john) = (server.browser_of(MARY).await, server.browser_of(JOHN).await);
    let theirs = mary.open("/account").await;
    send(&john, &theirs, "/logout", &[]).await;
    assert!(is_logged_in(&john).await);
    // One's own signs out however long the page was open.
    let own = john.open("/account").await;
    server.advance(Duration::from_secs(45 * 60));
    send(&john, &own, "/logout", &[]).await;
    assert!(!is_logged_in(&john).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn not_you_with_the_state_of_another_browser_does_nothing() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let before = john.cookies();
    for theirs in [server.browser_of(MARY).await, server.browser_of(JOHN).await] {
        let page = theirs.authorize(&sample.query(&[])).await.consent();
        let again = send(&john, &page, "/switch", &[]).await;
        assert!(again.form("decision").has("state"), "{}", again.text());
        assert!(again.text().contains("John Doe"), "{}", again.text());
        assert_eq!(john.cookies(), before);
        assert!(is_logged_in(&john).await && is_logged_in(&theirs).await);
    }
}

/// A suspended organization is at rest: nobody registers apps in it or makes secrets for its apps.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_organization_gets_no_app_and_no_secret() {
    let server = Server::library("default", TENANTS).await;
    let john = server.browser_of(JOHN).await;
    let app = john.open("/developer/apps/acme-reports").await;
    let new = john.open("/developer/apps/new").await;
    assert_eq!(new.form("redirect_uris").value("organization"), "acme");
    server.command(&["org", "suspend", "acme"]);
    let reset = john.submit(&app, &app.form("reset"), &[("reset", "now")]).await;
    assert_eq!(reset.status, 404, "{}", reset.text());
    let typed = [
        ("name", "Sneaky"),
        ("redirect_uris", REDIRECT_URI),
        ("organization", "acme"),
    ];
    let refused = john.submit(&new, &new.form("redirect_uris"), &typed).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    let offered = john.open("/developer/apps/new").await;
    assert_ne!(offered.form("redirect_uris").value("organization"), "acme");
    server.command(&["org", "resume", "acme"]);
    let acme = server.client("acme-reports", "");
    assert_eq!(acme.client_credentials(&[]).await.status, 200);
    assert!(!john.open("/developer").await.text().contains("Sneaky"));
}

/// DESIGN §5: a token of the new generation that any endpoint saw, revocation too, confirms that its answer arrived.
#[tokio::test(flavor = "multi_thread")]
async fn a_successor_that_came_to_be_revoked_was_seen() {
    let server = Server::library("default", APPS).await;
    let sample = server.client("sample", REDIRECT_URI);
    let first = sample.connect(&server.browser_of(JOHN).await).await;
    let second = sample.refresh(&first.refresh).await.tokens();
    assert_eq!(sample.revoke(&second.access).await.status, 200);
    server.advance(Duration::from_secs(31));
    assert_eq!(sample.refresh(&first.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(sample.refresh(&second.refresh).await.refusal(), "400 invalid_grant");
}

/// DESIGN §2: storage grows with grants. Who revokes the same token again and again writes once.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_revoked_again_writes_nothing() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    let fresh = written(&server, &john).await;
    assert_eq!(sample.revoke(&tokens.access).await.status, 200);
    let revoked = written(&server, &john).await;
    assert!(fresh != revoked, "a revocation is written down");
    for _ in 0..3 {
        assert_eq!(sample.revoke(&tokens.access).await.status, 200);
        assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
    }
    assert!(written(&server, &john).await == revoked, "and once is enough");
}

/// The database and what it has still in its log. The page flushes uses that are only in memory.
async fn written(server: &Server, browser: &Browser<'_>) -> [Vec<u8>; 2] {
    assert_eq!(browser.open("/account/apps").await.status, 200);
    ["hallpass.db", "hallpass.db-wal"].map(|name| std::fs::read(server.data_folder().join(name)).unwrap())
}

/// RFC 9700 §4.1: an open redirector at the authorization endpoint serves phishing, whatever else is wrong with the request.
#[tokio::test(flavor = "multi_thread")]
async fn under_no_preset_a_foreign_redirect_uri_is_redirected_to() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        for browser in [server.browser(), server.browser_of(JOHN).await] {
            for uri in [
                "https://evil.example/callback",
                "https://app.example/callback/evil",
                "https://app.example/callback?evil",
                "https://app.example@evil.example/callback",
                "https://app.example.evil.example/callback",
                "http://app.example/callback",
                "//evil.example/callback",
                "javascript:evil()",
            ] {
                for id in ["sample", "native", "nobody"] {
                    for more in [&[][..], &[("scope", "nonsense")], &[("state", "s"), ("x", "y")]] {
                        let query = server.client(id, uri).query(more);
                        let page = browser.authorize(&query).await.page();
                        assert!(matches!(page.status, 400 | 401), "{preset} {query}: {}", page.status);
                        assert!(!page.body.contains("evil"), "{preset} {query}");
                    }
                }
            }
        }
    }
}

/// DESIGN §6: each sealed state is bound to its purpose. All of these are the same person's, from the same browser, and fresh.
#[tokio::test(flavor = "multi_thread")]
async fn under_no_preset_a_state_serves_another_purpose() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let tokens = sample.connect(&john).await;
        let (apps, app) = (
            john.open("/account/apps").await,
            john.open("/developer/apps/sample").await,
        );
        let consent = john.authorize(&sample.query(&[])).await.consent();
        let state = |page: &Answer, action| form_to(page, action).value("state").to_owned();
        let states = [
            ("consent", state(&consent, "/consent")),
            ("end", state(&apps, "/account/apps")),
            ("developer", state(&app, RESET)),
            ("logout", state(&apps, "/logout")),
        ];
        for (page, purpose, action, typed) in [
            (&consent, "consent", "/consent", &[("decision", "allow")][..]),
            (&consent, "consent", "/switch", &[]),
            (&apps, "end", "/account/apps", &[("end", "1")]),
            (&app, "developer", RESET, &[("reset", "now")]),
            (&apps, "logout", "/logout", &[]),
        ] {
            for (_, state) in states.iter().filter(|(of, _)| *of != purpose) {
                let answer = send(&john, page, action, &[typed, &[("state", state)]].concat()).await;
                assert_eq!(answer.header("location"), "", "{preset} {action}");
                assert_unchanged(&server, &john, &sample, &tokens).await;
            }
        }
    }
}

/// The person is signed in, the app connected, and its secret the one that it was.
async fn assert_unchanged(server: &Server, browser: &Browser<'_>, client: &Client<'_>, tokens: &Tokens) {
    assert!(is_logged_in(browser).await);
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    assert_eq!(client.introspect(&tokens.access).await.json()["client_id"], client.id);
}

/// RFC 6749 §5.2: who guesses at secrets does not learn which apps there are.
#[tokio::test(flavor = "multi_thread")]
async fn under_no_preset_a_wrong_secret_tells_whether_the_app_is_known() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        for by_basic in [false, true] {
            let unknown = refused(&server, "nobody", by_basic).await;
            for known in ["sample", "native"] {
                assert_eq!(refused(&server, known, by_basic).await, unknown, "{preset} {known}");
            }
        }
    }
}

/// What every endpoint says to an app with a wrong secret.
async fn refused(server: &Server, id: &str, by_basic: bool) -> Vec<String> {
    let client = server.client(id, REDIRECT_URI).with_secret("guessed");
    let client = if by_basic { client.by_basic() } else { client };
    let answers = [
        client.redeem("hp_ac_x").await,
        client.refresh("hp_rt_x").await,
        client.client_credentials(&[]).await,
        client.introspect("hp_at_x").await,
        client.revoke("hp_rt_x").await,
    ];
    assert!(
        answers.iter().all(|answer| (400..500).contains(&answer.status)),
        "{answers:?}"
    );
    answers.iter().map(Answer::shown).collect()
}
