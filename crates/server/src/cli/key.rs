//! `hallpass key`.

use super::Failed;
use super::api::{ApiClient, Part};
use super::confirm::confirm;
use clap::Subcommand;
use http::Method;
use serde_json::{Value, json};

const COLUMNS: &[&str] = &["id", "purpose", "state", "created", "active_from", "retires", "revoked"];

#[derive(Subcommand)]
pub(super) enum KeyCommand {
    /// List keys
    List(Part),
    /// Publish new keys, used after one minute; old keys stay until everything made with them has expired
    Rotate {
        /// Only the key for this purpose
        #[arg(long, value_parser = ["access", "proof", "page"])]
        purpose: Option<String>,
    },
    /// Revoke a key: everything made with it ends at once
    Revoke {
        /// Number of the key
        key: u32,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

pub(super) async fn run(api: &ApiClient, command: KeyCommand) -> Result<(), Failed> {
    match command {
        KeyCommand::List(part) => api.print_list(&["keys"], "keys", COLUMNS, &[], part).await,
        KeyCommand::Rotate { purpose } => {
            let wanted = json!({"purpose": purpose});
            let answer = api.send(Method::POST, &["keys", "rotate"], &wanted).await?;
            answer.print_table("keys", COLUMNS)
        }
        KeyCommand::Revoke { key, yes } => {
            if !yes {
                // Do not ask for confirmation if the key does not exist.
                if !exists(api, key).await? {
                    return Err(Failed::Server(format!("there is no key {key}")));
                }
                let what = format!("Everything made under key {key} ends at once.");
                confirm(&what, "Revoke it?")?;
            }
            api.post(&["keys", &key.to_string(), "revoke"]).await?.print()
        }
    }
}

async fn exists(api: &ApiClient, key: u32) -> Result<bool, Failed> {
    let mut after = None;
    loop {
        let page = api.list(&["keys"], &[("after", after)]).await?;
        let mut keys = page.member("keys").and_then(Value::as_array).into_iter().flatten();
        if keys.any(|one| one["id"] == key) {
            return Ok(true);
        }
        after = page.next();
        if after.is_none() {
            return Ok(false);
        }
    }
}
