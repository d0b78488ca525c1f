//! Files, folders and sockets that another account may have created, and a database that two servers would use.

use crate::harness::{Ended, Folder};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

/// An account that neither runs the tests nor is root.
const STRANGER: u32 = 65_533;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_everybody_may_write_is_refused_by_name() {
    let folder = Folder::new();
    drop(folder.serve(&[]));
    let refused = |arguments: &[&str], name: &str| {
        let ended = folder.call(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{name}");
        let said = ended.stderr.contains("everybody may write") && ended.stderr.contains(name);
        assert!(said, "{name}: {}", ended.stderr);
    };
    let _server = folder.serve(&[]);
    for (name, mode) in [("", 0o700), ("admin.sock", 0o600)] {
        set_mode(&folder.data(name), mode | 0o006);
        refused(&["user", "set-password", "ada@example.com"], name);
        set_mode(&folder.data(name), mode);
    }
    folder.printed(&["app", "list"]);
    drop(_server);
    for name in ["", "master.key", "hallpass.db"] {
        let path = folder.data(name);
        if !path.exists() {
            continue;
        }
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        set_mode(&path, mode | 0o002);
        refused(&["serve"], name);
        set_mode(&path, mode);
    }
    let configuration = folder.folder.path().join("hallpass.toml");
    set_mode(&configuration, 0o666);
    refused(&["config", "check"], "hallpass.toml");
    folder.printed(&["config", "check", "--config", "hallpass.toml"]);
}

/// Only root can change the owner of files. Another test checks the rule itself, for every account.
#[test]
fn what_belongs_to_another_account_is_refused() {
    let folder = Folder::new();
    drop(folder.serve(&[]));
    if chown(folder.data("master.key"), Some(STRANGER), None).is_err() {
        return;
    }
    let refused = |arguments: &[&str]| {
        let ended = folder.call(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{arguments:?}");
        let said = format!("another account (uid {STRANGER}");
        assert!(ended.stderr.contains(&said), "{arguments:?}: {}", ended.stderr);
    };
    refused(&["serve"]);
    chown(folder.data("master.key"), Some(0), None).unwrap();
    chown(folder.data(""), Some(STRANGER), None).unwrap();
    for arguments in [&["serve"][..], &["migrate"], &["app", "list"]] {
        refused(arguments);
    }
    chown(folder.data(""), Some(0), None).unwrap();
    chown(folder.folder.path().join("hallpass.toml"), Some(STRANGER), None).unwrap();
    for arguments in [&["serve"][..], &["config", "check"], &["app", "list"]] {
        refused(arguments);
    }
}

#[test]
fn a_command_tells_no_password_to_a_strangers_socket() {
    let folder = Folder::new();
    fs::create_dir(folder.data("")).unwrap();
    let listener = UnixListener::bind(folder.data("admin.sock")).unwrap();
    if chown(folder.data("admin.sock"), Some(STRANGER), None).is_err() {
        return;
    }
    let ended = folder.call(&["user", "set-password", "ada@example.com"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("another account"), "{}", ended.stderr);
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nobody connects");
}

#[test]
fn one_database_has_one_server_whatever_the_name_of_its_file() {
    let folder = Folder::new();
    let at = |name: &str| folder.folder.path().join(name);
    fs::create_dir(at("shared")).unwrap();
    let _server = folder.serve(&["--database", &format!("sqlite:{}", at("shared/one.db").display())]);
    symlink(at("shared/one.db"), at("shared/soft.db")).unwrap();
    symlink(at("shared"), at("way")).unwrap();
    for name in ["shared/one.db", "shared/soft.db", "way/one.db"] {
        let database = format!("sqlite:{}", at(name).display());
        let second = folder.call(&["serve", "--data", "other", "--database", &database]);
        assert_eq!((second.code, second.stdout.as_str()), (1, ""), "{name}");
        assert!(
            second.stderr.contains("another server uses the database"),
            "{}",
            second.stderr
        );
    }
}

/// Under another name SQLite does not find the newest commits, which are in a file beside the first name. A server would lose
/// them, and a migration would overwrite the running server's data.
#[test]
fn a_database_with_two_hard_links_is_opened_by_no_command() {
    let folder = Folder::new();
    let at = |name: &str| folder.folder.path().join(name);
    fs::create_dir(at("shared")).unwrap();
    let name = |name: &str| format!("sqlite:{}", at(name).display());
    let mut server = folder.serve(&["--database", &name("shared/one.db")]);
    fs::hard_link(at("shared/one.db"), at("shared/hard.db")).unwrap();
    let refused = |arguments: &[&str], file: &str| {
        let ended = folder.call(&[arguments, &["--data", "other", "--database", &name(file)]].concat());
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{arguments:?}");
        assert!(ended.stderr.contains("has 2 names"), "{arguments:?}: {}", ended.stderr);
    };
    refused(&["serve"], "shared/hard.db");
    refused(&["migrate"], "shared/hard.db");
    refused(&["migrate", "--dry-run"], "shared/hard.db");
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    refused(&["serve"], "shared/hard.db");
    refused(&["serve"], "shared/one.db");
    fs::remove_file(at("shared/hard.db")).unwrap();
    folder.serve(&["--database", &name("shared/one.db")]);
}

/// An account that may write to the folder can put commits beside the database, and SQLite takes them for its own.
#[test]
fn a_database_in_a_folder_of_others_is_refused() {
    let folder = Folder::new();
    let open = folder.folder.path().join("open");
    fs::create_dir(&open).unwrap();
    let database = format!("sqlite:{}", open.join("one.db").display());
    let refused = |said: &str| {
        for command in ["serve", "migrate"] {
            let ended = folder.call(&[command, "--database", &database]);
            assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{command}");
            assert!(ended.stderr.contains(said), "{command}: {}", ended.stderr);
            assert!(!open.join("one.db").exists());
        }
    };
    set_mode(&open, 0o1777);
    refused("everybody may write");
    set_mode(&open, 0o755);
    if chown(&open, Some(STRANGER), None).is_ok() {
        refused("another account");
    }
}

/// Only root can change the owner of links.
#[test]
fn a_strangers_link_is_not_followed() {
    let folder = Folder::new();
    let at = |name: &str| folder.folder.path().join(name);
    fs::rename(at("hallpass.toml"), at("real.toml")).unwrap();
    symlink("real.toml", at("hallpass.toml")).unwrap();
    folder.printed(&["config", "check"]);
    if lchown(at("hallpass.toml"), Some(STRANGER), None).is_err() {
        return;
    }
    let refused = folder.call(&["config", "check"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""));
    assert!(refused.stderr.contains("another account"), "{}", refused.stderr);
}

#[test]
fn a_deep_data_folder_serves_commands() {
    let folder = Folder::new();
    let deep = format!("{}/{}", "d".repeat(100), "e".repeat(100));
    let mut server = folder.serve(&["--data", &deep]);
    assert!(
        folder
            .printed(&["app", "list", "--data", &deep])
            .starts_with("CLIENT ID")
    );
    server.signal("-TERM");
    server.wait_for("ending");
    assert_eq!(server.ended().0, Some(0));
    assert!(!folder.folder.path().join(deep).join("admin.sock").exists());
}

#[test]
fn under_a_umask_of_nothing_files_are_their_owners_only() {
    let folder = Folder::new();
    let mut serve = Command::new("sh");
    serve.args(["-c", "umask 0; exec \"$0\" migrate", env!("CARGO_BIN_EXE_hallpass")]);
    serve
        .current_dir(folder.folder.path())
        .env_remove("HALLPASS_TEST_DATABASE");
    assert_eq!(Ended::of(&serve.output().unwrap()).code, 0);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.data("")), 0o700);
    for entry in fs::read_dir(folder.data("")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}
