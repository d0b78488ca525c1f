use super::*;
use crate::serve::listen::head::EACH_HEADER;
use crate::serve::listen::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

/// A connection whose requests are all answered with an empty 404.
fn connection() -> DuplexStream {
    let (client, server) = duplex(1024);
    let stream = TokioIo::new(Explained::new(server, [192, 0, 2, 1].into()));
    tokio::spawn(async move {
        let service = service_fn(async |_| {
            let mut response = Response::new(http_body_util::Full::new(Bytes::new()));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response.headers_mut().insert("x-ours", HeaderValue::from_static("1"));
            Ok::<_, Infallible>(response)
        });
        let _ = http1().serve_connection(stream, service).await;
    });
    client
}

/// Sends everything before it reads anything, as many clients do.
async fn answer_to(request: &str) -> String {
    let mut client = connection();
    client.write_all(request.as_bytes()).await.unwrap();
    client.shutdown().await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_refusal_of_hypers_has_words_and_the_headers_of_ours() {
    let long = "a".repeat(HEADERS);
    for (request, status, text) in [
        (format!("GET /{long} HTTP/1.1\r\n\r\n"), 431, "16 KiB"),
        (format!("GET / HTTP/1.1\r\nCookie: {long}\r\n\r\n"), 431, "16 KiB"),
        (
            format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(101)),
            431,
            "100 headers",
        ),
        ("what is this\r\n\r\n".to_owned(), 400, "not valid HTTP"),
        ("\u{16}\u{3}\u{1}\r\n\r\n".to_owned(), 400, "For HTTPS"),
        ("GET / HTTP/1.1\r\nA b\r\n\r\n".to_owned(), 400, "not valid HTTP"),
        (
            "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n".to_owned(),
            400,
            "not valid HTTP",
        ),
        ("GET / HTTP/3.0\r\n\r\n".to_owned(), 400, "not valid HTTP"),
    ] {
        let answer = answer_to(&request).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert!(body.contains(text), "{body}");
        for (name, value) in PROTECTED {
            assert!(head.contains(&format!("\r\n{name}: {value}")), "{head}");
        }
        assert!(
            head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())),
            "{head}"
        );
        assert!(
            head.contains("\r\ndate: ") && head.ends_with("\r\nconnection: close"),
            "{head}"
        );
    }
}

#[tokio::test]
async fn an_answer_of_ours_without_a_body_stays_as_it_is() {
    let mut client = connection();
    let request = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n";
    client.write_all(request).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 404 ") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
}

/// To close now would reset the connection, and the answer be lost.
#[tokio::test]
async fn what_comes_after_the_refusal_is_read_until_the_client_has_closed() {
    let answer = answer_to(&"a".repeat(10 * HEADERS)).await;
    assert!(answer.contains("16 KiB"), "{answer}");
}

/// What it sends is read without end otherwise: 1.7 GB in 15 s.
#[tokio::test]
async fn a_client_that_goes_on_sending_after_the_refusal_is_cut_off() {
    let mut client = connection();
    let chunk = [b'a'; HEADERS];
    let most = usize::try_from(MOST_THROWN_AWAY).unwrap();
    let mut taken = 0;
    while taken < 4 * most && client.write_all(&chunk).await.is_ok() {
        taken += chunk.len();
    }
    assert!(taken <= most + 2 * HEADERS, "{taken} bytes were read");
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("16 KiB"), "{answer}");
}

/// Writes a refusal as hyper does, and more behind it that is no refusal.
#[tokio::test]
async fn what_is_written_after_the_refusal_comes_after_it() {
    for vectored in [false, true] {
        let (mut client, server) = duplex(64);
        let mut stream = Explained::new(server, [192, 0, 2, 1].into());
        let wrote = tokio::spawn(async move {
            let refusal = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(refusal).await.unwrap();
            let sent = match vectored {
                true => stream.write_vectored(&[IoSlice::new(b"mo"), IoSlice::new(b"re")]).await,
                false => stream.write(b"more").await,
            };
            assert_eq!(sent.unwrap(), 4);
            stream
        });
        let mut sent = String::new();
        while !sent.ends_with("more") {
            sent.push(char::from(client.read_u8().await.unwrap()));
        }
        assert!(sent.contains("16 KiB"), "{sent}");
        drop(wrote.await.unwrap());
    }
}

#[test]
fn advice_names_the_address_and_what_the_protocol_limits() {
    let advice = "Shorten the address, or delete the cookies of this site, and try again.";
    let long = Request::builder().uri(format!("http://id.example/{}", "a".repeat(HEADERS_HTTP_2)));
    let refused = refuse_long_headers(&long.body(()).unwrap(), [192, 0, 2, 1].into()).unwrap();
    let http_2 = std::str::from_utf8(refused.body()).unwrap();
    let http_1 = words(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert!(http_2.contains(advice) && http_1.contains(advice), "{http_2}{http_1}");
    assert!(
        http_1.contains("at most 100 headers") && !http_2.contains("100"),
        "{http_2}{http_1}"
    );
}

#[test]
fn headers_of_http_2_over_8_kib_are_refused_with_words() {
    let request = |cookie: usize| {
        let path = "/oauth/authorize?state=x";
        let request = Request::builder().uri(format!("http://id.example{path}"));
        request.header("cookie", "a".repeat(cookie)).body(()).unwrap()
    };
    let rest = "id.example/oauth/authorize?state=xcookie".len() + 5 * EACH_HEADER;
    let peer = [192, 0, 2, 1].into();
    assert!(refuse_long_headers(&request(HEADERS_HTTP_2 - rest), peer).is_none());
    let refused = refuse_long_headers(&request(HEADERS_HTTP_2 - rest + 1), peer).unwrap();
    assert_eq!(refused.status(), 431);
    assert!(std::str::from_utf8(refused.body()).unwrap().contains("8 KiB"));
}
