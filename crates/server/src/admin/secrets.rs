//! The secrets of an app, of which at most two are live. A new secret is shown only once.

use super::app_view::{AppView, SecretView, secret_views, shown};
use super::failure::Failure;
use super::find;
use super::request::{AdminResult, Created, Json, Query};
use crate::apps::secrets as app_secrets;
use crate::apps::secrets::OVERLAP;
use crate::audit::Who;
use crate::http::paging::{Cursor, List, PageQuery, page_of};
use crate::serve::hallpass::Hallpass;
use crate::store::StoreError;
use crate::store::model::{App, AppSecret, ClientType, Others};
use crate::time::Instant;
use axum::Extension;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// What happens to the old secrets.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Reset {
    /// They end at once.
    Now,
    /// They work for another day.
    Overlap,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSecret {
    reset: Reset,
}

/// A page of secrets.
#[derive(Serialize, ToSchema)]
pub(super) struct Secrets {
    secrets: Vec<SecretView>,
    /// Null on the last page.
    #[schema(required)]
    next: Option<Cursor>,
}

/// Lists the live secrets of an app, oldest first.
#[utoipa::path(get, path = "/apps/{app}/secrets", operation_id = "list_secrets", params(PageQuery))]
pub(super) async fn list(
    State(hallpass): State<Arc<Hallpass>>,
    Path(name): Path<String>,
    Query(asked): Query<PageQuery>,
) -> AdminResult<Secrets> {
    let now = hallpass.now();
    let app = find::app(&hallpass, &name).await?;
    let list = List::of("secrets", app.id);
    let after: Option<Uuid> = list.key(asked.after.as_ref())?;
    let mut live = secret_views(app.secrets, now);
    live.sort_by_key(SecretView::id);
    let found = page_of(live, |secret| secret.id().0, after.as_ref(), asked.limit);
    let (secrets, next) = list.shown(found, |secret| secret);
    Ok(Json(Secrets { secrets, next }))
}

/// Adds a secret beside the other one. Only this answer has it.
#[utoipa::path(post, path = "/apps/{app}/secrets", operation_id = "add_secret")]
pub(super) async fn add(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Result<Created<AppView>, Failure> {
    let now = hallpass.now();
    let app = find::app(&hallpass, &name).await?;
    let told = make(&hallpass, &who, &app, Others::Keep, now).await?;
    shown(&hallpass, now, &name, Some(told)).await.map(Created)
}

/// Makes a new secret in place of the others (HC-5). Only this answer has it.
#[utoipa::path(post, path = "/apps/{app}/secret", operation_id = "reset_secret")]
pub(super) async fn reset(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Json(NewSecret { reset }): Json<NewSecret>,
) -> AdminResult<AppView> {
    let now = hallpass.now();
    let app = find::app(&hallpass, &name).await?;
    let others = match reset {
        Reset::Now => Others::End,
        Reset::Overlap => Others::EndAt(now.after(OVERLAP)),
    };
    let told = make(&hallpass, &who, &app, others, now).await?;
    shown(&hallpass, now, &name, Some(told)).await.map(Json)
}

/// Ends a secret at once, by its id or hint.
#[utoipa::path(delete, path = "/apps/{app}/secrets/{secret}", operation_id = "end_secret")]
pub(super) async fn end(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path((name, secret)): Path<(String, String)>,
) -> AdminResult<AppView> {
    let now = hallpass.now();
    let app = find::app(&hallpass, &name).await?;
    let mut named = app
        .secrets
        .iter()
        .filter(|one| one.is_live(now) && is_called(one, &secret));
    let (Some(found), None) = (named.next(), named.next()) else {
        let text = format!("the app has no live secret {secret:?}: name it by its id");
        return Err(Failure::not_found(text));
    };
    let store = hallpass.store.recording(who.ended_secret(&app, found.id, now));
    let ended = store.end_secret(app.id, found.id, now).await;
    ended.map_err(|error| {
        let text = "without this secret the app would be left without one that lasts: add another first, or reset it";
        refused(error, text)
    })?;
    shown(&hallpass, now, &name, None).await.map(Json)
}

fn is_called(secret: &AppSecret, name: &str) -> bool {
    secret.id.to_string() == name || (!name.is_empty() && secret.hint == name)
}

async fn make(hallpass: &Hallpass, who: &Who, app: &App, others: Others, now: Instant) -> Result<String, Failure> {
    if app.client_type == ClientType::Public {
        return Err(Failure::conflict("a public app has no secret"));
    }
    let (text, secret) = app_secrets::make(now);
    let store = hallpass.store.recording(who.set_secret(app, secret.id, others, now));
    let made = store.set_secret(app.id, secret, others, now).await;
    made.map_err(|error| {
        refused(
            error,
            "the app has two live secrets, the most there can be: end one first",
        )
    })?;
    Ok(text.expose().to_owned())
}

fn refused(error: StoreError, why: &str) -> Failure {
    match error {
        StoreError::Conflict => Failure::conflict(why),
        other => other.into(),
    }
}
