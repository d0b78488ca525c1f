//! What needs a timeout that a test can wait for.

mod earlier;
mod gets;
mod sockets;

use super::*;
use crate::config::Source;
use crate::serve::in_flight::HeldKind;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Who opens connections and says nothing, or half a word of any protocol, does not keep them. A unit test, for the real
/// timeout is too long to wait for.
#[tokio::test]
async fn a_connection_on_which_nothing_happens_is_closed() {
    let (folder, (_stop, stopped)) = (tempfile::tempdir().unwrap(), watch::channel(false));
    let (address, server) = bounded(&prepared(folder.path()).await, stopped, 100, Duration::from_millis(100)).await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let request = b"GET /health/live HTTP/1.1\r\nHost: id.example\r\n\r\n";
    for sent in [&b""[..], b"PRI * HT", b"GET / HTTP/1.1\r\nHo", preface, request] {
        let read = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            stream.write_all(sent).unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).map(|_| answer)
        });
        let answer = read.await.unwrap().expect("the server closes the connection");
        assert_eq!(answer.starts_with(b"HTTP/1.1 200"), sent == request);
    }
    server.abort();
}

/// One more than there are places for waits, unanswered, until a place is free.
#[tokio::test]
async fn connections_are_bounded() {
    let (folder, (_stop, stopped)) = (tempfile::tempdir().unwrap(), watch::channel(false));
    let (address, server) = bounded(&prepared(folder.path()).await, stopped, 2, Duration::from_secs(20)).await;
    let asked = tokio::task::spawn_blocking(move || {
        let connect = || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
            stream
                .write_all(b"GET /health/live HTTP/1.1\r\nHost: id.example\r\n\r\n")
                .unwrap();
            stream
        };
        let answered = |stream: &mut TcpStream| stream.read(&mut [0; 1000]).is_ok();
        let (mut first, mut second, mut third) = (connect(), connect(), connect());
        first.set_read_timeout(None).unwrap();
        second.set_read_timeout(None).unwrap();
        assert!(answered(&mut first) && answered(&mut second));
        assert!(!answered(&mut third), "there is no third place");
        drop(first);
        third.set_read_timeout(None).unwrap();
        assert!(answered(&mut third));
    });
    asked.await.unwrap();
    server.abort();
}

/// RFC 9113 §6.9: a client that asks on HTTP/2 and gives the answers no window.
#[tokio::test]
async fn answers_that_nobody_takes_are_counted_and_let_go() {
    // The first client leaves; the second is cut.
    for (slowest, leaves) in [(Duration::from_secs(600), true), (Duration::from_millis(100), false)] {
        let (folder, (_stop, stopped)) = (tempfile::tempdir().unwrap(), watch::channel(false));
        let hallpass = prepared(folder.path()).await;
        let (address, server) = bounded(&hallpass, stopped, 100, slowest).await;
        let in_flight = hallpass.in_flight.clone();
        let read = tokio::task::spawn_blocking(move || {
            let mut stream = asked_without_window(address);
            if leaves {
                while !is_headers(&mut stream) {}
                let held = in_flight.held(HeldKind::Bytes);
                assert!(held > 1024, "{held}");
                return Ok(0);
            }
            stream.read_to_end(&mut Vec::new())
        });
        read.await.unwrap().expect("the server closes the connection");
        while hallpass.in_flight.held(HeldKind::Connections) > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(hallpass.in_flight.held(HeldKind::Bytes), 0);
        server.abort();
    }
}

/// A connection of HTTP/2 on which a page was asked for.
fn asked_without_window(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // SETTINGS_INITIAL_WINDOW_SIZE 0; GET, http, :authority, :path.
    let settings = b"\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0";
    let request = b"\0\0\x0d\x01\x05\0\0\0\x01\x82\x86\x41\x01x\x44\x06/login";
    let bytes = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], settings, request].concat();
    stream.write_all(&bytes).unwrap();
    stream
}

/// Reads a frame of HTTP/2: whether it has the headers of an answer.
fn is_headers(stream: &mut TcpStream) -> bool {
    let mut head = [0; 9];
    stream.read_exact(&mut head).unwrap();
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    stream.read_exact(&mut vec![0; length]).unwrap();
    head[3] == 1
}

async fn prepared(folder: &std::path::Path) -> Arc<Hallpass> {
    let source = Source {
        overrides: vec![
            ("server.data".to_owned(), folder.display().to_string()),
            // Then pages are answered under any host.
            ("server.public_url".to_owned(), "http://id.example".to_owned()),
        ],
        ..Source::default()
    };
    let config = Config::load(&source).unwrap().config;
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    Arc::new(prepare(config, Clock::System, address).await.unwrap())
}

async fn bounded(
    hallpass: &Arc<Hallpass>,
    stopped: watch::Receiver<bool>,
    connections: usize,
    slowest: Duration,
) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let patience = Patience { slowest, idle: slowest };
    let bounds = ListenBounds {
        connections,
        // None: each connection is a socket alone between requests.
        lingering: 0,
        patience,
    };
    (
        address,
        tokio::spawn(listen(listener, hallpass.clone(), stopped, bounds)),
    )
}
