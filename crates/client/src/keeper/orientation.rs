//! Finds out how far this process's clock is from the provider's, before the first answer says so.
//!
//! Stored moments are the provider's. A process that starts with a clock five minutes ahead would write a wrong moment for the
//! next try, and the time in which the provider repeats a lost answer would pass. The vault knows better: it has a clock of
//! its own, and remembers how far each provider's was from it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// How often the clocks are compared again.
pub(crate) const AGAIN: Duration = Duration::from_secs(10);

/// What is known of the vault's clock.
#[derive(Default)]
pub(crate) struct Orientation {
    pub(crate) begun: OnceCell<()>,
    state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    /// The vault's clock minus ours, if the vault has one.
    pub(crate) vault: Option<i64>,
    pub(crate) compared_at: Option<Instant>,
}

impl Orientation {
    /// Of a keeper that never asks the vault.
    pub(crate) fn without_vault() -> Self {
        Self {
            begun: OnceCell::new_with(Some(())),
            state: Mutex::default(),
        }
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
