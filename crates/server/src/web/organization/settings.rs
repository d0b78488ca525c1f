//! An organization's settings (API-2: the API Settings tab, with its Register Application button): for its owners and
//! developers. Only owners see who else is in it.

use crate::apps::permission::{manager, may_register};
use crate::http::respond::Response;
use crate::oauth::Refusal;
use crate::organizations::{develops, role_in};
use crate::store::model::{AppId, ListedApp, Member, Organization, Page, Role, Status, User, UserId};
use crate::web::developer::{PAGE, app_line, key, pages};
use crate::web::view::{ErrorKind, MemberLine, OrganizationSettings, Pages, Tab};
use crate::web::{SignedIn, Visit};
use uuid::Uuid;

/// `GET /organizations/{slug}`. Who is no owner or developer finds nothing here; nobody finds the hidden one.
pub async fn page(SignedIn { visit, user }: SignedIn) -> Result<Response, Response> {
    let tab = match visit.query(&["tab"]).get("tab") {
        Some("api") => Tab::ApiSettings,
        _ => Tab::General,
    };
    let (name, place) = match tab {
        Tab::General => ("after", place_of(&visit)),
        Tab::ApiSettings => ("before", format!("{}?tab=api", place_of(&visit))),
    };
    let key = key(&visit, name, &place)?;
    show(&visit, &user, tab, key)
        .await
        .map_err(|refusal| visit.failed(refusal))
}

fn place_of(visit: &Visit) -> String {
    format!("/organizations/{}", slug(visit))
}

fn slug(visit: &Visit) -> &str {
    let path = visit.parts.uri.path();
    path.trim_start_matches("/organizations/").trim_end_matches('/')
}

/// The page of the tab's list that begins behind the key.
async fn show(visit: &Visit, user: &User, tab: Tab, key: Option<Uuid>) -> Result<Response, Refusal> {
    let slug = slug(visit);
    let found: Option<Organization> = visit.hallpass.store.organization_by_slug(slug).await?;
    let Some(organization) = found.filter(|one| develops(user, one)) else {
        return Ok(visit.error(404, ErrorKind::NotFound));
    };
    let (before, after) = (key.map(AppId), key.map(UserId));
    let apps = apps(visit, user, &organization, (tab, before)).await?;
    let members = members(visit, user, &organization, (tab, after)).await?;
    let place = place_of(visit);
    let pages = match &members {
        Some(members) => Pages {
            first: after.map(|_| visit.address(&place)),
            next: members.next.map(|key| visit.address(&format!("{place}?after={key}"))),
        },
        None => pages(visit, &format!("{place}?tab=api"), before, &apps),
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

/// A page of its apps that the person manages, on the tab that shows them.
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

/// A page of those who are in the organization, on the tab that shows them; `None` for whoever is no owner of it.
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

/// A role that this version does not know is none.
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
