//! Headers and bytes that mean different things to a proxy and to the server (RFC 9112 §11, RFC 9700 §4.13).

use super::{assert_refused, send};
use crate::harness::{APPS, Answer, JOHN, REDIRECT_URI, SECRET, Server, encoded, readable};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Method;

/// Headers by which a client could claim another server name or another URL.
const CLAIMS: [(&str, &str); 16] = [
    ("host", "evil.example"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-server", "evil.example"),
    ("x-forwarded-proto", "evil"),
    ("x-forwarded-port", "61666"),
    ("x-forwarded-prefix", "/evil"),
    ("x-forwarded-for", "127.0.0.1"),
    ("forwarded", "for=127.0.0.1;host=evil.example;proto=evil"),
    ("x-host", "evil.example"),
    ("x-original-host", "evil.example"),
    ("x-original-url", "/evil"),
    ("x-rewrite-url", "/evil"),
    ("x-http-method-override", "DELETE"),
    ("x-real-ip", "127.0.0.1"),
    ("x-remote-user", "john@doe.com"),
    ("remote-user", "john@doe.com"),
];

/// A server with a configured name. One without refuses pages under other names (`hosts.rs`).
fn named() -> String {
    format!("[server]\npublic_url = \"http://id.example\"\n{APPS}")
}

/// RFC 9700 §4.13: the server's name comes from the configuration. No header changes a link, a redirect, the metadata or
/// the source of a request.
#[tokio::test(flavor = "multi_thread")]
async fn no_header_changes_the_servers_name_or_the_source() {
    let server = Server::library("default", &named()).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let query = format!("/oauth/authorize?{}", sample.query(&[]));
    for cookies in ["", &john.cookies()] {
        for path in [
            "/",
            "/login",
            "/account",
            "/developer/apps/sample",
            "/nowhere",
            &query,
            "/oauth/authorize?client_id=sample&scope=nonsense",
            "/.well-known/oauth-authorization-server",
        ] {
            let url = server.at(path);
            let plain = server.request(Method::GET, &url).header("cookie", cookies);
            let plain = server.send(&url, plain).await;
            let request = server.request(Method::GET, &url).header("cookie", cookies);
            let request = CLAIMS
                .iter()
                .fold(request, |request, (name, value)| request.header(*name, *value));
            let answer = server.send(&url, request).await;
            // The number after "pas" differs each time.
            let read = |page: &Answer| page.text().split(" pas ").next().unwrap_or_default().to_owned();
            assert_eq!((answer.status, read(&answer)), (plain.status, read(&plain)), "{path}");
            assert_eq!(answer.header("location"), plain.header("location"), "{path}");
            assert!(
                !answer.readable().contains("evil") && !answer.body.contains(":61666"),
                "{path}"
            );
            assert_eq!(
                answer.header("set-cookie").is_empty(),
                plain.header("set-cookie").is_empty(),
                "{path}"
            );
        }
    }
}

/// Forms too: their redirects stay below the configured URL.
#[tokio::test(flavor = "multi_thread")]
async fn no_header_changes_where_a_form_redirects() {
    let server = Server::library("default", &named()).await;
    let browser = server.browser();
    let page = browser.open("/login").await;
    let typed = [("username", JOHN.email), ("password", JOHN.password)];
    let body = page.form("password").filled(&typed);
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(body)
        .finish();
    let url = server.at("/login");
    let request = server.request(Method::POST, &url).header("cookie", browser.cookies());
    let request = CLAIMS[..13]
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = server.send(&url, request.body(body)).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/account"));
}

/// RFC 9110 §5.5: no value of a request becomes a header line of the answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_break_in_a_parameter_adds_no_header() {
    let server = Server::library("default", APPS).await;
    let breaks = [
        "x\r\nevil: 1\r\n\r\n<evil>",
        "x\nevil: 1",
        "x\revil: 1",
        "\u{10a}evil: 1",
        "\u{2028}evil: 1",
        "\"\r\nevil: 1",
    ];
    let good = [
        ("response_type", "code"),
        ("client_id", "sample"),
        ("redirect_uri", REDIRECT_URI),
        ("scope", "read"),
        ("state", "s"),
        ("code_challenge", crate::harness::CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, _) in good {
        for value in breaks {
            let mut pairs = good.to_vec();
            pairs.retain(|(other, _)| *other != name);
            pairs.extend([(name, value), (value, "x")]);
            // Refused for its scope, so that the redirect repeats the state.
            for more in ["", "&scope2=x"] {
                let head = format!(
                    "GET /oauth/authorize?{}{more} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                    encoded(&pairs)
                );
                let answer = server.send_bytes(head.as_bytes()).await;
                let head = answer.split("\r\n\r\n").next().unwrap();
                assert!(head.starts_with("HTTP/1.1 "), "{name}: {head}");
                assert!(
                    !head.contains("\nevil") && !head.contains("\revil"),
                    "{name} {value:?}: {head}"
                );
                assert!(!answer.contains("<evil>"), "{name} {value:?}");
            }
        }
    }
    machines_answer_without_a_line_of(&server, &breaks).await;
}

/// The same at the endpoints that answer in JSON and with a challenge.
async fn machines_answer_without_a_line_of(server: &Server, breaks: &[&str]) {
    for name in [
        "grant_type",
        "client_id",
        "client_secret",
        "refresh_token",
        "scope",
        "token",
    ] {
        for value in breaks.iter().copied() {
            for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
                let answer = server.post(path, &[("grant_type2", "x"), (name, value)]).await;
                assert_refused(&answer, path);
                assert!(!answer.headers.contains_key("evil"), "{path} {name}");
            }
        }
    }
    let url = server.at("/oauth/userinfo");
    let request = server
        .request(Method::GET, &url)
        .header("authorization", "Bearer \"evil\\");
    let refused = server.send(&url, request).await;
    assert!(!refused.header("www-authenticate").contains("evil"), "{refused:?}");
}

