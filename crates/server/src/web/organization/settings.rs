//! An organization's settings, for its owners and developers (API-2: the API Settings tab, with its Register Application
//! button). Only owners see the members. The organization's own grants are in [`super::grants`].

use super::grants;
use crate::apps::permission::{manager, may_register};
use crate::http::respond::Response;
use crate::oauth::Refusal;
use crate::organizations::{develops, role_in};
use crate::store::model::{
    AppId, GrantId, ListPage, ListedApp, Member, Organization, OrganizationGrant, Role, Status, User, UserId,
};
use crate::web::developer::{PAGE, app_line, apps, key, pages};
use crate::web::sign_in::prompt;
use crate::web::state::Purpose;
use crate::web::view::{ErrorKind, MemberLine, Notice, OrganizationGrants, OrganizationSettings, Pages, Tab};
use crate::web::{SignedIn, Visit};
use std::sync::Arc;
use uuid::Uuid;

/// `GET /organizations/{slug}`. It is 404 for people who are neither owner nor developer, and always for the hidden organization.
pub(crate) async fn page(SignedIn { mut visit, user }: SignedIn) -> Result<Response, Response> {
    let query = visit.query(&["tab", "notice"]);
    let tab = match query.get("tab") {
        Some("api") => Tab::ApiSettings,
        Some("apps") => Tab::ConnectedApps,
        _ => Tab::General,
    };
    if query.get("notice") == Some(prompt::NOTHING_DONE) {
        visit.notice = Some(Notice::NothingDone);
    }
    let path = path_of(&visit, tab);
    let key = key(&visit, tab.key(), &path)?;
    show(&visit, &user, tab, key).await
}

/// The list of the organization's own grants.
///
/// # Errors
/// The response to send instead.
pub(super) async fn page_of_grants(SignedIn { visit, user }: SignedIn) -> Result<Response, Response> {
    show(&visit, &user, Tab::ConnectedApps, None).await
}

/// The settings again, as the answer to a sign-in: the form that was sent before it did nothing.
///
/// # Errors
/// The response to send instead.
pub(crate) async fn again(mut visit: Visit, user: Arc<User>) -> Result<Response, Response> {
    visit.notice = Some(Notice::NothingDone);
    let visit = visit.with_navigation().await?;
    // Another person may not find the organization, and would not learn that nothing was done.
    match organization(&visit, &user).await {
        Ok(_) => page(SignedIn { visit, user }).await,
        Err(_) => apps::list(SignedIn { visit, user }).await,
    }
}

/// Whether it is the place of an organization's settings.
pub(crate) fn is_place(place: &str) -> bool {
    place.starts_with("/organizations/")
}

/// The place of the organization's own grants.
pub(super) fn list_of(visit: &Visit) -> String {
    path_of(visit, Tab::ConnectedApps)
}

fn path_of(visit: &Visit, tab: Tab) -> String {
    let place = format!("/organizations/{}", slug(visit));
    match tab.word() {
        Some(word) => format!("{place}?tab={word}"),
        None => place,
    }
}

fn slug(visit: &Visit) -> &str {
    let path = visit.parts.uri.path();
    path.trim_start_matches("/organizations/").trim_end_matches('/')
}

/// The organization of the address, for its owners and developers.
///
/// # Errors
/// The response to send instead.
pub(super) async fn organization(visit: &Visit, user: &User) -> Result<Organization, Response> {
    let found = visit.hallpass.store.organization_by_slug(slug(visit)).await;
    let found = found.map_err(|error| visit.failed(error))?;
    found
        .filter(|one| develops(user, one))
        .ok_or_else(|| visit.error(404, ErrorKind::NotFound))
}

/// The page of the tab's list that begins after the key.
async fn show(visit: &Visit, user: &User, tab: Tab, key: Option<Uuid>) -> Result<Response, Response> {
    let organization = organization(visit, user).await?;
    let rendered = render(visit, user, &organization, (tab, key)).await;
    rendered.map_err(|refusal| visit.failed(refusal))
}

async fn render(
    visit: &Visit,
    user: &User,
    organization: &Organization,
    (tab, key): (Tab, Option<Uuid>),
) -> Result<Response, Refusal> {
    let (before, after) = (key.map(AppId), key.map(UserId));
    let apps = apps(visit, user, organization, (tab, before)).await?;
    let members = members(visit, user, organization, (tab, after)).await?;
    let own = own_grants(visit, organization, (tab, key.map(GrantId))).await?;
    let path = path_of(visit, tab);
    let pages = match tab {
        Tab::General => {
            let next = members.as_ref().and_then(|members| members.next);
            links(visit, &path, key, next.map(|next| next.0))
        }
        Tab::ConnectedApps => links(visit, &path, key, own.next.map(|next| next.0)),
        Tab::ApiSettings => pages(visit, &path, before, &apps),
    };
    let apps: Vec<_> = apps.items.iter().map(app_line).collect();
    let members: Option<Vec<_>> = members.as_ref().map(|members| lines(&members.items));
    let may_register = organization.status == Status::Active && may_register(&visit.hallpass, user, organization);
    let is_owner = role_in(user, organization) == Some(Role::Owner);
    let grant_lines = grants::lines(visit, own.items).await?;
    let scopes = grants::scopes_of(&grant_lines);
    let shown = grants::shown(&grant_lines, &scopes, is_owner.then_some(user));
    let blob = is_owner.then(|| visit.seal_to_return(Purpose::OrganizationGrant, &[]));
    Ok(visit.render(200, |frame| {
        OrganizationSettings {
            pages: &pages,
            slug: &organization.slug,
            name: &organization.name,
            kind: organization.kind,
            members: members.as_deref(),
            apps: &apps,
            grants: OrganizationGrants {
                lines: &shown,
                blob: blob.as_deref(),
                done: grants::done(visit),
                now: visit.now.0,
            },
            may_register,
            tab,
        }
        .render(frame)
    }))
}

/// Links to the other pages of a list, on the page that begins behind the key.
fn links(visit: &Visit, path: &str, key: Option<Uuid>, next: Option<Uuid>) -> Pages {
    let (and, name) = match path.contains('?') {
        true => ('&', "before"),
        false => ('?', "after"),
    };
    Pages {
        first: key.map(|_| visit.address(path)),
        next: next.map(|key| visit.address(&format!("{path}{and}{name}={key}"))),
    }
}

/// A page of the organization's own grants. Empty unless the tab shows them.
async fn own_grants(
    visit: &Visit,
    organization: &Organization,
    (tab, before): (Tab, Option<GrantId>),
) -> Result<ListPage<OrganizationGrant, GrantId>, Refusal> {
    if tab != Tab::ConnectedApps {
        let (items, next) = (Vec::new(), None);
        return Ok(ListPage { items, next });
    }
    let store = &visit.hallpass.store;
    Ok(store.organization_grants(organization.id, before, PAGE).await?)
}

/// A page of the apps that the person manages. Empty unless the tab shows apps.
async fn apps(
    visit: &Visit,
    user: &User,
    organization: &Organization,
    (tab, before): (Tab, Option<AppId>),
) -> Result<ListPage<ListedApp, AppId>, Refusal> {
    if tab != Tab::ApiSettings {
        let (items, next) = (Vec::new(), None);
        return Ok(ListPage { items, next });
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
) -> Result<Option<ListPage<Member, UserId>>, Refusal> {
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
