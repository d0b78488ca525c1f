//! Apps: made, changed and stopped by the operator. Only here an app gets partner reach.

use super::deletion::Deletion;
use super::failure::Failure;
use super::request::{self, Answer, body, json, limit, nullable, page, query};
use super::secrets::{self, SecretView};
use super::{find, moment};
use crate::apps::names;
use crate::apps::secrets as app_secrets;
use crate::audit::Who;
use crate::config::{Config, GrantType};
use crate::random;
use crate::serve::hallpass::Hallpass;
use crate::store::model::{
    App, AppId, AppStatus, AppUpdate, AuditAction, AuditEvent, ClientType, ListedApp, MOST_REDIRECT_URIS,
    OrganizationName, Reach,
};
use crate::store::{StoreError, if_readable};
use crate::time::Instant;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use hallpass_wire::redirect_uri::Schemes;
use hallpass_wire::{RedirectUri, Scope, Scopes};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    organization: Option<String>,
    /// The client id that the page before ended with.
    after: Option<String>,
    limit: Option<String>,
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
    #[serde(default)]
    localhost_any_port: bool,
}

/// What is to be different about an app; what is left out stays.
#[derive(Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    name: Option<String>,
    reach: Option<Reach>,
    redirect_uris: Option<Vec<String>>,
    localhost_any_port: Option<bool>,
    scopes: Option<Vec<String>>,
    products: Option<Vec<String>>,
    grant_types: Option<Vec<String>>,
    /// Null: nobody, so that the organization's owners manage it.
    #[serde(default, deserialize_with = "nullable")]
    owner: Option<Option<String>>,
    /// Another one ends the app's grants.
    organization: Option<String>,
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
    /// Whether `http://localhost` is admitted with any port.
    localhost_any_port: bool,
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

/// `GET /apps`: by client id.
pub(super) async fn list(State(hallpass): State<Arc<Hallpass>>, RawQuery(sent): RawQuery) -> Answer {
    let filter: Filter = query(sent.as_deref())?;
    let limit = limit(filter.limit.as_deref())?;
    let organization = match filter.organization {
        Some(name) => Some(find::organization(&hallpass, &name).await?.id),
        None => None,
    };
    let after = filter.after.unwrap_or_default();
    let found = hallpass.store.apps(organization, &after, limit).await?;
    let listed = found.items.into_iter();
    let views: Vec<_> = listed.map(|listed| view(&hallpass, listed)).collect();
    page("apps", &views, found.next)
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
    let (text, secret) = app_secrets::make(now);
    let confidential = client_type == ClientType::Confidential;
    let default_product = || hallpass.config.defaults.product.clone().map(|product| vec![product]);
    let app = App {
        id: AppId(random::uuid(now)),
        client_id: random::alphanumeric(24),
        name: name_of(&hallpass.config, &wanted.name)?,
        organization,
        owner: None,
        client_type,
        reach: wanted.reach.unwrap_or(Reach::Own),
        status: AppStatus::Live,
        redirect_uris: redirect_uris(&hallpass.config, client_type, &wanted.redirect_uris)?,
        scopes: Some(scopes(&hallpass.config, wanted.scopes.as_deref())?),
        products: products(&hallpass.config, wanted.products)?.or_else(default_product),
        grant_types: grant_types(&hallpass.config, client_type, wanted.grant_types.as_deref())?,
        trusted: true,
        localhost_any_port: any_port(client_type, wanted.localhost_any_port)?,
        created: now,
        secrets: if confidential { vec![secret] } else { Vec::new() },
        unknown: None,
    };
    let client_id = app.client_id.clone();
    let event = who.did(AuditAction::AppCreated, now).app(&app).after(&app);
    let created = hallpass.store.recording(event).create_distinct_app(app.clone()).await;
    if let Err(error) = created {
        return Err(name_conflict(&hallpass, &app, error).await);
    }
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
    if changes == Changes::default() {
        let members = "`name`, `reach`, `redirect_uris`, `localhost_any_port`, `scopes`, `products`, `grant_types`, `owner` \
             or `organization`";
        return Err(Failure::invalid(format!("nothing is to be changed: name {members}")));
    }
    let app = find::app(&hallpass, &name).await?;
    let update = update(&hallpass, &app, changes).await?;
    update_app(&hallpass, &app, update, who.did(AuditAction::AppChanged, now)).await?;
    shown(&hallpass, now, 200, &name, None).await
}

