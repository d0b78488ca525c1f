//! A proxy before a token endpoint that loses answers: the server has answered, and the client never hears of it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A proxy, which runs until the test ends.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    lose: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Proxy {
    /// Listens, and passes requests on to `host:port`.
    pub(crate) fn before(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (lose, requests) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let target = target.replace("localhost", "127.0.0.1");
        let (losing, counted) = (lose.clone(), requests.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                let lost = losing
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                    .is_ok();
                // One after another: the tests send one request at a time.
                drop(relay(client, &target, lost));
            }
        });
        Self {
            address,
            lose,
            requests,
        }
    }

    /// The next answers are lost.
    pub(crate) fn lose(&self, answers: usize) {
        self.lose.store(answers, Ordering::SeqCst);
    }

    /// The number of requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// One request and its answer; then both connections end.
fn relay(mut client: TcpStream, target: &str, lost: bool) -> std::io::Result<()> {
    let request = read_message(&mut client)?;
    let mut server = TcpStream::connect(target)?;
    server.write_all(&request)?;
    let answer = read_message(&mut server)?;
    if !lost {
        client.write_all(&answer)?;
    }
    Ok(())
}

/// Reads an HTTP message whose length is in its head. Asks for the end of the connection.
fn read_message(from: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let (mut message, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let read = from.read(&mut piece)?;
        message.extend_from_slice(piece.get(..read).unwrap_or_default());
        let text = String::from_utf8_lossy(&message).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if read == 0 {
                return Ok(message);
            }
            continue;
        };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        let chunked_end = head.contains("chunked") && body.ends_with("0\r\n\r\n");
        if read == 0 || chunked_end || (!head.contains("chunked") && body.len() >= length) {
            let text = String::from_utf8_lossy(&message);
            let closing = text.replacen("\r\n", "\r\nconnection: close\r\n", 1);
            return Ok(closing.into_bytes());
        }
    }
}
