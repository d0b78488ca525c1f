//! The command line. Exit codes of `token`: 0 with a token, 1 if a person must mend something, 3 if the user must connect
//! again, 4 if there is no such connection, 75 (sysexits' EX_TEMPFAIL) to try later.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use hallpass_client::keeper::{ConnectError, Connection, Keeper, KeeperError, VaultError};
use tracing_subscriber::EnvFilter;

use crate::check::check;
use crate::config::{Config, ConfigError};
use crate::metrics::Metrics;
use crate::open::{OpenError, Wanted, open};
use crate::output::{Fault, SHORTEST_END, not_configured, say, token_body};
use crate::webhook::{Sender, tell_waiting};
use crate::{login, moving, serve, trust};

const DONE: u8 = 0;
const FAULT: u8 = 1;
const NEEDS_USER: u8 = 3;
const UNKNOWN: u8 = 4;
const LATER: u8 = 75;

/// Keeps OAuth tokens fresh for programs in any language.
#[derive(Parser)]
#[command(name = "hallpass-keeper", version)]
struct Arguments {
    /// Configuration file; default: `hallpass-keeper.toml` in this folder
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve tokens to programs, and refresh them before they expire
    Serve,
    /// Print a live access token
    Token {
        /// Connection, as PROVIDER/REFERENCE
        connection: Connection,
        /// End of the token that the API refused: its last 8 characters or more
        #[arg(long, value_name = "LAST8", value_parser = end_of_token)]
        refused: Option<String>,
        /// Print the whole answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Refresh due connections once, and send waiting events (for cron, without `serve`)
    Keep,
    /// Connect in a browser on this computer
    Login {
        /// Connection, as PROVIDER/REFERENCE
        connection: Connection,
        /// Scopes in place of those of the configuration (repeatable)
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
        /// Port that the browser returns to (0: any free port)
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// List connections and when their tokens expire
    List,
    /// Take over tokens: one JSON object a line from standard input
    Import,
    /// Print all connections with their tokens, one JSON object a line. The output is as secret as the vault
    Export,
    /// Check the configuration and the files that it names. Nothing is opened or asked
    Check,
}

pub(crate) fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,tokio_postgres=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(follow(arguments)));
    outcome.unwrap_or_else(|error| {
        // A configuration may have several faults.
        for line in error.to_string().lines() {
            tracing::error!("{line}");
        }
        if let Some(ConnectError::Away(_)) = error.downcast_ref() {
            return ExitCode::from(LATER);
        }
        ExitCode::FAILURE
    })
}

fn end_of_token(text: &str) -> Result<String, &'static str> {
    match text.len() < SHORTEST_END {
        true => Err("write the last 8 characters of the refused token, or more"),
        false => Ok(text.to_owned()),
    }
}

