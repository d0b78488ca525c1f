//! Apps, people and organizations as the endpoints see them, kept in memory.
//!
//! A check of a token asks for the status of its app, person and organization; none of that may cost a query. An entry of the
//! feed evicts the one object that it names (decision 58). So no entry holds a copy of another object: an app
//! names its organization by id, and what is found under that id is put beside it at each request.
//!
//! What has to be loaded is boxed, because each request copies the state of all that it might wait for. Each getter asks the
//! feed first whether memory can be trusted. A server that does not hear from the others must not serve a
//! person whom they suspended.

mod client;
pub(crate) mod feed;
mod memory;

pub(crate) use client::Client;
pub(crate) use memory::Memory;

use crate::config::Config;
use crate::store::model::{AppId, Organization, OrganizationId, Ownership, Resource, User, UserId};
use crate::store::{Store, StoreError};
use feed::Feed;
use memory::kept;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Apps, people and organizations, from memory or from the database.
pub struct Directory {
    store: Store,
    feed: Arc<Feed>,
    memory: Arc<Memory>,
    config: Arc<Config>,
    /// Whether the dialect tells who manages an app: only then is that person looked up.
    names_developers: bool,
}

impl Directory {
    /// The directory of a server. The feed evicts from the same memory.
    #[must_use]
    pub fn new(store: Store, feed: Arc<Feed>, config: Arc<Config>, names_developers: bool) -> Self {
        Self {
            store,
            memory: feed.memory(),
            feed,
            config,
            names_developers,
        }
    }

    /// The person with this subject.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn user(&self, id: UserId) -> Result<Option<Arc<User>>, StoreError> {
        self.feed.fresh().await?;
        let users = &self.memory.users;
        if let Some(user) = users.get(&id) {
            return Ok(Some(user));
        }
        let load = async { Ok(self.store.user(id).await?.map(Arc::new)) };
        Box::pin(kept(users, &id, load)).await
    }

    /// The organization with this id.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn organization(&self, id: OrganizationId) -> Result<Option<Arc<Organization>>, StoreError> {
        self.feed.fresh().await?;
        let organizations = &self.memory.organizations;
        if let Some(organization) = organizations.get(&id) {
            return Ok(Some(organization));
        }
        let load = async { Ok(self.store.organization(id).await?.map(Arc::new)) };
        Box::pin(kept(organizations, &id, load)).await
    }

    /// Whether the organization has an owner, and until when it had one.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn ownership(&self, id: OrganizationId) -> Result<Option<Ownership>, StoreError> {
        self.feed.fresh().await?;
        let ownerships = &self.memory.ownerships;
        if let Some(ownership) = ownerships.get(&id) {
            return Ok(Some(ownership));
        }
        Box::pin(kept(ownerships, &id, self.store.ownership(id))).await
    }

    /// Every resource server.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn resources(&self) -> Result<Arc<[Arc<Resource>]>, StoreError> {
        self.feed.fresh().await?;
        if let Some(resources) = self.memory.resources.get(&()) {
            return Ok(resources);
        }
        let load = async { Ok(Some(self.store.resources().await?.into_iter().map(Arc::new).collect())) };
        let found = Box::pin(kept(&self.memory.resources, &(), load)).await?;
        Ok(found.unwrap_or_default())
    }

    /// Whether an app has this origin, by a redirect URI or because the configuration names it.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn is_app_origin(&self, origin: &str) -> Result<bool, StoreError> {
        self.feed.fresh().await?;
        let origins = &self.memory.origins;
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
        let origins = &self.memory.origins_of;
        if let Some(own) = origins.get(&app) {
            return Ok(Some(own));
        }
        let load = async { Ok(Some(Arc::new(self.store.origins_of(app).await?))) };
        Box::pin(kept(origins, &app, load)).await
    }
}
