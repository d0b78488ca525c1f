//! Reads a table key by key. Keys that are read are known. Any other key is refused, with the nearest known name.

use super::presets;
use super::problems::{Problems, join};
use super::tree::{Node, Table, Value, WrittenAt};
use indexmap::IndexMap;
use std::hash::Hash;

/// Parses a value. The error says what was expected.
pub(super) type Parse<T> = fn(&Node) -> Result<T, String>;

/// A table being read.
pub(super) struct Fields<'a> {
    path: String,
    table: Table,
    /// The values of the presets. They replace wrong values, so that the others are checked as well.
    below: Table,
    known: Vec<String>,
    /// The file has another type than a table here. This was noted, so missing keys are not reported.
    replaced: bool,
    problems: &'a mut Problems,
}

impl<'a> Fields<'a> {
    /// Starts reading `table`, which was found at `path`.
    pub(super) fn new(path: String, table: Table, problems: &'a mut Problems) -> Self {
        Self {
            path,
            table,
            below: Table::new(),
            known: Vec::new(),
            replaced: false,
            problems,
        }
    }

    /// The same, with values of the presets that replace wrong values.
    pub(super) fn over(self, below: Table) -> Self {
        Self { below, ..self }
    }

    /// The value of `key`, which is required. A wrong value is noted, and the value of the presets replaces it.
    pub(super) fn required<T>(&mut self, key: &str, parse: Parse<T>) -> Option<T> {
        if !self.table.contains_key(key) {
            self.missing(key, "this key is missing");
        }
        self.optional(key, parse).or_else(|| {
            self.problems.leave_out(&self.path);
            self.below.get(key).and_then(|node| parse(node).ok())
        })
    }

    /// The value of `key`, if it exists and is right. A wrong value is noted.
    pub(super) fn optional<T>(&mut self, key: &str, parse: Parse<T>) -> Option<T> {
        let node = self.take(key)?;
        let value = parse(&node);
        value
            .map_err(|text| self.problems.add(&join(&self.path, key), text))
            .ok()
    }

    /// Whether `key` is written, even if it was already read.
    pub(super) fn has(&self, key: &str) -> bool {
        self.problems.is_written(&join(&self.path, key))
    }

    /// Whether there is a table at `key`. The key is known from now on.
    pub(super) fn has_table(&mut self, key: &str) -> bool {
        self.known.push(key.to_owned());
        self.table.contains_key(key)
    }

    /// The value of `key` as it was written.
    fn take(&mut self, key: &str) -> Option<Node> {
        self.known.push(key.to_owned());
        self.table.shift_remove(key)
    }

    /// Refuses keys that are planned and do nothing yet.
    pub(super) fn later(&mut self, keys: &[&str]) {
        for key in keys {
            if self.table.shift_remove(*key).is_some() {
                self.problems.add(&join(&self.path, key), "not available yet");
            }
        }
    }

