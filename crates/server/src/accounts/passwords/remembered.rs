//! Client secrets that were verified before.
//!
//! A program authenticates at every token request; argon2 each time would be slow for it and costly for us. A secret
//! that has fitted is remembered as an HMAC under a key that only this process has: useless outside it, gone with it.

use super::{Busy, Pool};
use aws_lc_rs::hmac;
use quick_cache::sync::Cache;
use std::fmt;

/// A bounded memory of hashes and the secrets that fitted them.
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

    /// Whether `phc` was made from `secret`: from memory, else by `pool`. A secret that does not fit is not remembered,
    /// so guesses push nothing out. One that is replaced has another hash, and is not found here.
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
    async fn a_secret_costs_once() {
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
