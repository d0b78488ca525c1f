//! Declared apps.

use super::{Declaration, DeclaredError, DeclaredFields, named};
use crate::accounts::spelling;
use crate::apps::secrets;
use crate::audit::Who;
use crate::config;
use crate::random;
use crate::store::StoreError;
use crate::store::model::{App, AppId, AppStatus, AppUpdate, AuditAction, GrantType, OrganizationId, Others, UserId};
use hallpass_wire::Origin;
use serde_json::json;
use std::collections::BTreeSet;

const KIND: &str = "app";

impl Declaration<'_> {
    pub(super) async fn apps(&mut self) -> Result<(), DeclaredError> {
        for declared in &self.config.apps {
            self.app(declared)
                .await
                .map_err(|source| named(KIND, &declared.client_id, source))?;
        }
        Ok(())
    }

    async fn app(&mut self, declared: &config::App) -> Result<(), StoreError> {
        let slug = organization(declared, self.config);
        let products = products(declared, self.config);
        let mut fields = self.applied.fields(KIND, &declared.client_id);
        let mut update = changes(&mut fields, declared, products);
        let organization_changed = fields.changed("organization", slug);
        let owner = spelling::email(declared.owner.as_deref().unwrap_or_default());
        let owner_changed = fields.changed("owner", &owner);
        let origins: Vec<&str> = declared.origins.iter().map(Origin::as_str).collect();
        let origins_changed = fields.changed("origins", &origins.join("\n"));
        let secret = declared.client_secret.as_ref();
        let secret = secret.filter(|secret| fields.changed("client_secret", secret.expose()));
        if !fields.any {
            return Ok(());
        }
        let organization = self.store.organization_by_slug(slug).await?;
        let organization = organization.ok_or(StoreError::Conflict)?.id;
        let owner = self.app_owner(declared).await?;
        let Some(existing) = self.store.app_by_client_id(&declared.client_id).await? else {
            let app = self.create_app(declared, organization, owner).await?;
            return self.name_origins(&app, &declared.origins).await;
        };
        update.owner = owner_changed.then_some(owner);
        // A change of the organization ends the grants of the app, so it is set only if it differs.
        if organization_changed && existing.organization != organization {
            update.organization = Some(organization);
        }
        let server = Who::server();
        let event = server.did(AuditAction::AppChanged, self.now);
        let event = event.app(&existing).change(&existing, &update);
        let store = self.store.recording(event.if_different());
        store.update_app(existing.id, update, self.now).await?;
        if origins_changed {
            self.name_origins(&existing, &declared.origins).await?;
        }
        match secret {
            Some(secret) => {
                let kept = secrets::keep(secret, self.now);
                let event = server.set_secret(&existing, kept.id, Others::End, self.now);
                let store = self.store.recording(event);
                store.set_secret(existing.id, kept, Others::End, self.now).await
            }
            None => Ok(()),
        }
    }

    async fn name_origins(&self, app: &App, origins: &[Origin]) -> Result<(), StoreError> {
        let before = self.store.named_origins(app.id).await?;
        let named: BTreeSet<String> = origins.iter().map(ToString::to_string).collect();
        if named == before {
            return Ok(());
        }
        let event = Who::server().did(AuditAction::AppChanged, self.now).app(app);
        let event = event
            .before(&json!({ "origins": before }))
            .after(&json!({ "origins": named }));
        let store = self.store.recording(event);
        store.name_origins(app.id, origins, self.now).await
    }

    /// The declared owner.
    async fn app_owner(&self, declared: &config::App) -> Result<Option<UserId>, StoreError> {
        let Some(email) = &declared.owner else {
            return Ok(None);
        };
        let mut users = self.config.users.iter();
        let user = users.find(|user| spelling::email(&user.email) == spelling::email(email));
        let user = user.ok_or(StoreError::Conflict)?;
        // The app has had no owner since the person was deleted.
        if self.was_deleted(user).await? {
            return Ok(None);
        }
        let user = self.person(user).await?;
        user.map(|user| Some(user.id)).ok_or(StoreError::Conflict)
    }

    async fn create_app(
        &self,
        declared: &config::App,
        organization: OrganizationId,
        owner: Option<UserId>,
    ) -> Result<App, StoreError> {
        let secret = declared.client_secret.as_ref();
        let app = App {
            id: AppId(random::uuid(self.now)),
            client_id: declared.client_id.to_string(),
            name: declared.name.to_string(),
            organization,
            owner,
            client_type: declared.client_type,
            reach: declared.reach,
            acts_as: declared.acts_as,
            status: AppStatus::Live,
            redirect_uris: declared.redirect_uris.clone(),
            scopes: declared.scopes.clone(),
            products: products(declared, self.config),
            grant_types: declared.grant_types.clone(),
            trusted: true,
            localhost_any_port: declared.localhost_any_port,
            created: self.now,
            secrets: secret
                .map(|secret| secrets::keep(secret, self.now))
                .into_iter()
                .collect(),
            unknown: None,
        };
        let event = Who::server().did(AuditAction::AppCreated, self.now);
        let store = self.store.recording(event.app(&app).after(&app));
        store.create_app(app.clone()).await?;
        Ok(app)
    }
}

