//! The list of dependencies justifies itself: every crate that the workspace names has its line, and every line its crate.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const WORKSPACE: &str = include_str!("../../Cargo.toml");
const LIST: &str = include_str!("../../docs/decisions/dependencies.md");

#[test]
fn every_dependency_has_its_line() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut named = named(WORKSPACE, &["[workspace.dependencies]"]);
    // A library names the crates itself from which it wants fewer features than the workspace.
    for folder in fs::read_dir(root.join("crates")).expect("the crates") {
        let manifest = folder.expect("a folder").path().join("Cargo.toml");
        let text = fs::read_to_string(&manifest).expect("a manifest");
        named.extend(self::named(&text, &["[dependencies]", "[dev-dependencies]"]));
    }
    let listed: BTreeSet<String> = LIST
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split_once('`'))
        .map(|(name, _)| name.to_owned())
        .collect();
    assert_eq!(named, listed);
}

/// The names of the crates of others in these sections of a manifest.
fn named(manifest: &str, sections: &[&str]) -> BTreeSet<String> {
    let mut inside = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = sections.contains(&line);
        }
        let name = line
            .split_once(" = ")
            .map(|(name, _)| name.trim_end_matches(".workspace"));
        names.extend(
            name.filter(|name| inside && !name.starts_with("hallpass") && !line.starts_with('#'))
                .map(str::to_owned),
        );
    }
    names
}
