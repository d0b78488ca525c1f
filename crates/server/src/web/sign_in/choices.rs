//! The organizations for which a person may allow an app.

use super::judged::{log_refused, place, site};
use crate::http::respond::Response;
use crate::oauth::Refusal;
use crate::oauth::authorize::reason::AuthorizeReason;
use crate::oauth::authorize::request::AuthorizationRequest;
use crate::organizations::{effective_role, memberships};
use crate::serve::hallpass::Hallpass;
use crate::store::model::{ActsAs, Organization, OrganizationKind, Role, Status, User};
use crate::web::Visit;
use crate::web::view::{Back, ErrorKind};
use std::sync::Arc;

/// The organizations of the person in which this app may be connected, with the person's role in each.
pub(super) async fn belonging(
    hallpass: &Hallpass,
    user: &User,
    request: &AuthorizationRequest,
) -> Result<Vec<(Arc<Organization>, Role)>, Refusal> {
    let belongs = memberships(hallpass, user).await?.into_iter();
    // Only people of the site give access to real data, if the site signs people in.
    let only_sandboxes = hallpass.config.handover.is_some() && user.external_id.is_none();
    let mut found: Vec<_> = belongs
        .filter(|(one, _)| !only_sandboxes || one.kind == OrganizationKind::Sandbox)
        .filter(|(one, _)| request.client.reaches(one.id) && one.status == Status::Active)
        .map(|(one, role)| {
            let role = effective_role(&one, role);
            (one, role)
        })
        .collect();
    found.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
    Ok(found)
}

/// The organizations for which the person may allow this app: for an app that acts for organizations, those that the person
/// owns. The hidden default organization is offered only if there is no other.
pub(super) fn choices(request: &AuthorizationRequest, belongs: &[(Arc<Organization>, Role)]) -> Vec<Arc<Organization>> {
    let may_allow = |role| role == Role::Owner || request.client.app.acts_as == ActsAs::Person;
    let allowed = belongs.iter().filter(|(_, role)| may_allow(*role));
    let mut found: Vec<_> = allowed.map(|(one, _)| one.clone()).collect();
    if found.iter().any(|one| !one.hidden) {
        found.retain(|one| !one.hidden);
    }
    found
}

/// The page for a person who has no organization in which to connect this app. The app gets the error if the person goes back
/// to it.
pub(super) fn nowhere(
    visit: &Visit,
    user: &User,
    request: &AuthorizationRequest,
    query: &str,
    belongs: &[(Arc<Organization>, Role)],
) -> Response {
    let shown: Vec<&str> = belongs
        .iter()
        .filter(|(one, _)| !one.hidden)
        .map(|(one, _)| one.name.as_str())
        .collect();
    let reason = match shown.is_empty() {
        true => AuthorizeReason::NoOrganization,
        false => AuthorizeReason::NotAnOwner,
    };
    let refusal = reason.into();
    log_refused(&refusal);
    let (app, owner) = (request.client.app.name.as_str(), &request.client.organization);
    let address = request.target.with_refusal(&visit.hallpass, &refusal);
    let site = address.as_deref().and_then(|href| site(&request.client, href));
    let back = address.as_deref().map(|href| Back {
        href,
        app,
        site: site.as_deref(),
    });
    let named = shown.join(", ");
    let kind = if !shown.is_empty() {
        let organizations = named.as_str();
        ErrorKind::NotAnOwner { app, organizations }
    } else if request.client.reaches(owner.id) && !owner.hidden {
        let organization = owner.name.as_str();
        ErrorKind::NotAMember { app, organization }
    } else if user.memberships.is_empty() || !belongs.is_empty() {
        ErrorKind::NoOrganization
    } else {
        ErrorKind::OtherOrganizations { app }
    };
    visit.wrong_account(kind, back, &place(&visit.hallpass, query))
}
