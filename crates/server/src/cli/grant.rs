//! `hallpass grant`.

use super::Failed;
use super::api::Api;
use clap::{Args, Subcommand};

const COLUMNS: &[&str] = &["id", "user", "app", "organization", "state", "scopes", "last_used"];

#[derive(Subcommand)]
pub(super) enum GrantCommand {
    /// List grants, the newest first
    List(Filter),
    /// Show a grant
    Show {
        /// Its id
        grant: String,
    },
    /// End a grant: its code and tokens are over at once
    End {
        /// Its id
        grant: String,
    },
}

#[derive(Args)]
pub(super) struct Filter {
    /// Of this person
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
    /// Of this app
    #[arg(long, value_name = "CLIENT_ID")]
    app: Option<String>,
    /// In this organization
    #[arg(long, value_name = "SLUG")]
    organization: Option<String>,
    /// In this state
    #[arg(long, value_parser = ["pending", "active", "ended"])]
    state: Option<String>,
    /// At most so many
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u32>,
}

pub(super) async fn run(api: &Api, command: GrantCommand) -> Result<(), Failed> {
    match command {
        GrantCommand::List(filter) => {
            let filters = [
                ("user", filter.user),
                ("app", filter.app),
                ("organization", filter.organization),
                ("state", filter.state),
                ("limit", filter.limit.map(|limit| limit.to_string())),
            ];
            api.list("grants", &filters).await?.print_table("grants", COLUMNS)
        }
        GrantCommand::Show { grant } => api.get(&["grants", &grant]).await?.print(),
        GrantCommand::End { grant } => api.post(&["grants", &grant, "end"]).await?.print(),
    }
}
