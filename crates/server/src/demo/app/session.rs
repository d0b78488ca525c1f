//! Browser sessions of the sample app, in memory: the registrations that each browser connected, and the story so far.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex as Lock, PoisonError};

use hallpass_client::Begun;
use indexmap::IndexMap;
use tokio::sync::Mutex;

use super::held::HeldTokens;
use super::keeping::{Keeping, KeepingError};
use super::steps::{Mood, ShownExchange, Step};
use super::tour::Tour;
use super::{Registration, SampleApp};
use crate::random;

/// The most sessions. Beyond it, the oldest one is dropped.
const MOST_SESSIONS: usize = 500;
/// The most steps of a desk. Beyond it, the oldest one is dropped.
const MOST_STEPS: usize = 40;

/// All sessions, by the value of their cookie.
#[derive(Default)]
pub(super) struct Sessions(Lock<IndexMap<String, Arc<Mutex<SampleSession>>>>);

/// The data of one browser. Only the holder of its lock uses its tokens, so there is one refresh at a time.
pub(super) struct SampleSession {
    /// Sent with every form. Another site does not know it.
    pub(super) csrf: String,
    desks: HashMap<String, Desk>,
}

/// The state of one registration in a session.
pub(super) struct Desk {
    pub(super) keeping: Keeping,
    /// The open authorization request whose code the person copies by hand.
    pub(super) by_hand: Option<Begun>,
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
            desks: HashMap::new(),
        }));
        sessions.insert(cookie.clone(), Arc::clone(&session));
        (session, Some(cookie))
    }
}

impl SampleSession {
    /// The desk of a registration.
    pub(super) fn desk(&mut self, app: &SampleApp, registration: &Registration) -> Result<&mut Desk, KeepingError> {
        match self.desks.entry(registration.credentials.id.clone()) {
            Entry::Occupied(desk) => Ok(desk.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(Desk::new(Keeping::new(app, registration)?))),
        }
    }
}

impl Desk {
    fn new(keeping: Keeping) -> Self {
        Self {
            keeping,
            by_hand: None,
            ended: false,
            tour: Tour::default(),
            steps: Vec::new(),
            counted: 0,
        }
    }

    /// The tokens that the page shows. `None` if the app has no access.
    pub(super) fn held(&self) -> Option<HeldTokens> {
        self.keeping.network.held()
    }

    /// The URL at which the person gets a code to copy. One request stays open until its code is brought.
    pub(super) fn code_address(&mut self) -> String {
        if self.by_hand.is_none() {
            self.by_hand = self.keeping.client.begin("", &[]).ok();
        }
        self.by_hand.as_ref().map(|begun| begun.url.clone()).unwrap_or_default()
    }

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
