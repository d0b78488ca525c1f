//! A connection is a socket alone between requests: what comes in pieces, what is counted, what is no request.

use super::*;
use crate::serve::in_flight::SourceNetworks as Client;
use std::net::IpAddr;

const ASKS: &str = "GET /health/live HTTP/1.1\r\nHost: id.example\r\n\r\n";
const LAST: &str = "GET /health/live HTTP/1.1\r\nHost: id.example\r\nConnection: close\r\n\r\n";

/// A server, and what a client does with it.
async fn with_server<T: Send + 'static>(client: impl FnOnce(Arc<Hallpass>, SocketAddr) -> T + Send + 'static) -> T {
    let (folder, (_stop, stopped)) = (tempfile::tempdir().unwrap(), watch::channel(false));
    let hallpass = prepared(folder.path()).await;
    let (address, server) = bounded(&hallpass, stopped, 100, Duration::from_secs(600)).await;
    let done = tokio::task::spawn_blocking(move || client(hallpass, address));
    let done = done.await.unwrap();
    server.abort();
    done
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// All that comes until the server closes the connection.
fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

fn count(answers: &str, status: &str) -> usize {
    answers.matches(&format!("HTTP/1.1 {status} ")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_pieces_are_each_answered_once() {
    with_server(|_, address| {
        let body = "grant_type=client_credentials";
        let posts = format!(
            "POST /oauth/token HTTP/1.1\r\nHost: id.example\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        // Line feeds alone end lines too, and line breaks between requests are part of none (RFC 9112 §2.2).
        let all = format!("\r\n{ASKS}{posts}\r\n{}{LAST}", ASKS.replace("\r\n", "\n"));
        for piece in [1, 2, 3, 7, 40, 200] {
            let mut stream = connect(address);
            for bytes in all.as_bytes().chunks(piece) {
                stream.write_all(bytes).unwrap();
            }
            let answers = rest(&mut stream);
            assert_eq!(count(&answers, "200"), 3, "in pieces of {piece}: {answers}");
            assert_eq!(count(&answers, "401"), 1, "in pieces of {piece}: {answers}");
        }
    })
    .await;
}

/// One request after the other's answer, and the next one's first half with a request.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_serves_many_requests_one_by_one() {
    with_server(|hallpass, address| {
        let mut stream = connect(address);
        let (first, second) = ASKS.split_at(20);
        stream.write_all(format!("{ASKS}{first}").as_bytes()).unwrap();
        for _ in 0..20 {
            let mut answer = [0; 1000];
            let length = stream.read(&mut answer).unwrap();
            assert!(answer[..length].starts_with(b"HTTP/1.1 200"));
            stream.write_all(format!("{second}{first}").as_bytes()).unwrap();
        }
        drop(stream);
        while hallpass.in_flight.held(HeldKind::Connections) > 0 {
            std::thread::yield_now();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_are_waited_for_count_as_memory() {
    with_server(|hallpass, address| {
        let mut stream = connect(address);
        let (begin, end) = LAST.split_at(LAST.len() - 2);
        stream
            .write_all(format!("{begin}X-Pad: {}", "x".repeat(15_000)).as_bytes())
            .unwrap();
        while hallpass.in_flight.held(HeldKind::Bytes) < 15_000 {
            std::thread::yield_now();
        }
        stream.write_all(format!("\r\n{end}").as_bytes()).unwrap();
        assert_eq!(count(&rest(&mut stream), "200"), 1);
        assert_eq!(hallpass.in_flight.held(HeldKind::Bytes), 0);
    })
    .await;
}

/// RFC 9110 §10.1.1: a client that waits for 100 (Continue) has sent no body yet.
#[tokio::test(flavor = "multi_thread")]
async fn headers_count_as_memory_until_the_answer() {
    with_server(|hallpass, address| {
        let mut stream = connect(address);
        let pad = "x".repeat(15_000);
        let head = format!(
            "POST /oauth/token HTTP/1.1\r\nHost: id.example\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\
             Connection: close\r\nX-Pad: {pad}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut interim = [0; 25];
        stream.read_exact(&mut interim).unwrap();
        assert_eq!(interim, *b"HTTP/1.1 100 Continue\r\n\r\n");
        assert!(hallpass.in_flight.held(HeldKind::Bytes) > 15_000);
        stream.write_all(b"a").unwrap();
        assert!(rest(&mut stream).starts_with("HTTP/1.1 4"));
        assert_eq!(hallpass.in_flight.held(HeldKind::Bytes), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_find_no_room_get_503() {
    with_server(|hallpass, address| {
        let local = Client::of(IpAddr::from([127, 0, 0, 1]), &hallpass.proxies);
        let _all = hallpass
            .in_flight
            .take(local, HeldKind::Bytes, 4 * 1024 * 1024)
            .unwrap();
        let mut stream = connect(address);
        stream
            .write_all(format!("GET / HTTP/1.1\r\nX-Pad: {}", "x".repeat(3000)).as_bytes())
            .unwrap();
        let answer = rest(&mut stream).to_ascii_lowercase();
        assert!(answer.starts_with("http/1.1 503 service unavailable\r\n"), "{answer}");
        for header in [
            "retry-after: ",
            "connection: close\r\n",
            "content-type: application/json",
        ] {
            assert!(answer.contains(&format!("\r\n{header}")), "{answer}");
        }
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            answer.contains(&format!("\r\ncontent-length: {}\r\n", body.len())),
            "{answer}"
        );
        // RFC 9110 §9.3.2. The method comes in one piece, or in two.
        for begin in ["HE", "HEAD / HTTP/1.1\r\nX: "] {
            let mut stream = connect(address);
            stream.write_all(begin.as_bytes()).unwrap();
            stream
                .write_all(format!("AD / HTTP/1.1\r\nX-Pad: {}", "x".repeat(3000)).as_bytes())
                .unwrap();
            let of_head = rest(&mut stream).to_ascii_lowercase();
            let (head, _) = answer.split_once("\r\n\r\n").unwrap();
            assert_eq!(of_head, format!("{head}\r\n\r\n"));
        }
        // Headers of the usual size are served.
        let mut stream = connect(address);
        stream.write_all(LAST.as_bytes()).unwrap();
        assert_eq!(count(&rest(&mut stream), "200"), 1);
    })
    .await;
}

/// What it sends is read without end otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_on_sending_after_503_is_cut_off() {
    with_server(|hallpass, address| {
        let local = Client::of(IpAddr::from([127, 0, 0, 1]), &hallpass.proxies);
        let _all = hallpass
            .in_flight
            .take(local, HeldKind::Bytes, 4 * 1024 * 1024)
            .unwrap();
        let mut stream = connect(address);
        stream.write_all(b"GET / HTTP/1.1\r\nX-Pad: ").unwrap();
        // More than the system holds for both sides.
        let megabyte = vec![b'x'; 1024 * 1024];
        assert!((0..64).any(|_| stream.write_all(&megabyte).is_err()));
    })
    .await;
}

/// RFC 9112 §9.3: what follows an unread body would be taken for a request.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_an_unread_body_is_no_request() {
    with_server(|_, address| {
        for sent in [0, 1, 5] {
            let mut stream = connect(address);
            let length = sent + ASKS.len();
            let head = format!("POST /health/live HTTP/1.1\r\nHost: id.example\r\nContent-Length: {length}\r\n\r\n");
            stream
                .write_all(format!("{head}{}", "x".repeat(sent)).as_bytes())
                .unwrap();
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"HTTP/1.1 405");
            // The server may have closed the connection.
            let _ = stream.write_all(ASKS.as_bytes());
            let mut answers = Vec::new();
            let _ = stream.read_to_end(&mut answers);
            let answers = String::from_utf8(answers).unwrap();
            assert_eq!(count(&answers, "200"), 0, "{sent}: {answers}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_are_too_large_get_431_however_they_come() {
    with_server(|_, address| {
        let request = format!("GET / HTTP/1.1\r\nHost: id.example\r\nX-Pad: {}", "x".repeat(17_000));
        for piece in [1000, 5000, 17_500] {
            let mut stream = connect(address);
            for bytes in request.as_bytes().chunks(piece) {
                // The answer may come before the end.
                let _ = stream.write_all(bytes);
            }
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"HTTP/1.1 431", "in pieces of {piece}");
        }
    })
    .await;
}

/// The preface of HTTP/2 is known by its first bytes, however few come at once (RFC 9113 §3.4).
#[tokio::test(flavor = "multi_thread")]
async fn http_2_in_pieces_is_http_2() {
    with_server(|_, address| {
        let mut stream = connect(address);
        let settings = b"\0\0\0\x04\0\0\0\0\0";
        let bytes = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], settings].concat();
        for byte in &bytes {
            stream.write_all(&[*byte]).unwrap();
        }
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(head[3], 4, "a frame of settings");
    })
    .await;
}
