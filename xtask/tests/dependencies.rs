//! The list of dependencies justifies itself: every crate that the workspace names has its line, and every line its crate.

use std::collections::BTreeSet;

const MANIFEST: &str = include_str!("../../Cargo.toml");
const LIST: &str = include_str!("../../docs/decisions/dependencies.md");

#[test]
fn every_dependency_has_its_line() {
    let section = MANIFEST.split("[workspace.dependencies]").nth(1).expect("the section");
    let named: BTreeSet<&str> = section
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.contains("path ="))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name)
        .collect();
    let listed: BTreeSet<&str> = LIST
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split_once('`'))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(named, listed);
}
