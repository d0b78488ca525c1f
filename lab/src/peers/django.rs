//! django-oauth-toolkit behind gunicorn on PostgreSQL, in the site of `lab/peers/django`.

use super::Peers;
use super::peer::{CodeSource, Codes, Endpoints, Peer, first_token, free_address, introduced};
use crate::Outcome;
use crate::http::basic;
use crate::postgres::Postgres;
use crate::process::Program;
use crate::world::{CLIENT_ID, CLIENT_SECRET, app};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name of its package.
pub(super) const NAME: &str = "django-oauth-toolkit";
const SITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/django");
const PACKAGES: &str = include_str!("../../peers/django/requirements.txt");

/// Two workers need a quarter of a second for a token: with 64 connections a request would wait for eight seconds.
const CONNECTIONS: usize = 8;

/// The site, and how its programs are started.
pub(super) struct Site {
    programs: PathBuf,
    /// Where the programs may write files.
    folder: PathBuf,
    database_port: String,
}

/// Starts it on its own PostgreSQL.
pub(super) async fn start(options: &Peers, folder: &Path) -> Outcome<Peer> {
    fs::create_dir_all(folder)?;
    let database = Postgres::start(&folder.join("postgres"), &[])?;
    let site = Site {
        programs: options.installed.join("django/bin").canonicalize()?,
        folder: folder.to_owned(),
        database_port: database.port().to_string(),
    };
    let endpoints = Endpoints {
        token: "/o/token/",
        introspect: "/o/introspect/",
        introspect_at: None,
        app: app(),
        // In this server an app has one grant type, so a second app gets tokens of its own.
        itself: basic(&format!("{CLIENT_ID}-itself"), CLIENT_SECRET),
        api: format!("Bearer {}", site.prepare(&["world"])?.trim()),
    };
    let address = free_address()?;
    let mut gunicorn = site.command("gunicorn");
    gunicorn.args(["--workers", "2", "--bind", &address.to_string(), "wsgi"]);
    let program = Program::starting(&mut gunicorn, address, &folder.join("log"))?;
    let (program, start) = first_token(program, &endpoints).await?;
    Ok(Peer {
        name: NAME,
        about: about(),
        program,
        database: Some(database),
        start,
        endpoints,
        codes: Box::new(site),
        connections: Some(CONNECTIONS),
    })
}

impl CodeSource for Site {
    fn enough_for_a_second(&self) -> u64 {
        40
    }

    fn take(&mut self, _: SocketAddr, n: u64) -> Codes<'_> {
        let codes = self.codes(n);
        Box::pin(async { codes })
    }
}

impl Site {
    /// Codes created with its own models.
    pub(super) fn codes(&self, n: u64) -> Outcome<Vec<String>> {
        let codes = self.prepare(&["codes", &n.to_string()])?;
        Ok(codes.lines().map(str::to_owned).collect())
    }

    fn prepare(&self, what: &[&str]) -> Outcome<String> {
        let said = self.command("python").arg("prepare.py").args(what).output()?;
        match said.status.success() {
            true => Ok(String::from_utf8(said.stdout)?),
            false => Err(String::from_utf8_lossy(&said.stderr).into_owned().into()),
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        introduced(&mut command)
            .current_dir(SITE)
            .env("DATABASE_PORT", &self.database_port)
            .env("HOME", &self.folder)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

fn about() -> String {
    let version = |name: &str| {
        let pinned = PACKAGES
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix("=="));
        pinned.unwrap_or("?")
    };
    format!(
        "{} on Django {}, gunicorn {} with 2 workers of its default kind (`sync`, which ends the connection with each answer), \
         PostgreSQL {} with its defaults (fsync on), connections to it kept. The app's secret is kept as Django keeps passwords \
         (PBKDF2, a million rounds): the default, and what almost all the time at the token endpoint goes into. The API asks \
         with a bearer token, which needs no such hash. Every refresh rotates. Asked from 8 connections.",
        version("django-oauth-toolkit"),
        version("Django"),
        version("gunicorn"),
        hallpass_cluster::version(),
    )
}
