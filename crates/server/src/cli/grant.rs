//! `hallpass grant`.

use super::Failed;
use super::api::{ApiClient, Part};
use clap::{Args, Subcommand};

const COLUMNS: &[&str] = &["id", "user", "app", "organization", "state", "scopes", "last_used"];

#[derive(Subcommand)]
pub(super) enum GrantCommand {
    /// List grants, newest first
    List(Filter),
    /// Show a grant
    Show {
        /// Id of the grant
        grant: String,
    },
    /// End a grant: its code and tokens stop working at once
    End {
        /// Id of the grant
        grant: String,
    },
}

#[derive(Args)]
pub(super) struct Filter {
    /// Only grants of this person
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
    /// Only grants for this app
    #[arg(long, value_name = "CLIENT_ID")]
    app: Option<String>,
    /// Only grants in this organization
    #[arg(long, value_name = "SLUG")]
    organization: Option<String>,
    /// Only grants in this state
    #[arg(long, value_parser = ["pending", "active", "ended"])]
    state: Option<String>,
    /// Maximum number of results; 100 by default
    #[arg(long, value_name = "NUMBER", default_value_t = 100, hide_default_value = true)]
    limit: u32,
    /// Continue after this cursor; the previous page ends with the cursor to use
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
}

pub(super) async fn run(api: &ApiClient, command: GrantCommand) -> Result<(), Failed> {
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
            api.print_list(&["grants"], "grants", COLUMNS, &filters, part).await
        }
        GrantCommand::Show { grant } => api.get(&["grants", &grant]).await?.print(),
        GrantCommand::End { grant } => api.post(&["grants", &grant, "end"]).await?.print(),
    }
}
