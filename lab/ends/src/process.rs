//! Processes that end with their test.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A running program. It ends when dropped; if the test fails, its log is shown.
pub(crate) struct Process {
    child: Child,
    folder: TempDir,
}

impl Process {
    /// Starts `command` and waits for the line that begins with `ready`. Returns the rest of that line.
    pub(crate) fn start(mut command: Command, folder: TempDir, ready: &str) -> (Self, String) {
        let log = File::create(folder.path().join("log")).expect("a file for the log");
        let child = command.stdout(Stdio::piped()).stderr(log).spawn();
        let child = child.unwrap_or_else(|error| panic!("{:?} does not start: {error}", command.get_program()));
        let mut process = Self { child, folder };
        let output = process.child.stdout.take().expect("its output is a pipe");
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let found = lines.find_map(|line| line.strip_prefix(ready).map(str::to_owned));
        // Read to its end, so that the program never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let found = found.unwrap_or_else(|| panic!("{:?} ended: {}", command.get_program(), process.log()));
        (process, found)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            println!("{}", self.log());
        }
    }
}

/// A program of the workspace, which cargo puts beside the folder of the test itself: `hallpass`, `examples/connect`.
///
/// # Panics
/// If it is not built.
pub fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let path = test.parent().and_then(Path::parent).map(|folder| folder.join(name));
    let path = path.expect("cargo runs tests from a folder in the target folder");
    assert!(
        path.exists(),
        "{} is missing: `cargo build --workspace --bins --examples` makes it",
        path.display()
    );
    path
}
