//! `hallpass init`: the files that it writes, and those that it leaves unchanged.

use crate::harness::{Ended, Folder};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

const FILES: [&str; 4] = [
    "hallpass.toml",
    "operator.password",
    "orders-api.secret",
    "first-app.secret",
];

/// A folder in which nothing is configured.
fn empty() -> Folder {
    let folder = Folder::new();
    fs::remove_file(path(&folder, "hallpass.toml")).unwrap();
    folder
}

fn path(folder: &Folder, name: &str) -> PathBuf {
    folder.folder.path().join(name)
}

fn init(folder: &Folder) -> Ended {
    folder.call(&["init"])
}

fn content(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}

#[test]
fn init_writes_a_configuration_that_starts_and_names_the_next_three_commands() {
    let folder = empty();
    let printed = folder.printed(&["init"]);
    let next: Vec<_> = printed.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    assert_eq!(next.len(), 3, "{printed}");
    assert_eq!((next[0], next[1]), ("hallpass config check", "hallpass serve"));
    for name in FILES {
        assert!(printed.contains(&format!("wrote {name}\n")), "{printed}");
        let mode = fs::metadata(path(&folder, name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let checked = folder.call(&["config", "check"]);
    assert_eq!(
        (checked.code, checked.stdout.as_str(), checked.stderr.as_str()),
        (0, "ok: preset default, then hallpass.toml\n", "")
    );
    let secrets: Vec<_> = FILES[1..].iter().map(|name| content(&path(&folder, name))).collect();
    assert!(secrets.iter().all(|secret| secret.trim_end().len() == 43));
    assert!(secrets[0] != secrets[1] && secrets[1] != secrets[2]);
}

/// An existing configuration may name other files, so new secrets would be useless.
#[test]
fn init_writes_nothing_where_there_is_a_configuration() {
    let folder = empty();
    for is_link in [false, true] {
        let file = path(&folder, "hallpass.toml");
        match is_link {
            false => fs::write(&file, "# mine\n").unwrap(),
            true => symlink("nowhere", &file).unwrap(),
        }
        let refused = init(&folder);
        assert_eq!((refused.code, refused.stdout.as_str()), (1, ""));
        assert_eq!(
            refused.stderr,
            "hallpass.toml already exists: nothing was written. Run `hallpass init` in another folder\n"
        );
        assert!(FILES[1..].iter().all(|name| !path(&folder, name).exists()));
        if !is_link {
            assert_eq!(content(&file), "# mine\n");
        }
        fs::remove_file(&file).unwrap();
    }
}

#[test]
fn a_secret_that_exists_is_used_as_it_is() {
    let folder = empty();
    folder.write("operator.password", "correct horse\n");
    restrict(&path(&folder, "operator.password"), 0o600);
    let printed = folder.printed(&["init"]);
    assert!(
        printed.starts_with("operator.password already exists: it is used as it is\nwrote orders-api.secret\n"),
        "{printed}"
    );
    assert_eq!(content(&path(&folder, "operator.password")), "correct horse\n");
    assert_eq!(folder.call(&["config", "check"]).code, 0);
}

/// Another account may have created the secret, or may know it.
#[test]
fn a_secret_that_others_can_read_or_that_is_empty_is_refused() {
    for (text, mode) in [("correct horse\n", 0o644), ("correct horse\n", 0o622), ("", 0o600)] {
        let folder = empty();
        folder.write("operator.password", text);
        restrict(&path(&folder, "operator.password"), mode);
        let failed = folder.call(&["init"]);
        assert_eq!(failed.code, 1, "{mode:o}");
        assert!(failed.stderr.contains("operator.password"), "{}", failed.stderr);
        assert!(!path(&folder, "hallpass.toml").exists());
    }
}

fn restrict(file: &Path, mode: u32) {
    fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
}

/// The next `init` would take half a secret for a whole one.
#[test]
fn a_file_that_cannot_be_written_whole_is_removed() {
    let folder = empty();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 0 && exec \"$0\" init", env!("CARGO_BIN_EXE_hallpass")]);
    let failed = Ended::of(&command.current_dir(folder.folder.path()).output().unwrap());
    assert_eq!(failed.code, 1, "{}", failed.stderr);
    assert!(
        failed.stderr.starts_with("cannot write operator.password: "),
        "{}",
        failed.stderr
    );
    assert!(FILES.iter().all(|name| !path(&folder, name).exists()));
}

/// The samples are run by tests of their own, so what is printed works.
#[test]
fn init_for_a_site_writes_the_section_and_prints_the_page_of_the_sample() {
    for (language, sample) in [
        ("php", "php/connect.php"),
        ("django", "django/market/connect.py"),
        ("express", "express/connect.js"),
        ("flask", "flask/connect.py"),
        ("rails", "rails/connect_controller.rb"),
    ] {
        let folder = empty();
        let printed = folder.printed(&["init", "--site", language]);
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/handover");
        assert!(printed.contains(&content(&samples.join(sample))), "{printed}");
        assert!(
            printed.contains("wrote handover.secret\nwrote hallpass.toml\n"),
            "{printed}"
        );
        let shown = folder.printed(&["config", "show"]);
        assert!(
            shown.contains("url = \"http://localhost:9500/connect/sign-in\""),
            "{shown}"
        );
        assert!(shown.contains("reach = \"partner\""), "{shown}");
    }
}

#[test]
fn init_for_a_site_leaves_an_existing_configuration_and_prints_the_section() {
    let folder = empty();
    folder.write("hallpass.toml", "# mine\n");
    let printed = folder.printed(&["init", "--site", "flask"]);
    assert!(
        printed.starts_with("wrote handover.secret\nhallpass.toml already exists: it is left as it is."),
        "{printed}"
    );
    assert!(printed.contains("\n[handover]\nurl = "), "{printed}");
    assert_eq!(content(&path(&folder, "hallpass.toml")), "# mine\n");
    let unknown = folder.call(&["init", "--site", "cobol"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (2, ""));
}
