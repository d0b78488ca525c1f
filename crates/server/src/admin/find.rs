//! Finds the object that an address names: by id, or by the name that people use.
//!
//! Reads from the store, because the caches do not have the last use of a secret.

use super::failure::Failure;
use crate::serve::hallpass::Hallpass;
use crate::store::model::{App, AppId, Grant, GrantId, Organization, OrganizationId, User, UserId};
use uuid::Uuid;

/// Where a name may be that of something deleted.
const DELETED: &str = "events about a deleted one are listed by its id";

/// The app with this client id or id.
pub(super) async fn app(hallpass: &Hallpass, name: &str) -> Result<App, Failure> {
    let mut found = hallpass.store.app_by_client_id(name).await?;
    if let (None, Some(id)) = (&found, uuid(name)) {
        found = hallpass.store.app(AppId(id)).await?;
    }
    found.ok_or_else(|| Failure::not_found(format!("there is no app {name:?}")))
}

/// The person with this login address, id of the site or id. A site may use UUIDs as ids, or addresses.
pub(super) async fn user(hallpass: &Hallpass, name: &str) -> Result<User, Failure> {
    let mut found = hallpass.store.user_by_email(name).await?;
    if found.is_none() {
        found = hallpass.store.user_by_external_id(name).await?;
    }
    if let (None, Some(id)) = (&found, uuid(name)) {
        found = hallpass.store.user(UserId(id)).await?;
    }
    found.ok_or_else(|| Failure::not_found(format!("there is no user {name:?}")))
}

/// The organization with this slug or id.
pub(super) async fn organization(hallpass: &Hallpass, name: &str) -> Result<Organization, Failure> {
    let mut found = hallpass.store.organization_by_slug(name).await?;
    if let (None, Some(id)) = (&found, uuid(name)) {
        found = hallpass.store.organization(OrganizationId(id)).await?;
    }
    found.ok_or_else(|| Failure::not_found(format!("there is no organization {name:?}")))
}

/// The id of an app, also of a deleted one.
pub(super) async fn app_id(hallpass: &Hallpass, name: &str) -> Result<AppId, Failure> {
    match (app(hallpass, name).await, uuid(name)) {
        (Ok(app), _) => Ok(app.id),
        (Err(_), Some(id)) => Ok(AppId(id)),
        (Err(failure), None) => Err(failure.with_hint(DELETED)),
    }
}

/// The id of a person, also of a deleted one.
pub(super) async fn user_id(hallpass: &Hallpass, name: &str) -> Result<UserId, Failure> {
    match (user(hallpass, name).await, uuid(name)) {
        (Ok(user), _) => Ok(user.id),
        (Err(_), Some(id)) => Ok(UserId(id)),
        (Err(failure), None) => Err(failure.with_hint(DELETED)),
    }
}

/// The id of an organization, also of a deleted one.
pub(super) async fn organization_id(hallpass: &Hallpass, name: &str) -> Result<OrganizationId, Failure> {
    match (organization(hallpass, name).await, uuid(name)) {
        (Ok(organization), _) => Ok(organization.id),
        (Err(_), Some(id)) => Ok(OrganizationId(id)),
        (Err(failure), None) => Err(failure.with_hint(DELETED)),
    }
}

/// The grant with this id.
pub(super) async fn grant(hallpass: &Hallpass, name: &str) -> Result<Grant, Failure> {
    let found = match uuid(name) {
        Some(id) => hallpass.store.grant(GrantId(id)).await?,
        None => None,
    };
    found.ok_or_else(|| Failure::not_found(format!("there is no grant {name:?}")))
}

fn uuid(name: &str) -> Option<Uuid> {
    Uuid::try_parse(name).ok()
}
