//! Browser sessions of the sample app, in memory: the registrations that each browser connected, and the story so far.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as Lock, PoisonError};

use indexmap::IndexMap;
use subtle::ConstantTimeEq as _;
use tokio::sync::Mutex;

use super::keeper::TokenSet;
use super::steps::{Mood, ShownExchange, Step};
use super::tour::Tour;
use crate::random;

/// The most sessions. Beyond it, the oldest one is dropped.
const MOST_SESSIONS: usize = 500;
/// The most steps of a desk. Beyond it, the oldest one is dropped.
const MOST_STEPS: usize = 40;
/// The most open authorization requests of one browser.
const MOST_PENDING: usize = 8;

/// All sessions, by the value of their cookie.
#[derive(Default)]
pub(super) struct Sessions(Lock<IndexMap<String, Arc<Mutex<SampleSession>>>>);

/// The data of one browser. Only the holder of its lock uses its tokens, so there is one refresh at a time.
pub(super) struct SampleSession {
    /// Sent with every form. Another site does not know it.
    pub(super) csrf: String,
    pending: Vec<Pending>,
    desks: HashMap<String, Desk>,
}

/// An open authorization request (RFC 6749 §4.1.1).
#[derive(Clone)]
pub(super) struct Pending {
    pub(super) client_id: String,
    pub(super) state: String,
    pub(super) verifier: String,
}

/// The state of one registration in a session.
#[derive(Default)]
pub(super) struct Desk {
    pub(super) tokens: Option<TokenSet>,
    /// Whether access was given before and has ended.
    pub(super) ended: bool,
    pub(super) tour: Tour,
    pub(super) steps: Vec<Step>,
    counted: usize,
}

impl Sessions {
    /// The session with this cookie. If there is none, a new one and its cookie.
    pub(super) fn find_or_make(&self, cookie: Option<&str>) -> (Arc<Mutex<SampleSession>>, Option<String>) {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = cookie.and_then(|cookie| sessions.get(cookie)) {
            return (Arc::clone(session), None);
        }
        if sessions.len() >= MOST_SESSIONS {
            sessions.shift_remove_index(0);
        }
        let cookie = random::alphanumeric(43);
        let session = Arc::new(Mutex::new(SampleSession {
            csrf: random::alphanumeric(32),
            pending: Vec::new(),
            desks: HashMap::new(),
        }));
        sessions.insert(cookie.clone(), Arc::clone(&session));
        (session, Some(cookie))
    }
}

impl SampleSession {
    /// The desk of a registration.
    pub(super) fn desk(&mut self, client_id: &str) -> &mut Desk {
        self.desks.entry(client_id.to_owned()).or_default()
    }

    /// Begins an authorization request with a new state and a new verifier (RFC 7636 §4.1).
    pub(super) fn begin(&mut self, client_id: &str) -> Pending {
        if self.pending.len() >= MOST_PENDING {
            self.pending.remove(0);
        }
        let pending = Pending {
            client_id: client_id.to_owned(),
            state: random::alphanumeric(32),
            verifier: random::alphanumeric(64),
        };
        self.pending.push(pending.clone());
        pending
    }

    /// The latest open request of this registration, for a code that a person copied.
    pub(super) fn under_way(&self, client_id: &str) -> Option<&Pending> {
        self.pending.iter().rev().find(|pending| pending.client_id == client_id)
    }

    /// Removes and returns the request with this `state`: each answer counts once.
    pub(super) fn take(&mut self, state: &str) -> Option<Pending> {
        let same = |pending: &Pending| bool::from(pending.state.as_bytes().ct_eq(state.as_bytes()));
        let position = self.pending.iter().position(same)?;
        Some(self.pending.remove(position))
    }
}

impl Desk {
    /// Records a step.
    pub(super) fn tell(&mut self, at: String, mood: Mood, title: &str, text: &str, exchanges: Vec<ShownExchange>) {
        if self.steps.len() >= MOST_STEPS {
            self.steps.remove(0);
        }
        self.counted += 1;
        self.steps.push(Step {
            number: self.counted,
            at,
            mood,
            title: title.to_owned(),
            text: text.to_owned(),
            exchanges,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_accepted_once_for_the_request_with_its_state() {
        let sessions = Sessions::default();
        let (session, cookie) = sessions.find_or_make(None);
        let mut session = session.lock().await;
        let first = session.begin("a");
        let second = session.begin("b");
        assert!(session.take("made up").is_none());
        assert_eq!(session.take(&first.state).unwrap().client_id, "a");
        assert!(session.take(&first.state).is_none());
        assert_eq!(session.take(&second.state).unwrap().verifier, second.verifier);
        let (_, again) = sessions.find_or_make(cookie.as_deref());
        assert_eq!(again, None);
    }

    #[test]
    fn sessions_are_bounded() {
        let sessions = Sessions::default();
        let (_, first) = sessions.find_or_make(None);
        for _ in 0..MOST_SESSIONS {
            sessions.find_or_make(None);
        }
        let (_, made) = sessions.find_or_make(first.as_deref());
        assert!(made.is_some());
    }
}
