//! Declared resources.

use super::{Declaration, DeclaredError, named};
use crate::apps::secrets;
use crate::audit::Who;
use crate::config;
use crate::store::StoreError;
use crate::store::model::{AuditAction, Resource};

const KIND: &str = "resource";

impl Declaration<'_> {
    pub(super) async fn resources(&mut self) -> Result<(), DeclaredError> {
        for declared in &self.config.resources {
            self.resource(declared)
                .await
                .map_err(|source| named(KIND, &declared.identifier, source))?;
        }
        self.undeclared_resources().await.map_err(DeclaredError::Store)
    }

    /// A resource exists only while it is declared. One that is no longer declared must not introspect tokens any more.
    async fn undeclared_resources(&self) -> Result<(), StoreError> {
        for kept in self.store.resources().await? {
            let declared = self
                .config
                .resources
                .iter()
                .any(|one| one.identifier == kept.identifier);
            if !declared {
                let event = Who::server().did(AuditAction::ResourceRemoved, self.now).before(&kept);
                let store = self.store.recording(event);
                store.remove_resource(&kept.identifier, self.now).await?;
            }
        }
        Ok(())
    }

    async fn resource(&mut self, declared: &config::Resource) -> Result<(), StoreError> {
        let mut fields = self.applied.fields(KIND, &declared.identifier);
        let name = fields.changed("name", &declared.name);
        let secret = fields.changed("secret", declared.secret.expose());
        let scopes = declared.scopes.as_ref().map(ToString::to_string).unwrap_or_default();
        let scopes = fields.changed("scopes", &scopes);
        if !fields.any {
            return Ok(());
        }
        let existing = self.store.resource(&declared.identifier).await?;
        let fresh = existing.is_none();
        let event = Who::server().did(AuditAction::ResourceSet, self.now);
        let event = match &existing {
            Some(existing) => event.before(existing),
            None => event,
        };
        let mut resource = existing.unwrap_or_else(|| Resource {
            identifier: declared.identifier.clone(),
            name: String::new(),
            secret: None,
            scopes: None,
            created: self.now,
        });
        if name || fresh {
            resource.name = declared.name.to_string();
        }
        if secret || fresh {
            resource.secret = Some(secrets::hash(&declared.secret));
        }
        if scopes || fresh {
            resource.scopes.clone_from(&declared.scopes);
        }
        let store = self.store.recording(event.after(&resource));
        store.put_resource(resource, self.now).await
    }
}
