//! Hallpass as the bench runs it: one or more nodes on one database, SQLite or a PostgreSQL of its own, with no proxy in
//! between (for fault runs see `nodes`).

use crate::Outcome;
use crate::load::Side;
use crate::postgres::Postgres;
use crate::process::Program;
use crate::world::World;
use clap::ValueEnum;
use rusqlite::Connection;
use std::path::Path;
use std::time::Duration;

/// The settings that the guide recommends for PostgreSQL with millions of grants.
const SETTINGS: &str = include_str!("../../docs/guide/postgresql.conf");

/// The kind of database.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// The name in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// The configurations of the nodes, and their database.
pub(crate) struct Deployment {
    worlds: Vec<World>,
    pub(crate) postgres: Option<Postgres>,
}

/// A deployment with running nodes. The nodes stop before the database.
pub(crate) struct Running {
    pub(crate) nodes: Vec<Program>,
    pub(crate) deployment: Deployment,
}

impl Deployment {
    /// Writes the configurations of `nodes` nodes into a folder, and starts PostgreSQL with its default settings.
    pub(crate) fn make(hallpass: &Path, folder: &Path, engine: Engine, nodes: usize) -> Outcome<Self> {
        Self::made(hallpass, folder, engine, (nodes, &[]))
    }

    /// One node, and PostgreSQL with the settings that the guide recommends for millions of grants.
    pub(crate) fn for_millions(hallpass: &Path, folder: &Path, engine: Engine) -> Outcome<Self> {
        let settings: Vec<String> = SETTINGS
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.replace(' ', ""))
            .collect();
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        Self::made(hallpass, folder, engine, (1, &settings))
    }

    fn made(hallpass: &Path, folder: &Path, engine: Engine, (nodes, settings): (usize, &[&str])) -> Outcome<Self> {
        std::fs::create_dir_all(folder)?;
        hallpass_cluster::let_others_through(folder)?;
        if engine == Engine::Sqlite {
            let world = World::make(hallpass, folder, "")?;
            return Ok(Self {
                worlds: vec![world],
                postgres: None,
            });
        }
        let postgres = Postgres::start(&folder.join("postgres"), settings)?;
        let first = folder.join("node1");
        let shared = format!(
            "[store]\nurl = {:?}\n[keys]\nmaster_file = {:?}\n",
            postgres.url(),
            first.join("data/master.key")
        );
        let world = |number: usize| World::make(hallpass, &folder.join(format!("node{number}")), &shared);
        Ok(Self {
            worlds: (1..=nodes.max(1)).map(world).collect::<Outcome<_>>()?,
            postgres: Some(postgres),
        })
    }

    /// The kind of the database.
    pub(crate) fn engine(&self) -> Engine {
        match self.postgres {
            None => Engine::Sqlite,
            Some(_) => Engine::Postgres,
        }
    }

    /// The configuration of the first node.
    pub(crate) fn world(&self) -> Outcome<&World> {
        Ok(self.worlds.first().ok_or("there is no node")?)
    }

    /// The configurations of all nodes, to set more keys.
    pub(crate) fn worlds(&mut self) -> &mut [World] {
        &mut self.worlds
    }

    /// Starts all nodes.
    pub(crate) fn serve(self) -> Outcome<Running> {
        let nodes = self.worlds.iter().map(World::serve).collect::<Outcome<_>>()?;
        Ok(Running {
            nodes,
            deployment: self,
        })
    }

    /// Runs statements in the database directly.
    pub(crate) fn run(&self, statements: &str) -> Outcome {
        match &self.postgres {
            Some(postgres) => postgres.run(statements),
            None => Ok(self.sqlite()?.execute_batch(statements)?),
        }
    }

    /// The number that a query returns.
    pub(crate) fn number(&self, query: &str) -> Outcome<f64> {
        match &self.postgres {
            Some(postgres) => postgres.number(query),
            None => Ok(self.sqlite()?.query_row(query, [], |row| row.get(0))?),
        }
    }

    fn sqlite(&self) -> Outcome<Connection> {
        let connection = Connection::open(self.world()?.database())?;
        connection.busy_timeout(Duration::from_secs(30))?;
        Ok(connection)
    }
}

impl Running {
    /// The first node.
    pub(crate) fn first(&self) -> Outcome<&Program> {
        Ok(self.nodes.first().ok_or("there is no node")?)
    }

    /// The first `nodes` nodes, as a side under load.
    pub(crate) fn side(&self, nodes: usize) -> Side<'_> {
        Side {
            nodes: self.nodes.get(..nodes).unwrap_or(&self.nodes),
            database: self.deployment.postgres.as_ref(),
        }
    }

    /// Stops the nodes with SIGTERM, and returns the deployment.
    pub(crate) fn stop(self) -> Outcome<Deployment> {
        for node in self.nodes {
            if !node.stop()? {
                return Err("a node did not stop cleanly".into());
            }
        }
        Ok(self.deployment)
    }
}
