//! `hallpass config` and `hallpass migrate`, and where every command finds its configuration.

use super::{Failed, print};
use crate::config::{Config, ConfigError, Loaded, Source, StoreUrl, default_file, preset_names, preset_text};
use crate::data_folder::{DataFolder, DataFolderError};
use crate::ownership;
use crate::store::Store;
use clap::{Args, Subcommand};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

/// What a configuration is made from.
#[derive(Args)]
pub(super) struct Sources {
    /// The configuration; without it `hallpass.toml`, where there is one
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The preset to build on
    #[arg(long, value_name = "NAME")]
    pub(super) preset: Option<String>,
}

#[derive(Subcommand)]
pub(super) enum ConfigCommand {
    /// Say `ok`, or everything that is wrong
    Check(Sources),
    /// Print what is in force, secrets left out
    Show(Sources),
    /// List the presets, or print one
    Presets {
        /// The preset to print
        name: Option<String>,
    },
}

#[derive(Args)]
pub(super) struct Migrate {
    #[command(flatten)]
    sources: Sources,
    /// The folder of everything that is kept
    #[arg(long, value_name = "FOLDER")]
    data: Option<String>,
    /// The database
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Print the SQL that would be run, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Loads the configuration from its file, the environment and the options, which are keys with their values.
pub(super) fn load<const N: usize>(
    sources: Sources,
    options: [(&str, Option<String>); N],
) -> Result<Loaded, ConfigError> {
    let (environment, ignored, mut problems) = environment(std::env::vars_os());
    if !ignored.is_empty() {
        // Not the log: it does not run yet, and commands have none.
        let _ = writeln!(
            io::stderr(),
            "warning: ignored {}: a key is set as HALLPASS_SECTION__KEY, such as HALLPASS_SERVER__LISTEN",
            ignored.join(", ")
        );
    }
    let found = default_file().filter(|_| sources.config.is_none());
    if let Some(file) = &found
        && let Err(error) = fs::metadata(file).and_then(|metadata| ownership::check(file, &metadata))
    {
        // Another account that may write to the working folder could have put it there.
        problems.push(format!("{error}; or name the file by --config"));
        return Err(ConfigError { problems });
    }
    let overrides = options.into_iter();
    let source = Source {
        preset: sources.preset,
        file: sources.config.or(found),
        environment,
        overrides: overrides
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect(),
    };
    match Config::load(&source) {
        Ok(loaded) if problems.is_empty() => Ok(loaded),
        Ok(_) => Err(ConfigError { problems }),
        Err(error) => {
            problems.extend(error.problems);
            Err(ConfigError { problems })
        }
    }
}

pub(super) fn run(command: ConfigCommand) -> Result<(), Failed> {
    match command {
        ConfigCommand::Check(sources) => check(sources),
        ConfigCommand::Show(sources) => {
            let loaded = load(sources, [])?;
            let layers = loaded.layers.join(", then ");
            print(&format!("# made of {layers}\n{}", loaded.config.show()))
        }
        ConfigCommand::Presets { name: None } => print(&format!("{}\n", preset_names().join("\n"))),
        ConfigCommand::Presets { name: Some(name) } => match preset_text(&name) {
            Some(text) => print(text),
            None => {
                let known = preset_names().join(", ");
                let problem = format!("there is no preset {name:?}; there are {known}");
                Err(ConfigError {
                    problems: vec![problem],
                }
                .into())
            }
        },
    }
}

/// Says which configuration was judged: in another folder `ok` would be about another one, or about none.
fn check(sources: Sources) -> Result<(), Failed> {
    let given = sources.config.is_some() || sources.preset.is_some() || default_file().is_some();
    let loaded = load(sources, [])?;
    if !given && loaded.layers.len() < 2 {
        let text = "there is no hallpass.toml in this folder: name a file by --config".to_owned();
        return Err(ConfigError { problems: vec![text] }.into());
    }
    for warning in &loaded.warnings {
        writeln!(io::stderr(), "warning: {warning}")?;
    }
    print(&format!("ok: {}\n", loaded.layers.join(", then ")))
}

pub(super) async fn migrate(options: Migrate) -> Result<(), Failed> {
    let overrides = [("server.data", options.data), ("store.url", options.database)];
    let config = load(options.sources, overrides)?.config;
    if options.dry_run {
        let pending = match &config.store.url {
            // Looking does not make one.
            StoreUrl::Sqlite(file) if !file.exists() => Store::all_migrations(),
            _ => Store::open(&config.store, 1).await?.pending_migrations().await?,
        };
        return match pending.as_slice() {
            [] => print("-- nothing to do\n"),
            some => print(&some.join("\n")),
        };
    }
    // A server may run: migrations only add, so it goes on beside them.
    let _folder = match DataFolder::open(&config.server.data) {
        Ok(folder) => Some(folder),
        Err(DataFolderError::InUse(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let store = Store::open(&config.store, 1).await?;
    let pending = store.pending_migrations().await?.len();
    store.migrate().await?;
    print(&match pending {
        0 => "nothing to do\n".to_owned(),
        1 => "1 migration applied\n".to_owned(),
        several => format!("{several} migrations applied\n"),
    })
}

/// The variables that set a key, the names of those that begin like one and set none, and what is wrong. Kubernetes and Docker give
/// programs variables named after services and containers, such as `HALLPASS_PORT` and `HALLPASS_DB_ENV_X__Y`.
fn environment(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> (Vec<(String, String)>, Vec<String>, Vec<String>) {
    let (mut ours, mut ignored, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for (name, value) in variables {
        let name = name.to_string_lossy().into_owned();
        let Some(key) = name.strip_prefix("HALLPASS_") else {
            continue;
        };
        match value.into_string() {
            _ if !names_a_key(key) => ignored.push(one_line(&name)),
            Ok(value) => ours.push((name, value)),
            Err(_) => problems.push(format!("{name}: it is no text in UTF-8")),
        }
    }
    ignored.sort();
    problems.sort();
    (ours, ignored, problems)
}

/// No section has an underscore in its name.
fn names_a_key(key: &str) -> bool {
    let section = key.split_once("__").map(|(section, _)| section);
    section.is_some_and(|section| !section.is_empty() && !section.contains('_'))
}

fn one_line(name: &str) -> String {
    name.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_sets_a_key_or_is_ignored() {
        let links = [
            "HALLPASS_PORT",
            "HALLPASS_SERVICE_HOST",
            "HALLPASS_PORT_8080_TCP_ADDR",
            "HALLPASS_DB_PORT_5432_TCP",
            "HALLPASS_DB_NAME",
            "HALLPASS_DB_ENV_TZ",
            "HALLPASS_DB_ENV_POSTGRES__PASSWORD",
            "HALLPASS__PORT",
        ];
        let set = [("HALLPASS_SERVER__LISTEN", "a"), ("PATH", "b")];
        let variables = links.map(|name| (name, "tcp://10.0.0.1:80")).into_iter().chain(set);
        let (ours, ignored, problems) = environment(variables.map(|(name, value)| (name.into(), value.into())));
        assert_eq!(ours, [("HALLPASS_SERVER__LISTEN".to_owned(), "a".to_owned())]);
        assert_eq!(ignored.len(), links.len(), "{ignored:?}");
        assert!(problems.is_empty(), "{problems:?}");
    }
}
