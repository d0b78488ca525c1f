//! An organization's settings (API-2: the API Settings tab, with its Register Application button): for its owners and
//! developers. Only owners see who else is in it.

use super::app_line;
use super::permission::{develops, managed, may_register, role_in};
use crate::oauth::Refusal;
use crate::pages::{SignedIn, Visit};
use crate::respond::Response;
use crate::store::if_readable;
use crate::store::model::{Organization, Role, Status, User};
use crate::view::{ErrorKind, MemberLine, OrganizationSettings, Tab};
use std::sync::Arc;

/// `GET /organizations/{slug}`. Who is no owner or developer finds nothing here; nobody finds the hidden one.
pub async fn page(SignedIn { visit, user }: SignedIn) -> Result<Response, Response> {
    show(&visit, &user).await.map_err(|refusal| visit.failed(refusal))
}

async fn show(visit: &Visit, user: &User) -> Result<Response, Refusal> {
    let slug = visit
        .parts
        .uri
        .path()
        .trim_start_matches("/organizations/")
        .trim_end_matches('/');
    let found: Option<Organization> = visit.hallpass.store.organization_by_slug(slug).await?;
    let Some(organization) = found.filter(|one| develops(user, one)) else {
        return Ok(visit.error(404, ErrorKind::NotFound));
    };
    let mut apps = managed(&visit.hallpass, user).await?;
    apps.retain(|(app, _)| app.organization == organization.id);
    apps.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name).then(one.id.cmp(&other.id)));
    let apps: Vec<_> = apps.iter().map(|(app, _)| app_line(app, &organization)).collect();
    let members = members(visit, user, &organization).await?;
    let members: Option<Vec<_>> = members.as_ref().map(|members| lines(members));
    let may_register = organization.status == Status::Active && may_register(&visit.hallpass, user, &organization);
    let api = visit.query(&["tab"]).get("tab") == Some("api");
    Ok(visit.render(200, |frame| {
        OrganizationSettings {
            slug: &organization.slug,
            name: &organization.name,
            kind: organization.kind,
            members: members.as_deref(),
            apps: &apps,
            may_register,
            tab: if api { Tab::ApiSettings } else { Tab::General },
        }
        .render(frame)
    }))
}

/// Who is in the organization; `None` for whoever is no owner of it.
async fn members(
    visit: &Visit,
    user: &User,
    organization: &Organization,
) -> Result<Option<Vec<(Arc<User>, Role)>>, Refusal> {
    if role_in(user, organization) != Some(Role::Owner) {
        return Ok(None);
    }
    let mut members = Vec::new();
    for member in visit.hallpass.store.members_of(organization.id).await? {
        let Some(role) = member.role else { continue };
        let user = if_readable(visit.hallpass.user(member.user).await)?;
        members.extend(user.map(|user| (user, role)));
    }
    Ok(Some(members))
}

fn lines(members: &[(Arc<User>, Role)]) -> Vec<MemberLine<'_>> {
    members
        .iter()
        .map(|(member, role)| MemberLine {
            name: &member.name,
            email: member.label(),
            role: *role,
        })
        .collect()
}
