//! A form whose session ended before it was submitted is shown again after sign-in, or the page says that nothing was done
//! (decision 56).

use crate::harness::{APPS, Answer, Browser, Form, JOHN, Landing, MARY, Person, REDIRECT_URI, Server};
use std::time::Duration;

const TYPED: [(&str, &str); 4] = [
    ("name", "Crew & Co"),
    ("redirect_uris", "https://crew.example/cb\nhttps://crew.example/other"),
    ("type", "public"),
    ("localhost_any_port", "true"),
];
const SAMPLE: &str = "/developer/apps/sample";
const NOTHING: &str = "Nothing was done: this page was open too long";

/// A page of a person whose session has ended without the person knowing.
async fn left_open<'s>(server: &'s Server, person: Person, path: &str) -> (Browser<'s>, Answer) {
    let browser = server.browser_of(person).await;
    server.advance(Duration::from_secs(12 * 3600 - 60));
    let page = browser.open(path).await;
    server.advance(Duration::from_secs(120));
    (browser, page)
}

async fn send(browser: &Browser<'_>, page: &Answer, form: &Form, typed: &[(&str, &str)]) -> Answer {
    let login = Landing::of(browser.submit(page, form, typed).await).login();
    assert!(
        login.text().contains("You are signed out, so nothing was done"),
        "{}",
        login.text()
    );
    login
}

