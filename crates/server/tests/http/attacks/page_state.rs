//! Sealed page states that arrive twice, late, from another browser or for another purpose, and consents whose conditions
//! have changed before they arrive (decision 41).

use super::{PRESETS, RESET, assert_unchanged, form_to, is_logged_in, send};
use crate::harness::{APPS, Answer, JOHN, Landing, MARY, REDIRECT_URI, Server, TENANTS};
use std::time::Duration;

const ACME: &str = "https://acme.example/callback";

#[tokio::test(flavor = "multi_thread")]
async fn switch_account_with_the_state_of_another_browser_changes_nothing() {
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

/// Decision 9: each sealed state is bound to its purpose. All of these belong to the same person and browser, and are fresh.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_a_state_is_refused_for_another_purpose() {
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

async fn grants(server: &Server) -> usize {
    let listed = server.command(&["grant", "list"]);
    listed["grants"].as_array().map_or(0, Vec::len)
}

/// A consent for another user: the account is switched between the page and the answer, in the same browser.
#[tokio::test(flavor = "multi_thread")]
async fn a_consent_page_of_one_person_is_refused_from_the_next_in_the_browser() {
    let server = Server::library("default", APPS).await;
    let browser = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let asked = browser.authorize(&sample.query(&[])).await.consent();
    let account = browser.open("/account").await;
    send(&browser, &account, "/logout", &[]).await;
    // Nobody is signed in, so the answer leads to the sign-in.
    browser.decide(&asked, "allow").await.login();
    browser.log_in(MARY).await;
    let again = browser.decide(&asked, "allow").await.consent();
    assert!(
        again.text().contains("mary@example.com") && !again.text().contains("john@doe.com"),
        "{}",
        again.text()
    );
    assert!(
        matches!(browser.decide(&asked, "deny").await, Landing::Consent(_)),
        "nor is a denial hers"
    );
    assert_eq!(grants(&server).await, 0);
    // John is signed in again. The old page belonged to another session, so the server asks again.
    let account = browser.open("/account").await;
    send(&browser, &account, "/logout", &[]).await;
    browser.log_in(JOHN).await;
    browser.decide(&asked, "allow").await.consent();
    assert_eq!(grants(&server).await, 0);
}

/// Decision 41: a POST repeats the authorization checks with the current data.
#[tokio::test(flavor = "multi_thread")]
async fn a_consent_whose_conditions_changed_gives_nothing() {
    let takes: [(&[&str], &[&str]); 4] = [
        (&["app", "suspend", "acme-reports"], &["app", "resume", "acme-reports"]),
        (&["org", "suspend", "acme"], &["org", "resume", "acme"]),
        (
            &["user", "suspend", "max@example.com"],
            &["user", "resume", "max@example.com"],
        ),
        (
            &["org", "remove-member", "acme", "max@example.com"],
            &["org", "set-member", "acme", "max@example.com", "member"],
        ),
    ];
    let server = Server::library("default", TENANTS).await;
    let max = crate::harness::Person {
        email: "max@example.com",
        password: "only a member of it",
    };
    let acme = server.client("acme-reports", ACME);
    for (take, give) in takes {
        let browser = server.browser_of(max).await;
        let asked = browser.authorize(&acme.query(&[])).await.consent();
        server.command(take);
        let answer = browser
            .submit(&asked, &asked.form("decision"), &[("decision", "allow")])
            .await;
        assert!(!answer.header("location").contains("code="), "{take:?}: {answer:?}");
        assert!(!answer.body.contains("hp_ac_"), "{take:?}");
        assert_eq!(grants(&server).await, 0, "{take:?}");
        server.command(give);
    }
    // A code that was issued before is refused as well once its conditions have changed.
    for (take, give) in takes {
        let browser = server.browser_of(max).await;
        let code = acme.code(&browser, &[]).await;
        server.command(take);
        let answer = acme.redeem(&code).await;
        assert!(matches!(answer.status, 400 | 401), "{take:?}: {answer:?}");
        server.command(give);
    }
}

/// Only the scopes on the page are granted: neither a scope that the app has lost since, nor one that it has gained.
#[tokio::test(flavor = "multi_thread")]
async fn a_consent_to_scopes_that_the_app_lost_gives_nothing() {
    let world = format!("[server]\npublic_url = \"http://id.example.com\"\n{APPS}");
    let mut server = Server::library("default", &world).await;
    let (cookies, asked) = {
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let page = john
            .authorize(&sample.query(&[("scope", "read write")]))
            .await
            .consent();
        (john.cookies(), page)
    };
    let uris = "[\"https://app.example/callback\"]";
    server.declare(&world.replace(uris, &format!("{uris}\nscopes = [\"read\"]")));
    server.restart().await;
    let john = server.browser();
    john.set_cookies(&cookies);
    let callback = john.decide(&asked, "allow").await.callback();
    assert_eq!((callback.get("error"), callback.get("code")), ("invalid_scope", ""));
    assert_eq!(grants(&server).await, 0);
}

/// One page gives one grant. A second POST with other values changes nothing in the first grant.
#[tokio::test(flavor = "multi_thread")]
async fn a_consent_sent_again_with_other_values_creates_no_second_grant() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let asked = john.authorize(&sample.query(&[("scope", "read")])).await.consent();
    let first = john.decide(&asked, "allow").await.callback();
    let form = asked.form("decision");
    for more in [
        &[("scope", "read write")][..],
        &[
            ("client_id", "other"),
            ("redirect_uri", "https://other.example/callback"),
        ],
        &[("user", MARY.email), ("organization", "")],
    ] {
        let typed = [more, &[("decision", "allow")]].concat();
        let answer = john.submit(&asked, &form, &typed).await;
        assert!(answer.header("location").contains(first.code()), "{more:?}: {answer:?}");
        assert!(answer.header("location").starts_with(REDIRECT_URI), "{more:?}");
    }
    let tokens = sample.redeem(first.code()).await;
    assert_eq!(tokens.json()["scope"], "read");
    assert_eq!(grants(&server).await, 1);
}

