//! The connections whose refresh is open in this process: sent, and not stored yet.
//!
//! Leases follow a clock, which somebody may set. The same process then gets the lease of a connection whose request is still
//! open. It must not send the refresh token again: many providers take that for theft.

use super::Connection;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Each with the number of the last lease up to which this process had all of them.
#[derive(Clone, Default)]
pub(crate) struct Asking(Arc<Mutex<HashMap<Connection, i64>>>);

/// One open refresh of a connection, until it is dropped.
pub(crate) struct Turn {
    asking: Asking,
    connection: Connection,
}

impl Asking {
    /// Begins a refresh under the lease `fence`. `None` if one of this connection is open.
    pub(crate) fn begin(&self, connection: &Connection, fence: i64) -> Option<Turn> {
        let mut asking = self.lock();
        if asking.contains_key(connection) {
            return None;
        }
        asking.insert(connection.clone(), fence);
        Some(Turn {
            asking: self.clone(),
            connection: connection.clone(),
        })
    }

    /// This process has the lease `fence`.
    pub(crate) fn leased(&self, connection: &Connection, fence: i64) {
        if let Some(last) = self.lock().get_mut(connection) {
            if *last + 1 == fence {
                *last = fence;
            }
        }
    }

    /// The last lease up to which this process had all of them since the open refresh began.
    pub(crate) fn last(&self, connection: &Connection) -> Option<i64> {
        self.lock().get(connection).copied()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Connection, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.asking.lock().remove(&self.connection);
    }
}