    /// The fields of the table at `key`. Empty if there is no such table.
    pub(super) fn section(&mut self, key: &'static str) -> Fields<'_> {
        let path = join(&self.path, key);
        let (table, replaced) = match self.take(key).map(|node| node.value) {
            None => (Table::new(), false),
            Some(Value::Table(table)) => (table, false),
            Some(other) => {
                let text = format!("expected a table ([{key}]), found {}", other.kind());
                self.problems.add(&path, text);
                self.problems.leave_out(key);
                (Table::new(), true)
            }
        };
        let below = match self.below.shift_remove(key).map(|node| node.value) {
            Some(Value::Table(below)) => below,
            _ => Table::new(),
        };
        Fields {
            replaced,
            ..Fields::new(path, table, self.problems).over(below)
        }
    }

    /// Reads each entry of the table at `key` by `read`, and its name by `parse`. Wrong entries are noted and left out.
    pub(super) fn entries<N: Hash + Eq, T>(
        &mut self,
        key: &'static str,
        parse: fn(&str) -> Result<N, String>,
        read: fn(Fields<'_>) -> Option<T>,
    ) -> IndexMap<N, T> {
        let section = self.section(key);
        let (path, problems) = (section.path, section.problems);
        let mut entries = IndexMap::new();
        for (name, node) in section.table {
            let path = join(&path, &name);
            let Value::Table(table) = node.value else {
                problems.add(&path, format!("expected a table, found {}", node.value.kind()));
                problems.leave_out(key);
                continue;
            };
            let name = parse(&name).map_err(|text| problems.add(&path, text));
            match (name, read(Fields::new(path, table, problems))) {
                (Ok(name), Some(entry)) => {
                    entries.insert(name, entry);
                }
                _ => problems.leave_out(key),
            }
        }
        entries
    }

    /// Reads each table of the list at `key` by `read`. Wrong tables are noted and left out.
    pub(super) fn list<T>(&mut self, key: &'static str, read: fn(Fields<'_>) -> Option<T>) -> Vec<T> {
        let path = join(&self.path, key);
        let items = match self.take(key).map(|node| node.value) {
            None => Vec::new(),
            Some(Value::List(items)) => items,
            Some(other) => {
                let text = format!("expected tables ([[{key}]]), found {}", other.kind());
                self.problems.add(&path, text);
                self.problems.leave_out(key);
                Vec::new()
            }
        };
        let (mut entries, mut positions) = (Vec::new(), Vec::new());
        for (position, node) in items.into_iter().enumerate() {
            let path = format!("{path}[{position}]");
            let Value::Table(table) = node.value else {
                let text = format!("expected a table, found {}", node.value.kind());
                self.problems.add(&path, text);
                self.problems.leave_out(key);
                continue;
            };
            match read(Fields::new(path, table, self.problems)) {
                Some(entry) => {
                    entries.push(entry);
                    positions.push(position);
                }
                None => self.problems.leave_out(key),
            }
        }
        self.problems.number(key, positions);
        entries
    }

    /// Where `key` was written.
    pub(super) fn origin(&self, key: &str) -> Option<&WrittenAt> {
        self.problems.origin(&join(&self.path, key))
    }

    /// Notes that `key` is missing.
    pub(super) fn missing(&mut self, key: &str, text: &str) {
        if !self.replaced {
            self.problem(key, text);
        }
    }

    /// Notes a problem of `key`.
    pub(super) fn problem(&mut self, key: &str, text: &str) {
        self.problems.add(&join(&self.path, key), text);
    }

    /// Refuses every key that was not read.
    pub(super) fn finish(self) {
        let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
        for key in self.table.keys() {
            let text = match (elsewhere(key, &self.path), nearest(key, &known)) {
                (Some(place), _) => format!("unknown key here; {place}"),
                (None, Some(name)) => format!("unknown key; did you mean `{name}`?"),
                (None, None) => format!("unknown key; the known keys are {}", known.join(", ")),
            };
            self.problems.add(&join(&self.path, key), text);
        }
    }
}

/// The right place of a misplaced key. Every key after the header of a table belongs to that table.
fn elsewhere(key: &str, path: &str) -> Option<String> {
    if key == "preset" {
        return Some("`preset` stands at the top of the file, before the first table".to_owned());
    }
    let mut section = "";
    for line in presets::preset_text(presets::DEFAULT)?.lines() {
        let line = line.trim_start_matches('#');
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        }
        let written = line.split_once(" = ").map(|(name, _)| name);
        let is_section = !section.is_empty() && !section.contains(['.', '[']);
        if is_section && section != path && written == Some(key) && !path.contains('[') {
            return Some(format!("it belongs to [{section}]"));
        }
    }
    None
}

/// The known name that `key` was most likely meant to be. A common beginning alone is not enough.
pub(super) fn nearest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let key = key.to_lowercase();
    let likeness = |name: &&str| strsim::jaro_winkler(&key, name);
    let is_begun = |name: &str| key.len() > 2 && name.starts_with(&key);
    known
        .iter()
        .copied()
        .max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
        .filter(|name| likeness(name) > 0.7)
        .filter(|name| is_begun(name) || strsim::normalized_damerau_levenshtein(&key, name) > 0.4)
}
