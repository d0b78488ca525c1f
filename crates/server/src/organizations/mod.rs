//! Organizations: their members, and the members' roles.

use crate::oauth::Refusal;
use crate::serve::hallpass::Hallpass;
use crate::store::model::{Organization, Role, User};
use std::sync::Arc;

/// The most organizations of one person: pages and answers name them all (docs/decisions/0060).
pub(crate) const MOST_MEMBERSHIPS: usize = 1_000;

/// The organizations of a person, with the person's role in each.
///
/// # Errors
/// If the database is away.
pub(crate) async fn memberships(hallpass: &Hallpass, user: &User) -> Result<Vec<(Arc<Organization>, Role)>, Refusal> {
    let found = hallpass.store.organizations_of(user.id).await?.into_iter();
    Ok(found
        .map(|(organization, role)| (Arc::new(organization), role))
        .collect())
}

/// The role of the person in the organization. In the hidden default organization everybody is only a member.
#[must_use]
pub(crate) fn role_in(user: &User, organization: &Organization) -> Option<Role> {
    let mut memberships = user.memberships.iter();
    let role = memberships.find(|one| one.organization == organization.id)?.role;
    Some(effective_role(organization, role))
}

/// What a stored role counts for in the organization.
#[must_use]
pub(crate) fn effective_role(organization: &Organization, role: Role) -> Role {
    if organization.hidden { Role::Member } else { role }
}

/// Whether the person's role in the organization makes them a developer of it.
#[must_use]
pub(crate) fn develops(user: &User, organization: &Organization) -> bool {
    matches!(role_in(user, organization), Some(Role::Owner | Role::Developer))
}
