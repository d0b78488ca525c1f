//! A document of the authorization server, such as its keys: fetched when it is needed, once for all callers, at a bounded rate,
//! also after failures.
//!
//! The request runs in a task of its own, so it goes on if the caller who began it goes away.

use crate::clock::{Clock, Moment};
use crate::refused::Unavailable;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio::task::JoinHandle;

/// How long a document is used, and how often it is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ages {
    /// After this time the document is fetched again; the old one is used if that fails.
    pub(crate) fresh: Duration,
    /// After this time the old one is not used any more.
    pub(crate) usable: Duration,
    /// The least time between two requests.
    pub(crate) pause: Duration,
}

/// A document, and what the last request for it gave. A clone shares both.
pub(crate) struct Document<T> {
    name: &'static str,
    ages: Ages,
    current: Arc<RwLock<Option<Held<T>>>>,
    /// Locked while somebody fetches.
    last: Arc<AsyncMutex<Option<Attempt>>>,
}

impl<T> Clone for Document<T> {
    fn clone(&self) -> Self {
        Self {
            current: self.current.clone(),
            last: self.last.clone(),
            ..*self
        }
    }
}

struct Held<T> {
    value: Arc<T>,
    fetched: Moment,
}

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
            fetched: self.fetched,
        }
    }
}

struct Attempt {
    /// When it ended.
    at: Moment,
    failure: Option<Unavailable>,
}

/// A failure before this says nothing of the server any more.
const LATELY: Duration = Duration::from_secs(60);

impl Attempt {
    fn failed_lately(&self, clock: &Arc<dyn Clock>) -> bool {
        self.failure.is_some() && clock.steady().saturating_sub(self.at.steady) < LATELY
    }
}

impl<T: Send + Sync + 'static> Document<T> {
    pub(crate) fn new(name: &'static str, ages: Ages) -> Self {
        Self {
            name,
            ages,
            current: Arc::default(),
            last: Arc::default(),
        }
    }

    /// The document, fetched if there is none or it is old.
    pub(crate) async fn get<F>(&self, clock: &Arc<dyn Clock>, fetch: impl FnOnce() -> F) -> Result<Arc<T>, Unavailable>
    where
        F: Future<Output = Result<T, Unavailable>> + Send + 'static,
    {
        let age = |held: &Held<T>| Moment::read(clock.as_ref()).age_of(held.fetched);
        let held = self.held();
        if let Some(held) = held.as_ref().filter(|held| age(held) < self.ages.fresh) {
            return Ok(held.value.clone());
        }
        let usable = held.filter(|held| age(held) < self.ages.usable);
        let last = match (self.last.clone().try_lock_owned(), &usable) {
            (Ok(last), _) => last,
            // Somebody fetches it already. A caller with an old one need not wait.
            (Err(_), Some(held)) => return Ok(held.value.clone()),
            (Err(_), None) => self.last.clone().lock_owned().await,
        };
        // The one before may have fetched it while this one waited.
        if let Some(held) = self.held().filter(|held| age(held) < self.ages.fresh) {
            return Ok(held.value);
        }
        let is_failing = last.as_ref().is_some_and(|last| last.failed_lately(clock));
        let request = self.begin(last, clock, fetch);
        match usable {
            // The request goes on by itself: a server that hangs must not make caller after caller wait.
            Some(old) if is_failing => Ok(old.value),
            Some(old) => Ok(ended(request).await.unwrap_or(old.value)),
            None => ended(request).await,
        }
    }

    /// A document newer than `known`, for a caller who misses something in that one. `None` if the server has been asked
    /// just now.
    pub(crate) async fn newer<F>(
        &self,
        known: &Arc<T>,
        clock: &Arc<dyn Clock>,
        fetch: impl FnOnce() -> F,
    ) -> Result<Option<Arc<T>>, Unavailable>
    where
        F: Future<Output = Result<T, Unavailable>> + Send + 'static,
    {
        let last = self.last.clone().lock_owned().await;
        if let Some(held) = self.held().filter(|held| !Arc::ptr_eq(&held.value, known)) {
            return Ok(Some(held.value));
        }
        let recent = last.as_ref().filter(|last| self.is_recent(last, clock));
        if recent.is_some_and(|last| last.failure.is_none()) {
            return Ok(None);
        }
        ended(self.begin(last, clock, fetch)).await.map(Some)
    }

    fn is_recent(&self, last: &Attempt, clock: &Arc<dyn Clock>) -> bool {
        // By the steady clock alone: a time of day that is set back must not stop the requests.
        clock.steady().saturating_sub(last.at.steady) < self.ages.pause
    }

    /// Begins a request. If the last one failed just now, its failure counts for this one too.
    fn begin<F>(
        &self,
        last: OwnedMutexGuard<Option<Attempt>>,
        clock: &Arc<dyn Clock>,
        fetch: impl FnOnce() -> F,
    ) -> Result<JoinHandle<Result<Arc<T>, Unavailable>>, Unavailable>
    where
        F: Future<Output = Result<T, Unavailable>> + Send + 'static,
    {
        if let Some(recent) = last.as_ref().filter(|last| self.is_recent(last, clock)) {
            if let Some(failure) = &recent.failure {
                return Err(failure.clone());
            }
        }
        Ok(tokio::spawn(self.clone().fetched(last, clock.clone(), fetch())))
    }

    /// Keeps the document that the request gives. A caller that waits for the lock finds it afterwards.
    async fn fetched<F>(
        self,
        mut last: OwnedMutexGuard<Option<Attempt>>,
        clock: Arc<dyn Clock>,
        request: F,
    ) -> Result<Arc<T>, Unavailable>
    where
        F: Future<Output = Result<T, Unavailable>> + Send + 'static,
    {
        let begun = Moment::read(clock.as_ref());
        let failed_before = last.as_ref().is_some_and(|last| last.failure.is_some());
        // If the request is cut off, because it panics or its runtime ends, the attempt counts.
        *last = Some(Attempt {
            at: begun,
            failure: Some(given_up()),
        });
        let outcome = request.await;
        let failure = outcome.as_ref().err().cloned();
        self.log(failure.as_ref(), failed_before);
        // By its end: a request that ended by its timeout may have begun longer ago than the pause, and everyone who waited for it
        // takes its failure.
        *last = Some(Attempt {
            at: Moment::read(clock.as_ref()),
            failure,
        });
        let held = Held {
            value: Arc::new(outcome?),
            fetched: begun,
        };
        let value = held.value.clone();
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
        Ok(value)
    }

    /// One line when it begins to fail, and one when it works again.
    fn log(&self, failure: Option<&Unavailable>, failed_before: bool) {
        match failure {
            Some(failure) if !failed_before => {
                tracing::warn!(document = self.name, reason = %failure.reason, "failed to fetch a document of the authorization server; trying again");
            }
            None if failed_before => {
                tracing::info!(
                    document = self.name,
                    "fetched a document of the authorization server again"
                );
            }
            _ => {}
        }
    }

    fn held(&self) -> Option<Held<T>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn ended<T>(request: Result<JoinHandle<Result<T, Unavailable>>, Unavailable>) -> Result<T, Unavailable> {
    request?.await.unwrap_or_else(|_| Err(given_up()))
}

fn given_up() -> Unavailable {
    Unavailable::new("the request was given up")
}
