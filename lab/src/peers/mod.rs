//! `hallpass-lab peers`: measures Hallpass and other authorization servers in one run, under the same load, in turns.
//!
//! Each server runs as its documentation recommends for production, with its own defaults. These protect different things:
//! how a secret is stored, what is on the disk before the answer. The report describes each setup beside the figures.

mod django;
mod hallpass;
mod hydra;
mod keycloak;
mod oidc_provider;
mod peer;
mod table;

use crate::Outcome;
use crate::load::load;
use clap::Args;
use peer::Peer;
use std::path::{Path, PathBuf};
use std::time::Duration;
use table::Row;

#[derive(Args)]
pub(crate) struct Peers {
    /// Binary of Hallpass
    #[arg(long)]
    hallpass: PathBuf,
    /// Folder in which the peers are installed
    #[arg(long)]
    installed: PathBuf,
    /// Rounds; each server takes one turn in each round
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Length of a turn, in seconds; each server also warms up for two turns
    #[arg(long, default_value_t = 3)]
    seconds: u32,
    /// Concurrent connections, each refreshing a grant of its own; fewer for servers that say so
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Measure only these beside Hallpass: oidc-provider, django-oauth-toolkit, keycloak, hydra
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

/// The number of turns for warming up: virtual machines compile code in this time.
const WARM: u32 = 2;

impl Peers {
    /// How long each server is under each load.
    fn seconds_of_load(&self) -> u64 {
        u64::from(self.seconds) * u64::from(WARM + self.rounds)
    }
}

/// The requests of a workload. Codes come first: those of Hallpass were created before its start, and expire.
#[derive(Clone, Copy)]
enum Workload {
    CodeExchange,
    Refresh,
    Introspection,
    ClientCredentials,
}

const WORKLOADS: [(Workload, &str); 4] = [
    (Workload::CodeExchange, "code exchange"),
    (Workload::Refresh, "refresh"),
    (Workload::Introspection, "introspection"),
    (Workload::ClientCredentials, "client_credentials"),
];

/// Measures and prints the report.
pub(crate) async fn run(options: Peers) -> Outcome {
    let folder = tempfile::tempdir()?;
    hallpass_cluster::let_others_through(folder.path())?;
    let mut peers = started(&options, folder.path()).await?;
    println!("{}", table::machine()?);
    for (workload, name) in WORKLOADS {
        let rows = in_turns(&options, &mut peers, workload).await;
        println!("\n{}", table::workload(name, &rows));
    }
    println!("\n{}\n", table::resources(&peers)?);
    for peer in peers {
        println!("- **{}**: {}", peer.name, peer.about);
        peer.end()?;
    }
    Ok(())
}

async fn started(options: &Peers, folder: &Path) -> Outcome<Vec<Peer>> {
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
    let codes = options.seconds_of_load();
    let mut peers = vec![hallpass::start(options, &folder.join("hallpass"), codes).await?];
    if wanted(oidc_provider::NAME) {
        peers.push(oidc_provider::start(options, &folder.join("oidc-provider")).await?);
    }
    if wanted(django::NAME) {
        peers.push(django::start(options, &folder.join("django")).await?);
    }
    if wanted(hydra::NAME) {
        peers.push(hydra::start(options, &folder.join("hydra")).await?);
    }
    if wanted(keycloak::NAME) {
        peers.push(keycloak::start(options, &folder.join("keycloak")).await?);
    }
    Ok(peers)
}

/// Loads all servers in turns, so that other work of the machine affects all of them. If one fails, its row says so.
async fn in_turns(options: &Peers, peers: &mut [Peer], workload: Workload) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut asked = Vec::new();
    let turns = options.seconds_of_load();
    for peer in peers.iter_mut() {
        let asks = peer.asks(workload, options.connections, turns).await;
        let (asks, failed) = asks.map_or_else(|reason| (Vec::new(), Some(reason.to_string())), |asks| (asks, None));
        rows.push(Row::new(peer.name, failed));
        asked.push(asks);
    }
    for round in 0..WARM + options.rounds {
        for ((peer, row), asks) in peers.iter().zip(&mut rows).zip(&mut asked) {
            if row.failed.is_some() {
                continue;
            }
            let turn = Duration::from_secs(options.seconds.into());
            match load(peer.side(), asks, turn).await {
                Ok(figures) if round >= WARM => row.add(&figures),
                Ok(_) => {}
                Err(reason) => row.failed = Some(reason.to_string()),
            }
        }
    }
    rows
}
