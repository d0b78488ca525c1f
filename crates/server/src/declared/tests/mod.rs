//! Starts with one configuration after another on one database. One file for each noun, and one for restarts.

mod apps;
mod organizations;
mod restarts;
mod users;

use super::{DeclaredError, apply};
use crate::accounts::passwords;
use crate::config::{Config, Source};
use crate::database::Database;
use crate::keys::Keys;
use crate::random;
use crate::store::Store;
use crate::store::model::{
    App, AppStatus, AppUpdate, Declared, GrantState, OrganizationKind, OrganizationUpdate, Others, Reach, Role,
    SecretHash, Status, User, UserUpdate,
};
use crate::store::tests::opened;
use crate::time::Instant;
use std::fs;

const NOW: Instant = Instant(1_700_000_000_000);

/// People, organizations, an app and an API.
const WORLD: &str = r#"
[[users]]
email = "Ada@example.com"
name = "Ada"
password = "correct horse"
locale = "nl"
admin = true

[[users]]
email = "ben@example.com"
name = "Ben"

[[organizations]]
slug = "library"
name = "The Library"
kind = "sandbox"
members = ["ben@example.com:owner"]

[[resources]]
identifier = "https://api.example.com"
name = "API"
secret = "short"

[[apps]]
name = "Planner"
client_id = "planner"
client_secret = "456def"
redirect_uris = ["https://planner.example.com/callback"]
"#;

/// A data folder, and starts on it.
struct World {
    folder: tempfile::TempDir,
    store: Store,
    _database: Database,
}

impl World {
    async fn started(declared: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::new();
        let store = opened(&database).await;
        store.migrate().await.unwrap();
        let world = Self {
            folder,
            store,
            _database: database,
        };
        world.start(declared).await;
        world
    }

    async fn start(&self, declared: &str) {
        self.try_start(declared).await.unwrap();
    }

    async fn try_start(&self, declared: &str) -> Result<(), DeclaredError> {
        let file = self.folder.path().join("hallpass.toml");
        fs::write(&file, declared).unwrap();
        let source = Source {
            file: Some(file),
            ..Source::default()
        };
        let config = Config::load(&source).map_err(|error| error.to_string()).unwrap().config;
        let keys = Keys::open(&self.store, &config.keys, self.folder.path(), NOW)
            .await
            .unwrap();
        apply(&config, &self.store, &keys, NOW).await
    }

    async fn user(&self, email: &str) -> User {
        self.store.user_by_email(email).await.unwrap().unwrap()
    }

    async fn app(&self, client_id: &str) -> App {
        self.store.app_by_client_id(client_id).await.unwrap().unwrap()
    }

    /// Roles by the slug of the organization.
    async fn roles(&self, email: &str) -> Vec<(String, Role)> {
        let mut roles = Vec::new();
        for membership in self.user(email).await.memberships {
            let organization = self.store.organization(membership.organization).await.unwrap();
            roles.push((organization.unwrap().slug, membership.role));
        }
        roles.sort();
        roles
    }

    async fn password_is(&self, email: &str, password: &str) -> bool {
        let hash = self.user(email).await.password;
        hash.is_some_and(|hash| passwords::verify(password, &hash))
    }

    async fn declared(&self) -> Vec<Declared> {
        self.store.declared().await.unwrap()
    }

    /// How many changes the feed tells of.
    async fn changes(&self) -> usize {
        self.store.changes(NOW).await.unwrap().len()
    }
}

fn without(section: &str) -> String {
    let sections: Vec<_> = WORLD.split("\n[[").filter(|part| !part.contains(section)).collect();
    assert_ne!(sections.len(), WORLD.split("\n[[").count(), "nothing has {section:?}");
    sections.join("\n[[")
}
