//! `hallpass-lab keeper`: two keepers on one vault are killed at random moments, their answers lost, their vault filled,
//! locked and restored, their provider down for an hour, their clocks wrong. No connection is lost that Hallpass could honour,
//! and no two refreshes of one connection are ever in flight.
//!
//! The keepers are processes of their own, with clocks five minutes before and behind. A proxy before the token endpoint
//! sees every refresh. Each token that a keeper gives is introspected at once, so Hallpass knows it as used: a token that was
//! given before its refresh token was stored would end its grant after the kill.

mod child;
mod crew;
mod home;
pub(crate) mod process;
mod proxy;
mod troubles;

use crate::Outcome;
use crate::postgres::Postgres;
use clap::{Args, ValueEnum};
use crew::Crew;
use home::Vault;
use std::path::PathBuf;
use std::time::Instant;

/// The number of connections.
pub(crate) const CONNECTIONS: usize = 300;

#[derive(Args)]
pub(crate) struct KeeperFaults {
    /// Binary to test against
    #[arg(long, value_name = "PATH")]
    hallpass: PathBuf,
    /// Number of kills for each kind of vault
    #[arg(long, default_value_t = 50)]
    kills: usize,
    /// Seed, to repeat a run
    #[arg(long)]
    seed: Option<u64>,
    /// Run only these
    #[arg(long, value_delimiter = ',')]
    only: Vec<Kind>,
}

/// The kinds of runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Kind {
    /// Kills, with an SQLite vault.
    Sqlite,
    /// Kills, with a PostgreSQL vault.
    Postgres,
    /// The vault is locked by another program.
    Locked,
    /// The disk of the vault is full.
    Full,
    /// The vault is replaced by a copy from before.
    Restored,
    /// The provider does not answer for an hour.
    Down,
}

/// Runs each kind, and checks it.
pub(crate) async fn run(options: KeeperFaults) -> Outcome {
    let seed = options.seed.unwrap_or_else(super::seed_of_now);
    println!(
        "keeper: {} kills, {CONNECTIONS} connections, seed {seed}",
        options.kills
    );
    for kind in Kind::value_variants() {
        if options.only.is_empty() || options.only.contains(kind) {
            one(&options, *kind, seed).await?;
        }
    }
    Ok(())
}

async fn one(options: &KeeperFaults, kind: Kind, seed: u64) -> Outcome {
    let folder = tempfile::tempdir()?;
    let begun = Instant::now();
    println!("  {kind:?}");
    let place = folder.path().join("vault");
    std::fs::create_dir_all(&place)?;
    let disk = match kind {
        Kind::Full => match troubles::SmallDisk::mount(&place) {
            Ok(disk) => Some(disk),
            Err(reason) => {
                // On standard error, so that readers of the log see that it did not run.
                eprintln!("  SKIPPED {kind:?}: {reason}");
                return Ok(());
            }
        },
        _ => None,
    };
    let postgres = match kind {
        Kind::Postgres => Some(Postgres::start(&folder.path().join("postgres"), &["fsync=off"])?),
        _ => None,
    };
    let vault = match &postgres {
        Some(postgres) => Vault::Postgres(postgres.url()),
        None => Vault::Sqlite(place.join("vault.db")),
    };
    let clocks = match kind {
        Kind::Down => crew::BY_HAND,
        _ => crew::WRONG,
    };
    let mut crew = Crew::begin(&options.hallpass, &folder.path().join("world"), vault, clocks, seed).await?;
    let mut wrong = match kind {
        Kind::Sqlite | Kind::Postgres => troubles::kills(&mut crew, options.kills).await?,
        Kind::Locked => troubles::locked(&mut crew, &place.join("vault.db")).await?,
        Kind::Full => troubles::full(&mut crew, &place).await?,
        Kind::Restored => troubles::restored(&mut crew, &place.join("vault.db")).await?,
        Kind::Down => troubles::down(&mut crew).await?,
    };
    wrong.extend(crew.finish().await?);
    println!("    {} s", begun.elapsed().as_secs());
    drop(disk);
    super::verdict(&wrong, folder)
}
