//! `hallpass user`.

use super::Failed;
use super::api::Api;
use clap::{Args, Subcommand};
use http::Method;
use serde::Serialize;
use serde_json::json;
use std::io;

const COLUMNS: &[&str] = &["number", "email", "external_id", "name", "status", "admin", "developer"];

#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// List people
    List,
    /// Show a person
    Show {
        /// The e-mail address
        user: String,
    },
    /// Make a person; without --password-stdin a password is made and shown, this once
    Create {
        #[command(flatten)]
        user: NewUser,
        #[command(flatten)]
        password: Password,
    },
    /// Say whether a person registers apps, which are trusted
    Change {
        /// The e-mail address
        user: String,
        #[command(flatten)]
        changes: Changes,
    },
    /// Give a person another password; without --password-stdin one is made and shown, this once
    SetPassword {
        /// The e-mail address
        user: String,
        #[command(flatten)]
        password: Password,
    },
    /// Stop a person: signed out, and the tokens that they gave are refused
    Suspend {
        /// The e-mail address
        user: String,
    },
    /// Let a stopped person go on
    Resume {
        /// The e-mail address
        user: String,
    },
}

#[derive(Args, Serialize)]
pub(super) struct NewUser {
    /// The e-mail address
    email: String,
    /// What people see
    #[arg(long)]
    name: String,
    /// The language, such as `nl`
    #[arg(long)]
    locale: Option<String>,
    /// Whether they operate the server
    #[arg(long)]
    admin: bool,
    /// Whether they register apps, which are trusted
    #[arg(long)]
    developer: bool,
    /// In the default organization; without it member
    #[arg(long, value_parser = ["owner", "developer", "member"])]
    role: Option<String>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct Changes {
    /// The person registers apps, which are trusted
    #[arg(long)]
    developer: bool,
    /// The person does not
    #[arg(long)]
    no_developer: bool,
}

#[derive(Args)]
pub(super) struct Password {
    /// Read the password from standard input, its first line
    #[arg(long)]
    password_stdin: bool,
}

/// What the server is sent: a person or none, and a password or none.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    user: Option<&'a NewUser>,
    password: Option<String>,
}

pub(super) async fn run(api: &Api, command: UserCommand) -> Result<(), Failed> {
    match command {
        UserCommand::List => api.list("users", &[]).await?.print_table("users", COLUMNS),
        UserCommand::Show { user } => api.get(&["users", &user]).await?.print(),
        UserCommand::Create { user, password } => {
            let body = Body {
                user: Some(&user),
                password: password.read()?,
            };
            api.send(Method::POST, &["users"], &body).await?.print()
        }
        UserCommand::Change { user, changes } => {
            let body = json!({ "developer": changes.developer });
            api.send(Method::PATCH, &["users", &user], &body).await?.print()
        }
        UserCommand::SetPassword { user, password } => {
            let body = Body {
                user: None,
                password: password.read()?,
            };
            let path = ["users", &user, "password"];
            api.send(Method::PUT, &path, &body).await?.print()
        }
        UserCommand::Suspend { user } => api.post(&["users", &user, "suspend"]).await?.print(),
        UserCommand::Resume { user } => api.post(&["users", &user, "resume"]).await?.print(),
    }
}

impl Password {
    fn read(&self) -> Result<Option<String>, Failed> {
        if !self.password_stdin {
            return Ok(None);
        }
        let mut line = String::new();
        io::stdin().read_line(&mut line)?;
        Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
    }
}
