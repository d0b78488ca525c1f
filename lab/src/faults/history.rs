//! The requests and answers of a run, across restarts of the server.
//!
//! Tokens and codes get numbers in the order of their appearance, so that a history is short and a test can be written from
//! one. A request without an answer, or with 503, may have been carried out or not. If a single server died, the request
//! cannot be carried out later. If a node was suspended or its database delayed, it may be, until all is settled.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The number of a code, a token or a consent form.
pub(crate) type Id = u32;

/// A request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    /// A consent form is sent with "allow".
    Consent { form: Id },
    /// RFC 6749 §4.1.3.
    Redeem { code: Id },
    /// RFC 6749 §6.
    Refresh { token: Id },
    /// RFC 7009, of a refresh token.
    RevokeRefresh { token: Id },
    /// RFC 7009, of an access token.
    RevokeAccess { token: Id },
    /// A person ends these grants, named by their codes.
    End { codes: Vec<Id> },
    /// RFC 7662, for an access token.
    Introspect { token: Id },
    /// A page is requested with the cookie of a signed-in person.
    Session,
    /// The operator lists every active grant.
    List,
    /// Not a request: all requests before this without an answer have been carried out and are known to every node, or
    /// never will be.
    Calm,
}

/// An answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    /// No answer: the server died.
    Nothing,
    /// 503: try again later.
    Later,
    Code(Id),
    Tokens {
        access: Id,
        refresh: Id,
    },
    /// The refusal `invalid_grant`.
    Refused,
    /// A revocation or an end was acknowledged.
    Done,
    /// Whether a token or a session is active.
    Active(bool),
    /// The active grants, by their codes.
    Listed(Vec<Id>),
    /// An answer that is never allowed.
    Unexpected(String),
}

/// A request and its answer. Ticks order them: if `a.received < b.sent`, a was answered before b was sent.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// The node that got the request.
    pub(crate) node: usize,
    pub(crate) asked: Asked,
    pub(crate) heard: Heard,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// The time since the begin of the run.
    pub(crate) sent_at: Duration,
    pub(crate) received_at: Duration,
}

/// A history that several clients write.
pub(crate) struct Record {
    begun: Instant,
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    tick: u64,
    events: Vec<Event>,
    numbers: HashMap<String, Id>,
    texts: Vec<String>,
}

/// A request without an answer yet.
pub(crate) struct Open {
    node: usize,
    asked: Asked,
    sent: u64,
    sent_at: Duration,
}

impl Record {
    /// An empty history.
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            pages: Mutex::default(),
        }
    }

    /// The number of a code, a token or a form.
    pub(crate) fn number(&self, text: &str) -> Id {
        let mut pages = self.pages();
        if let Some(number) = pages.numbers.get(text) {
            return *number;
        }
        let number = Id::try_from(pages.texts.len()).unwrap_or(Id::MAX);
        pages.numbers.insert(text.to_owned(), number);
        pages.texts.push(text.to_owned());
        number
    }

    /// The text with this number.
    pub(crate) fn text(&self, number: Id) -> String {
        self.pages().texts.get(number as usize).cloned().unwrap_or_default()
    }

    /// All numbered texts, in order.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.pages().texts.clone()
    }

    /// A new tick, between the events before and after it.
    pub(crate) fn tick(&self) -> u64 {
        let mut pages = self.pages();
        pages.tick += 1;
        pages.tick
    }

    /// Notes that a request is about to be sent to a node.
    pub(crate) fn ask(&self, node: usize, asked: Asked) -> Open {
        let sent = self.tick();
        let sent_at = self.begun.elapsed();
        Open {
            node,
            asked,
            sent,
            sent_at,
        }
    }

    /// Notes the answer.
    pub(crate) fn hear(&self, open: Open, heard: Heard) {
        let received_at = self.begun.elapsed();
        let mut pages = self.pages();
        pages.tick += 1;
        let event = Event {
            node: open.node,
            asked: open.asked,
            heard,
            sent: open.sent,
            received: pages.tick,
            sent_at: open.sent_at,
            received_at,
        };
        pages.events.push(event);
    }

    /// The history so far, in the order of the answers.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.pages().events.clone()
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
