//! Apps, people and organizations as the endpoints see them, kept in memory.
//!
//! A check of a token asks for the status of its app, person and organization; none of that may cost a query. An
//! administrative change forgets everything: changes are rare and loading is a point read. It is boxed, because each request
//! copies the state of all that it might wait for. Each getter asks the feed first whether memory can be trusted: a server that
//! lost sight of the others honours nobody whom they have suspended.

use crate::app::Hallpass;
use crate::config::GrantType;
use crate::store::StoreError;
use crate::store::model::{App, AppId, AppStatus, Organization, OrganizationId, Reach, Resource, Status, User, UserId};
use hallpass_wire::Scopes;
use quick_cache::sync::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const CAPACITY: usize = 10_000;
/// People are many, and each of their tokens asks for them: some 25 MiB where it is full.
const PEOPLE: usize = 50_000;

/// An app with what follows from the configuration.
#[derive(Debug)]
pub struct Client {
    /// The app.
    pub app: App,
    /// Who owns it.
    pub organization: Arc<Organization>,
    /// The most it may ask for: its own scopes, within its products, within the catalogue.
    pub scopes: Scopes,
    /// The grant types it may use.
    pub grant_types: Vec<GrantType>,
    /// The address of the developer who made it; empty where it was declared.
    pub developer_email: String,
}

impl Client {
    /// Whether it may use the grant type.
    #[must_use]
    pub fn may_use(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }

    /// Whether it is in use: live, and so is its owner.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.app.status == AppStatus::Live && self.organization.status == Status::Active
    }

    /// Whether people of `organization` may connect it.
    #[must_use]
    pub fn reaches(&self, organization: OrganizationId) -> bool {
        self.app.reach == Reach::Partner || self.app.organization == organization
    }
}

/// The caches.
pub struct Directory {
    clients: Cache<String, Arc<Client>>,
    clients_by_id: Cache<AppId, Arc<Client>>,
    users: Cache<UserId, Arc<User>>,
    organizations: Cache<OrganizationId, Arc<Organization>>,
    /// All of them: there are few, and introspection asks for one that is not there as often as for one that is.
    resources: Cache<(), Arc<[Arc<Resource>]>>,
    /// Origins that apps have. Others are asked for each time: anybody can make them up, and they would push these out.
    origins: Cache<String, ()>,
    version: AtomicU64,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            clients: Cache::new(CAPACITY),
            clients_by_id: Cache::new(CAPACITY),
            users: Cache::new(PEOPLE),
            organizations: Cache::new(CAPACITY),
            resources: Cache::new(1),
            origins: Cache::new(CAPACITY),
            version: AtomicU64::new(0),
        }
    }
}

impl Directory {
    /// Forgets everything. To be called after an administrative change was committed and before it is acknowledged.
    pub fn forget(&self) {
        // The version moves first: what was read before the change is then no longer put in.
        self.version.fetch_add(1, Ordering::SeqCst);
        self.clients.clear();
        self.clients_by_id.clear();
        self.users.clear();
        self.organizations.clear();
        self.resources.clear();
        self.origins.clear();
    }

    fn put(&self, version: u64, insert: impl FnOnce(&Self), remove: impl FnOnce(&Self)) {
        if self.version.load(Ordering::SeqCst) != version {
            return;
        }
        insert(self);
        // A change may have come between the look and the insertion.
        if self.version.load(Ordering::SeqCst) != version {
            remove(self);
        }
    }
}

impl Hallpass {
    /// The app with this client id.
    ///
    /// # Errors
    /// Where the database is away.
    pub async fn client(&self, client_id: &str) -> Result<Option<Arc<Client>>, StoreError> {
        self.feed.fresh().await?;
        if let Some(client) = self.directory.clients.get(client_id) {
            return Ok(Some(client));
        }
        let version = self.directory.version.load(Ordering::SeqCst);
        let app = Box::pin(self.store.app_by_client_id(client_id)).await?;
        Box::pin(self.keep_client(version, app)).await
    }

    /// The app with this id.
    ///
    /// # Errors
    /// Where the database is away.
    pub async fn client_by_id(&self, id: AppId) -> Result<Option<Arc<Client>>, StoreError> {
        self.feed.fresh().await?;
        if let Some(client) = self.directory.clients_by_id.get(&id) {
            return Ok(Some(client));
        }
        let version = self.directory.version.load(Ordering::SeqCst);
        let app = Box::pin(self.store.app(id)).await?;
        Box::pin(self.keep_client(version, app)).await
    }

