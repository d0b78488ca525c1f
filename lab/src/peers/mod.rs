//! `hallpass-lab peers`: Hallpass and other authorization servers in one run, under the same load, in turns.
//!
//! Each runs as its documentation says for production and with its own defaults, which differ in what they protect: how a
//! secret is kept, what reaches the disk before the answer. The figures are printed with that said.

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
    /// The binary of Hallpass
    #[arg(long)]
    hallpass: PathBuf,
    /// Where the peers are installed
    #[arg(long)]
    installed: PathBuf,
    /// How many rounds, each server taking its turn in each
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// How long a turn takes, in seconds; each server also warms up for two turns
    #[arg(long, default_value_t = 3)]
    seconds: u32,
    /// How many connections ask at a time, each refreshing a grant of its own; fewer where a server says so
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Only these beside Hallpass: oidc-provider, django-oauth-toolkit, keycloak, hydra
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

/// How many turns a server warms up for: what runs on a virtual machine is compiled meanwhile.
const WARM: u32 = 2;

impl Peers {
    /// How long each server is under each load.
    fn seconds_of_load(&self) -> u64 {
        u64::from(self.seconds) * u64::from(WARM + self.rounds)
    }
}

/// What is asked of each server. Codes come first: those of Hallpass were made before its start and get old.
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

/// Measures and prints.
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

/// All servers in turns, so that what the machine does beside touches all. One that fails says so in its row.
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
