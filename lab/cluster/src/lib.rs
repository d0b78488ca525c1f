//! A PostgreSQL of a test's own: a new cluster on loopback under an unprivileged user, started, killed, started again.
//!
//! It ends with whoever started it, also where that is killed: a cluster that outlives its test would keep the port and the
//! disk. Debian's package `postgresql` has the programs.
#![allow(
    clippy::disallowed_methods,
    reason = "what drives a real database waits on real time"
)]

mod account;
mod bouncer;
mod certificates;
mod ports;
mod schema;
mod session;

pub use account::{hand_over, let_others_through, unprivileged};
pub use bouncer::Bouncer;
pub use certificates::Certificates;
pub use ports::free_port;
pub use schema::{Schema, folder_of_test, tests_run_on_postgres};
use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// Where Debian's package has its programs, by major version.
const PROGRAMS: &str = "/usr/lib/postgresql";
/// How long it may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// What functions here answer: a reason has one reader.
pub type Outcome<T = ()> = Result<T, String>;

/// A running cluster with the database `postgres` of the user `postgres`, who needs no password.
pub struct Cluster {
    folder: PathBuf,
    port: u16,
    settings: Vec<String>,
    postmaster: Option<Ended>,
}

/// A process that ends with this one, and how it is ended and waited for.
struct Ended {
    id: u32,
    waited: Receiver<io::Result<ExitStatus>>,
    /// Dropped, the thread that the process hangs on goes on to its end.
    _alive: Sender<()>,
}

impl Cluster {
    /// Makes a cluster in a folder that is not there yet, and starts it with these settings (`fsync=off`) beside
    /// PostgreSQL's defaults.
    ///
    /// # Errors
    /// Where PostgreSQL is not installed or does not start.
    pub fn start(folder: &Path, settings: &[&str]) -> Outcome<Self> {
        fs::create_dir_all(folder).map_err(text)?;
        hand_over(folder)?;
        let mut initdb = unprivileged(&programs()?.join("initdb"))?;
        initdb
            .arg("--pgdata")
            .arg(folder.join("data"))
            .args(["--username", "postgres"]);
        initdb.args([
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            "--no-instructions",
        ]);
        let said = initdb.output().map_err(text)?;
        if !said.status.success() {
            return Err(String::from_utf8_lossy(&said.stderr).into_owned());
        }
        Self::run(folder, settings)
    }

    /// Makes a standby of this cluster, in a folder that is not there yet, and starts it: it follows what is committed here,
    /// which it reaches by the port `way`.
    ///
    /// # Errors
    /// Where the copy cannot be made or does not start.
    pub fn standby(&self, folder: &Path, way: u16, settings: &[&str]) -> Outcome<Self> {
        fs::create_dir_all(folder).map_err(text)?;
        hand_over(folder)?;
        let mut copy = unprivileged(&programs()?.join("pg_basebackup"))?;
        copy.arg("--pgdata").arg(folder.join("data"));
        copy.args(["--host", "127.0.0.1", "--port", &way.to_string()]);
        copy.args([
            "--username",
            "postgres",
            "--checkpoint",
            "fast",
            "--write-recovery-conf",
        ]);
        let said = copy.output().map_err(text)?;
        match said.status.success() {
            true => Self::run(folder, settings),
            false => Err(String::from_utf8_lossy(&said.stderr).into_owned()),
        }
    }

    fn run(folder: &Path, settings: &[&str]) -> Outcome<Self> {
        let mut cluster = Self {
            folder: folder.to_owned(),
            port: free_port()?,
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            postmaster: None,
        };
        cluster.resume()?;
        Ok(cluster)
    }

