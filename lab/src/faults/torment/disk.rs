//! A small disk, for a database that runs out of space.

use crate::Outcome;
use crate::faults::disk::fault::{fill, program};
use std::fs;
use std::path::{Path, PathBuf};

const SIZE: &str = "size=160m";

/// A small disk, which is unmounted when the value is dropped.
pub(super) struct Disk(PathBuf);

impl Disk {
    pub(super) fn mount(folder: &Path) -> Outcome<Self> {
        fs::create_dir_all(folder)?;
        program("mount", &["-t", "tmpfs", "-o", SIZE, "tmpfs"], folder)?;
        Ok(Self(folder.to_owned()))
    }

    /// Fills the disk.
    pub(super) fn fill(&self) -> Outcome {
        fill(&self.filler())
    }

    /// Frees the disk.
    pub(super) fn empty(&self) -> Outcome {
        Ok(fs::remove_file(self.filler())?)
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = program("umount", &[], &self.0);
    }
}
