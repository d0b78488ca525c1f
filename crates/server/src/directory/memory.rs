//! What the directory keeps in memory.

use crate::config::GrantType;
use crate::store::StoreError;
use crate::store::model::{App, AppId, Change, ChangeKind, Organization, OrganizationId, Resource, User, UserId};
use hallpass_wire::Scopes;
use quick_cache::sync::{Cache, GuardResult};
use std::collections::BTreeSet;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const CAPACITY: usize = 10_000;
/// People are many, and each of their tokens asks for them: some 25 MiB where it is full.
const PEOPLE: usize = 50_000;

/// An app with what follows from the configuration: what is kept in memory of it.
pub(super) struct Registered {
    pub(super) app: Arc<App>,
    pub(super) scopes: Arc<Scopes>,
    pub(super) grant_types: Arc<[GrantType]>,
}

/// The caches. An entry of the feed evicts the one object that it names.
pub struct Memory {
    /// The app of a client id. An app keeps its client id, so no change evicts an entry. The app may be deleted, and declared
    /// again under another id, so the app is always looked up by its id.
    pub(super) ids: Cache<String, AppId>,
    pub(super) apps: Cache<AppId, Arc<Registered>>,
    pub(super) users: Cache<UserId, Arc<User>>,
    pub(super) organizations: Cache<OrganizationId, Arc<Organization>>,
    /// All of them: there are few, and introspection asks for one that is not there as often as for one that is.
    pub(super) resources: Cache<(), Arc<[Arc<Resource>]>>,
    /// An app that had this origin when it was asked for; `origins_of` says whether it still does. Origins that no app has are
    /// not kept: anybody can make them up, and they would push these out.
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
            resources: Cache::new(1),
            origins: Cache::new(CAPACITY),
            origins_of: Cache::new(CAPACITY),
        }
    }
}

impl Memory {
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

#[cfg(test)]
mod tests;
