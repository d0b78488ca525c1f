//! What every operation of a keeper needs, and the leases that it takes.

use super::asking::Asking;
use super::gate::Gate;
use super::observer::{Noted, Observer};
use super::orientation::Orientation;
use super::provider::Provider;
use super::seal::VaultKey;
use super::unsaved::UnsavedChanges;
use super::vault::{LeaseRequest, Vault};
use super::{Connection, KeeperError};
use crate::{Clock, random};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The longest time from a request to the moment when its answer cannot come any more, unless callers wait longer. Another
/// request then still fits into the 30 s in which Hallpass repeats an answer.
pub(super) const LONGEST_OPEN: Duration = Duration::from_secs(20);
/// The longest time that a lease has for storing an answer.
const LONGEST_STORE: Duration = Duration::from_secs(5);

/// The times that a refresh may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How long callers wait for one request to the provider.
    pub(crate) request: Duration,
    /// How long its answer is waited for after that, for the vault alone.
    pub(crate) late: Duration,
    /// A lease: a request, its late answer, and time to store that.
    pub(crate) lease: Duration,
    /// An access token that is over sooner is refreshed before use, if that is possible.
    pub(crate) margin: Duration,
}

impl Limits {
    /// The limits around a request for which callers wait so long.
    pub(crate) fn of(request: Duration) -> Self {
        let late = (request / 2).min(LONGEST_OPEN.saturating_sub(request));
        Self {
            request,
            late,
            lease: request + late + (request / 2).min(LONGEST_STORE),
            margin: Duration::from_secs(60),
        }
    }

    /// From a request to the moment when it is given up.
    pub(crate) fn open(&self) -> Duration {
        self.request + self.late
    }
}

/// Everything that a refresh needs.
pub(crate) struct Engine {
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) key: VaultKey,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) providers: BTreeMap<String, Provider>,
    pub(crate) limits: Limits,
    pub(crate) unsaved: UnsavedChanges,
    pub(crate) orientation: Orientation,
    pub(crate) gate: Gate,
    pub(crate) asking: Asking,
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

/// A lease that this process holds.
#[derive(Clone, Copy)]
pub(crate) struct Lease {
    pub(crate) request: LeaseRequest,
    /// When it was asked for, so that it ends later than this plus its span.
    pub(crate) begun: Instant,
    /// The same by the clock, in milliseconds: it also counts the time for which the machine was suspended.
    pub(crate) begun_at: i64,
}

impl Lease {
    /// The time since it was asked for, by the clock that says more.
    pub(crate) fn age(&self, now: i64) -> Duration {
        let counted = u64::try_from(now.saturating_sub(self.begun_at)).unwrap_or(0);
        self.begun.elapsed().max(Duration::from_millis(counted))
    }
}

impl Engine {
    pub(crate) fn provider(&self, connection: &Connection) -> Result<&Provider, KeeperError> {
        self.providers.get(connection.provider()).ok_or(KeeperError::Unknown)
    }

    pub(crate) fn note(&self, connection: &Connection, noted: Noted<'_>) {
        if let Some(observer) = &self.observer {
            observer.refreshed(connection, noted);
        }
    }

    /// Tells of a failure of the vault that no caller hears of.
    pub(crate) fn vault_failed(&self, error: &KeeperError) {
        if let (Some(observer), KeeperError::Vault(error)) = (&self.observer, error) {
            observer.vault_failed(error);
        }
    }

    /// A lease from now on, by the provider's clock.
    pub(crate) fn lease(&self, provider: &Provider) -> Lease {
        let local = self.clock.now_millis();
        self.lease_from(local, provider.pace.there(local))
    }

    /// A lease of a connection whose provider the program has no more.
    pub(crate) fn lease_without_provider(&self) -> Lease {
        let local = self.clock.now_millis();
        self.lease_from(local, local)
    }

    fn lease_from(&self, local: i64, now: i64) -> Lease {
        let span = i64::try_from(self.limits.lease.as_millis()).unwrap_or(i64::MAX);
        Lease {
            request: LeaseRequest {
                owner: random::bytes(),
                span: self.limits.lease,
                asked_at: now,
                retry_at: now.saturating_add(span),
            },
            begun: Instant::now(),
            begun_at: local,
        }
    }
}
