//! The file as it is written, and its way to a [`Config`].

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hallpass_client::http::HttpClient;
use hallpass_client::keeper::Connection;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;

use super::provider::ProviderTable;
use super::{ConfigError, Faults, Parts, Place, Program, ProviderConfig, Secret, Serve, Store, VaultPlace, Webhook};
use super::{address, typed};
use crate::webhook;

/// The shortest secret of a program or a webhook, in bytes.
const SHORTEST_SECRET: usize = 32;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    serve: ServeTable,
    vault: Option<VaultTable>,
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

/// Reads what can be read, and finds all faults.
pub(super) fn parse(text: &str, folder: &Path) -> Parts {
    let mut typed = typed::read::<File>(text);
    let Some(file) = typed.file.take() else {
        return Parts::faulty(typed.faults);
    };
    let mut faults = std::mem::take(&mut typed.faults);
    let is_whole = |section: &str| !typed.is_faulty(section);
    // With faults in [outgoing], nobody knows what it allows.
    let plain_http = file.outgoing.plain_http || !is_whole("outgoing");
    let mut names: BTreeSet<String> = file.providers.keys().cloned().collect();
    let mut providers = Some(BTreeMap::new()).filter(|_| is_whole("providers"));
    for name in typed.faulty_providers() {
        names.insert(name.to_owned());
        providers = None;
    }
    for (name, table) in file.providers {
        let read = faults.check(provider(&name, table, folder, plain_http));
        providers = providers.zip(read).map(|(mut providers, provider)| {
            providers.insert(name, provider);
            providers
        });
    }
    let mut programs = Some(Vec::new()).filter(|_| is_whole("programs"));
    for table in file.programs {
        let place = format!("programs: `{}`", table.name);
        let read = faults.check_at(&place, table.read(folder, is_whole("providers").then_some(&names)));
        programs = programs.zip(read).map(|(mut programs, program)| {
            programs.push(program);
            programs
        });
    }
    let serve = faults.check_at("serve", file.serve.read(folder, plain_http));
    let vault = match file.vault {
        Some(vault) => faults.check_at("vault", vault.read(folder)),
        None if is_whole("vault") => faults.check(Err(ConfigError::new("there is no [vault]"))),
        None => None,
    };
    let webhook = file.webhook.map(|table| table.read(folder, plain_http)).transpose();
    let webhook = faults.check_at("webhook", webhook);
    let http = faults.check_at("outgoing", file.outgoing.read(folder));
    Parts {
        serve: serve.filter(|_| is_whole("serve")),
        vault,
        programs,
        webhook: webhook.filter(|_| is_whole("webhook")),
        providers,
        http: http.filter(|_| is_whole("outgoing")),
        faults,
    }
}

fn provider(name: &str, table: ProviderTable, folder: &Path, plain_http: bool) -> Result<ProviderConfig, ConfigError> {
    let mut faults = Faults::default();
    // A connection is written PROVIDER/REFERENCE, so the name must be one that connections can have.
    let named = Connection::new(name, "x").map_err(|error| ConfigError::new(error.to_string()));
    faults.check(named);
    let read = faults.check(table.read(folder, plain_http));
    let place = format!("providers.{name}");
    faults.end().map_err(|error| error.at(&place))?;
    read.ok_or_else(|| ConfigError::new("it cannot be read").at(&place))
}

impl ServeTable {
    fn read(self, folder: &Path, plain_http: bool) -> Result<Serve, ConfigError> {
        let mut faults = Faults::default();
        let place = faults.check(self.place(folder));
        if let Some(base) = &self.redirect_uri {
            faults.check(address::check_base("redirect_uri", base, plain_http));
        }
        faults.end()?;
        Ok(Serve {
            place: place.flatten(),
            hosts: self.hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect(),
            redirect_uri: self.redirect_uri,
        })
    }

    fn place(&self, folder: &Path) -> Result<Option<Place>, ConfigError> {
        let has_tls = self.certificate_file.is_some() || self.key_file.is_some();
        match (&self.socket, self.listen) {
            (Some(_), Some(_)) => Err(ConfigError::new("write `socket` or `listen`, not both")),
            (_, None) if has_tls => Err(ConfigError::new("`certificate_file` and `key_file` are for `listen`")),
            (None, _) if self.socket_mode.is_some() => Err(ConfigError::new("`socket_mode` is for `socket`")),
            (Some(path), None) => Ok(Some(Place::Socket {
                path: folder.join(path),
                mode: mode(self.socket_mode.as_deref().unwrap_or("600"))?,
            })),
            (None, Some(address)) => self.tcp(address, folder).map(Some),
            (None, None) => Ok(None),
        }
    }

