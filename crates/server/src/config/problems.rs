//! What is wrong with a configuration: everything at once, a line each.

use super::tree::{Node, Origin, Table, Value};
use std::collections::HashMap;
use std::fmt;

/// Why a configuration was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// One problem each: where it was written, which key, what is wrong. No line holds a secret.
    pub problems: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

/// Problems found so far, and where each key was written.
#[derive(Default)]
pub(super) struct Problems {
    found: Vec<String>,
    origins: HashMap<String, Origin>,
}

impl Problems {
    /// Remembers where each key of `table` was written.
    pub(super) fn locate(&mut self, path: &str, table: &Table) {
        for (key, node) in table {
            self.locate_node(join(path, key), node);
        }
    }

    /// Notes what is wrong with the value at `path`.
    pub(super) fn add(&mut self, path: &str, text: impl fmt::Display) {
        let line = match self.origin(path) {
            Some(origin) => format!("{origin}: {path}: {text}"),
            None => format!("{path}: {text}"),
        };
        self.add_line(line);
    }

    /// Notes a problem that belongs to no key.
    pub(super) fn add_line(&mut self, line: String) {
        if !self.found.contains(&line) {
            self.found.push(line);
        }
    }

    /// Where the value at `path` was written, or the table that should hold it.
    pub(super) fn origin(&self, path: &str) -> Option<&Origin> {
        let mut path = path;
        loop {
            if let Some(origin) = self.origins.get(path) {
                return Some(origin);
            }
            path = path.get(..path.rfind(['.', '['])?)?;
        }
    }

    /// `value`, if nothing was found wrong.
    pub(super) fn or<T>(self, value: Option<T>) -> Result<T, ConfigError> {
        match value {
            Some(value) if self.found.is_empty() => Ok(value),
            _ => Err(ConfigError { problems: self.found }),
        }
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

/// The path of `key` below `path`, with quotes where TOML needs them.
pub(super) fn join(path: &str, key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let quote = if !key.is_empty() && key.bytes().all(bare) {
        ""
    } else {
        "\""
    };
    let dot = if path.is_empty() { "" } else { "." };
    format!("{path}{dot}{quote}{key}{quote}")
}