    /// Starts it again after [`Cluster::kill`] or [`Cluster::stop`]; one that runs goes on.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn resume(&mut self) -> Outcome {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.postmaster.is_none() {
                self.postmaster = Some(self.spawn()?);
            }
            if self.is_ready()? {
                return Ok(());
            }
            if self.postmaster.as_ref().is_some_and(Ended::has_ended) {
                // What it was before may still be going down.
                self.postmaster = None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(format!("PostgreSQL did not start; see {}", self.log().display()))
    }

    /// Ends it without a word, as a crash does, with every process of its own: one whose postmaster is gone answers what it is
    /// asked at that moment.
    ///
    /// # Errors
    /// Where it cannot be told.
    pub fn kill(&mut self) -> Outcome {
        let own = self.id().map(children).unwrap_or_default();
        self.end("KILL")?;
        for &id in &own {
            // Most have ended by themselves.
            drop(signal(id, "KILL"));
        }
        let begun = Instant::now();
        while own.iter().any(|id| Path::new(&format!("/proc/{id}")).exists()) {
            if begun.elapsed() > PATIENCE {
                return Err("a process of PostgreSQL does not end".to_owned());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Ends it as an operator does who does not wait for clients.
    ///
    /// # Errors
    /// Where it cannot be told.
    pub fn stop(&mut self) -> Outcome {
        self.end("INT")
    }

    /// Sends a signal to the postmaster alone: `STOP`, `CONT`, `HUP`.
    ///
    /// # Errors
    /// Where it does not run.
    pub fn signal(&self, name: &str) -> Outcome {
        let id = self.id().ok_or("it does not run")?;
        signal(id, name)
    }

    /// The address of one of its databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// The port that it listens on, also after it was started again.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id of the postmaster, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.postmaster.as_ref().map(|process| process.id)
    }

    /// Its folder; below it, `data` is PostgreSQL's own.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it says.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// Says who may connect and how, in the words of `pg_hba.conf`, from now on.
    ///
    /// # Errors
    /// Where it cannot be told.
    pub fn admit(&self, lines: &str) -> Outcome {
        fs::write(self.folder.join("data/pg_hba.conf"), lines).map_err(text)?;
        self.signal("HUP")
    }

    /// Runs statements with `psql` in one of its databases; answers rows as lines, columns between `|`.
    ///
    /// # Errors
    /// What PostgreSQL says.
    pub fn sql(&self, database: &str, statements: &str) -> Outcome<String> {
        let mut psql = Command::new(programs()?.join("psql"));
        psql.args([
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set",
            "ON_ERROR_STOP=1",
        ]);
        psql.args(["--dbname", &self.url(database), "--command", statements]);
        let said = psql.output().map_err(text)?;
        match said.status.success() {
            true => Ok(String::from_utf8_lossy(&said.stdout).trim_end().to_owned()),
            false => Err(String::from_utf8_lossy(&said.stderr).into_owned()),
        }
    }

    fn is_ready(&self) -> Outcome<bool> {
        if TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], self.port))).is_err() {
            return Ok(false);
        }
        let mut asked = Command::new(programs()?.join("pg_isready"));
        asked.args(["--quiet", "--dbname", &self.url("postgres")]);
        Ok(asked.status().map_err(text)?.success())
    }

    fn spawn(&self) -> Outcome<Ended> {
        let mut command = unprivileged(&programs()?.join("postgres"))?;
        command
            .arg("-D")
            .arg(self.folder.join("data"))
            .args(["-p", &self.port.to_string()]);
        command.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log())
            .map_err(text)?;
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(text)?)
            .stderr(log);
        Ended::spawn(command)
    }

    fn end(&mut self, name: &str) -> Outcome {
        self.postmaster.take().map_or(Ok(()), |process| process.end(name))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.end("QUIT"));
        drop(fs::remove_dir_all(&self.folder));
    }
}

impl Ended {
    /// The system ends a process with the thread that started it, so that thread stays.
    fn spawn(mut command: Command) -> Outcome<Self> {
        let ((started, start), (ended, waited), (alive, gone)) = (channel(), channel(), channel::<()>());
        std::thread::spawn(move || {
            let child: io::Result<Child> = command.spawn();
            let id = child.as_ref().map(Child::id).map_err(|error| error.to_string());
            drop(started.send(id));
            if let Ok(mut child) = child {
                drop(ended.send(child.wait()));
            }
            let _ = gone.recv();
        });
        let id = start.recv().map_err(text)??;
        Ok(Self {
            id,
            waited,
            _alive: alive,
        })
    }

    fn has_ended(&self) -> bool {
        self.waited.try_recv().is_ok()
    }

    /// Sends it a signal, and waits for its end.
    fn end(&self, name: &str) -> Outcome {
        signal(self.id, name)?;
        let waited = self.waited.recv_timeout(PATIENCE).map_err(text)?;
        waited.map(drop).map_err(text)
    }
}

/// The processes that a process has started.
fn children(id: u32) -> Vec<u32> {
    let listed = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    listed.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

/// Sends a signal to a process by its id.
///
/// # Errors
/// Where it is not there.
pub fn signal(id: u32, name: &str) -> Outcome {
    let told = Command::new("kill")
        .args([&format!("-{name}"), &id.to_string()])
        .status();
    match told.map_err(text)?.success() {
        true => Ok(()),
        false => Err(format!("process {id} cannot be sent {name}")),
    }
}

/// The folder of the programs of the newest PostgreSQL that is installed.
///
/// # Errors
/// Where none is.
pub fn programs() -> Outcome<PathBuf> {
    let versions = fs::read_dir(PROGRAMS).map_err(|_| "PostgreSQL is not installed (Debian: postgresql)")?;
    let major = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.flatten().map(|entry| entry.path()).max_by_key(major);
    Ok(newest
        .ok_or("PostgreSQL is not installed (Debian: postgresql)")?
        .join("bin"))
}

/// Which PostgreSQL that is, such as `15.18`.
#[must_use]
pub fn version() -> String {
    let said = programs().and_then(|folder| {
        let said = Command::new(folder.join("postgres")).arg("--version").output();
        said.map_err(text)
    });
    let said = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
    let version = said
        .ok()
        .and_then(|said| Some(said.split_whitespace().nth(2)?.to_owned()));
    version.unwrap_or_else(|| "of an unknown version".to_owned())
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests;
