//! The revocation feed of Hallpass (docs/guide/resource-feed.md): what ended, and whether an answer may be kept.

mod events;
mod follow;
#[cfg(test)]
mod model;
mod position;

use crate::clock::Moment;
use crate::kept::Kept;
use crate::refused::Unavailable;
use crate::upstream::Upstream;
use events::Events;
use http::HeaderMap;
use position::Position;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

pub(crate) use follow::{Source, follow};

/// The most tags of one answer. Hallpass sends eight.
const MOST_TAGS: usize = 64;

/// What introspection adds to an answer for the feed.
#[derive(Clone, Debug)]
pub(crate) struct Dated {
    pub(crate) tags: Vec<u64>,
    position: Position,
}

impl Dated {
    /// Reads `Hallpass-Tags` and `Hallpass-Position`. `None` if one is missing or cannot be read: then the answer is not kept.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let text = |name| {
            headers
                .get(name)
                .and_then(|value: &http::HeaderValue| value.to_str().ok())
        };
        let tags: Vec<&str> = text("hallpass-tags")?.split(',').map(str::trim).collect();
        if tags.len() > MOST_TAGS || tags.iter().any(|tag| tag.is_empty()) {
            return None;
        }
        Some(Self {
            tags: tags.into_iter().map(tag).collect(),
            position: Position::parse(text("hallpass-position")?)?,
        })
    }
}

/// The number that stands for a tag.
fn tag(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// What this process knows of the feed.
#[derive(Default)]
pub(crate) struct Feed {
    events: Mutex<Events>,
    /// Why the last request failed.
    problem: Mutex<Option<String>>,
    changed: Notify,
}

impl Feed {
    /// Whether kept answers may be used now.
    pub(crate) fn is_alive(&self, now: Moment) -> bool {
        self.events().is_alive(now)
    }

    /// Waits until the feed has answered, for as long as a request may take. A request that fails ends the wait.
    pub(crate) async fn wait_until_alive(&self, upstream: &Upstream) -> Result<(), Unavailable> {
        let alive = async {
            loop {
                let changed = self.changed.notified();
                if self.is_alive(upstream.moment()) {
                    return Ok(());
                }
                if let Some(problem) = self.problem().clone() {
                    return Err(Unavailable::new(format!("the revocation feed: {problem}")));
                }
                changed.await;
            }
        };
        let waited = tokio::time::timeout(upstream.timeout, alive).await;
        waited.unwrap_or_else(|_| Err(Unavailable::new("the revocation feed did not answer in time")))
    }

    /// Notes that the last request failed, and why.
    fn fail(&self, problem: &str) {
        *self.problem() = Some(problem.to_owned());
        self.changed.notify_waiters();
    }

    /// Whether an answer may be kept whose request was sent at `sent`.
    pub(crate) fn allows(&self, dated: &Dated, sent: Moment, now: Moment) -> bool {
        let events = self.events();
        events.is_alive(now) && events.allows(&dated.tags, &dated.position, sent, now)
    }

    /// Takes in an answer of the feed, and drops what it ends. `kept` is locked first, as everywhere, so that no answer slips
    /// in between an event and its remembrance.
    fn take(&self, news: events::News, sent: Moment, now: Moment, kept: &Mutex<Kept>) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        self.events().take(news, sent, now, &mut kept);
        *self.problem() = None;
        self.changed.notify_waiters();
    }

    /// Forgets everything: the feed cannot say what happened.
    fn lose(&self, kept: &Mutex<Kept>) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clear();
        *self.events() = Events::default();
    }

    fn events(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn problem(&self) -> MutexGuard<'_, Option<String>> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
