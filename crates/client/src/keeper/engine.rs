//! What every operation of a keeper needs, and the leases that it takes.

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

/// The times that a refresh may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// One request to the provider.
    pub(crate) request: Duration,
    /// A lease: a request, and time to store its answer.
    pub(crate) lease: Duration,
    /// An access token that is over sooner is refreshed before use, if that is possible.
    pub(crate) margin: Duration,
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
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

/// A lease that this process holds.
#[derive(Clone, Copy)]
pub(crate) struct Lease {
    pub(crate) request: LeaseRequest,
    /// When it was asked for, so that it ends later than this plus its span.
    pub(crate) begun: Instant,
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

    /// A lease from now on.
    pub(crate) fn lease(&self, provider: &Provider) -> Lease {
        let now = provider.pace.there(self.clock.now_millis());
        let span = i64::try_from(self.limits.lease.as_millis()).unwrap_or(i64::MAX);
        Lease {
            request: LeaseRequest {
                owner: random::bytes(),
                span: self.limits.lease,
                asked_at: now,
                retry_at: now.saturating_add(span),
            },
            begun: Instant::now(),
        }
    }
}
