//! A developer's apps: the list, and one app with its credentials.

use super::{PAGE, app_line, key, pages};
use crate::apps::permission::{manager, manages, registers_for};
use crate::apps::registration::MOST_APPS;
use crate::config::Register;
use crate::directory::Client;
use crate::http::respond::Response;
use crate::oauth::refusal::{Refusal, ServerReason};
use crate::organizations::memberships;
use crate::random;
use crate::store::Connected;
use crate::store::model::{ActsAs, App, AppId, AppSecret, ClientType, User};
use crate::web::state::Purpose;
use crate::web::view::{
    AppDone, AppPage, AppsList, ErrorKind, Flow, RegistrationRight, SecretLine, SecretNews, UriLine,
};
use crate::web::{SignedIn, Visit};
use hallpass_wire::RedirectUri;
use percent_encoding::percent_decode_str;
use std::sync::Arc;

/// `GET /developer`.
pub(crate) async fn list(SignedIn { visit, user }: SignedIn) -> Result<Response, Response> {
    let before = key(&visit, "before", "/developer")?.map(AppId);
    show_list(&visit, &user, before)
        .await
        .map_err(|refusal| visit.failed(refusal))
}

/// `GET /developer/apps/{client_id}`.
pub(crate) async fn page(SignedIn { visit, user }: SignedIn) -> Result<Response, Response> {
    let client = of_developer(&visit, &user).await?;
    show(&visit, &client, None)
        .await
        .map_err(|refusal| visit.failed(refusal))
}

/// The app that the address names, if this person may manage it. For any other app the page is not found.
pub(super) async fn of_developer(visit: &Visit, user: &User) -> Result<Arc<Client>, Response> {
    let client_id = percent_decode_str(name(visit)).decode_utf8().unwrap_or_default();
    let found = visit
        .hallpass
        .directory
        .client(&client_id)
        .await
        .map_err(|error| visit.failed(error))?;
    let absent = || visit.error(404, ErrorKind::NotFound);
    let client = found.ok_or_else(absent)?;
    let manages = manages(&visit.hallpass, user, &client).await;
    if manages.map_err(|refusal| visit.failed(refusal))? {
        Ok(client)
    } else {
        Err(absent())
    }
}

/// The address of the page of the app that the address names.
pub(super) fn address_of(visit: &Visit) -> String {
    visit.address(&place_of(visit))
}

/// The path of that page, below the public address.
pub(super) fn place_of(visit: &Visit) -> String {
    format!("/developer/apps/{}", name(visit))
}

/// The client ID in the address, unchanged.
fn name(visit: &Visit) -> &str {
    let path = visit.parts.uri.path();
    let name = path.strip_prefix("/developer/apps/").unwrap_or_default();
    name.split('/').next().unwrap_or_default()
}

/// A page of the apps that the person manages.
///
/// # Errors
/// If the database is away.
async fn show_list(visit: &Visit, user: &User, before: Option<AppId>) -> Result<Response, Refusal> {
    let hallpass = &visit.hallpass;
    let page = hallpass
        .store
        .managed_apps(manager(hallpass, user, None), before, PAGE)
        .await?;
    let registration = registration(visit, user).await?;
    let lines: Vec<_> = page.items.iter().map(app_line).collect();
    let pages = pages(visit, "/developer", before, &page);
    Ok(visit.render(200, |frame| {
        AppsList {
            apps: &lines,
            pages: &pages,
            registration,
        }
        .render(frame)
    }))
}

/// Whether the person may register one more app. If not: who can allow it.
async fn registration(visit: &Visit, user: &User) -> Result<RegistrationRight, Refusal> {
    let hallpass = &visit.hallpass;
    if hallpass.config.portal.register == Register::Nobody {
        return Ok(RegistrationRight::Closed);
    }
    if registers_for(hallpass, user).await?.is_empty() {
        let belongs = memberships(hallpass, user).await?;
        let has_owner = belongs.iter().any(|(organization, _)| !organization.hidden);
        return Ok(RegistrationRight::AskToBeDeveloper { has_owner });
    }
    let own = hallpass.store.count_owned_apps(user.id, MOST_APPS).await?;
    Ok(if own < MOST_APPS {
        RegistrationRight::Open
    } else {
        RegistrationRight::Full { limit: MOST_APPS }
    })
}

