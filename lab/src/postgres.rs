//! A PostgreSQL that is measured: in a folder of its own, with PostgreSQL's own defaults, and what it uses of the machine.

use crate::{Outcome, tree};
use hallpass_cluster::Cluster;
use std::path::Path;
use std::time::Duration;
use tokio_postgres::{Client, NoTls};

/// The one database that is used of it, which every cluster has.
const DATABASE: &str = "postgres";

/// A running PostgreSQL; it ends, and its folder goes, when this is dropped.
pub(crate) struct Postgres {
    cluster: Cluster,
}

impl Postgres {
    /// Makes one in a folder that is not there yet; these settings come on top of its defaults.
    pub(crate) fn start(folder: &Path, settings: &[&str]) -> Outcome<Self> {
        let cluster = Cluster::start(folder, settings)?;
        Ok(Self { cluster })
    }

    /// Where programs find it.
    pub(crate) fn url(&self) -> String {
        self.cluster.url(DATABASE)
    }

    /// The port that it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.cluster.port()
    }

    /// The processor time that it and its backends have used so far.
    pub(crate) fn cpu(&self) -> Outcome<Duration> {
        tree::cpu(self.id()?)
    }

    /// The memory of it and its backends in MiB, what they share counted once.
    pub(crate) fn memory(&self) -> Outcome<f64> {
        tree::memory(self.id()?)
    }

    /// Runs statements.
    pub(crate) fn run(&self, statements: &str) -> Outcome {
        self.cluster.sql(DATABASE, statements)?;
        Ok(())
    }

    /// The number that a query answers.
    pub(crate) fn number(&self, query: &str) -> Outcome<f64> {
        Ok(self.cluster.sql(DATABASE, query)?.trim().parse()?)
    }

    /// A connection to it.
    pub(crate) async fn client(&self) -> Outcome<Client> {
        Ok(connect(&self.url()).await?)
    }

    fn id(&self) -> Outcome<u32> {
        Ok(self.cluster.id().ok_or("PostgreSQL has ended")?)
    }
}

/// A connection without TLS, as on loopback.
pub(crate) async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
