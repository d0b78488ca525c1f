//! `hallpass-lab bench`: Hallpass beside the least that a server in its place must do, in one run, in turns.
//!
//! What counts is the processor time of the server's process for a request, and its ratio to that of the bare server: it
//! is steadier than time on a machine that does other things too. PostgreSQL's own time stands beside it. Each figure is the
//! median over the rounds.

mod asked;
mod expiry;
mod growth;
mod hot;
mod portal;
mod report;
mod size;

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
    /// On which databases
    #[arg(long, value_delimiter = ',', default_values = ["sqlite", "postgres"])]
    store: Vec<Engine>,
    /// How many nodes at most share a PostgreSQL: one, two and so on are measured, each beside as many bare servers
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// How many rounds, each side taking its turn in each
    #[arg(long, default_value_t = 7)]
    rounds: u64,
    /// How long a turn takes, in seconds
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// How many clients ask at a time, for each node
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// How many grants the large database has
    #[arg(long, default_value_t = 10_000_000)]
    large: u64,
    /// How often each grant is refreshed where growth is measured
    #[arg(long, default_value_t = 100)]
    refreshes: u64,
    /// How many rows are due at once where expiry is measured
    #[arg(long, default_value_t = 200_000)]
    due: u64,
    /// How many apps, and as many organizations, there are where changes beside traffic are measured
    #[arg(long, default_value_t = 100_000)]
    objects: u64,
    /// How many of them change each second
    #[arg(long, default_value_t = 50)]
    changes: u32,
    /// Only these parts: hot, bytes, expiry, portal, start, size, memory
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only these hot paths, such as `refresh`
    #[arg(long, value_delimiter = ',')]
    paths: Vec<String>,
    /// The folder to work in, which must have room for the large database: 12 GB for 10 million grants in PostgreSQL
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// How many grants the small database has.
const SMALL: u64 = 10_000;

impl Bench {
    /// How many codes `sides` may redeem in all rounds together.
    fn codes(&self, engine: Engine, sides: usize) -> u64 {
        // More than it can redeem in a second.
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

/// Measures and prints.
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
        if options.wants("memory") {
            for line in memory::measure(&options.hallpass, &folder.join("memory"), engine).await? {
                report.line(&format!("memory, {line}"));
            }
        }
    }
    report.print();
    Ok(())
}

/// A deployment of so many nodes on a database made for it, and the nodes running.
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

/// A side, and who asks it.
struct Turn<'a> {
    side: Side<'a>,
    /// Its place among what is asked, which several sides may share.
    asks: usize,
    /// How many clients ask.
    clients: usize,
}

/// All sides in turns, so that what the machine does beside touches all.
async fn in_turns(options: &Bench, turns: &[Turn<'_>], asks: &mut [Vec<Asks>]) -> Outcome<Vec<Vec<Figures>>> {
    let time = Duration::from_secs(options.seconds);
    let mut found: Vec<Vec<Figures>> = turns.iter().map(|_| Vec::new()).collect();
    for round in 0..=options.rounds {
        for (turn, found) in turns.iter().zip(&mut found) {
            let asks = asks.get_mut(turn.asks).ok_or("nothing is asked")?;
            let clients = asks.get_mut(..turn.clients).ok_or("there are fewer clients")?;
            // The first is for warming up.
            match round {
                0 => drop(load(turn.side, clients, time / 4).await?),
                _ => found.push(load(turn.side, clients, time).await?),
            }
        }
    }
    Ok(found)
}
