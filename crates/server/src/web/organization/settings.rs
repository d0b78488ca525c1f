//! An organization's settings, for its owners and developers (API-2: the API Settings tab, with its Register Application
//! button). Only owners see the members.

use crate::apps::permission::{manager, may_register};
use crate::http::respond::Response;
use crate::oauth::Refusal;
use crate::organizations::{develops, role_in};
use crate::store::model::{AppId, ListedApp, Member, Organization, Page, Role, Status, User, UserId};
use crate::web::developer::{PAGE, app_line, key, pages};
use crate::web::view::{ErrorKind, MemberLine, OrganizationSettings, Pages, Tab};
use crate::web::{SignedIn, Visit};
use uuid::Uuid;

/// `GET /organizations/{slug}`. It is 404 for people who are neither owner nor developer, and always for the hidden organization.
pub async fn page(SignedIn { visit, user }: SignedIn) -> Result<Response, Response> {
    let tab = match visit.query(&["tab"]).get("tab") {
        Some("api") => Tab::ApiSettings,
        _ => Tab::General,
    };
    let (name, path) = match tab {
        Tab::General => ("after", path_of(&visit)),
        Tab::ApiSettings => ("before", format!("{}?tab=api", path_of(&visit))),
    };
    let key = key(&visit, name, &path)?;
    show(&visit, &user, tab, key)
        .await
        .map_err(|refusal| visit.failed(refusal))
}

fn path_of(visit: &Visit) -> String {
    format!("/organizations/{}", slug(visit))
}

fn slug(visit: &Visit) -> &str {
    let path = visit.parts.uri.path();
    path.trim_start_matches("/organizations/").trim_end_matches('/')
}

/// The page of the tab's list that begins after the key.
async fn show(visit: &Visit, user: &User, tab: Tab, key: Option<Uuid>) -> Result<Response, Refusal> {
    let slug = slug(visit);
    let found: Option<Organization> = visit.hallpass.store.organization_by_slug(slug).await?;
    let Some(organization) = found.filter(|one| develops(user, one)) else {
        return Ok(visit.error(404, ErrorKind::NotFound));
    };
    let (before, after) = (key.map(AppId), key.map(UserId));
    let apps = apps(visit, user, &organization, (tab, before)).await?;
    let members = members(visit, user, &organization, (tab, after)).await?;
    let path = path_of(visit);
    let pages = match &members {
        Some(members) => Pages {
            first: after.map(|_| visit.address(&path)),
            next: members.next.map(|key| visit.address(&format!("{path}?after={key}"))),
        },
        None => pages(visit, &format!("{path}?tab=api"), before, &apps),
    };
    let apps: Vec<_> = apps.items.iter().map(app_line).collect();
    let members: Option<Vec<_>> = members.as_ref().map(|members| lines(&members.items));
    let may_register = organization.status == Status::Active && may_register(&visit.hallpass, user, &organization);
    Ok(visit.render(200, |frame| {
        OrganizationSettings {
            pages: &pages,
            slug: &organization.slug,
            name: &organization.name,
            kind: organization.kind,
            members: members.as_deref(),
            apps: &apps,
            may_register,
            tab,
        }
        .render(frame)
    }))
}

/// A page of the apps that the person manages. Empty unless the tab shows apps.
async fn apps(
    visit: &Visit,
    user: &User,
    organization: &Organization,
    (tab, before): (Tab, Option<AppId>),
) -> Result<Page<ListedApp, AppId>, Refusal> {
    if tab != Tab::ApiSettings {
        let (items, next) = (Vec::new(), None);
        return Ok(Page { items, next });
    }
    let hallpass = &visit.hallpass;
    let by = manager(hallpass, user, Some(organization.id));
    Ok(hallpass.store.managed_apps(by, before, PAGE).await?)
}

/// A page of the members. `None` unless the tab shows members and the person is an owner.
async fn members(
    visit: &Visit,
    user: &User,
    organization: &Organization,
    (tab, after): (Tab, Option<UserId>),
) -> Result<Option<Page<Member, UserId>>, Refusal> {
    if tab != Tab::General || role_in(user, organization) != Some(Role::Owner) {
        return Ok(None);
    }
    let members = visit.hallpass.store.members(organization.id, after, PAGE).await?;
    Ok(Some(members))
}

/// Leaves out members whose role this version does not know.
fn lines(members: &[Member]) -> Vec<MemberLine<'_>> {
    let known = members.iter().filter_map(|member| Some((member, member.role?)));
    known
        .map(|(member, role)| MemberLine {
            name: &member.name,
            email: &member.label,
            role,
        })
        .collect()
}
