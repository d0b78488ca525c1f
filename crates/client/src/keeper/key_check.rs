//! Finds a wrong key when the vault is opened, and not when a connection is due.

use super::record::Record;
use super::seal::Purpose;
use super::vault::{Row, SignIn};
use super::{Keeper, VaultError};
use aws_lc_rs::digest::{SHA256, digest};

/// What is sealed.
const CONSTANT: &[u8] = b"hallpass-keeper";
/// How many records of an older vault are tried.
const SAMPLE: usize = 100;

impl Keeper {
    /// Checks that the vault is sealed with this keeper's key. The first keeper of a vault seals a constant for the others; it
    /// stands among the sign-ins, under a state that nobody can have.
    ///
    /// # Errors
    /// [`VaultError::Sealed`] if the key is another one, and others if the vault cannot be read.
    pub async fn check_key(&self) -> Result<(), VaultError> {
        let engine = &self.engine;
        let wrong = || VaultError::Sealed("the vault was made with another key".to_owned());
        let mut state = [0; 32];
        state.copy_from_slice(digest(&SHA256, CONSTANT).as_ref());
        for _ in 0..2 {
            if let Some(stored) = engine.vault.begun(&state).await? {
                let opened = engine.key.open(&Purpose::SignIn(&state), &stored.sealed);
                return opened.map(drop).map_err(|_| wrong());
            }
            // An older version wrote no constant. One record that somebody damaged says nothing of the key.
            let rows = engine.vault.list(None, None, SAMPLE).await?;
            let opens = |row: &Row| Record::open(&engine.key, &row.connection, &row.sealed).is_ok();
            if !rows.is_empty() && !rows.iter().any(opens) {
                return Err(wrong());
            }
            let sealed = engine.key.seal(&Purpose::SignIn(&state), CONSTANT);
            let sign_in = SignIn {
                state,
                sealed: sealed.map_err(|_| VaultError::Failed("failed to seal a constant".to_owned()))?,
                expires_at: i64::MAX,
            };
            // Another keeper may have been first: then its constant is read. A vault that takes no writes can still be read.
            if engine.vault.begin(sign_in, engine.clock.now_millis()).await.is_ok() {
                return Ok(());
            }
        }
        Ok(())
    }
}