async fn apps(browser: &Browser<'_>) -> usize {
    browser.open("/developer").await.body.matches("<li>").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_is_shown_again_after_sign_in_as_typed() {
    let server = Server::library("default", APPS).await;
    let (mary, page) = left_open(&server, MARY, "/developer/apps/new").await;
    let typed = [&TYPED[..], &[("scope", "read"), ("password", "hunter2")]].concat();
    let login = send(&mary, &page, &page.form("redirect_uris"), &typed).await;
    assert!(login.text().contains("What you typed is kept"), "{}", login.text());
    // A wrong password loses nothing either.
    let wrong = Person {
        password: "wrong",
        ..MARY
    };
    let login = mary.send_login(&login, wrong).await;
    assert_eq!(login.status, 401);
    let back = mary.send_login(&login, MARY).await;
    assert_eq!(back.status, 200);
    assert!(back.text().contains("What you typed is here"), "{}", back.text());
    let form = back.form("redirect_uris");
    for (name, value) in TYPED {
        assert_eq!(form.value(name), value);
    }
    let scopes: Vec<_> = form.fields.iter().filter(|(name, _)| name == "scope").collect();
    assert_eq!(scopes, [&("scope".to_owned(), "read".to_owned())]);
    assert!(!back.body.contains("hunter2"));
    assert_eq!(apps(&mary).await, 0, "nothing was registered by itself");
    mary.submit(&back, &form, &[]).await;
    assert_eq!(apps(&mary).await, 1);
}

/// Signing out deletes the session cookie; the binding cookie still names the browser.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_shown_again_if_another_tab_signed_out() {
    let server = Server::library("default", &APPS.replace("john@doe.com", MARY.email)).await;
    let sample = server.client("sample", REDIRECT_URI);
    let mary = server.browser_of(MARY).await;
    sample.connect(&mary).await;
    let pages = [
        ("/developer/apps/new", "redirect_uris", "What you typed is here"),
        ("/account/apps", "end", "still has access. End it now?"),
        (SAMPLE, "reset", NOTHING),
    ];
    for (path, field, said) in pages {
        let page = mary.open(path).await;
        let sign_out = page.forms().into_iter().find(|form| form.action == "/logout");
        mary.submit(&page, &sign_out.unwrap(), &[]).await;
        let typed: &[_] = match field {
            "end" => &[("end", "1")],
            "reset" => &[("reset", "now")],
            _ => &TYPED,
        };
        let login = send(&mary, &page, &page.form(field), typed).await;
        let back = mary.send_login(&login, MARY).await;
        assert!(back.text().contains(said), "{path}: {}", back.text());
        assert!(back.forms().iter().any(|form| form.has(field)), "{path} comes back");
        assert_eq!(back.body.contains("crew.example/other"), field == "redirect_uris");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_is_not_shown_to_another_person() {
    let server = Server::library("default", APPS).await;
    let (browser, page) = left_open(&server, MARY, "/developer/apps/new").await;
    let login = send(&browser, &page, &page.form("redirect_uris"), &TYPED).await;
    let answer = browser.send_login(&login, JOHN).await;
    // In Dutch, John's language.
    assert!(answer.text().contains("Er is niets gebeurd"), "{}", answer.text());
    assert!(!answer.readable().contains("Crew"), "{}", answer.body);
    assert_eq!(apps(&browser).await, 1, "his own alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_is_not_shown_in_another_browser() {
    let server = Server::library("default", APPS).await;
    let (mary, page) = left_open(&server, MARY, "/developer/apps/new").await;
    let form = page.form("redirect_uris");
    // The form belongs to another browser, so nothing of it is kept.
    let other = server.browser();
    let login = send(&other, &page, &form, &TYPED).await;
    assert!(!login.text().contains("What you typed is kept"), "{}", login.text());
    let answer = other.send_login(&login, MARY).await;
    assert!(
        answer.text().contains(NOTHING) && !answer.readable().contains("Crew"),
        "{}",
        answer.text()
    );
    // A form kept for one browser is refused in another.
    let login = send(&mary, &page, &form, &TYPED).await;
    let third = server.browser();
    third.open("/login").await;
    let stale = third.send_login(&login, MARY).await;
    let answer = third.send_login(&stale, MARY).await;
    assert!(!answer.readable().contains("Crew"), "{}", answer.body);
}

/// The person signs in in another tab, and then in this one.
#[tokio::test(flavor = "multi_thread")]
async fn a_registration_is_shown_again_if_another_tab_signed_in() {
    let server = Server::library("default", APPS).await;
    let (mary, page) = left_open(&server, MARY, "/developer/apps/new").await;
    let login = send(&mary, &page, &page.form("redirect_uris"), &TYPED).await;
    mary.log_in(MARY).await;
    let back = mary.send_login(&login, MARY).await;
    assert!(back.text().contains("What you typed is here"), "{}", back.text());
    assert_eq!(back.form("redirect_uris").value("name"), TYPED[0].1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_too_long_to_keep_is_not_reported_as_kept() {
    let server = Server::library("default", APPS).await;
    let (mary, page) = left_open(&server, MARY, "/developer/apps/new").await;
    let long = "x".repeat(21 * 1024);
    let login = send(&mary, &page, &page.form("redirect_uris"), &[("name", &long)]).await;
    assert!(!login.text().contains("kept"), "{}", login.text());
    let answer = mary.send_login(&login, MARY).await;
    assert!(answer.text().contains(NOTHING), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_was_open_too_long_says_so() {
    let server = Server::library("default", APPS).await;
    let mary = server.browser_of(MARY).await;
    let page = mary.open("/developer/apps/new").await;
    server.advance(Duration::from_secs(31 * 60));
    let back = mary.submit(&page, &page.form("redirect_uris"), &TYPED).await;
    assert_eq!(back.status, 400);
    assert!(back.text().contains("What you typed is here"), "{}", back.text());
    mary.submit(&back, &back.form("redirect_uris"), &[]).await;
    assert_eq!(apps(&mary).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ending_access_is_asked_for_again_after_sign_in() {
    let server = Server::library("default", APPS).await;
    let (sample, other) = (
        server.client("sample", REDIRECT_URI),
        server.client("other", "https://other.example/callback"),
    );
    let mary = server.browser_of(MARY).await;
    sample.connect(&mary).await;
    other.connect(&mary).await;
    let (mary, page) = left_open(&server, MARY, "/account/apps").await;
    let (form, name) = (page.form("end"), "has access no more");
    assert!(!page.text().contains(name));
    let login = send(&mary, &page, &form, &[("end", "1")]).await;
    let again = mary.send_login(&login, MARY).await;
    assert!(again.text().contains(NOTHING), "{}", again.text());
    let asked = again.form("end");
    for field in ["app", "organization"] {
        assert_eq!(
            asked.value(field),
            form.value(field),
            "the one that was meant comes first"
        );
    }
    let listed = |page: &Answer| page.forms().iter().filter(|form| form.has("end")).count();
    assert_eq!(listed(&again), 3, "both still have access");
    assert!(
        again.text().contains("still has access. End it now?"),
        "{}",
        again.text()
    );
    let ended = mary.submit(&again, &asked, &[("end", "1")]).await;
    assert_eq!(listed(&ended), 1, "{}", ended.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_person_who_signs_in_ends_nothing() {
    let server = Server::library("default", APPS).await;
    let sample = server.client("sample", REDIRECT_URI);
    let of_john = sample.connect(&server.browser_of(JOHN).await).await;
    let of_mary = sample.connect(&server.browser_of(MARY).await).await;
    let (browser, page) = left_open(&server, JOHN, "/account/apps").await;
    // John's page is in Dutch.
    let login = browser.submit(&page, &page.form("end"), &[("end", "1")]).await;
    let answer = browser.send_login(&login, MARY).await;
    assert!(answer.text().contains(NOTHING), "{}", answer.text());
    assert!(!answer.text().contains("End it now?"), "{}", answer.text());
    for tokens in [of_john, of_mary] {
        assert_eq!(sample.refresh(&tokens.refresh).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_open_too_long_ends_nothing_and_says_so() {
    let server = Server::library("default", APPS).await;
    let mary = server.browser_of(MARY).await;
    server.client("sample", REDIRECT_URI).connect(&mary).await;
    let page = mary.open("/account/apps").await;
    server.advance(Duration::from_secs(31 * 60));
    let again = mary.submit(&page, &page.form("end"), &[("end", "1")]).await;
    assert!(again.text().contains(NOTHING), "{}", again.text());
    assert!(
        again.text().contains("Sample App still has access. End it now?"),
        "{}",
        again.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_a_session_neither_creates_nor_ends_a_secret() {
    let server = Server::library("default", &APPS.replace("john@doe.com", MARY.email)).await;
    let two = {
        let mary = server.browser_of(MARY).await;
        let page = mary.open(SAMPLE).await;
        mary.submit(&page, &page.form("add"), &[("add", "1")]).await
    };
    assert_eq!(two.status, 200, "{}", two.text());
    let live = || server.command(&["app", "show", "sample"])["secrets"].clone();
    let before = live();
    for (button, value) in [("reset", "now"), ("end", "1")] {
        let (mary, page) = left_open(&server, MARY, SAMPLE).await;
        let login = send(&mary, &page, &page.form(button), &[(button, value)]).await;
        let answer = mary.send_login(&login, MARY).await;
        assert_eq!(answer.status, 200);
        assert!(answer.text().contains(NOTHING), "{}", answer.text());
        assert_eq!(answer.by_id("client-id").as_deref(), Some("sample"), "the app's page");
        assert_eq!(answer.by_id("fresh-secret"), None);
        assert_eq!(live(), before);
        // The reverse: signed in, but the page is old.
        let page = mary.open(SAMPLE).await;
        server.advance(Duration::from_secs(31 * 60));
        let answer = mary.submit(&page, &page.form(button), &[(button, value)]).await;
        assert!(answer.text().contains(NOTHING), "{}", answer.text());
        assert_eq!(live(), before);
    }
    // Another person, who may not open that page, is also told that nothing was done.
    let (browser, page) = left_open(&server, MARY, SAMPLE).await;
    let login = send(&browser, &page, &page.form("reset"), &[("reset", "now")]).await;
    let answer = browser.send_login(&login, JOHN).await;
    assert!(answer.text().contains("Er is niets gebeurd"), "{}", answer.text());
    assert_eq!(live(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_without_a_session_is_asked_for_after_sign_in() {
    let server = Server::library("default", APPS).await;
    let sample = server.client("sample", REDIRECT_URI);
    let mary = server.browser_of(MARY).await;
    let page = mary.authorize(&sample.query(&[("state", "kept")])).await.consent();
    server.advance(Duration::from_secs(12 * 3600 + 1));
    let login = send(&mary, &page, &page.form("decision"), &[("decision", "allow")]).await;
    assert!(login.text().contains("to continue to Sample App"), "{}", login.text());
    let consent = Landing::of(mary.send_login(&login, MARY).await).consent();
    assert_eq!(mary.decide(&consent, "allow").await.callback().get("state"), "kept");
}

/// A form whose sealed state was lost or cut on the way.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_with_a_damaged_state_is_not_reported_as_old_or_kept() {
    let server = Server::library("default", &APPS.replace("john@doe.com", MARY.email)).await;
    let mary = server.browser_of(MARY).await;
    server.client("sample", REDIRECT_URI).connect(&mary).await;
    let forms = [
        ("/developer/apps/new", "redirect_uris", 400),
        ("/account/apps", "end", 200),
        (SAMPLE, "reset", 200),
    ];
    for (path, field, status) in forms {
        let page = mary.open(path).await;
        let form = page.form(field);
        for state in ["", "AAAA", "é", &form.value("state")[1..]] {
            let answer = mary.submit(&page, &form, &[("state", state), (field, "now")]).await;
            assert_eq!(answer.status, status, "{path}");
            let text = answer.text();
            assert!(text.contains("The form could not be read"), "{path}: {text}");
            assert!(
                !text.contains("What you typed is here") && !text.contains(NOTHING),
                "{path}: {text}"
            );
            assert!(
                answer.forms().iter().any(|form| form.has(field)),
                "{path} can be done again"
            );
        }
    }
    // The received values of a registration are on its page.
    let page = mary.open("/developer/apps/new").await;
    let typed = [&TYPED[..], &[("state", "AAAA")]].concat();
    let answer = mary.submit(&page, &page.form("redirect_uris"), &typed).await;
    assert_eq!(answer.form("redirect_uris").value("name"), TYPED[0].1);
    for state in ["", "AAAA"] {
        let stranger = server.browser();
        let page = stranger.open("/login").await;
        let answer = stranger
            .submit(&page, &page.form("password"), &[("state", state)])
            .await;
        assert!(
            answer.text().contains("The form could not be read"),
            "{}",
            answer.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_form_is_not_reported_as_kept() {
    let server = Server::library("default", APPS).await;
    let sample = server.client("sample", REDIRECT_URI);
    sample.connect(&server.browser_of(MARY).await).await;
    for (path, field) in [("/developer/apps/new", "redirect_uris"), ("/account/apps", "end")] {
        let (mary, page) = left_open(&server, MARY, path).await;
        let login = send(&mary, &page, &page.form(field), &[]).await;
        assert!(!login.text().contains("kept"), "{path}: {}", login.text());
        let back = mary.send_login(&login, MARY).await;
        assert!(back.text().contains(NOTHING), "{path}: {}", back.text());
    }
    let mary = server.browser_of(MARY).await;
    let page = mary.open("/developer/apps/new").await;
    server.advance(Duration::from_secs(31 * 60));
    let back = mary.submit(&page, &page.form("redirect_uris"), &[]).await;
    assert!(back.text().contains(NOTHING), "{}", back.text());
}

/// The button is on a page from before the person signed in again.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_without_effect_says_so() {
    let server = Server::library("default", "").await;
    let mary = server.browser_of(MARY).await;
    let page = mary.open("/account").await;
    let sign_out = |page: &Answer| page.forms().into_iter().find(|form| form.action == "/logout").unwrap();
    let (name, _) = mary.session_cookie();
    mary.set_cookies(&mary.cookies().replace(&format!("{name}="), "gone="));
    mary.log_in(MARY).await;
    for state in [sign_out(&page).value("state"), ""] {
        let answer = mary.submit(&page, &sign_out(&page), &[("state", state)]).await;
        assert!(answer.text().contains("You are still signed in"), "{}", answer.text());
    }
    let again = mary.submit(&page, &sign_out(&page), &[]).await;
    let answer = mary.submit(&again, &sign_out(&again), &[]).await;
    assert!(!answer.text().contains("signed in"), "{}", answer.text());
    assert!(
        mary.open("/account")
            .await
            .forms()
            .iter()
            .any(|form| form.has("password"))
    );
}
