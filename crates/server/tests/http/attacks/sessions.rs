//! Sessions that are planted, kept or used in another browser (RFC 6265 §8.4 and §8.6; RFC 9700 §4.7).

use super::{is_logged_in, send};
use crate::harness::{JOHN, MARY, Server};

/// A session id of the right form, chosen by an attacker.
const PLANTED: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_session_is_not_signed_in() {
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
    // The planted id beside the real one, in either order, signs nobody in as another person.
    let own = victim.cookies();
    for both in [format!("{name}={PLANTED}; {own}"), format!("{own}; {name}={PLANTED}")] {
        let url = server.at("/account");
        let request = server.request(reqwest::Method::GET, &url).header("cookie", both);
        let page = server.send(&url, request).await;
        assert!(!page.text().contains("Mary Major"), "{}", page.text());
    }
}

/// A second login in the same browser ends the first session.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_sign_in_ends_the_browsers_first_session() {
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

/// A new password ends every session, including those of anyone who knew the old password.
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

/// A suspension also ends every session, and its end restores none.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_suspension_restores_no_session() {
    let server = Server::library("default", "").await;
    let john = server.browser_of(JOHN).await;
    server.command(&["user", "suspend", JOHN.email]);
    server.command(&["user", "resume", JOHN.email]);
    assert!(!is_logged_in(&john).await);
}

/// A reader of the database cannot use a session from it, and no URL of a page contains one.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_stored_only_as_a_hash() {
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

/// RFC 6265bis §4.1.3.2: with https only the cookie with the prefix counts, which neither another host nor plain http can
/// set.
#[tokio::test(flavor = "multi_thread")]
async fn with_https_a_cookie_without_the_prefix_is_ignored() {
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
