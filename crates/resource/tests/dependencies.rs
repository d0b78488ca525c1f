//! How many crates an API takes in with this library.
#![allow(clippy::expect_used, reason = "a test ends where an expectation fails")]

use std::collections::BTreeSet;
use std::process::Command;

/// The crates that `cargo tree` names with these options, without this one.
fn crates(options: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--prefix", "none", "--edges", "normal"])
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .args(options)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let named = text.lines().map(|line| line.trim_end_matches(" (*)").to_owned());
    named.filter(|name| !name.starts_with("hallpass-resource ")).collect()
}

#[test]
fn the_library_takes_in_few_crates() {
    for (options, most) in [(&[][..], 65), (&["--no-default-features"], 45), (&["--depth", "1"], 9)] {
        let crates = crates(options);
        assert!(crates.len() <= most, "{options:?}: {}: {crates:#?}", crates.len());
        assert!(crates.len() > 5, "{options:?}: {crates:?}");
    }
}
