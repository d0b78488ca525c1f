//! When a connection is closed: no request comes, one comes slowly, or answers are not taken.
//!
//! hyper's own timeout for headers runs between requests too, so a proxy that keeps a connection for longer sends requests
//! into one that is being closed. Here the two are told apart (DESIGN §11, decision 63). Moments are arguments, except in
//! [`Pulse::cut`], which waits for them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// How long a connection is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// For the first request, for the headers of each, and until an answer is taken.
    pub slowest: Duration,
    /// For the next request, after an answer: longer than the 60 s for which proxies keep connections.
    pub idle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            slowest: crate::http::body::SLOWEST,
            idle: Duration::from_secs(75),
        }
    }
}

/// How many requests a client may take back on one HTTP/2 connection, beyond half of all. To open streams and reset them costs a
/// client nothing, and the server each time a request (CVE-2023-44487).
const TAKEN_BACK: u64 = 100;

/// Why a connection is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cut {
    /// Nothing was asked for a while. On HTTP/2 the client is told first.
    Idle,
    /// The client is slow, or takes back what it asks.
    AtOnce,
}

/// A connection between requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rest {
    /// Since when every answer was sent.
    pub(super) since: Instant,
    /// A part of the next request's headers has come.
    pub(super) begun: bool,
}

/// What happens on one connection.
#[derive(Debug)]
pub(super) struct Pulse {
    patience: Patience,
    state: Mutex<State>,
    /// The client went too far: there is no moment to wait for.
    too_far: Notify,
}

#[derive(Debug)]
struct State {
    http2: bool,
    /// How many requests came.
    requests: u64,
    /// How many of them the client took back.
    taken_back: u64,
    /// Requests that are being answered.
    open: usize,
    /// Since when there is none, and every answer was sent.
    rest: Instant,
    /// When the first bytes of a request came that has not all of its headers.
    headers: Option<Instant>,
    /// How HTTP/1 went on after the last headers that were complete.
    tail: Tail,
    /// How long the body of the last HTTP/1 request is. Unknown lengths end the connection.
    body: Option<u64>,
    /// It was not read to its end.
    unread: bool,
    /// hyper waits for bytes, and for those of a request's headers only.
    waits: bool,
    blocked: Option<Blocked>,
    /// Answers that were not sent to their end, and when each was ready.
    unsent: Vec<(u64, Instant)>,
    answers: u64,
}

/// The socket takes no more.
#[derive(Clone, Copy, Debug)]
struct Blocked {
    since: Instant,
    /// How many of the bytes that were to be sent then are still to be sent.
    waiting: usize,
}

/// The bytes of HTTP/1 since the last empty line, which ends headers (RFC 9112 §2.1).
#[derive(Default, Debug)]
struct Tail {
    bytes: u64,
    /// How many of them are line breaks at the end: those between requests belong to none (RFC 9112 §2.2).
    breaks: u64,
    line_is_empty: bool,
}

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.bytes += 1;
            match byte {
                b'\n' if self.line_is_empty => (self.bytes, self.breaks) = (0, 0),
                b'\n' | b'\r' => self.breaks += 1,
                _ => self.breaks = 0,
            }
            self.line_is_empty = *byte == b'\n' || (*byte == b'\r' && self.line_is_empty);
        }
    }

    /// Whether there is more than the body of the last request: the next one has begun.
    fn exceeds(&self, body: Option<u64>) -> bool {
        body.is_some_and(|body| self.bytes - self.breaks > body)
    }
}

impl Pulse {
    pub(super) fn begin(patience: Patience, now: Instant) -> Self {
        let state = State {
            http2: false,
            requests: 0,
            taken_back: 0,
            open: 0,
            rest: now,
            headers: None,
            tail: Tail::default(),
            body: None,
            unread: false,
            waits: false,
            blocked: None,
            unsent: Vec::new(),
            answers: 0,
        };
        Self {
            patience,
            state: Mutex::new(state),
            too_far: Notify::new(),
        }
    }

    /// It speaks HTTP/2: what comes between requests may be a ping, and not the begin of one.
    pub(super) fn is_http2(&self) {
        let mut state = self.lock();
        state.http2 = true;
        // Those were the first bytes of its preface.
        state.headers = None;
    }

    /// HTTP/2 headers came: whether a block of them was `ended`, and whether one `begun` is not complete. Others may be open.
    pub(super) fn http2_headers(&self, ended: bool, begun: bool, now: Instant) {
        let mut state = self.lock();
        if ended {
            state.headers = None;
        }
        if begun {
            state.headers.get_or_insert(now);
        }
    }

