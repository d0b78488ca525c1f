//! Servers on one database, and nginx in front of them.

use crate::client::{API, Client, REDIRECT_URI, SECRET, Tokens};
use crate::front::Nginx;
use crate::person::{EMAIL, PASSWORD, Person, VERIFIER};
use crate::server::{Server, Starting};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hallpass_cluster::{Schema, free_port};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// The servers, and the parts that they share.
pub(crate) struct World {
    /// The address of nginx, which is the public address.
    pub(crate) front: String,
    pub(crate) servers: Vec<Server>,
    pub(crate) client: Client,
    _nginx: Nginx,
    folder: TempDir,
    _schema: Option<Schema>,
}

impl World {
    /// Starts this number of servers at the same time on an empty database.
    pub(crate) fn of(servers: usize) -> Self {
        Self::with(servers, "")
    }

    /// The same with more configuration.
    pub(crate) fn with(servers: usize, more: &str) -> Self {
        let schema = Schema::new().unwrap();
        let url = schema.url().to_owned();
        Self {
            _schema: Some(schema),
            ..Self::configured_on(&url, servers, more)
        }
    }

    /// The same on the database of this URL.
    pub(crate) fn on(database: &str, servers: usize) -> Self {
        Self::configured_on(database, servers, "")
    }

    fn configured_on(database: &str, servers: usize, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port().unwrap();
        let front = format!("http://127.0.0.1:{port}");
        let config = configured(folder.path(), &front, 1);
        let text = fs::read_to_string(&config).unwrap();
        fs::write(&config, text + more).unwrap();
        let starting: Vec<Starting> = (0..servers)
            .map(|n| Starting::spawn(&config, &folder.path().join(format!("data-{n}")), database))
            .collect();
        let servers: Vec<Server> = starting.into_iter().map(|one| one.ready().unwrap()).collect();
        let addresses: Vec<&str> = servers.iter().map(|server| server.address.as_str()).collect();
        Self {
            _nginx: Nginx::start(folder.path(), port, &addresses),
            front,
            servers,
            client: Client::new(),
            folder,
            _schema: None,
        }
    }

    /// The address of one of the servers.
    pub(crate) fn address(&self, n: usize) -> &str {
        &self.servers[n].address
    }

    /// Tokens for which a person gave consent to the app.
    pub(crate) async fn tokens(&self) -> Tokens {
        let code = Person::new().code(&self.front).await;
        self.client.redeem(&self.front, &code, VERIFIER).await.tokens()
    }

    /// The folder with their data folders and files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The configuration of all servers, with the master key of this number.
pub(crate) fn configured(folder: &Path, public_url: &str, master: u8) -> std::path::PathBuf {
    let key = STANDARD.encode([master; 32]);
    let text = format!(
        "preset = \"default\"
         [server]
         public_url = \"{public_url}\"
         trusted_proxies = [\"127.0.0.1\"]
         [keys]
         master = \"{key}\"
         [scopes.read]
         title = \"Read your things\"
         default = true
         [[users]]
         email = \"{EMAIL}\"
         name = \"Ada\"
         password = \"{PASSWORD}\"
         [[users]]
         email = \"ben@example.com\"
         name = \"Ben\"
         [[apps]]
         name = \"Sample App\"
         client_id = \"sample\"
         client_secret = \"{SECRET}\"
         redirect_uris = [\"{REDIRECT_URI}\"]
         [[apps]]
         name = \"Other App\"
         client_id = \"other\"
         client_secret = \"{SECRET}\"
         redirect_uris = [\"{REDIRECT_URI}\"]
         [[resources]]
         identifier = \"{API}\"
         name = \"The API\"
         secret = \"{SECRET}\"
        "
    );
    let file = folder.join(format!("hallpass-{master}.toml"));
    fs::write(&file, text).unwrap();
    file
}
