//! Headers: malformed Basic headers, repeated headers, and media types other than a form's.

use super::{ENDPOINTS, FORM, client_credentials, is_up, request};
use crate::harness::{APPS, SECRET, Server};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hallpass::config::preset_names;
use reqwest::Method;
use std::time::Duration;

/// RFC 6749 §2.3.1: a malformed header is refused in JSON, and the client can still authenticate later.
#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_basic_header_is_refused() {
    let server = Server::library("default", APPS).await;
    let encode = |bytes: &[u8]| format!("Basic {}", STANDARD.encode(bytes)).into_bytes();
    let secret = SECRET.as_bytes();
    let pair = |id: &[u8], secret: &[u8]| encode(&[id, b":", secret].concat());
    for header in [
        b"Basic".to_vec(),
        b"Basic ".to_vec(),
        b"Basic !!!".to_vec(),
        b"Basic \xe9\xe9".to_vec(),
        b"\xff".to_vec(),
        encode(b"sample"),
        encode(b":"),
        encode(b"\xff\xfe:\xff"),
        pair(b"%ff", secret),
        pair(b"sample%00", secret),
        pair(b"sample\0", secret),
        pair(b"sam%ple", secret),
        pair(b"sample", b""),
        pair(b"sample", b"%zz"),
        pair(b"sample", &[secret, b"\0"].concat()),
        pair(b"sample", &[b'x'; 10_000]),
        b"Digest username=\"sample\"".to_vec(),
        [b"Bearer ", secret].concat(),
    ] {
        for path in ENDPOINTS {
            // Failures are counted. After a wait, attempts are verified again.
            server.advance(Duration::from_secs(3600));
            let url = server.at(path);
            let value = reqwest::header::HeaderValue::from_bytes(&header).expect("a header's value");
            let request = server.request(Method::POST, &url).header("authorization", value);
            let request = request
                .header(FORM.0, FORM.1)
                .body("grant_type=client_credentials&token=x");
            let answer = server.send(&url, request).await;
            assert_eq!(
                answer.refusal(),
                "401 invalid_client",
                "{path} {:.60}",
                String::from_utf8_lossy(&header)
            );
        }
    }
    let good = pair(b"sample", secret);
    let good = String::from_utf8(good).expect("ASCII");
    let answer = server
        .post_as("/oauth/token", &good, &[("grant_type", "client_credentials")])
        .await;
    assert_eq!(answer.status, 200);
}

