//! The admin API as programs meet it: over the socket of a running server. One file for each noun.

mod api;
mod apps;
mod audit;
mod grants;
mod keys;
mod openapi;
mod organizations;
mod secrets;
mod users;

use crate::accounts::passwords;
use crate::config::{Config, Source};
use crate::data_folder::admin_socket;
use crate::database::Database;
use crate::random;
use crate::serve;
use crate::serve::Running;
use crate::store::Store;
use crate::store::model::{ActsAs, AuditEvent, AuditFilter, GrantId, NewGrant, Redeem};
use crate::store::tests::opened;
use crate::time::{Clock, Instant};
use http::Method;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const NOW: i64 = 1_700_000_000_000;

const DECLARED: &str = r#"
[[users]]
email = "ada@example.com"
name = "Ada"

[[organizations]]
slug = "library"
name = "The Library"
members = ["ada@example.com:owner"]

[[apps]]
name = "Planner"
client_id = "planner"
client_secret = "456def"
organization = "library"
redirect_uris = ["https://planner.example.com/callback"]
"#;

/// A running server, and its database by another way.
struct World {
    folder: tempfile::TempDir,
    running: Running,
    store: Store,
    http: reqwest::Client,
    clock: Arc<AtomicI64>,
    database: Database,
}

impl World {
    async fn started() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hallpass.toml");
        fs::write(&file, DECLARED).unwrap();
        let data = folder.path().join("data");
        let database = Database::new();
        let overrides = [
            ("server.listen", "127.0.0.1:0"),
            ("server.data", data.to_str().unwrap()),
            ("store.url", &database.url()),
        ];
        let source = Source {
            file: Some(file),
            overrides: overrides.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            ..Source::default()
        };
        let config = Config::load(&source).map_err(|error| error.to_string()).unwrap().config;
        let clock = Arc::new(AtomicI64::new(NOW));
        let running = serve::start(config, Clock::Manual(clock.clone())).await.unwrap();
        let socket = admin_socket(&data);
        let http = reqwest::Client::builder().unix_socket(socket).build().unwrap();
        Self {
            folder,
            running,
            store: opened(&database).await,
            http,
            clock,
            database,
        }
    }

    fn socket(&self) -> PathBuf {
        admin_socket(&self.folder.path().join("data"))
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("http://hallpass/admin/api/v1{path}");
        let mut request = self.http.request(method, url);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.call(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(Method::POST, path, Some(body)).await;
        assert!(status < 300, "{path}: {status} {answer}");
        answer
    }

    async fn refused(&self, method: Method, path: &str, body: Option<Value>) -> (u16, String, String) {
        let (status, answer) = self.call(method, path, body).await;
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        (status, text("error"), text("message"))
    }

    /// What a client that authenticates with this secret gets at the revocation endpoint, which needs nothing else.
    async fn authenticated(&self, client_id: &str, secret: &str) -> bool {
        let url = format!("{}/oauth/revoke", self.running.public_url());
        let form = [("token", "none"), ("client_id", client_id), ("client_secret", secret)];
        let response = reqwest::Client::new().post(url).form(&form).send().await.unwrap();
        response.status() == 200
    }

    /// Whether the token endpoint says that this app, which authenticates, is paused.
    async fn is_paused(&self, client_id: &str, secret: &str) -> bool {
        let url = format!("{}/oauth/token", self.running.public_url());
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", secret),
        ];
        let response = reqwest::Client::new().post(url).form(&form).send().await.unwrap();
        response.text().await.unwrap().contains("paused: app_suspended")
    }

    async fn user(&self, email: &str) -> crate::store::model::User {
        self.store.user_by_email(email).await.unwrap().unwrap()
    }

    /// What is recorded, declarations apart.
    async fn events(&self) -> Vec<AuditEvent> {
        let filter = AuditFilter {
            limit: 100,
            ..AuditFilter::default()
        };
        let mut events = self.store.audit_events(filter).await.unwrap();
        events.retain(|event| event.actor != "server");
        events
    }

    /// An active grant of Ada's for the planner in the library.
    async fn granted(&self) -> GrantId {
        let app = self.store.app_by_client_id("planner").await.unwrap().unwrap();
        let user = self.store.user_by_email("ada@example.com").await.unwrap().unwrap().id;
        let grant = NewGrant {
            acts_as: ActsAs::Person,
            id: GrantId(random::uuid(Instant(NOW))),
            app: app.id,
            user,
            organization: app.organization,
            scopes: hallpass_wire::Scopes::parse("profile").unwrap(),
            redirect_uri: None,
            code_challenge: None,
            salt: [0; 16],
            key: 1,
            created: Instant(NOW),
            code_expires: Instant(NOW + 60_000),
        };
        let grant = self.store.insert_grant(grant).await.unwrap();
        let id = grant.id;
        let redeem = Redeem {
            id,
            app: app.id,
            now: Instant(NOW),
            expires: None,
            ends: None,
            key: 1,
            keep: 50,
        };
        self.store.redeem(&grant, redeem).await.unwrap().unwrap();
        id
    }
}
