//! Decides when a connection is closed: no request comes, a request comes slowly, or the client does not take answers.
//!
//! hyper's own timeout for headers runs between requests too, so a proxy that keeps a connection for longer would send
//! requests into a connection that is being closed. This file separates the two waits (decision 63). Moments are
//! arguments, except in [`Pulse::cut`], which waits for them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// The waiting times of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// For the first request, for the headers of each request, and for the client to take an answer.
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

/// The number of requests that a client may cancel on one HTTP/2 connection, in addition to half of all. To open and reset a
/// stream costs the client nothing, and the server a request (CVE-2023-44487).
const TAKEN_BACK: u64 = 100;

/// Why a connection is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cut {
    /// No request came for a while. On HTTP/2 the client is told first.
    Idle,
    /// The client is slow, or cancels too many requests.
    AtOnce,
}

/// A connection between requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rest {
    /// When the last answer was completely sent.
    pub(super) since: Instant,
    /// Whether a part of the next request's headers has arrived.
    pub(super) begun: bool,
}

/// The events of one connection, and the waiting times.
#[derive(Debug)]
pub(super) struct Pulse {
    patience: Patience,
    state: Mutex<State>,
    /// Signals that the client cancelled too many requests, so the connection is closed at once.
    too_far: Notify,
}

#[derive(Debug)]
struct State {
    http2: bool,
    /// The number of requests so far.
    requests: u64,
    /// The number of requests that the client cancelled.
    taken_back: u64,
    /// The number of requests that are being answered.
    open: usize,
    /// When the connection became idle: no open request, and every answer sent.
    rest: Instant,
    /// When the first bytes of a request with incomplete headers arrived.
    headers: Option<Instant>,
    /// The bytes of HTTP/1 after the last complete headers.
    tail: Tail,
    /// The length of the body of the last HTTP/1 request. A body of unknown length ends the connection.
    body: Option<u64>,
    /// Whether that body was not read to its end.
    unread: bool,
    /// Whether hyper waits for the headers of a request.
    waits: bool,
    blocked: Option<Blocked>,
    /// The answers that are not completely sent, and when each was ready.
    unsent: Vec<(u64, Instant)>,
    answers: u64,
}

/// The state of a socket that accepts no more bytes.
#[derive(Clone, Copy, Debug)]
struct Blocked {
    since: Instant,
    /// How many of the bytes that waited then are still not sent.
    waiting: usize,
}

/// The bytes of HTTP/1 since the last empty line, which ends headers (RFC 9112 §2.1).
#[derive(Default, Debug)]
struct Tail {
    bytes: u64,
    /// The number of line breaks at the end. Line breaks between requests belong to no request (RFC 9112 §2.2).
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

    /// Notes that the connection speaks HTTP/2. Bytes between requests may then be a ping, and not the beginning of a request.
    pub(super) fn is_http2(&self) {
        let mut state = self.lock();
        state.http2 = true;
        // The bytes so far were the beginning of the preface.
        state.headers = None;
    }

    /// Notes HTTP/2 headers: whether a block was `ended`, and whether a block was `begun` and is not complete. Other requests
    /// may be open.
    pub(super) fn http2_headers(&self, ended: bool, begun: bool, now: Instant) {
        let mut state = self.lock();
        if ended {
            state.headers = None;
        }
        if begun {
            state.headers.get_or_insert(now);
        }
    }

    /// Notes bytes that arrived. Line breaks between requests do not belong to the next one (RFC 9112 §2.2).
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

    /// Notes that no bytes are available. hyper reads the headers of a request only after the previous one was read and answered.
    pub(super) fn silent(&self) {
        let mut state = self.lock();
        state.waits = state.open == 0 && !state.unread && state.unsent.is_empty() && !state.http2;
    }

    /// Notes that the body was read to its end.
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

    /// Notes that the socket accepts none of the bytes that wait to be sent.
    pub(super) fn blocked(&self, waiting: usize, now: Instant) {
        self.lock().blocked.get_or_insert(Blocked { since: now, waiting });
    }

    /// Notes that the socket accepted this number of bytes. A busy HTTP/2 connection always has more to send, so it is
    /// unblocked when the bytes that waited are sent.
    pub(super) fn took(&self, bytes: usize) {
        let mut state = self.lock();
        if let Some(blocked) = &mut state.blocked {
            blocked.waiting = blocked.waiting.saturating_sub(bytes);
            if blocked.waiting == 0 {
                state.blocked = None;
            }
        }
    }

    /// Notes that the socket accepted all bytes.
    pub(super) fn flushed(&self) {
        self.lock().blocked = None;
    }

    /// Notes that the headers of a request are complete, and the length of its body.
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

    /// Notes that a request has its answer, or will get none.
    pub(super) fn close(&self, now: Instant) {
        let mut state = self.lock();
        state.open = state.open.saturating_sub(1);
        state.rest = now;
        // The next request began while this one was open, and is read from now on.
        if !state.http2 && state.open == 0 && state.tail.exceeds(state.body) {
            state.headers.get_or_insert(now);
        }
    }

    /// Notes that the client cancelled this number of requests.
    pub(super) fn taken_back(&self, count: u64) {
        let mut state = self.lock();
        state.taken_back += count;
        if state.taken_back > TAKEN_BACK + state.requests / 2 {
            self.too_far.notify_one();
        }
    }

    /// Notes an answer that waits to be sent. Returns its number.
    pub(super) fn unsent(&self, now: Instant) -> u64 {
        let mut state = self.lock();
        state.answers += 1;
        let number = state.answers;
        state.unsent.push((number, now));
        number
    }

    /// Notes that an answer was sent, or is no longer wanted.
    pub(super) fn sent(&self, number: u64, now: Instant) {
        let mut state = self.lock();
        state.unsent.retain(|(other, _)| *other != number);
        state.rest = now;
    }

    /// Resolves when the connection must be closed.
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

    /// When the connection must be closed if nothing happens. A request that is being answered has its own timeouts.
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

    /// A poisoned lock is usable: a thread that panicked while it held the lock left nothing half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
