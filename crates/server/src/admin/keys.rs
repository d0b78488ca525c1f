//! The operator lists, rotates and revokes keys.

use super::failure::Failure;
use super::moment;
use super::request::{Answer, body, json};
use crate::audit::Who;
use crate::keys::{KeyError, KeyPurpose, KeyState, ListedKey, RevokeError};
use crate::serve::hallpass::Hallpass;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotation {
    /// If left out: every purpose.
    purpose: Option<KeyPurpose>,
}

/// A key, as answers show it.
#[derive(Serialize)]
struct KeyView {
    id: u32,
    purpose: String,
    state: KeyState,
    created: String,
    active_from: Option<String>,
    retires: Option<String>,
    revoked: Option<String>,
}

/// `GET /keys`.
pub(super) async fn list(State(hallpass): State<Arc<Hallpass>>) -> Answer {
    let standings = hallpass.keys.ring().standings(hallpass.now());
    let views: Vec<_> = standings.into_iter().map(view).collect();
    json(200, &BTreeMap::from([("keys", views)]))
}

/// `POST /keys/rotate`: answers with the next keys. A key that is already waiting stays, so the same request twice makes one key.
pub(super) async fn rotate(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    sent: Body,
) -> Answer {
    let wanted: Rotation = body(sent).await?;
    whole(async move {
        let now = hallpass.now();
        let mut next = Vec::new();
        for purpose in KeyPurpose::ALL {
            if wanted.purpose.is_none_or(|wanted| wanted == purpose) {
                let rotated = hallpass.keys.rotate(&hallpass.store, &who, purpose, now).await?;
                next.push(rotated.id);
            }
        }
        let standings = hallpass.keys.ring().standings(now);
        let views = standings.into_iter().filter(|key| next.contains(&key.id)).map(view);
        json(200, &BTreeMap::from([("keys", views.collect::<Vec<_>>())]))
    })
    .await
}

/// `POST /keys/{key}/revoke`: everything made with the key ends at once. A revoked key stays revoked.
pub(super) async fn revoke(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Answer {
    let unknown = || Failure::not_found(format!("there is no key {name:?}"));
    let id: u32 = name.parse().map_err(|_| unknown())?;
    whole(async move {
        let now = hallpass.now();
        let revoked = hallpass.keys.revoke(&hallpass.store, &who, id, now).await?;
        let standings = hallpass.keys.ring().standings(now);
        let key = standings.into_iter().find(|key| key.id == id);
        let key = key.ok_or(RevokeError::NoSuchKey(id))?;
        if revoked.made {
            tracing::warn!(key = id, purpose = key.purpose, "a key was revoked");
        }
        json(200, &view(key))
    })
    .await
}

/// Completes a change even if the caller disconnects: otherwise a change could be committed and not put into the ring.
async fn whole(change: impl Future<Output = Answer> + Send + 'static) -> Answer {
    let done = tokio::spawn(change).await;
    done.unwrap_or_else(|error| Err(Failure::internal(error.to_string())))
}

fn view(key: ListedKey) -> KeyView {
    KeyView {
        id: key.id,
        purpose: key.purpose,
        state: key.state,
        created: moment::text(key.created),
        active_from: key.active_from.map(moment::text),
        retires: key.retires.map(moment::text),
        revoked: key.revoked.map(moment::text),
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Store(error) => error.into(),
            error => Self::internal(error.to_string()),
        }
    }
}

impl From<RevokeError> for Failure {
    fn from(error: RevokeError) -> Self {
        match error {
            RevokeError::NoSuchKey(_) => Self::not_found(error.to_string()),
            RevokeError::NothingIssued { .. } => Self::conflict(error.to_string()),
            RevokeError::Keys(error) => error.into(),
        }
    }
}