/// RFC 6749 §2.3, RFC 7617 §2: one scheme, one pair. Variants that some parsers accept are no credentials.
#[tokio::test(flavor = "multi_thread")]
async fn an_almost_valid_basic_header_does_not_authenticate() {
    let server = Server::library("default", APPS).await;
    let pair = STANDARD.encode(format!("sample:{SECRET}"));
    for scheme in ["Basic", "basic", "BASIC"] {
        let answer = server
            .post_as(
                "/oauth/token",
                &format!("{scheme} {pair}"),
                &[("grant_type", "client_credentials")],
            )
            .await;
        assert_eq!(answer.status, 200, "RFC 9110 §11.1: a scheme has no case: {scheme}");
    }
    let unpadded = pair.trim_end_matches('=');
    for header in [
        format!("Basic {pair}, Basic {pair}"),
        format!("Basic {pair} {pair}"),
        format!("Basic {pair},"),
        format!("Basic={pair}"),
        format!("Basic:{pair}"),
        format!("Basic\t{pair}"),
        format!("Basic{pair}"),
        format!("Bearer {pair}"),
        format!("Digest {pair}"),
        format!("Negotiate Basic {pair}"),
        format!("XBasic {pair}"),
        format!("\"Basic {pair}\""),
        format!("Basic \"{pair}\""),
        format!("Basic {unpadded}===="),
        format!("Basic {}", STANDARD.encode(format!(" sample:{SECRET}"))),
        format!("Basic {}", STANDARD.encode(format!("sample:{SECRET}\0"))),
        format!("Basic {}", STANDARD.encode(format!("sample:{SECRET}\n"))),
        format!("Basic {}", STANDARD.encode(format!("SAMPLE:{SECRET}"))),
        pair.clone(),
        format!("sample:{SECRET}"),
    ] {
        for pairs in [
            &[("grant_type", "client_credentials")][..],
            &[("grant_type", "client_credentials"), ("client_id", "sample")],
        ] {
            assert_refused(&server.post_as("/oauth/token", &header, pairs).await, &header);
        }
    }
    let headers = ["x-authorization", "proxy-authorization", "x-forwarded-authorization"];
    for name in headers {
        let value = format!("Basic {pair}");
        let sent = [
            ("content-type", "application/x-www-form-urlencoded"),
            (name, value.as_str()),
        ];
        let answer = server
            .post_raw("/oauth/token", &sent, "grant_type=client_credentials")
            .await;
        assert_refused(&answer, name);
    }
}

