//! Compares this process's clock with the vault's and, by the vault's memory, with the providers'.

use super::engine::Engine;
use super::orientation::{AGAIN, State};
use super::pace::NONE;
use super::{KeeperError, VaultError};
use crate::answer::is_believable;
use tokio::time::Instant;

/// What a comparison found.
struct Compared {
    /// The vault's clock minus ours, if the vault has one.
    vault: Option<i64>,
    /// How much that changed since the comparison before.
    step: i64,
}

impl Engine {
    /// Compares clocks before the first use of the vault.
    pub(crate) async fn orient(&self) -> Result<(), KeeperError> {
        self.orientation.begun.get_or_try_init(|| self.first()).await?;
        Ok(())
    }

    async fn first(&self) -> Result<(), VaultError> {
        let Some(vault) = self.compare().await?.vault else {
            return Ok(());
        };
        let known = self.vault.skews().await?;
        for (name, provider) in &self.providers {
            // An older version may have stored what a server's wrong `Date` said.
            let skew = known.iter().find(|(known, skew)| known == name && is_believable(*skew));
            // No answer would ever correct it.
            let skew = skew.filter(|_| !provider.endpoints.has_variables());
            provider
                .pace
                .assume(vault.saturating_add(skew.map_or(0, |(_, skew)| *skew)));
        }
        Ok(())
    }

    /// Compares clocks again, now and then: ours may have been set meanwhile.
    pub(crate) async fn compare_again(&self) -> Result<(), VaultError> {
        let due = |state: &mut State| state.vault.is_some() && state.compared_at.is_none_or(|at| at.elapsed() >= AGAIN);
        if !self.orientation.with(due) {
            return Ok(());
        }
        let step = self.compare().await?.step;
        for provider in self.providers.values() {
            if provider.pace.shift(step) {
                provider.endpoints.shift(step);
            }
        }
        Ok(())
    }

    /// Several may compare at once. Each step of a clock is seen by one of them: the state is read and set under one lock.
    async fn compare(&self) -> Result<Compared, VaultError> {
        let sent = self.clock.now_millis();
        let now = self.vault.now().await?;
        let answered = self.clock.now_millis();
        Ok(self.orientation.with(|state| {
            state.compared_at = Some(Instant::now());
            let half = answered.saturating_sub(sent) / 2;
            let found = now.map(|now| now.saturating_sub(sent.saturating_add(half)));
            let before = state.vault.unwrap_or(0);
            // The vault read its clock at any moment of the round trip, so a slow one tells less.
            let is_step = |found: i64| (found - before).abs() >= NONE.saturating_add(half);
            let kept = found.map(|found| if is_step(found) { found } else { before });
            state.vault = kept;
            Compared {
                vault: kept,
                step: kept.map_or(0, |kept| kept.saturating_sub(before)),
            }
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