/// The changed fields of the declaration, without organization, owner and secret. The default of a field that is left out
/// counts as declared.
fn changes(fields: &mut DeclaredFields<'_, '_>, declared: &config::App, products: Option<Vec<String>>) -> AppUpdate {
    let uris: Vec<&str> = declared
        .redirect_uris
        .iter()
        .map(hallpass_wire::RedirectUri::as_str)
        .collect();
    // Different from the text of every list.
    let all = || "\n".to_owned();
    let scopes = declared.scopes.as_ref().map_or_else(all, ToString::to_string);
    let words = |own: &Vec<GrantType>| own.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(" ");
    let grant_types = declared.grant_types.as_ref().map_or_else(all, words);
    let (client_type, reach, acts_as) = (declared.client_type, declared.reach, declared.acts_as);
    AppUpdate {
        name: fields
            .changed("name", &declared.name)
            .then(|| declared.name.to_string()),
        organization: None,
        owner: None,
        client_type: fields.changed("type", client_type.as_str()).then_some(client_type),
        reach: fields.changed("reach", reach.as_str()).then_some(reach),
        acts_as: fields.changed("acts_as", acts_as.as_str()).then_some(acts_as),
        status: fields
            .changed("status", AppStatus::Live.as_str())
            .then_some(AppStatus::Live),
        redirect_uris: fields
            .changed("redirect_uris", &uris.join("\n"))
            .then(|| declared.redirect_uris.clone()),
        scopes: fields.changed("scopes", &scopes).then(|| declared.scopes.clone()),
        products: fields
            .changed("products", &products_text(products.as_deref()))
            .then_some(products),
        grant_types: fields
            .changed("grant_types", &grant_types)
            .then(|| declared.grant_types.clone()),
        trusted: fields.changed("trusted", "1").then_some(true),
        localhost_any_port: fields
            .changed("localhost_any_port", &declared.localhost_any_port.to_string())
            .then_some(declared.localhost_any_port),
    }
}

fn organization<'a>(declared: &'a config::App, config: &'a config::Config) -> &'a str {
    declared
        .organization
        .as_deref()
        .unwrap_or(&config.defaults.organization)
}

fn products(declared: &config::App, config: &config::Config) -> Option<Vec<String>> {
    let default = || config.defaults.product.clone().map(|product| vec![product]);
    declared.products.clone().or_else(default)
}

/// The text of the empty list differs from that of no list and of every list of names.
fn products_text(products: Option<&[String]>) -> String {
    match products {
        None => String::new(),
        Some([]) => "\n".to_owned(),
        Some(names) => names.join("\n"),
    }
}
