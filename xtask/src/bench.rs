//! `cargo xtask bench …` and `cargo xtask faults …`: build the release server and the lab, and run the lab.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::process::{Outcome, cargo, run};
use crate::{install, peers};

/// Runs the bench. The words after `bench` go to the lab unchanged. With `--peers`, compares with other authorization
/// servers.
pub(crate) fn bench(root: &Path, options: &[&str]) -> ExitCode {
    let measured = if options.contains(&"--peers") {
        beside_peers(root, options)
    } else {
        install::postgres().and_then(|()| built(root)?.run("bench", options))
    };
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn beside_peers(root: &Path, options: &[&str]) -> Outcome {
    let installed = peers::install(root)?;
    let installed = installed.to_string_lossy();
    let others = options.iter().copied().filter(|option| *option != "--peers");
    let options: Vec<&str> = ["--installed", &installed].into_iter().chain(others).collect();
    built(root)?.run("peers", &options)
}

/// The lab and the server that it tests, as release builds.
pub(crate) struct Lab {
    folder: PathBuf,
}

/// Builds both.
pub(crate) fn built(root: &Path) -> Result<Lab, String> {
    let packages = ["--package", "hallpass", "--package", "hallpass-lab"];
    cargo(root, &[&["build", "--release", "--locked"], &packages[..]].concat())?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let folder = target.join("release");
    Ok(Lab { folder })
}

impl Lab {
    /// Runs one of the lab's commands against the server.
    pub(crate) fn run(&self, command: &str, options: &[&str]) -> Outcome {
        run(Command::new(self.folder.join("hallpass-lab"))
            .arg(command)
            .arg("--hallpass")
            .arg(self.folder.join("hallpass"))
            .args(options))
    }
}
