//! The operator creates, changes and suspends apps. Only this API can give an app the reach `partner`.

use super::app_view::{AppView, shown, view};
use super::deletion::Deletion;
use super::failure::Failure;
use super::find;
use super::request::{AdminResult, Created, Json, Query, nullable};
use crate::apps::registration::{self, Accepted, ClientId, Fault, NameFault, Request};
use crate::apps::secrets as app_secrets;
use crate::audit::Who;
use crate::config::Config;
use crate::http::paging::{Cursor, Limit, List};
use crate::random;
use crate::serve::hallpass::Hallpass;
use crate::store::StoreError;
use crate::store::model::{
    ActsAs, App, AppId, AppStatus, AppUpdate, AuditAction, AuditEvent, ClientType, Organization, Reach,
};
use axum::Extension;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Only apps of this organization: its slug or id.
    organization: Option<String>,
    /// The largest number of objects in the answer.
    #[serde(default)]
    #[param(inline, required = false)]
    limit: Limit,
    /// The `next` of the page before.
    #[param(inline)]
    after: Option<Cursor>,
}

/// A page of apps.
#[derive(Serialize, ToSchema)]
pub(super) struct Apps {
    apps: Vec<AppView>,
    /// Null on the last page.
    #[schema(required)]
    next: Option<Cursor>,
}

/// A new app. Members that are left out come from the preset.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewApp {
    name: String,
    organization: Option<String>,
    #[serde(rename = "type")]
    client_type: Option<ClientType>,
    reach: Option<Reach>,
    acts_as: Option<ActsAs>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    scopes: Option<Vec<String>>,
    products: Option<Vec<String>>,
    grant_types: Option<Vec<String>>,
    #[serde(default)]
    localhost_any_port: bool,
}

/// The changes to an app. Members that are left out stay.
#[derive(Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AppChanges {
    name: Option<String>,
    reach: Option<Reach>,
    /// Whose its new grants are. Those that it has stay as they were allowed.
    acts_as: Option<ActsAs>,
    redirect_uris: Option<Vec<String>>,
    localhost_any_port: Option<bool>,
    trusted: Option<bool>,
    scopes: Option<Vec<String>>,
    products: Option<Vec<String>>,
    grant_types: Option<Vec<String>>,
    /// Null removes the owner, so that the owners of the organization manage the app.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    owner: Option<Option<String>>,
    /// Another organization ends the grants of the app.
    organization: Option<String>,
}

/// Lists apps by client id.
#[utoipa::path(get, path = "/apps", operation_id = "list_apps", params(Filter))]
pub(super) async fn list(State(hallpass): State<Arc<Hallpass>>, Query(filter): Query<Filter>) -> AdminResult<Apps> {
    let list = List::named("apps");
    let after: String = list.key(filter.after.as_ref())?.unwrap_or_default();
    let organization = match filter.organization {
        Some(name) => Some(find::organization(&hallpass, &name).await?.id),
        None => None,
    };
    let found = hallpass.store.apps(organization, &after, filter.limit.get()).await?;
    let (apps, next) = list.shown(found, |listed| view(&hallpass, listed));
    Ok(Json(Apps { apps, next }))
}

/// Shows an app with its secrets.
#[utoipa::path(get, path = "/apps/{app}", operation_id = "show_app")]
pub(super) async fn show(State(hallpass): State<Arc<Hallpass>>, Path(name): Path<String>) -> AdminResult<AppView> {
    shown(&hallpass, hallpass.now(), &name, None).await.map(Json)
}

