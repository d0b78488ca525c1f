//! The secrets of an app, of which at most two are live. A new secret is shown only once.

use super::app_view::{secret_views, shown};
use super::failure::Failure;
use super::find;
use super::request::{Answer, body, json};
use crate::apps::secrets as app_secrets;
use crate::apps::secrets::OVERLAP;
use crate::audit::Who;
use crate::serve::hallpass::Hallpass;
use crate::store::StoreError;
use crate::store::model::{App, AppSecret, ClientType, Others};
use crate::time::Instant;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What happens to the old secrets.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reset {
    /// They end at once.
    Now,
    /// They work for another day.
    Overlap,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSecret {
    reset: Reset,
}

/// `GET /apps/{app}/secrets`.
pub(super) async fn list(State(hallpass): State<Arc<Hallpass>>, Path(name): Path<String>) -> Answer {
    let now = hallpass.now();
    let app = find::app(&hallpass, &name).await?;
    json(200, &BTreeMap::from([("secrets", secret_views(app.secrets, now))]))
}

/// `POST /apps/{app}/secrets`: adds a secret beside the other.
pub(super) async fn add(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Answer {
    let now = hallpass.now();
    let app = find::app(&hallpass, &name).await?;
    let told = make(&hallpass, &who, &app, Others::Keep, now).await?;
    shown(&hallpass, now, 201, &name, Some(told)).await
}

/// `POST /apps/{app}/secret`: a new secret in place of the others (HC-5).
pub(super) async fn reset(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    sent: Body,
) -> Answer {
    let now = hallpass.now();
    let NewSecret { reset } = body(sent).await?;
    let app = find::app(&hallpass, &name).await?;
    let others = match reset {
        Reset::Now => Others::End,
        Reset::Overlap => Others::EndAt(now.after(OVERLAP)),
    };
    let told = make(&hallpass, &who, &app, others, now).await?;
    shown(&hallpass, now, 200, &name, Some(told)).await
}

/// `DELETE /apps/{app}/secrets/{secret}`, by its id or hint. The secret ends at once.
pub(super) async fn end(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path((name, secret)): Path<(String, String)>,
) -> Answer {
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
    shown(&hallpass, now, 200, &name, None).await
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
