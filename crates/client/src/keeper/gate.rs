//! Lets a keeper stop without losing what is in flight: the new refresh token of a refresh, or the tokens of a code.

use super::VaultError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// More requests than a process can have in flight.
const PLACES: u32 = 1 << 20;

/// Each request to a provider holds a place while it is in flight. A stop waits for all places.
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    stopping: AtomicBool,
}

/// A place, until all its clones are dropped. Also a panic drops them.
pub(crate) type Place = Arc<OwnedSemaphorePermit>;

/// The keeper is stopping, and begins nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stopping;

impl Default for Gate {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(PLACES as usize)),
            stopping: AtomicBool::new(false),
        }
    }
}

impl Gate {
    /// A place, until it is dropped.
    pub(crate) async fn enter(&self) -> Result<Place, Stopping> {
        if self.is_stopping() {
            return Err(Stopping);
        }
        // Who comes while a stop waits for all places waits behind it, and finds the gate closed.
        let place = self.places.clone().acquire_owned().await;
        place.map(Arc::new).map_err(|_| Stopping)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Returns when nothing is in flight. From now on nothing begins.
    pub(crate) async fn shut(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        drop(self.places.acquire_many(PLACES).await);
        self.places.close();
    }
}

impl From<Stopping> for VaultError {
    fn from(_: Stopping) -> Self {
        Self::Unreachable("the keeper is stopping".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stop_waits_for_what_is_in_flight_and_lets_nothing_begin() {
        let gate = Arc::new(Gate::default());
        let place = gate.enter().await.unwrap();
        let stopping = tokio::spawn({
            let gate = gate.clone();
            async move { gate.shut().await }
        });
        while !gate.is_stopping() {
            tokio::task::yield_now().await;
        }
        assert_eq!(gate.enter().await.err(), Some(Stopping));
        assert!(!stopping.is_finished());
        drop(place);
        stopping.await.unwrap();
        assert_eq!(gate.enter().await.err(), Some(Stopping));
    }
}
