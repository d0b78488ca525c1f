//! `hallpass user`.

use super::api::{ApiClient, Part};
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
        /// E-mail address of the person
        user: String,
    },
    /// Create a person; without --password-stdin a password is made and shown only once
    Create {
        #[command(flatten)]
        user: NewUser,
        #[command(flatten)]
        password: Password,
    },
    /// Set a person's password; without --password-stdin a password is made and shown only once
    SetPassword {
        /// E-mail address of the person
        user: String,
        #[command(flatten)]
        password: Password,
    },
    /// Change a person
    Change {
        /// E-mail address of the person
        user: String,
        #[command(flatten)]
        changes: Changes,
    },
    /// Suspend a person: they are signed out, and the tokens that they gave are refused until they are resumed
    Suspend {
        /// E-mail address of the person
        user: String,
    },
    /// Resume a suspended person
    Resume {
        /// E-mail address of the person
        user: String,
    },
    /// Delete a person: their grants, sessions and memberships end
    Delete {
        /// E-mail address of the person
        user: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Args, Serialize)]
#[group(required = true, multiple = true)]
pub(super) struct Changes {
    /// Name that people see
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Language, such as `nl`; empty: that of the browser
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "empty_is_null")]
    locale: Option<String>,
    /// Whether the person is an operator of the server
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    admin: Option<bool>,
    /// Whether the person may register apps; these apps are trusted
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    developer: Option<bool>,
}

#[derive(Args, Serialize)]
pub(super) struct NewUser {
    /// E-mail address of the person
    email: String,
    /// Name that people see; default: the part of the address before the @
    #[arg(long)]
    name: Option<String>,
    /// Language, such as `nl`
    #[arg(long)]
    locale: Option<String>,
    /// Whether the person is an operator of the server
    #[arg(long)]
    admin: bool,
    /// Whether the person may register apps; these apps are trusted
    #[arg(long)]
    developer: bool,
    /// Role in the default organization; default: member
    #[arg(long, value_parser = ["owner", "developer", "member"])]
    role: Option<String>,
}

#[derive(Args)]
pub(super) struct Password {
    /// Read the password from standard input, one line
    #[arg(long)]
    password_stdin: bool,
}

/// The body of a request: the new person, the password, or both.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    user: Option<&'a NewUser>,
    password: Option<String>,
}

pub(super) async fn run(api: &ApiClient, command: UserCommand) -> Result<(), Failed> {
    match command {
        UserCommand::List(part) => api.print_list(&["users"], "users", COLUMNS, &[], part).await,
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

/// Reads one line from a terminal, or everything from a program: a second line must not be lost without an error.
fn standard_input() -> io::Result<Zeroizing<Vec<u8>>> {
    let mut stdin = io::stdin().lock();
    if !stdin.is_terminal() {
        return beginning(stdin);
    }
    let mut line = Zeroizing::new(Vec::new());
    stdin.by_ref().take(4096).read_until(b'\n', &mut line)?;
    Ok(line)
}
