//! A program under load: starts it, waits for it, kills it, and measures its use of the machine.

use crate::{Outcome, tree};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// A program started by the lab, and ended by its process id when the value is dropped.
pub(crate) struct Program {
    child: Child,
    /// The address on which it listens.
    pub(crate) address: SocketAddr,
}

impl Program {
    /// Starts a program that prints `listening on http://ADDRESS`, and waits for that line. Its log is appended to the file
    /// `log`, also after restarts.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Outcome<Self> {
        let mut child = spawn(command, log)?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let line = output.lines().map_while(Result::ok).next().unwrap_or_default();
        let address = line
            .split_once("listening on http://")
            .and_then(|(_, address)| address.trim().parse().ok());
        let Some(address) = address else {
            let _ = child.kill();
            let _ = child.wait();
            let log = fs::read_to_string(log).unwrap_or_default();
            let end: Vec<&str> = log.lines().rev().take(5).collect();
            return Err(format!("the program did not start: {line} {end:?}").into());
        };
        Ok(Self { child, address })
    }

    /// Starts a program, and kills it `after` that time, whatever it has done by then.
    pub(crate) fn cut_short(command: &mut Command, log: &Path, after: Duration) -> Outcome {
        let mut child = spawn(command, log)?;
        std::thread::sleep(after);
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Starts a program that will listen at `address`, perhaps not yet when this returns. Its output goes to the file
    /// `log`.
    pub(crate) fn starting(command: &mut Command, address: SocketAddr, log: &Path) -> Outcome<Self> {
        let log = File::options().create(true).append(true).open(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        Ok(Self { child, address })
    }

    /// Its exit status, if it has ended.
    pub(crate) fn ended(&mut self) -> Outcome<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it with SIGKILL, as a power cut would end it.
    pub(crate) fn kill(mut self) -> Outcome {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends it a signal: `STOP`, `CONT`.
    pub(crate) fn signal(&self, name: &str) -> Outcome {
        Ok(hallpass_cluster::signal(self.id(), name)?)
    }

    /// Asks it to end with SIGTERM. Returns whether it ended well.
    pub(crate) fn stop(mut self) -> Outcome<bool> {
        let told = Command::new("kill").args(["-TERM", &self.id().to_string()]).status()?;
        Ok(told.success() && self.child.wait()?.success())
    }

    /// Asks it to end with SIGTERM, and kills it `after` that time.
    pub(crate) fn interrupt(self, after: Duration) -> Outcome {
        Command::new("kill").args(["-TERM", &self.id().to_string()]).status()?;
        std::thread::sleep(after);
        self.kill()
    }

    /// The processor time that it and its child processes have used so far, in user and kernel mode.
    pub(crate) fn cpu(&self) -> Outcome<Duration> {
        tree::cpu(self.id())
    }

    /// Its resident memory in MiB.
    pub(crate) fn resident(&self) -> Outcome<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        Ok(kib.ok_or("no VmRSS")? / 1024.0)
    }
}

fn spawn(command: &mut Command, log: &Path) -> Outcome<Child> {
    let log = File::options().create(true).append(true).open(log)?;
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    Ok(command.spawn()?)
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
