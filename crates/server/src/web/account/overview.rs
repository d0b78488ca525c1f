//! A person's account: name, address and organizations.

use crate::http::respond::Response;
use crate::organizations::{develops, memberships};
use crate::store::model::Organization;
use crate::web::SignedIn;
use crate::web::view::{Account, OrganizationChoice, OrganizationLine};
use std::sync::Arc;

/// `GET /account`.
pub(crate) async fn page(SignedIn { visit, user }: SignedIn) -> Result<Response, Response> {
    let belongs = memberships(&visit.hallpass, &user)
        .await
        .map_err(|refusal| visit.failed(refusal))?;
    let seen = belongs.iter().filter(|(organization, _)| !organization.hidden);
    let lines: Vec<_> = seen
        .map(|(one, role)| OrganizationLine {
            slug: &one.slug,
            name: &one.name,
            role: *role,
            may_open: develops(&user, one),
        })
        .collect();
    Ok(visit.render(200, |frame| {
        Account {
            name: &user.name,
            email: user.address(),
            organizations: &lines,
        }
        .render(frame)
    }))
}

/// The choices for the field of a form in which a person chooses an organization.
#[must_use]
pub(crate) fn organization_choices(organizations: &[Arc<Organization>]) -> Vec<OrganizationChoice<'_>> {
    organizations
        .iter()
        .map(|one| OrganizationChoice {
            slug: &one.slug,
            name: &one.name,
        })
        .collect()
}
