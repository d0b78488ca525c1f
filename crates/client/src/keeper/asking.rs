//! The connections whose refresh is open in this process: sent, and not stored yet.
//!
//! Leases follow a clock, which somebody may set. The same process then gets the lease of a connection whose request is still
//! open. It must not send the refresh token again: many providers take that for theft.

use super::Connection;
use super::gate::Place;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Clone, Default)]
pub(crate) struct Asking(Arc<Mutex<HashSet<Connection>>>);

/// One open refresh of a connection, until it is dropped.
pub(crate) struct Turn {
    asking: Asking,
    connection: Connection,
    /// A stop waits for the answer, also if it is late.
    _place: Place,
}

impl Asking {
    /// Begins a refresh. `None` if one of this connection is open.
    pub(crate) fn begin(&self, connection: &Connection, place: &Place) -> Option<Turn> {
        self.lock().insert(connection.clone()).then(|| Turn {
            asking: self.clone(),
            connection: connection.clone(),
            _place: place.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Connection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.asking.lock().remove(&self.connection);
    }
}
