//! A folder with a configuration, and the binary that runs in it.

use crate::database::Database;
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use tempfile::TempDir;

/// A folder with a configuration and a data folder, and commands that are called in it.
pub(crate) struct Folder {
    pub(crate) folder: TempDir,
    _database: Database,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::empty_at(folder.path().join("data/hallpass.db"));
        let url = database.named().map(|url| format!("[store]\nurl = {url:?}"));
        let configured = format!(
            r#"
            [server]
            listen = "127.0.0.1:0"
            data = "data"
            {}
            [[users]]
            email = "ada@example.com"
            name = "Ada"
            "#,
            url.unwrap_or_default()
        );
        let folder = Self {
            folder,
            _database: database,
        };
        folder.write("hallpass.toml", &configured);
        folder
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        fs::write(self.folder.path().join(name), content).unwrap();
    }

    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join("data").join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
        command.args(arguments).current_dir(self.folder.path());
        // It would warn of the variable.
        command.env_remove("HALLPASS_TEST_DATABASE");
        command
    }

    pub(crate) fn call(&self, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(arguments).output().unwrap())
    }

    /// The output of a command that must succeed.
    pub(crate) fn printed(&self, arguments: &[&str]) -> String {
        let ended = self.call(arguments);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{arguments:?}");
        ended.stdout
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let printed = self.printed(&[arguments, &["--json"]].concat());
        assert_eq!(printed.lines().count(), 1, "{printed}");
        serde_json::from_str(&printed).unwrap()
    }

    pub(crate) fn serve(&self, options: &[&str]) -> Serving {
        Serving::start(self.command(&[&["serve"], options].concat()))
    }

    /// A server whose files may have at most this number of blocks of 512 bytes (1,024 if `sh` is bash).
    pub(crate) fn serve_within(&self, blocks: u32) -> Serving {
        let mut command = Command::new("sh");
        let script = format!("ulimit -f {blocks} && exec \"$0\" serve");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_hallpass")]);
        command
            .current_dir(self.folder.path())
            .env_remove("HALLPASS_TEST_DATABASE");
        Serving::start(command)
    }
}

/// The result of a command.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            code: output.status.code().unwrap(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

/// A running server.
pub(crate) struct Serving {
    pub(crate) child: Child,
    pub(crate) stdout: BufReader<std::process::ChildStdout>,
    pub(crate) stderr: BufReader<ChildStderr>,
    pub(crate) address: String,
}

impl Serving {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let address = line
            .strip_prefix("listening on http://")
            .map(|rest| rest.trim_end().to_owned());
        let mut serving = Self {
            child,
            stdout,
            stderr,
            address: String::new(),
        };
        serving.address = address.unwrap_or_else(|| panic!("{line:?}, then {}", serving.log()));
        serving
    }

    pub(crate) fn signal(&self, name: &str) {
        let told = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(told.unwrap().success());
    }

    /// Reads the log up to a line with this text.
    pub(crate) fn wait_for(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(
                self.stderr.read_line(&mut line).unwrap(),
                0,
                "the log ends without {text:?}"
            );
        }
    }

    pub(crate) fn log(&mut self) -> String {
        let mut log = String::new();
        self.stderr.read_to_string(&mut log).unwrap();
        log
    }

    /// Waits for the end. Returns the exit code and the rest of the output.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }

    /// A request whose body has not been sent yet.
    pub(crate) fn half_a_request(&self) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 13\r\nExpect: 100-continue\r\n\
                    Content-Type: application/x-www-form-urlencoded\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        // The server now waits for the body, so the request is open.
        let mut interim = [0; 25];
        stream.read_exact(&mut interim).unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
