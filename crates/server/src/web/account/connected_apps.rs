//! Connected apps: the apps that have access to a person's data, and the button that ends the access at once.

use crate::http::respond::{Response, unchanged};
use crate::oauth::refusal::{Refusal, ServerReason};
use crate::store::model::{self, AppId, EndReason, Grant, OrganizationId, User};
use crate::time::Instant;
use crate::tokens::copies::COPIED;
use crate::web::developer::{PAGE, key};
use crate::web::sign_in::prompt;
use crate::web::state::Purpose;
use crate::web::view;
use crate::web::view::{ConnectedApps, EndedLine, ErrorKind, Notice, Pages};
use crate::web::{Form, Kept, Post, SignedIn, Visit};
use hallpass_wire::Scopes;
use std::sync::Arc;
use uuid::Uuid;

/// The most ended connections that the page shows.
const ENDED: u32 = 20;
/// The fields of the form that name the connection to end.
const FIELDS: [&str; 2] = ["app", "organization"];

/// One app in one organization, with all its grants.
struct Line {
    app_name: String,
    app: AppId,
    organization: OrganizationId,
    organization_name: Option<String>,
    since: Instant,
    last_used: Option<Instant>,
    scopes: Scopes,
    copied: bool,
    paused: bool,
}

/// `GET /account/apps`.
pub(crate) async fn page(SignedIn { mut visit, user }: SignedIn) -> Result<Response, Response> {
    if visit.query(&["notice"]).get("notice") == Some(prompt::NOTHING_DONE) {
        visit.notice = Some(Notice::NothingDone);
    }
    let after = key(&visit, "after", "/account/apps")?.map(AppId);
    show(&visit, &user, after, None)
        .await
        .map_err(|refusal| visit.failed(refusal))
}

/// `POST /account/apps`: ends every grant of one app in one organization.
pub(crate) async fn end(Post { visit, form }: Post) -> Result<Response, Response> {
    let opened = visit.open_returned(Purpose::End, &form);
    let Some(user) = visit.user.clone() else {
        let kept = Kept::of(opened.as_ref(), &form, &FIELDS);
        return Ok(prompt::interrupted(&visit, "/account/apps", None, kept));
    };
    if !opened.as_ref().is_some_and(|opened| opened.fits) {
        let (notice, own) = (Notice::of(opened.is_some()), opened.is_some_and(|opened| opened.own));
        return again(visit, user, notice, own.then_some(&form)).await.map(unchanged);
    }
    let (Some((app, organization)), true) = (named(&form), form.has("end")) else {
        return Err(visit.error(400, ErrorKind::BadForm));
    };
    let (reason, now) = (EndReason::ByPerson, visit.now);
    let event = visit
        .who(&user)
        .ended(reason, now)
        .connection(user.id, app, organization);
    let store = visit.hallpass.store.recording(event);
    let ended = store.end_all(user.id, app, Some(organization), reason, now).await;
    if ended.map_err(|error| visit.failed(error))?.is_empty() {
        // Another server may have ended it a moment ago. The page must not say so before the memory of this server knows.
        let newest = visit.hallpass.feed.newest().await;
        newest.map_err(|error| visit.failed(error))?;
    }
    Ok(visit.go(&visit.address(&format!("/account/apps?ended={app}"))))
}

/// Says that nothing was ended. If the form was made for this person, asks once more.
///
/// # Errors
/// The response to send instead.
pub(in crate::web) async fn again(
    mut visit: Visit,
    user: Arc<User>,
    notice: Notice,
    form: Option<&Form>,
) -> Result<Response, Response> {
    visit.notice = Some(notice);
    let visit = visit.with_navigation().await?;
    show(&visit, &user, None, form.and_then(named))
        .await
        .map_err(|refusal| visit.failed(refusal))
}

/// The connection that the form names.
fn named(form: &Form) -> Option<(AppId, OrganizationId)> {
    let [app, organization] = FIELDS.map(|name| Uuid::parse_str(form.get(name)?).ok());
    Some((AppId(app?), OrganizationId(organization?)))
}

