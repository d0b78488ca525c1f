//! A PostgreSQL for measurements: in its own folder, with default settings, and with its use of the machine.

use crate::{Outcome, tree};
use hallpass_cluster::Cluster;
use std::path::Path;
use std::time::Duration;
use tokio_postgres::{Client, NoTls};

/// The database that every cluster has.
const DATABASE: &str = "postgres";

/// A running PostgreSQL. When the value is dropped, it ends and its folder is deleted.
pub(crate) struct Postgres {
    cluster: Cluster,
}

impl Postgres {
    /// Creates one in a new folder. `settings` are added to its defaults.
    pub(crate) fn start(folder: &Path, settings: &[&str]) -> Outcome<Self> {
        let cluster = Cluster::start(folder, settings)?;
        Ok(Self { cluster })
    }

    /// The URL for clients.
    pub(crate) fn url(&self) -> String {
        self.cluster.url(DATABASE)
    }

    /// The port on which it listens.
    pub(crate) fn port(&self) -> u16 {
        self.cluster.port()
    }

    /// The processor time that it and its backends have used so far.
    pub(crate) fn cpu(&self) -> Outcome<Duration> {
        tree::cpu(self.id()?)
    }

    /// The memory of it and its backends in MiB. Shared memory counts once.
    pub(crate) fn memory(&self) -> Outcome<f64> {
        tree::memory(self.id()?)
    }

    /// Runs statements.
    pub(crate) fn run(&self, statements: &str) -> Outcome {
        self.cluster.sql(DATABASE, statements)?;
        Ok(())
    }

    /// The number that a query returns.
    pub(crate) fn number(&self, query: &str) -> Outcome<f64> {
        Ok(self.cluster.sql(DATABASE, query)?.trim().parse()?)
    }

    /// Opens a connection to it.
    pub(crate) async fn client(&self) -> Outcome<Client> {
        Ok(connect(&self.url()).await?)
    }

    fn id(&self) -> Outcome<u32> {
        Ok(self.cluster.id().ok_or("PostgreSQL has ended")?)
    }
}

/// Opens a connection without TLS, over loopback.
pub(crate) async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
