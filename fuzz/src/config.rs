//! Configurations: no text causes a panic, every problem names its place on one line, and `config show` prints a file that loads as
//! the same configuration.

use super::world::folder;
use hallpass::config::{Config, Source};
use std::fs;
use std::path::Path;

/// The input: a `hallpass.toml`. After a line `%%`, environment variables, one on each line.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (file, variables) = text.split_once("\n%%\n").unwrap_or((text, ""));
    // Such a path would read files of this machine.
    if text.contains("/dev") || text.contains("/proc") || text.contains("/sys") {
        return;
    }
    let folder = folder();
    let source = source(folder.path(), file, variables);
    match Config::load(&source) {
        Ok(loaded) => shows_the_same(folder.path(), &loaded.config),
        Err(error) => {
            assert!(!error.problems.is_empty());
            let path = source.file.unwrap_or_default().display().to_string();
            for problem in &error.problems {
                names_its_place(problem, &path, file);
            }
        }
    }
}

fn source(folder: &Path, file: &str, variables: &str) -> Source {
    let path = folder.join("hallpass.toml");
    fs::write(&path, file).expect("a file");
    let fits = |name: &str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let variables = variables.lines().filter_map(|line| line.split_once('='));
    let variables = variables.filter(|(name, _)| fits(name));
    let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Source {
        file: Some(path),
        environment: environment.collect(),
        // A path in the file is relative to the file's folder; a path that `config show` prints is relative to the working folder.
        overrides: vec![("server.data".to_owned(), "data".to_owned())],
        ..Source::default()
    }
}

/// Checks that a problem names a line of the file, a variable, the command line or a preset.
fn names_its_place(problem: &str, path: &str, file: &str) {
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

/// Loads the output of `config show` again. Secrets are left out of it, so a configuration with secrets is not checked.
fn shows_the_same(folder: &Path, config: &Config) {
    let shown = config.show();
    if shown.contains('…') {
        return;
    }
    let again = Config::load(&source(folder, &shown, "")).unwrap_or_else(|error| panic!("{error}\n{shown}"));
    assert_eq!(again.config.show(), shown);
}
