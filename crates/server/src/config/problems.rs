//! The problems of a configuration: all of them at once, one per line.

use super::tree::{Node, Table, Value, WrittenAt};
use crate::http::excerpt::excerpt;
use std::collections::{HashMap, HashSet};
use std::{fmt, io};

/// Why a configuration was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// One line per problem: the place, the key, and the mistake. No line has a secret.
    pub problems: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

/// The largest number of problems that are printed.
const MOST: usize = 100;
/// The largest number of characters of a problem: it repeats text of the configuration.
const LONGEST: usize = 1_000;

/// One problem, and the place of its value if that is known.
struct Found {
    origin: Option<WrittenAt>,
    text: String,
}

impl Found {
    fn place(&self) -> Option<(&str, usize)> {
        self.origin.as_ref().map(WrittenAt::place)
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(f, "{origin}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// Problems found so far, and where each key was written.
#[derive(Default)]
pub(super) struct Problems {
    found: Vec<Found>,
    origins: HashMap<String, WrittenAt>,
    /// The sections from which a wrong value was left out.
    incomplete: HashSet<String>,
    /// For each list: the positions in the file of the entries that were read.
    positions: HashMap<&'static str, Vec<usize>>,
}

impl Problems {
    /// Remembers where each key of `table` was written.
    pub(super) fn locate(&mut self, path: &str, table: &Table) {
        for (key, node) in table {
            self.locate_node(join(path, key), node);
        }
    }

    /// Notes a problem of the value at `path`.
    pub(super) fn add(&mut self, path: &str, text: impl fmt::Display) {
        let origin = self.origin(path).cloned();
        let text = excerpt(&format!("{path}: {text}"), LONGEST);
        self.found.push(Found { origin, text });
    }

    /// Notes a problem of a source as a whole.
    pub(super) fn add_at(&mut self, origin: WrittenAt, text: String) {
        let origin = Some(origin);
        self.found.push(Found { origin, text });
    }

    /// Remembers that part of a section could not be read.
    pub(super) fn leave_out(&mut self, section: &str) {
        self.incomplete.insert(section.to_owned());
    }

    /// Whether a section was read completely. If not, a value that seems to be missing may be in the part that was left out.
    pub(super) fn is_complete(&self, section: &str) -> bool {
        !self.incomplete.contains(section)
    }

    /// Remembers the positions of the entries of the list `key` that were read.
    pub(super) fn number(&mut self, key: &'static str, positions: Vec<usize>) {
        self.positions.insert(key, positions);
    }

    /// The path of an entry, from its position among the entries that were read.
    pub(super) fn entry(&self, key: &str, position: usize) -> String {
        let positions = self.positions.get(key);
        let position = positions.and_then(|positions| positions.get(position).copied());
        format!("{key}[{}]", position.unwrap_or_default())
    }

    /// Whether a value is written at `path`.
    pub(super) fn is_written(&self, path: &str) -> bool {
        self.origins.contains_key(path)
    }

    /// The place of the value at `path`, or of the table that should hold it.
    pub(super) fn origin(&self, path: &str) -> Option<&WrittenAt> {
        let mut path = path;
        loop {
            if let Some(origin) = self.origins.get(path) {
                return Some(origin);
            }
            path = path.get(..path.rfind(['.', '['])?)?;
        }
    }

    /// `value`, if there is no problem.
    pub(super) fn or<T>(mut self, value: Option<T>) -> Result<T, ConfigError> {
        match value {
            Some(value) if self.found.is_empty() => return Ok(value),
            _ => {}
        }
        self.found.sort_by(|one, other| one.place().cmp(&other.place()));
        let mut problems: Vec<_> = self.found.iter().take(MOST).map(Found::to_string).collect();
        if let Some(more @ 1..) = self.found.len().checked_sub(MOST) {
            problems.push(format!("… and {more} more"));
        }
        Err(ConfigError { problems })
    }

    fn locate_node(&mut self, path: String, node: &Node) {
        match &node.value {
            Value::Table(table) => self.locate(&path, table),
            Value::List(items) => {
                for (position, item) in items.iter().enumerate() {
                    self.locate_node(format!("{path}[{position}]"), item);
                }
            }
            _ => {}
        }
        self.origins.insert(path, node.origin.clone());
    }
}

/// Why a file cannot be read, shorter than the message of the system.
pub(super) fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    }
}

/// The path of `key` below `path`. The key is quoted where TOML needs it, so a message stays one line.
pub(super) fn join(path: &str, key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let dot = if path.is_empty() { "" } else { "." };
    if !key.is_empty() && key.bytes().all(bare) {
        format!("{path}{dot}{key}")
    } else {
        format!("{path}{dot}{key:?}")
    }
}
