//! A developer's apps: the list, and one app with its credentials.

use super::{app_line, developed_by, manages};
use crate::app::Hallpass;
use crate::directory::Client;
use crate::oauth::Refusal;
use crate::pages::account::organization_choices;
use crate::pages::state::Purpose;
use crate::pages::{SignedIn, Visit};
use crate::random;
use crate::respond::Response;
use crate::store::model::{App, AppId, GrantFilter, Secret, State as Life, User};
use crate::view::{AppPage, AppsList, ErrorKind, SecretLine, SecretNews};
use percent_encoding::percent_decode_str;
use std::collections::HashSet;
use std::sync::Arc;

/// Beyond so many grants the page says that there are at least so many.
const MOST_COUNTED: u32 = 10_000;

/// `GET /developer`.
pub async fn list(SignedIn { visit, user }: SignedIn) -> Result<Response, Response> {
    show_list(&visit, &user).await.map_err(|refusal| visit.failed(refusal))
}

/// `GET /developer/apps/{client_id}`.
pub async fn page(SignedIn { visit, user }: SignedIn) -> Result<Response, Response> {
    let client = of_developer(&visit, &user).await?;
    show(&visit, &client, None)
        .await
        .map_err(|refusal| visit.failed(refusal))
}

/// The app that the address names, if this person may manage it. Another's app is not there.
pub(super) async fn of_developer(visit: &Visit, user: &User) -> Result<Arc<Client>, Response> {
    let client_id = percent_decode_str(name(visit)).decode_utf8().unwrap_or_default();
    let found = visit
        .hallpass
        .client(&client_id)
        .await
        .map_err(|error| visit.failed(error))?;
    found
        .filter(|client| manages(user, client))
        .ok_or_else(|| visit.error(404, ErrorKind::NotFound))
}

/// The address of the page of the app that the address names.
pub(super) fn address_of(visit: &Visit) -> String {
    visit.address(&format!("/developer/apps/{}", name(visit)))
}

/// The client id in the address, as it stands there.
fn name(visit: &Visit) -> &str {
    let path = visit.parts.uri.path();
    let name = path.strip_prefix("/developer/apps/").unwrap_or_default();
    name.split('/').next().unwrap_or_default()
}

async fn show_list(visit: &Visit, user: &User) -> Result<Response, Refusal> {
    let organizations = developed_by(&visit.hallpass, user).await?;
    let mut found = Vec::new();
    for organization in &organizations {
        let apps = visit.hallpass.store.apps_of(organization.id).await?;
        found.extend(apps.into_iter().map(|app| (app, organization)));
    }
    found.sort_by_key(|(app, _)| std::cmp::Reverse(app.created));
    let lines: Vec<_> = found
        .iter()
        .map(|(app, organization)| app_line(app, organization))
        .collect();
    let choices = organization_choices(&organizations);
    Ok(visit.render(200, |frame| {
        AppsList {
            apps: &lines,
            organizations: &choices,
        }
        .render(frame)
    }))
}

/// One app, and what just became of its secrets.
///
/// # Errors
/// Where the database is away.
pub async fn show(visit: &Visit, client: &Client, news: Option<SecretNews<'_>>) -> Result<Response, Refusal> {
    let hallpass = &visit.hallpass;
    // Read anew: the cached app does not know when its secrets were used last, nor of one made just now.
    let app = hallpass.store.app(client.app.id).await?.ok_or(Refusal::Internal)?;
    let connected_count = people_connected(hallpass, app.id).await?;
    Ok(app_page(visit, client, &app, connected_count, news))
}

/// How many people have connected the app.
async fn people_connected(hallpass: &Hallpass, app: AppId) -> Result<u64, Refusal> {
    let filter = GrantFilter {
        app: Some(app),
        state: Some(Life::Active),
        limit: MOST_COUNTED,
        ..GrantFilter::default()
    };
    let grants = hallpass.store.grants(filter).await?;
    let people: HashSet<_> = grants.iter().map(|grant| grant.user).collect();
    Ok(people.len() as u64)
}

fn app_page(visit: &Visit, client: &Client, app: &App, connected_count: u64, news: Option<SecretNews<'_>>) -> Response {
    let hallpass = &visit.hallpass;
    let uris: Vec<String> = app.redirect_uris.iter().map(ToString::to_string).collect();
    let live = app.secrets.iter().rev().filter(|secret| secret.is_live(visit.now));
    let secrets: Vec<_> = live.map(|secret| (secret, end_blob(visit, app, secret))).collect();
    let secrets: Vec<_> = secrets.iter().map(|(secret, blob)| secret_line(secret, blob)).collect();
    let blob = visit.seal(Purpose::Developer, random::uuid(visit.now).as_bytes());
    let token_url = format!("{}{}", hallpass.api_url, hallpass.config.paths.token);
    let owner = &client.organization;
    visit.render(news.map_or(200, SecretNews::status), |frame| {
        AppPage {
            client_id: &app.client_id,
            name: &app.name,
            organization: (!owner.hidden).then_some(owner.name.as_str()),
            status: app.status,
            client_type: app.client_type,
            redirect_uris: &uris,
            scopes: &visit.scope_lines(&client.scopes),
            secrets: &secrets,
            news,
            connected_count,
            token_url: &token_url,
            pkce: hallpass.config.wire.require_pkce,
            blob: &blob,
            now: visit.now.0,
        }
        .render(frame)
    })
}

/// What the form carries that ends this secret; none where no other lasts.
fn end_blob(visit: &Visit, app: &App, secret: &Secret) -> Option<String> {
    let Secret { id, .. } = secret;
    let mut others = app.secrets.iter().filter(|other| other.id != *id);
    let lasts = others.any(|other| other.expires.is_none());
    lasts.then(|| visit.seal(Purpose::Secret, id.0.as_bytes()))
}

fn secret_line<'a>(secret: &'a Secret, end_blob: &'a Option<String>) -> SecretLine<'a> {
    SecretLine {
        hint: Some(secret.hint.as_str()).filter(|hint| !hint.is_empty()),
        created: secret.created.0,
        last_used: secret.last_used.map(|moment| moment.0),
        expires: secret.expires.map(|moment| moment.0),
        end_blob: end_blob.as_deref(),
    }
}
