//! `oidc-provider` (npm), in the server of `lab/peers/oidc-provider`.

use super::Peers;
use super::peer::{CodeSource, Codes, Endpoints, Peer, first_token, free_address, introduced};
use crate::Outcome;
use crate::flow::unexpected;
use crate::http::{Connection, Sent};
use crate::postgres::Postgres;
use crate::process::Program;
use crate::world::{api, app};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

/// The name of its package.
pub(super) const NAME: &str = "oidc-provider";
const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/oidc-provider/server.js");
const PACKAGES: &str = include_str!("../../peers/oidc-provider/package.json");

/// Starts it on its own PostgreSQL.
pub(super) async fn start(options: &Peers, folder: &Path) -> Outcome<Peer> {
    fs::create_dir_all(folder)?;
    let database = Postgres::start(&folder.join("postgres"), &[])?;
    let installed = options.installed.join("oidc-provider").canonicalize()?;
    let endpoints = Endpoints {
        token: "/token",
        introspect: "/token/introspection",
        introspect_at: None,
        app: app(),
        itself: app(),
        api: api(),
    };
    let address = free_address()?;
    let mut command = Command::new(installed.join("node_modules/.bin/node"));
    command
        .arg(SERVER)
        .current_dir(&installed)
        .env("NODE_ENV", "production");
    introduced(&mut command)
        .env("PORT", address.port().to_string())
        .env("DATABASE_URL", database.url());
    let program = Program::starting(&mut command, address, &folder.join("log"))?;
    let (program, start) = first_token(program, &endpoints).await?;
    Ok(Peer {
        name: NAME,
        about: about()?,
        program,
        database: Some(database),
        start,
        endpoints,
        codes: Box::new(OwnCodes),
        connections: None,
    })
}

/// A source of codes that the server's own process creates.
struct OwnCodes;

impl CodeSource for OwnCodes {
    fn enough_for_a_second(&self) -> u64 {
        1_500
    }

    fn take(&mut self, address: SocketAddr, n: u64) -> Codes<'_> {
        Box::pin(codes(address, n))
    }
}

/// The next `n` codes.
pub(super) async fn codes(address: SocketAddr, n: u64) -> Outcome<Vec<String>> {
    let mut connection = Connection::open(address).await?;
    let answer = connection.send(&format!("/codes?n={n}"), Sent::default()).await?;
    match answer.status {
        200 => Ok(answer.text().lines().map(str::to_owned).collect()),
        _ => Err(unexpected("codes", &answer)),
    }
}

fn about() -> Outcome<String> {
    let packages: serde_json::Value = serde_json::from_str(PACKAGES)?;
    let version = |name: &str| packages["dependencies"][name].as_str().unwrap_or("?").to_owned();
    Ok(format!(
        "{} on Node {}, one process. It keeps what it has in PostgreSQL {} with its defaults (fsync on), in one table of JSON as the \
         adapters among its examples do, through `pg` {} and named statements from its ten connections. Secrets are kept and \
         compared as they are, tokens are opaque. A confidential client's refresh token is, by default, replaced only after 70 % \
         of its life, so that no refresh here rotates.",
        version("oidc-provider"),
        version("node"),
        hallpass_cluster::version(),
        version("pg"),
    ))
}
