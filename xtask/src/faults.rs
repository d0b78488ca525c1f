//! `cargo xtask faults`: kills, disk faults and overload, long enough to trust the result.
//!
//! The quick form is a step of `cargo xtask test`, with the test binaries. The long form uses release builds. Every run
//! prints its seed, and every driver is limited in time.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::fuzz;
use crate::install;
use crate::previous;
use crate::process::{Outcome, cargo, run as run_program};

/// The options of `cargo xtask faults`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options<'a> {
    kills: &'a str,
    seed: Option<&'a str>,
    only: Option<&'a str>,
}

/// A part of the long form.
struct Part {
    name: &'static str,
    run: fn(&Path, &Options<'_>) -> Outcome,
}

const PARTS: [Part; 9] = [
    Part {
        name: "kill",
        run: |root, options| {
            let seed = options.seed.map(|seed| ["--seed", seed]);
            let seed = seed.as_ref().map_or(&[][..], |words| &words[..]);
            lab(root, "release", "kill", &[&["--times", options.kills], seed].concat())
        },
    },
    Part {
        name: "keeper",
        run: |root, options| {
            let seed = options.seed.map(|seed| ["--seed", seed]);
            let seed = seed.as_ref().map_or(&[][..], |words| &words[..]);
            lab(root, "release", "keeper", &[&["--kills", options.kills], seed].concat())
        },
    },
    Part {
        name: "disk",
        run: |root, options| {
            let seed = options.seed.map(|seed| ["--seed", seed]);
            let seed = seed.as_ref().map_or(&[][..], |words| &words[..]);
            lab(root, "release", "disk", &[&["--rounds", "5"], seed].concat())
        },
    },
    Part {
        name: "overload",
        run: |root, _| {
            install::faults()?;
            let on = |store| lab(root, "release", "overload", &["--store", store]);
            on("sqlite").and_then(|()| on("postgres"))
        },
    },
    Part {
        name: "torment",
        run: |root, options| {
            install::faults()?;
            let seed = options.seed.map(|seed| ["--seed", seed]);
            let seed = seed.as_ref().map_or(&[][..], |words| &words[..]);
            let several = |nodes| {
                lab(
                    root,
                    "release",
                    "torment",
                    &[&["--rounds", "5", "--nodes", nodes], seed].concat(),
                )
            };
            several("2").and_then(|()| several("3"))
        },
    },
    Part {
        name: "upgrade",
        run: |root, options| {
            install::faults()?;
            let seed = options.seed.map(|seed| ["--seed", seed]);
            let seed = seed.as_ref().map_or(&[][..], |words| &words[..]);
            upgrade(root, "release", seed)
        },
    },
    Part {
        name: "ha",
        run: |root, options| {
            install::high_availability()?;
            let seed = options.seed.map(|seed| ["--seed", seed]);
            let seed = seed.as_ref().map_or(&[][..], |words| &words[..]);
            lab(root, "release", "ha", seed)
        },
    },
    Part {
        name: "model",
        run: |root, _| model(root),
    },
    Part {
        name: "fuzz",
        run: |root, _| fuzz::run(root, 60, &[]),
    },
];

impl<'a> Options<'a> {
    /// Parses the words after `cargo xtask faults`. `None` if they are not valid.
    pub(crate) fn read(words: &[&'a str]) -> Option<Self> {
        let mut options = Self {
            kills: "1000",
            seed: None,
            only: None,
        };
        let number = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        for pair in words.chunks(2) {
            match pair {
                ["--kills", count] if number(count) => options.kills = count,
                ["--seed", seed] if number(seed) => options.seed = Some(seed),
                ["--only", names] => options.only = Some(names),
                _ => return None,
            }
        }
        let known = |name: &str| PARTS.iter().any(|part| part.name == name);
        options
            .only
            .is_none_or(|names| names.split(',').all(known))
            .then_some(options)
    }
}

/// Runs the long form.
pub(crate) fn run(root: &Path, options: &Options<'_>) -> ExitCode {
    let wanted = |name: &str| options.only.is_none_or(|names| names.split(',').any(|one| one == name));
    if wanted("upgrade") {
        previous::build(root, "release");
    }
    let built = cargo(
        root,
        &[
            "build",
            "--locked",
            "--release",
            "--package",
            "hallpass",
            "--package",
            "hallpass-lab",
        ],
    );
    let outcome = built.and_then(|()| {
        PARTS.iter().filter(|part| wanted(part.name)).try_for_each(|part| {
            println!("\n== {} ==", part.name);
            (part.run)(root, options)
        })
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("\n{reason}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the quick form with the binaries of `cargo test`: 50 kills, each disk fault once, a second of overload, a few
/// faults of several nodes, and the version before this one.
pub(crate) fn quick(root: &Path) -> Outcome {
    install::faults()?;
    previous::build(root, "debug");
    cargo(root, &["build", "--locked", "--workspace", "--bins"])?;
    lab(root, "debug", "kill", &["--times", "50", "--seconds", "60"])?;
    lab(root, "debug", "keeper", &["--kills", "30", "--only", "sqlite,locked"])?;
    lab(root, "debug", "disk", &[])?;
    lab(root, "debug", "overload", &["--quick"])?;
    lab(root, "debug", "torment", &["--most", "4"])?;
    upgrade(root, "debug", &["--one-in", "8"])
}

/// Runs the upgrade, with the version before this one if there is one.
fn upgrade(root: &Path, profile: &str, words: &[&str]) -> Outcome {
    let previous = previous::built(root, profile);
    let previous = previous.as_ref().map(|path| ["--previous", path.as_str()]);
    let previous = previous.as_ref().map_or(&[][..], |words| &words[..]);
    lab(root, profile, "upgrade", &[previous, words].concat())
}

/// Runs the model test with many more cases than in the test run. The test prints its seed.
fn model(root: &Path) -> Outcome {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let words = ["test", "--locked", "--workspace", "--test", "http", "model"];
    run_program(
        Command::new(cargo)
            .args(words)
            .env("HALLPASS_MODEL_CASES", "2000")
            .current_dir(root),
    )
}

fn lab(root: &Path, profile: &str, command: &str, words: &[&str]) -> Outcome {
    let folder = root.join("target").join(profile);
    run_program(
        Command::new(folder.join("hallpass-lab"))
            .arg(command)
            .arg("--hallpass")
            .arg(folder.join("hallpass"))
            .args(words),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_or_refused() {
        let read = Options::read(&["--kills", "7", "--only", "kill,disk"]).expect("understood");
        assert_eq!((read.kills, read.seed, read.only), ("7", None, Some("kill,disk")));
        for words in [
            &["--kills"][..],
            &["--kills", "many"],
            &["--only", "kil"],
            &["--seeds", "1"],
        ] {
            assert_eq!(Options::read(words), None, "{words:?}");
        }
    }
}
