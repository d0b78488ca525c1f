//! Begins and ends each fault. Some faults need root; without it, the reason is printed.

use super::Kind;
use crate::Outcome;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// The size of the disk to be filled: room for the database and some of its log.
const SIZE: &str = "size=96m";

/// A prepared fault.
pub(super) struct Fault {
    kind: Kind,
    /// Where a small disk is mounted.
    mounted: Option<PathBuf>,
    /// The connection that holds the lock.
    holder: Mutex<Option<rusqlite::Connection>>,
}

impl Fault {
    /// Prepares the fault in an empty folder.
    pub(super) fn prepare(kind: Kind, folder: &Path) -> Outcome<Self> {
        let mut fault = Self {
            kind,
            mounted: None,
            holder: Mutex::new(None),
        };
        if kind == Kind::Full {
            program("mount", &["-t", "tmpfs", "-o", SIZE, "tmpfs"], folder)?;
            fault.mounted = Some(folder.to_owned());
        }
        if kind == Kind::Readonly {
            let file = folder.join("immutable");
            fs::write(&file, "")?;
            program("chattr", &["+i"], &file)?;
            program("chattr", &["-i"], &file)?;
        }
        Ok(fault)
    }

    /// Begins the fault.
    pub(super) fn begin(&self, data: &Path) -> Outcome {
        let database = data.join("hallpass.db");
        match self.kind {
            Kind::Full => fill(&data.join("filler")),
            // A mount with files open for writing cannot become read-only. A file can, even for a process that has it open.
            Kind::Readonly => files(data).iter().try_for_each(|file| program("chattr", &["+i"], file)),
            Kind::Locked => {
                let holder = rusqlite::Connection::open(&database)?;
                holder.busy_timeout(std::time::Duration::from_secs(10))?;
                holder.execute_batch("BEGIN IMMEDIATE")?;
                self.hold(Some(holder));
                Ok(())
            }
            Kind::Replaced | Kind::Absent => {
                fs::rename(&database, data.join("elsewhere.db"))?;
                if self.kind == Kind::Replaced {
                    fs::write(&database, "")?;
                }
                Ok(())
            }
        }
    }

    /// Ends the fault.
    pub(super) fn end(&self, data: &Path) -> Outcome {
        match self.kind {
            Kind::Full => fs::remove_file(data.join("filler"))?,
            Kind::Readonly => files(data)
                .iter()
                .try_for_each(|file| program("chattr", &["-i"], file))?,
            Kind::Locked => self.hold(None),
            Kind::Replaced | Kind::Absent => fs::rename(data.join("elsewhere.db"), data.join("hallpass.db"))?,
        }
        Ok(())
    }

    fn hold(&self, holder: Option<rusqlite::Connection>) {
        *self.holder.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = holder;
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        if let Some(folder) = &self.mounted {
            let _ = program("umount", &[], folder);
        }
    }
}

/// The database file and its write-ahead log.
fn files(data: &Path) -> Vec<PathBuf> {
    let names = ["hallpass.db", "hallpass.db-wal"];
    names
        .iter()
        .map(|name| data.join(name))
        .filter(|file| file.exists())
        .collect()
}

/// Fills the disk.
pub(in crate::faults) fn fill(path: &Path) -> Outcome {
    let mut file = File::create(path)?;
    for size in [1 << 20, 4096, 1] {
        let block = vec![0_u8; size];
        while file.write_all(&block).is_ok() {}
    }
    Ok(())
}

/// Runs a program to its end.
pub(in crate::faults) fn program(name: &str, arguments: &[&str], path: &Path) -> Outcome {
    let output = Command::new(name).args(arguments).arg(path).output()?;
    if output.status.success() {
        Ok(())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{name}: {}", said.trim()).into())
    }
}
