//! `hallpass-lab bench`: measures Hallpass and bare servers in one run, in turns.
//!
//! The main figure is the processor time of the server's process per request, and its ratio to that of the bare server: it
//! varies less than elapsed time on a machine that does other work too. PostgreSQL's own processor time is reported beside
//! it. Each figure is the median of the rounds.

mod asked;
mod expiry;
mod growth;
mod hot;
mod portal;
mod report;
mod sign_in;
mod size;
mod verify;

use crate::Outcome;
use crate::deployment::{Deployment, Engine, Running};
use crate::generate::{Generated, generate};
use crate::load::{Asks, Figures, Side, load};
use crate::overload::memory;
use clap::Args;
use report::Report;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Args)]
pub(crate) struct Bench {
    /// The binary to measure
    #[arg(long)]
    hallpass: PathBuf,
    /// An older binary to measure in the same turns, as one node
    #[arg(long, value_name = "BINARY")]
    before: Option<PathBuf>,
    /// Databases to measure on
    #[arg(long, value_delimiter = ',', default_values = ["sqlite", "postgres"])]
    store: Vec<Engine>,
    /// Highest number of nodes on one PostgreSQL: one, two and so on are measured, each beside as many bare servers
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// Rounds; each side takes one turn in each round
    #[arg(long, default_value_t = 7)]
    rounds: u64,
    /// Length of a turn, in seconds
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// Concurrent clients for each node
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Grants in the large database
    #[arg(long, default_value_t = 10_000_000)]
    large: u64,
    /// Refreshes of each grant for the measurement of growth
    #[arg(long, default_value_t = 100)]
    refreshes: u64,
    /// Rows that expire at the same time for the measurement of expiry
    #[arg(long, default_value_t = 200_000)]
    due: u64,
    /// Apps, and as many organizations, for the measurement of changes beside traffic
    #[arg(long, default_value_t = 100_000)]
    objects: u64,
    /// Changes of apps and organizations each second
    #[arg(long, default_value_t = 50)]
    changes: u32,
    /// Measure only these parts: hot, bytes, expiry, portal, start, size, memory, verify, handover
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Measure only these hot paths, such as `refresh`
    #[arg(long, value_delimiter = ',')]
    paths: Vec<String>,
    /// Folder to work in. It needs room for the large database: 12 GB for 10 million grants in PostgreSQL
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// The number of grants in the small database.
const SMALL: u64 = 10_000;

impl Bench {
    /// The number of codes that `sides` sides may redeem in all rounds together.
    fn codes(&self, engine: Engine, sides: usize) -> u64 {
        // More than a server can redeem in a second.
        let in_a_second = match engine {
            Engine::Sqlite => 32_000,
            Engine::Postgres => 24_000,
        };
        in_a_second * self.seconds * (self.rounds + 1) * sides as u64
    }

    fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == part)
    }
}

/// Measures and prints the report.
pub(crate) async fn run(options: Bench) -> Outcome {
    let temporary = tempfile::tempdir()?;
    let folder = options.folder.clone().unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&folder)?;
    hallpass_cluster::let_others_through(&folder)?;
    let mut report = Report::begin(&options.hallpass)?;
    for engine in options.store.iter().copied() {
        let folder = folder.join(engine.name());
        std::fs::create_dir_all(&folder)?;
        hallpass_cluster::let_others_through(&folder)?;
        report.line(&format!("\n## {}\n", engine.name()));
        if options.wants("hot") {
            hot::hot(&options, engine, &folder, &mut report).await?;
        }
        if options.wants("bytes") {
            growth::bytes_per_grant(&options, engine, &folder.join("bytes"), &mut report).await?;
        }
        if options.wants("expiry") {
            expiry::expiry(&options, engine, &folder.join("expiry"), &mut report).await?;
        }
        if options.wants("portal") {
            portal::portal(&options, engine, &folder.join("portal"), &mut report).await?;
        }
        if options.wants("start") || options.wants("size") {
            size::large(&options, engine, &folder, &mut report).await?;
        }
        if options.wants("verify") {
            verify::verify(&options, engine, &folder.join("verify"), &mut report).await?;
        }
        if options.wants("handover") {
            sign_in::sign_in(&options, engine, &folder.join("handover"), &mut report).await?;
        }
        if options.wants("memory") {
            for line in memory::measure(&options.hallpass, &folder.join("memory"), engine).await? {
                report.line(&format!("memory, {line}"));
            }
        }
    }
    report.print();
    Ok(())
}

/// Starts a deployment of `nodes` nodes on a new database.
async fn prepared(
    hallpass: &Path,
    folder: &Path,
    engine: Engine,
    nodes: usize,
    (grants, codes): (u64, u64),
) -> Outcome<(Running, Generated)> {
    let deployment = Deployment::make(hallpass, folder, engine, nodes)?;
    let generated = generate(&deployment, grants, codes).await?;
    Ok((deployment.serve()?, generated))
}

/// A side, and its clients.
struct Turn<'a> {
    side: Side<'a>,
    /// The index of its requests, which several sides may share.
    asks: usize,
    /// The number of clients.
    clients: usize,
}

/// Loads all sides in turns, so that other work of the machine affects all of them.
async fn in_turns(options: &Bench, turns: &[Turn<'_>], asks: &mut [Vec<Asks>]) -> Outcome<Vec<Vec<Figures>>> {
    let time = Duration::from_secs(options.seconds);
    let mut found: Vec<Vec<Figures>> = turns.iter().map(|_| Vec::new()).collect();
    for round in 0..=options.rounds {
        for (turn, found) in turns.iter().zip(&mut found) {
            let asks = asks.get_mut(turn.asks).ok_or("there is no request to send")?;
            let clients = asks
                .get_mut(..turn.clients)
                .ok_or("there are fewer clients than the turn needs")?;
            // The first round is a warm-up.
            match round {
                0 => drop(load(turn.side, clients, time / 4).await?),
                _ => found.push(load(turn.side, clients, time).await?),
            }
        }
    }
    Ok(found)
}
