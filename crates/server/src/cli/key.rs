//! `hallpass key`.

use super::api::Api;
use super::{Failed, print};
use clap::Subcommand;
use http::Method;
use serde_json::json;
use std::io::{self, BufRead as _, IsTerminal as _};

const COLUMNS: &[&str] = &["id", "purpose", "state", "created", "active_from", "retires", "revoked"];

#[derive(Subcommand)]
pub(super) enum KeyCommand {
    /// List keys
    List,
    /// Publish new keys; they are used a minute later, and those before them until what they made has expired
    Rotate {
        /// Only this one
        #[arg(long, value_parser = ["access", "proof", "page"])]
        purpose: Option<String>,
    },
    /// Revoke a key: what was made under it ends at once
    Revoke {
        /// Its number
        key: u32,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

pub(super) async fn run(api: &Api, command: KeyCommand) -> Result<(), Failed> {
    match command {
        KeyCommand::List => api.list("keys", &[]).await?.print_table("keys", COLUMNS),
        KeyCommand::Rotate { purpose } => {
            let wanted = json!({"purpose": purpose});
            let answer = api.send(Method::POST, &["keys", "rotate"], &wanted).await?;
            answer.print_table("keys", COLUMNS)
        }
        KeyCommand::Revoke { key, yes } => {
            if !yes {
                confirmed(key)?;
            }
            api.post(&["keys", &key.to_string(), "revoke"]).await?.print()
        }
    }
}

/// Asks at the terminal; a program has to say it.
fn confirmed(key: u32) -> Result<(), Failed> {
    if !io::stdin().is_terminal() {
        let text = format!("everything made under key {key} would end at once: say --yes if that is meant");
        return Err(Failed::Server(text));
    }
    print(&format!(
        "Everything made under key {key} ends at once. Revoke it? [y/N] "
    ))?;
    let mut said = String::new();
    io::stdin().lock().read_line(&mut said)?;
    if matches!(said.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(Failed::Server("nothing was changed".to_owned()))
    }
}
