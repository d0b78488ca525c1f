//! A few connections to PostgreSQL, made when they are needed.

use super::super::VaultError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The number of connections.
const CONNECTIONS: usize = 8;
/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a statement waits for a connection that others use.
const SLOT: Duration = Duration::from_secs(3);
/// How long a statement may take. A lease is longer.
const STATEMENT: Duration = Duration::from_secs(4);
/// How long the statements that create the tables may take together. The database ends each of them sooner.
const CREATE: Duration = Duration::from_secs(30);
/// How often a statement is tried that another one made impossible.
const TRIES: usize = 5;

pub(super) struct Pool {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    slots: Vec<Mutex<Option<Session>>>,
    /// One permit for each slot: a caller with a permit finds a free slot.
    free: Semaphore,
}

/// A slot that nobody else has. It is free before its permit is given back.
struct Slot<'a> {
    session: MutexGuard<'a, Option<Session>>,
    _permit: SemaphorePermit<'a>,
}

impl Slot<'_> {
    /// The connection is silent. What it still does is not known, so nobody gets it again.
    fn silent(&mut self) -> VaultError {
        self.session.take();
        VaultError::Unreachable("no answer in time".to_owned())
    }
}

/// A connection, and the statements that it has prepared.
struct Session {
    client: Client,
    prepared: HashMap<&'static str, Statement>,
}

impl Pool {
    pub(super) fn new(url: &str, roots_pem: Option<&[u8]>) -> Result<Self, VaultError> {
        let wrong = |_| VaultError::Failed("expected a URL such as postgres://keeper@db.example/keeper".to_owned());
        let mut config: Config = url.parse().map_err(wrong)?;
        config.connect_timeout(CONNECT);
        config.application_name("hallpass-keeper");
        let is_here = config.get_hosts().iter().all(is_here);
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            SslMode::Prefer if is_here && roots_pem.is_none() => None,
            // Less than verified would protect from nobody.
            _ => Some(verifier(roots_pem)?),
        };
        config.ssl_mode(match tls {
            Some(_) => SslMode::Require,
            None => SslMode::Disable,
        });
        Ok(Self {
            config,
            tls,
            slots: std::iter::repeat_with(Mutex::default).take(CONNECTIONS).collect(),
            free: Semaphore::new(CONNECTIONS),
        })
    }

    /// Runs statements that create tables, again if another keeper creates them at the same moment.
    pub(super) async fn create(&self, statements: &str) -> Result<(), VaultError> {
        let mut tries = 1;
        loop {
            let mut slot = self.slot().await?;
            let session = self.session(&mut slot.session).await?;
            match timeout(CREATE, session.client.batch_execute(statements)).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) if tries == TRIES || error.code().is_none() => return Err(failed(&error)),
                Ok(Err(_)) => tries += 1,
                Err(_) => return Err(slot.silent()),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Runs one statement.
    pub(super) async fn rows(
        &self,
        statement: &'static str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, VaultError> {
        let mut tries = 1;
        loop {
            let mut slot = self.slot().await?;
            let session = self.session(&mut slot.session).await?;
            let outcome = timeout(STATEMENT, session.rows(statement, values)).await;
            let error = match outcome {
                Ok(Ok(rows)) => return Ok(rows),
                Ok(Err(error)) => error,
                Err(_) => return Err(slot.silent()),
            };
            let is_closed = session.client.is_closed();
            if is_closed {
                slot.session.take();
            }
            let again = error.code().is_some_and(|code| {
                *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED
            });
            if !again || tries == TRIES {
                return Err(failed(&error));
            }
            tries += 1;
        }
    }

    /// The first connection that is free. Who came first gets it first.
    async fn slot(&self) -> Result<Slot<'_>, VaultError> {
        // While the database is silent, each of those before holds its slot until its time is over.
        let permit = timeout(SLOT, self.free.acquire()).await;
        let busy = || VaultError::Unreachable("no connection was free in time".to_owned());
        let permit = permit.ok().and_then(Result::ok).ok_or_else(busy)?;
        let free = self.slots.iter().find_map(|slot| slot.try_lock().ok());
        let session = free.ok_or_else(busy)?;
        Ok(Slot {
            session,
            _permit: permit,
        })
    }

    async fn session<'a>(&self, slot: &'a mut Option<Session>) -> Result<&'a mut Session, VaultError> {
        if slot.as_ref().is_some_and(|session| session.client.is_closed()) {
            *slot = None;
        }
        if slot.is_none() {
            let client = timeout(CONNECT, self.connect()).await;
            let client = client.map_err(|_| VaultError::Unreachable("no connection in time".to_owned()))??;
            *slot = Some(Session {
                client,
                prepared: HashMap::new(),
            });
        }
        slot.as_mut()
            .ok_or_else(|| VaultError::Unreachable("no connection".to_owned()))
    }

    async fn connect(&self) -> Result<Client, VaultError> {
        let client = match &self.tls {
            None => {
                let (client, connection) = self.config.connect(NoTls).await.map_err(|error| failed(&error))?;
                tokio::spawn(connection);
                client
            }
            Some(tls) => {
                let connected = self.config.connect(tls.clone()).await;
                let (client, connection) = connected.map_err(|error| failed(&error))?;
                tokio::spawn(connection);
                client
            }
        };
        // What a vanished keeper had begun must not keep its row locked.
        let settings = "SET statement_timeout = 4000; SET idle_in_transaction_session_timeout = 4000";
        client.batch_execute(settings).await.map_err(|error| failed(&error))?;
        Ok(client)
    }
}