async fn follow(arguments: Arguments) -> Result<ExitCode, Fault> {
    let path = arguments.config.map_or_else(unnamed, Ok)?;
    let config = || Config::read(&path);
    match arguments.command {
        Command::Serve => serve::serve(config()?).await?,
        Command::Token {
            connection,
            refused,
            json,
        } => return token(&config()?, &connection, refused.as_deref(), json).await,
        Command::Keep => keep(&config()?).await?,
        Command::Login {
            connection,
            scopes,
            port,
        } => {
            let config = config()?;
            if !config.providers.contains_key(connection.provider()) {
                return Err(not_configured(&connection).into());
            }
            login::login(&config, connection, scopes, port).await?;
        }
        Command::List => moving::list(&known(&config()?).await?).await?,
        Command::Import => moving::import(&known(&config()?).await?).await?,
        Command::Export => moving::export(&known(&config()?).await?).await?,
        Command::Check => {
            let count = check(&path)?;
            let s = if count == 1 { "" } else { "s" };
            say(&format!("{count} provider{s}; nothing is wrong"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The configuration that nobody named: another account that may write in this folder could have put it there.
fn unnamed() -> Result<PathBuf, ConfigError> {
    let path = PathBuf::from("hallpass-keeper.toml");
    match trust::check(&path) {
        Ok(()) => Ok(path),
        Err(error) => Err(ConfigError::new(format!("{error}; or name the file by --config"))),
    }
}

/// A keeper that gets along with the metadata of an earlier start.
async fn known(config: &Config) -> Result<Keeper, OpenError> {
    open(config, Wanted::Known, None, &Metrics::default()).await
}

/// Also sends the events that wait: without `serve`, nobody else does.
async fn keep(config: &Config) -> Result<(), Fault> {
    let keeper = known(config).await?;
    let kept = keeper.keep_due().await;
    // Answers that are late are stored before the process ends.
    keeper.stop().await;
    let kept = kept?;
    if let Some(webhook) = &config.webhook {
        let sender = Sender::new(webhook, config.http.clone(), Metrics::default())?;
        tell_waiting(&keeper, &sender).await?;
    }
    say(&format!(
        "refreshed {}, need their user {}, later {}",
        kept.ready, kept.needs_user, kept.later
    ))?;
    Ok(())
}

async fn token(config: &Config, connection: &Connection, refused: Option<&str>, json: bool) -> Result<ExitCode, Fault> {
    let keeper = match open(config, Wanted::One(connection.provider()), None, &Metrics::default()).await {
        Err(error) if opens_later(&error) => {
            tracing::error!("{error}");
            return Ok(ExitCode::from(LATER));
        }
        opened => opened?,
    };
    let outcome = match refused {
        None => keeper.token(connection).await,
        Some(refused) => keeper.refused(connection, refused).await,
    };
    let told = match outcome {
        Ok(token) if json => say(&token_body(&token).to_string()).map(|()| DONE),
        Ok(token) => say(token.access.secret()).map(|()| DONE),
        Err(error) => {
            match config.providers.contains_key(connection.provider()) {
                true => tracing::error!("{connection}: {error}"),
                false => tracing::error!("{}", not_configured(connection)),
            }
            Ok(code(&error))
        }
    };
    // The answer to a refresh may still come, also if the old token was good enough to print. It is stored before the end.
    keeper.stop().await;
    Ok(ExitCode::from(told?))
}

fn code(error: &KeeperError) -> u8 {
    match error {
        KeeperError::NeedsUser { .. } => NEEDS_USER,
        KeeperError::Unknown => UNKNOWN,
        // A person must act: another key, a later version, or parameters that fit no endpoint.
        KeeperError::Vault(VaultError::Sealed(_) | VaultError::UnknownState(_)) | KeeperError::Provider(_) => FAULT,
        _ => LATER,
    }
}

/// Whether a vault that did not open may do so later, when nobody changed the configuration.
fn opens_later(error: &OpenError) -> bool {
    matches!(
        error,
        OpenError::Vault(VaultError::Unreachable(_) | VaultError::Locked(_) | VaultError::Full(_))
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use hallpass_client::ProviderError;

    #[test]
    fn what_time_mends_is_later_and_what_a_person_must_mend_is_a_fault() {
        let text = String::new;
        for error in [
            VaultError::Unreachable(text()),
            VaultError::Locked(text()),
            VaultError::Full(text()),
        ] {
            assert!(opens_later(&OpenError::Vault(error.clone())), "{error}");
            assert_eq!(code(&KeeperError::Vault(error.clone())), LATER, "{error}");
        }
        let sealed = VaultError::Sealed(text());
        assert!(!opens_later(&OpenError::Vault(sealed.clone())));
        assert_eq!(code(&KeeperError::Vault(sealed)), FAULT);
        assert_eq!(code(&KeeperError::Vault(VaultError::UnknownState(text()))), FAULT);
        assert_eq!(
            code(&KeeperError::Provider(ProviderError::Missing("token_endpoint"))),
            FAULT
        );
        assert!(!opens_later(&OpenError::Vault(VaultError::Failed(text()))));
    }
}
