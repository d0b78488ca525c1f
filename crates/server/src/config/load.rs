//! Merges the sources of a configuration, then reads and checks the result.
//!
//! The order, lowest first: `presets/default.toml`, the preset, the operator's file, the environment, the command line. Tables
//! merge key by key; a list replaces the list below. A preset's catalogue (`[scopes]`, `[products]`) replaces that of `default`
//! as a whole.

use super::fields::{Fields, nearest};
use super::problems::{ConfigError, Problems, unreadable};
use super::section::Section as _;
use super::tree::{self, Layer, Node, Table, Value, WrittenAt};
use super::{Config, judge, presets, warnings};
use std::fs;
use std::path::{Path, PathBuf};

/// The name of the options in messages.
const COMMAND_LINE: &str = "command line";

/// The sources of a configuration. It has no `Debug`: the environment may hold secrets.
#[derive(Clone, Default)]
pub struct Source {
    /// The preset that the command line names. It wins over the one in the file.
    pub preset: Option<String>,
    /// The operator's file.
    pub file: Option<PathBuf>,
    /// The environment. Only `HALLPASS_SECTION__KEY` is read.
    pub environment: Vec<(String, String)>,
    /// Values from options: the key as `section.key`, and the value.
    pub overrides: Vec<(String, String)>,
}

/// A configuration, with its sources and warnings.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The effective configuration.
    pub config: Config,
    /// The names of the merged sources, lowest first.
    pub layers: Vec<String>,
    /// Warnings: settings that are valid but probably not intended.
    pub warnings: Vec<String>,
}

/// `hallpass.toml` in the working folder, if it exists. It is the file if no other is named.
#[must_use]
pub fn default_file() -> Option<PathBuf> {
    let file = Path::new("hallpass.toml");
    file.exists().then(|| file.to_owned())
}

impl Config {
    /// Loads and checks a configuration. The error names every mistake.
    pub fn load(source: &Source) -> Result<Loaded, ConfigError> {
        let mut problems = Problems::default();
        let mut layers = Vec::new();
        let Some(merged) = merged(source, &mut layers, &mut problems) else {
            return problems.or(None);
        };
        problems.locate("", &merged.table);
        let top = Fields::new(String::new(), merged.table, &mut problems).over(merged.presets);
        let mut config = Self::read(top);
        if let Some(config) = &mut config {
            config.store.resolve(&config.server.data, &mut problems);
            judge::config(config, &mut problems);
        }
        let is_of_preset = |path: &str| problems.origin(path).is_some_and(|origin| origin.layer.embedded);
        let warnings = config.as_ref().map(|config| warnings::of(config, is_of_preset));
        let config = problems.or(config)?;
        Ok(Loaded {
            config,
            layers,
            warnings: warnings.unwrap_or_default(),
        })
    }
}

/// All sources in one tree.
struct Merged {
    table: Table,
    /// Only the presets that ship with Hallpass, without the operator's values.
    presets: Table,
}

/// Merges all sources. `None` if a file cannot be read at all.
fn merged(source: &Source, layers: &mut Vec<String>, problems: &mut Problems) -> Option<Merged> {
    let file = match &source.file {
        Some(path) => operators_file(path, problems),
        None => Some(Table::new()),
    };
    let preset = preset(source, file.as_ref(), problems);
    let file = file?;
    let presets = preset_tables(preset, layers, problems)?;
    let mut table = presets.clone();
    tree::merge(&mut table, file);
    layers.extend(source.file.as_ref().map(|path| path.display().to_string()));
    for (name, key, value) in single_values(source) {
        set(&mut table, &key, value, &named(&name), problems);
        layers.push(name);
    }
    let preset = Node {
        value: Value::Text(preset.to_owned()),
        origin: WrittenAt::without_line(presets::layer(preset)),
    };
    table.insert("preset".to_owned(), preset);
    Some(Merged { table, presets })
}

/// `default`, with the named preset over it.
fn preset_tables(preset: &str, layers: &mut Vec<String>, problems: &mut Problems) -> Option<Table> {
    let mut table = preset_table(presets::DEFAULT, layers, problems)?;
    if preset != presets::DEFAULT {
        let over = preset_table(preset, layers, problems)?;
        for catalogue in ["scopes", "products"] {
            if over.contains_key(catalogue) {
                table.shift_remove(catalogue);
            }
        }
        tree::merge(&mut table, over);
    }
    Some(table)
}

