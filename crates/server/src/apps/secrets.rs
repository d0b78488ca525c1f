//! Client secrets (RFC 6749 §2.3.1): how they are made, and the hash that is stored.
//!
//! A secret with 256 random bits is stored as a plain digest: it cannot be guessed, and a password hash would make the token
//! endpoint slow. A secret that a person chose may be shorter; then it is stored as argon2id.

use crate::accounts::passwords;
use crate::config;
use crate::random;
use crate::store::model::{AppSecret, SecretHash, SecretId};
use crate::time::Instant;
use aws_lc_rs::digest::{SHA256, digest};
use std::time::Duration;

/// How long an old secret works beside a new one, if an overlap is requested.
pub(crate) const OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// The number of letters and digits that have 256 random bits.
const LENGTH: usize = 43;

/// Makes a secret. Returns the text, which is shown only once, and the hash to store.
#[must_use]
pub(crate) fn make(now: Instant) -> (config::Secret, AppSecret) {
    let text = config::Secret::new(random::alphanumeric(LENGTH));
    let kept = keep(&text, now);
    (text, kept)
}

/// The hash to store for a secret.
#[must_use]
pub(crate) fn keep(text: &config::Secret, now: Instant) -> AppSecret {
    AppSecret {
        id: SecretId(random::uuid(now)),
        hash: hash(text),
        hint: hint(text.expose()),
        created: now,
        last_used: None,
        expires: None,
    }
}

/// The hash that a secret is compared with. For a short secret this takes some 20 ms.
#[must_use]
pub(crate) fn hash(text: &config::Secret) -> SecretHash {
    let text = text.expose();
    if text.len() < LENGTH {
        return SecretHash::Argon2(passwords::hash(text, random::bytes()));
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    SecretHash::Sha256(bytes)
}

/// The last four characters of a long secret. For a short secret they would reveal too much.
fn hint(text: &str) -> String {
    let (short, mut last) = (text.len() < LENGTH, text.char_indices().rev());
    match last.nth(3) {
        Some((start, _)) if !short => text[start..].to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn a_made_secret_is_kept_as_a_digest_with_a_hint() {
        let (text, kept) = make(Instant(1_000));
        assert_eq!(text.expose().len(), 43);
        assert!(matches!(kept.hash, SecretHash::Sha256(_)));
        assert_eq!(kept.hint, text.expose()[39..]);
        assert_eq!(kept.expires, None);
    }

    #[test]
    fn a_short_secret_is_kept_as_argon2_without_a_hint() {
        let kept = keep(&config::Secret::new("456def".to_owned()), Instant(1_000));
        assert_eq!(kept.hint, "");
        match kept.hash {
            SecretHash::Argon2(phc) => assert!(passwords::verify("456def", &phc)),
            SecretHash::Sha256(_) => panic!("a short secret as a plain digest"),
        }
    }
}
