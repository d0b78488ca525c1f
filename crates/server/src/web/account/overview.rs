//! The account: who a person is here, and where they belong.

use crate::apps::permission::develops;
use crate::http::respond::Response;
use crate::oauth::Refusal;
use crate::serve::hallpass::Hallpass;
use crate::store::model::{Organization, Role, User};
use crate::web::SignedIn;
use crate::web::view::{Account, OrganizationChoice, OrganizationLine};
use std::sync::Arc;

/// `GET /account`.
pub async fn page(SignedIn { visit, user }: SignedIn) -> Result<Response, Response> {
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

/// Where a person belongs, and as what.
///
/// # Errors
/// Where the database is away.
pub async fn memberships(hallpass: &Hallpass, user: &User) -> Result<Vec<(Arc<Organization>, Role)>, Refusal> {
    let found = hallpass.store.organizations_of(user.id).await?.into_iter();
    Ok(found
        .map(|(organization, role)| (Arc::new(organization), role))
        .collect())
}

/// The organizations that a form offers to choose between.
#[must_use]
pub fn organization_choices(organizations: &[Arc<Organization>]) -> Vec<OrganizationChoice<'_>> {
    organizations
        .iter()
        .map(|one| OrganizationChoice {
            slug: &one.slug,
            name: &one.name,
        })
        .collect()
}
