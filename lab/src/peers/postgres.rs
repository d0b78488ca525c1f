//! A PostgreSQL of a server's own: a new cluster with PostgreSQL's defaults, on loopback, under an unprivileged user.

use super::peer::free_address;
use crate::Outcome;
use crate::process::Program;
use std::fs::{self, File, Permissions};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Whom Debian's package makes for it. PostgreSQL refuses to run as root.
const USER: &str = "postgres";
/// Where Debian's package has its programs, by major version.
const PROGRAMS: &str = "/usr/lib/postgresql";
/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running cluster with one database, `postgres`, of the user `postgres`, who needs no password.
pub(super) struct Postgres {
    program: Program,
    /// What it says of itself.
    pub(super) version: String,
}

impl Postgres {
    /// Makes a cluster in a folder and starts it.
    pub(super) async fn start(folder: &Path) -> Outcome<Self> {
        let programs = programs()?;
        let data = folder.join("postgres");
        fs::create_dir_all(&data)?;
        hand_over(&data)?;
        let mut initdb = unprivileged(&programs.join("initdb"))?;
        initdb.arg("--pgdata").arg(&data).args(["--username", USER]);
        initdb.args(["--auth", "trust", "--encoding", "UTF8", "--no-instructions"]);
        let said = initdb.output()?;
        if !said.status.success() {
            return Err(String::from_utf8_lossy(&said.stderr).into_owned().into());
        }
        let address = free_address()?;
        let mut command = unprivileged(&programs.join("postgres"))?;
        command.arg("-D").arg(&data).args(["-p", &address.port().to_string()]);
        command.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
        let program = Program::starting(&mut command, address, &folder.join("postgres.log"))?;
        listening(address).await?;
        let version = Command::new(programs.join("postgres")).arg("--version").output()?;
        let version = String::from_utf8(version.stdout)?;
        let version = version.split_whitespace().nth(2).unwrap_or("?").to_owned();
        Ok(Self { program, version })
    }

    /// The port that it listens on.
    pub(super) fn port(&self) -> String {
        self.program.address.port().to_string()
    }

    /// The processor time that it has used so far.
    pub(super) fn cpu(&self) -> Outcome<Duration> {
        self.program.cpu()
    }

    /// Its memory in MiB.
    pub(super) fn memory(&self) -> Outcome<f64> {
        crate::tree::memory(self.program.id())
    }

    /// Ends it; whoever uses it must have ended before.
    pub(super) fn stop(self) -> Outcome {
        self.program.stop().map(drop)
    }
}

/// Lets another user reach what lies in a folder, without seeing what that is.
pub(super) fn let_others_through(folder: &Path) -> Outcome {
    Ok(fs::set_permissions(folder, Permissions::from_mode(0o711))?)
}

/// The newest that is installed.
fn programs() -> Outcome<PathBuf> {
    let versions = fs::read_dir(PROGRAMS).map_err(|_| "PostgreSQL is not installed")?;
    let major = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.flatten().map(|entry| entry.path()).max_by_key(major);
    Ok(newest.ok_or("PostgreSQL is not installed")?.join("bin"))
}

fn unprivileged(program: &Path) -> Outcome<Command> {
    if !root()? {
        return Ok(Command::new(program));
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", USER, "--regid", USER, "--clear-groups"])
        .arg(program);
    Ok(command)
}

fn hand_over(folder: &Path) -> Outcome {
    if !root()? {
        return Ok(());
    }
    let id = |what: &str| -> Outcome<u32> {
        let said = Command::new("id").args([what, USER]).output()?;
        Ok(String::from_utf8(said.stdout)?.trim().parse()?)
    };
    Ok(chown(folder, Some(id("-u")?), Some(id("-g")?))?)
}

fn root() -> Outcome<bool> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(File::open("/proc/self")?.metadata()?.uid() == 0)
}

async fn listening(address: SocketAddr) -> Outcome {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if TcpStream::connect(address).is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err("PostgreSQL did not start; see its log".into())
}
