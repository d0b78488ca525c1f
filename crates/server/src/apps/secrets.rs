//! Client secrets (RFC 6749 §2.3.1): how they are made, and what is kept of them.
//!
//! A secret with 256 random bits is kept as a plain digest: nothing can be guessed, and a password hash would make the token
//! endpoint slow. One that somebody chose may be shorter; then it is kept as argon2id.

use crate::accounts::passwords;
use crate::config;
use crate::random;
use crate::store::model::{Secret, SecretHash, SecretId};
use crate::time::Instant;
use aws_lc_rs::digest::{SHA256, digest};
use std::time::Duration;

/// How long an old secret goes on beside a new one, where an overlap is wanted.
pub const OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// So many letters and digits hold 256 bits.
const LENGTH: usize = 43;

/// Makes a secret: what its app is told, this once, and what is kept.
#[must_use]
pub fn make(now: Instant) -> (config::Secret, Secret) {
    let text = config::Secret::new(random::alphanumeric(LENGTH));
    let kept = keep(&text, now);
    (text, kept)
}

/// What is kept of a secret from now on, until it is replaced.
#[must_use]
pub fn keep(text: &config::Secret, now: Instant) -> Secret {
    Secret {
        id: SecretId(random::uuid(now)),
        hash: hash(text),
        hint: hint(text.expose()),
        created: now,
        last_used: None,
        expires: None,
    }
}

/// What a secret is compared with. For a short one this takes some 20 ms.
#[must_use]
pub fn hash(text: &config::Secret) -> SecretHash {
    let text = text.expose();
    if text.len() < LENGTH {
        return SecretHash::Argon2(passwords::hash(text, random::bytes()));
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    SecretHash::Sha256(bytes)
}

/// The last four characters of a long secret; of a short one they would give too much away.
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
