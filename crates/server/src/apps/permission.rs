//! Who manages which app, and who registers apps (decision 37). `docs/permissions.md` says the same as a table, and a test
//! tries each cell of it.

use crate::config::Register;
use crate::directory::Client;
use crate::oauth::Refusal;
use crate::organizations::{develops, memberships, role_in};
use crate::serve::hallpass::Hallpass;
use crate::store::Manager;
use crate::store::model::{Organization, OrganizationId, Role, Status, User};
use std::sync::Arc;

/// Whether the person may register apps for the organization.
#[must_use]
pub(crate) fn may_register(hallpass: &Hallpass, user: &User, organization: &Organization) -> bool {
    // Apps of people who are not developers of an organization belong to the default one.
    let in_default = is_default(hallpass, organization) && role_in(user, organization).is_some();
    match hallpass.config.portal.register {
        Register::Nobody => false,
        Register::Developers => develops(user, organization) || (user.developer && in_default),
        Register::Everyone => develops(user, organization) || in_default,
    }
}

/// The active organizations that the person may register apps for. The hidden default organization is offered only if there
/// is no other.
///
/// # Errors
/// If the database is away.
pub(crate) async fn registers_for(hallpass: &Hallpass, user: &User) -> Result<Vec<Arc<Organization>>, Refusal> {
    let found = memberships(hallpass, user).await?.into_iter();
    let mut found: Vec<_> = found
        .map(|(organization, _)| organization)
        .filter(|one| one.status == Status::Active && may_register(hallpass, user, one))
        .collect();
    if found.iter().any(|one| !one.hidden) {
        found.retain(|one| !one.hidden);
    }
    Ok(found)
}

/// Whether the person may manage the app.
///
/// # Errors
/// If the database is away.
pub(crate) async fn manages(hallpass: &Hallpass, user: &User, client: &Client) -> Result<bool, Refusal> {
    let (app, organization) = (&client.app, &client.organization);
    if role_in(user, organization) == Some(Role::Owner) {
        return Ok(true);
    }
    if !keeps_own(hallpass, user, organization) {
        return Ok(false);
    }
    Ok(app.owner == Some(user.id) || hallpass.store.is_in_team(app.id, user.id).await?)
}

/// The apps that the person may manage, for lists. The store finds them by the rules of [`manages`].
#[must_use]
pub(crate) fn manager<'a>(hallpass: &'a Hallpass, user: &User, organization: Option<OrganizationId>) -> Manager<'a> {
    Manager {
        user: user.id,
        organization,
        default: &hallpass.config.defaults.organization,
    }
}

/// Whether the developer pages have anything for the person.
///
/// # Errors
/// If the database is away.
pub(crate) async fn has_developer_pages(hallpass: &Hallpass, user: &User) -> Result<bool, Refusal> {
    if !registers_for(hallpass, user).await?.is_empty() {
        return Ok(true);
    }
    let one = hallpass.store.managed_apps(manager(hallpass, user, None), None, 1);
    Ok(!one.await?.items.is_empty())
}

/// Whether the owner or a team member of an app of this organization may manage it. The app belongs to the organization, so a
/// person who left, or is no longer a developer there, may not. In the default organization nobody is a developer by role, so
/// membership is enough.
fn keeps_own(hallpass: &Hallpass, user: &User, organization: &Organization) -> bool {
    (is_default(hallpass, organization) && role_in(user, organization).is_some()) || develops(user, organization)
}

fn is_default(hallpass: &Hallpass, organization: &Organization) -> bool {
    organization.slug == hallpass.config.defaults.organization
}