async fn update(hallpass: &Hallpass, app: &App, changes: Changes) -> Result<AppUpdate, Failure> {
    let config = &hallpass.config;
    let owner = match changes.owner {
        Some(Some(name)) => Some(Some(find::user(hallpass, &name).await?.id)),
        Some(None) => Some(None),
        None => None,
    };
    let organization = match changes.organization {
        Some(name) => Some(find::organization(hallpass, &name).await?.id),
        None => None,
    };
    // A name that it has already stays good, also where it is longer than those of today.
    let new_name = changes.name.as_deref().filter(|name| name.trim() != app.name);
    let uris = |texts: &[String]| redirect_uris(config, app.client_type, texts);
    let any_port = |wanted| any_port(app.client_type, wanted);
    let scopes = |names: &[String]| scopes(config, Some(names)).map(Some);
    let products = |names| products(config, Some(names));
    Ok(AppUpdate {
        name: new_name.map(|name| name_of(config, name)).transpose()?,
        reach: changes.reach,
        redirect_uris: changes.redirect_uris.as_deref().map(uris).transpose()?,
        localhost_any_port: changes.localhost_any_port.map(any_port).transpose()?,
        scopes: changes.scopes.as_deref().map(scopes).transpose()?,
        products: changes.products.map(products).transpose()?,
        grant_types: grant_types(config, app.client_type, changes.grant_types.as_deref())?.map(Some),
        owner,
        // To name the owner that it has is no handing over.
        organization: organization.filter(|organization| *organization != app.organization),
        ..AppUpdate::default()
    })
}

/// `GET /apps/{app}/deletion`: what it would end.
pub(super) async fn deletion(State(hallpass): State<Arc<Hallpass>>, Path(name): Path<String>) -> Answer {
    let app = find::app(&hallpass, &name).await?;
    json(200, &Deletion::of_app(&hallpass, &app).await?)
}

