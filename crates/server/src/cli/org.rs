//! `hallpass org`.

use super::api::{ApiClient, Part};
use super::{Failed, confirm};
use clap::{Args, Subcommand};
use http::Method;
use serde::Serialize;
use serde_json::json;

const ALL: &str = "organizations";
const COLUMNS: &[&str] = &["slug", "external_id", "name", "kind", "status", "hidden"];
const MEMBERS: &str = "members";
const MEMBER_COLUMNS: &[&str] = &["email", "name", "role", "id"];

#[derive(Subcommand)]
pub(super) enum OrgCommand {
    /// List organizations
    List(Part),
    /// List the members of an organization
    Members {
        /// Slug of the organization
        organization: String,
        #[command(flatten)]
        part: Part,
    },
    /// Show an organization and the first hundred of its members
    Show {
        /// Slug of the organization
        organization: String,
    },
    /// Create an organization
    Create(NewOrganization),
    /// Make a person a member, or give a member another role
    SetMember {
        /// Slug of the organization
        organization: String,
        /// E-mail address of the person
        user: String,
        /// Role of the person
        #[arg(value_parser = ["owner", "developer", "member"])]
        role: String,
    },
    /// Remove a person; the grants that they gave there are paused, and end after 30 days
    RemoveMember {
        /// Slug of the organization
        organization: String,
        /// E-mail address of the person
        user: String,
    },
    /// Change an organization
    Change {
        /// Slug of the organization
        organization: String,
        #[command(flatten)]
        changes: Changes,
    },
    /// Suspend an organization: tokens for its data and of its apps are refused until it is resumed
    Suspend {
        /// Slug of the organization
        organization: String,
    },
    /// Resume a suspended organization
    Resume {
        /// Slug of the organization
        organization: String,
    },
    /// Delete an organization that owns no app: its memberships and the grants for its data end
    Delete {
        /// Slug of the organization
        organization: String,
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
    /// Kind of data: real (live) or for trying things out (sandbox)
    #[arg(long, value_parser = ["live", "sandbox"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
}

#[derive(Args, Serialize)]
pub(super) struct NewOrganization {
    /// Short name in addresses and in the configuration
    slug: String,
    /// Name that people see; default: the slug
    #[arg(long)]
    name: Option<String>,
    /// Kind of data: real (live) or for trying things out (sandbox)
    #[arg(long, value_parser = ["live", "sandbox"])]
    kind: Option<String>,
    /// The site's own id of the organization; it cannot be changed later
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
}

pub(super) async fn run(api: &ApiClient, command: OrgCommand) -> Result<(), Failed> {
    match command {
        OrgCommand::List(part) => api.print_list(&[ALL], ALL, COLUMNS, &[], part).await,
        OrgCommand::Members { organization, part } => {
            let path = [ALL, &organization, MEMBERS];
            api.print_list(&path, MEMBERS, MEMBER_COLUMNS, &[], part).await
        }
        OrgCommand::Show { organization } => api.get(&[ALL, &organization]).await?.print(),
        OrgCommand::Create(organization) => api.send(Method::POST, &[ALL], &organization).await?.print(),
        OrgCommand::SetMember {
            organization,
            user,
            role,
        } => {
            let path = [ALL, &organization, "members", &user];
            api.send(Method::PUT, &path, &json!({ "role": role })).await?.print()
        }
        OrgCommand::RemoveMember { organization, user } => {
            api.delete(&[ALL, &organization, "members", &user]).await?.print()
        }
        OrgCommand::Change { organization, changes } => {
            api.send(Method::PATCH, &[ALL, &organization], &changes).await?.print()
        }
        OrgCommand::Suspend { organization } => api.post(&[ALL, &organization, "suspend"]).await?.print(),
        OrgCommand::Resume { organization } => api.post(&[ALL, &organization, "resume"]).await?.print(),
        OrgCommand::Delete { organization, yes } => confirm::delete(api, &[ALL, &organization], yes).await,
    }
}