    /// Bytes came. Line breaks between requests are none of the next one (RFC 9112 §2.2).
    pub(super) fn heard(&self, bytes: &[u8], now: Instant) {
        let mut state = self.lock();
        if state.http2 {
            return;
        }
        state.waits = false;
        state.tail.push(bytes);
        if state.open == 0 && state.headers.is_none() {
            let begun = bytes.iter().any(|byte| !matches!(byte, b'\r' | b'\n'));
            state.headers = begun.then_some(now);
        }
    }

    /// No bytes are there. hyper reads a request's headers only where the one before was read to its end and answered.
    pub(super) fn silent(&self) {
        let mut state = self.lock();
        state.waits = state.open == 0 && !state.unread && state.unsent.is_empty() && !state.http2;
    }

    /// The body was read to its end.
    pub(super) fn heard_out(&self) {
        self.lock().unread = false;
    }

    /// Whether the connection is between requests, on HTTP/1, and everything was sent.
    pub(super) fn rest(&self) -> Option<Rest> {
        let state = self.lock();
        (state.waits && state.blocked.is_none()).then(|| Rest {
            since: state.rest,
            begun: state.headers.is_some(),
        })
    }

    /// The socket takes none of so many bytes that are to be sent.
    pub(super) fn blocked(&self, waiting: usize, now: Instant) {
        self.lock().blocked.get_or_insert(Blocked { since: now, waiting });
    }

    /// The socket took so many bytes. A busy HTTP/2 connection may have more to send at any time: it is not blocked any more
    /// once those that waited are sent.
    pub(super) fn took(&self, bytes: usize) {
        let mut state = self.lock();
        if let Some(blocked) = &mut state.blocked {
            blocked.waiting = blocked.waiting.saturating_sub(bytes);
            if blocked.waiting == 0 {
                state.blocked = None;
            }
        }
    }

    /// The socket took everything.
    pub(super) fn flushed(&self) {
        self.lock().blocked = None;
    }

    /// The headers of a request are complete, and its body has this length.
    pub(super) fn open(&self, body: Option<u64>) {
        let mut state = self.lock();
        state.requests += 1;
        state.open += 1;
        state.body = body;
        state.unread = body != Some(0);
        state.waits = false;
        if !state.http2 {
            state.headers = None;
        }
    }

    /// A request has its answer, or is answered no more.
    pub(super) fn close(&self, now: Instant) {
        let mut state = self.lock();
        state.open = state.open.saturating_sub(1);
        state.rest = now;
        // The next one began while this one was open, and is read from now on.
        if !state.http2 && state.open == 0 && state.tail.exceeds(state.body) {
            state.headers.get_or_insert(now);
        }
    }

    /// So many requests were taken back.
    pub(super) fn taken_back(&self, count: u64) {
        let mut state = self.lock();
        state.taken_back += count;
        if state.taken_back > TAKEN_BACK + state.requests / 2 {
            self.too_far.notify_one();
        }
    }

    /// An answer waits to be sent: its number.
    pub(super) fn unsent(&self, now: Instant) -> u64 {
        let mut state = self.lock();
        state.answers += 1;
        let number = state.answers;
        state.unsent.push((number, now));
        number
    }

    /// An answer was sent, or is no longer wanted.
    pub(super) fn sent(&self, number: u64, now: Instant) {
        let mut state = self.lock();
        state.unsent.retain(|(other, _)| *other != number);
        state.rest = now;
    }

    /// Waits until the connection is to be closed.
    pub(super) async fn cut(&self) -> Cut {
        loop {
            let (now, due) = (Instant::now(), self.due());
            let mut soonest = now + self.patience.slowest;
            match due {
                Some((at, cut)) if at <= now => return cut,
                // The moment may become an earlier one, but never earlier than `soonest`.
                Some((at, _)) => soonest = soonest.min(at),
                None => {}
            }
            tokio::select! {
                () = sleep_until(soonest) => {}
                () = self.too_far.notified() => return Cut::AtOnce,
            }
        }
    }

    /// When the connection is to be closed if nothing happens. A request that is being answered has timeouts of its own.
    fn due(&self) -> Option<(Instant, Cut)> {
        let state = self.lock();
        let slowest = self.patience.slowest;
        let waits = [
            state.blocked.map(|blocked| blocked.since),
            state.headers,
            state.unsent.iter().map(|(_, ready)| *ready).min(),
        ];
        let slow = waits.into_iter().flatten().min().map(|since| since + slowest);
        let idle = match state.open {
            0 if state.requests > 0 => Some((state.rest + self.patience.idle, Cut::Idle)),
            0 => Some((state.rest + slowest, Cut::AtOnce)),
            _ => None,
        };
        let slow = slow.map(|at| (at, Cut::AtOnce));
        [slow, idle].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// A thread that panicked while it held the lock left nothing half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
