//! The command line: a server or a demo to run, a configuration to judge, and commands for a server that runs.
//!
//! Exit codes: 0, 1 for a failure, 2 for a command line that cannot be understood or must be confirmed.

mod api;
mod app;
mod audit;
mod configuration;
mod confirm;
mod grant;
mod init;
mod key;
mod log;
mod org;
mod serve;
mod table;
mod user;

use crate::config::{ConfigError, preset_names};
use crate::data_folder::DataFolderError;
use crate::demo::{self, DemoError};
use crate::serve::StartError;
use crate::store::StoreError;
use api::Api;
use app::AppCommand;
use audit::AuditCommand;
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use configuration::{ConfigCommand, Migrate};
use grant::GrantCommand;
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
    /// Run a complete world on localhost: server, sample API, sample third-party app, people to log in as
    Demo(Demo),
    /// Write a configuration to begin with, and its secrets, into this folder
    Init,
    /// Run the server
    Serve(Serve),
    /// Judge or show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Bring the database to what this version needs; `serve` does it at start
    Migrate(Migrate),
    /// Apps of the running server
    App(ToServer<AppCommand>),
    /// People of the running server
    User(ToServer<UserCommand>),
    /// Organizations of the running server
    Org(ToServer<OrgCommand>),
    /// Grants of the running server
    Grant(ToServer<GrantCommand>),
    /// Keys of the running server
    Key(ToServer<KeyCommand>),
    /// The audit log of the running server: who changed what
    Audit(ToServer<AuditCommand>),
}

#[derive(Args)]
struct Demo {
    /// The preset to show: the API that the sample API imitates
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = PossibleValuesParser::new(preset_names()))]
    preset: String,
    /// Where the server listens
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where the sample API listens
    #[arg(long, value_name = "ADDRESS")]
    api_listen: Option<SocketAddr>,
    /// Where the sample app listens
    #[arg(long, value_name = "ADDRESS")]
    app_listen: Option<SocketAddr>,
    /// The folder of everything that is kept; without it nothing is
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

/// A command for the running server, and where that is.
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
    /// What the server answers, or why it does not.
    #[error("{0}")]
    Server(String),
    /// What would end, and that nobody said that it may.
    #[error("{0}")]
    Unconfirmed(String),
    /// Why no configuration was made.
    #[error("{0}")]
    Init(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Runs the command that the process was called with.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads the output has read enough.
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
    // With a handler, a write beyond `ulimit -f` fails as one on a full disk does. Without, the signal ends the process.
    let _handled = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()))?;
    match command {
        Command::Demo(options) => {
            log::Log::to_stderr();
            let Demo {
                preset,
                listen,
                api_listen,
                app_listen,
                data,
            } = options;
            let options = demo::Options {
                preset,
                listen,
                api_listen,
                app_listen,
                data,
            };
            Ok(demo::run(options).await?)
        }
        Command::Init => init::run(),
        Command::Serve(options) => serve::run(options).await,
        Command::Config(command) => configuration::run(command),
        Command::Migrate(options) => configuration::migrate(options).await,
        Command::App(to) => app::run(&Api::of(to.place).await?, to.command).await,
        Command::User(to) => user::run(&Api::of(to.place).await?, to.command).await,
        Command::Org(to) => org::run(&Api::of(to.place).await?, to.command).await,
        Command::Grant(to) => grant::run(&Api::of(to.place).await?, to.command).await,
        Command::Key(to) => key::run(&Api::of(to.place).await?, to.command).await,
        Command::Audit(to) => audit::run(&Api::of(to.place).await?, to.command).await,
    }
}

/// Prints to standard output.
fn print(text: &str) -> Result<(), Failed> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
