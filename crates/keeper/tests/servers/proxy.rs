//! A proxy that can lose one answer: the server has answered, and the client's connection breaks.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// A running proxy before one server.
pub(crate) struct Proxy {
    pub(crate) address: String,
    loses: Arc<AtomicBool>,
    holds: Arc<Hold>,
}

/// Keeps an answer back.
#[derive(Default)]
struct Hold {
    state: Mutex<Held>,
    changed: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Held {
    #[default]
    Nothing,
    TheNext,
    One,
}

impl Hold {
    fn set(&self, state: Held) {
        *self.state.lock().expect("no thread panicked") = state;
        self.changed.notify_all();
    }

    fn wait_for(&self, wanted: Held) {
        let state = self.state.lock().expect("no thread panicked");
        drop(self.changed.wait_while(state, |state| *state != wanted));
    }

    /// Called with an answer: if it is to be held, waits until it is let go.
    fn pass(&self) {
        let held = *self.state.lock().expect("no thread panicked") == Held::TheNext;
        if held {
            self.set(Held::One);
            self.wait_for(Held::Nothing);
        }
    }
}

impl Proxy {
    /// A proxy before the server at `url`, `http://HOST:PORT`.
    pub(crate) fn before(url: &str) -> Self {
        let upstream = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let loses = Arc::new(AtomicBool::new(false));
        let holds = Arc::new(Hold::default());
        let shared = (loses.clone(), holds.clone());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (upstream, (loses, holds)) = (upstream.clone(), shared.clone());
                thread::spawn(move || forward(client, &upstream, &loses, &holds));
            }
        });
        Self { address, loses, holds }
    }

    /// The next answer does not arrive.
    pub(crate) fn lose_the_next_answer(&self) {
        self.loses.store(true, Ordering::SeqCst);
    }

    /// The next answer waits here until it is let go.
    pub(crate) fn hold_the_next_answer(&self) {
        self.holds.set(Held::TheNext);
    }

    /// Returns when an answer waits.
    pub(crate) fn wait_until_it_is_held(&self) {
        self.holds.wait_for(Held::One);
    }

    pub(crate) fn let_it_go(&self) {
        self.holds.set(Held::Nothing);
    }

    /// Whether an answer was lost since.
    pub(crate) fn has_lost_it(&self) -> bool {
        !self.loses.load(Ordering::SeqCst)
    }
}

fn forward(mut client: TcpStream, upstream: &str, loses: &AtomicBool, holds: &Hold) {
    let Ok(mut server) = TcpStream::connect(upstream) else {
        return;
    };
    let (mut from_client, mut to_server) = (
        client.try_clone().expect("a socket"),
        server.try_clone().expect("a socket"),
    );
    thread::spawn(move || {
        drop(std::io::copy(&mut from_client, &mut to_server));
        drop(to_server.shutdown(Shutdown::Both));
    });
    let mut bytes = [0; 16 * 1024];
    while let Ok(length @ 1..) = server.read(&mut bytes) {
        holds.pass();
        if loses.swap(false, Ordering::SeqCst) || client.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    for end in [&client, &server] {
        drop(end.shutdown(Shutdown::Both));
    }
}
