//! The address of a PostgreSQL: its URL, and the required security of the connection.
//!
//! libpq's `require` and `prefer` accept any certificate or none, so they do not protect against an attacker on the network.
//! Here a connection is either unencrypted, which is the default only for this machine, or verified with the host name.

use super::host::CurrentHost;
use crate::config::Secret;
use crate::store::StoreError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long one host may take to accept a connection before the next host is tried.
const CONNECT: Duration = Duration::from_secs(2);
/// How long sent data may stay without an acknowledgement by the network.
const SILENCE: Duration = Duration::from_secs(5);

/// The address of a PostgreSQL. It prints without its password.
#[derive(Clone)]
pub struct Address {
    /// One configuration for each host.
    hosts: Vec<tokio_postgres::Config>,
    current_host: Arc<CurrentHost>,
    tls: Option<Authorities>,
    shown: String,
}

/// The certificate authorities that are trusted.
#[derive(Clone, PartialEq, Eq)]
enum Authorities {
    System,
    File(PathBuf),
}

impl Address {
    /// The address that a URL means: `postgres://user:password@host:port/database?options` with libpq's names for options.
    ///
    /// # Errors
    /// The mistake, without any text of the URL.
    pub fn parse(url: &str) -> Result<Self, String> {
        let malformed = "expected a database such as \"postgres://user@host:5432/database\"";
        let (before, query) = url.split_once('?').unwrap_or((url, ""));
        // The rest of a password would be an option's name, which messages repeat.
        if query.contains('@') {
            return Err("write \"?\" in a password as %3F, and \"@\" in an option as %40".to_owned());
        }
        let (mut mode, mut authorities, mut others) = (None, None, form_urlencoded::Serializer::new(String::new()));
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "sslmode" => mode = Some(value.into_owned()),
                "sslrootcert" if value != "system" => authorities = Some(PathBuf::from(value.as_ref())),
                "sslrootcert" => authorities = None,
                _ => drop(others.append_pair(&name, &value)),
            }
        }
        // The parser decodes percent signs only, and leaves a plus as it is.
        let options = others.finish().replace('+', "%20");
        let config: tokio_postgres::Config = format!("{before}?{options}")
            .parse()
            .map_err(|error| format!("{malformed}: {}", reason(&error)))?;
        if config.get_hosts().is_empty() {
            return Err(malformed.to_owned());
        }
        let tls = match mode.as_deref() {
            Some("disable") => None,
            None if config.get_hosts().iter().all(is_here) && authorities.is_none() => None,
            None | Some("require" | "verify-full") => Some(authorities.map_or(Authorities::System, Authorities::File)),
            Some(_) => {
                return Err("sslmode is \"disable\" or \"verify-full\": less would protect from nobody".to_owned());
            }
        };
        let mut hosts = each_alone(before, &options, &config);
        let one_of_several = config.get_hosts().len() > 1;
        for host in &mut hosts {
            host.ssl_mode(match tls {
                Some(_) => SslMode::Require,
                None => SslMode::Disable,
            });
            with_defaults(host, one_of_several);
        }
        Ok(Self {
            hosts,
            current_host: Arc::default(),
            tls,
            shown: without_password(url),
        })
    }

    /// Sets the password, if the URL has none.
    pub fn set_password(&mut self, password: &Secret) {
        for host in &mut self.hosts {
            if host.get_password().is_none() {
                host.password(password.expose());
            }
        }
    }

    /// The URL without its password.
    #[must_use]
    pub fn shown(&self) -> String {
        self.shown.clone()
    }

    /// The configuration of the connection to each host.
    pub(super) fn hosts(&self) -> &[tokio_postgres::Config] {
        &self.hosts
    }

    /// The host that all connections use.
    pub(super) fn current_host(&self) -> &Arc<CurrentHost> {
        &self.current_host
    }

    /// The verification of the server. `None`: the server is not verified.
    pub(super) fn verifier(&self) -> Result<Option<MakeRustlsConnect>, StoreError> {
        let Some(authorities) = &self.tls else { return Ok(None) };
        let unfit = |reason: String| StoreError::Unfit(format!("its certificate cannot be verified: {reason}"));
        let roots = match authorities {
            Authorities::System => of_system(),
            Authorities::File(path) => of_file(path),
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| unfit(error.to_string()))?
            .with_root_certificates(roots.map_err(unfit)?)
            .with_no_client_auth();
        Ok(Some(MakeRustlsConnect::new(config)))
    }
}

/// Why a URL cannot be read. An unknown option is not repeated: it may be the rest of a password with an `&` in it.
fn reason(error: &tokio_postgres::Error) -> String {
    let reason = std::error::Error::source(error).map(ToString::to_string);
    match reason.unwrap_or_default() {
        reason if reason.starts_with("unknown option") => {
            "behind the \"?\" stands an option that is not known; write \"&\" in a password as %26, and \"=\" as %3D"
                .to_owned()
        }
        reason => reason,
    }
}

/// A server that disappears without closing its connections must not block requests for the quarter of an hour that the system
/// waits.
fn with_defaults(config: &mut tokio_postgres::Config, one_of_several: bool) {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    if config.get_application_name().is_none() {
        config.application_name("hallpass");
    }
    if one_of_several {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
}

/// A URL for each host, with all other parts. One URL for all hosts if they cannot be separated.
fn each_alone(before: &str, options: &str, all: &tokio_postgres::Config) -> Vec<tokio_postgres::Config> {
    let apart = || {
        let (scheme, rest) = before.split_once("://")?;
        let (login, rest) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (hosts, database) = rest.split_once('/').unwrap_or((rest, ""));
        let one = |host| {
            let url = format!("{scheme}://{login}@{host}/{database}?{options}");
            url.parse::<tokio_postgres::Config>().ok()
        };
        hosts.split(',').map(one).collect::<Option<Vec<_>>>()
    };
    let same = |apart: &Vec<tokio_postgres::Config>| apart.iter().flat_map(|one| one.get_hosts()).eq(all.get_hosts());
    apart().filter(same).unwrap_or_else(|| vec![all.clone()])
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        Host::Unix(_) => true,
    }
}

