//! Malformed connections: wrong lengths, requests inside requests, obsolete and broken forms (RFC 9112).

use super::frames::{self, DATA, END_HEADERS, END_STREAM, HEADERS, frame};
use super::{client_credentials, is_up};
use crate::harness::{APPS, Server};

const KIND: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
/// A second request. It must not be answered if it is a part of the first.
const WITHIN: &str = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";

/// A token request with these headers and this body.
fn post(headers: &str, body: &str) -> String {
    format!("POST /oauth/token HTTP/1.1\r\nHost: x\r\n{KIND}{headers}\r\n{body}")
}

fn chunked(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}

/// The status lines of an answer.
fn statuses(answer: &str) -> Vec<&str> {
    answer
        .match_indices("HTTP/1.")
        .filter_map(|(at, _)| answer.get(at + 9..at + 12))
        .collect()
}

/// RFC 9112 §6.3: a message with two different lengths ends its connection, and nothing after it is a request.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_within_a_request_is_never_answered() {
    let server = Server::library("default", APPS).await;
    let body = client_credentials();
    let length = format!("Content-Length: {}\r\n", body.len());
    let whole = chunked(&body);
    let longer = format!("Content-Length: {}\r\n", whole.len() + WITHIN.len());
    let te = "Transfer-Encoding: chunked\r\n";
    for (request, expected) in [
        (post(&format!("{longer}{te}"), &format!("{whole}{WITHIN}")), "200"),
        (
            post(&format!("{te}Content-Length: 4\r\n"), &format!("{whole}{WITHIN}")),
            "200",
        ),
        (
            post(&format!("{length}Content-Length: 3\r\n"), &format!("{body}{WITHIN}")),
            "400",
        ),
        (post("Content-Length: 3, 3\r\n", &format!("{body}{WITHIN}")), "400"),
        (post("Content-Length: +3\r\n", &format!("{body}{WITHIN}")), "400"),
        (post("Content-Length: 0x3\r\n", &format!("{body}{WITHIN}")), "400"),
        (post("Content-Length: -1\r\n", &format!("{body}{WITHIN}")), "400"),
        (post("Content-Length: 99999999999999999999999\r\n", WITHIN), "400"),
        (post("Content-Length:\r\n 3\r\n", WITHIN), "400"),
        (post("Transfer-Encoding: identity\r\n", WITHIN), "400"),
        (
            post("Transfer-Encoding: chunked, identity\r\n", &format!("{whole}{WITHIN}")),
            "400",
        ),
        (
            post("Transfer-Encoding: xchunked\r\n", &format!("{whole}{WITHIN}")),
            "400",
        ),
        (
            post("Transfer-Encoding : chunked\r\n", &format!("{whole}{WITHIN}")),
            "400",
        ),
        (
            post(
                &format!("{te}Transfer-Encoding: identity\r\n"),
                &format!("{whole}{WITHIN}"),
            ),
            "400",
        ),
        (
            post(&format!("{length}X: a\r\n b\r\n"), &format!("{body}{WITHIN}")),
            "400",
        ),
        (
            post(&format!("{length}X: a\rY: b\r\n"), &format!("{body}{WITHIN}")),
            "400",
        ),
        (post(&format!("{length}X: a\0b\r\n"), &format!("{body}{WITHIN}")), "400"),
        (post(te, &format!("zz\r\n{body}{WITHIN}")), "400"),
        (post(te, &format!("fffffffffffffffff\r\n{body}{WITHIN}")), "400"),
        (post(te, &format!("{}{WITHIN}", whole.replace("\r\n", "\n"))), "400"),
    ] {
        let answer = server.send_bytes(request.as_bytes()).await;
        assert_eq!(statuses(&answer), [expected], "{request}\n{answer}");
        assert!(!answer.contains("live"), "{request}\n{answer}");
    }
    is_up(&server).await;
}

/// A body longer than announced ends the connection. The first request has the announced length.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_longer_than_its_length_is_cut() {
    let server = Server::library("default", APPS).await;
    let body = client_credentials();
    let request = post(
        &format!("Content-Length: {}\r\n", body.len()),
        &format!("{body}&scope=none\r\n\r\n"),
    );
    let answer = server.send_bytes(request.as_bytes()).await;
    assert_eq!(statuses(&answer), ["200", "400"], "{answer}");
}

/// RFC 9110 §10.1.1: a client that asks before it sends too much is refused at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_declared_length_over_64_kib_is_refused_before_it_comes() {
    let server = Server::library("default", APPS).await;
    let request = post("Expect: 100-continue\r\nContent-Length: 900000\r\n", "");
    let answer = server.send_bytes(request.as_bytes()).await;
    assert_eq!(statuses(&answer), ["413"], "{answer}");
    assert!(answer.contains(r#""error":"invalid_request""#), "{answer}");
    let sent = post("Content-Length: 900000\r\n", &"x".repeat(900_000));
    assert_eq!(statuses(&server.send_bytes(sent.as_bytes()).await), ["413"]);
}

/// RFC 9112 §3.2: exactly one Host. HTTP/1.0 has none.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_one_host_is_refused() {
    let server = Server::library("default", APPS).await;
    let body = client_credentials();
    let close = format!("Connection: close\r\nContent-Length: {}\r\n", body.len());
    let request = post(&close, &body);
    for (changed, expected) in [
        (request.replace("Host: x\r\n", ""), "400"),
        (request.replace("Host: x\r\n", "Host: x\r\nHost: y\r\n"), "400"),
        (request.replace("Host: x\r\n", "Host: x\r\nHost: x\r\n"), "400"),
        (
            request.replace("Host: x\r\n", "").replace("HTTP/1.1", "HTTP/1.0"),
            "200",
        ),
        (request.replace("HTTP/1.1", "HTTP/1.0"), "200"),
        (request.clone(), "200"),
    ] {
        let answer = server.send_bytes(changed.as_bytes()).await;
        assert_eq!(statuses(&answer), [expected], "{changed}\n{answer}");
        let (_, json) = answer.split_once("\r\n\r\n").expect("a body");
        assert!(serde_json::from_str::<serde_json::Value>(json).is_ok(), "{json}");
    }
}

