//! Declared objects: what the configuration names is made at start, or made like it.
//!
//! A declared value is applied once per changed value. The database remembers a keyed digest of each value that was applied,
//! and a field whose digest is still the same is left alone, even where somebody changed it since: a later reset or
//! suspension wins over a restart. A start with the same configuration therefore writes nothing and hashes no password.
//! Nothing is removed by leaving it out, but for a membership of a person who is still declared, and for a resource, which
//! exists by its declaration alone.

mod apps;
mod organizations;
mod resources;
mod users;

#[cfg(test)]
mod tests;

use crate::config::Config;
use crate::keys::Keys;
use crate::store::model::Declared;
use crate::store::{Store, StoreError};
use crate::time::Instant;
use aws_lc_rs::hmac;
use std::collections::HashMap;

/// Why a declared object could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum DeclaredError {
    /// The database refuses one of them.
    #[error("the declared {kind} {name:?} could not be applied: {source}")]
    Object {
        /// What kind of object.
        kind: &'static str,
        /// Which one.
        name: String,
        /// What the database says.
        source: StoreError,
    },
    /// A person's id at the site is fixed when the person is made.
    #[error(
        "users: the external_id of {0:?} cannot be changed, set or removed once the person exists; \
         declare a person with another email instead"
    )]
    ExternalIdFixed(String),
    /// What was applied before cannot be read, or not be remembered.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How often it is begun again because another server was doing the same.
const ATTEMPTS: usize = 20;

/// Makes the declared objects, the default organization among them, or updates what is different about their declaration.
/// Servers that start at once on one database meet in it: who finds made what it was about to make begins again, and sees it.
///
/// # Errors
/// Where the database refuses; the next start tries again.
pub async fn apply(config: &Config, store: &Store, keys: &Keys, now: Instant) -> Result<(), DeclaredError> {
    for _ in 1..ATTEMPTS {
        match apply_once(config, store, keys, now).await {
            Err(error) if store.is_shared() && error.is_of_another() => {}
            applied => return applied,
        }
    }
    apply_once(config, store, keys, now).await
}

async fn apply_once(config: &Config, store: &Store, keys: &Keys, now: Instant) -> Result<(), DeclaredError> {
    let mut declaration = Declaration::begin(config, store, keys, now).await?;
    // Users belong to organizations, apps are owned by them.
    declaration.organizations().await?;
    declaration.users().await?;
    declaration.memberships().await?;
    declaration.resources().await?;
    declaration.apps().await?;
    Ok(declaration.remember().await?)
}

impl DeclaredError {
    /// Whether another server may have come between a look and the change that followed.
    fn is_of_another(&self) -> bool {
        match self {
            Self::Object { source, .. } | Self::Store(source) => {
                matches!(source, StoreError::Taken(_) | StoreError::Conflict)
            }
            Self::ExternalIdFixed(_) => false,
        }
    }
}

/// One start's work.
struct Declaration<'a> {
    config: &'a Config,
    store: &'a Store,
    now: Instant,
    applied: Applied<'a>,
}

/// The digests of the values that were applied.
struct Applied<'a> {
    key: &'a hmac::Key,
    known: HashMap<Field, [u8; 32]>,
    fresh: Vec<Declared>,
}

/// Kind, name and field.
type Field = (String, String, String);

/// One object's values, each compared with what was applied last.
struct Fields<'a, 'k> {
    applied: &'a mut Applied<'k>,
    kind: &'static str,
    name: &'a str,
    any: bool,
}

impl<'a> Declaration<'a> {
    async fn begin(config: &'a Config, store: &'a Store, keys: &'a Keys, now: Instant) -> Result<Self, StoreError> {
        let known = store.declared().await?.into_iter();
        let known = known.map(|value| ((value.kind, value.name, value.field), value.digest));
        let applied = Applied {
            key: keys.declared(),
            known: known.collect(),
            fresh: Vec::new(),
        };
        Ok(Self {
            config,
            store,
            now,
            applied,
        })
    }

    /// Remembered at the very end: whatever a start that failed left undone is done by the next one.
    async fn remember(self) -> Result<(), StoreError> {
        if self.applied.fresh.is_empty() {
            return Ok(());
        }
        self.store.set_declared(self.applied.fresh).await
    }
}

impl<'k> Applied<'k> {
    fn fields<'a>(&'a mut self, kind: &'static str, name: &'a str) -> Fields<'a, 'k> {
        Fields {
            applied: self,
            kind,
            name,
            any: false,
        }
    }
}

impl Fields<'_, '_> {
    /// Whether this value is another than the one that was applied last, if one was; from now on it counts as applied.
    fn changed(&mut self, field: &str, value: &str) -> bool {
        if self.is_applied(field, value) {
            return false;
        }
        let digest = self.digest(field, value);
        self.applied.fresh.push(Declared {
            kind: self.kind.to_owned(),
            name: self.name.to_owned(),
            field: field.to_owned(),
            digest,
        });
        self.any = true;
        true
    }

    /// Whether this value is the one that was applied last.
    fn is_applied(&self, field: &str, value: &str) -> bool {
        self.applied.known.get(&self.field(field)) == Some(&self.digest(field, value))
    }

    /// Whether any value of this field was ever applied.
    fn knows(&self, field: &str) -> bool {
        self.applied.known.contains_key(&self.field(field))
    }

    fn field(&self, field: &str) -> Field {
        (self.kind.to_owned(), self.name.to_owned(), field.to_owned())
    }

    /// Keyed, because passwords are among the values; and bound to its place, so that equal ones do not show.
    fn digest(&self, field: &str, value: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(self.applied.key);
        for part in [self.kind, self.name, field, value] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }
}

fn named(kind: &'static str, name: &str, source: StoreError) -> DeclaredError {
    let name = name.to_owned();
    DeclaredError::Object { kind, name, source }
}
