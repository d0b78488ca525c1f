//! Who may call, and with which methods.

use super::*;
use crate::harness::SITE_SECRET;
use reqwest::Method;

const CALLS: [(&str, &str); 12] = [
    ("GET", ""),
    ("PUT", ""),
    ("DELETE", ""),
    ("POST", "/suspend"),
    ("POST", "/resume"),
    ("POST", "/sign-out"),
    ("DELETE", "/organizations/10"),
    ("GET", "/grants"),
    ("GET", "/grants?limit=0"),
    ("PATCH", "/grants/0198d2a0-0000-7000-8000-000000000001"),
    ("DELETE", "/grants/0198d2a0-0000-7000-8000-000000000001"),
    ("GET", "/export"),
];

/// With a wrong secret nobody learns who is known: the answers are the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_does_not_reveal_who_is_known() {
    let server = server().await;
    let site = Site::new(&server);
    connected(&server, &server.browser()).await;
    let before = server.sql("SELECT COUNT(*) FROM audit_events");
    for secret in ["", "x", "a-secret-of-the-site-with-at-least-32-byte"] {
        let wrong = site.with_secret(secret);
        for (method, rest) in CALLS {
            let unknown = wrong.call(method, &path("0815", rest), Some(&json!([]))).await;
            assert_eq!(unknown.refusal(), "401 invalid_token", "{method} {rest}");
            for subject in ["4711", "%FF", "%C3%A9", "a%2Fb"] {
                let known = wrong.call(method, &path(subject, rest), Some(&json!([]))).await;
                assert_eq!(known.shown(), unknown.shown(), "{method} {subject}{rest}");
            }
        }
    }
    assert_eq!(server.sql("SELECT COUNT(*) FROM audit_events"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_site_has_no_such_addresses() {
    let server = Server::library("default", "").await;
    for (method, rest) in CALLS {
        let answer = Site::new(&server).call(method, &path("4711", rest), None).await;
        assert_eq!(answer.refusal(), "404 handover_off", "{method} {rest}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_takes_its_methods_only() {
    let server = server().await;
    let site = Site::new(&server);
    site.call("PUT", &path("4711", ""), Some(&ann())).await;
    for (rest, methods) in [
        ("", "GET,HEAD,PUT,DELETE"),
        ("/suspend", "POST"),
        ("/resume", "POST"),
        ("/sign-out", "POST"),
        ("/organizations/10", "DELETE"),
        ("/grants", "GET,HEAD"),
        ("/grants/0198d2a0-0000-7000-8000-000000000001", "PATCH,DELETE"),
        ("/export", "GET,HEAD"),
    ] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"] {
            if methods.split(',').any(|one| one == method) {
                continue;
            }
            let answer = site.call(method, &path("4711", rest), None).await;
            assert_eq!(answer.refusal(), "405 method_not_allowed", "{method} {rest}");
            assert_eq!(answer.header("allow"), methods, "{method} {rest}");
        }
        let url = server.at(&path("4711", rest));
        let head = server.request(Method::HEAD, &url).bearer_auth(SITE_SECRET);
        let head = server.send(&url, head).await;
        let expected = if methods.contains("HEAD") { 200 } else { 405 };
        assert_eq!((head.status, head.body.as_str()), (expected, ""), "{rest}");
    }
    for unknown in [
        "/handover/people",
        "/handover/people/",
        "/handover/people/4711/nothing",
        "/handover/people/4711/grants/x/y",
    ] {
        assert_eq!(
            site.call("GET", unknown, None).await.refusal(),
            "404 not_found",
            "{unknown}"
        );
    }
}

/// The site has no say over people who operate the server.
#[tokio::test(flavor = "multi_thread")]
async fn operators_cannot_be_touched() {
    let operator = r#"
[[users]]
email = "root@example.com"
name = "Operator"
external_id = "4711"
admin = true
"#;
    let server = server_with(operator).await;
    let before = server.command(&["user", "show", "4711", "--json"]);
    for (method, rest) in CALLS.into_iter().filter(|(_, rest)| !rest.contains("limit")) {
        let body = match method {
            "PUT" => Some(json!({ "name": "Evil" })),
            "PATCH" => Some(json!({ "scopes": ["read"] })),
            _ => None,
        };
        let answer = Site::new(&server)
            .call(method, &path("4711", rest), body.as_ref())
            .await;
        assert_eq!(answer.refusal(), "403 forbidden", "{method} {rest}");
    }
    assert_eq!(server.command(&["user", "show", "4711", "--json"]), before);
    assert_eq!(events(&server), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_bounded() {
    let server = server().await;
    let site = Site::new(&server);
    let large = json!({ "name": "x".repeat(1024 * 1024) });
    for (method, rest) in [("PUT", ""), ("PATCH", "/grants/0198d2a0-0000-7000-8000-000000000001")] {
        let answer = site.call(method, &path("4711", rest), Some(&large)).await;
        assert_eq!(answer.refusal(), "413 too_large", "{method}");
    }
}
