//! Configurations: no text panics, every complaint names its place on one line, what loads says itself again.

use super::world::folder;
use hallpass::config::{Config, Source};
use std::fs;
use std::path::Path;

/// A `hallpass.toml`; after a line `%%` there may be variables, a line each.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (file, variables) = text.split_once("\n%%\n").unwrap_or((text, ""));
    // A path that leads out of the folder would read files of this machine: not what is tried here.
    if text.contains("/dev") || text.contains("/proc") || text.contains("/sys") {
        return;
    }
    let folder = folder();
    let source = source(folder.path(), file, variables);
    match Config::load(&source) {
        Ok(loaded) => says_itself(folder.path(), &loaded.config),
        Err(error) => {
            assert!(!error.problems.is_empty());
            let path = source.file.unwrap_or_default().display().to_string();
            for problem in &error.problems {
                named(problem, &path, file);
            }
        }
    }
}

fn source(folder: &Path, file: &str, variables: &str) -> Source {
    let path = folder.join("hallpass.toml");
    fs::write(&path, file).expect("the folder is ours");
    let fits = |name: &str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let variables = variables.lines().filter_map(|line| line.split_once('='));
    let variables = variables.filter(|(name, _)| fits(name));
    let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Source {
        file: Some(path),
        environment: environment.collect(),
        // A file's own would be counted from its folder, what is shown from where the server works.
        overrides: vec![("server.data".to_owned(), "data".to_owned())],
        ..Source::default()
    }
}

/// A file with a line that it has, a variable, or the preset that what was written does not go with.
fn named(problem: &str, path: &str, file: &str) {
    assert!(!problem.chars().any(char::is_control), "{problem:?}");
    if let Some(rest) = problem.strip_prefix(path) {
        let line = rest.strip_prefix(':').and_then(|rest| rest.split(':').next());
        let line: usize = line
            .and_then(|line| line.parse().ok())
            .unwrap_or_else(|| panic!("{problem:?}"));
        assert!((1..=file.split('\n').count()).contains(&line), "{problem:?}");
    } else {
        let elsewhere = ["HALLPASS_", "command line", "preset "];
        assert!(elsewhere.iter().any(|place| problem.starts_with(place)), "{problem:?}");
    }
}

/// `config show` gives a file that means the same; secrets are left out of it, so only one without them is read again.
fn says_itself(folder: &Path, config: &Config) {
    let shown = config.show();
    if shown.contains('…') {
        return;
    }
    let again = Config::load(&source(folder, &shown, "")).unwrap_or_else(|error| panic!("{error}\n{shown}"));
    assert_eq!(again.config.show(), shown);
}
