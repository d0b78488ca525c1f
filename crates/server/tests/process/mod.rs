//! Runs the released binary as a separate process, on a free port, with its own data folder. It is ended by its process id.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

#[path = "../database/mod.rs"]
mod database;

use database::Database;

/// A running `hallpass serve`. Its log is shown if the test fails.
pub(crate) struct Server {
    /// `http://localhost:PORT`, the issuer of a server without `public_url`.
    pub(crate) url: String,
    child: Child,
    folder: TempDir,
    _database: Option<Database>,
}

impl Server {
    /// Starts a server with the configuration `declared` in addition to preset, address and data folder. Waits until it is ready.
    pub(crate) fn start(preset: &str, declared: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the data");
        let config = folder.path().join("hallpass.toml");
        let data = folder.path().join("data");
        let server = format!("listen = \"127.0.0.1:0\"\ndata = {data:?}");
        let database = Database::at(data.join("hallpass.db"));
        let text = format!("preset = \"{preset}\"\n[server]\n{server}\n{declared}");
        fs::write(&config, text).expect("the configuration is written");
        let log = File::create(folder.path().join("log")).expect("a file for the log");
        let mut child = hallpass()
            .args(["serve", "--config"])
            .arg(&config)
            .args(database.named().map(|url| format!("--database={url}")))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the server starts");
        let ready = first_line(&mut child, "listening on ");
        let url = ready.unwrap_or_else(|| panic!("the server ended: {}", log_of(folder.path())));
        Self {
            url: url.replace("127.0.0.1", "localhost"),
            child,
            folder,
            _database: Some(database),
        }
    }

    /// Asks the server to stop, as a service manager does, and checks that it drains and ends with success.
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

/// A running `hallpass demo`, on free ports.
#[allow(dead_code, reason = "not every test that shares this module needs it")]
pub(crate) struct Demo {
    /// The address of the sample third-party app.
    pub(crate) app: String,
    /// The address of the connected-apps page.
    pub(crate) connected_apps: String,
    server: Server,
}

#[allow(dead_code, reason = "not every test that shares this module needs it")]
impl Demo {
    /// Starts the demo of a preset, and reads the addresses that it prints.
    pub(crate) fn start(preset: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the log");
        let log = File::create(folder.path().join("log")).expect("a file for the log");
        let mut child = hallpass()
            .args(["demo", "--preset", preset])
            .args([
                "--listen",
                "127.0.0.1:0",
                "--api-listen",
                "127.0.0.1:0",
                "--app-listen",
                "127.0.0.1:0",
            ])
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the demo starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output is a pipe"))
            .lines()
            .map_while(Result::ok);
        let mut address = |what: &str| {
            let line = lines.find(|line| line.contains(what));
            let line = line.unwrap_or_else(|| panic!("no {what}: {}", log_of(folder.path())));
            line.split_whitespace().next().unwrap_or_default().to_owned()
        };
        let app = address("start here");
        let url = address(", the server");
        let connected_apps = address("connected apps");
        // Read to its end, so that the demo never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            app,
            connected_apps,
            server: Server {
                url,
                child,
                folder,
                _database: None,
            },
        }
    }

    /// Asks the demo to stop, and checks that it ends with success.
    pub(crate) fn stop(self) {
        self.server.stop();
    }
}

/// The binary. It would refuse the environment variable of the tests, so that is removed.
fn hallpass() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
    command.env_remove("HALLPASS_TEST_DATABASE");
    command
}

/// The text after `prefix` on the first line of a program's standard output that begins with it. The pipe stays open: otherwise
/// the program would fail when it writes more.
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
