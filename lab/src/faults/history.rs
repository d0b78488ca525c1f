//! What was asked of a server and what was heard, across its lives.
//!
//! Tokens and codes are numbered as they appear, so that a history is short and a test can write one down. A request that
//! got no answer, or 503, may have been carried out or not. Where there is one server, which died, it can no longer happen when
//! it is recorded as such; where a node was suspended or its database held up, only when all is calm.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A code, a token, or a consent form, by its number.
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
    /// RFC 7662, of an access token.
    Introspect { token: Id },
    /// A page is asked for with the cookie of somebody who signed in.
    Session,
    /// Every active grant, by the operator.
    List,
    /// Nobody's question: what was asked before this and got no answer has happened by now and is known to every node, or
    /// never will be.
    Calm,
}

/// What came back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    /// No answer: the server died.
    Nothing,
    /// 503: not now.
    Later,
    Code(Id),
    Tokens {
        access: Id,
        refresh: Id,
    },
    /// `invalid_grant`.
    Refused,
    /// A revocation or an end is acknowledged.
    Done,
    /// Whether a token, or a session, counts.
    Active(bool),
    /// The active grants, by the codes that they began with.
    Listed(Vec<Id>),
    /// Nothing that may be answered.
    Unexpected(String),
}

/// One request and its answer. Ticks order all of them: `a.received < b.sent` says that a was over when b began.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Of which node.
    pub(crate) node: usize,
    pub(crate) asked: Asked,
    pub(crate) heard: Heard,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// The same in time, since the beginning.
    pub(crate) sent_at: Duration,
    pub(crate) received_at: Duration,
}

/// A history that is being written, by many at once.
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

/// A request on its way.
pub(crate) struct Open {
    node: usize,
    asked: Asked,
    sent: u64,
    sent_at: Duration,
}

impl Record {
    /// An empty one.
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

    /// What has this number.
    pub(crate) fn text(&self, number: Id) -> String {
        self.pages().texts.get(number as usize).cloned().unwrap_or_default()
    }

    /// Everything that has a number, in order.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.pages().texts.clone()
    }

    /// A moment between what was and what will be.
    pub(crate) fn tick(&self) -> u64 {
        let mut pages = self.pages();
        pages.tick += 1;
        pages.tick
    }

    /// Notes that this is about to be sent to a node.
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

    /// Notes what came of it.
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

    /// The history so far, in the order in which answers came.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.pages().events.clone()
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
