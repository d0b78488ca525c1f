//! Apps: made, changed and stopped by the operator. Only here an app gets partner reach.

use super::failure::Failure;
use super::request::{Answer, body, json, query};
use super::secrets::{self, SecretView};
use super::{find, moment};
use crate::app::Hallpass;
use crate::audit::Who;
use crate::client_secrets;
use crate::config::{Config, GrantType, one_line};
use crate::random;
use crate::store::model::{App, AppId, AppStatus, AppUpdate, AuditAction, AuditEvent, ClientType, Reach};
use crate::store::{StoreError, if_readable};
use crate::time::Instant;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use hallpass_wire::{RedirectUri, Scope, Scopes};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    organization: Option<String>,
}

/// An app to come; what is left out is the preset's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewApp {
    name: String,
    organization: Option<String>,
    #[serde(rename = "type")]
    client_type: Option<ClientType>,
    reach: Option<Reach>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    scopes: Option<Vec<String>>,
    products: Option<Vec<String>>,
    grant_types: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    name: Option<String>,
    reach: Option<Reach>,
    redirect_uris: Option<Vec<String>>,
}

/// An app as it is told of.
#[derive(Serialize)]
struct AppView {
    id: AppId,
    client_id: String,
    name: String,
    organization: String,
    owner: Option<String>,
    #[serde(rename = "type")]
    client_type: ClientType,
    reach: Reach,
    status: AppStatus,
    redirect_uris: Vec<String>,
    /// What it may ask for; of a declared app without scopes of its own the catalogue.
    scopes: Vec<String>,
    /// Null: products do not bound it.
    products: Option<Vec<String>>,
    /// Of an app without grant types of its own the preset's.
    grant_types: Vec<GrantType>,
    created: String,
    /// Why it is suspended although nobody suspended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
    /// Lists do not have them.
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<Vec<SecretView>>,
    /// The one time that it is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

/// `GET /apps`.
pub(super) async fn list(State(hallpass): State<Arc<Hallpass>>, RawQuery(sent): RawQuery) -> Answer {
    let now = hallpass.now();
    let filter: Filter = query(sent.as_deref())?;
    let apps = match filter.organization {
        Some(name) => {
            let organization = find::organization(&hallpass, &name).await?;
            hallpass.store.apps_of(organization.id).await?
        }
        None => hallpass.store.apps().await?,
    };
    let mut views = Vec::with_capacity(apps.len());
    for app in apps {
        let view = view(&hallpass, app, now).await?;
        views.push(AppView { secrets: None, ..view });
    }
    json(200, &BTreeMap::from([("apps", views)]))
}

/// `GET /apps/{app}`.
pub(super) async fn show(State(hallpass): State<Arc<Hallpass>>, Path(name): Path<String>) -> Answer {
    shown(&hallpass, hallpass.now(), 200, &name, None).await
}

/// `POST /apps`: the answer has the secret, this once.
pub(super) async fn create(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    sent: Body,
) -> Answer {
    let now = hallpass.now();
    let wanted: NewApp = body(sent).await?;
    let slug = wanted.organization.as_ref();
    let slug = slug.unwrap_or(&hallpass.config.defaults.organization);
    let organization = find::organization(&hallpass, slug).await?.id;
    let client_type = wanted.client_type.unwrap_or(ClientType::Confidential);
    let (text, secret) = client_secrets::make(now);
    let confidential = client_type == ClientType::Confidential;
    let default_product = || hallpass.config.defaults.product.clone().map(|product| vec![product]);
    let app = App {
        id: AppId(random::uuid(now)),
        client_id: random::alphanumeric(24),
        name: name_of(&wanted.name)?,
        organization,
        owner: None,
        client_type,
        reach: wanted.reach.unwrap_or(Reach::Own),
        status: AppStatus::Live,
        redirect_uris: redirect_uris(&wanted.redirect_uris)?,
        scopes: Some(scopes(&hallpass.config, wanted.scopes.as_deref())?),
        products: products(&hallpass.config, wanted.products)?.or_else(default_product),
        grant_types: grant_types(&hallpass.config, client_type, wanted.grant_types.as_deref())?,
        trusted: true,
        localhost_any_port: false,
        created: now,
        secrets: if confidential { vec![secret] } else { Vec::new() },
        unknown: None,
    };
    let client_id = app.client_id.clone();
    let event = who.did(AuditAction::AppCreated, now).app(&app).after(&app);
    hallpass.store.recording(event).create_app(app).await?;
    let told = confidential.then(|| text.expose().to_owned());
    shown(&hallpass, now, 201, &client_id, told).await
}

/// `PATCH /apps/{app}`.
pub(super) async fn change(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    sent: Body,
) -> Answer {
    let now = hallpass.now();
    let changes: Changes = body(sent).await?;
    if matches!(
        changes,
        Changes {
            name: None,
            reach: None,
            redirect_uris: None
        }
    ) {
        return Err(Failure::invalid(
            "nothing is to be changed: name `name`, `reach` or `redirect_uris`",
        ));
    }
    let app = find::app(&hallpass, &name).await?;
    let update = AppUpdate {
        name: changes.name.as_deref().map(name_of).transpose()?,
        reach: changes.reach,
        redirect_uris: changes.redirect_uris.as_deref().map(redirect_uris).transpose()?,
        ..AppUpdate::default()
    };
    update_app(&hallpass, &app, update, who.did(AuditAction::AppChanged, now)).await?;
    shown(&hallpass, now, 200, &name, None).await
}

/// `POST /apps/{app}/suspend`: its tokens are refused, and it gets no new ones. Its grants stay for when it is resumed.
pub(super) async fn suspend(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Answer {
    let event = who.did(AuditAction::AppSuspended, hallpass.now());
    set_status(&hallpass, &name, AppStatus::Suspended, event).await
}

/// `POST /apps/{app}/resume`.
pub(super) async fn resume(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Answer {
    let event = who.did(AuditAction::AppResumed, hallpass.now());
    set_status(&hallpass, &name, AppStatus::Live, event).await
}

async fn set_status(hallpass: &Hallpass, name: &str, status: AppStatus, event: AuditEvent) -> Answer {
    let now = event.at;
    let app = find::app(hallpass, name).await?;
    let update = AppUpdate {
        status: Some(status),
        ..AppUpdate::default()
    };
    update_app(hallpass, &app, update, event).await?;
    shown(hallpass, now, 200, name, None).await
}

async fn update_app(hallpass: &Hallpass, app: &App, update: AppUpdate, event: AuditEvent) -> Result<(), StoreError> {
    let now = event.at;
    let event = event.app(app).change(app, &update);
    hallpass.store.recording(event).update_app(app.id, update, now).await?;
    Ok(())
}

/// The app as it is now.
pub(super) async fn shown(
    hallpass: &Hallpass,
    now: Instant,
    status: u16,
    name: &str,
    client_secret: Option<String>,
) -> Answer {
    let app = find::app(hallpass, name).await?;
    let view = view(hallpass, app, now).await?;
    json(status, &AppView { client_secret, ..view })
}

async fn view(hallpass: &Hallpass, app: App, now: Instant) -> Result<AppView, Failure> {
    let organization = if_readable(hallpass.organization(app.organization).await)?;
    let owner = match app.owner {
        Some(owner) => if_readable(hallpass.user(owner).await)?.map(|user| user.label().into_owned()),
        None => None,
    };
    let catalogue = || hallpass.config.scopes.keys().map(ToString::to_string).collect();
    let texts = |scopes: Scopes| scopes.iter().map(ToString::to_string).collect();
    let offered = |client_type| offered(&hallpass.config, client_type);
    Ok(AppView {
        id: app.id,
        client_id: app.client_id,
        name: app.name,
        organization: organization.map_or_else(|| app.organization.to_string(), |one| one.slug.clone()),
        owner,
        client_type: app.client_type,
        reach: app.reach,
        status: app.status,
        redirect_uris: app.redirect_uris.iter().map(ToString::to_string).collect(),
        scopes: app.scopes.map_or_else(catalogue, texts),
        products: app.products,
        grant_types: app.grant_types.unwrap_or_else(|| offered(app.client_type)),
        created: moment::text(app.created),
        unknown: app.unknown.map(|unknown| unknown.to_string()),
        secrets: Some(secrets::views(app.secrets, now)),
        client_secret: None,
    })
}

fn name_of(text: &str) -> Result<String, Failure> {
    one_line(text).map_err(|error| Failure::invalid(format!("name: {error}")))?;
    Ok(text.trim().to_owned())
}

fn redirect_uris(texts: &[String]) -> Result<Vec<RedirectUri>, Failure> {
    let mut uris = Vec::with_capacity(texts.len());
    for text in texts {
        let wrong = |why: String| Failure::invalid(format!("redirect_uris: {text:?}: {why}"));
        let uri = RedirectUri::parse(text).map_err(|error| wrong(error.to_string()))?;
        if uris.contains(&uri) {
            return Err(wrong("it is there twice".to_owned()));
        }
        uris.push(uri);
    }
    Ok(uris)
}

/// The named ones; left out, those that there are now. They are kept by name: a scope that comes later is not the app's.
fn scopes(config: &Config, names: Option<&[String]>) -> Result<Scopes, Failure> {
    let Some(names) = names else {
        return Ok(config.scopes.keys().cloned().collect());
    };
    let known = |name: &String| {
        let scope = Scope::parse(name)
            .ok()
            .filter(|scope| config.scopes.contains_key(scope));
        scope.ok_or_else(|| Failure::invalid(format!("scopes: there is no scope {name:?}")))
    };
    names.iter().map(known).collect()
}

fn products(config: &Config, names: Option<Vec<String>>) -> Result<Option<Vec<String>>, Failure> {
    let unknown = names.iter().flatten().find(|name| !config.products.contains_key(*name));
    match unknown {
        Some(name) => Err(Failure::invalid(format!("products: there is no product {name:?}"))),
        None => Ok(names),
    }
}

/// The grant types that the preset offers to apps of this type.
fn offered(config: &Config, client_type: ClientType) -> Vec<GrantType> {
    let fits = |one: &&GrantType| **one != GrantType::ClientCredentials || client_type == ClientType::Confidential;
    config.wire.grant_types.iter().filter(fits).copied().collect()
}

fn grant_types(
    config: &Config,
    client_type: ClientType,
    names: Option<&[String]>,
) -> Result<Option<Vec<GrantType>>, Failure> {
    let Some(names) = names else { return Ok(None) };
    let offered = |name: &String| {
        let offered = |one: &GrantType| config.wire.grant_types.contains(one);
        match GrantType::from_text(name).filter(offered) {
            None => Err(Failure::invalid(format!("grant_types: {name:?} is not offered"))),
            Some(GrantType::ClientCredentials) if client_type == ClientType::Public => {
                let text = "grant_types: client_credentials needs a secret, which a public app has not";
                Err(Failure::invalid(text))
            }
            Some(grant_type) => Ok(grant_type),
        }
    };
    names.iter().map(offered).collect::<Result<_, _>>().map(Some)
}
