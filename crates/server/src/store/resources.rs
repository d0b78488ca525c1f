//! Resources: the APIs that check tokens (RFC 7662 §2.1, RFC 8707).

use super::apps::secrets::{hash_columns, hash_of};
use super::model::{ChangeKind, NewChange, Resource};
use super::rows::{first, readable};
use super::value::{Row, Statement, Value};
use super::{Result, Store};
use crate::time::Instant;
use hallpass_wire::Scopes;

impl Store {
    /// The resource with this identifier.
    pub async fn resource(&self, identifier: &str) -> Result<Option<Resource>> {
        first(self.read(RESOURCE, &[identifier.into()]).await?, resource_of)
    }

    /// Every resource, by identifier.
    pub async fn resources(&self) -> Result<Vec<Resource>> {
        Ok(readable(self.scan(RESOURCES, vec![]).await?, resource_of))
    }

    /// Makes a resource, or updates the one with its identifier.
    pub async fn put_resource(&self, resource: Resource, now: Instant) -> Result<()> {
        let change = NewChange::about(ChangeKind::Resource, resource.identifier.as_bytes(), now);
        let (sha256, argon2) = resource
            .secret
            .as_ref()
            .map_or((Value::Null, Value::Null), hash_columns);
        let params = vec![
            resource.identifier.into(),
            resource.name.into(),
            sha256,
            argon2,
            resource.scopes.as_ref().into(),
            resource.created.into(),
        ];
        let statements = vec![Statement::new(PUT, params).expect_one()];
        self.write_announcing(statements, change).await
    }

    /// Deletes a resource and the record of its declared values: declared again, it is new.
    pub async fn remove_resource(&self, identifier: &str, now: Instant) -> Result<()> {
        let change = NewChange::about(ChangeKind::Resource, identifier.as_bytes(), now);
        let statements = vec![
            Statement::new(REMOVE, vec![identifier.into()]),
            Statement::new(FORGET, vec![identifier.into()]),
        ];
        self.write_announcing(statements, change).await
    }
}

macro_rules! select_resource {
    ($rest:literal) => {
        concat!(
            "SELECT identifier, name, sha256, argon2, scopes, created, environment FROM resources ",
            $rest
        )
    };
}

const RESOURCE: &str = select_resource!("WHERE identifier = $1");
const RESOURCES: &str = select_resource!("ORDER BY identifier");

const REMOVE: &str = "DELETE FROM resources WHERE identifier = $1";
const FORGET: &str = "DELETE FROM declared WHERE kind = 'resource' AND name = $1";

const PUT: &str = "INSERT INTO resources (identifier, name, sha256, argon2, scopes, created) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (identifier) DO UPDATE SET \
     name = excluded.name, sha256 = excluded.sha256, argon2 = excluded.argon2, scopes = excluded.scopes";

fn resource_of(row: &mut Row) -> Result<Resource> {
    let mut unknown = None;
    let mut resource = Resource {
        identifier: row.take()?,
        name: row.take()?,
        secret: hash_of(row)?,
        scopes: row.take_known("scopes", Some(Scopes::default()), &mut unknown)?,
        created: row.take()?,
    };
    // A resource that may see tokens of one environment only would see all of them.
    row.take_only("environment", None, &mut unknown)?;
    if let Some(unknown) = unknown {
        tracing::warn!(resource = resource.identifier, %unknown, "a resource is disabled: this version does not know a word");
        resource.secret = None;
    }
    Ok(resource)
}
