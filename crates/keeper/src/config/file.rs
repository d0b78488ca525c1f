//! The file as it is written, and its way to a [`Config`].

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hallpass_client::http::HttpClient;
use hallpass_client::keeper::Connection;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;

use super::provider::ProviderTable;
use super::{Config, ConfigError, Place, Program, Secret, Serve, Store, VaultPlace, Webhook};

/// The shortest secret of a program or a webhook, in bytes.
const SHORTEST_SECRET: usize = 32;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    serve: ServeTable,
    vault: VaultTable,
    #[serde(default)]
    outgoing: OutgoingTable,
    #[serde(default)]
    programs: Vec<ProgramTable>,
    webhook: Option<WebhookTable>,
    #[serde(default)]
    providers: BTreeMap<String, ProviderTable>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServeTable {
    socket: Option<PathBuf>,
    socket_mode: Option<String>,
    listen: Option<SocketAddr>,
    certificate_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    #[serde(default)]
    hosts: Vec<String>,
    redirect_uri: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VaultTable {
    url: String,
    password_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    key_file: PathBuf,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutgoingTable {
    ca_file: Option<PathBuf>,
    #[serde(default)]
    plain_http: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgramTable {
    name: String,
    secret_file: PathBuf,
    providers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookTable {
    url: String,
    secret_file: PathBuf,
}

pub(super) fn parse(text: &str, folder: &Path) -> Result<Config, ConfigError> {
    let file: File = toml::from_str(text).map_err(|error| ConfigError::parser(text, &error))?;
    let mut providers = BTreeMap::new();
    for (name, table) in file.providers {
        // A connection is written PROVIDER/REFERENCE, so the name must be one that connections can have.
        Connection::new(&name, "x").map_err(|error| ConfigError::new(format!("providers.{name}: {error}")))?;
        providers.insert(name.clone(), table.read(&name, folder)?);
    }
    let plain_http = file.outgoing.plain_http;
    for (name, found) in &providers {
        let provider = &found.provider;
        for (key, url) in [
            ("issuer", &provider.issuer),
            ("authorize", &provider.authorization_endpoint),
            ("token", &provider.token_endpoint),
            ("revoke", &provider.revocation_endpoint),
        ] {
            let url = url.as_deref().filter(|_| !plain_http);
            url.map_or(Ok(()), |url| needs_https(&format!("providers.{name}: `{key}`"), url))?;
        }
    }
    if let Some(webhook) = file.webhook.as_ref().filter(|_| !plain_http) {
        needs_https("webhook: `url`", &webhook.url)?;
    }
    let programs = file.programs.into_iter().map(|table| table.read(folder, &providers));
    let programs = programs.collect::<Result<_, _>>()?;
    Ok(Config {
        serve: file.serve.read(folder)?,
        vault: file.vault.read(folder)?,
        programs,
        webhook: file.webhook.map(|table| table.read(folder)).transpose()?,
        providers,
        http: file.outgoing.read(folder)?,
        cache: folder.join("hallpass-keeper.issuers.json"),
    })
}

/// Said at the start: the HTTP client would refuse each request, one by one.
fn needs_https(what: &str, url: &str) -> Result<(), ConfigError> {
    let host = match url.split_once("://") {
        Some(("https", _)) => return Ok(()),
        Some(("http", rest)) => rest.split(['/', '?']).next().unwrap_or_default(),
        _ => return Err(ConfigError::new(format!("{what} is no https URL"))),
    };
    let name = match host.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_here = name == "localhost" || name.ends_with(".localhost");
    let ip = name.parse();
    if is_here || ip.is_ok_and(is_loopback) {
        return Ok(());
    }
    Err(ConfigError::new(format!(
        "{what} is plain http to another machine: use https, or write `plain_http = true` in [outgoing]"
    )))
}

impl ServeTable {
    fn read(self, folder: &Path) -> Result<Serve, ConfigError> {
        let place = match (&self.socket, self.listen) {
            (Some(_), Some(_)) => return Err(ConfigError::new("serve: write `socket` or `listen`, not both")),
            (Some(path), None) => Some(Place::Socket {
                path: folder.join(path),
                mode: mode(self.socket_mode.as_deref().unwrap_or("600"))?,
            }),
            (None, Some(address)) => Some(self.tcp(address, folder)?),
            (None, None) => None,
        };
        Ok(Serve {
            place,
            hosts: self.hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect(),
            redirect_uri: self.redirect_uri,
        })
    }

    fn tcp(&self, address: SocketAddr, folder: &Path) -> Result<Place, ConfigError> {
        let tls = match (&self.certificate_file, &self.key_file) {
            (Some(certificate), Some(key)) => Some(tls(&folder.join(certificate), &folder.join(key))?),
            (None, None) => None,
            _ => return Err(ConfigError::new("serve: `certificate_file` and `key_file` go together")),
        };
        if tls.is_none() && !is_loopback(address.ip()) {
            return Err(ConfigError::new(format!(
                "serve: {address} is not loopback, so tokens need https: write `certificate_file` and `key_file`"
            )));
        }
        Ok(Place::Tcp { address, tls })
    }
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// Permissions in octal. Others never get any.
fn mode(text: &str) -> Result<u32, ConfigError> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| mode & !0o660 == 0);
    mode.ok_or_else(|| ConfigError::new(format!("serve: `socket_mode` is `{text}`: write \"600\" or \"660\"")))
}

fn tls(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, ConfigError> {
    let wrong = |path: &Path, error: String| ConfigError::new(format!("{}: {error}", path.display()));
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| wrong(certificate, error.to_string()))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()))?;
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, private));
    config
        .map(Arc::new)
        .map_err(|error| wrong(certificate, error.to_string()))
}

