//! A developer's apps: the list, one app with its credentials, and a new secret.

use super::{app_line, developed_by, manages};
use crate::app::Hallpass;
use crate::client_secrets;
use crate::directory::Client;
use crate::oauth::Refusal;
use crate::pages::account::organization_choices;
use crate::pages::state::Purpose;
use crate::pages::{Post, SignedIn, Visit};
use crate::random;
use crate::respond::Response;
use crate::store::StoreError;
use crate::store::model::{App, AppId, ClientType, GrantFilter, Others, Secret, SecretId, State as Life, Status, User};
use crate::view::{AppPage, AppsList, ErrorKind, SecretLine};
use percent_encoding::percent_decode_str;
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;

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

/// `POST /developer/apps/{client_id}/secret`: a new secret, with the others ended now or after an overlap. The form carries
/// the id of the secret to come, so that the same form sent twice makes one.
pub async fn reset_secret(Post { visit, form }: Post) -> Result<Response, Response> {
    let back = visit.address(visit.parts.uri.path().trim_end_matches('/').trim_end_matches("/secret"));
    let opened = visit.open(Purpose::Developer, &form).filter(|opened| opened.fits);
    let (Some(user), Some(opened)) = (&visit.user, opened) else {
        return Ok(visit.go(&back));
    };
    let client = of_developer(&visit, user).await?;
    if client.organization.status != Status::Active {
        return Err(visit.error(404, ErrorKind::NotFound));
    }
    let others = match form.get("reset") {
        Some("now") => Others::End,
        Some("overlap") => Others::EndAt(visit.now.after(client_secrets::OVERLAP)),
        _ => return Err(visit.error(400, ErrorKind::BadForm)),
    };
    let id = Uuid::from_slice(&opened.payload).ok().map(SecretId);
    let (Some(id), ClientType::Confidential) = (id, client.app.client_type) else {
        return Err(visit.error(400, ErrorKind::BadForm));
    };
    let (text, kept) = client_secrets::make(visit.now);
    let secret = Secret { id, ..kept };
    let store = &visit.hallpass.store;
    match store.set_secret(client.app.id, secret, others, visit.now).await {
        Ok(()) => show(&visit, &client, Some(text.expose()))
            .await
            .map_err(|refusal| visit.failed(refusal)),
        Err(StoreError::Taken(_) | StoreError::Conflict) => Ok(visit.go(&back)),
        Err(error) => Err(visit.failed(error)),
    }
}

/// The app that the address names, if this person may manage it. Another's app is not there.
async fn of_developer(visit: &Visit, user: &User) -> Result<Arc<Client>, Response> {
    let name = visit
        .parts
        .uri
        .path()
        .strip_prefix("/developer/apps/")
        .unwrap_or_default();
    let name = name.split('/').next().unwrap_or_default();
    let client_id = percent_decode_str(name).decode_utf8().unwrap_or_default();
    let found = visit
        .hallpass
        .client(&client_id)
        .await
        .map_err(|error| visit.failed(error))?;
    found
        .filter(|client| manages(user, client))
        .ok_or_else(|| visit.error(404, ErrorKind::NotFound))
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

/// One app. `fresh` is a secret made just now: this is the only time that it is shown.
///
/// # Errors
/// Where the database is away.
pub async fn show(visit: &Visit, client: &Client, fresh: Option<&str>) -> Result<Response, Refusal> {
    let hallpass = &visit.hallpass;
    hallpass.store.flush().await?;
    // Read anew: the cached app does not know when its secrets were used last, nor of one made just now.
    let app = hallpass.store.app(client.app.id).await?.ok_or(Refusal::Internal)?;
    let connected_count = people_connected(hallpass, app.id).await?;
    Ok(app_page(visit, client, &app, connected_count, fresh))
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

fn app_page(visit: &Visit, client: &Client, app: &App, connected_count: u64, fresh: Option<&str>) -> Response {
    let hallpass = &visit.hallpass;
    let uris: Vec<String> = app.redirect_uris.iter().map(ToString::to_string).collect();
    let live = app
        .secrets
        .iter()
        .rev()
        .filter(|secret| secret.expires.is_none_or(|expires| visit.now < expires));
    let secrets: Vec<_> = live.map(secret_line).collect();
    let blob = visit.seal(Purpose::Developer, random::uuid(visit.now).as_bytes());
    let token_url = format!("{}{}", hallpass.api_url, hallpass.config.paths.token);
    let owner = &client.organization;
    visit.render(200, |frame| {
        AppPage {
            client_id: &app.client_id,
            name: &app.name,
            organization: (!owner.hidden).then_some(owner.name.as_str()),
            status: app.status,
            client_type: app.client_type,
            redirect_uris: &uris,
            scopes: &visit.scope_lines(&client.scopes),
            secrets: &secrets,
            fresh_secret: fresh,
            connected_count,
            token_url: &token_url,
            pkce: hallpass.config.wire.require_pkce,
            blob: &blob,
            now: visit.now.0,
        }
        .render(frame)
    })
}

fn secret_line(secret: &Secret) -> SecretLine<'_> {
    SecretLine {
        hint: Some(secret.hint.as_str()).filter(|hint| !hint.is_empty()),
        created: secret.created.0,
        last_used: secret.last_used.map(|moment| moment.0),
        expires: secret.expires.map(|moment| moment.0),
    }
}
