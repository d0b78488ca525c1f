//! Finds out how far this process's clock is from the provider's, before the first answer says so.
//!
//! Stored moments are the provider's. A process that starts with a clock five minutes ahead would write a wrong moment for the
//! next try, and the time in which the provider repeats a lost answer would pass. The vault knows better: it has a clock of
//! its own, and remembers how far each provider's was from it.

use super::refresh::Engine;
use super::{KeeperError, VaultError};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// Differences below this are none: `Date` counts in seconds, and reading a clock takes a moment.
const NONE: i64 = 2000;
/// How often the clocks are compared again.
const AGAIN: Duration = Duration::from_secs(10);

/// What is known of the vault's clock.
#[derive(Default)]
pub(crate) struct Orientation {
    begun: OnceCell<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The vault's clock minus ours, if the vault has one.
    vault: Option<i64>,
    compared_at: Option<Instant>,
}

impl Orientation {
    /// Of a keeper that never asks the vault.
    pub(crate) fn without_vault() -> Self {
        Self {
            begun: OnceCell::new_with(Some(())),
            state: Mutex::default(),
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Engine {
    /// Compares clocks before the first use of the vault.
    pub(crate) async fn orient(&self) -> Result<(), KeeperError> {
        self.orientation.begun.get_or_try_init(|| self.first()).await?;
        Ok(())
    }

    async fn first(&self) -> Result<(), VaultError> {
        let Some(vault) = self.compare().await? else {
            return Ok(());
        };
        let known = self.vault.skews().await?;
        for (name, provider) in &self.providers {
            let skew = known.iter().find(|(known, _)| known == name);
            provider
                .pace
                .assume(vault.saturating_add(skew.map_or(0, |(_, skew)| *skew)));
        }
        Ok(())
    }

    /// Compares clocks again, now and then: ours may have been set meanwhile.
    pub(crate) async fn compare_again(&self) -> Result<(), VaultError> {
        let due = |state: &mut State| state.compared_at.is_none_or(|at| at.elapsed() >= AGAIN);
        let before = self.orientation.with(|state| due(state).then_some(state.vault));
        let Some(Some(before)) = before else {
            return Ok(());
        };
        let step = self.compare().await?.map_or(0, |after| after.saturating_sub(before));
        if step != 0 {
            for provider in self.providers.values() {
                provider.pace.assume(provider.pace.skew().saturating_add(step));
            }
        }
        Ok(())
    }

    /// The vault's clock minus ours.
    async fn compare(&self) -> Result<Option<i64>, VaultError> {
        let sent = self.clock.now_millis();
        let now = self.vault.now().await?;
        let answered = self.clock.now_millis();
        Ok(self.orientation.with(|state| {
            state.compared_at = Some(Instant::now());
            let half = answered.saturating_sub(sent) / 2;
            let found = now.map(|now| now.saturating_sub(sent.saturating_add(half)));
            let before = state.vault.unwrap_or(0);
            let kept = found.map(|found| if (found - before).abs() < NONE { before } else { found });
            state.vault = kept;
            kept
        }))
    }

    /// Remembers a provider's clock, for processes that start later.
    pub(crate) async fn remember(&self, name: &str, before: i64, skew: i64) {
        let Some(vault) = self.orientation.with(|state| state.vault) else {
            return;
        };
        if skew.saturating_sub(before).abs() >= NONE {
            // Without it, the next process learns from its first answer.
            drop(self.vault.set_skew(name, skew.saturating_sub(vault)).await);
        }
    }
}
