//! `cargo xtask test`: the steps, from the fastest to the slowest. The first failure ends the run.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use crate::faults;
use crate::install;
use crate::peers;
use crate::process::{Outcome, cargo, cargo_command, run as run_program};

struct Step {
    name: &'static str,
    says: &'static str,
    run: fn(&Path) -> Outcome,
}

const STEPS: [Step; 12] = [
    Step {
        name: "format",
        says: "the code is formatted by rustfmt",
        run: |root| cargo(root, &["fmt", "--all", "--check"]),
    },
    Step {
        name: "clippy",
        says: "no target has a warning",
        run: clippy,
    },
    Step {
        name: "deny",
        says: "no banned crate, licence or source",
        run: deny,
    },
    Step {
        name: "unit",
        says: "unit tests, and tests through HTTP",
        run: |root| run_program(&mut tests(root)),
    },
    Step {
        name: "postgres",
        says: "the same on PostgreSQL, and the tests that need PostgreSQL",
        run: postgres,
    },
    Step {
        name: "nodes",
        says: "two and three servers behind nginx: every server knows the changes of the others",
        run: nodes,
    },
    Step {
        name: "proxies",
        says: "an API behind nginx and behind Caddy, which ask Hallpass about each request",
        run: proxies,
    },
    Step {
        name: "faults",
        says: "kills, disk faults and overload, in short",
        run: faults::quick,
    },
    Step {
        name: "clients",
        says: "published OAuth clients of others, with every preset",
        run: clients,
    },
    Step {
        name: "ends",
        says: "the libraries for resource servers and clients, and the keeper, against Hallpass and servers of others",
        run: ends,
    },
    Step {
        name: "schema",
        says: "every answer to Schemathesis matches the OpenAPI document",
        run: schema,
    },
    Step {
        name: "browser",
        says: "the pages, and the sample sites of the handover, used by a person in Chromium",
        run: browser,
    },
];

/// Runs all steps, or those named in `only` (separated by commas), in their order.
pub(crate) fn run(root: &Path, only: Option<&str>) -> ExitCode {
    let steps = match chosen(only) {
        Ok(steps) => steps,
        Err(unknown) => {
            eprintln!("there is no step `{unknown}`; `cargo xtask test --list` shows them");
            return ExitCode::from(2);
        }
    };
    let mut times = Vec::new();
    for step in steps {
        println!("\n== {}: {} ==", step.name, step.says);
        let start = now();
        let outcome = (step.run)(root);
        times.push((step.name, now() - start));
        if let Err(reason) = outcome {
            show(&times);
            eprintln!("\n{}: {reason}", step.name);
            eprintln!("to run this step again: cargo xtask test --only {}", step.name);
            return ExitCode::FAILURE;
        }
    }
    show(&times);
    ExitCode::SUCCESS
}

/// Prints the steps.
pub(crate) fn list() -> ExitCode {
    for step in &STEPS {
        println!("{:8} {}", step.name, step.says);
    }
    ExitCode::SUCCESS
}

fn chosen(only: Option<&str>) -> Result<Vec<&'static Step>, String> {
    let Some(only) = only else {
        return Ok(STEPS.iter().collect());
    };
    let names: Vec<&str> = only.split(',').map(str::trim).collect();
    match names.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        Some(unknown) => Err((*unknown).to_owned()),
        None => Ok(STEPS.iter().filter(|s| names.contains(&s.name)).collect()),
    }
}

