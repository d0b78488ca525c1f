//! `hallpass-lab keeping`: memory and speed of a keeper that watches many connections.
//!
//! The keeper is a process of its own on an SQLite vault. The token endpoint is a bare server that answers at once, so the
//! figures are the keeper's and the vault's.

mod server;

use crate::Outcome;
use crate::process::Program;
use clap::Args;
use hallpass_client::http::HttpClient;
use hallpass_client::keeper::{Care, Connection, Keeper, SqliteVault, VaultKey};
use hallpass_client::{AccessToken, ClientAuth, Clock as _, Provider, RefreshToken, SystemClock, Tokens};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The name of the provider.
const PROVIDER: &str = "bare";
/// The key of the vault.
const KEY: [u8; 32] = [7; 32];
/// Connections that are stored at the same time.
const TOGETHER: usize = 512;
/// How long a keeper is watched that has nothing to do.
const IDLE: Duration = Duration::from_secs(10);
/// How long a keeper refreshes as fast as it can.
const BUSY: Duration = Duration::from_secs(15);

#[derive(Args)]
pub(crate) struct Keeping {
    /// Numbers of connections
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    connections: Vec<usize>,
}

#[derive(Args)]
pub(crate) struct WatchProcess {
    /// Path of the SQLite file
    #[arg(long)]
    vault: PathBuf,
    /// Address of the token endpoint
    #[arg(long)]
    endpoint: String,
}

/// Measures each number of connections.
pub(crate) async fn run(options: Keeping) -> Outcome {
    println!(
        "connections | stored per s | MiB idle | CPU ms per s idle | refreshes per s | CPU µs per refresh | MiB busy"
    );
    for connections in options.connections {
        let folder = tempfile::tempdir()?;
        one(folder.path(), connections).await?;
    }
    Ok(())
}

/// Watches until it is killed.
pub(crate) async fn watch(options: WatchProcess) -> Outcome {
    let keeper = keeper(&options.vault, &options.endpoint)?;
    println!("listening on http://127.0.0.1:9");
    keeper.watch().await;
    Ok(())
}

async fn one(folder: &Path, connections: usize) -> Outcome {
    let server = server::Server::start().await?;
    let vault = folder.join("vault.db");
    let begun = Instant::now();
    store(&vault, &server.endpoint(), connections).await?;
    let stored = per_second(connections, begun.elapsed());
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("keeper-watch").arg("--vault").arg(&vault);
    command.args(["--endpoint", &server.endpoint()]);
    let program = Program::start(&mut command, &folder.join("log"))?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = program.cpu()?;
    tokio::time::sleep(IDLE).await;
    let (idle, idle_cpu) = (program.resident()?, program.cpu()? - before);
    // Everything comes due in one moment, as after a long outage.
    rusqlite::Connection::open(&vault)?.execute_batch("UPDATE keeper_connections SET due_at = 0, asked_at = 0")?;
    let (answered, before, begun) = (server.answered(), program.cpu()?, Instant::now());
    tokio::time::sleep(BUSY).await;
    let refreshed = server.answered() - answered;
    let (span, cpu) = (begun.elapsed(), program.cpu()? - before);
    let busy = program.resident()?;
    program.kill()?;
    println!(
        "{connections} | {stored:.0} | {idle:.1} | {:.2} | {:.0} | {:.0} | {busy:.1}",
        idle_cpu.as_secs_f64() * 1000.0 / IDLE.as_secs_f64(),
        per_second(refreshed, span),
        cpu.as_secs_f64() * 1e6 / refreshed.max(1) as f64,
    );
    Ok(())
}

fn keeper(vault: &Path, endpoint: &str) -> Outcome<Keeper> {
    let mut provider = Provider::new("lab", ClientAuth::basic("a secret".to_owned()));
    provider.token_endpoint = Some(endpoint.to_owned());
    let http = HttpClient::builder()
        .without_native_roots()
        .idle_connections(128)
        .build()?;
    let builder = Keeper::builder(
        Arc::new(SqliteVault::open(vault)?),
        VaultKey::from_bytes(&KEY)?,
        Arc::new(SystemClock),
    );
    Ok(builder
        .provider(PROVIDER, provider, http, Care::default())
        .concurrency(64)
        .build())
}

async fn store(vault: &Path, endpoint: &str, connections: usize) -> Outcome {
    let keeper = keeper(vault, endpoint)?;
    let mut running = JoinSet::new();
    for number in 0..connections {
        if running.len() >= TOGETHER
            && let Some(done) = running.join_next().await
        {
            done??;
        }
        let keeper = keeper.clone();
        let connection = Connection::new(PROVIDER, &format!("customer-{number}"))?;
        let now = SystemClock.now_millis();
        let mut tokens = Tokens::new(AccessToken::new(server::access(number)).ok_or("no token")?, now);
        tokens.refresh = RefreshToken::new(server::refresh(number));
        tokens.expires_at = Some(now + 3_600_000);
        running.spawn(async move { keeper.take_over(&connection, &tokens).await });
    }
    while let Some(done) = running.join_next().await {
        done??;
    }
    Ok(())
}

fn per_second(count: usize, span: Duration) -> f64 {
    count as f64 / span.as_secs_f64()
}
