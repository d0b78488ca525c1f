//! `hallpass app`.

use super::api::{Api, Part};
use super::{Failed, confirm};
use clap::{Args, Subcommand};
use http::Method;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

const COLUMNS: &[&str] = &["client_id", "name", "organization", "type", "reach", "status"];
const SECRET_COLUMNS: &[&str] = &["id", "hint", "created", "last_used", "expires"];

#[derive(Subcommand)]
pub(super) enum AppCommand {
    /// List apps
    List {
        /// Those of this organization
        #[arg(long, value_name = "SLUG")]
        organization: Option<String>,
        #[command(flatten)]
        part: Part,
    },
    /// Show an app
    Show {
        /// Its client id
        app: String,
    },
    /// Make an app; its secret is shown, this once
    Create(NewApp),
    /// Change an app
    Change {
        /// Its client id
        app: String,
        #[command(flatten)]
        changes: Changes,
        /// Do not ask before its grants end
        #[arg(long)]
        yes: bool,
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
    /// Suspend an app: its tokens are refused until it is resumed
    Suspend {
        /// Its client id
        app: String,
    },
    /// Resume a suspended app
    Resume {
        /// Its client id
        app: String,
    },
    /// Delete an app: its grants end, its secrets are deleted
    Delete {
        /// Its client id
        app: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
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
    /// Where a code may be sent (repeatable)
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// Whether it can keep a secret
    #[arg(long = "type", value_name = "TYPE", value_parser = ["confidential", "public"])]
    #[serde(rename = "type")]
    client_type: Option<String>,
    /// Whose people may connect it
    #[arg(long, value_parser = ["own", "partner"])]
    reach: Option<String>,
    /// What it may ask for (repeatable); empty: nothing; without it every scope that there is now
    #[arg(long = "scope", value_name = "SCOPE")]
    #[serde(serialize_with = "empty_is_none")]
    scopes: Option<Vec<String>>,
    /// What it is subscribed to (repeatable); empty: nothing; without it the default product
    #[arg(long = "product", value_name = "NAME")]
    #[serde(serialize_with = "empty_is_none")]
    products: Option<Vec<String>>,
    /// The grant types that it may use (repeatable); empty: none; without it the preset's
    #[arg(long = "grant-type", value_name = "TYPE")]
    #[serde(serialize_with = "empty_is_none")]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Whose people may connect it
    #[arg(long, value_parser = ["own", "partner"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    reach: Option<String>,
    /// Where a code may be sent, in place of all before (repeatable); empty: none
    #[arg(long = "redirect-uri", value_name = "URI")]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "empty_is_none")]
    redirect_uris: Option<Vec<String>>,
    /// Whether http://localhost is admitted with any port, as http://127.0.0.1 is; public apps only
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    localhost_any_port: Option<bool>,
    /// Whether you have reviewed it: the consent page warns about no other app
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    trusted: Option<bool>,
    /// What it may ask for, in place of all before (repeatable); empty: none
    #[arg(long = "scope", value_name = "SCOPE")]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "empty_is_none")]
    scopes: Option<Vec<String>>,
    /// What it is subscribed to, in place of all before (repeatable); empty: none
    #[arg(long = "product", value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "empty_is_none")]
    products: Option<Vec<String>>,
    /// The grant types that it may use, in place of all before (repeatable); empty: none
    #[arg(long = "grant-type", value_name = "TYPE")]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "empty_is_none")]
    grant_types: Option<Vec<String>>,
    /// The person who manages it; empty: nobody but the organization's owners
    #[arg(long, value_name = "EMAIL")]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "empty_is_null")]
    owner: Option<String>,
    /// The organization that it goes to; its grants end
    #[arg(long, value_name = "SLUG")]
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
}

pub(super) async fn run(api: &Api, command: AppCommand) -> Result<(), Failed> {
    match command {
        AppCommand::List { organization, part } => {
            let filters = [("organization", organization)];
            let apps = api.pages(&["apps"], "apps", &filters, part).await?;
            apps.print_table("apps", COLUMNS)
        }
        AppCommand::Show { app } => api.get(&["apps", &app]).await?.print(),
        AppCommand::Create(app) => api.send(Method::POST, &["apps"], &app).await?.print(),
        AppCommand::Change { app, changes, yes } => change(api, &app, &changes, yes).await,
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
        AppCommand::Delete { app, yes } => confirm::delete(api, &["apps", &app], yes).await,
    }
}

/// An app that goes to another organization loses its grants, and that cannot be taken back.
async fn change(api: &Api, app: &str, changes: &Changes, yes: bool) -> Result<(), Failed> {
    if let (Some(organization), false) = (&changes.organization, yes) {
        let shown = api.get(&["apps", app]).await?;
        api.get(&["organizations", organization]).await?;
        let toll = api.get(&["apps", app, "deletion"]).await?;
        let moves = shown.member("organization").and_then(Value::as_str) != Some(organization);
        if let (true, Some(ending)) = (moves, confirm::ending_grants(&toll)) {
            confirm::confirm(&format!("Moving {app} to {organization}: {ending}."), "Move it?")?;
        }
    }
    api.send(Method::PATCH, &["apps", app], changes).await?.print()
}

/// On a command line nobody can say null.
pub(super) fn empty_is_null<S: Serializer>(text: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_deref().filter(|text| !text.is_empty()).serialize(serializer)
}

/// Nor an empty list.
fn empty_is_none<S: Serializer>(texts: &Option<Vec<String>>, serializer: S) -> Result<S::Ok, S::Error> {
    let none = texts
        .as_deref()
        .filter(|texts| !matches!(texts, [only] if only.is_empty()));
    match (texts, none) {
        (Some(_), None) => serializer.collect_seq::<[&str; 0]>([]),
        _ => none.serialize(serializer),
    }
}
