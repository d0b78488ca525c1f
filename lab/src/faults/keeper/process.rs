//! A small program that keeps tokens: Method 2, and calls that need a token. It is made to be killed.

use super::CONNECTIONS;
use super::home::{KEY, PROVIDER, Vault, provider};
use crate::Outcome;
use crate::faults::dice::Dice;
use clap::Args;
use hallpass_client::http::HttpClient;
use hallpass_client::keeper::{Care, Connection, Keeper, VaultKey};
use hallpass_client::{Clock, SystemClock};
use std::io::{BufRead as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

#[derive(Args)]
pub(crate) struct KeeperProcess {
    /// Path of an SQLite file, or URL of a PostgreSQL
    #[arg(long)]
    vault: String,
    /// Address of the token endpoint
    #[arg(long)]
    endpoint: String,
    /// Milliseconds by which its clock is wrong
    #[arg(long, default_value_t = 0, allow_hyphen_values = true)]
    off: i64,
    /// Do not compare the clock with the vault's
    #[arg(long)]
    alone: bool,
    /// Seed of its choices
    #[arg(long)]
    seed: u64,
}

/// The machine's clock, and what it is off by.
pub(super) struct WrongClock(pub(super) Arc<AtomicI64>);

impl Clock for WrongClock {
    fn now_millis(&self) -> i64 {
        SystemClock.now_millis() + self.0.load(Ordering::SeqCst)
    }
}

/// Runs until it is killed. Prints `token REFERENCE MILLIS ACCESS` for each token that it would use, with the time for which
/// the token is still good. A line `advance MILLIS` on its standard input moves its clock.
pub(crate) async fn run(options: KeeperProcess) -> Outcome {
    let off = Arc::new(AtomicI64::new(options.off));
    let clock = Arc::new(WrongClock(off.clone()));
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if let Some(millis) = line.strip_prefix("advance ").and_then(|text| text.parse().ok()) {
                off.fetch_add(millis, Ordering::SeqCst);
            }
        }
    });
    let http = HttpClient::builder().without_native_roots().build()?;
    let key = VaultKey::from_bytes(&KEY)?;
    let builder = Keeper::builder(Vault::parse(&options.vault).open().await?, key, clock.clone())
        .provider(PROVIDER, provider(&options.endpoint), http, Care::default())
        .request_timeout(Duration::from_millis(500));
    let keeper = match options.alone {
        true => builder.without_vault_clock().build(),
        false => builder.build(),
    };
    let watching = keeper.clone();
    tokio::spawn(async move { watching.watch().await });
    let mut dice = Dice::new(options.seed, 1);
    loop {
        let number = dice.below(CONNECTIONS);
        let connection = Connection::new(PROVIDER, &number.to_string())?;
        if let Ok(token) = keeper.token(&connection).await {
            let left = token.expires_at.map_or(0, |end| end - clock.now_millis());
            let mut out = std::io::stdout().lock();
            writeln!(out, "token {number} {left} {}", token.access.secret())?;
            out.flush()?;
        }
        tokio::time::sleep(dice.within(Duration::from_millis(60))).await;
    }
}
