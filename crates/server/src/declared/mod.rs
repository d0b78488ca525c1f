//! Declared objects: at start, the objects in the configuration are created or updated.
//!
//! A declared value is applied once per changed value. The database remembers a keyed digest of each value that was applied,
//! and a field with the same digest is left alone, even if somebody changed the field since then: a later reset or suspension
//! wins over a restart. So a start with the same configuration writes nothing and hashes no password. An object that is taken
//! out of the configuration stays. There are two exceptions: a membership of a person who is still declared, and a resource,
//! which exists only while it is declared.

mod apps;
mod organizations;
mod resources;
mod users;

pub(crate) use users::declared_name;

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
    /// The database refused an object.
    #[error("the declared {kind} {name:?} could not be applied: {source}")]
    Object {
        /// The kind of the object.
        kind: &'static str,
        /// The name of the object.
        name: String,
        /// The error of the database.
        source: StoreError,
    },
    /// The `external_id` of a person is fixed when the person is created.
    #[error(
        "users: the external_id of {0:?} cannot be changed, set or removed once the person exists; \
         declare a person with another email instead"
    )]
    ExternalIdFixed(String),
    /// The `external_id` of an organization is fixed once it has one.
    #[error("organizations: {0:?} has another external_id already, and it cannot be changed")]
    OrganizationIdFixed(String),
    /// An organization cannot be told apart from another one at introspection.
    #[error("organizations: {0:?} cannot be applied: another organization has {1:?} as its slug or external_id")]
    OrganizationsAlike(String, String),
    /// The digests could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How often the work is started again because another server did the same at the same time.
const ATTEMPTS: usize = 20;

/// Creates the declared objects, including the default organization, or updates fields whose declaration has changed. Servers
/// that start at the same time on one database may collide: a server that finds an object just created by another starts again.
///
/// # Errors
/// If the database refuses. The next start tries again.
pub(crate) async fn apply(config: &Config, store: &Store, keys: &Keys, now: Instant) -> Result<(), DeclaredError> {
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
    /// Whether another server may have changed the row between the read and the write.
    fn is_of_another(&self) -> bool {
        match self {
            Self::Object { source, .. } | Self::Store(source) => {
                matches!(source, StoreError::Taken(_) | StoreError::Conflict)
            }
            Self::ExternalIdFixed(_) | Self::OrganizationIdFixed(_) | Self::OrganizationsAlike(..) => false,
        }
    }
}

/// The work of one start.
struct Declaration<'a> {
    config: &'a Config,
    store: &'a Store,
    now: Instant,
    applied: AppliedValues<'a>,
}

/// The digests of the values that were applied.
struct AppliedValues<'a> {
    key: &'a hmac::Key,
    known: HashMap<Field, [u8; 32]>,
    fresh: Vec<Declared>,
}

/// Kind, name and field.
type Field = (String, String, String);

/// The values of one object. Each is compared with the value that was applied last.
struct DeclaredFields<'a, 'k> {
    applied: &'a mut AppliedValues<'k>,
    kind: &'static str,
    name: &'a str,
    any: bool,
}

impl<'a> Declaration<'a> {
    async fn begin(config: &'a Config, store: &'a Store, keys: &'a Keys, now: Instant) -> Result<Self, StoreError> {
        let known = store.declared().await?.into_iter();
        let known = known.map(|value| ((value.kind, value.name, value.field), value.digest));
        let applied = AppliedValues {
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

    /// Writes the digests. Call it last, so that the next start repeats everything that a failed start has not done.
    async fn remember(self) -> Result<(), StoreError> {
        if self.applied.fresh.is_empty() {
            return Ok(());
        }
        self.store.set_declared(self.applied.fresh).await
    }
}

impl<'k> AppliedValues<'k> {
    fn fields<'a>(&'a mut self, kind: &'static str, name: &'a str) -> DeclaredFields<'a, 'k> {
        DeclaredFields {
            applied: self,
            kind,
            name,
            any: false,
        }
    }
}

impl DeclaredFields<'_, '_> {
    /// Whether this value differs from the one that was applied last, or none was. From now on it counts as applied.
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

    /// Whether this value was applied last.
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

    /// The digest of a value. It has a key, because some values are passwords, and includes the field, so that equal values
    /// differ.
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
