//! What an observer hears.

use super::super::{Care, Connection, Keeper, Noted, Observer, VaultError, VaultKey};
use super::flaky::{Trouble, world};
use super::world::{MINUTE, watch_for};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The failures that were told.
#[derive(Default)]
struct Failures(Mutex<Vec<VaultError>>);

impl Failures {
    fn told(&self) -> Vec<VaultError> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Observer for Failures {
    fn refreshed(&self, _: &Connection, _: Noted<'_>) {}

    fn vault_failed(&self, error: &VaultError) {
        self.0.lock().unwrap().push(error.clone());
    }
}

#[tokio::test(start_paused = true)]
async fn failures_of_the_vault_are_told_while_nobody_asks_for_a_token() {
    let (world, vault) = world();
    let failures = Arc::new(Failures::default());
    let key = VaultKey::from_bytes(&[7; 32]).unwrap();
    let keeper = Keeper::builder(world.vault.clone(), key, Arc::new(world.clock.clone()))
        .endpoints("shop", Arc::new(world.server.clone()), Care::default())
        .observer(failures.clone())
        .build();
    world.connect(&keeper, "one").await;
    world.clock.advance(55 * MINUTE);
    let full = |told: &[VaultError]| told.iter().all(|error| matches!(error, VaultError::Full(_)));
    for (takes, writes) in [(Trouble::Fails, Trouble::None), (Trouble::None, Trouble::Fails)] {
        vault.set(takes, writes);
        watch_for(&keeper, Duration::from_secs(60)).await;
        let told = failures.told();
        assert!(!told.is_empty() && full(&told), "{told:?}");
    }
    vault.set(Trouble::None, Trouble::None);
    watch_for(&keeper, Duration::from_secs(60)).await;
    failures.told();
    watch_for(&keeper, Duration::from_secs(60)).await;
    assert_eq!(failures.told(), [], "it works again");
}
