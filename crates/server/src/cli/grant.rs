//! `hallpass grant`.

use super::Failed;
use super::api::{Api, Part};
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
    /// Maximum number of results; 100 by default
    #[arg(long, value_name = "NUMBER", default_value_t = 100, hide_default_value = true)]
    limit: u32,
    /// Continue after this grant; the previous page ends with the id to use
    #[arg(long, value_name = "ID")]
    after: Option<String>,
}

pub(super) async fn run(api: &Api, command: GrantCommand) -> Result<(), Failed> {
    match command {
        GrantCommand::List(filter) => {
            let filters = [
                ("user", filter.user),
                ("app", filter.app),
                ("organization", filter.organization),
                ("state", filter.state),
            ];
            let part = Part {
                limit: Some(filter.limit),
                after: filter.after,
            };
            let grants = api.pages(&["grants"], "grants", &filters, part).await?;
            grants.print_table("grants", COLUMNS)
        }
        GrantCommand::Show { grant } => api.get(&["grants", &grant]).await?.print(),
        GrantCommand::End { grant } => api.post(&["grants", &grant, "end"]).await?.print(),
    }
}
