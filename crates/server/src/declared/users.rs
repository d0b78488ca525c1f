//! Declared users. They are created in the order of their declaration, so their numeric ids have the same order.

use super::{Declaration, DeclaredError, named};
use crate::accounts::passwords;
use crate::accounts::spelling;
use crate::audit::Who;
use crate::config;
use crate::config::DeclaredPassword;
use crate::random;
use crate::store::StoreError;
use crate::store::model::{AuditAction, NewUser, User, UserId, UserUpdate};
use serde_json::json;

const KIND: &str = "user";

/// The name under which the configuration declares this person.
pub(crate) fn declared_name(config: &config::Config, user: &User) -> Option<String> {
    let mut declared = config.users.iter();
    let declared = declared.find(|declared| match &declared.external_id {
        Some(id) => user.external_id.as_ref().is_some_and(|own| *id == *own),
        None => user.email.as_deref() == Some(&spelling::email(&declared.email)),
    });
    declared.map(|declared| spelling::email(&declared.email))
}

impl Declaration<'_> {
    pub(super) async fn users(&mut self) -> Result<(), DeclaredError> {
        for declared in &self.config.users {
            let failed = |source| named(KIND, &declared.email, source);
            if self.was_deleted(declared).await.map_err(failed)? {
                tracing::warn!(
                    user = declared.email.as_str(),
                    external_id = declared.external_id.as_deref(),
                    "a declared user was deleted and is not created again, because a new user must not get the subject of a \
                     deleted one; remove the user from the configuration"
                );
                continue;
            }
            if self.has_another_external_id(declared).await.map_err(failed)? {
                return Err(DeclaredError::ExternalIdFixed(declared.email.to_string()));
            }
            self.user(declared).await.map_err(failed)?;
        }
        Ok(())
    }

    /// The stored user of a declaration.
    pub(super) async fn person(&self, declared: &config::User) -> Result<Option<User>, StoreError> {
        match &declared.external_id {
            Some(id) => self.store.user_by_external_id(id).await,
            None => self.store.user_by_email(&declared.email).await,
        }
    }

    /// Whether a person with an `external_id` was deleted. A new person would get the same subject.
    pub(super) async fn was_deleted(&self, declared: &config::User) -> Result<bool, StoreError> {
        let Some(id) = &declared.external_id else {
            return Ok(false);
        };
        Ok(self.store.is_deleted_subject(id).await? && self.store.user_by_external_id(id).await?.is_none())
    }

    /// Whether the person exists with another `external_id` or without one.
    async fn has_another_external_id(&mut self, declared: &config::User) -> Result<bool, StoreError> {
        let email = spelling::email(&declared.email);
        let fields = self.applied.fields(KIND, &email);
        let known = fields.knows("external_id");
        match &declared.external_id {
            None => Ok(known),
            Some(id) if known => Ok(!fields.is_applied("external_id", id)),
            Some(_) => Ok(self.store.user_by_email(&email).await?.is_some()),
        }
    }

    /// A password or language that is left out is not declared, so the current value stays.
    async fn user(&mut self, declared: &config::User) -> Result<(), StoreError> {
        let email = spelling::email(&declared.email);
        let mut fields = self.applied.fields(KIND, &email);
        if let Some(id) = &declared.external_id {
            fields.changed("external_id", id);
        }
        let name = fields.changed("name", &declared.name);
        let admin = fields.changed("admin", if declared.admin { "1" } else { "0" });
        let developer = fields.changed("developer", if declared.developer { "1" } else { "0" });
        let locale = declared.locale.as_ref();
        let locale = locale.filter(|locale| fields.changed("locale", locale));
        let password = declared.password.as_ref();
        let password = password.filter(|password| fields.changed("password", text_of(password)));
        if !fields.any {
            return Ok(());
        }
        let Some(existing) = self.person(declared).await? else {
            return self.create_user(declared).await;
        };
        let update = UserUpdate {
            name: name.then(|| declared.name.to_string()),
            password: password.map(|password| Some(hash_of(password))),
            locale: locale.cloned().map(Some),
            admin: admin.then_some(declared.admin),
            developer: developer.then_some(declared.developer),
        };
        let event = Who::server().did(AuditAction::UserChanged, self.now);
        let event = event.user(existing.id).change(&existing, &update);
        let event = match password {
            Some(_) => event.detail(&json!({ "password_set": true })),
            None => event,
        };
        let store = self.store.recording(event.if_different());
        store.update_user(existing.id, update, self.now).await?;
        Ok(())
    }

    async fn create_user(&self, declared: &config::User) -> Result<(), StoreError> {
        let user = NewUser {
            id: UserId(random::uuid(self.now)),
            email: declared.external_id.is_none().then(|| declared.email.to_string()),
            external_id: declared.external_id.clone().map(String::from),
            contact_email: declared.external_id.is_some().then(|| declared.email.to_string()),
            name: declared.name.to_string(),
            password: declared.password.as_ref().map(hash_of),
            locale: declared.locale.clone(),
            admin: declared.admin,
            developer: declared.developer,
            created: self.now,
            memberships: Vec::new(),
        };
        let event = Who::server().did(AuditAction::UserCreated, self.now);
        let store = self.store.recording(event.user(user.id).after(&user));
        store.create_user(user).await.map(drop)
    }
}

fn text_of(password: &DeclaredPassword) -> &str {
    match password {
        DeclaredPassword::Plain(plain) => plain.expose(),
        DeclaredPassword::Hash(phc) => phc,
    }
}

fn hash_of(password: &DeclaredPassword) -> String {
    match password {
        DeclaredPassword::Plain(plain) => passwords::hash(&spelling::password(plain.expose()), random::bytes()),
        DeclaredPassword::Hash(phc) => phc.clone(),
    }
}
