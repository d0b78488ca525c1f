//! `cargo xtask fuzz`: each target of the folder `fuzz` for some time, from the corpus that is kept.
//!
//! What is new goes into `target/fuzz/corpus`, what fails into `target/fuzz/found`. Without a sanitizer, for the code has no
//! `unsafe` to watch: so it needs no nightly compiler.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::install;
use crate::process::{Outcome, run as run_program};

/// How long a target runs where nothing else is said.
const SECONDS: u32 = 60;
/// No request is longer than this for its kind; long inputs only make a run slow.
const LONGEST: &str = "-max_len=4096";

/// Runs what the words after `cargo xtask fuzz` say.
pub(crate) fn command(root: &Path, words: &[&str]) -> ExitCode {
    let (seconds, targets) = match words {
        ["--seconds", number, targets @ ..] => (number.parse().ok(), targets),
        targets => (Some(SECONDS), targets),
    };
    let outcome = match seconds {
        Some(seconds) => run(root, seconds, targets),
        None => Err("--seconds wants a number".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("fuzz: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// Runs `targets`, or all of them, for `seconds` each. The first that finds something ends it.
pub(crate) fn run(root: &Path, seconds: u32, targets: &[&str]) -> Outcome {
    let all = names(root)?;
    if let Some(unknown) = targets.iter().find(|target| all.iter().all(|name| name != *target)) {
        return Err(format!("there is no target `{unknown}`; there are {}", all.join(", ")));
    }
    let cargo_fuzz = install::cargo_fuzz(root)?;
    // What is tried is what ships: the versions of the workspace, and libFuzzer's beside them.
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
