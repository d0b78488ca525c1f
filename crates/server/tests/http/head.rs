//! HEAD: the headers of GET without the body (RFC 9110 §9.3.2).

use crate::harness::{APPS, Server};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::iter::once;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Endpoints and pages of each kind, including refusals.
const PATHS: [&str; 10] = [
    "/health/live",
    "/health/ready",
    "/openapi.json",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/oauth/token",
    "/oauth/identity",
    "/oauth/authorize?client_id=nobody",
    "/login",
    "/nowhere",
];

fn request(method: &Method, url: &str, cookie: &str) -> Request<Empty<Bytes>> {
    let host = url.split('/').nth(2).unwrap();
    let request = Request::builder().method(method).uri(url);
    let request = request.header("host", host).header("cookie", cookie);
    request.body(Empty::new()).unwrap()
}

/// The status, `Content-Length`, and the length of the body.
async fn measured(answer: Response<Incoming>) -> (u16, Option<usize>, usize) {
    let length = answer.headers().get("content-length").cloned();
    let length = length.map(|length| length.to_str().unwrap().parse().unwrap());
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.expect("a body, or none").to_bytes();
    (status, length, body.len())
}

/// On HTTP/2, a client treats a body as a protocol error.
#[tokio::test(flavor = "multi_thread")]
async fn head_has_the_content_length_of_get_and_no_body() {
    let server = Server::library("default", APPS).await;
    let stream = TokioIo::new(server.connection().await);
    let (mut http_1, connection) = http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let stream = TokioIo::new(server.connection().await);
    let (mut http_2, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    // HTTP/2 refuses headers of this length.
    let long = "a".repeat(9 * 1024);
    let requests = PATHS.iter().map(|path| (*path, ""));
    for (path, cookie) in requests.chain(once(("/health/live", long.as_str()))) {
        let url = server.at(path).to_string();
        for version in [1, 2] {
            let mut answers = Vec::new();
            for method in [Method::GET, Method::HEAD] {
                let request = request(&method, &url, cookie);
                let answer = match version {
                    1 => {
                        http_1.ready().await.unwrap();
                        http_1.send_request(request).await
                    }
                    _ => http_2.send_request(request).await,
                };
                let answer = answer.unwrap_or_else(|error| panic!("HTTP/{version} {method} {path}: {error}"));
                answers.push(measured(answer).await);
            }
            let (status, length, bytes) = answers[0];
            assert!(bytes > 0 && length == Some(bytes), "HTTP/{version} GET {path}");
            // That refusal contains the name of the method.
            let of_head = length.map(|length| length + usize::from(path == "/oauth/token"));
            assert_eq!(answers[1], (status, of_head, 0), "HTTP/{version} HEAD {path}");
        }
    }
}

/// hyper answers these itself, before it knows the method.
#[tokio::test(flavor = "multi_thread")]
async fn head_that_is_refused_before_the_router_has_no_body() {
    let server = Server::library("default", APPS).await;
    let long = "a".repeat(17_000);
    let good = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    for (rest, status) in [
        (" / HTTP/9.9\r\n\r\n".to_owned(), "400"),
        (" / HTTP/1.1\r\nA b\r\n\r\n".to_owned(), "400"),
        (format!(" /{long} HTTP/1.1\r\n"), "431"),
        (format!(" / HTTP/1.1\r\nCookie: {long}"), "431"),
    ] {
        let of_get = server.send_bytes_and_end(format!("GET{rest}").as_bytes()).await;
        let (get, body) = of_get.split_once("\r\n\r\n").unwrap();
        assert!(get.contains(status) && !body.is_empty(), "{of_get}");
        let length = format!("\r\ncontent-length: {}\r\n", body.len());
        let of_head = server.send_bytes_and_end(format!("HEAD{rest}").as_bytes()).await;
        let (head, body) = of_head.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(status) && head.contains(&length), "{of_head}");
        assert_eq!(body, "", "{of_head}");
        // An earlier request of the connection changes nothing.
        let mut stream = server.connection().await;
        stream.write_all(good.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
        }
        answer.clear();
        stream.write_all(format!("HEAD{rest}").as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.contains(&length) && answer.ends_with("\r\n\r\n"), "{answer}");
    }
}
