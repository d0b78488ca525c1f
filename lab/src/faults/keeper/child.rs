//! The keeper processes of a run, and what they print.

use super::home::Vault;
use crate::Outcome;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Instant;
use tokio::sync::mpsc::UnboundedSender;

/// A token that a process was about to use.
pub(super) struct Given {
    pub(super) connection: String,
    pub(super) access: String,
    /// When the process said so, and for how many milliseconds from then on the token was good.
    pub(super) at: Instant,
    pub(super) left: i64,
}

/// A running keeper process.
pub(super) struct Keeping {
    child: Child,
    input: ChildStdin,
}

/// How to start one.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) vault: Vault,
    pub(super) endpoint: String,
    /// Milliseconds by which its clock is wrong.
    pub(super) off: i64,
    /// Whether it never compares its clock with the vault's.
    pub(super) alone: bool,
}

impl Keeping {
    /// Starts a process, whose tokens go to `given`.
    pub(super) fn start(plan: &Plan, seed: u64, given: UnboundedSender<Given>) -> Outcome<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("keeper-process")
            .args(["--vault", &plan.vault.text(), "--endpoint", &plan.endpoint])
            .args(["--off", &plan.off.to_string(), "--seed", &seed.to_string()])
            .args(plan.alone.then_some("--alone"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().ok_or("no input")?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let mut words = line.split(' ').skip(1);
                let (Some(connection), Some(left), Some(access)) = (words.next(), words.next(), words.next()) else {
                    continue;
                };
                let said = Given {
                    connection: connection.to_owned(),
                    access: access.to_owned(),
                    at: Instant::now(),
                    left: left.parse().unwrap_or(0),
                };
                if given.send(said).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, input })
    }

    /// Moves its clock.
    pub(super) fn advance(&mut self, millis: i64) -> Outcome {
        writeln!(self.input, "advance {millis}")?;
        Ok(())
    }

    /// Whether it still runs.
    pub(super) fn runs(&mut self) -> Outcome<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Kills it, as a power cut would end it.
    pub(super) fn kill(mut self) -> Outcome {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