/// RFC 9112 §3.2.2: the absolute form, used by proxies, is equivalent. Its host has no effect.
#[tokio::test(flavor = "multi_thread")]
async fn the_absolute_form_of_a_target_is_accepted() {
    let declared = format!("[server]\npublic_url = \"http://id.example\"\n{APPS}");
    let server = Server::library("default", &declared).await;
    let body = client_credentials();
    let request = post(
        &format!("Connection: close\r\nContent-Length: {}\r\n", body.len()),
        &body,
    );
    for target in [
        "http://evil.example/oauth/token",
        "http://a:b@evil.example/oauth/token?x",
    ] {
        let changed = request.replace("/oauth/token", target);
        let answer = server.send_bytes(changed.as_bytes()).await;
        assert_eq!(statuses(&answer), ["200"], "{changed}\n{answer}");
        assert!(!answer.contains("evil.example"), "{answer}");
    }
    let document = "GET http://evil.example/.well-known/oauth-authorization-server HTTP/1.1\r\n\
         Host: evil.example\r\nX-Forwarded-Host: evil.example\r\nConnection: close\r\n\r\n";
    let answer = server.send_bytes(document.as_bytes()).await;
    assert!(
        answer.contains(&server.issuer) && !answer.contains("evil.example"),
        "{answer}"
    );
    for odd in ["OPTIONS * HTTP/1.1", "CONNECT evil.example:443 HTTP/1.1"] {
        let answer = server
            .send_bytes(format!("{odd}\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())
            .await;
        assert_eq!(statuses(&answer), ["404"], "{odd}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_headers_are_refused_and_many_small_ones_are_not() {
    let server = Server::library("default", APPS).await;
    let body = client_credentials();
    let length = format!("Connection: close\r\nContent-Length: {}\r\n", body.len());
    let many = |number: usize| (0..number).map(|n| format!("X-{n}: a\r\n")).collect::<String>();
    for (more, expected) in [
        (many(90), "200"),
        (many(200), "431"),
        (many(5000), "431"),
        (format!("X: {}\r\n", "a".repeat(15_000)), "200"),
        (format!("X: {}\r\n", "a".repeat(17_000)), "431"),
    ] {
        let answer = server
            .send_bytes(post(&format!("{length}{more}"), &body).as_bytes())
            .await;
        assert_eq!(statuses(&answer), [expected], "{} bytes of headers", more.len());
    }
    is_up(&server).await;
}

/// hyper refuses these before the router, with an empty answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_refused_before_the_router_gets_an_explanation() {
    let server = Server::library("default", APPS).await;
    for (request, text) in [
        (format!("GET /{} HTTP/1.1\r\n", "a".repeat(17_000)), "take"),
        (
            format!("GET /account HTTP/1.1\r\nCookie: {}", "a".repeat(200_000)),
            "delete the cookies",
        ),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), "not valid HTTP"),
    ] {
        let answer = server.send_bytes_and_end(request.as_bytes()).await;
        assert!(
            answer.contains(text) && answer.contains("\r\nx-content-type-options: nosniff\r\n"),
            "{answer}"
        );
    }
}

/// RFC 6585 §5: only that stream is refused; the connection continues.
#[tokio::test(flavor = "multi_thread")]
async fn an_http_2_request_with_9_kib_of_headers_gets_an_explanation() {
    let server = Server::library("default", APPS).await;
    let mut connection = frames::begin(server.connection().await, b"").await;
    let long = frames::literal("cookie", &"a".repeat(9 * 1024));
    for (stream, more) in [(1, long.as_slice()), (3, b"")] {
        let head = [frames::request("GET", "/health/live"), more.to_vec()].concat();
        connection
            .send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &head))
            .await;
        let body = connection.receive_kind(DATA).await.expect("a body").payload;
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains(if stream == 1 { "8 KiB" } else { "live" }), "{body}");
    }
}

/// RFC 9113: invalid frames end the connection, not the server.
#[tokio::test(flavor = "multi_thread")]
async fn broken_http_2_ends_its_own_connection() {
    let server = Server::library("default", APPS).await;
    let settings = frame(4, 0, 0, b"");
    for broken in [
        frame(1, 5, 1, &[0xff; 20]),
        frame(1, 5, 0, b"\x82"),
        frame(0, 1, 1, b"x"),
        frame(4, 0, 0, b"abc"),
        b"\xff\xff\xff\0\0\0\0\0\x01".to_vec(),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
    ] {
        let bytes = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", settings.as_slice(), &broken].concat();
        let answer = server.send_bytes(&bytes).await;
        assert!(!answer.contains("html"), "{answer:?}");
    }
    is_up(&server).await;
}
