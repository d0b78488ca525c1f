//! The command line: a server or a demo to run, a configuration to judge, and commands for a server that runs.
//!
//! Exit codes: 0, 1 for a failure, 2 for a command line that cannot be understood or must be confirmed.

mod api;
mod app;
mod audit;
mod configuration;
mod confirm;
mod grant;
mod handover;
mod init;
mod key;
mod log;
mod org;
mod serve;
mod table;
mod user;

use crate::config::{ConfigError, page_url, preset_names};
use crate::data_folder::DataFolderError;
use crate::demo::{self, DemoError};
use crate::serve::StartError;
use crate::store::StoreError;
use api::ApiClient;
use app::AppCommand;
use audit::AuditCommand;
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use configuration::{ConfigCommand, Migrate};
use grant::GrantCommand;
use handover::HandoverCommand;
use key::KeyCommand;
use org::OrgCommand;
use rustix::process::Signal;
use serve::Serve;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use user::UserCommand;

/// OAuth in front of an API: authorization server, developer portal, consent and connected apps.
#[derive(Parser)]
#[command(name = "hallpass", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a demo on localhost: server, sample API, sample third-party app, people to sign in as
    Demo(Demo),
    /// Write a first configuration and its secrets into this folder
    Init(init::Init),
    /// Run the server
    Serve(Serve),
    /// Check or show the configuration, or list the presets
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Check the sign-in of a site whose people this server serves
    #[command(subcommand)]
    Handover(HandoverCommand),
    /// Update the tables of the database for this version; `serve` does this at start
    Migrate(Migrate),
    /// Manage apps of the running server
    App(ToServer<AppCommand>),
    /// Manage people of the running server
    User(ToServer<UserCommand>),
    /// Manage organizations of the running server
    Org(ToServer<OrgCommand>),
    /// List, show and end grants of the running server
    Grant(ToServer<GrantCommand>),
    /// List, rotate and revoke keys of the running server
    Key(ToServer<KeyCommand>),
    /// Read the audit log of the running server: who changed what
    Audit(ToServer<AuditCommand>),
}

#[derive(Args)]
struct Demo {
    /// Preset to show; the sample API imitates its API
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = PossibleValuesParser::new(preset_names()))]
    preset: String,
    /// Address and port of the server
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Address and port of the sample API
    #[arg(long, value_name = "ADDRESS")]
    api_listen: Option<SocketAddr>,
    /// Address and port of the sample app
    #[arg(long, value_name = "ADDRESS")]
    app_listen: Option<SocketAddr>,
    /// Let people sign in at a sample site, which has users and sessions of its own
    #[arg(long)]
    handover: bool,
    /// Let people sign in at your own site: the URL of its page for the server
    #[arg(long, value_name = "URL", conflicts_with = "handover", value_parser = page_url)]
    site: Option<String>,
    /// Address and port of the sample site
    #[arg(long, value_name = "ADDRESS", requires = "handover")]
    site_listen: Option<SocketAddr>,
    /// Data folder; without this option no data is kept
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

impl From<Demo> for demo::Options {
    fn from(options: Demo) -> Self {
        let site = match options.site {
            Some(page) => demo::DemoSite::Own(page),
            None if options.handover => demo::DemoSite::Sample(options.site_listen),
            None => demo::DemoSite::None,
        };
        Self {
            preset: options.preset,
            listen: options.listen,
            api_listen: options.api_listen,
            app_listen: options.app_listen,
            site,
            data: options.data,
        }
    }
}

/// A command for the running server, and the options that find the server.
#[derive(Args)]
struct ToServer<C: Subcommand> {
    #[command(flatten)]
    place: api::Place,
    #[command(subcommand)]
    command: C,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Demo(#[from] DemoError),
    #[error(transparent)]
    DataFolder(#[from] DataFolderError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A refusal by the server, or the reason why it did not answer.
    #[error("{0}")]
    Server(String),
    /// What would end, and that confirmation is missing.
    #[error("{0}")]
    Unconfirmed(String),
    /// Why `init` wrote no configuration.
    #[error("{0}")]
    Init(String),
    /// What is wrong with the sign-in of the site, or why it was not checked.
    #[error("{0}")]
    Handover(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Runs the command that the process was called with.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the output closed the pipe: it has read enough.
        Err(Failed::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            match error {
                Failed::Unconfirmed(_) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

#[tokio::main]
async fn run(command: Command) -> Result<(), Failed> {
    // With a handler, a write beyond `ulimit -f` fails like a write to a full disk. Without one, the signal ends the process.
    let _handled = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()))?;
    match command {
        Command::Demo(options) => {
            log::Log::to_stderr();
            Ok(demo::run(options.into()).await?)
        }
        Command::Init(options) => init::run(&options),
        Command::Serve(options) => serve::run(options).await,
        Command::Config(command) => configuration::run(command),
        Command::Handover(command) => handover::run(command).await,
        Command::Migrate(options) => configuration::migrate(options).await,
        Command::App(to) => app::run(&ApiClient::of(to.place).await?, to.command).await,
        Command::User(to) => user::run(&ApiClient::of(to.place).await?, to.command).await,
        Command::Org(to) => org::run(&ApiClient::of(to.place).await?, to.command).await,
        Command::Grant(to) => grant::run(&ApiClient::of(to.place).await?, to.command).await,
        Command::Key(to) => key::run(&ApiClient::of(to.place).await?, to.command).await,
        Command::Audit(to) => audit::run(&ApiClient::of(to.place).await?, to.command).await,
    }
}

/// Prints to standard output.
fn print(text: &str) -> Result<(), Failed> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;
    use std::fs;
    use std::path::Path;

    /// The commands of the blocks are run by tests/commands/guides.rs.
    #[test]
    fn every_command_inside_a_sentence_of_the_documents_exists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut pages = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
        for folder in ["docs", "docs/guide"] {
            let files = fs::read_dir(root.join(folder)).unwrap();
            pages.extend(files.map(|file| file.unwrap().path()));
        }
        pages.retain(|page| page.extension().is_some_and(|end| end == "md"));
        let mut commands = 0;
        for page in pages {
            let text = fs::read_to_string(&page).unwrap();
            for code in text.split('`').skip(1).step_by(2) {
                if code.starts_with("hallpass ") && !code.contains(['\n', '[', '<', '|']) && code != NAMES {
                    commands += 1;
                    let parsed = Cli::command().try_get_matches_from(code.split(' '));
                    let kind = parsed.err().map(|error| error.kind());
                    let stands_for_value =
                        |word: &str| word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
                    let named = kind == Some(ErrorKind::InvalidValue) && code.split(' ').any(stands_for_value);
                    let fits = named || kind.is_none_or(is_about_absent);
                    assert!(fits, "{}: {code}: {kind:?}", page.display());
                }
            }
        }
        assert!(commands > 50, "{commands}");
    }

    /// The form of all commands.
    const NAMES: &str = "hallpass NOUN VERB NAME";

    /// A sentence names a command without all its arguments.
    fn is_about_absent(kind: ErrorKind) -> bool {
        matches!(
            kind,
            ErrorKind::MissingRequiredArgument
                | ErrorKind::MissingSubcommand
                | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        )
    }
}
