//! New tokens that the vault did not take: it was full, locked or away when the provider had answered.
//!
//! They are kept in memory and written as soon as the vault takes them; until then nobody gets the access token. If this
//! process ends first, the old refresh token is still in the vault and is sent again.

use super::Connection;
use super::record::{Record, Standing};
use super::vault::{Change, Row};
use crate::RefreshToken;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A change that could not be written. There is at most one for each refresh in flight, because no refresh begins while the
/// vault takes no lease.
#[derive(Clone)]
pub(crate) struct Unsaved {
    pub(crate) change: Change,
    /// The refresh token that was exchanged for it.
    pub(crate) presented: RefreshToken,
    /// When its access token was issued, by the provider's clock.
    pub(crate) issued_at: i64,
    /// Whether that one is spent: the answer has another.
    pub(crate) is_spent: bool,
    /// Up to this lease nobody else sent the refresh token.
    pub(crate) fence: i64,
}

impl Unsaved {
    /// Whether a record still has the refresh token that was exchanged.
    fn is_presented(&self, record: &Record) -> bool {
        record
            .refresh
            .as_ref()
            .is_some_and(|refresh| refresh.token == self.presented)
    }

    /// Whether it is the last word of the provider on the refresh token of a record. What spent the token is, whatever access
    /// token was put beside it since.
    pub(crate) fn is_answer_to(&self, record: &Record) -> bool {
        let needs_user = matches!(record.standing, Standing::NeedsUser { .. });
        // A provider that does not rotate refresh tokens may have given newer access tokens since.
        let access = record.access.as_ref();
        let is_newer = access.is_none_or(|access| access.issued_at < self.issued_at);
        self.is_presented(record) && (self.is_spent || (is_newer && !needs_user))
    }

    /// Whether nobody else may have sent the refresh token up to the lease `fence` and waits for the answer. `row` is as before
    /// the next lease. A connection that was deleted and made anew counts its leases from 1: nothing is known of those.
    pub(crate) fn is_settled(&self, fence: i64, row: &Row, record: &Record) -> bool {
        row.asked_at.is_none()
            || (self.fence..=record.quiet_until(self.fence)).contains(&fence)
            || matches!(record.standing, Standing::NeedsUser { .. })
    }
}

#[derive(Default)]
pub(crate) struct UnsavedChanges(Mutex<HashMap<Connection, Unsaved>>);

impl UnsavedChanges {
    /// Keeps a change. One of a later lease stays.
    pub(crate) fn keep(&self, unsaved: Unsaved) {
        let mut changes = self.lock();
        let kept = changes.get(&unsaved.change.connection);
        if kept.is_none_or(|kept| kept.change.fence <= unsaved.change.fence) {
            changes.insert(unsaved.change.connection.clone(), unsaved);
        }
    }

    /// The connections with such changes.
    pub(crate) fn connections(&self) -> Vec<Connection> {
        self.lock().keys().cloned().collect()
    }

    pub(crate) fn get(&self, connection: &Connection) -> Option<Unsaved> {
        self.lock().get(connection).cloned()
    }

    /// This process has a later lease, and nobody has sent the refresh token before that.
    pub(crate) fn leased(&self, change: &Change, fence: i64) {
        if let Some(kept) = self.lock().get_mut(&change.connection) {
            if kept.change.fence == change.fence {
                kept.fence = fence;
            }
        }
    }

    /// Forgets a change, unless a newer one took its place.
    pub(crate) fn written(&self, change: &Change) {
        let mut changes = self.lock();
        let kept = changes.get(&change.connection);
        if kept.is_some_and(|kept| kept.change.fence == change.fence) {
            changes.remove(&change.connection);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Connection, Unsaved>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
