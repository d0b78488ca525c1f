//! `hallpass user`.

use super::api::{Api, Part};
use super::app::empty_is_null;
use super::{Failed, confirm};
use crate::config::{beginning, from_outside};
use clap::{Args, Subcommand};
use http::Method;
use serde::Serialize;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use zeroize::Zeroizing;

const COLUMNS: &[&str] = &["number", "email", "external_id", "name", "status", "admin", "developer"];

#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// List people
    List(Part),
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
    /// Give a person another password; without --password-stdin one is made and shown, this once
    SetPassword {
        /// The e-mail address
        user: String,
        #[command(flatten)]
        password: Password,
    },
    /// Change a person
    Change {
        /// The e-mail address
        user: String,
        #[command(flatten)]
        changes: Changes,
    },
    /// Suspend a person: they are signed out, and the tokens that they gave are refused until they are resumed
    Suspend {
        /// The e-mail address
        user: String,
    },
    /// Resume a suspended person
    Resume {
        /// The e-mail address
        user: String,
    },
    /// Delete a person: their grants, sessions and memberships end
    Delete {
        /// The e-mail address
        user: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Args, Serialize)]
#[group(required = true, multiple = true)]
pub(super) struct Changes {
    /// What people see
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The language, such as `nl`; empty: the browser's
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "empty_is_null")]
    locale: Option<String>,
    /// Whether they operate the server
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    admin: Option<bool>,
    /// Whether they register apps, which are trusted
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    developer: Option<bool>,
}

#[derive(Args, Serialize)]
pub(super) struct NewUser {
    /// The e-mail address
    email: String,
    /// What people see; without it what stands before the @
    #[arg(long)]
    name: Option<String>,
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
pub(super) struct Password {
    /// Read the password from standard input, one line
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
        UserCommand::List(part) => {
            let users = api.pages(&["users"], "users", &[], part).await?;
            users.print_table("users", COLUMNS)
        }
        UserCommand::Show { user } => api.get(&["users", &user]).await?.print(),
        UserCommand::Create { user, password } => {
            let body = Body {
                user: Some(&user),
                password: password.read()?,
            };
            api.send(Method::POST, &["users"], &body).await?.print()
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
        UserCommand::Change { user, changes } => api.send(Method::PATCH, &["users", &user], &changes).await?.print(),
        UserCommand::Resume { user } => api.post(&["users", &user, "resume"]).await?.print(),
        UserCommand::Delete { user, yes } => confirm::delete(api, &["users", &user], yes).await,
    }
}

impl Password {
    fn read(&self) -> Result<Option<String>, Failed> {
        if !self.password_stdin {
            return Ok(None);
        }
        let password = standard_input()?;
        let password = from_outside(&password)
            .map_err(|fault| Failed::Server(format!("the password on standard input: {fault}")))?;
        Ok(Some(password.expose().to_owned()))
    }
}

/// What is typed up to the end of the line, or all that a program sends: a second line would be lost unseen.
fn standard_input() -> io::Result<Zeroizing<Vec<u8>>> {
    let mut stdin = io::stdin().lock();
    if !stdin.is_terminal() {
        return beginning(stdin);
    }
    let mut line = Zeroizing::new(Vec::new());
    stdin.by_ref().take(4096).read_until(b'\n', &mut line)?;
    Ok(line)
}
