//! The developer portal: third parties register apps, and see their credentials.
//!
//! Every query takes the organization; who is no owner or developer of it finds nothing there.

pub mod apps;
pub mod new_app;
pub mod organizations;
pub mod secrets;

use crate::app::Hallpass;
use crate::directory::Client;
use crate::oauth::Refusal;
use crate::pages::account::memberships;
use crate::store::model::{App, Organization, OrganizationId, Role, User};
use crate::view::AppLine;
use std::sync::Arc;

/// Whether this person may see and make the organization's apps.
#[must_use]
pub fn develops_for(user: &User, organization: OrganizationId) -> bool {
    let mut memberships = user.memberships.iter();
    memberships.any(|one| one.organization == organization && one.role != Role::Member)
}

/// The organizations whose apps this person may see and make.
///
/// # Errors
/// Where the database is away.
pub async fn developed_by(hallpass: &Hallpass, user: &User) -> Result<Vec<Arc<Organization>>, Refusal> {
    let belongs = memberships(hallpass, user).await?.into_iter();
    Ok(belongs
        .map(|(organization, _)| organization)
        .filter(|organization| develops_for(user, organization.id))
        .collect())
}

/// An app as lists show it.
#[must_use]
pub fn app_line<'a>(app: &'a App, organization: &'a Organization) -> AppLine<'a> {
    AppLine {
        client_id: &app.client_id,
        name: &app.name,
        organization: (!organization.hidden).then_some(organization.name.as_str()),
        status: app.status,
        created: app.created.0,
    }
}

/// Whether this person may manage the app.
#[must_use]
pub fn manages(user: &User, client: &Client) -> bool {
    develops_for(user, client.app.organization)
}
