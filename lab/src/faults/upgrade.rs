//! `hallpass-lab upgrade`: runs this version and the one before it side by side, as in a rolling restart, and goes back.
//!
//! Under load every node in turn is stopped and started as the other version, on one PostgreSQL: the newer version migrates
//! while the older one serves. On SQLite, the versions run one after the other. All answers are checked against the model,
//! as in every fault run. Then migrations are interrupted at each statement and at each message, and run again.

use super::check::Rules;
use super::dice::Dice;
use super::interrupted;
use super::kill::world;
use super::{Run, seed_of_now, verdict};
use crate::Outcome;
use crate::nodes::Deployment;
use crate::process::Program;
use clap::Args;
use hallpass_cluster::let_others_through;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::sleep;

/// How long both versions serve between two steps.
const LIVES: Duration = Duration::from_millis(1200);

#[derive(Args)]
pub(crate) struct Upgrade {
    /// Binary to test
    #[arg(long, value_name = "PATH")]
    hallpass: PathBuf,
    /// Binary of the version before; without it only migrations are tested
    #[arg(long, value_name = "PATH")]
    previous: Option<PathBuf>,
    /// Seed, to repeat a run
    #[arg(long)]
    seed: Option<u64>,
    /// Interrupt a migration at one of so many places
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    one_in: u64,
}

/// Upgrades, goes back, and interrupts migrations.
pub(crate) async fn run(options: Upgrade) -> Outcome {
    let seed = options.seed.unwrap_or_else(seed_of_now);
    println!("upgrade: seed {seed}");
    match &options.previous {
        Some(previous) => {
            rolling(&options.hallpass, previous, seed).await?;
            on_sqlite(&options.hallpass, previous, seed).await?;
        }
        None => println!("  SKIPPED the version before: name its binary with --previous"),
    }
    interrupted::run(&options.hallpass, options.one_in, &mut Dice::new(seed, 9)).await
}

/// Runs two nodes on PostgreSQL. Each becomes the other version while the other node serves.
async fn rolling(new: &Path, old: &Path, seed: u64) -> Outcome {
    let folder = tempfile::tempdir()?;
    let_others_through(folder.path())?;
    let deployment = Deployment::start(&folder.path().join("deployment"), 2, &[]).await?;
    let mut run = Run::begin(deployment.worlds(old)?, seed, Rules::NODES).await?;
    for (node, version) in [(1, new), (0, new), (1, old), (0, old), (1, new)] {
        sleep(LIVES).await;
        change(&mut run, node, version)?;
    }
    sleep(LIVES).await;
    println!("  PostgreSQL: two nodes became this version, the one before it, and one of each");
    let wrong = run.finish().await?;
    drop(deployment);
    verdict(&wrong, folder)
}

/// Opens the same database file with one version after the other.
async fn on_sqlite(new: &Path, old: &Path, seed: u64) -> Outcome {
    let folder = tempfile::tempdir()?;
    let first = world(old, &folder.path().join("world"))?;
    let mut run = Run::begin(vec![first], seed, Rules::ONE).await?;
    for version in [new, old, new] {
        sleep(LIVES).await;
        change(&mut run, 0, version)?;
    }
    sleep(LIVES).await;
    println!("  SQLite: the version before, this one, the one before, this one");
    verdict(&run.finish().await?, folder)
}

/// Stops a node with SIGTERM. It is the other version from its next start on.
fn change(run: &mut Run, node: usize, version: &Path) -> Outcome {
    run.end(node, |server: Program| match server.stop()? {
        true => Ok(()),
        false => Err("a node did not stop cleanly".into()),
    })?;
    run.becomes(node, version)?;
    run.start(node)
}
