//! Files that another account could have put there, or can change, stop every command before it reads or stores a token.
#![allow(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

const COMMANDS: [&str; 3] = ["import", "check", "serve"];
const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const CONFIG: &str = r#"[serve]
socket = "keeper.sock"
[vault]
url = "sqlite:data/keeper.db"
key_file = "keeper.key"
[providers.shop]
authorize = "https://id.example/authorize"
token = "https://id.example/token"
client_id = "x"
"#;

/// A folder with a configuration that can be used.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("data")).unwrap();
    mode(&path("data"), 0o755);
    for (name, text, bits) in [("hallpass-keeper.toml", CONFIG, 0o644), ("keeper.key", KEY, 0o600)] {
        fs::write(path(name), text).unwrap();
        mode(&path(name), bits);
    }
    folder
}

fn mode(path: &Path, bits: u32) {
    fs::set_permissions(path, Permissions::from_mode(bits)).unwrap();
}

/// Whether the command succeeds, and what it says.
fn run(folder: &TempDir, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass-keeper"));
    let command = command.args(arguments).current_dir(folder).stdin(Stdio::null());
    let output = command.output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(told).unwrap())
}

fn assert_refused(folder: &TempDir, fault: &str) {
    for command in COMMANDS {
        let (is_done, told) = run(folder, &[command]);
        assert!(!is_done && told.contains(fault), "{command}: {told}");
    }
}

/// Gives a file to another account, which only root can do.
fn give(path: &Path) -> bool {
    chown(path, Some(12_345), None).is_ok()
}

#[test]
fn files_of_this_account_are_used() {
    let folder = folder();
    for command in ["import", "check"] {
        let (is_done, told) = run(&folder, &[command]);
        assert!(is_done, "{command}: {told}");
    }
}

#[test]
fn a_configuration_that_others_may_have_written_is_used_only_if_it_is_named() {
    let folder = folder();
    let config = folder.path().join("hallpass-keeper.toml");
    mode(&config, 0o666);
    assert_refused(&folder, "everybody may write hallpass-keeper.toml");
    assert_refused(&folder, "or name the file by --config");
    let (is_done, told) = run(&folder, &["--config", "hallpass-keeper.toml", "check"]);
    assert!(is_done, "{told}");
    mode(&config, 0o644);
    if give(&config) {
        assert_refused(&folder, "hallpass-keeper.toml belongs to another account (uid 12345");
    }
}

#[test]
fn a_key_of_another_account_is_refused() {
    let folder = folder();
    if give(&folder.path().join("keeper.key")) {
        assert_refused(&folder, "keeper.key belongs to another account");
    }
}

#[test]
fn a_database_that_others_may_change_is_refused() {
    let folder = folder();
    let data = folder.path().join("data");
    mode(&data, 0o1777);
    assert_refused(&folder, "everybody may write data");
    assert_refused(&folder, "or write `sqlite:data/keeper/keeper.db`");
    mode(&data, 0o755);
    let database = data.join("keeper.db");
    assert!(!database.exists());
    fs::write(&database, "").unwrap();
    mode(&database, 0o666);
    assert_refused(&folder, "everybody may write data/keeper.db");
    mode(&database, 0o600);
    for path in [&database, &data] {
        if give(path) {
            assert_refused(&folder, "belongs to another account");
        }
    }
}

/// A volume of a container is often open to everybody.
#[test]
fn a_missing_folder_of_the_database_is_made_for_this_account_alone() {
    let folder = folder();
    let data = folder.path().join("data");
    mode(&data, 0o777);
    let config = folder.path().join("hallpass-keeper.toml");
    fs::write(&config, CONFIG.replace("data/keeper.db", "data/keeper/keeper.db")).unwrap();
    let own = data.join("keeper");
    let (is_done, told) = run(&folder, &["check"]);
    assert!(is_done && !own.exists(), "{told}");
    let (is_done, told) = run(&folder, &["import"]);
    assert!(is_done, "{told}");
    assert_eq!(fs::metadata(&own).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(own.join("keeper.db").exists());
    fs::write(&config, CONFIG.replace("data/keeper.db", "data/none/none/keeper.db")).unwrap();
    assert_refused(&folder, "data/none");
}

#[test]
fn the_folder_behind_a_link_to_a_database_is_checked_too() {
    let (folder, other) = (folder(), tempfile::tempdir().unwrap());
    let target = other.path().join("keeper.db");
    fs::write(&target, "").unwrap();
    symlink(&target, folder.path().join("data/keeper.db")).unwrap();
    assert!(run(&folder, &["check"]).0);
    mode(other.path(), 0o1777);
    assert_refused(&folder, "everybody may write");
}

#[test]
fn a_database_with_two_names_is_refused() {
    let folder = folder();
    let database = folder.path().join("data/keeper.db");
    fs::write(&database, "").unwrap();
    fs::hard_link(&database, folder.path().join("data/other.db")).unwrap();
    assert_refused(&folder, "data/keeper.db has several names (hard links)");
}
