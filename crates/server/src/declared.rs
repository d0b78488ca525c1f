//! x
use crate::{
    config::Config,
    keys::Keys,
    store::{Store, StoreError},
    time::Instant,
};
#[derive(Debug, thiserror::Error)]
pub enum DeclaredError {
    #[error(transparent)]
    Store(#[from] StoreError),
}
pub async fn apply(_: &Config, _: &Store, _: &Keys, _: Instant) -> Result<(), DeclaredError> {
    Ok(())
}
