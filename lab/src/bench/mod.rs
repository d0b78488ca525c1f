//! `hallpass-lab bench`: Hallpass beside the least that a server in its place must do, in one run, in turns.
//!
//! What counts is the processor time of the server's process for a request, and its ratio to that of the bare server: it
//! is steadier than time on a machine that does other things too. Each figure is the median over the rounds.

mod asked;
mod report;
mod size;

use crate::Outcome;
use crate::generate::{Generated, generate};
use crate::load::{Asks, Figures, load};
use crate::process::Program;
use crate::world::World;
use clap::Args;
use report::Report;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

#[derive(Args)]
pub(crate) struct Bench {
    /// The binary to measure
    #[arg(long)]
    hallpass: PathBuf,
    /// How many rounds, each side taking its turn in each
    #[arg(long, default_value_t = 7)]
    rounds: u64,
    /// How long a turn takes, in seconds
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// How many connections ask at a time
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// How many grants the large database has
    #[arg(long, default_value_t = 10_000_000)]
    large: u64,
    /// Only these parts: hot, size, start, bytes
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only these hot paths, such as `refresh`
    #[arg(long, value_delimiter = ',')]
    paths: Vec<String>,
    /// The folder to work in, which must have room for the large database: 4 GB for 10 million grants
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// How many grants the small database has.
const SMALL: u64 = 10_000;
/// How many codes wait to be redeemed, for each second of load.
const CODES_PER_SECOND: u64 = 16_000;

impl Bench {
    /// How many codes all rounds together may redeem.
    fn codes(&self) -> u64 {
        CODES_PER_SECOND * self.seconds * (self.rounds + 1)
    }
}

/// Measures and prints.
pub(crate) async fn run(options: Bench) -> Outcome {
    let temporary = tempfile::tempdir()?;
    let folder = options.folder.clone().unwrap_or_else(|| temporary.path().to_owned());
    let chosen = |part: &str| options.only.is_empty() || options.only.iter().any(|name| name == part);
    let mut report = Report::begin(&options.hallpass)?;
    if chosen("hot") {
        hot(&options, &folder.join("hot"), &mut report).await?;
    }
    if chosen("bytes") {
        size::bytes_per_grant(&options, &folder.join("bytes"), &mut report).await?;
    }
    if chosen("start") || chosen("size") {
        size::large(&options, &folder, &mut report, chosen("size")).await?;
    }
    report.print();
    Ok(())
}

/// The four hot paths, each beside its bare server.
async fn hot(options: &Bench, folder: &Path, report: &mut Report) -> Outcome {
    let codes = options.codes();
    let (server, generated) = prepared(options, folder, SMALL, codes).await?;
    report.line(&format!("memory before any load: {:.1} MiB", server.resident()?));
    let tokens = asked::access_tokens(&server, &generated, SMALL - 64..SMALL).await?;
    let n = options.connections;
    let parts: [(&str, Vec<Asks>, bool); 4] = [
        ("client_credentials", asked::client_credentials(n), false),
        ("introspection", asked::introspection(n, &tokens), false),
        ("refresh", asked::refreshes(n, &generated, 0..n as u64), true),
        ("code exchange", asked::redemptions(n, &generated), true),
    ];
    let wanted = |name: &str| options.paths.is_empty() || options.paths.iter().any(|path| path == name);
    for (name, mut asks, durable) in parts.into_iter().filter(|(name, ..)| wanted(name)) {
        let bytes = asked::answer_bytes(&server, &asks).await?;
        let bare = bare(folder, bytes, durable)?;
        let mut beside = if durable { asked::bare_rows(n) } else { asks.clone() };
        let (ours, theirs) = in_turns(options, (&server, &mut asks), (&bare, &mut beside)).await?;
        report.beside_bare(name, bytes, durable, &ours, &theirs);
    }
    report.line(&format!("memory after the load: {:.1} MiB", server.resident()?));
    Ok(())
}

/// A running server on a database made for it.
async fn prepared(options: &Bench, folder: &Path, grants: u64, codes: u64) -> Outcome<(Program, Generated)> {
    let world = World::make(&options.hallpass, folder, "")?;
    let generated = generate(&world, grants, codes).await?;
    Ok((world.serve()?, generated))
}

fn bare(folder: &Path, bytes: usize, durable: bool) -> Outcome<Program> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["bare", "--bytes", &bytes.to_string()]);
    if durable {
        command.arg("--database").arg(folder.join("bare.db"));
    }
    Program::start(&mut command, &folder.join("bare.log"))
}

type Side<'a> = (&'a Program, &'a mut Vec<Asks>);

/// Both sides in turns, so that what the machine does beside touches both.
async fn in_turns(options: &Bench, one: Side<'_>, other: Side<'_>) -> Outcome<(Vec<Figures>, Vec<Figures>)> {
    let turn = Duration::from_secs(options.seconds);
    let warm = turn / 4;
    load(one.0, one.1, warm).await?;
    load(other.0, other.1, warm).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        ours.push(load(one.0, one.1, turn).await?);
        theirs.push(load(other.0, other.1, turn).await?);
    }
    Ok((ours, theirs))
}
