//! Apps, people and organizations as the endpoints see them, kept in memory.
//!
//! A check of a token asks for the status of its app, person and organization; none of that may cost a query. An entry of the
//! feed evicts the one object that it names (DESIGN §2.11, decision 58). So no entry holds a copy of another object: an app
//! names its organization by id, and what is found under that id is put beside it at each request.
//!
//! What has to be loaded is boxed, because each request copies the state of all that it might wait for. Each getter asks the
//! feed first whether memory can be trusted. A server that does not hear from the others must not serve a
//! person whom they suspended.

mod client;
pub mod feed;

pub use client::Client;

use crate::serve::hallpass::Hallpass;
use crate::store::StoreError;
use crate::store::model::{AppId, Change, ChangeKind, Organization, OrganizationId, Resource, User, UserId};
use client::Registered;
use quick_cache::sync::{Cache, GuardResult};
use std::collections::BTreeSet;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const CAPACITY: usize = 10_000;
/// People are many, and each of their tokens asks for them: some 25 MiB where it is full.
const PEOPLE: usize = 50_000;

/// The caches.
pub struct Directory {
    /// The app of a client id. An app keeps its client id, so no change evicts an entry. The app may be deleted, and declared
    /// again under another id, so the app is always looked up by its id.
    ids: Cache<String, AppId>,
    apps: Cache<AppId, Arc<Registered>>,
    users: Cache<UserId, Arc<User>>,
    organizations: Cache<OrganizationId, Arc<Organization>>,
    /// All of them: there are few, and introspection asks for one that is not there as often as for one that is.
    resources: Cache<(), Arc<[Arc<Resource>]>>,
    /// An app that had this origin when it was asked for; `origins_of` says whether it still does. Origins that no app has are
    /// not kept: anybody can make them up, and they would push these out.
    origins: Cache<String, AppId>,
    /// Every origin of an app.
    origins_of: Cache<AppId, Arc<BTreeSet<String>>>,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            ids: Cache::new(CAPACITY),
            apps: Cache::new(CAPACITY),
            users: Cache::new(PEOPLE),
            organizations: Cache::new(CAPACITY),
            resources: Cache::new(1),
            origins: Cache::new(CAPACITY),
            origins_of: Cache::new(CAPACITY),
        }
    }
}

impl Directory {
    /// Evicts what an entry of the feed names. To be called after the change was committed and before it is acknowledged.
    ///
    /// A word of a later version, and an entry that names nothing, empty everything: what they changed is not known here.
    pub fn evict(&self, change: &Change) {
        match (change.kind, ids(&change.subject).as_slice()) {
            (ChangeKind::App, [app]) => {
                self.apps.remove(&AppId(*app));
                self.origins_of.remove(&AppId(*app));
            }
            // Memberships are kept with their person. Those in a deleted organization stay there and lead to none.
            (ChangeKind::User, [user]) | (ChangeKind::Membership, [user, _]) => {
                self.users.remove(&UserId(*user));
            }
            (ChangeKind::Organization, [organization]) => {
                self.organizations.remove(&OrganizationId(*organization));
            }
            (ChangeKind::Resource, _) => {
                self.resources.remove(&());
            }
            _ => self.forget(),
        }
    }

    /// Evicts everything: what changed is not known.
    pub fn forget(&self) {
        self.ids.clear();
        self.apps.clear();
        self.users.clear();
        self.organizations.clear();
        self.resources.clear();
        self.origins.clear();
        self.origins_of.clear();
    }
}

/// The ids in the subject of an entry; none where it is something else.
fn ids(subject: &[u8]) -> Vec<Uuid> {
    match subject.as_chunks::<16>() {
        (ids, []) => ids.iter().map(|id| Uuid::from_bytes(*id)).collect(),
        _ => Vec::new(),
    }
}

/// What `cache` has under `key`, or what is loaded. The place is taken before the load begins, and an eviction takes the place
/// away: what was read before a change is never kept after it.
async fn kept<K, V>(
    cache: &Cache<K, V>,
    key: &K,
    load: impl Future<Output = Result<Option<V>, StoreError>>,
) -> Result<Option<V>, StoreError>
where
    K: Clone + Eq + Hash,
    V: Clone,
{
    let place = match cache.get_value_or_guard(key, Some(Duration::ZERO)) {
        GuardResult::Value(found) => return Ok(Some(found)),
        GuardResult::Guard(place) => Some(place),
        // Another request loads it. With a database that is away, requests that waited for each other would time out in turn.
        GuardResult::Timeout => None,
    };
    let found = load.await?;
    if let (Some(place), Some(found)) = (place, &found) {
        // It fails where an eviction came meanwhile.
        let _ = place.insert(found.clone());
    }
    Ok(found)
}

impl Hallpass {
    /// The person with this subject.
    ///
    /// # Errors
    /// Where the database is away.
    pub async fn user(&self, id: UserId) -> Result<Option<Arc<User>>, StoreError> {
        self.feed.fresh().await?;
        let users = &self.directory.users;
        if let Some(user) = users.get(&id) {
            return Ok(Some(user));
        }
        let load = async { Ok(self.store.user(id).await?.map(Arc::new)) };
        Box::pin(kept(users, &id, load)).await
    }

    /// The organization with this id.
    ///
    /// # Errors
    /// Where the database is away.
    pub async fn organization(&self, id: OrganizationId) -> Result<Option<Arc<Organization>>, StoreError> {
        self.feed.fresh().await?;
        let organizations = &self.directory.organizations;
        if let Some(organization) = organizations.get(&id) {
            return Ok(Some(organization));
        }
        let load = async { Ok(self.store.organization(id).await?.map(Arc::new)) };
        Box::pin(kept(organizations, &id, load)).await
    }

    /// Every resource server.
    ///
    /// # Errors
    /// Where the database is away.
    pub async fn resources(&self) -> Result<Arc<[Arc<Resource>]>, StoreError> {
        self.feed.fresh().await?;
        if let Some(resources) = self.directory.resources.get(&()) {
            return Ok(resources);
        }
        let load = async { Ok(Some(self.store.resources().await?.into_iter().map(Arc::new).collect())) };
        let found = Box::pin(kept(&self.directory.resources, &(), load)).await?;
        Ok(found.unwrap_or_default())
    }

    /// Whether an app has this origin, by a redirect URI or because the configuration names it.
    ///
    /// # Errors
    /// Where the database is away.
    pub async fn is_app_origin(&self, origin: &str) -> Result<bool, StoreError> {
        self.feed.fresh().await?;
        let origins = &self.directory.origins;
        if let Some(app) = origins.get(origin) {
            if self.origins_of(app).await?.is_some_and(|own| own.contains(origin)) {
                return Ok(true);
            }
            origins.remove(origin);
        }
        let found = Box::pin(self.store.app_of_origin(origin)).await?;
        if let Some(app) = found {
            origins.insert(origin.to_owned(), app);
        }
        Ok(found.is_some())
    }

    async fn origins_of(&self, app: AppId) -> Result<Option<Arc<BTreeSet<String>>>, StoreError> {
        let origins = &self.directory.origins_of;
        if let Some(own) = origins.get(&app) {
            return Ok(Some(own));
        }
        let load = async { Ok(Some(Arc::new(self.store.origins_of(app).await?))) };
        Box::pin(kept(origins, &app, load)).await
    }
}

#[cfg(test)]
mod tests;