impl VaultTable {
    fn read(self, folder: &Path) -> Result<VaultPlace, ConfigError> {
        let store = match self.url.split_once(':') {
            Some(("memory", "")) => Store::Memory,
            Some(("sqlite", path)) if !path.is_empty() => Store::Sqlite(folder.join(path)),
            Some(("postgres" | "postgresql", _)) => Store::Postgres {
                url: self.postgres(folder)?,
                ca_file: self.ca_file.map(|path| folder.join(path)),
            },
            _ => {
                return Err(ConfigError::new(
                    "vault: `url` is \"sqlite:FILE\", \"postgres://…\" or \"memory:\"",
                ));
            }
        };
        Ok(VaultPlace {
            store,
            key_file: folder.join(self.key_file),
        })
    }

    /// The URL with the password of its file.
    fn postgres(&self, folder: &Path) -> Result<Secret, ConfigError> {
        let Some(path) = &self.password_file else {
            return Ok(Secret::new(self.url.clone()));
        };
        let password = Secret::read(&folder.join(path))?;
        let encoded: String = form_urlencoded::byte_serialize(password.expose().as_bytes()).collect();
        let encoded = encoded.replace('+', "%20");
        let wrong = || ConfigError::new("vault: with `password_file`, `url` is postgres://USER@HOST/DATABASE");
        let (user, rest) = self.url.split_once('@').ok_or_else(wrong)?;
        if user.matches(':').count() > 1 {
            return Err(wrong());
        }
        Ok(Secret::new(format!("{user}:{encoded}@{rest}")))
    }
}

impl OutgoingTable {
    fn read(self, folder: &Path) -> Result<HttpClient, ConfigError> {
        let mut http = HttpClient::builder();
        if let Some(path) = self.ca_file.map(|path| folder.join(path)) {
            let pem = std::fs::read(&path).map_err(|error| ConfigError::unreadable(&path, &error))?;
            http = http
                .add_roots_pem(&pem)
                .map_err(|error| ConfigError::new(format!("outgoing: {error}")))?;
        }
        if self.plain_http {
            http = http.allow_plain_http();
        }
        http.build()
            .map_err(|error| ConfigError::new(format!("outgoing: {error}")))
    }
}

impl ProgramTable {
    fn read(self, folder: &Path, providers: &BTreeMap<String, super::ProviderConfig>) -> Result<Program, ConfigError> {
        let unknown = self.providers.iter().find(|name| !providers.contains_key(*name));
        if let Some(unknown) = unknown {
            let name = &self.name;
            return Err(ConfigError::new(format!(
                "programs: `{name}` names the provider `{unknown}`, which is not here"
            )));
        }
        Ok(Program {
            secret: long_secret(&folder.join(self.secret_file))?,
            name: self.name,
            providers: self.providers,
        })
    }
}

impl WebhookTable {
    fn read(self, folder: &Path) -> Result<Webhook, ConfigError> {
        Ok(Webhook {
            secret: long_secret(&folder.join(self.secret_file))?,
            url: self.url,
        })
    }
}

/// Failed attempts are not counted, so a secret must be too long to guess.
fn long_secret(path: &Path) -> Result<Secret, ConfigError> {
    let secret = Secret::read(path)?;
    if secret.expose().len() < SHORTEST_SECRET {
        let path = path.display();
        return Err(ConfigError::new(format!(
            "{path} is shorter than {SHORTEST_SECRET} characters: make one with `openssl rand -hex 32`"
        )));
    }
    Ok(secret)
}
