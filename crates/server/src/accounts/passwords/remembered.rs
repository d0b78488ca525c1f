//! Remembers client secrets that were verified before.
//!
//! A program authenticates with every token request; argon2 each time would be slow for the program and costly for the
//! server. A secret that was verified is remembered as an HMAC under a key that only this process has. The HMAC is useless
//! elsewhere, and disappears with the process.

use super::{Busy, Pool};
use aws_lc_rs::hmac;
use quick_cache::sync::Cache;
use std::fmt;

/// A bounded memory of hashes and the secrets that match them.
pub struct Remembered {
    key: hmac::Key,
    fitted: Cache<[u8; 32], ()>,
}

impl Remembered {
    /// Remembers up to `capacity` secrets under `key`, which must be fresh and random.
    #[must_use]
    pub fn new(key: &[u8; 32], capacity: usize) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            fitted: Cache::new(capacity),
        }
    }

    /// Whether `phc` was made from `secret`: from memory, or else with `pool`. A wrong secret is not remembered, so guesses
    /// evict nothing. A replaced secret has another hash, and so is not found here.
    pub async fn verify(&self, pool: &Pool, secret: &str, phc: &str) -> Result<bool, Busy> {
        let tag = self.tag(secret, phc);
        if self.fitted.get(&tag).is_some() {
            return Ok(true);
        }
        let fits = pool.verify(secret, phc).await?;
        if fits {
            self.fitted.insert(tag, ());
        }
        Ok(fits)
    }

    fn tag(&self, secret: &str, phc: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&phc.len().to_be_bytes());
        context.update(phc.as_bytes());
        context.update(secret.as_bytes());
        let mut tag = [0; 32];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }
}

impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembered")
            .field("entries", &self.fitted.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::passwords::hash;

    #[tokio::test]
    async fn a_secret_is_hashed_once() {
        let remembered = Remembered::new(&[9; 32], 16);
        let phc = hash("456def", [1; 16]);
        let pool = Pool::new(1, 4).unwrap();
        assert_eq!(remembered.verify(&pool, "456def", &phc).await, Ok(true));

        let full = Pool::new(1, 0).unwrap();
        assert_eq!(remembered.verify(&full, "456def", &phc).await, Ok(true));
        assert_eq!(remembered.verify(&full, "456deg", &phc).await, Err(Busy));
        let replaced = hash("456def", [2; 16]);
        assert_eq!(remembered.verify(&full, "456def", &replaced).await, Err(Busy));
    }

    #[tokio::test]
    async fn a_wrong_secret_is_not_remembered() {
        let remembered = Remembered::new(&[9; 32], 16);
        let phc = hash("456def", [1; 16]);
        let pool = Pool::new(1, 4).unwrap();
        assert_eq!(remembered.verify(&pool, "123abc", &phc).await, Ok(false));
        assert_eq!(remembered.fitted.len(), 0);
    }
}
