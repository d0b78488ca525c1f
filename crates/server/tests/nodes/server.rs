//! One server of several, as a process that can be suspended and woken. It is ended by its process id.

use hallpass_cluster::signal;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A running `hallpass serve`. Its log is shown if the test fails.
pub(crate) struct Server {
    /// `http://127.0.0.1:PORT`, on which it listens.
    pub(crate) address: String,
    data: PathBuf,
    child: Child,
    _output: BufReader<ChildStdout>,
}

/// A server that was started and is not ready yet.
pub(crate) struct Starting {
    data: PathBuf,
    child: Child,
}

impl Starting {
    /// Starts a server in its own data folder.
    pub(crate) fn spawn(config: &Path, data: &Path, database: &str) -> Self {
        fs::create_dir_all(data).unwrap();
        let log = File::create(data.join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_hallpass"))
            .args(["serve", "--listen", "127.0.0.1:0", "--database", database, "--config"])
            .arg(config)
            .arg("--data")
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let data = data.to_owned();
        Self { data, child }
    }

    /// Waits until the server is ready. The error is its log, if it ends before that.
    pub(crate) fn ready(mut self) -> Result<Server, String> {
        let mut output = BufReader::new(self.child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let Some(address) = line.trim_end().strip_prefix("listening on ") else {
            self.child.wait().unwrap();
            return Err(log_of(&self.data));
        };
        Ok(Server {
            address: address.to_owned(),
            data: self.data,
            child: self.child,
            _output: output,
        })
    }
}

impl Server {
    /// Sends it a signal: `STOP`, `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.id(), name).unwrap();
    }

    /// Runs an operator's command against it.
    pub(crate) fn command(&self, words: &[&str]) -> serde_json::Value {
        let (noun, rest) = words.split_first().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_hallpass"))
            .args([*noun, "--json", "--data"])
            .arg(&self.data)
            .args(rest)
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {error}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            println!("{}: {}", self.address, log_of(&self.data));
        }
    }
}

fn log_of(data: &Path) -> String {
    fs::read_to_string(data.join("log")).unwrap_or_default()
}
