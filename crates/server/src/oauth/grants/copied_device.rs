//! A refresh token that two devices use, each within the grace of the other (decision 44).

use crate::oauth::grants::TokenRequest;
use crate::oauth::{Reason, Refusal};
use crate::serve::hallpass::Hallpass;
use crate::store::StoreError;
use crate::store::model::{AuditAction, ClientType, EndReason, Grant};
use crate::tokens::copies::{self, COPIED, KeyedSource};
use hallpass_wire::PublicError;
use hallpass_wire::public_error::RefreshFault;

/// Two devices use a refresh token, each within the grace of the other; the grant has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("two sources use the same refresh tokens")]
pub(crate) struct DeviceCopied;

impl Reason for DeviceCopied {
    fn word(&self) -> &'static str {
        "device_copied"
    }

    fn public(&self) -> PublicError {
        let sentence = "Two devices use this refresh token, so its grant has ended";
        PublicError::Refresh(RefreshFault::Spent(sentence))
    }
}

/// The source of a request, hashed under this key as in the row of its grant. `None` if the key was revoked a moment ago.
#[must_use]
pub(crate) fn source(hallpass: &Hallpass, request: &TokenRequest<'_>, grant: &Grant, key: u32) -> Option<KeyedSource> {
    let address = hallpass.proxies.source(request.form.peer, request.form.headers);
    let ring = hallpass.keys.ring();
    let key = ring.proof_by_id(key)?;
    Some(copies::source(key, &grant.salt, grant.id.0, address))
}

/// How many rotations in a row, including the last one, were each repeated from another source.
#[must_use]
pub(crate) fn repeats(hallpass: &Hallpass, grant: &Grant) -> u32 {
    copies::counted(grant.repeats, hallpass.repeats.has(grant.id.0, grant.generation))
}

/// Notes a repeat. A repeat from another source than its rotation may come from a copy.
///
/// # Errors
/// [`DeviceCopied`] if a device was copied and the app is public: the grant has ended.
pub(crate) async fn note_repeat(hallpass: &Hallpass, request: &TokenRequest<'_>, grant: &Grant) -> Result<(), Refusal> {
    let here = source(hallpass, request, grant, grant.key);
    if grant.source.is_none() || here.is_none() || here == grant.source {
        return Ok(());
    }
    hallpass.repeats.note(grant.id.0, grant.generation);
    if grant.repeats + 1 < COPIED {
        return Ok(());
    }
    // A confidential app may run on several servers, so its grant does not end: the person sees a warning.
    if request.client.app.client_type == ClientType::Confidential {
        Ok(mark(hallpass, request, grant).await?)
    } else {
        end(hallpass, request, grant).await
    }
}

async fn mark(hallpass: &Hallpass, request: &TokenRequest<'_>, grant: &Grant) -> Result<(), StoreError> {
    if grant.repeats >= COPIED {
        return Ok(());
    }
    let event = request.who(hallpass).did(AuditAction::DeviceCopied, request.now);
    let store = hallpass.store.recording(event.grant(grant));
    if store.mark_copied(grant.id).await? {
        tracing::warn!(grant = %grant.id, "two sources use the same refresh tokens: was a device copied?");
    }
    Ok(())
}

async fn end(hallpass: &Hallpass, request: &TokenRequest<'_>, grant: &Grant) -> Result<(), Refusal> {
    tracing::warn!(grant = %grant.id, "two sources use the same refresh tokens: the grant ends");
    let (reason, now) = (EndReason::DeviceCopied, request.now);
    let store = hallpass.store.recording(request.who(hallpass).ended(reason, now));
    store.end(grant.id, reason, now).await?;
    Err(DeviceCopied.into())
}
