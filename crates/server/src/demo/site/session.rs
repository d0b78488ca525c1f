//! The sessions of the sample site, in memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;

use crate::random;

/// The most sessions. Beyond it, the oldest one is dropped.
const MOST_SESSIONS: usize = 500;

/// All sessions, by the value of their cookie.
#[derive(Default)]
pub(super) struct Sessions(Mutex<IndexMap<String, SiteSession>>);

/// One browser.
#[derive(Clone)]
pub(super) struct SiteSession {
    /// Sent with every form. Another site does not know it.
    pub(super) csrf: String,
    /// The position of the person who is signed in.
    pub(super) person: Option<usize>,
    /// When the person signed in, in Unix seconds.
    pub(super) signed_in_at: i64,
}

impl Sessions {
    /// Begins a session. Returns its cookie.
    pub(super) fn begin(&self, person: Option<usize>, signed_in_at: i64) -> String {
        let mut sessions = self.locked();
        if sessions.len() >= MOST_SESSIONS {
            sessions.shift_remove_index(0);
        }
        let cookie = random::alphanumeric(43);
        let session = SiteSession {
            csrf: random::alphanumeric(32),
            person,
            signed_in_at,
        };
        sessions.insert(cookie.clone(), session);
        cookie
    }

    pub(super) fn find(&self, cookie: &str) -> Option<SiteSession> {
        self.locked().get(cookie).cloned()
    }

    pub(super) fn end(&self, cookie: Option<&str>) {
        if let Some(cookie) = cookie {
            self.locked().shift_remove(cookie);
        }
    }

    /// Each change of the map is complete, so it is valid even if another holder panicked.
    fn locked(&self) -> MutexGuard<'_, IndexMap<String, SiteSession>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
