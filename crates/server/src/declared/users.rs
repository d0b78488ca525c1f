//! Declared users, in the order of their declaration, which their numeric ids follow.

use super::{Declaration, DeclaredError, named};
use crate::config;
use crate::config::DeclaredPassword;
use crate::passwords;
use crate::random;
use crate::store::StoreError;
use crate::store::model::{NewUser, UserId, UserUpdate};

const KIND: &str = "user";

impl Declaration<'_> {
    pub(super) async fn users(&mut self) -> Result<(), DeclaredError> {
        for declared in &self.config.users {
            self.user(declared)
                .await
                .map_err(|source| named(KIND, &declared.email, source))?;
        }
        Ok(())
    }

    /// A password or language that is left out is not declared: what the person has stays.
    async fn user(&mut self, declared: &config::User) -> Result<(), StoreError> {
        let email = declared.email.to_lowercase();
        let mut fields = self.applied.fields(KIND, &email);
        let name = fields.changed("name", &declared.name);
        let admin = fields.changed("admin", if declared.admin { "1" } else { "0" });
        let locale = declared.locale.as_ref();
        let locale = locale.filter(|locale| fields.changed("locale", locale));
        let password = declared.password.as_ref();
        let password = password.filter(|password| fields.changed("password", text_of(password)));
        if !fields.any {
            return Ok(());
        }
        let Some(existing) = self.store.user_by_email(&email).await? else {
            return self.create_user(declared).await;
        };
        let update = UserUpdate {
            name: name.then(|| declared.name.clone()),
            password: password.map(|password| Some(hash_of(password))),
            locale: locale.cloned().map(Some),
            admin: admin.then_some(declared.admin),
            developer: None,
            status: None,
        };
        self.store.update_user(existing.id, update, self.now).await?;
        if password.is_some() {
            self.store.delete_sessions_of(existing.id).await?;
        }
        Ok(())
    }

    async fn create_user(&self, declared: &config::User) -> Result<(), StoreError> {
        let user = NewUser {
            id: UserId(random::uuid(self.now)),
            email: declared.email.clone(),
            name: declared.name.clone(),
            password: declared.password.as_ref().map(hash_of),
            locale: declared.locale.clone(),
            admin: declared.admin,
            developer: false,
            created: self.now,
            memberships: Vec::new(),
        };
        self.store.create_user(user).await.map(drop)
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
        DeclaredPassword::Plain(plain) => passwords::hash(plain.expose(), random::bytes()),
        DeclaredPassword::Hash(phc) => phc.clone(),
    }
}
