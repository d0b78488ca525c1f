//! The released binary as a process of its own, on a free port, with a data folder of its own; ended by its process id.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A running `hallpass serve`. Its log is shown if the test fails.
pub(crate) struct Server {
    /// `http://127.0.0.1:PORT`, as the ready line said; the issuer.
    pub(crate) url: String,
    child: Child,
    folder: TempDir,
}

impl Server {
    /// Starts a server with what `declared` says beside preset, address and data folder, and waits until it is ready.
    pub(crate) fn start(preset: &str, declared: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the data");
        let config = folder.path().join("hallpass.toml");
        let data = folder.path().join("data");
        let server = format!("listen = \"127.0.0.1:0\"\ndata = {data:?}");
        let text = format!("preset = \"{preset}\"\n[server]\n{server}\n{declared}");
        fs::write(&config, text).expect("the configuration is written");
        let log = File::create(folder.path().join("log")).expect("a file for the log");
        let mut child = Command::new(env!("CARGO_BIN_EXE_hallpass"))
            .args(["serve", "--config"])
            .arg(&config)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the server starts");
        let ready = first_line(&mut child, "listening on ");
        let url = ready.unwrap_or_else(|| panic!("the server ended: {}", log_of(folder.path())));
        Self { url, child, folder }
    }

    /// Asks the server to stop, as a service manager does, and checks that it drains and ends well.
    pub(crate) fn stop(mut self) {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(told.expect("kill is there").success());
        let status = self.child.wait().expect("the server is our child");
        assert!(status.success(), "the server ended with {status}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            println!("{}", log_of(self.folder.path()));
        }
    }
}

/// What follows `prefix` on the first line of a program's standard output that has it. The pipe stays open:
/// a program that writes more is not to die of it.
pub(crate) fn first_line(child: &mut Child, prefix: &str) -> Option<String> {
    let mut output = BufReader::new(child.stdout.take()?);
    let found = output
        .by_ref()
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.split_once(prefix).map(|(_, rest)| rest.to_owned()));
    child.stdout = Some(output.into_inner());
    found
}

/// A file of the folder `e2e`, which `cargo xtask test` fills.
pub(crate) fn e2e(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e");
    let path = root.join(path);
    assert!(
        path.exists(),
        "{} is missing: `cargo xtask test` installs it",
        path.display()
    );
    path
}

fn log_of(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}
