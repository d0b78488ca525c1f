//! Method 2: refreshes every connection ahead of its time, also those that nobody uses.
//!
//! The schedule is the vault's index by due time, so memory does not grow with the number of connections, a restart reads
//! nothing, and keepers on one vault share the work. For each provider a keeper leases as many due connections as it has free
//! places, in one commit. No pass looks at connections that are not due.

use super::engine::Engine;
use super::provider::Provider;
use super::refresh::Wanted;
use super::{KeeperError, VaultError};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How often the vault is asked what is due.
const TICK: Duration = Duration::from_secs(1);
/// How long an idle provider's loop waits after the vault failed.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a single pass begins refreshes under a limit a minute: a timer that starts one each minute starts no second one
/// beside it, and two would exceed the limit.
const LONGEST_PASS: Duration = Duration::from_secs(50);

/// What a pass of Method 2 did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Kept {
    /// Connections that were due and have a live access token now, or needed no refresh.
    pub ready: usize,
    /// Connections that need their user.
    pub needs_user: usize,
    /// Connections that are tried again later.
    pub later: usize,
}

impl Kept {
    fn count(&mut self, failure: Option<&KeeperError>) {
        match failure {
            None => self.ready += 1,
            Some(KeeperError::NeedsUser { .. } | KeeperError::Unknown) => self.needs_user += 1,
            Some(_) => self.later += 1,
        }
    }
}

/// The refreshes of one provider that Method 2 began.
struct Places {
    engine: Arc<Engine>,
    name: String,
    free: usize,
    running: JoinSet<Option<KeeperError>>,
    kept: Kept,
}

/// Runs Method 2 for one provider until it is dropped.
pub(super) async fn run(engine: Arc<Engine>, name: String, places: usize) {
    while let Err(error) = engine.orient().await {
        engine.vault_failed(&error);
        tokio::time::sleep(PATIENCE).await;
    }
    let mut places = Places::new(engine, name, places);
    loop {
        let pause = match places.fill().await {
            Ok(_) => TICK,
            Err(error) => {
                places.engine.vault_failed(&error.into());
                PATIENCE
            }
        };
        let next = Instant::now() + pause;
        // A free place is filled at once while there is work; else the vault is asked at the next tick.
        while tokio::time::timeout_at(next, places.wait_for_some()).await == Ok(true) {
            if places.fill().await.unwrap_or(0) == 0 && places.running.is_empty() {
                break;
            }
        }
        tokio::time::sleep_until(next).await;
    }
}

/// Refreshes what is due now for one provider, once.
pub(super) async fn pass(engine: Arc<Engine>, name: String, places: usize) -> Result<Kept, KeeperError> {
    engine.orient().await?;
    let has_limit = engine
        .providers
        .get(&name)
        .is_some_and(|provider| provider.pace.has_limit());
    let mut places = Places::new(engine, name, places);
    let until = Instant::now() + LONGEST_PASS;
    let filled = loop {
        if has_limit && Instant::now() >= until {
            break Ok(());
        }
        match places.fill().await {
            Ok(0) if places.running.is_empty() => match places.limited() {
                Some(wait) => tokio::time::sleep_until(until.min(Instant::now() + wait.min(TICK))).await,
                None => break Ok(()),
            },
            Ok(_) => {
                places.wait_for_some().await;
            }
            Err(error) => break Err(error.into()),
        }
    };
    // What was begun is finished, whatever the vault says.
    while places.wait_for_one().await {}
    filled.map(|()| places.kept)
}

impl Places {
    fn new(engine: Arc<Engine>, name: String, places: usize) -> Self {
        Self {
            engine,
            name,
            free: places,
            running: JoinSet::new(),
            kept: Kept::default(),
        }
    }

    /// Leases due connections for the free places, and begins their refreshes. Returns how many.
    async fn fill(&mut self) -> Result<usize, VaultError> {
        let engine = self.engine.clone();
        if engine.gate.is_stopping() {
            return Ok(0);
        }
        engine.compare_again().await?;
        engine.save_all().await?;
        let Some(provider) = engine.providers.get(&self.name) else {
            return Ok(0);
        };
        provider.prepare(engine.limits.request).await;
        let local = engine.clock.now_millis();
        let allowed = provider.pace.begin(local, self.free, self.running.len());
        if allowed == 0 {
            return Ok(0);
        }
        let claimed = self.claim(provider, local, allowed).await;
        provider
            .pace
            .give_back(allowed - claimed.as_ref().map_or(0, |count| *count));
        claimed
    }

    async fn claim(&mut self, provider: &Provider, local: i64, allowed: usize) -> Result<usize, VaultError> {
        let engine = self.engine.clone();
        // Before the claim: what a stopping keeper leases looks like a lost answer, and waits until the lease ends.
        let Ok(place) = engine.gate.enter().await else {
            return Ok(0);
        };
        let lease = engine.lease(provider);
        let due_by = provider.pace.there(local);
        let rows = engine.vault.claim(&self.name, due_by, allowed, lease.request).await?;
        let count = rows.len();
        for row in rows {
            let (engine, place) = (engine.clone(), place.clone());
            self.free = self.free.saturating_sub(1);
            self.running
                .spawn(async move { engine.under(&place, lease, &row, &Wanted::Due).await.err() });
        }
        Ok(count)
    }

    /// How long the limit a minute keeps the next refresh from beginning, if nothing else does.
    fn limited(&self) -> Option<Duration> {
        let engine = &self.engine;
        let provider = engine.providers.get(&self.name);
        let provider = provider.filter(|_| !engine.gate.is_stopping())?;
        provider.pace.limited(engine.clock.now_millis())
    }

    /// Waits until a quarter of the places is free, so that one commit leases for all of them. `false` if no refresh runs.
    async fn wait_for_some(&mut self) -> bool {
        let mut has_ended = false;
        while self.wait_for_one().await {
            has_ended = true;
            if self.free > self.running.len() / 3 {
                break;
            }
        }
        has_ended
    }

    /// Waits until one refresh ends. `false` if none runs.
    async fn wait_for_one(&mut self) -> bool {
        let Some(ended) = self.running.join_next().await else {
            return false;
        };
        self.free += 1;
        // A task that panicked freed its place too; its lease ends by itself.
        if let Ok(result) = ended {
            if let Some(error) = &result {
                self.engine.vault_failed(error);
            }
            self.kept.count(result.as_ref());
        }
        true
    }
}
