//! `hallpass app`.

use super::Failed;
use super::api::Api;
use clap::{Args, Subcommand};
use http::Method;
use serde::Serialize;
use serde_json::json;

const COLUMNS: &[&str] = &["client_id", "name", "organization", "type", "reach", "status"];
const SECRET_COLUMNS: &[&str] = &["id", "hint", "created", "last_used", "expires"];

#[derive(Subcommand)]
pub(super) enum AppCommand {
    /// List apps
    List {
        /// Those of this organization
        #[arg(long, value_name = "SLUG")]
        organization: Option<String>,
    },
    /// Show an app
    Show {
        /// Its client id
        app: String,
    },
    /// Make an app; its secret is shown, this once
    Create(NewApp),
    /// Change an app's name, reach or redirect URIs
    Set {
        /// Its client id
        app: String,
        #[command(flatten)]
        changes: Changes,
    },
    /// Give an app a new secret, which is shown, this once
    ResetSecret {
        /// Its client id
        app: String,
        /// Let the old secret go on for a day
        #[arg(long)]
        overlap: bool,
    },
    /// List, add and end an app's secrets; at most two are live
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Stop an app: its tokens are refused
    Suspend {
        /// Its client id
        app: String,
    },
    /// Let a stopped app go on
    Resume {
        /// Its client id
        app: String,
    },
}

#[derive(Subcommand)]
pub(super) enum SecretCommand {
    /// List an app's live secrets, with their last use
    List {
        /// Its client id
        app: String,
    },
    /// Give an app a second secret beside the first; it is shown, this once
    Add {
        /// Its client id
        app: String,
    },
    /// End one secret at once
    End {
        /// The app's client id
        app: String,
        /// The secret's id or hint
        secret: String,
    },
}

#[derive(Args, Serialize)]
pub(super) struct NewApp {
    /// What people see
    name: String,
    /// Who owns it; without it the default organization
    #[arg(long, value_name = "SLUG")]
    organization: Option<String>,
    /// Where a code may be sent; as often as there are
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// Whether it can keep a secret
    #[arg(long = "type", value_name = "TYPE", value_parser = ["confidential", "public"])]
    #[serde(rename = "type")]
    client_type: Option<String>,
    /// Whose people may connect it
    #[arg(long, value_parser = ["own", "partner"])]
    reach: Option<String>,
    /// What it may ask for; without it every scope that there is now
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Option<Vec<String>>,
    /// What it is subscribed to; without it the default product
    #[arg(long = "product", value_name = "NAME")]
    products: Option<Vec<String>>,
    /// The grant types that it may use; without it the preset's
    #[arg(long = "grant-type", value_name = "TYPE")]
    grant_types: Option<Vec<String>>,
    /// Admit http://localhost with any port, as http://127.0.0.1 is; public apps only
    #[arg(long)]
    localhost_any_port: bool,
}

#[derive(Args, Serialize)]
#[group(required = true, multiple = true)]
pub(super) struct Changes {
    /// What people see
    #[arg(long)]
    name: Option<String>,
    /// Whose people may connect it
    #[arg(long, value_parser = ["own", "partner"])]
    reach: Option<String>,
    /// Where a code may be sent, in place of all before; as often as there are
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Option<Vec<String>>,
    /// Whether http://localhost is admitted with any port, as http://127.0.0.1 is; public apps only
    #[arg(long, value_name = "BOOL")]
    localhost_any_port: Option<bool>,
}

pub(super) async fn run(api: &Api, command: AppCommand) -> Result<(), Failed> {
    match command {
        AppCommand::List { organization } => {
            let apps = api.list("apps", &[("organization", organization)]).await?;
            apps.print_table("apps", COLUMNS)
        }
        AppCommand::Show { app } => api.get(&["apps", &app]).await?.print(),
        AppCommand::Create(app) => api.send(Method::POST, &["apps"], &app).await?.print(),
        AppCommand::Set { app, changes } => api.send(Method::PATCH, &["apps", &app], &changes).await?.print(),
        AppCommand::ResetSecret { app, overlap } => {
            let reset = json!({ "reset": if overlap { "overlap" } else { "now" } });
            let path = ["apps", &app, "secret"];
            api.send(Method::POST, &path, &reset).await?.print()
        }
        AppCommand::Secret(SecretCommand::List { app }) => {
            let secrets = api.get(&["apps", &app, "secrets"]).await?;
            secrets.print_table("secrets", SECRET_COLUMNS)
        }
        AppCommand::Secret(SecretCommand::Add { app }) => api.post(&["apps", &app, "secrets"]).await?.print(),
        AppCommand::Secret(SecretCommand::End { app, secret }) => {
            api.delete(&["apps", &app, "secrets", &secret]).await?.print()
        }
        AppCommand::Suspend { app } => api.post(&["apps", &app, "suspend"]).await?.print(),
        AppCommand::Resume { app } => api.post(&["apps", &app, "resume"]).await?.print(),
    }
}