async fn show(
    visit: &Visit,
    user: &User,
    mut after: Option<AppId>,
    ask_again: Option<(AppId, OrganizationId)>,
) -> Result<Response, Refusal> {
    let store = &visit.hallpass.store;
    let mut page = store.connections(user.id, after, PAGE).await?;
    if let Some((app, _)) = ask_again.filter(|(app, _)| !has(&page.items, *app)) {
        // If the person still has the app, show the page that begins with it.
        let before = AppId(Uuid::from_u128(app.0.as_u128().saturating_sub(1)));
        let other = store.connections(user.id, Some(before), PAGE).await?;
        if has(&other.items, app) {
            (after, page) = (Some(before), other);
        }
    }
    let pages = Pages {
        first: after.map(|_| visit.address("/account/apps")),
        next: page
            .next
            .map(|key| visit.address(&format!("/account/apps?after={key}"))),
    };
    let mut lines = lines(page.items);
    for line in &mut lines {
        line.paused = is_paused(visit, user, line).await?;
    }
    let ended = store.ended_connections(user.id, ENDED).await?;
    let ask_again = lines
        .iter()
        .position(|line| ask_again == Some((line.app, line.organization)));
    Ok(connected_apps(visit, &lines, (&ended, &pages), ask_again))
}

fn has(connections: &[model::Connection], app: AppId) -> bool {
    connections.iter().any(|one| one.grant.app == app)
}

/// Whether the app cannot act at present, because of the app, the membership or the organization.
async fn is_paused(visit: &Visit, user: &User, line: &Line) -> Result<bool, Refusal> {
    let hallpass = &visit.hallpass;
    let client = hallpass
        .directory
        .client_by_id(line.app)
        .await?
        .ok_or(ServerReason::Internal)?;
    Ok(hallpass.pause(user, line.organization, &client).await?.is_some())
}

fn connected_apps(
    visit: &Visit,
    lines: &[Line],
    (ended, pages): (&[model::Connection], &Pages),
    ask_again: Option<usize>,
) -> Response {
    let blob = visit.seal_to_return(Purpose::End, &[]);
    let titles: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            let scopes = visit.scope_lines(&line.scopes);
            scopes.iter().map(|scope| scope.title.to_owned()).collect()
        })
        .collect();
    let ids: Vec<(String, String)> = lines
        .iter()
        .map(|line| (line.app.to_string(), line.organization.to_string()))
        .collect();
    let connections: Vec<_> = lines
        .iter()
        .zip(titles.iter().zip(&ids))
        .map(|(line, (scopes, (app_id, organization_id)))| view::Connection {
            app_name: &line.app_name,
            organization: line.organization_name.as_deref(),
            since: line.since.0,
            last_used: line.last_used.map(|moment| moment.0),
            scopes,
            copied: line.copied,
            paused: line.paused,
            blob: &blob,
            app_id,
            organization_id,
        })
        .collect();
    let just_ended = just_ended(visit, ended);
    let ended: Vec<_> = ended.iter().map(ended_line).collect();
    let now = visit.now.0;
    visit.render(200, |frame| {
        ConnectedApps {
            pages,
            connections: &connections,
            ask_again: ask_again.and_then(|position| connections.get(position)),
            ended: &ended,
            just_ended,
            now,
        }
        .render(frame)
    })
}

/// The name of the app in the query: the person has just ended its access.
fn just_ended<'a>(visit: &Visit, ended: &'a [model::Connection]) -> Option<&'a str> {
    let query = visit.query(&["ended"]);
    let app = Uuid::parse_str(query.get("ended")?).ok()?;
    let found = ended.iter().find(|one| one.grant.app.0 == app)?;
    Some(&found.app_name)
}

/// One line for each app and organization, even if there are several grants.
fn lines(connections: Vec<model::Connection>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for connection in connections {
        let grant = &connection.grant;
        match lines
            .iter_mut()
            .find(|line| line.app == grant.app && line.organization == grant.organization)
        {
            Some(line) => {
                line.since = line.since.min(grant.created);
                line.last_used = line.last_used.max(last_used(grant));
                line.copied |= grant.repeats >= COPIED;
                line.scopes = line.scopes.iter().chain(grant.scopes.iter()).cloned().collect();
            }
            None => lines.push(Line {
                app: grant.app,
                organization: grant.organization,
                since: grant.created,
                last_used: last_used(grant),
                scopes: grant.scopes.clone(),
                copied: grant.repeats >= COPIED,
                paused: false,
                app_name: connection.app_name,
                organization_name: (!connection.organization_hidden).then_some(connection.organization_name),
            }),
        }
    }
    lines
}

/// The last use of a grant that was ever used.
pub(in crate::web) fn last_used(grant: &Grant) -> Option<Instant> {
    grant
        .last_used
        .max(Some(grant.rotated_at).filter(|_| grant.generation > 0))
}

fn ended_line(connection: &model::Connection) -> EndedLine<'_> {
    EndedLine {
        app_name: &connection.app_name,
        organization: (!connection.organization_hidden).then_some(connection.organization_name.as_str()),
        ended_at: connection.grant.ended_at.unwrap_or(connection.grant.created).0,
        reason: connection.grant.reason,
    }
}
