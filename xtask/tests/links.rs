//! What the documents link to exists.
#![allow(clippy::expect_used, reason = "a test ends where an expectation fails")]

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn no_document_links_into_the_void() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut documents = Vec::new();
    for folder in ["", "docs", "docs/decisions", "docs/guide", "examples/handover"] {
        documents.extend(documents_in(&root.join(folder)));
    }
    assert!(documents.len() > 15, "only {} documents found", documents.len());
    let void: Vec<String> = documents.iter().flat_map(|document| void_links(document)).collect();
    assert!(void.is_empty(), "{void:#?}");
}

fn documents_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("a readable entry").path());
    paths
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect()
}

fn void_links(document: &Path) -> Vec<String> {
    let text = fs::read_to_string(document).expect("a document is text");
    let targets = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target);
    targets
        .filter(|target| !target.starts_with('#') && !target.contains("://"))
        .filter(|target| {
            !document
                .with_file_name(target.split('#').next().unwrap_or(target))
                .exists()
        })
        .map(|target| format!("{}: {target}", document.display()))
        .collect()
}
