//! The resources of a fault: most need a PostgreSQL and a proxy for each node, some a clock, a disk or a standby of their
//! own.

use super::Kind;
use super::disk::Disk;
use super::fault::Fault;
use super::split::{self, Split};
use crate::Outcome;
use crate::nodes::Deployment;
use crate::world::World;
use hallpass_cluster::let_others_through;
use std::fs;
use std::path::{Path, PathBuf};

/// The number of connections that the database allows: enough for the nodes, few for a crowd.
const CONNECTIONS: &str = "max_connections=60";
/// Keeps the database small enough for the small disk.
const SMALL: [&str; 2] = ["max_wal_size=32MB", "min_wal_size=32MB"];
/// Debian's package `faketime`: it changes the time for programs that are linked to the C library.
const FAKETIME: &str = "faketime/libfaketimeMT.so.1";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ground {
    Plain,
    Clocks,
    SmallDisk,
    Split,
}

/// The resources of a run.
pub(super) struct Prepared {
    pub(super) worlds: Vec<World>,
    pub(super) fault: Fault,
}

impl Ground {
    pub(super) const ALL: [Self; 4] = [Self::Plain, Self::Clocks, Self::SmallDisk, Self::Split];

    /// The resources that a fault needs.
    pub(super) fn of(kind: Kind) -> Self {
        match kind {
            Kind::Clock => Self::Clocks,
            Kind::Full => Self::SmallDisk,
            Kind::Split => Self::Split,
            _ => Self::Plain,
        }
    }

    /// Prepares the resources in an empty folder, or returns why they are not available.
    pub(super) async fn prepare(self, folder: &Path, nodes: usize, hallpass: &Path) -> Outcome<Prepared> {
        let_others_through(folder)?;
        let folder = folder.join("deployment");
        let disk = match self {
            Self::SmallDisk => Some(Disk::mount(&folder.join("postgres"))?),
            _ => None,
        };
        let settings = match self {
            Self::Plain => &[CONNECTIONS][..],
            Self::Clocks => &[],
            Self::SmallDisk => &SMALL,
            Self::Split => &split::PRIMARY,
        };
        let deployment = Deployment::start(&folder, nodes, settings).await?;
        let mut worlds = deployment.worlds(hallpass)?;
        let clocks = match self {
            Self::Clocks => clocks(&mut worlds)?,
            _ => Vec::new(),
        };
        let split = match self {
            Self::Split => Some(Split::prepare(&deployment, &folder).await?),
            _ => None,
        };
        let fault = Fault {
            deployment,
            clocks,
            split,
            crowd: None,
            disk,
        };
        Ok(Prepared { worlds, fault })
    }
}

/// Gives each node its own clock. `CLOCK_MONOTONIC`, which nobody can set, stays the machine's.
fn clocks(worlds: &mut [World]) -> Outcome<Vec<PathBuf>> {
    let library = fs::read_dir("/usr/lib")?
        .flatten()
        .map(|entry| entry.path().join(FAKETIME));
    let library = library.into_iter().find(|path| path.exists());
    let library = library.ok_or("libfaketime is not installed (Debian: faketime)")?;
    let mut clocks = Vec::new();
    for world in worlds {
        let clock = world.folder.join("clock");
        fs::write(&clock, "+0s\n")?;
        world.environment("LD_PRELOAD", &library.to_string_lossy());
        world.environment("FAKETIME_TIMESTAMP_FILE", &clock.to_string_lossy());
        world.environment("FAKETIME_NO_CACHE", "1");
        world.environment("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        clocks.push(clock);
    }
    Ok(clocks)
}
