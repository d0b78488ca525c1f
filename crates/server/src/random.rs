//! The only source of random values. No other module draws any.

use crate::time::Instant;
use uuid::Uuid;

/// `N` bytes from the operating system.
///
/// # Panics
/// If the operating system gives no random bytes: nothing can be done safely without them.
#[must_use]
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(
        clippy::disallowed_methods,
        clippy::expect_used,
        reason = "the one place; without randomness nothing is safe"
    )]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// `length` characters, each one of 62 letters and digits, drawn without bias.
#[must_use]
pub(crate) fn alphanumeric(length: usize) -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let drawn = bytes::<32>();
        let fair = drawn
            .iter()
            .filter(|byte| **byte < 248)
            .map(|byte| char::from(ALPHABET[usize::from(*byte % 62)]));
        text.extend(fair.take(length - text.len()));
    }
    text
}

/// A UUID that sorts by its moment of creation (RFC 9562 §5.7).
#[must_use]
pub(crate) fn uuid(now: Instant) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(now.0.max(0).unsigned_abs(), &bytes()).into_uuid()
}