/// RFC 9112 §6.1 and §6.3: the end of a request must not depend on the reader. If two readers could disagree, the second
/// part is never answered as a request.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_two_possible_ends_is_answered_once() {
    let server = Server::library("default", APPS).await;
    let hidden = "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let two = format!("POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n{hidden}");
    let both = server.send_bytes(two.as_bytes()).await;
    assert!(both.contains("\"live\""), "of two requests both are answered: {both}");
    for framing in [
        "Content-Length: 0\r\nContent-Length: 60",
        "Content-Length: 60\r\nContent-Length: 0",
        "Content-Length: 0, 60",
        "Content-Length: +0",
        "Content-Length: -1",
        "Content-Length: 0x0",
        "Content-Length: 0 0",
        "Content-Length : 0",
        "Content-Length\t: 0",
        "Content-Length: 0\r\n Transfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 60",
        "Content-Length: 60\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity, chunked, x",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
        "Transfer-Encoding:\x0bchunked",
        "X: x\rContent-Length: 0",
        "X: x\0",
    ] {
        for path in ["/oauth/token", "/login", "/nowhere"] {
            let sent = format!("POST {path} HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n0\r\n\r\n{hidden}");
            let answer = server.send_bytes(sent.as_bytes()).await;
            assert!(!answer.contains("\"live\""), "{path} {framing:?}: {answer}");
        }
    }
}

/// A target with another host in it (RFC 9112 §3.2.2), or one that is not a path: the server still answers with its own
/// pages.
#[tokio::test(flavor = "multi_thread")]
async fn a_target_with_another_host_gets_the_servers_own_pages() {
    let server = Server::library("default", &named()).await;
    for target in [
        "http://evil.example/account",
        "https://evil.example/account",
        "//evil.example/account",
        "///evil.example/account",
        "/\\evil.example/account",
        "/account/..//evil.example",
        "/.//evil.example/account",
        "/%2f%2fevil.example/account",
        "http://evil.example//evil.example",
        "evil:80",
        "*",
    ] {
        for method in ["GET", "HEAD", "OPTIONS", "CONNECT"] {
            let sent = format!("{method} {target} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
            let answer = server.send_bytes_and_end(sent.as_bytes()).await;
            assert!(!readable(&answer).contains("evil"), "{method} {target}: {answer}");
            assert!(
                !answer.to_ascii_lowercase().contains("\r\nlocation:"),
                "{method} {target}: {answer}"
            );
        }
    }
}

/// RFC 9113 §8.3.1: `:authority` of HTTP/2 is trusted no more than `Host`.
#[tokio::test(flavor = "multi_thread")]
async fn http_2_authority_does_not_change_the_servers_name() {
    use http_body_util::{BodyExt as _, Empty};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let server = Server::library("default", &named()).await;
    let stream = TokioIo::new(server.connection().await);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
        .await
        .unwrap();
    tokio::spawn(connection);
    for target in [
        "http://evil.example/account",
        "evil://evil.example/",
        "http://evil.example/oauth/authorize?client_id=sample&scope=nonsense",
        "http://user@evil.example/.well-known/oauth-authorization-server",
        "http://evil.example//evil.example/",
    ] {
        let request = hyper::Request::get(target).header("x-forwarded-host", "evil.example");
        let request = request.body(Empty::<hyper::body::Bytes>::new()).unwrap();
        let Ok(answer) = sender.send_request(request).await else {
            continue;
        };
        let shown = format!("{:?}", answer.headers());
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(!readable(&shown).contains("evil"), "{target}: {shown}");
        assert!(!readable(&String::from_utf8_lossy(&body)).contains("evil"), "{target}");
    }
}

/// A cookie header that a proxy joined, or a browser split: it gives the right session or none.
#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_cookie_header_gives_no_other_session() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let (name, token) = john.session_cookie();
    for cookie in [
        format!("{name}=\"{token}\""),
        format!("{}={token}", name.to_uppercase()),
        format!("{name} ={token}x"),
        format!("{name}={token}x"),
        format!("{name}={}", &token[..42]),
        format!("{name}={}", token.to_uppercase()),
        format!("x={name}={token}"),
        format!("{name}%3D{token}"),
        format!("$Version=1,{name}={token}"),
    ] {
        let url = server.at("/account");
        let request = server.request(Method::GET, &url).header("cookie", &cookie);
        let page = server.send(&url, request).await;
        assert!(!page.text().contains("John Doe"), "{cookie}");
    }
    send(&john, &john.open("/account").await, "/logout", &[]).await;
}