/// `DELETE /apps/{app}`: its grants end, its secrets go. No other app gets its client id by chance: those are drawn.
pub(super) async fn delete(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Answer {
    let now = hallpass.now();
    let app = find::app(&hallpass, &name).await?;
    let deletion = Deletion::of_app(&hallpass, &app).await?;
    let event = who.did(AuditAction::AppDeleted, now).app(&app).before(&app);
    hallpass.store.recording(event).delete_app(&app, now).await?;
    json(200, &deletion.done())
}

/// Changes an app, and says so where its name is in question.
pub(super) async fn update_app(
    hallpass: &Hallpass,
    app: &App,
    update: AppUpdate,
    event: AuditEvent,
) -> Result<(), Failure> {
    let now = event.at;
    let event = event.app(app).change(app, &update);
    let store = hallpass.store.recording(event.if_different());
    // Another name, another owner, or other people who are asked: only then the name is in question.
    let same_people = update.reach.is_none() && update.organization.is_none();
    if update.name.is_none() && update.owner.is_none() && same_people {
        store.update_app(app.id, update, now).await?;
        return Ok(());
    }
    let after = App {
        name: update.name.clone().unwrap_or_else(|| app.name.clone()),
        reach: update.reach.unwrap_or(app.reach),
        organization: update.organization.unwrap_or(app.organization),
        owner: update.owner.unwrap_or(app.owner),
        ..app.clone()
    };
    match store.update_distinct_app(app, update, now).await {
        Ok(_) => Ok(()),
        Err(error) => Err(name_conflict(hallpass, &after, error).await),
    }
}

/// The app as it is now.
pub(super) async fn shown(
    hallpass: &Hallpass,
    now: Instant,
    status: u16,
    name: &str,
    client_secret: Option<String>,
) -> Answer {
    let mut app = find::app(hallpass, name).await?;
    let secrets = Some(secrets::views(std::mem::take(&mut app.secrets), now));
    let organization = if_readable(hallpass.directory.organization(app.organization).await)?;
    let organization = organization.map(|one| OrganizationName {
        slug: one.slug.clone(),
        name: one.name.clone(),
        hidden: one.hidden,
    });
    let owner = match app.owner {
        Some(owner) => if_readable(hallpass.directory.user(owner).await)?.map(|user| user.label().into_owned()),
        None => None,
    };
    let listed = ListedApp {
        app,
        owner,
        organization,
    };
    let view = view(hallpass, listed);
    json(
        status,
        &AppView {
            secrets,
            client_secret,
            ..view
        },
    )
}

fn view(hallpass: &Hallpass, listed: ListedApp) -> AppView {
    let ListedApp {
        app,
        owner,
        organization,
    } = listed;
    let catalogue = || hallpass.config.scopes.keys().map(ToString::to_string).collect();
    let texts = |scopes: Scopes| scopes.iter().map(ToString::to_string).collect();
    let offered = |client_type| offered(&hallpass.config, client_type);
    AppView {
        id: app.id,
        client_id: app.client_id,
        name: app.name,
        organization: organization.map_or_else(|| app.organization.to_string(), |one| one.slug),
        owner,
        client_type: app.client_type,
        reach: app.reach,
        status: app.status,
        redirect_uris: app.redirect_uris.iter().map(ToString::to_string).collect(),
        localhost_any_port: app.localhost_any_port,
        scopes: app.scopes.map_or_else(catalogue, texts),
        products: app.products,
        grant_types: app.grant_types.unwrap_or_else(|| offered(app.client_type)),
        created: moment::text(app.created),
        unknown: app.unknown.map(|unknown| unknown.to_string()),
        secrets: None,
        client_secret: None,
    }
}

fn name_of(config: &Config, text: &str) -> Result<String, Failure> {
    if text.trim().chars().count() > names::LONGEST {
        let text = format!("name: an app's name has at most {} characters", names::LONGEST);
        return Err(Failure::invalid(text));
    }
    let name = request::name(text)?;
    let brand = &config.brand.name;
    if names::look_alike(&name, brand) {
        return Err(Failure::taken(format!(
            "name: it looks like {brand:?}, the name of this site"
        )));
    }
    Ok(name)
}

/// Why a write that checks the name of `app` was refused.
async fn name_conflict(hallpass: &Hallpass, app: &App, error: StoreError) -> Failure {
    if error != StoreError::Conflict {
        return error.into();
    }
    match hallpass.store.has_look_alike(app).await {
        Ok(true) => Failure::taken(
            "name: it looks like the name of another developer's app, and the same people could be asked by both",
        ),
        Ok(false) => error.into(),
        Err(error) => error.into(),
    }
}

/// The free port of `http://localhost` is for native apps, which are public (RFC 8252 §8.4).
fn any_port(client_type: ClientType, wanted: bool) -> Result<bool, Failure> {
    if wanted && client_type != ClientType::Public {
        return Err(Failure::invalid("localhost_any_port: only a public app may have it"));
    }
    Ok(wanted)
}

fn redirect_uris(config: &Config, client_type: ClientType, texts: &[String]) -> Result<Vec<RedirectUri>, Failure> {
    let schemes = Schemes {
        listed: &config.portal.schemes,
        public: client_type == ClientType::Public,
    };
    if texts.len() > MOST_REDIRECT_URIS {
        let text = format!("redirect_uris: an app has at most {MOST_REDIRECT_URIS}");
        return Err(Failure::invalid(text));
    }
    let mut uris = Vec::with_capacity(texts.len());
    for text in texts {
        let wrong = |why: String| Failure::invalid(format!("redirect_uris: {text:?}: {why}"));
        let uri = RedirectUri::parse_with(text, schemes).map_err(|error| wrong(error.to_string()))?;
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
