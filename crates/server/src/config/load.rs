//! Lays the sources over each other and has the result read and judged.
//!
//! From below: `presets/default.toml`, the preset, the operator's file, the environment, the command line. Tables merge
//! key by key, lists replace. Only a preset's catalogue (`[scopes]`, `[products]`) replaces the one of `default` whole.

use super::fields::nearest;
use super::problems::{ConfigError, Problems, unreadable};
use super::tree::{self, Layer, Node, Origin, Table, Value};
use super::{Config, judge, presets, read, warnings};
use std::fs;
use std::path::{Path, PathBuf};

/// How messages name the options.
const COMMAND_LINE: &str = "command line";

/// Where a configuration comes from. It does not print: the environment may hold secrets.
#[derive(Clone, Default)]
pub struct Source {
    /// The preset that the command line names; rules over the file's.
    pub preset: Option<String>,
    /// The operator's file.
    pub file: Option<PathBuf>,
    /// The environment. `HALLPASS_SECTION__KEY` is read; everything else is left alone.
    pub environment: Vec<(String, String)>,
    /// Values from options: the key as `section.key`, and the value.
    pub overrides: Vec<(String, String)>,
}

/// A configuration, and what it was made of.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The effective configuration.
    pub config: Config,
    /// The names of the sources that were laid over each other, the lowest first.
    pub layers: Vec<String>,
    /// What works, and is hardly meant so.
    pub warnings: Vec<String>,
}

/// `hallpass.toml` in the working folder, where there is one: the file when no other is named.
#[must_use]
pub fn default_file() -> Option<PathBuf> {
    let file = Path::new("hallpass.toml");
    file.exists().then(|| file.to_owned())
}

impl Config {
    /// Loads and judges a configuration. The error names everything that is wrong.
    pub fn load(source: &Source) -> Result<Loaded, ConfigError> {
        let mut problems = Problems::default();
        let mut layers = Vec::new();
        let Some((preset, table)) = merged(source, &mut layers, &mut problems) else {
            return problems.or(None);
        };
        problems.locate("", &table);
        let mut config = read::config(preset, table, &mut problems);
        if let Some(config) = &mut config {
            config.defaults.hidden = hidden(config);
            judge::config(config, &mut problems);
        }
        let config = problems.or(config)?;
        let warnings = warnings::of(&config);
        Ok(Loaded {
            config,
            layers,
            warnings,
        })
    }
}

/// Whether nobody sees the default organization.
fn hidden(config: &Config) -> bool {
    let declared = config
        .organizations
        .iter()
        .any(|organization| organization.slug == "default");
    config.defaults.organization == "default" && !declared
}

/// All sources in one tree, and the preset's name; None where a file cannot be read at all.
fn merged(source: &Source, layers: &mut Vec<String>, problems: &mut Problems) -> Option<(String, Table)> {
    let file = match &source.file {
        Some(path) => operators_file(path, problems)?,
        None => Table::new(),
    };
    let (preset, origin) = preset_name(source, &file, problems)?;
    let mut table = preset_table(presets::DEFAULT, origin.clone(), problems)?;
    layers.push(presets::layer(presets::DEFAULT).name);
    if preset != presets::DEFAULT {
        let over = preset_table(&preset, origin, problems)?;
        for catalogue in ["scopes", "products"] {
            if over.contains_key(catalogue) {
                table.shift_remove(catalogue);
            }
        }
        tree::merge(&mut table, over);
        layers.push(presets::layer(&preset).name);
    }
    tree::merge(&mut table, file);
    layers.extend(source.file.as_ref().map(|path| path.display().to_string()));
    for (name, key, value) in single_values(source) {
        set(&mut table, &key, value, &named(&name), problems);
        layers.push(name);
    }
    Some((preset, table))
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
            problems.add_at(Origin::without_line(layer), text);
            None
        }
    }
}

/// The table of the preset `name`, which `origin` named.
fn preset_table(name: &str, origin: Origin, problems: &mut Problems) -> Option<Table> {
    if let Some(text) = presets::preset_text(name) {
        return parsed(text, presets::layer(name), problems);
    }
    let known = presets::preset_names();
    let meant = nearest(name, &known).map(|meant| format!("did you mean {meant:?}? "));
    let text = format!(
        "preset: there is no preset {name:?}; {}there are {}",
        meant.unwrap_or_default(),
        known.join(", ")
    );
    problems.add_at(origin, text);
    None
}

fn parsed(text: &str, layer: Layer, problems: &mut Problems) -> Option<Table> {
    tree::parse(text, layer)
        .map_err(|(origin, message)| problems.add_at(origin, message))
        .ok()
}

/// The preset that the option names, else the file, else `default`, and where it was named.
fn preset_name(source: &Source, file: &Table, problems: &mut Problems) -> Option<(String, Origin)> {
    if let Some(name) = &source.preset {
        return Some((name.clone(), named(COMMAND_LINE)));
    }
    match file.get("preset") {
        None => Some((presets::DEFAULT.to_owned(), named(presets::DEFAULT))),
        Some(Node {
            value: Value::Text(name),
            origin,
        }) => Some((name.clone(), origin.clone())),
        Some(Node { value, origin }) => {
            problems.add_at(origin.clone(), format!("preset: expected text, found {}", value.kind()));
            None
        }
    }
}

/// A source that is no file.
fn named(name: &str) -> Origin {
    Origin::without_line(Layer {
        name: name.to_owned(),
        folder: None,
        embedded: false,
    })
}

/// What the environment and the options set: what to call the source, the key's path, the value.
fn single_values(source: &Source) -> Vec<(String, Vec<String>, String)> {
    let variable = |(name, value): &(String, String)| {
        let key = name.strip_prefix("HALLPASS_")?.to_lowercase();
        let path: Vec<String> = key.split("__").map(str::to_owned).collect();
        (path.len() > 1).then(|| (name.clone(), path, value.clone()))
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
fn set(table: &mut Table, path: &[String], value: String, origin: &Origin, problems: &mut Problems) {
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
                let text = format!("{section} is {}, in which no single value can be set", other.kind());
                problems.add_at(origin.clone(), text);
                return;
            }
        }
    }
    table.insert(key.clone(), node(Value::Untyped(value)));
}
