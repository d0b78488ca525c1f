//! Ory Hydra on PostgreSQL, built from its module by `lab/peers/hydra/go.mod`, with the settings in the same folder.

use super::Peers;
use super::peer::{CodeSource, Codes, Endpoints, Peer, first_token, free_address, introduced};
use crate::Outcome;
use crate::postgres::Postgres;
use crate::process::Program;
use crate::world::{api, app};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// Its name in options.
pub(super) const NAME: &str = "hydra";
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/hydra");
const MODULES: &str = include_str!("../../peers/hydra/go.mod");
/// How long it may take until it listens.
const PATIENCE: Duration = Duration::from_secs(60);

/// Its two addresses: one for apps, the other for the site and the API.
pub(super) struct Places {
    public: SocketAddr,
    admin: SocketAddr,
}

/// Starts it on its own PostgreSQL.
pub(super) async fn start(options: &Peers, folder: &Path) -> Outcome<Peer> {
    fs::create_dir_all(folder)?;
    let database = Postgres::start(&folder.join("postgres"), &[])?;
    let binary = options.installed.join("hydra/hydra").canonicalize()?;
    let places = Places {
        public: free_address()?,
        admin: free_address()?,
    };
    let command = || command(&binary, &places, &database);
    succeeded(&command().args(["migrate", "sql", "up", "-e", "--yes"]).output()?)?;
    let mut serve = command();
    serve.args(["serve", "all", "--dev", "--sqa-opt-out", "--config"]);
    serve.arg(Path::new(FOLDER).join("settings.json"));
    let mut start = || Program::starting(&mut serve, places.public, &folder.join("log"));
    let first = start()?;
    listens(places.admin).await?;
    places.prepare(&["world"])?;
    first.stop()?;
    let endpoints = Endpoints {
        token: "/oauth2/token",
        introspect: "/admin/oauth2/introspect",
        introspect_at: Some(places.admin),
        app: app(),
        itself: app(),
        api: api(),
    };
    let (program, start) = first_token(start()?, &endpoints).await?;
    Ok(Peer {
        name: NAME,
        about: about(),
        program,
        database: Some(database),
        start,
        endpoints,
        codes: Box::new(places),
        connections: None,
    })
}

fn command(binary: &PathBuf, places: &Places, database: &Postgres) -> Command {
    let mut command = Command::new(binary);
    command
        .env("DSN", format!("{}?sslmode=disable", database.url()))
        .env("URLS_SELF_ISSUER", format!("http://{}", places.public))
        .env("SERVE_PUBLIC_HOST", places.public.ip().to_string())
        .env("SERVE_PUBLIC_PORT", places.public.port().to_string())
        .env("SERVE_ADMIN_HOST", places.admin.ip().to_string())
        .env("SERVE_ADMIN_PORT", places.admin.port().to_string());
    command
}

impl CodeSource for Places {
    fn enough_for_a_second(&self) -> u64 {
        250
    }

    fn take(&mut self, _: SocketAddr, n: u64) -> Codes<'_> {
        let codes = self.codes(n);
        Box::pin(async { codes })
    }
}

impl Places {
    /// Codes of people whom a site has signed in and who have consented.
    pub(super) fn codes(&self, n: u64) -> Outcome<Vec<String>> {
        let codes = self.prepare(&["codes", &n.to_string()])?;
        Ok(codes.lines().map(str::to_owned).collect())
    }

    fn prepare(&self, what: &[&str]) -> Outcome<String> {
        let mut command = Command::new("python3");
        introduced(&mut command)
            .arg(Path::new(FOLDER).join("prepare.py"))
            .args(what)
            .env("PUBLIC_PORT", self.public.port().to_string())
            .env("ADMIN_PORT", self.admin.port().to_string());
        succeeded(&command.output()?)
    }
}

async fn listens(address: SocketAddr) -> Outcome {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if TcpStream::connect(address).await.is_ok() {
            return Ok(());
        }
        sleep(Duration::from_millis(20)).await;
    }
    Err("Hydra does not listen".into())
}

/// The output of a program that succeeded.
fn succeeded(said: &Output) -> Outcome<String> {
    match said.status.success() {
        true => Ok(String::from_utf8_lossy(&said.stdout).into_owned()),
        false => Err(String::from_utf8_lossy(&said.stderr).into_owned().into()),
    }
}

fn about() -> String {
    let version = MODULES
        .lines()
        .find_map(|line| line.split_once("github.com/ory/hydra/v2 v"))
        .and_then(|(_, rest)| rest.split_whitespace().next())
        .unwrap_or("?");
    format!(
        "{version}, `serve all --dev` (which lets it speak http), PostgreSQL {} with its defaults (fsync on). The app's secret is \
         kept by PBKDF2 with 25,000 rounds, which is its default; tokens are opaque and kept in the database. Every refresh \
         rotates. The API asks its administrative port, which authenticates nobody.",
        hallpass_cluster::version()
    )
}
