//! URLs: an endpoint has its path, and the same path with a slash at the end. No other spelling is accepted (RFC 3986 §6).

use super::{client_credentials, is_up};
use crate::harness::{APPS, JOHN, REDIRECT_URI, Server};

#[tokio::test(flavor = "multi_thread")]
async fn another_spelling_of_a_path_is_not_found() {
    let server = Server::library("default", APPS).await;
    let (body, port) = (client_credentials(), server.port());
    for (path, expected) in [
        ("/oauth/token", "200"),
        ("/oauth/token/", "200"),
        ("/oauth/token?x=%zz", "200"),
        ("/oauth/./token", "404"),
        ("/oauth/x/../token", "404"),
        ("/oauth/x/%2e%2e/token", "404"),
        ("/oauth/%74oken", "404"),
        ("/oauth%2ftoken", "404"),
        ("/oauth//token", "404"),
        ("//oauth/token", "404"),
        ("/oauth/token//", "404"),
        ("/oauth/token%00", "404"),
        ("/oauth/token;x", "404"),
        ("/OAuth/token", "404"),
        ("//evil.example/", "404"),
        ("//evil.example//", "404"),
        ("/assets/%2e%2e/%2e%2e/etc/passwd", "404"),
        ("\\oauth\\token", "400"),
        ("oauth/token", "400"),
        ("/oauth/tok en", "400"),
    ] {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = server.send_bytes(request.as_bytes()).await;
        assert_eq!(answer.get(9..12), Some(expected), "{path} {answer}");
        assert!(!answer.to_lowercase().contains("\r\nlocation:"), "{path} {answer}");
    }
    is_up(&server).await;
}

/// If client_id or redirect_uri is repeated, there is no redirect (RFC 6749 §4.1.2.1). Other faults are reported to the app
/// (`authorization_errors.rs`).
#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_names_two_apps_or_redirect_uris_is_not_redirected() {
    let server = Server::library("default", APPS).await;
    let query = server.client("sample", REDIRECT_URI).query(&[]);
    for more in ["client_id=sample", "redirect_uri=https%3A%2F%2Fevil.example"] {
        let answer = server.get(&format!("/oauth/authorize?{query}&{more}")).await;
        assert_eq!(answer.status, 400, "{more}");
        assert_eq!(answer.header("location"), "", "{more}");
        assert!(!answer.body.contains("evil.example"), "{more}");
    }
    // A malformed escape stands for itself, as in browsers, and is returned unchanged.
    let john = server.browser_of(JOHN).await;
    let page = john.authorize(&format!("{query}&state=100%&x=%zz")).await.consent();
    let callback = john.decide(&page, "allow").await.callback();
    assert_eq!(callback.get("state"), "100%");
    // RFC 6749 §3.1: unknown parameters are ignored, with any value.
    let many: String = (0..65).map(|number| format!("p{number}=1&")).collect();
    for more in ["%c3%28=1", "x&x", "x=%ff", &many, &"n".repeat(129)] {
        john.authorize(&format!("{query}&{more}")).await.consent();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_cookie_signs_nobody_in() {
    let server = Server::library("default", APPS).await;
    let (port, value) = (server.port(), "x".repeat(43));
    for cookie in [
        "hallpass-PORT=",
        "hallpass-PORT=%00",
        "hallpass-PORT=x; hallpass-PORT=y",
        "=",
        ";;;",
        "hallpass-PORT=\u{e9}",
        "hallpass-PORT=VALUE; hallpass-PORT=VALUE",
        "hallpass-PORT-browser-=VALUE; hallpass-PORT-browser-x; hallpass-PORT-browser-y=x",
    ] {
        let cookie = cookie.replace("PORT", &port).replace("VALUE", &value);
        let url = server.at("/account");
        let request = server.request(reqwest::Method::GET, &url).header("cookie", &cookie);
        let answer = server.send(&url, request).await;
        assert_eq!(answer.status, 200, "{cookie}");
        assert!(answer.body.contains("name=\"password\""), "{cookie}");
    }
}