/// Creates an app. Only this answer has the secret.
#[utoipa::path(post, path = "/apps", operation_id = "create_app")]
pub(super) async fn create(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Json(wanted): Json<NewApp>,
) -> Result<Created<AppView>, Failure> {
    let now = hallpass.now();
    let slug = wanted.organization.as_ref();
    let slug = slug.map_or(hallpass.config.defaults.organization.as_str(), String::as_str);
    let organization = find::organization(&hallpass, slug).await?;
    let client_type = wanted.client_type.unwrap_or(ClientType::Confidential);
    let request = Request {
        client_type,
        name: Some(&wanted.name),
        redirect_uris: Some(borrowed(&wanted.redirect_uris)),
        localhost_any_port: Some(wanted.localhost_any_port),
        scopes: wanted.scopes.as_deref().map(borrowed),
        products: wanted.products.as_deref().map(borrowed),
        grant_types: wanted.grant_types.as_deref().map(borrowed),
    };
    let accepted = judged(&hallpass.config, &request)?;
    let (text, secret) = app_secrets::make(now);
    let confidential = client_type == ClientType::Confidential;
    let default_product = || hallpass.config.defaults.product.clone().map(|product| vec![product]);
    // Stored by name, so that the app does not get scopes that are added later.
    let catalogue = || hallpass.config.scopes.keys().cloned().collect();
    let app = App {
        id: AppId(random::uuid(now)),
        client_id: ClientId::generate().into(),
        name: accepted.name.map(String::from).unwrap_or_default(),
        organization: organization.id,
        owner: None,
        client_type,
        reach: wanted.reach.unwrap_or(Reach::Own),
        acts_as: wanted.acts_as.unwrap_or(ActsAs::Person),
        status: AppStatus::Live,
        redirect_uris: accepted.redirect_uris.unwrap_or_default(),
        scopes: Some(accepted.scopes.unwrap_or_else(catalogue)),
        products: accepted.products.or_else(default_product),
        grant_types: accepted.grant_types,
        trusted: true,
        localhost_any_port: wanted.localhost_any_port,
        created: now,
        secrets: if confidential { vec![secret] } else { Vec::new() },
        unknown: None,
    };
    check_acts_as(&app, &organization)?;
    let client_id = app.client_id.clone();
    let event = who.did(AuditAction::AppCreated, now).app(&app).after(&app);
    let created = hallpass.store.recording(event).create_distinct_app(app.clone()).await;
    if let Err(error) = created {
        return Err(name_conflict(&hallpass, &app, error).await);
    }
    let told = confidential.then(|| text.expose().to_owned());
    shown(&hallpass, now, &client_id, told).await.map(Created)
}

/// Changes an app.
#[utoipa::path(patch, path = "/apps/{app}", operation_id = "change_app")]
pub(super) async fn change(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Json(changes): Json<AppChanges>,
) -> AdminResult<AppView> {
    let now = hallpass.now();
    if changes == AppChanges::default() {
        let members = "`name`, `reach`, `acts_as`, `redirect_uris`, `localhost_any_port`, `trusted`, `scopes`, `products`, `grant_types`, \
             `owner` or `organization`";
        return Err(Failure::invalid(format!("nothing is to be changed: name {members}")));
    }
    let app = find::app(&hallpass, &name).await?;
    let update = update(&hallpass, &app, changes).await?;
    update_app(&hallpass, &app, update, who.did(AuditAction::AppChanged, now)).await?;
    shown(&hallpass, now, &name, None).await.map(Json)
}

async fn update(hallpass: &Hallpass, app: &App, changes: AppChanges) -> Result<AppUpdate, Failure> {
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
    let request = Request {
        client_type: app.client_type,
        name: changes.name.as_deref(),
        redirect_uris: changes.redirect_uris.as_deref().map(borrowed),
        localhost_any_port: changes.localhost_any_port,
        scopes: changes.scopes.as_deref().map(borrowed),
        products: changes.products.as_deref().map(borrowed),
        grant_types: changes.grant_types.as_deref().map(borrowed),
    };
    let accepted = judged(config, &request.without_what_is(app))?;
    Ok(AppUpdate {
        name: accepted.name.map(String::from),
        reach: changes.reach,
        acts_as: changes.acts_as,
        redirect_uris: accepted.redirect_uris,
        localhost_any_port: accepted.localhost_any_port,
        trusted: changes.trusted,
        scopes: accepted.scopes.map(Some),
        products: accepted.products.map(Some),
        grant_types: accepted.grant_types.map(Some),
        owner,
        // The same owner is not a change.
        organization: organization.filter(|organization| *organization != app.organization),
        ..AppUpdate::default()
    })
}

