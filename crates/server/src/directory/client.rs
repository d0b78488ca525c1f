//! An app as the endpoints see it: its row, what follows from the configuration, and the organization that owns it.

use super::Directory;
use super::memory::{Registered, kept};
use crate::config::GrantType;
use crate::store::StoreError;
use crate::store::model::{App, AppId, AppStatus, ClientType, Organization, OrganizationId, Reach, Status, User};
use hallpass_wire::Scopes;
use std::sync::Arc;

/// An app and its present owner.
#[derive(Debug)]
pub struct Client {
    /// The app.
    pub app: Arc<App>,
    /// The organization that owns it.
    pub organization: Arc<Organization>,
    /// The scopes that it may request: its own scopes that are also in its products and in the catalogue.
    pub scopes: Arc<Scopes>,
    /// The grant types it may use.
    pub grant_types: Arc<[GrantType]>,
    /// The person who manages it, if the dialect has a member for that person.
    developer: Option<Arc<User>>,
}

impl Client {
    /// Whether it may use the grant type.
    #[must_use]
    pub fn may_use(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }

    /// Whether it may act: the app is live, and its organization is not suspended.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.app.status == AppStatus::Live && self.organization.status == Status::Active
    }

    /// Whether people of `organization` may connect it.
    #[must_use]
    pub fn reaches(&self, organization: OrganizationId) -> bool {
        self.app.reach == Reach::Partner || self.app.organization == organization
    }

    /// The address of the developer who manages it. Empty if there is none, or if the dialect has no member for it.
    #[must_use]
    pub fn developer_email(&self) -> &str {
        let address = self.developer.as_ref().and_then(|developer| developer.address());
        address.unwrap_or_default()
    }
}

impl Directory {
    /// The app with this client ID.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn client(&self, client_id: &str) -> Result<Option<Arc<Client>>, StoreError> {
        self.feed.fresh().await?;
        let ids = &self.memory.ids;
        if let Some(id) = ids.get(client_id) {
            if let Some(client) = self.client_by_id(id).await? {
                return Ok(Some(client));
            }
            ids.remove(client_id);
        }
        let Some(id) = Box::pin(self.store.app_id(client_id)).await? else {
            return Ok(None);
        };
        ids.insert(client_id.to_owned(), id);
        self.client_by_id(id).await
    }

    /// The app with this id.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn client_by_id(&self, id: AppId) -> Result<Option<Arc<Client>>, StoreError> {
        self.feed.fresh().await?;
        let apps = &self.memory.apps;
        let registered = match apps.get(&id) {
            Some(registered) => registered,
            None => {
                let load = async { Ok(self.store.app(id).await?.map(|app| Arc::new(self.registered(app)))) };
                match Box::pin(kept(apps, &id, load)).await? {
                    Some(registered) => registered,
                    None => return Ok(None),
                }
            }
        };
        self.with_owners(&registered).await.map(Some)
    }

    /// The name of the app's publisher: its organization, or its developer if organizations are hidden.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn publisher(&self, client: &Client) -> Result<Option<String>, StoreError> {
        if !client.organization.hidden {
            return Ok(Some(client.organization.name.clone()));
        }
        let Some(developer) = client.app.owner else {
            return Ok(None);
        };
        let developer = self.user(developer).await?;
        Ok(developer.map(|developer| developer.name.clone()))
    }

    fn registered(&self, app: App) -> Registered {
        if let Some(unknown) = &app.unknown {
            tracing::warn!(client_id = app.client_id, %unknown, "an app is disabled: this version does not know a word of it");
        }
        Registered {
            scopes: Arc::new(self.allowed_scopes(&app)),
            grant_types: self.allowed_grant_types(&app).into(),
            app: Arc::new(app),
        }
    }

    async fn with_owners(&self, registered: &Registered) -> Result<Arc<Client>, StoreError> {
        let Registered {
            app,
            scopes,
            grant_types,
        } = registered;
        let organization = self.organization(app.organization).await?;
        let organization = organization.ok_or_else(|| StoreError::Corrupt(format!("app {} has no owner", app.id)))?;
        let developer = match app.owner {
            Some(owner) if self.names_developers => self.user(owner).await?,
            _ => None,
        };
        Ok(Arc::new(Client {
            app: app.clone(),
            organization,
            scopes: scopes.clone(),
            grant_types: grant_types.clone(),
            developer,
        }))
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
            **offered != GrantType::ClientCredentials || app.client_type == ClientType::Confidential
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