/// The page of one app, and the change that was just made to its secrets.
///
/// # Errors
/// If the database is away.
pub(crate) async fn show(visit: &Visit, client: &Client, news: Option<SecretNews<'_>>) -> Result<Response, Refusal> {
    let hallpass = &visit.hallpass;
    // Read from the database: the cached app does not have the last uses of its secrets, or a secret that was just made.
    let app = hallpass.store.app(client.app.id).await?.ok_or(ServerReason::Internal)?;
    let connected = hallpass.store.people_connected(app.id).await?;
    Ok(app_page(visit, client, &app, connected, news))
}

fn app_page(visit: &Visit, client: &Client, app: &App, connected: Connected, news: Option<SecretNews<'_>>) -> Response {
    let hallpass = &visit.hallpass;
    let native = app.client_type == ClientType::Public;
    let uri_line = |uri| uri_line(uri, native, app.localhost_any_port);
    let uris: Vec<_> = app.redirect_uris.iter().map(uri_line).collect();
    let live = app.secrets.iter().rev().filter(|secret| secret.is_live(visit.now));
    let secrets: Vec<_> = live.map(|secret| (secret, end_blob(visit, app, secret))).collect();
    let secrets: Vec<_> = secrets.iter().map(|(secret, blob)| secret_line(secret, blob)).collect();
    let blob = visit.seal_to_return(Purpose::Developer, random::uuid(visit.now).as_bytes());
    let address = |member| hallpass.address(member).unwrap_or_default();
    let (authorization_url, token_url) = (address("authorization_endpoint"), address("token_endpoint"));
    let identity_url = address("userinfo_endpoint");
    let scope = client.scopes.to_string();
    let owner = &client.organization;
    visit.render(news.map_or(200, SecretNews::status), |frame| {
        AppPage {
            client_id: &app.client_id,
            name: &app.name,
            organization: (!owner.hidden).then_some(owner.name.as_str()),
            status: app.status,
            client_type: app.client_type,
            of_organization: app.acts_as == ActsAs::Organization,
            redirect_uris: &uris,
            scopes: &visit.scope_lines(&client.scopes),
            secrets: &secrets,
            done: done(visit, news),
            news,
            connected,
            flow: Flow {
                authorization_url: &authorization_url,
                token_url: &token_url,
                identity_url: &identity_url,
                client_id: &app.client_id,
                confidential: !native,
                redirect_uri: app.redirect_uris.first().map(RedirectUri::as_str),
                scope: &scope,
                pkce: native || hallpass.config.wire.require_pkce,
            },
            blob: &blob,
            now: visit.now.0,
        }
        .render(frame)
    })
}

/// The last change by the person, which the address names. The page of a new secret says more.
fn done(visit: &Visit, news: Option<SecretNews<'_>>) -> Option<AppDone> {
    match visit.query(&["done"]).get("done") {
        _ if news.is_some() => None,
        Some("changed") => Some(AppDone::Changed),
        Some("secret-ended") => Some(AppDone::SecretEnded),
        _ => None,
    }
}

/// A free port is for native apps, which are public (RFC 8252 §7.3).
fn uri_line(uri: &RedirectUri, native: bool, localhost: bool) -> UriLine<'_> {
    UriLine {
        uri: uri.as_str(),
        any_port: native && uri.takes_any_port(localhost),
    }
}

/// The state of the form that ends this secret. `None` if no other secret lasts.
fn end_blob(visit: &Visit, app: &App, secret: &AppSecret) -> Option<String> {
    let AppSecret { id, .. } = secret;
    let mut others = app.secrets.iter().filter(|other| other.id != *id);
    let lasts = others.any(|other| other.expires.is_none());
    lasts.then(|| visit.seal_to_return(Purpose::Secret, id.0.as_bytes()))
}

fn secret_line<'a>(secret: &'a AppSecret, end_blob: &'a Option<String>) -> SecretLine<'a> {
    SecretLine {
        hint: Some(secret.hint.as_str()).filter(|hint| !hint.is_empty()),
        created: secret.created.0,
        last_used: secret.last_used.map(|moment| moment.0),
        expires: secret.expires.map(|moment| moment.0),
        end_blob: end_blob.as_deref(),
    }
}
