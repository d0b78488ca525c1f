//! Servers without sockets, one for each preset, for targets that need more than a text. Each thread makes them once.

use hallpass::config::{Config, Source, preset_names};
use hallpass::keys::Keys;
use hallpass::serve::hallpass::Hallpass;
use hallpass::serve::prepare;
use hallpass::store::model::{ActsAs, Grant, GrantId, NewGrant};
use hallpass::time::{Clock, Instant};
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

/// The secret of the apps `sample` and `other`. The app `native` is public.
pub const SECRET: &str = "a-secret-of-43-characters-as-hallpass-makes";
/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000;
/// Codes have the longest lifetime, because a target moves the clock far ahead.
const DECLARED: &str = r#"
[tokens]
code = "52000w"

[[users]]
email = "john@doe.com"
name = "John Doe"
password = "correct horse battery"

[[apps]]
name = "Sample App"
client_id = "sample"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://app.example/callback?a=b", "http://127.0.0.1/callback"]

[[apps]]
name = "Other App"
client_id = "other"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://other.example/callback"]

[[apps]]
name = "Native App"
client_id = "native"
type = "public"
redirect_uris = ["http://[::1]/callback", "com.example.native:/callback"]

[[resources]]
identifier = "https://api.example"
name = "The API"
secret = "a-secret-of-43-characters-as-hallpass-makes"
"#;

/// The servers, and the runtime for their code.
pub struct World {
    /// One server for each preset.
    pub servers: Vec<Server>,
    /// Runs the code that answers requests.
    pub runtime: Runtime,
    _folder: TempDir,
}

/// A server and a grant without any code or token in use.
pub struct Server {
    /// The server without its sockets.
    pub hallpass: Hallpass,
    /// John's grant, which is pending.
    pub grant: Grant,
}

thread_local! {
    static WORLD: World = World::make();
}

/// Runs `work` with the servers of this thread.
pub fn with<T>(work: impl FnOnce(&World) -> T) -> T {
    WORLD.with(work)
}

/// Runs `work` with the keys of a server.
pub fn with_keys<T>(work: impl FnOnce(&Keys) -> T) -> T {
    with(|world| work(&world.servers[0].hallpass.keys))
}

/// A folder that is deleted when it is dropped.
pub fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// The time of the servers' clocks at the start.
pub fn start() -> Instant {
    Instant(START)
}

impl World {
    fn make() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let folder = folder();
        let servers = preset_names().into_iter().map(|preset| {
            let file = folder.path().join(format!("{preset}.toml"));
            fs::write(&file, format!("preset = \"{preset}\"\n{DECLARED}")).expect("a file");
            let data = folder.path().join(preset);
            fs::create_dir(&data).expect("a folder");
            let source = Source {
                file: Some(file),
                overrides: vec![("server.data".to_owned(), data.display().to_string())],
                ..Source::default()
            };
            let config = Config::load(&source).unwrap_or_else(|error| panic!("{error}")).config;
            runtime.block_on(Server::make(config))
        });
        let servers = servers.collect();
        Self {
            servers,
            runtime,
            _folder: folder,
        }
    }
}

impl Server {
    async fn make(config: Config) -> Self {
        let clock = Clock::Manual(Arc::new(AtomicI64::new(START)));
        let address = SocketAddr::from(([127, 0, 0, 1], 8080));
        let hallpass = prepare(config, clock, address)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let user = hallpass.store.user_by_email("john@doe.com").await.expect("a database");
        let client = hallpass
            .directory
            .client("sample")
            .await
            .expect("a database")
            .expect("the app is declared");
        let grant = NewGrant {
            id: GrantId(Uuid::from_u128(1)),
            app: client.app.id,
            user: user.expect("John is declared").id,
            organization: client.app.organization,
            acts_as: ActsAs::Person,
            scopes: (*client.scopes).clone(),
            redirect_uri: None,
            code_challenge: None,
            salt: [1; 16],
            key: hallpass.keys.ring().proof_id(start()),
            created: start(),
            code_expires: start().after(hallpass.config.tokens.code),
        };
        let grant = hallpass.store.insert_grant(grant).await.expect("a database");
        Self { hallpass, grant }
    }
}
