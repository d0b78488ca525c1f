//! Bad input gets a clear error of the right kind, and nothing is lost.

mod addresses;
mod connections;
mod frames;
mod headers;
mod hostile;
mod tokens;

use crate::harness::{APPS, JOHN, REDIRECT_URI, SECRET, Server, encoded};
use reqwest::Method;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const ENDPOINTS: [&str; 3] = ["/oauth/token", "/oauth/introspect", "/oauth/revoke"];

fn request() -> String {
    encoded(&[
        ("grant_type", "client_credentials"),
        ("client_id", "sample"),
        ("client_secret", SECRET),
        ("token", "x"),
    ])
}

fn client_credentials() -> String {
    format!("grant_type=client_credentials&client_id=sample&client_secret={SECRET}")
}

/// Asserts that the server still answers a well-behaved app.
async fn is_up(server: &Server) {
    assert_eq!(server.get("/health/ready").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_method_than_post_gets_405_with_allow() {
    let server = Server::library("default", APPS).await;
    for path in ENDPOINTS {
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
            let url = server.at(path);
            let answer = server.send(&url, server.request(method.clone(), &url)).await;
            assert_eq!(answer.refusal(), "405 invalid_request", "{method} {path}");
            assert_eq!(answer.header("allow"), "POST", "{method} {path}");
        }
    }
    // Credentials in a URL are ignored.
    let by_get = server.get(&format!("/oauth/token?{}", request())).await;
    assert_eq!(by_get.refusal(), "405 invalid_request");
    assert!(!by_get.body.contains(SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_query_of_a_token_request_does_not_count() {
    let server = Server::library("default", APPS).await;
    let answer = server
        .post_raw(&format!("/oauth/token?{}", request()), &[FORM], "")
        .await;
    assert_eq!(answer.refusal(), "400 invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_media_type_is_refused() {
    let server = Server::library("default", APPS).await;
    for path in ENDPOINTS {
        for kind in [
            "application/json",
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencode",
        ] {
            let answer = server.post_raw(path, &[("content-type", kind)], request()).await;
            assert_eq!(answer.refusal(), "400 invalid_request", "{path} {kind}");
            assert_eq!(answer.header("content-type"), "application/json");
            let sent = kind.split(';').next().unwrap();
            let told = format!("The body must be application/x-www-form-urlencoded, and was sent as {sent}");
            assert_eq!(answer.json()["error_description"], told, "{path}");
        }
        for kind in [
            "application/x-www-form-urlencoded; charset=UTF-8",
            "Application/X-WWW-Form-Urlencoded",
        ] {
            assert_eq!(
                server.post_raw(path, &[("content-type", kind)], request()).await.status,
                200,
                "{path} {kind}"
            );
        }
    }
}

/// As a form, JSON would be one parameter with a long name and no value.
#[tokio::test(flavor = "multi_thread")]
async fn json_sent_as_a_form_gets_an_error_about_json() {
    let server = Server::library("default", APPS).await;
    let pairs = [("grant_type", "client_credentials"), ("client_secret", SECRET)];
    let json = serde_json::Value::from_iter(pairs.map(|(name, value)| (name, value.to_owned()))).to_string();
    let padded = format!(" \r\n{{ {}", &json[1..]);
    let encoded: String = form_urlencoded::byte_serialize(json.as_bytes()).collect();
    let long = json.replace(SECRET, &"s".repeat(5000));
    for path in ENDPOINTS {
        for body in [&json, &padded, &encoded, &long, "{}"] {
            for headers in [&[FORM][..], &[]] {
                let answer = server.post_raw(path, headers, body.to_owned()).await;
                assert_eq!(answer.refusal(), "400 invalid_request", "{path} {body}");
                assert_eq!(
                    answer.json()["error_description"],
                    "The body must be application/x-www-form-urlencoded, and was sent as JSON",
                    "{path} {body}"
                );
                assert!(!answer.body.contains(SECRET), "{path} {body}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_64_kib_is_refused() {
    let server = Server::library("default", APPS).await;
    let padded = |size: usize| {
        let mut body = request();
        let mut number = 0;
        while size - body.len() > 4000 {
            body.push_str(&format!("&p{number}={}", "x".repeat(3990)));
            number += 1;
        }
        body.push_str(&format!("&last={}", "x".repeat(size - body.len() - 6)));
        body
    };
    for path in ENDPOINTS {
        let fits = server.post_raw(path, &[FORM], padded(64 * 1024)).await;
        assert_eq!(fits.status, 200, "{path} {}", fits.body);
        let large = server.post_raw(path, &[FORM], padded(64 * 1024 + 1)).await;
        assert_eq!(large.refusal(), "413 invalid_request", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_known_parameter_is_refused() {
    let server = Server::library("default", APPS).await;
    for path in ENDPOINTS {
        for repeated in [
            "client_id=sample",
            "grant_type=client_credentials",
            "token=x",
            "client_secret=",
            "token_type_hint=x&token_type_hint=x",
        ] {
            let answer = server
                .post_raw(path, &[FORM], format!("{}&{repeated}", request()))
                .await;
            assert_eq!(answer.refusal(), "400 invalid_request", "{path} {repeated}");
        }
    }
    let answer = server
        .post_raw("/oauth/token", &[FORM], format!("{}&client_id=x", request()))
        .await;
    insta::assert_snapshot!(answer.shown(), @r#"
    400
    content-type: application/json
    cache-control: no-store
    pragma: no-cache

    {"error":"invalid_request","error_description":"parameter client_id appears more than once"}
    "#);
}

/// RFC 6749 §3.1 and §3.2: unrecognized parameters are ignored. RFC 8707 §2: `resource` may repeat.
#[tokio::test(flavor = "multi_thread")]
async fn unknown_parameters_are_ignored_even_if_repeated_or_long() {
    let server = Server::library("default", APPS).await;
    let many: String = (0..2000).map(|number| format!("p{number}=1&")).collect();
    for path in ENDPOINTS {
        for unknown in [
            "unknown=1&unknown=1",
            "resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example",
            &format!("{}=1", "n".repeat(129)),
            &format!("x={}", "v".repeat(5000)),
            "%c3%28=1",
            "x=%ff",
            &many,
        ] {
            let body = format!("{unknown}&{}&{unknown}", request());
            let answer = server.post_raw(path, &[FORM], body).await;
            assert_eq!(answer.status, 200, "{path} {unknown} {}", answer.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_not_text_or_too_long_is_refused() {
    let server = Server::library("default", APPS).await;
    let long = "x".repeat(4097);
    let bad: [&[u8]; 4] = [b"scope=%ff", b"scope=\xff\xfe", b"scope=a%00b", long.as_bytes()];
    for path in ENDPOINTS {
        for extra in bad {
            let extra = if extra == long.as_bytes() {
                [b"scope=", extra].concat()
            } else {
                extra.to_vec()
            };
            let body = [request().as_bytes(), b"&", &extra].concat();
            let answer = server.post_raw(path, &[FORM], body).await;
            assert_eq!(
                answer.refusal(),
                "400 invalid_request",
                "{path} {:?}",
                String::from_utf8_lossy(&extra)
            );
            assert!(answer.body.is_ascii(), "RFC 6749 §5.2: {}", answer.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_never_repeats_unescaped_input() {
    let server = Server::library("default", APPS).await;
    let kind = ("content-type", "text/\"><script>");
    let answer = server.post_raw("/oauth/token", &[kind], request()).await;
    assert_eq!(answer.refusal(), "400 invalid_request");
    assert!(answer.body.contains("text/'><script>"), "{}", answer.body);
    let odd = encoded(&[("grant_type", "\"},{\"x\":\"\r\n")]);
    assert_eq!(
        server.post_raw("/oauth/token", &[FORM], odd).await.refusal(),
        "400 unsupported_grant_type"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_request_uses_up_no_code_or_token() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let code = sample.code(&john, &[]).await;
    let redemption = encoded(&sample.redemption(&code));
    let credentials = format!("client_id=sample&client_secret={SECRET}");
    for body in [
        format!("{redemption}&{credentials}&code=again"),
        format!("{redemption}&{credentials}&scope=%ff"),
        redemption.clone(),
    ] {
        assert!(server.post_raw("/oauth/token", &[FORM], body).await.status >= 400);
    }
    let answer = server
        .post_raw("/oauth/token", &[FORM], format!("{redemption}&{credentials}"))
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_refuse_other_methods_and_malformed_forms() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    for (method, path) in [
        (Method::POST, "/oauth/authorize"),
        (Method::DELETE, "/oauth/authorize"),
        (Method::POST, "/account"),
        (Method::DELETE, "/account/apps"),
        (Method::PUT, "/consent"),
        (Method::GET, "/logout"),
        (Method::PUT, "/"),
        (Method::POST, "/.well-known/oauth-authorization-server"),
        (Method::POST, "/health/live"),
    ] {
        let url = server.at(path);
        let answer = server.send(&url, server.request(method.clone(), &url)).await;
        assert_eq!(answer.status, 405, "{method} {path}");
        assert_ne!(answer.header("allow"), "", "RFC 9110 §15.5.6: {method} {path}");
    }
    let page = john.open("/developer/apps/new").await;
    assert_eq!(page.status, 200);
}

/// Bytes that are not text are refused, not replaced by U+FFFD and stored.
#[tokio::test(flavor = "multi_thread")]
async fn a_field_of_a_page_that_is_not_text_is_refused() {
    let server = Server::library("default", APPS).await;
    for path in ["/login", "/developer/apps/new", "/consent", "/account/apps", "/logout"] {
        for body in [&b"name=%FF"[..], b"name=\xff", b"%ff=name", b"name=a%00b"] {
            let answer = server.post_raw(path, &[FORM], body.to_vec()).await;
            assert_eq!(answer.status, 400, "{path}");
            assert!(answer.text().contains("in another encoding than UTF-8"), "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_path_gets_a_404_that_says_so() {
    let server = Server::library("default", APPS).await;
    for path in [
        "/nowhere",
        "/oauth",
        "/oauth/tokens",
        "/admin/api/v1",
        "/metrics",
        "/account/../../etc/passwd",
        "/%00",
        "/assets/../x",
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains("There is no such page"), "{path}");
    }
}

/// A body without a length is counted while it arrives.
#[tokio::test(flavor = "multi_thread")]
async fn a_chunked_body_over_64_kib_is_refused() {
    let server = Server::library("default", APPS).await;
    let head = "POST /oauth/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunked = |body: &str| {
        let chunks: String = body
            .as_bytes()
            .chunks(1000)
            .map(|chunk| format!("{:x}\r\n{}\r\n", chunk.len(), String::from_utf8_lossy(chunk)))
            .collect();
        format!("{head}{chunks}0\r\n\r\n")
    };
    let fits = server.send_bytes(chunked(&request()).as_bytes()).await;
    assert!(fits.starts_with("HTTP/1.1 200"), "{fits}");
    // However much longer the body is, the client gets the reason.
    for length in [66_000, 900_000] {
        let large = format!("{}&x={}", request(), "x".repeat(length));
        let refused = server.send_bytes(chunked(&large).as_bytes()).await;
        assert!(refused.starts_with("HTTP/1.1 413"), "{length} {refused}");
        assert!(refused.contains(r#""error":"invalid_request""#), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_body_uses_up_no_code() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let code = sample.code(&john, &[]).await;
    let body = format!(
        "{}&client_id=sample&client_secret={SECRET}",
        encoded(&sample.redemption(&code))
    );
    let cut = format!(
        "POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len() + 1
    );
    server.send_and_leave(cut.as_bytes()).await;
    assert_eq!(sample.redeem(&code).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_not_http_end_only_their_connection() {
    let server = Server::library("default", APPS).await;
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(100_000));
    let heads = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    for bytes in [
        &b"\x16\x03\x01\x02\x00"[..],
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        long.as_bytes(),
        heads.as_bytes(),
    ] {
        let answer = server.send_bytes(bytes).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(server.get("/health/ready").await.status, 200);
}
