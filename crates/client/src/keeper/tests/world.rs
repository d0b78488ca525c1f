//! A model server, a clock that is moved by hand or by waiting, a vault, and keepers.

use super::super::{Care, Connection, Keeper, KeeperError, MemoryVault, Token, Vault, VaultKey};
use super::model::Model;
use crate::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

pub(super) const MINUTE: i64 = 60_000;
/// When the tests begin.
const BEGIN: i64 = 1_800_000_000_000;

/// The time of tokio's clock, plus what the test moved it.
#[derive(Clone)]
pub(super) struct TestClock {
    begun: Instant,
    moved: Arc<AtomicI64>,
}

impl TestClock {
    fn new() -> Self {
        Self {
            begun: Instant::now(),
            moved: Arc::default(),
        }
    }

    /// The same clock, and another distance from it.
    pub(super) fn off_by(&self, millis: i64) -> Self {
        let moved = self.moved.load(Ordering::SeqCst) + millis;
        Self {
            begun: self.begun,
            moved: Arc::new(AtomicI64::new(moved)),
        }
    }

    pub(super) fn advance(&self, millis: i64) {
        self.moved.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_millis(&self) -> i64 {
        let waited = i64::try_from(self.begun.elapsed().as_millis()).unwrap();
        BEGIN + waited + self.moved.load(Ordering::SeqCst)
    }
}

pub(super) struct World {
    pub(super) clock: TestClock,
    pub(super) server: Model,
    pub(super) vault: Arc<dyn Vault>,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(Arc::new(MemoryVault::new()))
    }

    pub(super) fn with(vault: Arc<dyn Vault>) -> Self {
        let clock = TestClock::new();
        let server = Model::new(Arc::new(clock.clone()));
        Self { clock, server, vault }
    }

    pub(super) fn keeper(&self) -> Keeper {
        self.keeper_with(Care::default(), &self.clock, self.vault.clone())
    }

    pub(super) fn keeper_with(&self, care: Care, clock: &TestClock, vault: Arc<dyn Vault>) -> Keeper {
        let key = VaultKey::from_bytes(&[7; 32]).unwrap();
        Keeper::builder(vault, key, Arc::new(clock.clone()))
            .endpoints("shop", Arc::new(self.server.clone()), care)
            .build()
    }

    /// Connects one user.
    pub(super) async fn connect(&self, keeper: &Keeper, name: &str) -> Connection {
        let connection = Connection::new("shop", name).unwrap();
        keeper.take_over(&connection, &self.server.connect(name)).await.unwrap();
        connection
    }
}

/// The access token of a result.
pub(super) fn access(result: Result<Token, KeeperError>) -> String {
    result.unwrap().access.secret().to_owned()
}

/// Runs Method 2 for this long.
pub(super) async fn watch_for(keeper: &Keeper, span: Duration) {
    let ended = tokio::time::timeout(span, keeper.watch()).await;
    assert!(ended.is_err(), "watch ended by itself");
}