/// RFC 9110 §5.3: a header that is not a list may appear once. Two would be two ways to authenticate (RFC 6749 §2.3).
#[tokio::test(flavor = "multi_thread")]
async fn two_authorization_headers_are_refused() {
    let server = Server::library("default", APPS).await;
    let good = format!("Basic {}", STANDARD.encode(format!("sample:{SECRET}")));
    for other in [good.as_str(), "Basic eDp5", "Bearer x"] {
        for headers in [
            [("authorization", good.as_str()), ("authorization", other), FORM],
            [("authorization", other), ("authorization", good.as_str()), FORM],
        ] {
            let answer = server
                .post_raw("/oauth/token", &headers, "grant_type=client_credentials")
                .await;
            assert_eq!(answer.refusal(), "400 invalid_request", "{other}");
            let answer = server.post_raw("/oauth/userinfo", &headers, "").await;
            assert!((400..=401).contains(&answer.status), "{other}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_media_type_is_parsed_whole_and_its_charset_is_ignored() {
    let server = Server::library("default", APPS).await;
    let form = "application/x-www-form-urlencoded";
    for path in ENDPOINTS {
        for kind in [
            "application/x-www-form-urlencodedx",
            "application/x-www-form-urlencoded, text/plain",
            "application/x-www-form-urlencoded/x",
            "x-application/x-www-form-urlencoded",
            "",
        ] {
            let answer = server.post_raw(path, &[("content-type", kind)], request()).await;
            assert_eq!(answer.refusal(), "400 invalid_request", "{path} {kind}");
        }
        let two = [("content-type", form), ("content-type", "application/json")];
        for headers in [two, [two[1], two[0]]] {
            let answer = server.post_raw(path, &headers, request()).await;
            assert_eq!(answer.refusal(), "400 invalid_request", "{path}");
        }
        for parameter in ["; charset=iso-8859-1", ";charset=\"utf-8\"", " ; boundary=x", ";"] {
            let kind = format!("{form}{parameter}");
            let answer = server.post_raw(path, &[("content-type", &kind)], request()).await;
            assert_eq!(answer.status, 200, "{path} {kind}");
        }
        // RFC 6749 appendix B has one encoding: bytes of another are not text, whatever their label says.
        let latin = [("content-type", "application/x-www-form-urlencoded; charset=iso-8859-1")];
        let answer = server
            .post_raw(path, &latin, [request().as_bytes(), b"&scope=\xe9"].concat())
            .await;
        assert_eq!(answer.refusal(), "400 invalid_request", "{path}");
    }
}

/// RFC 9110 §15.5.6: for every machine endpoint, every method other than those served (and `OPTIONS`, for CORS), in every
/// dialect: 405 with `Allow`, and JSON.
#[tokio::test(flavor = "multi_thread")]
async fn every_other_method_is_refused_in_every_dialect() {
    for preset in preset_names() {
        let server = Server::library(preset, APPS).await;
        for (path, served) in [
            ("/oauth/token", "POST"),
            ("/oauth/introspect", "POST"),
            ("/oauth/revoke", "POST"),
            ("/oauth/userinfo", "GET, HEAD, POST"),
            ("/.well-known/oauth-authorization-server", "GET, HEAD"),
            ("/openapi.json", "GET, HEAD"),
            ("/health/live", "GET, HEAD"),
            ("/health/ready", "GET, HEAD"),
        ] {
            for method in [
                "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get",
            ] {
                if served.split(", ").any(|one| one == method) {
                    continue;
                }
                let url = server.at(path);
                let method = Method::from_bytes(method.as_bytes()).expect("a method");
                let answer = server.send(&url, server.request(method.clone(), &url)).await;
                assert_eq!(answer.status, 405, "{preset} {method} {path}");
                let allowed: Vec<&str> = answer
                    .header("allow")
                    .split(", ")
                    .filter(|one| *one != "OPTIONS")
                    .collect();
                assert_eq!(allowed.join(", "), served, "{preset} {method} {path}");
                assert!(
                    method == Method::HEAD || answer.json().is_object(),
                    "{preset} {method} {path}"
                );
            }
        }
    }
}

/// RFC 6749 §5.2: every non-empty body of these endpoints is JSON, for any input.
#[tokio::test(flavor = "multi_thread")]
async fn every_error_is_json_in_every_dialect() {
    let bad: [(&str, &[u8]); 10] = [
        ("application/json", b"{}"),
        (FORM.1, b""),
        (FORM.1, b"grant_type=password&token=x"),
        (FORM.1, b"grant_type=\"}<script>&token=%22%7d"),
        (FORM.1, b"a=1&a=2"),
        (FORM.1, b"a=%ff"),
        (FORM.1, b"a=\xff"),
        (FORM.1, b"a=%00"),
        (
            FORM.1,
            b"client_id=nobody&client_secret=x&grant_type=authorization_code&token=x",
        ),
        (FORM.1, b"client_id=sample&grant_type=refresh_token&token=x"),
    ];
    for preset in preset_names() {
        let server = Server::library(preset, APPS).await;
        let large = format!("x={}", "x".repeat(70_000));
        for path in ENDPOINTS {
            for (kind, body) in bad.into_iter().chain([(FORM.1, large.as_bytes())]) {
                let answer = server.post_raw(path, &[("content-type", kind)], body.to_vec()).await;
                let shown = String::from_utf8_lossy(&body[..body.len().min(80)]);
                assert!(
                    (400..500).contains(&answer.status),
                    "{preset} {path} {shown} {answer:?}"
                );
                assert!(
                    answer.body.is_empty() || answer.json().is_object(),
                    "{preset} {path} {shown}"
                );
                let empty = preset == "apicbase" && path == "/oauth/introspect" && answer.status == 403;
                assert!(empty || !answer.body.is_empty(), "{preset} {path} {shown}");
            }
        }
        assert_eq!(
            server
                .post_raw("/oauth/revoke", &[FORM], client_credentials() + "&token=x")
                .await
                .status,
            200
        );
        is_up(&server).await;
    }
}
