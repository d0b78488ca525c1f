//! A keeper with connections, and what the browser needs of the machine.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

const SECRET: &str = "shop-secret-0123456789abcdef01234567";
const CONFIG: &str = r#"
[serve]
listen = "127.0.0.1:0"
[vault]
url = "sqlite:keeper.db"
key_file = "keeper.key"
[[programs]]
name = "shop"
secret_file = "shop.secret"
providers = ["warehouse"]
[providers.warehouse]
client_id = "app"
token = "http://127.0.0.1:9/token"
"#;

/// A running keeper. It ends when dropped.
pub(crate) struct Keeper {
    child: Child,
    _folder: TempDir,
    address: String,
}

impl Keeper {
    /// Starts a keeper that has taken over these lines.
    pub(crate) fn start(lines: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
        write("shop.secret", SECRET);
        write("keeper.key", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
        write("hallpass-keeper.toml", CONFIG);
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(folder.path().join("keeper.key"), private).expect("permissions");
        let mut import = program(&folder, "import")
            .stdin(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut input = import.stdin.take().expect("its input is a pipe");
        input.write_all(lines.as_bytes()).expect("it reads");
        drop(input);
        assert!(import.wait().expect("it ends").success());
        // What cannot be refreshed needs its user from now on.
        assert!(program(&folder, "keep").status().expect("it ends").success());
        let mut child = program(&folder, "serve")
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let address = first_line(&mut child, "listening on http://").expect("the keeper is ready");
        Self {
            child,
            _folder: folder,
            address,
        }
    }

    /// An address with the credentials of a program.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://shop:{SECRET}@{}{path}", self.address)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn program(folder: &TempDir, command: &str) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_hallpass-keeper"));
    program.arg(command).current_dir(folder.path());
    program
}

/// Waits for the line of a process with this text. Returns what follows the text.
pub(crate) fn first_line(child: &mut Child, text: &str) -> Option<String> {
    let mut output = BufReader::new(child.stdout.take()?);
    let lines = output.by_ref().lines().map_while(Result::ok);
    let found = lines
        .filter_map(|line| line.split_once(text).map(|(_, rest)| rest.to_owned()))
        .next();
    child.stdout = Some(output.into_inner());
    found
}

/// A file of the folder `e2e`, which `cargo xtask test` fills.
pub(crate) fn e2e(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e").join(path);
    let name = path.display();
    assert!(
        path.exists(),
        "{name} is missing: `cargo xtask test --only browser` installs it"
    );
    path
}
