//! A PostgreSQL for a single test: a new cluster on loopback under an unprivileged user, which can be killed and started
//! again.
//!
//! The cluster ends with the process that started it, even if that is killed: otherwise it would keep the port and the disk
//! space. Debian's package `postgresql` has the programs.
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

/// The folder of the programs in Debian's package, by major version.
const PROGRAMS: &str = "/usr/lib/postgresql";
/// How long PostgreSQL may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// The result of the functions here. The error is a text for the person who runs the test.
pub type Outcome<T = ()> = Result<T, String>;

/// A running cluster with the database `postgres`, for the user `postgres` without a password.
pub struct Cluster {
    folder: PathBuf,
    port: u16,
    settings: Vec<String>,
    postmaster: Option<Ended>,
}

/// A process that ends with this one. It can be ended and waited for.
struct Ended {
    id: u32,
    waited: Receiver<io::Result<ExitStatus>>,
    /// When dropped, lets the thread end on which the process depends.
    _alive: Sender<()>,
}

impl Cluster {
    /// Creates a cluster in a new folder and starts it with PostgreSQL's defaults, `fsync=off` and these settings.
    ///
    /// # Errors
    /// If PostgreSQL is not installed or does not start.
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

    /// Creates a standby of this cluster in a new folder and starts it. The standby follows this cluster, which it reaches
    /// at the port `way`.
    ///
    /// # Errors
    /// If the copy fails or the standby does not start.
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

    /// Starts the cluster again after [`Cluster::kill`] or [`Cluster::stop`]. Does nothing if it runs.
    ///
    /// # Errors
    /// If PostgreSQL does not start.
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
                // The process from before may still be ending.
                self.postmaster = None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(format!("PostgreSQL did not start; see {}", self.log().display()))
    }

    /// Kills the cluster as a crash does, with all of its processes: a backend without a postmaster could still answer.
    ///
    /// # Errors
    /// If no signal can be sent.
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

    /// Stops the cluster as an operator does, without waiting for clients.
    ///
    /// # Errors
    /// If no signal can be sent.
    pub fn stop(&mut self) -> Outcome {
        self.end("INT")
    }

    /// Sends a signal to the postmaster only: `STOP`, `CONT`, `HUP`.
    ///
    /// # Errors
    /// If the cluster does not run.
    pub fn signal(&self, name: &str) -> Outcome {
        let id = self.id().ok_or("the cluster does not run")?;
        signal(id, name)
    }

    /// The URL of one of its databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// The port that the cluster listens on. It stays the same over restarts.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id of the postmaster. `None` if it does not run.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.postmaster.as_ref().map(|process| process.id)
    }

    /// The folder of the cluster. PostgreSQL's own data is in `data` below it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The log file.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// Replaces `pg_hba.conf`, which decides who may connect and how, and reloads it.
    ///
    /// # Errors
    /// If the file cannot be written or no signal can be sent.
    pub fn admit(&self, lines: &str) -> Outcome {
        fs::write(self.folder.join("data/pg_hba.conf"), lines).map_err(text)?;
        self.signal("HUP")
    }

    /// Runs statements with `psql` in one of its databases. Returns rows as lines, with columns between `|`.
    ///
    /// # Errors
    /// The error of PostgreSQL.
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
    /// The system ends a process together with the thread that started it, so that thread stays alive.
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

    /// Sends the process a signal, and waits for its end.
    fn end(&self, name: &str) -> Outcome {
        signal(self.id, name)?;
        let waited = self.waited.recv_timeout(PATIENCE).map_err(text)?;
        waited.map(drop).map_err(text)
    }
}

/// The child processes of a process.
fn children(id: u32) -> Vec<u32> {
    let listed = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    listed.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

/// Sends a signal to a process by its id.
///
/// # Errors
/// If there is no such process.
pub fn signal(id: u32, name: &str) -> Outcome {
    let told = Command::new("kill")
        .args([&format!("-{name}"), &id.to_string()])
        .status();
    match told.map_err(text)?.success() {
        true => Ok(()),
        false => Err(format!("failed to send {name} to process {id}")),
    }
}

/// The folder with the programs of the newest installed PostgreSQL.
///
/// # Errors
/// If no PostgreSQL is installed.
pub fn programs() -> Outcome<PathBuf> {
    let versions = fs::read_dir(PROGRAMS).map_err(|_| "PostgreSQL is not installed (Debian: postgresql)")?;
    let major = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.flatten().map(|entry| entry.path()).max_by_key(major);
    Ok(newest
        .ok_or("PostgreSQL is not installed (Debian: postgresql)")?
        .join("bin"))
}

/// The version of that PostgreSQL, such as `15.18`.
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
