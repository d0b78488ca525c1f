//! Browsers that do not return cookies, and cookies of several tabs and servers in one browser (decisions 9 and 54).

use crate::harness::{APPS, Answer, Browser, JOHN, Landing, MARY, REDIRECT_URI, Server};

const TYPED: [(&str, &str); 2] = [("username", JOHN.email), ("password", JOHN.password)];
/// A value of the right form, chosen by somebody else.
const PLANTED: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

async fn is_logged_in(browser: &Browser<'_>) -> bool {
    let forms = browser.open("/account").await.forms();
    forms.iter().all(|form| !form.has("password"))
}

fn names(cookies: &str) -> Vec<&str> {
    cookies
        .split("; ")
        .filter_map(|cookie| Some(cookie.split_once('=')?.0))
        .collect()
}

/// The names of the cookies in an answer.
fn set(answer: &Answer) -> Vec<String> {
    let cookies = answer.headers.get_all("set-cookie").iter();
    let names = cookies.filter_map(|cookie| Some(cookie.to_str().ok()?.split_once('=')?.0.to_owned()));
    names.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_without_cookies_gets_the_message_each_time() {
    for address in ["", "[server]\npublic_url = \"https://id.example.com\"\n"] {
        let server = Server::library("default", &format!("{address}{APPS}")).await;
        let sample = server.client("sample", REDIRECT_URI);
        let browser = server.browser();
        let mut page = browser.authorize(&sample.query(&[])).await.login();
        for _ in 0..3 {
            browser.set_cookies("");
            page = browser.send_login(&page, JOHN).await;
            let text = page.text();
            assert_eq!(page.status, 400, "{text}");
            assert!(text.contains("this browser keeps no cookies"), "{text}");
            assert!(text.contains(&server.issuer), "which address to allow: {text}");
            assert!(text.contains("to continue to"), "{text}");
            assert_eq!(page.form("password").value("username"), JOHN.email);
        }
        // Once cookies are kept, the same page works.
        Landing::of(browser.send_login(&page, JOHN).await).consent();
    }
}

/// A form without cookies signs nobody in, even if a browser sends no `Origin`: that would be login CSRF.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_cookies_signs_nobody_in() {
    let server = Server::library("default", "").await;
    let browser = server.browser();
    let page = browser.open("/login").await;
    browser.set_cookies("");
    let answer = browser.submit_from(&page, &page.form("password"), &TYPED, None).await;
    assert_eq!(answer.status, 400);
    assert!(!set(&answer).contains(&format!("hallpass-{}", server.port())));
    assert!(!is_logged_in(&browser).await);
}

/// The person can continue in either tab.
#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_opened_before_the_first_cookie_both_work() {
    let server = Server::library("default", APPS).await;
    let sample = server.client("sample", REDIRECT_URI);
    let (one, other) = (server.browser(), server.browser());
    let pages = [
        one.authorize(&sample.query(&[("state", "first")])).await.login(),
        other.authorize(&sample.query(&[("state", "second")])).await.login(),
    ];
    // The cookies of a browser that keeps both.
    let both = format!("{}; {}", one.cookies(), other.cookies());
    assert_eq!(names(&both).len(), 2, "{both}");
    let browser = server.browser();
    for (page, state) in pages.iter().zip(["first", "second"]) {
        browser.set_cookies(&both);
        let consent = Landing::of(browser.send_login(page, JOHN).await).consent();
        assert_eq!(browser.decide(&consent, "allow").await.callback().get("state"), state);
    }
    // The second tab is submitted after the first one signed in: it continues as the signed-in person.
    browser.set_cookies(&both);
    let consent = Landing::of(browser.send_login(&pages[0], JOHN).await).consent();
    let later = Landing::of(browser.send_login(&pages[1], MARY).await).consent();
    assert!(later.text().contains("john@doe.com"), "{}", later.text());
    assert_eq!(browser.decide(&later, "allow").await.callback().get("state"), "second");
    assert_eq!(browser.decide(&consent, "allow").await.callback().get("state"), "first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binding_cookie_is_set_once_and_kept() {
    let server = Server::library("default", APPS).await;
    let session = format!("hallpass-{}", server.port());
    let browser = server.browser();
    let page = browser.open("/login").await;
    let bound = browser.cookies();
    let name = set(&page).pop().unwrap();
    let random = name.strip_prefix(&format!("{session}-browser-")).unwrap();
    assert!(
        random.len() == 8 && random.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{name}"
    );
    assert_ne!(set(&server.browser().open("/login").await), [name.as_str()]);

    let answer = browser.submit_only(&page, &page.form("password"), &TYPED).await;
    assert_eq!(set(&answer), [session.as_str()]);
    let account = browser.open("/account").await;
    assert!(set(&account).is_empty());
    let forms = account.forms();
    let sign_out = forms.iter().find(|form| form.action.ends_with("/logout")).unwrap();
    browser.submit(&account, sign_out, &[]).await;
    assert_eq!(browser.cookies(), bound, "the session cookie is gone, the other is not");
    // A browser with a session from an older version gets its binding cookie.
    let older = server.browser_of(JOHN).await;
    let (name, value) = older.session_cookie();
    older.set_cookies(&format!("{name}={value}"));
    assert!(is_logged_in(&older).await);
    assert_eq!(names(&older.cookies()).len(), 2);
}

