//! Clients that hold resources: connections, bodies, streams (decisions 62 and 63). Limits in time are tested
//! in `listen/pulse/tests.rs` and `serve/tests.rs`.

use super::frames::{
    self, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame,
    literal,
};
use super::{client_credentials, is_up};
use crate::harness::{APPS, SECRET, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const LIVE: &[u8] = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
const SOMEBODY_ELSE: [u8; 4] = [127, 0, 0, 2];

/// The status of the next answer. `None` if the connection is closed.
async fn status(stream: &mut TcpStream) -> Option<String> {
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.ok()?;
    Some(String::from_utf8_lossy(&head[9..]).into_owned())
}

async fn asked(mut stream: TcpStream) -> (TcpStream, Option<String>) {
    let _ = stream.write_all(LIVE).await;
    let status = status(&mut stream).await;
    (stream, status)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_source_cannot_hold_every_connection() {
    let server = Server::library("default", APPS).await;
    let mut held = Vec::new();
    for _ in 0..256 {
        let (stream, status) = asked(server.connection().await).await;
        assert_eq!(status.as_deref(), Some("200"), "after {}", held.len());
        held.push(stream);
    }
    assert_eq!(asked(server.connection().await).await.1, None);
    let somebody_else = server.connection_from(SOMEBODY_ELSE).await;
    assert_eq!(asked(somebody_else).await.1.as_deref(), Some("200"));
    drop(held);
    for _ in 0..1000 {
        if asked(server.connection().await).await.1.is_some() {
            return;
        }
    }
    panic!("the places of closed connections are free again");
}

/// A trusted proxy may use all connections.
#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_has_more_connections_than_a_source() {
    let declared = format!("[server]\ntrusted_proxies = [\"127.0.0.1\"]\n{APPS}");
    let server = Server::library("default", &declared).await;
    let mut held = Vec::new();
    for _ in 0..300 {
        let (stream, status) = asked(server.connection().await).await;
        assert_eq!(status.as_deref(), Some("200"), "after {}", held.len());
        held.push(stream);
    }
}

fn post(length: usize, body: &str) -> String {
    let kind = "Content-Type: application/x-www-form-urlencoded";
    format!("POST /oauth/token HTTP/1.1\r\nHost: x\r\n{kind}\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// Stalled bodies hold all that a source may hold: 4 MiB. The last body is refused. Returns its connection and answer, and
/// the others.
async fn stall(server: &Server) -> (String, JoinSet<(TcpStream, String)>) {
    let part = "x".repeat(60_000);
    let mut stalled = Vec::new();
    // When all of this has arrived, each connection holds at least 64 KiB.
    for _ in 0..=64 {
        let mut stream = server.connection().await;
        stream.write_all(post(64_000, &part).as_bytes()).await.unwrap();
        stalled.push(stream);
    }
    // The order in which they are read, and so the refused one, depends on the machine.
    let mut answers = JoinSet::new();
    for mut stream in stalled {
        answers.spawn(async move {
            let mut answer = [0; 1000];
            let length = stream.read(&mut answer).await.unwrap_or_default();
            (stream, String::from_utf8_lossy(&answer[..length]).into_owned())
        });
    }
    let (_, refused) = answers.join_next().await.unwrap().unwrap();
    (refused, answers)
}

/// Stalled bodies hold a quarter of the 16 MiB and no more. Sources that hold nothing are served.
#[tokio::test(flavor = "multi_thread")]
async fn bodies_beyond_the_share_of_their_source_get_503() {
    let server = Server::library("default", APPS).await;
    let (refused, answers) = stall(&server).await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(refused.to_lowercase().contains("retry-after: "), "{refused}");
    assert!(refused.contains("temporarily_unavailable"), "{refused}");
    let mut somebody_else = server.connection_from(SOMEBODY_ELSE).await;
    let body = client_credentials();
    let request = post(body.len(), &body);
    somebody_else.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(status(&mut somebody_else).await.as_deref(), Some("200"));
    drop(answers);
    let request = request.replace("Host: x", "Host: x\r\nConnection: close");
    for _ in 0..1000 {
        if server.send_bytes(request.as_bytes()).await.starts_with("HTTP/1.1 200") {
            return;
        }
    }
    panic!("what bodies held is given back");
}

/// Nothing is lost if these forms are sent again, so their answers get no memory beyond the share.
#[tokio::test(flavor = "multi_thread")]
async fn forms_without_a_session_get_503_if_memory_is_full() {
    let server = Server::library("default", APPS).await;
    let host = server.issuer.strip_prefix("http://").unwrap();
    let form = |path: &str| {
        let head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        format!("{head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\r\n")
    };
    let (_, _held) = stall(&server).await;
    let mut small = Vec::new();
    for path in ["/account/apps", "/developer/apps/new", "/developer/apps/sample/secret"] {
        while !server
            .send_bytes(form(path).as_bytes())
            .await
            .starts_with("HTTP/1.1 503")
        {
            // Several of the bodies may have been refused: smaller ones take the rest, the smallest at last.
            let length = if small.len() < 70 { 20_000 } else { 2_000 };
            let mut stream = server.connection().await;
            let body = "x".repeat(length);
            stream.write_all(post(length + 1, &body).as_bytes()).await.unwrap();
            small.push(stream);
            assert!(small.len() < 100, "{path}");
        }
    }
}

/// RFC 9112 §7.1: chunks of one byte, and trailers without end.
#[tokio::test(flavor = "multi_thread")]
async fn tiny_chunks_are_read_and_endless_trailers_are_not() {
    let server = Server::library("default", APPS).await;
    let head = post(0, "").replace("Content-Length: 0", "Transfer-Encoding: chunked");
    let chunks: String = client_credentials()
        .chars()
        .map(|byte| format!("1\r\n{byte}\r\n"))
        .collect();
    let whole = server.send_bytes(format!("{head}{chunks}0\r\n\r\n").as_bytes()).await;
    assert!(whole.starts_with("HTTP/1.1 200"), "{whole}");
    let trailers = "X-Trailer: more\r\n".repeat(5000);
    let endless = server
        .send_bytes(format!("{head}{chunks}0\r\n{trailers}").as_bytes())
        .await;
    assert!(endless.starts_with("HTTP/1.1 400"), "{endless}");
    is_up(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_answered_one_after_the_other() {
    let server = Server::library("default", APPS).await;
    let last = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let requests = [LIVE.repeat(2000), last.to_vec()].concat();
    let stream = server.connection().await;
    let (mut reader, mut writer) = stream.into_split();
    // The writing half is returned: dropping it would tell the server that the client has gone.
    let sending = tokio::spawn(async move { writer.write_all(&requests).await.map(|()| writer) });
    let mut answers = String::new();
    reader.read_to_string(&mut answers).await.unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 2001);
    sending.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_settings_allow_16_streams_64_kib_windows_and_16_kib_of_headers() {
    let server = Server::library("default", APPS).await;
    let mut connection = frames::begin(server.connection().await, b"").await;
    let settings = connection.receive_kind(SETTINGS).await.unwrap().payload;
    let settings: Vec<(u8, u32)> = settings
        .chunks(6)
        .map(|one| (one[1], u32::from_be_bytes([one[2], one[3], one[4], one[5]])))
        .collect();
    // MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_HEADER_LIST_SIZE (RFC 9113 §6.5.2).
    for expected in [(3, 16), (4, 65_535), (6, 16_384)] {
        assert!(settings.contains(&expected), "{settings:?}");
    }
}

/// Stalled bodies keep sixteen streams open, and the next one is refused.
#[tokio::test(flavor = "multi_thread")]
async fn the_seventeenth_stalled_stream_is_refused() {
    let server = Server::library("default", APPS).await;
    let mut connection = frames::begin(server.connection().await, b"").await;
    for number in 0..17 {
        let stream = 2 * number + 1;
        let head = frame(HEADERS, END_HEADERS, stream, &frames::request("POST", "/oauth/token"));
        let body = frame(DATA, 0, stream, &[b'x'; 1000]);
        connection.send(&[head, body].concat()).await;
    }
    let refused = connection.receive_kind(RST_STREAM).await.unwrap();
    // REFUSED_STREAM
    assert_eq!((refused.stream, refused.payload), (33, vec![0, 0, 0, 7]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_may_have_128_http_2_connections() {
    let server = Server::library("default", APPS).await;
    let mut held = Vec::new();
    for _ in 0..128 {
        let mut connection = frames::begin(server.connection().await, b"").await;
        assert!(
            connection.receive_kind(SETTINGS).await.is_some(),
            "after {}",
            held.len()
        );
        held.push(connection);
    }
    let mut one_more = frames::begin(server.connection().await, b"").await;
    assert!(one_more.receive_kind(SETTINGS).await.is_none());
    let mut somebody_else = frames::begin(server.connection_from(SOMEBODY_ELSE).await, b"").await;
    assert!(somebody_else.receive_kind(SETTINGS).await.is_some());
    // HTTP/1 connections are not refused.
    assert_eq!(asked(server.connection().await).await.1.as_deref(), Some("200"));
}

/// CVE-2023-44487: streams that are opened and reset before any answer. The server has seen each stream: h2 counts only
/// those that were reset before that.
#[tokio::test(flavor = "multi_thread")]
async fn endless_stream_resets_end_the_connection() {
    let server = Server::library("default", APPS).await;
    let mut connection = frames::begin(server.connection().await, b"").await;
    let mut rounds = 0;
    while rounds < 1000 {
        let streams = (0..16).map(|n| 2 * (16 * rounds + n) + 1);
        // A body that never arrives keeps each request open.
        let head = |stream| frame(HEADERS, END_HEADERS, stream, &frames::request("POST", "/oauth/token"));
        let heads: Vec<u8> = streams.clone().flat_map(head).collect();
        connection.send(&[heads, frame(PING, 0, 0, &[0; 8])].concat()).await;
        if connection.receive_kind(PING).await.is_none() {
            break;
        }
        let reset = |stream| frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]);
        connection.send(&streams.flat_map(reset).collect::<Vec<u8>>()).await;
        rounds += 1;
    }
    assert!(rounds < 100, "{rounds} rounds of 16");
    is_up(&server).await;
}

/// Headers that never end are not stored.
#[tokio::test(flavor = "multi_thread")]
async fn endless_continuation_frames_end_the_connection() {
    let server = Server::library("default", APPS).await;
    let mut connection = frames::begin(server.connection().await, b"").await;
    connection
        .send(&frame(HEADERS, END_STREAM, 1, &frames::request("GET", "/login")))
        .await;
    let more = frame(CONTINUATION, 0, 1, &literal("x-more", &"x".repeat(1000)));
    let mut sent = 0;
    while sent < 100_000 && connection.send(&more).await {
        sent += 1;
    }
    assert!(sent < 100_000, "the connection ends");
    is_up(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_over_8_kib_are_refused_on_http_2() {
    let server = Server::library("default", APPS).await;
    // 200 is in HPACK's static table; other statuses are written as text.
    for (length, is_200) in [(7000, true), (9000, false)] {
        let mut connection = frames::begin(server.connection().await, b"").await;
        let more = literal("x-large", &"x".repeat(length));
        let headers = [frames::request("GET", "/health/live"), more].concat();
        let flags = END_STREAM | END_HEADERS;
        connection.send(&frame(HEADERS, flags, 1, &headers)).await;
        let answer = connection.receive_kind(HEADERS).await.unwrap();
        assert_eq!(answer.payload.first() == Some(&0x88), is_200, "{answer:?}");
    }
}

/// A few bytes that refer to a large header in HPACK's table again and again.
#[tokio::test(flavor = "multi_thread")]
async fn headers_that_unpack_to_a_megabyte_end_the_connection() {
    let server = Server::library("default", APPS).await;
    let mut packed = literal("x-large", &"x".repeat(1000));
    // With incremental indexing, this is the first dynamic entry, number 62 (RFC 7541 §6.2.1).
    packed[0] = 0x40;
    let bomb = [frames::request("GET", "/health/live"), packed, vec![0x80 | 62; 1000]].concat();
    let mut connection = frames::begin(server.connection().await, b"").await;
    let flags = END_STREAM | END_HEADERS;
    connection.send(&frame(HEADERS, flags, 1, &bomb)).await;
    assert!(connection.receive_kind(HEADERS).await.is_none());
    is_up(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_arrives_through_small_windows() {
    use http_body_util::Full;
    use hyper_util::rt::{TokioExecutor, TokioIo};

    let server = Server::library("default", APPS).await;
    let stream = TokioIo::new(server.connection().await);
    let connected = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await;
    let (mut sender, connection) = connected.unwrap();
    tokio::spawn(connection);
    let padding: String = (0..15)
        .map(|number| format!("&p{number}={}", "x".repeat(4000)))
        .collect();
    let body = format!("grant_type=client_credentials&client_id=sample&client_secret={SECRET}{padding}");
    let request = hyper::Request::post("http://id.example/oauth/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::new(hyper::body::Bytes::from(body)))
        .unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
}

/// RFC 9113 §6.9.2: before a client has the server's settings, it uses a window of 65,535 bytes; afterwards, the window of
/// the settings.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_begun_before_the_settings_arrives() {
    let server = Server::library("default", APPS).await;
    let padding: String = (0..5)
        .map(|number| format!("p{number}={}&", "x".repeat(4000)))
        .collect();
    let body = padding + &client_credentials();
    let (begun, rest) = body.as_bytes().split_at(12_000);
    let kind = literal("content-type", "application/x-www-form-urlencoded");
    let headers = [frames::request("POST", "/oauth/token"), kind].concat();
    let mut client = frames::begin(server.connection().await, &[]).await;
    client
        .send(&[frame(HEADERS, END_HEADERS, 1, &headers), frame(DATA, 0, 1, begun)].concat())
        .await;
    let (mut window, mut rest) = (65_535 - begun.len() as i64, Some(rest));
    let answer = loop {
        let frame_of = client.receive().await.expect("an answer");
        let payload = &frame_of.payload;
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | i64::from(*byte));
        match (frame_of.kind, frame_of.stream) {
            (SETTINGS, _) => {
                let windows = payload.chunks(6).filter(|setting| number(&setting[..2]) == 4);
                window += windows.map(|setting| number(&setting[2..]) - 65_535).sum::<i64>();
                if !payload.is_empty() {
                    client.send(&frame(SETTINGS, 1, 0, &[])).await;
                }
            }
            (WINDOW_UPDATE, 1) => window += number(payload),
            (HEADERS, 1) => break frame_of,
            _ => {}
        }
        if let Some(rest) = rest.take_if(|rest| rest.len() as i64 <= window) {
            client.send(&frame(DATA, END_STREAM, 1, rest)).await;
        }
    };
    // `:status` 200 (RFC 7541, appendix A).
    assert_eq!(answer.payload.first(), Some(&0x88));
}