fn preset_table(name: &str, layers: &mut Vec<String>, problems: &mut Problems) -> Option<Table> {
    let layer = presets::layer(name);
    layers.push(layer.name.clone());
    parsed(presets::preset_text(name)?, layer, problems)
}

fn operators_file(path: &Path, problems: &mut Problems) -> Option<Table> {
    let layer = Layer {
        name: path.display().to_string(),
        folder: path.parent().map(Path::to_owned),
        embedded: false,
    };
    match fs::read_to_string(path) {
        Ok(text) => parsed(&text, layer, problems),
        Err(error) => {
            let text = format!("cannot read this file: {}", unreadable(&error));
            problems.add_at(WrittenAt::without_line(layer), text);
            None
        }
    }
}

fn parsed(text: &str, layer: Layer, problems: &mut Problems) -> Option<Table> {
    tree::parse(text, layer)
        .map_err(|(origin, message)| problems.add_at(origin, message))
        .ok()
}

/// The sections that a preset may set. If the preset is unknown, these sections are unknown as well.
const OF_PRESETS: [&str; 5] = ["scopes", "products", "wire", "paths", "defaults"];

/// The preset that the option names, or else the file, or else `default`. For an unknown name, the preset that was most likely
/// meant, so that the rest is checked as well.
fn preset(source: &Source, file: Option<&Table>, problems: &mut Problems) -> &'static str {
    let known = presets::preset_names();
    let (name, origin) = match (&source.preset, file.and_then(|file| file.get("preset"))) {
        (None, None) => return presets::DEFAULT,
        (Some(name), _) => (Ok(name), named(COMMAND_LINE)),
        (None, Some(node)) => match &node.value {
            Value::Text(name) => (Ok(name), node.origin.clone()),
            other => (Err(other.kind()), node.origin.clone()),
        },
    };
    if let Some(known) = known.iter().find(|known| name.is_ok_and(|name| name == *known)) {
        return known;
    }
    for section in OF_PRESETS {
        problems.leave_out(section);
    }
    let meant = name.ok().and_then(|name| nearest(name, &known));
    let text = match name {
        Err(kind) => format!("preset: expected text, found {kind}"),
        Ok(name) => {
            let meant = meant.map(|meant| format!("did you mean {meant:?}? "));
            let known = known.join(", ");
            format!(
                "preset: there is no preset {name:?}; {}there are {known}",
                meant.unwrap_or_default()
            )
        }
    };
    problems.add_at(origin, text);
    meant.unwrap_or(presets::DEFAULT)
}

/// The origin of a value from a source that is not a file.
fn named(name: &str) -> WrittenAt {
    WrittenAt::without_line(Layer {
        name: name.to_owned(),
        folder: None,
        embedded: false,
    })
}

/// The values of the environment and the options: the name of the source, the path of the key, the value.
fn single_values(source: &Source) -> Vec<(String, Vec<String>, String)> {
    let variable = |(name, value): &(String, String)| {
        let key = name.strip_prefix("HALLPASS_")?.to_lowercase();
        let path: Vec<String> = key.split("__").map(str::to_owned).collect();
        // A name may contain characters that break the line or colour it.
        (path.len() > 1).then(|| (name.escape_debug().to_string(), path, value.clone()))
    };
    let option = |(key, value): &(String, String)| {
        let path = key.split('.').map(str::to_owned).collect();
        (COMMAND_LINE.to_owned(), path, value.clone())
    };
    let mut variables: Vec<_> = source.environment.iter().filter_map(variable).collect();
    variables.sort();
    variables.extend(source.overrides.iter().map(option));
    variables
}

/// Sets the value at `path`, making the tables on the way.
fn set(table: &mut Table, path: &[String], value: String, origin: &WrittenAt, problems: &mut Problems) {
    let node = |value| Node {
        value,
        origin: origin.clone(),
    };
    let Some((key, sections)) = path.split_last() else {
        return;
    };
    let mut table = table;
    for section in sections {
        let empty = || node(Value::Table(Table::new()));
        match &mut table.entry(section.clone()).or_insert_with(empty).value {
            Value::Table(inner) => table = inner,
            other => {
                let text = format!("{section} is {}, not a table: no key can be set in it", other.kind());
                problems.add_at(origin.clone(), text);
                return;
            }
        }
    }
    table.insert(key.clone(), node(Value::Untyped(value)));
}
