//! A deployment of several nodes on one PostgreSQL: a folder for each node, one master key, and for each node a proxy to
//! the database, which can disturb the connection.

mod frontend;
pub(crate) mod proxy;

use crate::Outcome;
use crate::world::World;
use hallpass_cluster::{Cluster, let_others_through};
use proxy::Proxy;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// PostgreSQL's default settings, but without fsync: the lab kills processes, never the machine.
pub(crate) const SETTINGS: [&str; 1] = ["fsync=off"];
/// The master key that all nodes share: 32 bytes in base64.
const MASTER: &str = "bGFiLWxhYi1sYWItbGFiLWxhYi1sYWItbGFiLWxhYi0=";
/// The name of the database.
pub(crate) const DATABASE: &str = "postgres";

/// The database of several nodes, and the proxies to it.
pub(crate) struct Deployment {
    pub(crate) cluster: Cluster,
    /// One proxy per node.
    pub(crate) proxies: Vec<Proxy>,
    folder: PathBuf,
}

impl Deployment {
    /// Starts a database in `folder`, and a proxy for each node.
    pub(crate) async fn start(folder: &Path, nodes: usize, settings: &[&str]) -> Outcome<Self> {
        fs::create_dir_all(folder)?;
        let_others_through(folder)?;
        let cluster = Cluster::start(&folder.join("postgres"), &[&SETTINGS[..], settings].concat())?;
        let mut proxies = Vec::new();
        for _ in 0..nodes {
            proxies.push(Proxy::start(address(&cluster)).await?);
        }
        let folder = folder.to_owned();
        Ok(Self {
            cluster,
            proxies,
            folder,
        })
    }

    /// The configuration of each node. Tokens do not expire during the run, and the issuer is the same on every port.
    pub(crate) fn worlds(&self, hallpass: &Path) -> Outcome<Vec<World>> {
        let world = |(number, proxy): (usize, &Proxy)| {
            let mut world = World::make(hallpass, &self.folder.join(format!("node{number}")), "")?;
            world.lasts();
            world.set("STORE__URL", &url(proxy.address));
            world.set("KEYS__MASTER", MASTER);
            Ok(world)
        };
        self.proxies.iter().enumerate().map(world).collect()
    }

    /// The proxy of a node.
    pub(crate) fn proxy(&self, node: usize) -> Outcome<&Proxy> {
        self.proxies
            .get(node)
            .ok_or_else(|| format!("there is no node {node}").into())
    }
}

/// The address on which a cluster listens.
pub(crate) fn address(cluster: &Cluster) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], cluster.port()))
}

/// The URL of the database at that address. Without encryption, because a proxy reads the messages.
pub(crate) fn url(address: SocketAddr) -> String {
    format!("postgres://postgres@{address}/{DATABASE}?sslmode=disable")
}
