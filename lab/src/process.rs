//! A program under load: started, waited for, killed, and what it used of the machine.

use crate::Outcome;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A program of the lab's own, ended by its process id when this is dropped.
pub(crate) struct Program {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Program {
    /// Starts a program whose standard output says `listening on http://ADDRESS`, and waits for that line. Its log goes
    /// to the file `log`, which grows over restarts.
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
            return Err(format!("it did not start: {line} {end:?}").into());
        };
        Ok(Self { child, address })
    }

    /// Starts a program and ends it without a word `after` that, however far it has come by then.
    pub(crate) fn cut_short(command: &mut Command, log: &Path, after: Duration) -> Outcome {
        let mut child = spawn(command, log)?;
        std::thread::sleep(after);
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it without a word (SIGKILL), as a power cut does to a process.
    pub(crate) fn kill(mut self) -> Outcome {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end (SIGTERM), and whether it ended well.
    pub(crate) fn stop(mut self) -> Outcome<bool> {
        let told = Command::new("kill").args(["-TERM", &self.id().to_string()]).status()?;
        Ok(told.success() && self.child.wait()?.success())
    }

    /// Asks it to end (SIGTERM) and ends it without a word `after` that.
    pub(crate) fn interrupt(self, after: Duration) -> Outcome {
        Command::new("kill").args(["-TERM", &self.id().to_string()]).status()?;
        std::thread::sleep(after);
        self.kill()
    }

    /// The processor time that it has used so far, of all its threads, in user and kernel mode.
    pub(crate) fn cpu(&self) -> Outcome<Duration> {
        // Nanoseconds by thread: /proc/PID/stat counts in hundredths of a second only.
        let mut used = Duration::ZERO;
        for task in fs::read_dir(format!("/proc/{}/task", self.id()))? {
            let stat = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
            let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok());
            used += Duration::from_nanos(nanos.unwrap_or(0));
        }
        Ok(used)
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