/// A state is valid for half an hour and in its own session, except for signing out.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_refused_after_its_session_or_its_half_hour() {
    let server = Server::library("default", APPS).await;
    let sample = server.client("sample", REDIRECT_URI);
    let john = server.browser_of(JOHN).await;
    let tokens = sample.connect(&john).await;
    for late in [false, true] {
        let pages = [
            (
                john.authorize(&sample.query(&[])).await.consent(),
                "/consent",
                &[("decision", "allow")][..],
            ),
            (john.open("/account/apps").await, "/account/apps", &[("end", "1")]),
            (john.open("/developer/apps/sample").await, RESET, &[("reset", "now")]),
            (
                john.open("/developer/apps/new").await,
                "/developer/apps/new",
                &[("name", "Sneaky"), ("redirect_uris", "https://evil.example/")],
            ),
        ];
        if late {
            server.advance(Duration::from_secs(30 * 60));
        } else {
            let account = john.open("/account").await;
            send(&john, &account, "/logout", &[]).await;
            john.log_in(JOHN).await;
        }
        for (page, action, typed) in &pages {
            let answer = john.submit_only(page, &form_to(page, action), typed).await;
            assert!(!answer.header("location").contains("code="), "{late} {action}");
            assert_eq!(answer.by_id("fresh-secret"), None, "{late} {action}");
        }
        assert_unchanged(&server, &john, &sample, &tokens).await;
        assert!(!john.open("/developer").await.text().contains("Sneaky"), "{late}");
    }
    assert_eq!(grants(&server).await, 1);
}

/// A page state is sealed: nobody can read the request in it, and a state with one changed letter is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_cannot_be_read_or_changed() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let page = john
        .authorize(&sample.query(&[("state", "a-state-to-look-for")]))
        .await
        .consent();
    let state = page.form("decision").value("state").to_owned();
    let again = john
        .authorize(&sample.query(&[("state", "a-state-to-look-for")]))
        .await
        .consent();
    assert_ne!(state, again.form("decision").value("state"), "sealed anew each time");
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(&state).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("look-for"));
    for position in [
        0,
        10,
        21,
        22,
        40,
        80,
        100,
        state.len() / 2,
        state.len() - 30,
        state.len() - 3,
    ] {
        let mut changed = state.clone().into_bytes();
        changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        let typed = [("decision", "allow"), ("state", changed.as_str())];
        let answer = john.submit(&page, &page.form("decision"), &typed).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{position}");
    }
}