/// A plain `cargo test` does not run the tests that need other programs (`test = false`), and so `--all-targets` leaves
/// them out. This always checks the whole workspace: a single package would have other features, and everything below it
/// would be compiled again.
fn clippy(root: &Path) -> Outcome {
    let workspace = ["clippy", "--locked", "--workspace"];
    let strict = ["--", "-D", "warnings"];
    cargo(root, &[&workspace[..], &["--all-targets"], &strict].concat())?;
    // The workspace turns every feature on. Other programs may leave them out.
    let bare = [
        "-p",
        "hallpass-wire",
        "-p",
        "hallpass-client",
        "-p",
        "hallpass-resource",
        "--no-default-features",
    ];
    cargo(root, &[&["clippy", "--locked"], &bare[..], &strict].concat())?;
    let gated = ["clients", "schema", "browser", "nodes", "proxies", "servers", "keeper"];
    let gated: Vec<&str> = gated.iter().flat_map(|target| ["--test", target]).collect();
    cargo(root, &[&workspace[..], &gated, &strict].concat())
}

fn deny(root: &Path) -> Outcome {
    let program = install::cargo_deny(root)?;
    run_program(
        Command::new(program)
            .args(["--locked", "check", "--hide-inclusion-graph"])
            .args(["bans", "licenses", "sources"])
            .current_dir(root),
    )
}

/// The tests of the workspace, twice as many at a time as there are processors: tests wait for a sixth of their time.
fn tests(root: &Path) -> Command {
    let mut command = cargo_command(root);
    command.args(["test", "--locked", "--workspace"]);
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        command.env("RUST_TEST_THREADS", (2 * processors).to_string());
    }
    command
}

/// Runs also the tests that need PostgreSQL in any case, which are ignored elsewhere. The histories of keepers have no database, and
/// `unit` has run them.
fn postgres(root: &Path) -> Outcome {
    install::postgres()?;
    let targets = ["--lib", "--test", "http", "--test", "commands"];
    run_program(
        tests(root)
            .args(targets)
            .args(["--", "--include-ignored", "--skip", "keeper::tests::"])
            .env("HALLPASS_TEST_DATABASE", "postgres"),
    )
}

fn nodes(root: &Path) -> Outcome {
    install::postgres()?;
    install::nginx()?;
    driven(root, "nodes")
}

fn proxies(root: &Path) -> Outcome {
    install::nginx()?;
    install::caddy()?;
    driven(root, "proxies")
}

fn clients(root: &Path) -> Outcome {
    install::python_clients(root)?;
    install::node_packages(root)?;
    install::go_client(root)?;
    install::java_client(root)?;
    install::spring_client(root)?;
    install::php()?;
    driven(root, "clients")
}

/// Needs the binaries too: these tests start `hallpass` and `hallpass-keeper` as processes.
fn ends(root: &Path) -> Outcome {
    peers::install_small(root)?;
    install::php()?;
    install::postgres()?;
    cargo(root, &["build", "--locked", "--workspace", "--bins", "--examples"])?;
    driven(root, "servers")?;
    driven(root, "keeper")
}

fn schema(root: &Path) -> Outcome {
    install::schemathesis(root)?;
    driven(root, "schema")
}

fn browser(root: &Path) -> Outcome {
    install::browser()?;
    install::node_packages(root)?;
    install::sample_sites(root)?;
    driven(root, "browser")
}

fn driven(root: &Path, target: &str) -> Outcome {
    cargo(root, &["test", "--locked", "--workspace", "--test", target])
}

fn show(times: &[(&str, Duration)]) {
    println!();
    for (name, time) in times {
        println!("{name:8} {:>5} s", time.as_secs());
    }
    let total: Duration = times.iter().map(|(_, time)| *time).sum();
    println!("{:8} {:>5} s", "total", total.as_secs());
}

#[expect(clippy::disallowed_methods, reason = "how long a step took is the clock's to say")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::chosen;

    fn names(only: Option<&str>) -> Vec<&'static str> {
        let steps = chosen(only).expect("these steps are known");
        steps.into_iter().map(|step| step.name).collect()
    }

    #[test]
    fn picked_steps_keep_their_order() {
        assert_eq!(names(Some("unit, format")), ["format", "unit"]);
        assert_eq!(names(None).len(), 12);
    }

    #[test]
    fn an_unknown_step_is_named() {
        assert_eq!(chosen(Some("unit,lint")).err().as_deref(), Some("lint"));
    }
}