/// Shows what the deletion of an app would end.
#[utoipa::path(get, path = "/apps/{app}/deletion", operation_id = "foresee_app_deletion")]
pub(super) async fn deletion(State(hallpass): State<Arc<Hallpass>>, Path(name): Path<String>) -> AdminResult<Deletion> {
    let app = find::app(&hallpass, &name).await?;
    Ok(Json(Deletion::of_app(&hallpass, &app).await?))
}

/// Deletes an app.
///
/// Its grants end, and its secrets are deleted. No other app gets its client id by chance, because ids are random.
#[utoipa::path(delete, path = "/apps/{app}", operation_id = "delete_app")]
pub(super) async fn delete(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> AdminResult<Deletion> {
    let now = hallpass.now();
    let app = find::app(&hallpass, &name).await?;
    let deletion = Deletion::of_app(&hallpass, &app).await?;
    let event = who.did(AuditAction::AppDeleted, now).app(&app).before(&app);
    hallpass.store.recording(event).delete_app(&app, now).await?;
    Ok(Json(deletion.done()))
}

/// Changes an app. Checks the name if this change needs it.
pub(super) async fn update_app(
    hallpass: &Hallpass,
    app: &App,
    update: AppUpdate,
    event: AuditEvent,
) -> Result<(), Failure> {
    let now = event.at;
    let event = event.app(app).change(app, &update);
    let store = hallpass.store.recording(event.if_different());
    let after = App {
        name: update.name.clone().unwrap_or_else(|| app.name.clone()),
        reach: update.reach.unwrap_or(app.reach),
        acts_as: update.acts_as.unwrap_or(app.acts_as),
        organization: update.organization.unwrap_or(app.organization),
        owner: update.owner.unwrap_or(app.owner),
        ..app.clone()
    };
    if after.acts_as == ActsAs::Organization && after.reach == Reach::Own {
        let organization = hallpass.directory.organization(after.organization).await?;
        if let Some(organization) = organization {
            check_acts_as(&after, &organization)?;
        }
    }
    // The name is checked only if the name or the owner changes, or if the app can ask other people.
    let same_people = update.reach.is_none() && update.organization.is_none();
    if update.name.is_none() && update.owner.is_none() && same_people {
        store.update_app(app.id, update, now).await?;
        return Ok(());
    }
    match store.update_distinct_app(app, update, now).await {
        Ok(_) => Ok(()),
        Err(error) => Err(name_conflict(hallpass, &after, error).await),
    }
}

/// Only an owner of an organization may allow an app that acts for it, and the hidden organization has none.
fn check_acts_as(app: &App, organization: &Organization) -> Result<(), Failure> {
    if app.acts_as == ActsAs::Organization && app.reach == Reach::Own && organization.hidden {
        let text = "acts_as: nobody could allow the app, because the hidden default organization has no owners: name another \
                    organization, or reach \"partner\"";
        return Err(Failure::invalid(text));
    }
    Ok(())
}

/// The accepted values of a request, or its first fault.
fn judged(config: &Config, request: &Request<'_>) -> Result<Accepted, Failure> {
    registration::judge(&config.rules_for_operators(), request).map_err(|faults| {
        let Some(fault) = faults.first() else {
            return Failure::internal("a request was refused without a fault");
        };
        let member = fault.member();
        match fault {
            Fault::Name(NameFault::Brand) => {
                let brand = &config.brand.name;
                Failure::taken(format!("{member}: it looks like {brand:?}, the name of this site"))
            }
            fault => Failure::invalid(format!("{member}: {fault}")),
        }
    })
}

fn borrowed(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// Why a write that checks the name of `app` was refused.
async fn name_conflict(hallpass: &Hallpass, app: &App, error: StoreError) -> Failure {
    if error != StoreError::Conflict {
        return error.into();
    }
    match hallpass.store.has_look_alike(app).await {
        Ok(true) => Failure::taken(format!("name: {}", NameFault::Taken)),
        Ok(false) => error.into(),
        Err(error) => error.into(),
    }
}
