//! An organization's settings (API-2: the API Settings tab, with its Register Application button).

use super::{app_line, develops_for};
use crate::oauth::Refusal;
use crate::pages::{SignedIn, Visit};
use crate::respond::Response;
use crate::store::if_readable;
use crate::store::model::{Organization, User};
use crate::view::{ErrorKind, MemberLine, OrganizationSettings, Tab};

/// `GET /organizations/{slug}`. Who is no owner or developer finds nothing here, and nobody finds the hidden one.
pub async fn page(SignedIn { visit, user }: SignedIn) -> Result<Response, Response> {
    show(&visit, &user).await.map_err(|refusal| visit.failed(refusal))
}

async fn show(visit: &Visit, user: &User) -> Result<Response, Refusal> {
    let store = &visit.hallpass.store;
    let slug = visit
        .parts
        .uri
        .path()
        .trim_start_matches("/organizations/")
        .trim_end_matches('/');
    let found: Option<Organization> = store.organization_by_slug(slug).await?;
    let Some(organization) = found.filter(|one| !one.hidden && develops_for(user, one.id)) else {
        return Ok(visit.error(404, ErrorKind::NotFound));
    };
    let apps = store.apps_of(organization.id).await?;
    let mut members = Vec::new();
    for member in store.members_of(organization.id).await? {
        let Some(role) = member.role else { continue };
        let user = if_readable(visit.hallpass.user(member.user).await)?;
        members.extend(user.map(|user| (user, role)));
    }
    let members: Vec<_> = members
        .iter()
        .map(|(member, role)| MemberLine {
            name: &member.name,
            email: member.label(),
            role: *role,
        })
        .collect();
    let apps: Vec<_> = apps.iter().map(|app| app_line(app, &organization)).collect();
    let api = visit.query(&["tab"]).get("tab") == Some("api");
    Ok(visit.render(200, |frame| {
        OrganizationSettings {
            slug: &organization.slug,
            name: &organization.name,
            kind: organization.kind,
            members: &members,
            apps: &apps,
            may_register: true,
            tab: if api { Tab::ApiSettings } else { Tab::General },
        }
        .render(frame)
    }))
}
