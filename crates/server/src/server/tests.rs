//! What needs a timeout that a test can wait for.

use super::*;
use crate::config::Source;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Who opens connections and says nothing, or half a word of any protocol, does not keep them. A unit test, for the real
/// timeout is too long to wait for.
#[tokio::test]
async fn a_connection_on_which_nothing_happens_is_closed() {
    let (folder, (_stop, stopped)) = (tempfile::tempdir().unwrap(), watch::channel(false));
    let (address, server) = bounded(folder.path(), stopped, 100, Duration::from_millis(100)).await;
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
    let (address, server) = bounded(folder.path(), stopped, 2, Duration::from_secs(20)).await;
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

async fn bounded(
    folder: &std::path::Path,
    stopped: watch::Receiver<bool>,
    connections: usize,
    slowest: Duration,
) -> (SocketAddr, JoinHandle<()>) {
    let source = Source {
        overrides: vec![("server.data".to_owned(), folder.display().to_string())],
        ..Source::default()
    };
    let config = Config::load(&source).unwrap().config;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let hallpass = Arc::new(prepare(config, Clock::System, address).await.unwrap());
    let bounds = Bounds { connections, slowest };
    (address, tokio::spawn(listen(listener, hallpass, stopped, bounds)))
}
