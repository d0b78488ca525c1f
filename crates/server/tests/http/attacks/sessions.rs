//! Sessions that are planted, kept or carried elsewhere (RFC 6265 §8.4 and §8.6; RFC 9700 §4.7).

use super::{is_logged_in, send};
use crate::harness::{JOHN, MARY, Server};

/// A value of the right form, of an attacker's choice.
const PLANTED: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_planted_is_nobodys() {
    let server = Server::library("default", "").await;
    let name = format!("hallpass-{}", server.port());
    let victim = server.browser();
    victim.set_cookies(&format!("{name}={PLANTED}; {name}-browser-planted0={PLANTED}"));
    victim.log_in(JOHN).await;
    assert!(is_logged_in(&victim).await);
    assert_ne!(victim.session_cookie().1, PLANTED);
    let attacker = server.browser();
    attacker.set_cookies(&format!("{name}={PLANTED}; {name}-browser-planted0={PLANTED}"));
    assert!(!is_logged_in(&attacker).await);
    // Planted again beside the true one, in either order: nobody is somebody else by it.
    let own = victim.cookies();
    for both in [format!("{name}={PLANTED}; {own}"), format!("{own}; {name}={PLANTED}")] {
        let url = server.at("/account");
        let request = server.request(reqwest::Method::GET, &url).header("cookie", both);
        let page = server.send(&url, request).await;
        assert!(!page.text().contains("Mary Major"), "{}", page.text());
    }
}

/// A login over a login: the session of before ends with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_the_same_browser_signs_in_anew() {
    let server = Server::library("default", "").await;
    let browser = server.browser_of(JOHN).await;
    let before = browser.cookies();
    let page = browser.open("/account").await;
    send(&browser, &page, "/logout", &[]).await;
    let between = browser.cookies();
    browser.log_in(MARY).await;
    for old in [before, between] {
        let thief = server.browser();
        thief.set_cookies(&old);
        assert!(!is_logged_in(&thief).await);
    }
    assert!(browser.open("/account").await.text().contains("Mary Major"));
}

/// A new password ends every session: whoever came in by the old one is out.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_signs_everybody_out() {
    let server = Server::library("default", "").await;
    let (one, other, mary) = (
        server.browser_of(JOHN).await,
        server.browser_of(JOHN).await,
        server.browser_of(MARY).await,
    );
    let made = server.command(&["user", "set-password", JOHN.email]);
    assert!(made["password"].is_string(), "{made}");
    assert!(!is_logged_in(&one).await && !is_logged_in(&other).await);
    assert!(is_logged_in(&mary).await);
    assert_eq!(server.browser().log_in(JOHN).await.status, 401);
}

/// A suspension too, and the end of it brings no session back.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_does_not_come_back_with_a_person_who_was_suspended() {
    let server = Server::library("default", "").await;
    let john = server.browser_of(JOHN).await;
    server.command(&["user", "suspend", JOHN.email]);
    server.command(&["user", "resume", JOHN.email]);
    assert!(!is_logged_in(&john).await);
}

/// Whoever reads the database has no session by it, and no page's address carries one.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_written_down_only_as_a_hash() {
    let server = Server::library("default", "").await;
    let john = server.browser_of(JOHN).await;
    let (name, token) = john.session_cookie();
    assert_eq!(token.len(), 43, "256 bits");
    assert!(!server.keeps(&token));
    for path in ["/", "/account", "/account/apps", "/developer"] {
        assert!(!john.open(path).await.body.contains(&token), "{path}");
    }
    for path in [format!("/account?{name}={token}"), format!("/account;{name}={token}")] {
        let page = server.get(&path).await;
        assert!(!page.text().contains("John Doe"), "{path}");
    }
}

/// RFC 6265bis §4.1.3.2: with https only the cookie with the prefix counts, which no other host and no plain http can set.
#[tokio::test(flavor = "multi_thread")]
async fn with_https_a_cookie_without_the_prefix_counts_for_nothing() {
    let server = Server::library("default", "[server]\npublic_url = \"https://id.example.com\"").await;
    let john = server.browser_of(JOHN).await;
    let (name, value) = john.session_cookie();
    assert_eq!(name, "__Host-hallpass");
    for other in [
        "hallpass",
        "hallpass-443",
        "__Secure-hallpass",
        "__host-hallpass",
        "__Host-hallpass-443",
        " __Host-hallpass2",
    ] {
        let thief = server.browser();
        thief.set_cookies(&format!("{other}={value}"));
        assert!(!is_logged_in(&thief).await, "{other}");
    }
}