    fn tcp(&self, address: SocketAddr, folder: &Path) -> Result<Place, ConfigError> {
        let tls = match (&self.certificate_file, &self.key_file) {
            (Some(certificate), Some(key)) => Some(tls(&folder.join(certificate), &folder.join(key))?),
            (None, None) => None,
            _ => return Err(ConfigError::new("`certificate_file` and `key_file` go together")),
        };
        if tls.is_none() && !address::is_loopback(address.ip()) {
            return Err(ConfigError::new(format!(
                "{address} is not loopback, so tokens need https: write `certificate_file` and `key_file`"
            )));
        }
        Ok(Place::Tcp { address, tls })
    }
}

/// Permissions in octal. Others never get any.
fn mode(text: &str) -> Result<u32, ConfigError> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| mode & !0o660 == 0);
    mode.ok_or_else(|| ConfigError::new(format!("`socket_mode` is `{text}`: write \"600\" or \"660\"")))
}

fn tls(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, ConfigError> {
    let wrong = |path: &Path, error: String| ConfigError::new(format!("{}: {error}", path.display()));
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| wrong(certificate, error.to_string()).at("`certificate_file`"));
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()).at("`key_file`"));
    let mut faults = Faults::default();
    let (Some(chain), Some(private)) = (faults.check(chain), faults.check(private)) else {
        return faults.end().and(Err(ConfigError::new("a certificate is missing")));
    };
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, private));
    config
        .map(Arc::new)
        .map_err(|error| wrong(certificate, error.to_string()).at("`certificate_file`"))
}

impl VaultTable {
    fn read(self, folder: &Path) -> Result<VaultPlace, ConfigError> {
        let is_postgres = matches!(self.url.split_once(':'), Some(("postgres" | "postgresql", _)));
        if !is_postgres && (self.password_file.is_some() || self.ca_file.is_some()) {
            return Err(ConfigError::new("`password_file` and `ca_file` are for PostgreSQL"));
        }
        let store = match self.url.split_once(':') {
            Some(("memory", "")) => Store::Memory,
            Some(("sqlite", path)) if !path.is_empty() => Store::Sqlite(folder.join(path)),
            Some(_) if is_postgres => Store::Postgres {
                url: self.postgres(folder)?,
                ca_file: self.ca_file.map(|path| folder.join(path)),
            },
            _ => {
                return Err(ConfigError::new(
                    "`url` is \"sqlite:FILE\", \"postgres://…\" or \"memory:\"",
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
        let password = Secret::read(&folder.join(path)).map_err(|error| error.at("`password_file`"))?;
        let encoded: String = form_urlencoded::byte_serialize(password.expose().as_bytes()).collect();
        let encoded = encoded.replace('+', "%20");
        let wrong = || ConfigError::new("with `password_file`, `url` is postgres://USER@HOST/DATABASE");
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
            let wrong = |error: String| ConfigError::new(error).at("`ca_file`");
            let pem = std::fs::read(&path).map_err(|error| ConfigError::unreadable(&path, &error).at("`ca_file`"))?;
            http = http.add_roots_pem(&pem).map_err(|error| wrong(error.to_string()))?;
        }
        if self.plain_http {
            http = http.allow_plain_http();
        }
        http.build().map_err(|error| ConfigError::new(error.to_string()))
    }
}

impl ProgramTable {
    /// With `names`, its providers must be among them.
    fn read(self, folder: &Path, names: Option<&BTreeSet<String>>) -> Result<Program, ConfigError> {
        let mut faults = Faults::default();
        let is_unknown = |name: &&String| names.is_some_and(|names| !names.contains(*name));
        for unknown in self.providers.iter().filter(is_unknown) {
            let fault = format!("names the provider `{unknown}`, which is not here");
            faults.check::<()>(Err(ConfigError::new(fault)));
        }
        let secret = faults.check_at(
            "`secret_file`",
            long_secret(&folder.join(self.secret_file), "openssl rand -hex 32"),
        );
        faults.end()?;
        Ok(Program {
            secret: secret.ok_or_else(|| ConfigError::new("the secret is missing"))?,
            name: self.name,
            providers: self.providers,
        })
    }
}

impl WebhookTable {
    fn read(self, folder: &Path, plain_http: bool) -> Result<Webhook, ConfigError> {
        let mut faults = Faults::default();
        faults.check(address::check("url", &self.url, plain_http));
        let secret = faults.check_at(
            "`secret_file`",
            long_secret(&folder.join(self.secret_file), webhook::MAKE_SECRET),
        );
        faults.end()?;
        Ok(Webhook {
            secret: secret.ok_or_else(|| ConfigError::new("the secret is missing"))?,
            url: self.url,
        })
    }
}

/// Failed attempts are not counted, so a secret must be too long to guess. `command` makes one.
fn long_secret(path: &Path, command: &str) -> Result<Secret, ConfigError> {
    let secret = Secret::read(path)?;
    if secret.expose().len() < SHORTEST_SECRET {
        let path = path.display();
        return Err(ConfigError::new(format!(
            "{path} is shorter than {SHORTEST_SECRET} characters: make one with `{command}`"
        )));
    }
    Ok(secret)
}
