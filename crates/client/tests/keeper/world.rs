//! A keeper with an SQLite vault, and a clock that the test moves.

use crate::proxy::Proxy;
use hallpass_client::http::HttpClient;
use hallpass_client::keeper::{Care, Connection, Event, Keeper, KeeperError, SqliteVault, Token, VaultKey};
use hallpass_client::{Clock, Provider, SystemClock};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The machine's clock, and what the test moved it.
#[derive(Clone, Default)]
pub(crate) struct MovedClock(Arc<AtomicI64>);

impl MovedClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now_millis(&self) -> i64 {
        SystemClock.now_millis() + self.0.load(Ordering::SeqCst)
    }
}

pub(crate) fn http() -> HttpClient {
    let builder = HttpClient::builder().without_native_roots();
    builder.build().expect("an HTTP client")
}

/// A keeper of the vault in `folder`. Its provider is called as the end of [`hallpass_ends::REDIRECT_URI`] is.
pub(crate) fn keeper(folder: &Path, clock: &MovedClock, provider: Provider) -> Keeper {
    let vault = SqliteVault::open(&folder.join("vault.db")).expect("a vault");
    let key = VaultKey::from_bytes(&[7; 32]).expect("a key");
    Keeper::builder(Arc::new(vault), key, Arc::new(clock.clone()))
        .provider("cb", provider, http(), Care::default())
        .redirect_uri("http://127.0.0.1:9")
        .build()
}

/// The same endpoint, through the proxy.
pub(crate) fn through(proxy: &Proxy, endpoint: &str) -> String {
    let path = endpoint.splitn(4, '/').nth(3).expect("an address");
    format!("http://{}/{path}", proxy.address)
}

pub(crate) fn one() -> Connection {
    "cb/one".parse().expect("a name")
}

pub(crate) fn access(result: Result<Token, KeeperError>) -> String {
    result.expect("a token").access.secret().to_owned()
}

pub(crate) async fn happened(keeper: &Keeper) -> Vec<Event> {
    let mut events = keeper.events();
    let mut all = Vec::new();
    while let Some(event) = events.try_next().await.expect("the vault works") {
        all.push(event);
    }
    all
}
