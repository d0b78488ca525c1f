//! PgBouncer in front of a cluster, in transaction mode.

use crate::{Cluster, Ended, Outcome, free_port, hand_over, text, unprivileged};
use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The path of the program in Debian's package.
const PROGRAM: &str = "/usr/sbin/pgbouncer";
/// How long PgBouncer may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running PgBouncer with transaction pooling, for the user `postgres` without a password.
pub struct Bouncer {
    port: u16,
    process: Ended,
}

impl Bouncer {
    /// Starts PgBouncer in a new folder, with at most `pool_size` connections to each database of `cluster`.
    ///
    /// # Errors
    /// If PgBouncer is not installed or does not start.
    pub fn start(cluster: &Cluster, folder: &Path, pool_size: usize) -> Outcome<Self> {
        if !Path::new(PROGRAM).exists() {
            return Err("PgBouncer is not installed (Debian: pgbouncer)".to_owned());
        }
        fs::create_dir_all(folder).map_err(text)?;
        hand_over(folder)?;
        let port = free_port()?;
        let settings = settings(cluster.port(), port, folder, pool_size)?;
        let log = File::create(folder.join("log")).map_err(text)?;
        let mut command = unprivileged(Path::new(PROGRAM))?;
        command
            .arg(&settings)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(text)?)
            .stderr(log);
        let process = Ended::spawn(command)?;
        let bouncer = Self { port, process };
        let begun = Instant::now();
        while TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).is_err() {
            if begun.elapsed() > PATIENCE || bouncer.process.has_ended() {
                return Err(fs::read_to_string(folder.join("log")).map_err(text)?);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(bouncer)
    }

    /// The URL of one of the cluster's databases, through PgBouncer.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        // Not QUIT: PgBouncer ignores it if a shell started the tests in the background.
        drop(self.process.end("KILL"));
    }
}

/// Writes the configuration.
fn settings(cluster: u16, port: u16, folder: &Path, pool_size: usize) -> Outcome<PathBuf> {
    let users = folder.join("users");
    fs::write(&users, "\"postgres\" \"\"\n").map_err(text)?;
    let file = folder.join("pgbouncer.ini");
    let users = users.display();
    let settings = format!(
        "[databases]\n* = host=127.0.0.1 port={cluster}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         unix_socket_dir =\nauth_type = trust\nauth_file = {users}\npool_mode = transaction\n\
         default_pool_size = {pool_size}\nmax_client_conn = 200\n"
    );
    fs::write(&file, settings).map_err(text)?;
    Ok(file)
}
