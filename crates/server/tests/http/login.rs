//! Signing in and out (decisions 9 and 54): the session changes at login, forms are sealed, and no redirect leaves the server.

use crate::harness::{APPS, JOHN, MARY, Person, REDIRECT_URI, Server};
use reqwest::Method;
use std::time::Duration;

/// Whether the browser is logged in, which the account page shows.
async fn is_logged_in(browser: &crate::harness::Browser<'_>) -> bool {
    browser
        .open("/account")
        .await
        .forms()
        .iter()
        .all(|form| !form.has("password"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_account_get_the_same_answer() {
    let server = Server::library("default", "").await;
    let mut shown = Vec::new();
    for (email, password) in [
        (JOHN.email, "wrong"),
        ("nobody@example.com", "wrong"),
        (JOHN.email, ""),
        (JOHN.email, MARY.password),
    ] {
        let browser = server.browser();
        let answer = browser.log_in(Person { email, password }).await;
        assert_eq!(answer.status, 401);
        assert!(!is_logged_in(&browser).await);
        shown.push(answer.text());
    }
    assert!(shown[0].contains("The e\u{2011}mail address or the password is wrong."));
    assert!(shown.iter().all(|text| *text == shown[0]));
}

/// A host sends the cookies of all its programs, in any encoding (RFC 6265 §4.2.2).
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_cookie_does_not_hide_ours() {
    let server = Server::library("default", "").await;
    let browser = server.browser_of(JOHN).await;
    let ours = browser.cookies();
    for theirs in [
        &b"name=J\xfcrgen"[..],
        b"=",
        b"a=\xff\x80",
        b"\xe2\x98\x83",
        b"x=\"a, b\"",
    ] {
        for line in [
            [theirs, b"; ", ours.as_bytes()].concat(),
            [ours.as_bytes(), b";", theirs].concat(),
        ] {
            let url = server.at("/account");
            let request = server.request(Method::GET, &url).header("cookie", line.as_slice());
            let page = server.send(&url, request).await;
            assert_eq!(page.status, 200);
            assert!(page.forms().iter().all(|form| !form.has("password")), "{theirs:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_keeps_the_destination() {
    let server = Server::library("default", APPS).await;
    let sample = server.client("sample", REDIRECT_URI);
    let browser = server.browser();
    let mut page = browser.authorize(&sample.query(&[])).await.login();
    let way = "to continue to";
    assert!(page.text().contains(way), "{}", page.text());
    for _ in 0..2 {
        let wrong = Person {
            password: "wrong",
            ..JOHN
        };
        page = browser.send_login(&page, wrong).await;
        assert_eq!(page.status, 401);
        assert!(page.text().contains(way), "{}", page.text());
    }
    crate::harness::Landing::of(browser.send_login(&page, JOHN).await).consent();
}

/// A form of 60 kB could get an answer of 300 kB, without a sign-in.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_name_that_is_not_an_address_is_not_repeated() {
    let server = Server::library("default", "").await;
    let browser = server.browser();
    let page = browser.open("/login").await;
    // Each character is three characters in the form, and five on the page.
    let email: &'static str = "'".repeat(20_000).leak();
    let long = Person { email, ..JOHN };
    let refused = browser.send_login(&page, long).await;
    assert_eq!(refused.status, 401);
    assert!(refused.body.len() < 8 * 1024, "{}", refused.body.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_address_is_the_same_in_any_case_and_with_spaces_around() {
    let server = Server::library("default", "").await;
    let person = Person {
        email: " John@DOE.com ",
        ..JOHN
    };
    server.browser_of(person).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_changes_at_login() {
    let server = Server::library("default", "").await;
    let browser = server.browser();
    let page = browser.open("/login").await;
    let before = browser.cookies();
    browser.send_login(&page, JOHN).await;
    let after = browser.cookies();
    assert_ne!(before, after);
    // An attacker who planted the first session has nothing.
    let attacker = server.browser();
    attacker.set_cookies(&before);
    assert!(!is_logged_in(&attacker).await);
    // A second login changes the session again.
    let other = server.browser();
    other.set_cookies(&after);
    assert!(is_logged_in(&other).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_cookie_is_httponly_and_samesite() {
    let server = Server::library("default", "").await;
    let browser = server.browser();
    let page = browser.open("/login").await;
    let name = format!("hallpass-{}-browser-", server.port());
    let cookie = page.header("set-cookie");
    assert!(
        cookie.starts_with(&name) && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    let typed = [("username", JOHN.email), ("password", JOHN.password)];
    let signed_in = browser.submit_only(&page, &page.form("password"), &typed).await;
    let cookie = signed_in.header("set-cookie");
    let name = format!("hallpass-{}=", server.port());
    assert!(
        cookie.starts_with(&name) && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn with_https_the_cookie_is_bound_to_host_and_transport() {
    let server = Server::library("default", "[server]\npublic_url = \"https://id.example.com\"").await;
    let browser = server.browser();
    let page = browser.open("/login").await;
    let typed = [("username", JOHN.email), ("password", JOHN.password)];
    let signed_in = browser.submit_only(&page, &page.form("password"), &typed).await;
    for (answer, name) in [(&page, "__Host-hallpass-browser-"), (&signed_in, "__Host-hallpass=")] {
        let cookie = answer.header("set-cookie");
        assert!(
            cookie.starts_with(name) && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
            "{cookie}"
        );
    }
    assert!(is_logged_in(&browser).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_for_good() {
    let server = Server::library("default", "").await;
    let browser = server.browser_of(JOHN).await;
    let cookies = browser.cookies();
    let page = browser.open("/account").await;
    let forms = page.forms();
    let form = forms
        .iter()
        .find(|form| form.action.ends_with("/logout"))
        .expect("a way to sign out");
    browser.submit(&page, form, &[]).await;
    assert!(!is_logged_in(&browser).await);
    browser.set_cookies(&cookies);
    assert!(
        !is_logged_in(&browser).await,
        "the session is gone, not only the cookie"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_cannot_sign_anybody_out() {
    let server = Server::library("default", "").await;
    let browser = server.browser_of(JOHN).await;
    let page = browser.open("/account").await;
    let form = page
        .forms()
        .into_iter()
        .find(|form| form.action.ends_with("/logout"))
        .unwrap();
    let answer = browser
        .submit_from(&page, &form, &[], Some("https://evil.example"))
        .await;
    assert_eq!(answer.status, 403);
    browser.submit_from(&page, &form, &[("state", "AAAA")], None).await;
    assert!(is_logged_in(&browser).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_by_itself() {
    let server = Server::library("default", "").await;
    let browser = server.browser_of(JOHN).await;
    server.advance(Duration::from_secs(12 * 3600 - 1));
    assert!(is_logged_in(&browser).await);
    server.advance(Duration::from_secs(1));
    assert!(!is_logged_in(&browser).await);
}

/// Login CSRF: a victim must not be signed in to an attacker's account.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_form_of_another_browser_signs_nobody_in() {
    let server = Server::library("default", "").await;
    let attackers = server.browser().open("/login").await;
    let victim = server.browser();
    let answer = victim.send_login(&attackers, JOHN).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("keeps no cookies"), "{}", answer.text());
    assert!(!is_logged_in(&victim).await);
    // The page asks again, and the second attempt works.
    let answer = victim.send_login(&answer, JOHN).await;
    assert_eq!(answer.status, 200);
    assert!(is_logged_in(&victim).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_form_from_another_site_gets_a_clear_refusal() {
    let server = Server::library("default", "").await;
    let browser = server.browser();
    let page = browser.open("/login").await;
    let typed = [("username", JOHN.email), ("password", JOHN.password)];
    for (origin, told) in [
        ("https://evil.example", "This came from another address"),
        ("null", "Your browser hides where this came from"),
    ] {
        let answer = browser
            .submit_from(&page, &page.form("password"), &typed, Some(origin))
            .await;
        assert_eq!(answer.status, 403);
        assert!(answer.text().contains(told), "{}", answer.text());
    }
    assert!(!is_logged_in(&browser).await);
    let answer = browser.submit_from(&page, &page.form("password"), &typed, None).await;
    assert_eq!(answer.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_login_page_asks_again_and_keeps_the_destination() {
    let server = Server::library("default", APPS).await;
    let browser = server.browser();
    let sample = server.client("sample", REDIRECT_URI);
    let page = browser.authorize(&sample.query(&[("state", "kept")])).await.login();
    server.advance(Duration::from_secs(31 * 60));
    let again = browser.send_login(&page, MARY).await;
    assert_eq!(again.status, 400);
    assert_eq!(
        again.form("password").value("username"),
        MARY.email,
        "what was typed stands there"
    );
    let consent = browser.send_login(&again, MARY).await;
    let callback = browser.decide(&consent, "allow").await.callback();
    assert_eq!(callback.get("state"), "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_login_continues_the_interrupted_request() {
    let server = Server::library("default", APPS).await;
    let browser = server.browser();
    let sample = server.client("sample", REDIRECT_URI);
    let page = browser
        .authorize(&sample.query(&[("state", "a b&c"), ("scope", "read write")]))
        .await
        .login();
    assert!(page.text().contains("Sample App"), "who asks stands on the page");
    // A wrong password in between changes nothing.
    let wrong = browser
        .send_login(
            &page,
            Person {
                password: "wrong",
                ..MARY
            },
        )
        .await;
    let consent = browser.send_login(&wrong, MARY).await;
    assert!(consent.text().contains("Read your things") && consent.text().contains("Change your things"));
    assert_eq!(browser.decide(&consent, "allow").await.callback().get("state"), "a b&c");
}

/// Two tabs must not end in a "CSRF error".
#[tokio::test(flavor = "multi_thread")]
async fn the_login_of_one_tab_counts_for_the_other() {
    let server = Server::library("default", APPS).await;
    let browser = server.browser();
    let (sample, other) = (
        server.client("sample", REDIRECT_URI),
        server.client("other", "https://other.example/callback"),
    );
    let first = browser.authorize(&sample.query(&[("state", "first")])).await.login();
    let second = browser.authorize(&other.query(&[("state", "second")])).await.login();
    let first = browser.send_login(&first, MARY).await;
    let second = browser.send_login(&second, MARY).await;
    assert!(first.text().contains("Sample App asks"), "{}", first.text());
    assert!(second.text().contains("Other App asks"), "{}", second.text());
    assert_eq!(browser.decide(&second, "allow").await.callback().get("state"), "second");
    assert_eq!(browser.decide(&first, "allow").await.callback().get("state"), "first");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_parameter_redirects_a_person_to_another_site() {
    let server = Server::library("default", "").await;
    let evil = [
        "/login?next=https://evil.example/",
        "/login?return_to=//evil.example",
        "/account?next=https://evil.example/",
        "//evil.example/account",
        "//evil.example/login",
        "/%2F%2Fevil.example/",
        "/\\evil.example/account",
        "/account//evil.example",
        "/account/apps?ended=https://evil.example",
        "/developer/apps/%2F%2Fevil.example",
        "/organizations/%2F%2Fevil.example",
    ];
    for path in evil {
        let browser = server.browser();
        let page = browser.open(path).await;
        assert_eq!(page.header("location"), "", "{path}");
        if !page.forms().iter().any(|form| form.has("password")) {
            continue;
        }
        let typed = [
            ("username", JOHN.email),
            ("password", JOHN.password),
            ("next", "https://evil.example/"),
            ("return_to", "https://evil.example/"),
        ];
        let answer = browser.submit_only(&page, &page.form("password"), &typed).await;
        let location = answer.header("location");
        assert!(
            location.starts_with('/') && !location.starts_with("//") && !location.starts_with("/\\"),
            "{path}: {location}"
        );
        assert!(!browser.follow(answer).await.header("location").contains("evil"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_urls_on_a_page_are_escaped() {
    let server = Server::library("default", "").await;
    let browser = server.browser();
    let person = Person {
        email: "\"><script>alert(1)</script>",
        password: "x",
    };
    let answer = browser.log_in(person).await;
    assert!(!answer.body.contains("<script>alert"), "{}", answer.body);
}
