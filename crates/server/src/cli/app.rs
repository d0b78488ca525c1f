//! `hallpass app`.

use super::api::{ApiClient, Part};
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
        /// Only apps of this organization
        #[arg(long, value_name = "SLUG")]
        organization: Option<String>,
        #[command(flatten)]
        part: Part,
    },
    /// Show an app
    Show {
        /// Client ID of the app
        app: String,
    },
    /// Create an app; its secret is shown only once
    Create(NewApp),
    /// Change an app
    Change {
        /// Client ID of the app
        app: String,
        #[command(flatten)]
        changes: Changes,
        /// Do not ask for confirmation before its grants end
        #[arg(long)]
        yes: bool,
    },
    /// Replace an app's secrets by a new one, which is shown only once
    ResetSecret {
        /// Client ID of the app
        app: String,
        /// Let the old secret work for another day
        #[arg(long)]
        overlap: bool,
    },
    /// List, add and end an app's secrets; at most two are live
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Suspend an app: its tokens are refused until it is resumed
    Suspend {
        /// Client ID of the app
        app: String,
    },
    /// Resume a suspended app
    Resume {
        /// Client ID of the app
        app: String,
    },
    /// Delete an app: its grants end, its secrets are deleted
    Delete {
        /// Client ID of the app
        app: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Subcommand)]
pub(super) enum SecretCommand {
    /// List an app's live secrets, with their last use
    List {
        /// Client ID of the app
        app: String,
        #[command(flatten)]
        part: Part,
    },
    /// Add a second secret beside the first; it is shown only once
    Add {
        /// Client ID of the app
        app: String,
    },
    /// End one secret at once
    End {
        /// Client ID of the app
        app: String,
        /// Id of the secret, or its last four characters
        secret: String,
    },
}

#[derive(Args, Serialize)]
pub(super) struct NewApp {
    /// Name that people see
    name: String,
    /// Organization that owns the app; default: the default organization
    #[arg(long, value_name = "SLUG")]
    organization: Option<String>,
    /// Redirect URI (repeatable)
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// Client type: whether the app can keep a secret
    #[arg(long = "type", value_name = "TYPE", value_parser = ["confidential", "public"])]
    #[serde(rename = "type")]
    client_type: Option<String>,
    /// Whose people may connect the app: its own organization's, or every organization's (partner)
    #[arg(long, value_parser = ["own", "partner"])]
    reach: Option<String>,
    /// Whose its grants are: the person's who allows it, or the organization's (only an owner allows it)
    #[arg(long, value_parser = ["person", "organization"])]
    acts_as: Option<String>,
    /// Scope that the app may request (repeatable); empty: none; default: every scope that exists now
    #[arg(long = "scope", value_name = "SCOPE")]
    #[serde(serialize_with = "empty_is_none")]
    scopes: Option<Vec<String>>,
    /// Product that the app is subscribed to (repeatable); empty: none; default: the default product
    #[arg(long = "product", value_name = "NAME")]
    #[serde(serialize_with = "empty_is_none")]
    products: Option<Vec<String>>,
    /// Grant type that the app may use (repeatable); empty: none; default: those of the preset
    #[arg(long = "grant-type", value_name = "TYPE")]
    #[serde(serialize_with = "empty_is_none")]
    grant_types: Option<Vec<String>>,
    /// Accept http://localhost with any port, like http://127.0.0.1; public apps only
    #[arg(long)]
    localhost_any_port: bool,
}

#[derive(Args, Serialize)]
#[group(required = true, multiple = true)]
pub(super) struct Changes {
    /// Name that people see
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Whose people may connect the app: its own organization's, or every organization's (partner)
    #[arg(long, value_parser = ["own", "partner"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    reach: Option<String>,
    /// Whose its new grants are: the person's who allows it, or the organization's (only an owner allows it)
    #[arg(long, value_parser = ["person", "organization"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    acts_as: Option<String>,
    /// Redirect URI (repeatable); replaces the whole list; empty: none
    #[arg(long = "redirect-uri", value_name = "URI")]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "empty_is_none")]
    redirect_uris: Option<Vec<String>>,
    /// Whether to accept http://localhost with any port, like http://127.0.0.1; public apps only
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    localhost_any_port: Option<bool>,
    /// Whether you have reviewed the app; the consent page warns about an app that nobody has reviewed
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    trusted: Option<bool>,
    /// Scope that the app may request (repeatable); replaces the whole list; empty: none
    #[arg(long = "scope", value_name = "SCOPE")]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "empty_is_none")]
    scopes: Option<Vec<String>>,
    /// Product that the app is subscribed to (repeatable); replaces the whole list; empty: none
    #[arg(long = "product", value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "empty_is_none")]
    products: Option<Vec<String>>,
    /// Grant type that the app may use (repeatable); replaces the whole list; empty: none
    #[arg(long = "grant-type", value_name = "TYPE")]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "empty_is_none")]
    grant_types: Option<Vec<String>>,
    /// Person who manages the app; empty: only the owners of the organization
    #[arg(long, value_name = "EMAIL")]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "empty_is_null")]
    owner: Option<String>,
    /// Organization to move the app to; its grants end
    #[arg(long, value_name = "SLUG")]
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
}

pub(super) async fn run(api: &ApiClient, command: AppCommand) -> Result<(), Failed> {
    match command {
        AppCommand::List { organization, part } => {
            let filters = [("organization", organization)];
            api.print_list(&["apps"], "apps", COLUMNS, &filters, part).await
        }
        AppCommand::Show { app } => api.get(&["apps", &app]).await?.print(),
        AppCommand::Create(app) => api.send(Method::POST, &["apps"], &app).await?.print(),
        AppCommand::Change { app, changes, yes } => change(api, &app, &changes, yes).await,
        AppCommand::ResetSecret { app, overlap } => {
            let reset = json!({ "reset": if overlap { "overlap" } else { "now" } });
            let path = ["apps", &app, "secret"];
            api.send(Method::POST, &path, &reset).await?.print()
        }
        AppCommand::Secret(SecretCommand::List { app, part }) => {
            let path = ["apps", &app, "secrets"];
            api.print_list(&path, "secrets", SECRET_COLUMNS, &[], part).await
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

/// Asks before an app moves to another organization: its grants end, and this cannot be undone.
async fn change(api: &ApiClient, app: &str, changes: &Changes, yes: bool) -> Result<(), Failed> {
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

/// A command line cannot express null, so an empty value stands for it.
pub(super) fn empty_is_null<S: Serializer>(text: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_deref().filter(|text| !text.is_empty()).serialize(serializer)
}

/// A command line cannot express an empty list, so one empty value stands for it.
fn empty_is_none<S: Serializer>(texts: &Option<Vec<String>>, serializer: S) -> Result<S::Ok, S::Error> {
    let none = texts
        .as_deref()
        .filter(|texts| !matches!(texts, [only] if only.is_empty()));
    match (texts, none) {
        (Some(_), None) => serializer.collect_seq::<[&str; 0]>([]),
        _ => none.serialize(serializer),
    }
}
