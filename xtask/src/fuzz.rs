//! `cargo xtask fuzz`: runs each target of the folder `fuzz` for some time, starting from the stored corpus.
//!
//! New inputs go into `target/fuzz/corpus`, failing inputs into `target/fuzz/found`. There is no sanitizer, because the
//! code has no `unsafe`; so no nightly compiler is needed.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::install;
use crate::process::{Outcome, run as run_program};

/// How long a target runs by default.
const SECONDS: u32 = 60;
/// The longest input: no request of its kind is longer, and long inputs only slow a run down.
const LONGEST: &str = "-max_len=4096";

/// Runs the words after `cargo xtask fuzz`.
pub(crate) fn command(root: &Path, words: &[&str]) -> ExitCode {
    let (seconds, targets) = match words {
        ["--seconds", number, targets @ ..] => (number.parse().ok(), targets),
        targets => (Some(SECONDS), targets),
    };
    let outcome = match seconds {
        Some(seconds) => run(root, seconds, targets),
        None => Err("--seconds needs a number".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("fuzz: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// Runs `targets`, or all of them, for `seconds` each. The first failure ends the run.
pub(crate) fn run(root: &Path, seconds: u32, targets: &[&str]) -> Outcome {
    let all = names(root)?;
    if let Some(unknown) = targets.iter().find(|target| all.iter().all(|name| name != *target)) {
        return Err(format!("there is no target `{unknown}`; there are {}", all.join(", ")));
    }
    let cargo_fuzz = install::cargo_fuzz(root)?;
    // Fuzzes the versions that ship: those of the workspace, with libFuzzer's added.
    let lock = root.join("fuzz/Cargo.lock");
    fs::copy(root.join("Cargo.lock"), lock).map_err(|error| error.to_string())?;
    for name in all
        .iter()
        .filter(|name| targets.is_empty() || targets.contains(&name.as_str()))
    {
        println!("\n== {name}: {seconds} s ==");
        target(root, &cargo_fuzz, name, seconds)?;
    }
    Ok(())
}

fn target(root: &Path, cargo_fuzz: &Path, name: &str, seconds: u32) -> Outcome {
    let work = root.join("target/fuzz");
    let (corpus, found) = (work.join("corpus").join(name), work.join("found"));
    for folder in [&corpus, &found] {
        fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    }
    let mut command = Command::new(cargo_fuzz);
    command
        .args(["run", "--sanitizer", "none", "--fuzz-dir"])
        .arg(root.join("fuzz"))
        .arg("--target-dir")
        .arg(&work)
        .arg(name)
        .arg(corpus)
        .arg(root.join("fuzz/corpus").join(name))
        .args(["--", LONGEST, "-timeout=20", "-print_final_stats=1"])
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", found.display()))
        .current_dir(root);
    let dictionary = root.join("fuzz/dictionaries").join(format!("{name}.dict"));
    if dictionary.exists() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    run_program(&mut command)
}

/// The targets, by their files.
fn names(root: &Path) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(root.join("fuzz/fuzz_targets")).map_err(|error| error.to_string())?;
    let paths = entries.flatten().map(|entry| entry.path());
    let mut names: Vec<String> = paths
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}
