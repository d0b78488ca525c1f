//! The operator lists, rotates and revokes keys.

use super::failure::Failure;
use super::moment;
use super::request::{AdminResult, Json, Query};
use crate::audit::Who;
use crate::http::paging::{Cursor, List, PageQuery, page_of};
use crate::keys::{KeyError, KeyPurpose, KeyState, ListedKey, RevokeError};
use crate::serve::hallpass::Hallpass;
use axum::Extension;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotation {
    /// If left out: every purpose.
    purpose: Option<KeyPurpose>,
}

/// A key, as answers show it.
#[derive(Serialize, ToSchema)]
#[schema(as = Key)]
pub(super) struct KeyView {
    id: u32,
    purpose: String,
    state: KeyState,
    #[schema(format = DateTime)]
    created: String,
    #[schema(required, format = DateTime)]
    active_from: Option<String>,
    #[schema(required, format = DateTime)]
    retires: Option<String>,
    #[schema(required, format = DateTime)]
    revoked: Option<String>,
}

/// A page of keys.
#[derive(Serialize, ToSchema)]
pub(super) struct Keys {
    keys: Vec<KeyView>,
    /// Null on the last page.
    #[schema(required)]
    next: Option<Cursor>,
}

/// The keys that come next.
#[derive(Serialize, ToSchema)]
pub(super) struct NextKeys {
    keys: Vec<KeyView>,
}

/// Lists keys by number.
#[utoipa::path(get, path = "/keys", operation_id = "list_keys", params(PageQuery))]
pub(super) async fn list(State(hallpass): State<Arc<Hallpass>>, Query(asked): Query<PageQuery>) -> AdminResult<Keys> {
    let list = List::named("keys");
    let after: Option<u32> = list.key(asked.after.as_ref())?;
    let standings = hallpass.keys.ring().standings(hallpass.now());
    let (keys, next) = list.shown(page_of(standings, |key| key.id, after.as_ref(), asked.limit), view);
    Ok(Json(Keys { keys, next }))
}

/// Rotates keys, and answers with the next ones.
///
/// A key that is already waiting stays, so the same request twice makes one key.
#[utoipa::path(post, path = "/keys/rotate", operation_id = "rotate_keys")]
pub(super) async fn rotate(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Json(wanted): Json<Rotation>,
) -> AdminResult<NextKeys> {
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
        let keys = standings.into_iter().filter(|key| next.contains(&key.id)).map(view);
        Ok(Json(NextKeys { keys: keys.collect() }))
    })
    .await
}

/// Revokes a key: everything made with it ends at once. A revoked key stays revoked.
#[utoipa::path(post, path = "/keys/{key}/revoke", operation_id = "revoke_key")]
pub(super) async fn revoke(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> AdminResult<KeyView> {
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
        Ok(Json(view(key)))
    })
    .await
}

/// Completes a change even if the caller disconnects: otherwise a change could be committed and not put into the ring.
async fn whole<T: Send + 'static>(change: impl Future<Output = AdminResult<T>> + Send + 'static) -> AdminResult<T> {
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