fn of_system() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let (taken, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    match taken {
        0 => Err("this system has no authorities; name a file by `sslrootcert`".to_owned()),
        _ => Ok(roots),
    }
}

fn of_file(path: &Path) -> Result<RootCertStore, String> {
    let wrong = |reason: String| format!("{}: {reason}", path.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))? {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    match roots.is_empty() {
        true => Err(wrong("it holds no certificate".to_owned())),
        false => Ok(roots),
    }
}

/// The part before the hosts, without the text after its first colon, and the options without the password.
fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    // The colon before a password may be written as %3A by mistake.
    let user_of = |login: &str| {
        let end = login
            .find(':')
            .into_iter()
            .chain(login.to_ascii_lowercase().find("%3a"))
            .min();
        login[..end.unwrap_or(login.len())].to_owned()
    };
    let address = match address.rsplit_once('@') {
        Some((login, hosts)) => format!("{}@{hosts}", user_of(login)),
        None => address.to_owned(),
    };
    let is_password = |pair: &&str| form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| name == "password");
    let options: Vec<&str> = query.split('&').filter(|pair| !is_password(pair)).collect();
    match options.join("&") {
        none if none.is_empty() => format!("{scheme}://{address}"),
        options => format!("{scheme}://{address}?{options}"),
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.hosts == other.hosts && self.tls == other.tls
    }
}

impl Eq for Address {}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let address =
            Address::parse("postgres://ada:s%40cret@db.example:6432/hallpass?password=x&sslmode=disable").unwrap();
        assert_eq!(
            address.shown(),
            "postgres://ada@db.example:6432/hallpass?sslmode=disable"
        );
        assert_eq!(format!("{address:?}"), address.shown());
        for login in ["ada:s3cret", "ada%3As3cret", "ada%3as3:cret"] {
            let address = Address::parse(&format!("postgres://{login}@db.example/hallpass")).unwrap();
            assert_eq!(address.shown(), "postgres://ada@db.example/hallpass");
        }
        for name in ["password", "pass%77ord", "%70%61ssword"] {
            let url = format!("postgres://ada@db.example/hallpass?sslmode=disable&{name}=s3cret");
            let address = Address::parse(&url).unwrap();
            assert_eq!(address.shown(), "postgres://ada@db.example/hallpass?sslmode=disable");
        }
    }

    #[test]
    fn a_host_elsewhere_is_verified_unless_told_otherwise() {
        let tls = |url: &str| Address::parse(url).unwrap().tls.is_some();
        assert!(tls("postgres://db.example/hallpass"));
        assert!(tls("postgres://db.example,127.0.0.1/hallpass"));
        assert!(tls("postgres://127.0.0.1/hallpass?sslrootcert=/ca.pem"));
        assert!(tls("postgresql://127.0.0.1/hallpass?sslmode=verify-full"));
        assert!(!tls("postgres://127.0.0.1,localhost:5433/hallpass"));
        assert!(!tls("postgres://db.example/hallpass?sslmode=disable"));
    }

    #[test]
    fn what_protects_from_nobody_and_what_is_none_are_refused_without_the_password() {
        for wrong in [
            "postgres://ada:s3cret@db.example/hallpass?sslmode=prefer",
            "postgres://ada:s3cret@db.example/hallpass?ssl=yes",
            "postgres://ada:s3cret@db.example:port/hallpass",
            "postgres:s3cret",
            "postgres://ada:?s3cret@db.example/hallpass",
            "postgres://ada:?s3cret=@db.example/hallpass",
            "postgres://ada@db.example/hallpass?password%3Ds3cret",
            "postgres://ada@db.example/hallpass?password=x&s3cret",
            "postgres://ada@db.example/hallpass?password=x&s3cret=",
        ] {
            let reason = Address::parse(wrong).unwrap_err();
            assert!(!reason.contains("s3cret"), "{reason}");
        }
    }

    #[test]
    fn options_reach_the_server() {
        let address = Address::parse("postgres://ada@127.0.0.1/hallpass?options=-csearch_path%3Dt1%20-cx%3D1").unwrap();
        assert_eq!(address.hosts[0].get_options(), Some("-csearch_path=t1 -cx=1"));
    }

    #[test]
    fn each_of_several_hosts_is_connected_to_alone_and_must_take_writes() {
        let url = "postgres://ada:s%40cret@db1.example,db2.example:6432,[::1]:7432/hallpass?application_name=x";
        let hosts = Address::parse(url).unwrap().hosts;
        let found: Vec<_> = hosts
            .iter()
            .map(|host| (host.get_hosts().len(), host.get_ports()))
            .collect();
        assert_eq!(found, [(1, &[5432][..]), (1, &[6432]), (1, &[7432])]);
        for host in &hosts {
            assert_eq!(host.get_password(), Some(&b"s@cret"[..]));
            assert_eq!(host.get_dbname(), Some("hallpass"));
            assert_eq!(host.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        }
        let one = Address::parse("postgres://db1.example/hallpass").unwrap().hosts;
        assert_eq!(one[0].get_target_session_attrs(), TargetSessionAttrs::Any);
    }
}
