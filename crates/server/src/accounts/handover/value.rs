//! The value that a browser brings back from the site. It is derived, not stored.

use crate::keys::Keys;
use crate::store::model::Acceptance;
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The value of this answer: 256 bits that neither the request nor the database gives. `None` if its key was revoked.
#[must_use]
pub(crate) fn value(keys: &Keys, acceptance: &Acceptance) -> Option<String> {
    let ring = keys.ring();
    let key = ring.proof_by_id(ring.proof_id(acceptance.accepted))?;
    Some(URL_SAFE_NO_PAD.encode(hmac::sign(key, &message(acceptance))))
}

/// Whether a browser brought the value of this answer. Constant in time.
#[must_use]
pub(crate) fn fits(keys: &Keys, acceptance: &Acceptance, brought: &str) -> bool {
    let ring = keys.ring();
    let key = ring.proof_by_id(ring.proof_id(acceptance.accepted));
    let brought = URL_SAFE_NO_PAD.decode(brought).unwrap_or_default();
    key.is_some_and(|key| hmac::verify(key, &message(acceptance), &brought).is_ok())
}

/// Longer than the message of any code or refresh token, so that none is the other.
fn message(acceptance: &Acceptance) -> Vec<u8> {
    let moment = acceptance.accepted.0.to_be_bytes();
    [b"handover".as_slice(), &acceptance.request, &acceptance.digest, &moment].concat()
}