    /// The person with this subject.
    ///
    /// # Errors
    /// Where the database is away.
    pub async fn user(&self, id: UserId) -> Result<Option<Arc<User>>, StoreError> {
        self.feed.fresh().await?;
        if let Some(user) = self.directory.users.get(&id) {
            return Ok(Some(user));
        }
        let version = self.directory.version.load(Ordering::SeqCst);
        let Some(user) = Box::pin(self.store.user(id)).await?.map(Arc::new) else {
            return Ok(None);
        };
        self.directory.put(
            version,
            |d| d.users.insert(id, user.clone()),
            |d| drop(d.users.remove(&id)),
        );
        Ok(Some(user))
    }

    /// The organization with this id.
    ///
    /// # Errors
    /// Where the database is away.
    pub async fn organization(&self, id: OrganizationId) -> Result<Option<Arc<Organization>>, StoreError> {
        self.feed.fresh().await?;
        if let Some(organization) = self.directory.organizations.get(&id) {
            return Ok(Some(organization));
        }
        let version = self.directory.version.load(Ordering::SeqCst);
        let Some(found) = Box::pin(self.store.organization(id)).await?.map(Arc::new) else {
            return Ok(None);
        };
        self.directory.put(
            version,
            |d| d.organizations.insert(id, found.clone()),
            |d| drop(d.organizations.remove(&id)),
        );
        Ok(Some(found))
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
        let version = self.directory.version.load(Ordering::SeqCst);
        let found: Arc<[Arc<Resource>]> = Box::pin(self.store.resources())
            .await?
            .into_iter()
            .map(Arc::new)
            .collect();
        self.directory.put(
            version,
            |d| d.resources.insert((), found.clone()),
            |d| d.resources.clear(),
        );
        Ok(found)
    }

    /// Whether an app has this origin, by a redirect URI or because the configuration names it.
    ///
    /// # Errors
    /// Where the database is away.
    pub async fn is_app_origin(&self, origin: &str) -> Result<bool, StoreError> {
        self.feed.fresh().await?;
        if self.directory.origins.get(origin).is_some() {
            return Ok(true);
        }
        let version = self.directory.version.load(Ordering::SeqCst);
        let found = Box::pin(self.store.is_app_origin(origin)).await?;
        if found {
            self.directory.put(
                version,
                |d| d.origins.insert(origin.to_owned(), ()),
                |d| drop(d.origins.remove(origin)),
            );
        }
        Ok(found)
    }

    async fn keep_client(&self, version: u64, app: Option<App>) -> Result<Option<Arc<Client>>, StoreError> {
        let Some(app) = app else { return Ok(None) };
        let organization = self.organization(app.organization).await?;
        let organization = organization.ok_or_else(|| StoreError::Corrupt(format!("app {} has no owner", app.id)))?;
        let developer_email = match app.owner {
            Some(owner) => self
                .user(owner)
                .await?
                .and_then(|user| user.address().map(str::to_owned))
                .unwrap_or_default(),
            None => String::new(),
        };
        if let Some(unknown) = &app.unknown {
            tracing::warn!(client_id = app.client_id, %unknown, "an app is disabled: this version does not know a word of it");
        }
        let (scopes, grant_types) = (self.allowed_scopes(&app), self.allowed_grant_types(&app));
        let client = Arc::new(Client {
            app,
            organization,
            scopes,
            grant_types,
            developer_email,
        });
        let (id, client_id) = (client.app.id, client.app.client_id.clone());
        self.directory.put(
            version,
            |d| {
                d.clients.insert(client_id.clone(), client.clone());
                d.clients_by_id.insert(id, client.clone());
            },
            |d| {
                d.clients.remove(client_id.as_str());
                d.clients_by_id.remove(&id);
            },
        );
        Ok(Some(client))
    }

    fn allowed_scopes(&self, app: &App) -> Scopes {
        let of_products = |scope: &&hallpass_wire::Scope| {
            app.products.as_ref().is_none_or(|names| {
                let mut products = names.iter().filter_map(|name| self.config.products.get(name));
                products.any(|product| product.scopes.contains(scope))
            })
        };
        let of_app = |scope: &&hallpass_wire::Scope| app.scopes.as_ref().is_none_or(|own| own.contains(scope));
        self.config
            .scopes
            .keys()
            .filter(of_products)
            .filter(of_app)
            .cloned()
            .collect()
    }

    fn allowed_grant_types(&self, app: &App) -> Vec<GrantType> {
        let of_app = |offered: &&GrantType| match &app.grant_types {
            Some(own) => own.contains(offered),
            None => true,
        };
        let of_type = |offered: &&GrantType| {
            **offered != GrantType::ClientCredentials
                || app.client_type == crate::store::model::ClientType::Confidential
        };
        self.config
            .wire
            .grant_types
            .iter()
            .filter(of_app)
            .filter(of_type)
            .copied()
            .collect()
    }
}
