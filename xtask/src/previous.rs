//! The commit before this one, built, to run beside it: `target/previous/COMMIT-PROFILE`.
//!
//! It is built once for each commit, in a working tree of git's beside this one, with the same target folder: what both
//! versions depend on is compiled once. Whoever builds this one afterwards compiles the workspace's own crates again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::install::copy;
use crate::process::{Outcome, output, run};

/// Builds it, unless that was done. Where it cannot be had, as in a copy without history, this says so, and goes on.
pub(crate) fn build(root: &Path, profile: &str) {
    let Some((commit, binary)) = place(root, profile) else {
        eprintln!("there is no commit before this one: upgrades are not tried");
        return;
    };
    if binary.exists() {
        return;
    }
    println!("building the commit before this one, once: {commit}");
    if let Err(reason) = compile(root, profile, &commit, &binary) {
        eprintln!("the commit before this one cannot be built, upgrades are not tried: {reason}");
    }
}

/// Where it is, if it was built.
pub(crate) fn built(root: &Path, profile: &str) -> Option<String> {
    let (_, binary) = place(root, profile)?;
    binary.exists().then(|| binary.to_string_lossy().into_owned())
}

fn place(root: &Path, profile: &str) -> Option<(String, PathBuf)> {
    let commit = output("git", &["-C", &root.to_string_lossy(), "rev-parse", "HEAD~1"])?;
    let binary = root.join("target/previous").join(format!("{commit}-{profile}"));
    Some((commit, binary))
}

fn compile(root: &Path, profile: &str, commit: &str, binary: &Path) -> Outcome {
    let folder = root.join("target/previous");
    let source = folder.join("source");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let git = || {
        let mut command = Command::new("git");
        command.arg("-C").arg(root).args(["worktree"]);
        command
    };
    if source.exists() {
        run(git().args(["remove", "--force"]).arg(&source))?;
    }
    run(git().arg("prune"))?;
    run(git().args(["add", "--quiet", "--detach"]).arg(&source).arg(commit))?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--locked", "--package", "hallpass", "--bin", "hallpass"]);
    if profile == "release" {
        build.arg("--release");
    }
    build.arg("--target-dir").arg(root.join("target"));
    run(build.current_dir(&source))?;
    copy(&root.join("target").join(profile).join("hallpass"), binary)?;
    run(git().args(["remove", "--force"]).arg(&source))
}
