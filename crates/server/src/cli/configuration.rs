//! `hallpass config` and `hallpass migrate`, and where every command finds its configuration.

use super::{Failed, print};
use crate::admin;
use crate::config::{Config, ConfigError, Loaded, Source, StoreUrl, default_file, preset_names, preset_text};
use crate::data_folder::ownership;
use crate::data_folder::{DataFolder, DataFolderError, DatabaseLock, admin_socket};
use crate::store::Store;
use clap::{Args, Subcommand};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::path::{self, PathBuf};

/// The options that select a configuration.
#[derive(Args)]
pub(super) struct Sources {
    /// Configuration file; default: `hallpass.toml` in this folder, if it exists
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Preset to build on
    #[arg(long, value_name = "NAME")]
    pub(super) preset: Option<String>,
}

#[derive(Subcommand)]
pub(super) enum ConfigCommand {
    /// Check the configuration: print `ok`, or every mistake
    Check(Sources),
    /// Print the configuration in force, without secrets
    Show(Sources),
    /// List the presets, or print one
    Presets {
        /// Preset to print
        name: Option<String>,
    },
}

#[derive(Args)]
pub(super) struct Migrate {
    #[command(flatten)]
    sources: Sources,
    /// Data folder, with the database and the master key
    #[arg(long, value_name = "FOLDER")]
    data: Option<String>,
    /// URL of the database
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Print the SQL that would run, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Loads the configuration from its file, the environment, and the options as pairs of key and value.
pub(super) fn load<const N: usize>(
    sources: Sources,
    options: [(&str, Option<String>); N],
) -> Result<Loaded, ConfigError> {
    let (environment, ignored, mut problems) = environment(std::env::vars_os());
    if !ignored.is_empty() {
        // Not logged: the log does not run yet, and commands have none.
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

/// Checks the configuration, and names the files that it checked: in the wrong folder, `ok` would be about other files.
fn check(sources: Sources) -> Result<(), Failed> {
    let given = sources.config.is_some() || sources.preset.is_some() || default_file().is_some();
    let loaded = load(sources, [])?;
    if !given && loaded.layers.len() < 2 {
        let text = "there is no hallpass.toml in this folder: name a file by --config".to_owned();
        return Err(ConfigError { problems: vec![text] }.into());
    }
    let data = &loaded.config.server.data;
    let data = fs::canonicalize(data).or_else(|_| path::absolute(data));
    if let Err(error) = data.and_then(|data| admin::api::check_path(&admin_socket(&data))) {
        let text = format!("server.data: {error}");
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
            url => {
                let _database = database(url)?;
                Store::open(&config.store, 1).await?.pending_migrations().await?
            }
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
    let _database = database(&config.store.url)?;
    let store = Store::open(&config.store, 1).await?;
    let pending = store.pending_migrations().await?.len();
    store.migrate().await?;
    print(&match pending {
        0 => "nothing to do\n".to_owned(),
        1 => "1 migration applied\n".to_owned(),
        several => format!("{several} migrations applied\n"),
    })
}

/// Creates, checks and locks the database file as a server does. `None`: a running server has the lock, or it is PostgreSQL.
fn database(url: &StoreUrl) -> Result<Option<DatabaseLock>, DataFolderError> {
    let StoreUrl::Sqlite(file) = url else { return Ok(None) };
    match DatabaseLock::take(file) {
        Err(DataFolderError::DatabaseInUse(_)) => Ok(None),
        taken => taken.map(Some),
    }
}

/// Returns the variables that set a key, the names of similar variables that set none, and the problems. Kubernetes and Docker
/// set variables named after services and containers, such as `HALLPASS_PORT` and `HALLPASS_DB_ENV_X__Y`.
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
            Ok(value) if is_link(key, &value) => ignored.push(one_line(&name)),
            Ok(value) => ours.push((name, value)),
            Err(value) if is_link(key, &value.to_string_lossy()) => ignored.push(one_line(&name)),
            Err(_) => problems.push(format!("{name}: it is not UTF-8 text")),
        }
    }
    ignored.sort();
    problems.sort();
    (ours, ignored, problems)
}

/// The sections with an underscore in their names. Other names with one are those of services and containers.
const SECTIONS_OF_TWO_WORDS: [&str; 1] = ["FORWARD_AUTH"];

/// Whether the name has the form of a key.
fn names_a_key(key: &str) -> bool {
    let section = key.split_once("__").map(|(section, _)| section);
    section.is_some_and(|section| {
        !section.is_empty() && (!section.contains('_') || SECTIONS_OF_TWO_WORDS.contains(&section))
    })
}

/// Whether Kubernetes or Docker set the variable for a service or container called `hallpass-a--b`: such a name looks like a key.
/// No key of ours has these endings; `_PORT` and `_NAME` could be one, so there the value decides.
fn is_link(key: &str, value: &str) -> bool {
    let name = key.split_once("__").map_or("", |(_, name)| name);
    let ends = |ending: &str| name.len() > ending.len() && name.ends_with(ending);
    let of_port = name.rsplit_once("_PORT_").is_some_and(|(_, rest)| {
        let mut parts = rest.split('_');
        let number = parts.next().unwrap_or_default();
        let protocol = matches!(parts.next(), Some("TCP" | "UDP" | "SCTP"));
        let part = matches!(parts.next(), None | Some("ADDR" | "PORT" | "PROTO" | "START" | "END"));
        number.bytes().all(|byte| byte.is_ascii_digit()) && protocol && part
    });
    ends("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.contains("_ENV_")
        || of_port
        || (ends("_PORT") && value.contains("://"))
        || (ends("_NAME") && value.starts_with('/'))
}

fn one_line(name: &str) -> String {
    name.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the variables that are read, and of those that are ignored.
    fn sorted(variables: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        let (ours, ignored, problems) = environment(variables);
        assert!(problems.is_empty(), "{problems:?}");
        (ours.into_iter().map(|(name, _)| name).collect(), ignored)
    }

    #[test]
    fn a_variable_sets_a_key_or_is_ignored() {
        let (ours, ignored) = sorted(&[
            ("HALLPASS_PORT", "tcp://10.0.0.1:80"),
            ("HALLPASS_SERVICE_HOST", "10.0.0.1"),
            ("HALLPASS_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("HALLPASS_DB_PORT_5432_TCP", "tcp://10.0.0.1:5432"),
            ("HALLPASS_DB_NAME", "/app/hallpass-db"),
            ("HALLPASS_DB_ENV_TZ", "UTC"),
            ("HALLPASS_DB_ENV_POSTGRES__PASSWORD", "x"),
            ("HALLPASS__PORT", "tcp://10.0.0.1:80"),
            ("HALLPASS_SERVER__LISTEN", "a"),
            ("PATH", "b"),
        ]);
        assert_eq!(ours, ["HALLPASS_SERVER__LISTEN"]);
        assert_eq!(ignored.len(), 8, "{ignored:?}");
    }

    #[test]
    fn a_variable_can_set_a_key_of_each_section() {
        let text = preset_text("default").unwrap();
        let sections: Vec<String> = text
            .lines()
            .filter_map(|line| line.trim_start_matches(['#', ' ']).strip_prefix('[')?.strip_suffix(']'))
            .filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
            .map(|name| format!("{}__KEY", name.to_uppercase()))
            .collect();
        assert!(sections.contains(&"FORWARD_AUTH__KEY".to_owned()), "{sections:?}");
        for key in sections {
            assert!(names_a_key(&key), "{key}");
        }
    }

    #[test]
    fn links_of_a_service_with_two_hyphens_in_its_name_are_ignored() {
        for service in ["A__B", "SERVER__BLUE", "A__B__C", "A___B"] {
            let links = [
                ("PORT", "tcp://10.0.0.1:80"),
                ("PORT_80_TCP", "tcp://10.0.0.1:80"),
                ("PORT_80_TCP_ADDR", "10.0.0.1"),
                ("PORT_80_TCP_PORT", "80"),
                ("PORT_80_TCP_PROTO", "tcp"),
                ("PORT_53_UDP", "udp://10.0.0.1:53"),
                ("SERVICE_HOST", "10.0.0.1"),
                ("SERVICE_PORT", "80"),
                ("SERVICE_PORT_HTTP", "80"),
                ("NAME", "/app/hallpass"),
                ("ENV_TZ", "UTC"),
            ];
            let links = links.map(|(ending, value)| (format!("HALLPASS_{service}_{ending}"), value));
            let links: Vec<_> = links.iter().map(|(name, value)| (name.as_str(), *value)).collect();
            let (ours, ignored) = sorted(&links);
            assert!(ours.is_empty(), "{ours:?}");
            assert_eq!(ignored.len(), links.len(), "{ignored:?}");
        }
        // Keys, and mistakes in them, are none.
        let (ours, ignored) = sorted(&[
            ("HALLPASS_DEFAULTS__ORGANIZATION_NAME", "Acme"),
            ("HALLPASS_SERVER__PORT", "8080"),
            ("HALLPASS_SERVER__LISTEN_PORT", "8080"),
            ("HALLPASS_SERVR__LISTEN", "127.0.0.1:80"),
        ]);
        assert_eq!(ours.len(), 4, "{ignored:?}");
    }
}
