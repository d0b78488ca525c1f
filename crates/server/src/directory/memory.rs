//! The caches of the directory.

use crate::config::GrantType;
use crate::store::StoreError;
use crate::store::model::{
    App, AppId, Change, ChangeKind, Organization, OrganizationId, Ownership, Resource, User, UserId,
};
use hallpass_wire::Scopes;
use quick_cache::sync::{Cache, GuardResult};
use std::collections::BTreeSet;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const CAPACITY: usize = 10_000;
/// The largest number of people in memory. There are many people, and each check of a token needs one. A full cache takes some
/// 25 MiB.
const PEOPLE: usize = 50_000;

/// An app as memory keeps it: its row, and the values that follow from the configuration.
pub(super) struct Registered {
    pub(super) app: Arc<App>,
    pub(super) scopes: Arc<Scopes>,
    pub(super) grant_types: Arc<[GrantType]>,
}

/// The caches. An entry of the feed evicts the one object that it names.
pub struct Memory {
    /// The app of a client ID. An app keeps its client ID, so no change evicts an entry. The app may be deleted, and declared
    /// again under another id, so the app is always looked up by its id.
    pub(super) ids: Cache<String, AppId>,
    pub(super) apps: Cache<AppId, Arc<Registered>>,
    pub(super) users: Cache<UserId, Arc<User>>,
    pub(super) organizations: Cache<OrganizationId, Arc<Organization>>,
    /// Whether organizations have owners. Only organizations that have grants of their own are looked up.
    pub(super) ownerships: Cache<OrganizationId, Ownership>,
    /// All resources: there are few, and introspection looks up unknown ones as often as known ones.
    pub(super) resources: Cache<(), Arc<[Arc<Resource>]>>,
    /// An app that had this origin when it was looked up; `origins_of` says whether it still does. Origins that no app has are
    /// not kept: anybody can make them up, and they would evict the others.
    pub(super) origins: Cache<String, AppId>,
    /// Every origin of an app.
    pub(super) origins_of: Cache<AppId, Arc<BTreeSet<String>>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            ids: Cache::new(CAPACITY),
            apps: Cache::new(CAPACITY),
            users: Cache::new(PEOPLE),
            organizations: Cache::new(CAPACITY),
            ownerships: Cache::new(CAPACITY),
            resources: Cache::new(1),
            origins: Cache::new(CAPACITY),
            origins_of: Cache::new(CAPACITY),
        }
    }
}

impl Memory {
    /// Evicts the object that an entry of the feed names. Call it after the change is committed and before it is acknowledged.
    ///
    /// A word of a later version, or an entry that names no object, evicts everything: the changed object is not known.
    pub fn evict(&self, change: &Change) {
        match (change.kind, ids(&change.subject).as_slice()) {
            (ChangeKind::App, [app]) => {
                self.apps.remove(&AppId(*app));
                self.origins_of.remove(&AppId(*app));
            }
            // Memberships are kept with their person. Those of a deleted organization stay there, but the organization is not
            // found.
            (ChangeKind::User, [user]) => {
                self.users.remove(&UserId(*user));
            }
            (ChangeKind::Membership, [user, organization]) => {
                self.users.remove(&UserId(*user));
                self.ownerships.remove(&OrganizationId(*organization));
            }
            (ChangeKind::Organization, [organization]) => {
                self.organizations.remove(&OrganizationId(*organization));
                self.ownerships.remove(&OrganizationId(*organization));
            }
            (ChangeKind::Resource, _) => {
                self.resources.remove(&());
            }
            _ => self.forget(),
        }
    }

    /// Evicts everything, if the changed object is not known.
    pub fn forget(&self) {
        self.ids.clear();
        self.apps.clear();
        self.users.clear();
        self.organizations.clear();
        self.ownerships.clear();
        self.resources.clear();
        self.origins.clear();
        self.origins_of.clear();
    }
}

/// The ids in the subject of an entry. Empty if the subject has another form.
fn ids(subject: &[u8]) -> Vec<Uuid> {
    match subject.as_chunks::<16>() {
        (ids, []) => ids.iter().map(|id| Uuid::from_bytes(*id)).collect(),
        _ => Vec::new(),
    }
}

/// The value of `key` in `cache`, or the loaded value. The place in the cache is reserved before the load begins, and an eviction
/// removes the reservation. So a value that was read before a change is never kept after it.
pub(super) async fn kept<K, V>(
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
        // Another request is loading it. Do not wait for that: if the database is away, the requests would time out one after
        // another.
        GuardResult::Timeout => None,
    };
    let found = load.await?;
    if let (Some(place), Some(found)) = (place, &found) {
        // This fails if an eviction came meanwhile.
        let _ = place.insert(found.clone());
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