/// A browser does this when it restores the tabs of the day before.
#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_tabs_opened_before_the_first_cookie_all_work() {
    let server = Server::library("default", APPS).await;
    let sample = server.client("sample", REDIRECT_URI);
    let (mut pages, mut cookies) = (Vec::new(), Vec::new());
    for tab in 0..33 {
        let browser = server.browser();
        let query = sample.query(&[("state", &tab.to_string())]);
        pages.push(browser.authorize(&query).await.login());
        cookies.push(browser.cookies());
    }
    // Browsers send older cookies first (RFC 6265 §5.4).
    let cookies = cookies.join("; ");
    for tab in [0, 8, 31, 32] {
        let page: &Answer = &pages[tab];
        let answer = send_with(&server, &cookies, page).await;
        let is_last = tab == 32;
        assert_eq!(
            answer.status,
            if is_last { 400 } else { 303 },
            "tab {tab}: {}",
            answer.text()
        );
        if is_last {
            let text = answer.text();
            assert!(text.contains("too many pages were open at once"), "{text}");
            assert!(text.contains("to continue to Sample App"), "{text}");
            let answer = send_with(&server, &cookies, &answer).await;
            assert!(answer.header("location").ends_with("&state=32"), "{answer:?}");
        }
    }
}

/// Sends the sign-in form of the page with these cookies, in this order.
async fn send_with(server: &Server, cookies: &str, page: &Answer) -> Answer {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(page.form("password").filled(&TYPED))
        .finish();
    let url = server.at("/login");
    let request = server.request(reqwest::Method::POST, &url).header("cookie", cookies);
    server.send(&url, request.body(body)).await
}

/// Other programs on the host can also set such cookies.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_must_match_one_of_the_first_32_binding_cookies() {
    let server = Server::library("default", "").await;
    for (before, status) in [(31, 303), (32, 400)] {
        let browser = server.browser();
        let page = browser.open("/login").await;
        let name = format!("hallpass-{}-browser-", server.port());
        let planted: String = (0..before).map(|n| format!("{name}planted{n}={PLANTED}; ")).collect();
        let cookies = format!("{planted}{name}short=x; {}", browser.cookies());
        let answer = send_with(&server, &cookies, &page).await;
        assert_eq!(answer.status, status, "after {before}");
    }
}

/// A host sends its cookies to every port (RFC 6265 §8.5).
#[tokio::test(flavor = "multi_thread")]
async fn servers_on_one_host_do_not_sign_each_other_out() {
    for (one, other) in [
        ("", ""),
        (
            "[server]\npublic_url = \"http://id.example.com\"",
            "[server]\npublic_url = \"http://id.example.com:8080\"",
        ),
    ] {
        let servers = (
            Server::library("default", one).await,
            Server::library("default", other).await,
        );
        let (first, second) = (servers.0.browser(), servers.1.browser());
        let page = first.open("/login").await;
        second.set_cookies(&first.cookies());
        second.log_in(JOHN).await;
        first.set_cookies(&second.cookies());
        first.send_login(&page, MARY).await;
        second.set_cookies(&first.cookies());
        assert!(first.open("/account").await.text().contains("Mary Major"), "{one}");
        let account = second.open("/account").await;
        assert!(account.text().contains("John Doe"), "{one}");
        let forms = account.forms();
        let sign_out = forms.iter().find(|form| form.action.ends_with("/logout")).unwrap();
        second.submit(&account, sign_out, &[]).await;
        first.set_cookies(&second.cookies());
        assert!(is_logged_in(&first).await && !is_logged_in(&second).await, "{one}");
    }
}

/// A server of the version before uses one cookie for the session and the browser. While servers are replaced one by one,
/// pages go back and forth between both versions.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_cookie_also_binds_a_form_as_in_the_version_before() {
    let server = Server::library("default", "[server]\npublic_url = \"https://id.example.com\"").await;
    let browser = server.browser();
    let page = browser.open("/login").await;
    let cookies = browser.cookies();
    let value = cookies.split_once('=').unwrap().1;
    browser.set_cookies(&format!("__Host-hallpass={value}"));
    assert_eq!(
        browser.submit_only(&page, &page.form("password"), &TYPED).await.status,
        303
    );
}