impl Session {
    async fn rows(
        &mut self,
        statement: &'static str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let prepared = match self.prepared.get(statement) {
            Some(prepared) => prepared.clone(),
            None => {
                let prepared = self.client.prepare(statement).await?;
                self.prepared.insert(statement, prepared.clone());
                prepared
            }
        };
        self.client.query(&prepared, values).await
    }
}

fn is_here(host: &Host) -> bool {
    match host {
        #[cfg(unix)]
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            let address = name
                .parse()
                .is_ok_and(|address: std::net::IpAddr| address.is_loopback());
            address || name == "localhost"
        }
    }
}

fn verifier(roots_pem: Option<&[u8]>) -> Result<MakeRustlsConnect, VaultError> {
    let unfit = |reason: String| VaultError::Failed(format!("the database's certificate cannot be verified: {reason}"));
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for root in CertificateDer::pem_slice_iter(roots_pem.unwrap_or_default()) {
        let root = root.map_err(|error| unfit(error.to_string()))?;
        roots.add(root).map_err(|error| unfit(error.to_string()))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unfit(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// The error of the vault for one of PostgreSQL. None of the texts holds a value.
fn failed(error: &tokio_postgres::Error) -> VaultError {
    let Some(database) = error.as_db_error() else {
        return VaultError::Unreachable(error.to_string());
    };
    let text = format!("{}: {}", database.code().code(), database.message());
    match database.code() {
        code if *code == SqlState::DISK_FULL => VaultError::Full(text),
        code if *code == SqlState::READ_ONLY_SQL_TRANSACTION => VaultError::ReadOnly(text),
        code if *code == SqlState::LOCK_NOT_AVAILABLE || *code == SqlState::QUERY_CANCELED => VaultError::Locked(text),
        code if code.code().starts_with("08") || code.code().starts_with("57P") => VaultError::Unreachable(text),
        _ => VaultError::Failed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_caller_gets_whichever_connection_is_free_first() {
        let pool = Pool::new("postgres://keeper@127.0.0.1/keeper", None).unwrap();
        let mut busy = Vec::new();
        for _ in 0..CONNECTIONS {
            busy.push(pool.slot().await.unwrap());
        }
        for number in [5, 2] {
            let next = async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                drop(busy.remove(number));
            };
            let (slot, ()) = tokio::join!(pool.slot(), next);
            busy.push(slot.unwrap());
        }
        assert!(pool.slot().await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_long_behind_others_while_the_database_is_silent() {
        // It takes connections, and says nothing.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("postgres://keeper@{}/keeper", silent.local_addr().unwrap());
        let pool = Arc::new(Pool::new(&url, None).unwrap());
        let begun = Instant::now();
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..5 * CONNECTIONS {
            let pool = pool.clone();
            callers.spawn(async move { pool.rows("SELECT 1", &[]).await.err() });
        }
        while let Some(error) = callers.join_next().await {
            assert!(matches!(error.unwrap(), Some(VaultError::Unreachable(_))));
        }
        let waited = begun.elapsed();
        assert!(waited <= SLOT + CONNECT, "{waited:?}");
    }
}
