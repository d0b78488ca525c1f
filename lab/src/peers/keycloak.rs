//! Keycloak on PostgreSQL, with the realm of `lab/peers/keycloak`.

use super::Peers;
use super::peer::{CodeSource, Codes, Endpoints, Peer, challenge, first_token, free_address, introduced};
use crate::Outcome;
use crate::flow::{form, unexpected};
use crate::http::{Answer, Connection, Sent};
use crate::postgres::Postgres;
use crate::process::Program;
use crate::world::{CLIENT_ID, PASSWORD, REDIRECT_URI, api, app};
use http::header::{LOCATION, SET_COOKIE};
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Its name in options.
pub(super) const NAME: &str = "keycloak";
const REALM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/keycloak/realm.json");
/// The number of browsers in which the person is signed in. Each is a separate session.
const BROWSERS: usize = 64;

/// Starts it on its own PostgreSQL. Of two starts, the first creates the tables and the realm.
pub(super) async fn start(options: &Peers, folder: &Path) -> Outcome<Peer> {
    fs::create_dir_all(folder)?;
    let database = Postgres::start(&folder.join("postgres"), &[])?;
    let home = home(&options.installed)?;
    fs::create_dir_all(home.join("data/import"))?;
    fs::copy(REALM, home.join("data/import/realm.json"))?;
    let endpoints = Endpoints {
        token: "/realms/lab/protocol/openid-connect/token",
        introspect: "/realms/lab/protocol/openid-connect/token/introspect",
        introspect_at: None,
        app: app(),
        itself: app(),
        api: api(),
    };
    let address = free_address()?;
    let start = |more: &[&str]| {
        let mut command = command(&home, address, &database);
        Program::starting(command.args(more), address, &folder.join("log"))
    };
    let (program, _) = first_token(start(&["--import-realm"])?, &endpoints).await?;
    program.stop()?;
    let (program, start) = first_token(start(&[])?, &endpoints).await?;
    let version = home.file_name().unwrap_or_default().to_string_lossy();
    Ok(Peer {
        name: NAME,
        about: about(version.trim_start_matches("keycloak-")),
        program,
        database: Some(database),
        start,
        endpoints,
        codes: Box::<Browsers>::default(),
        connections: None,
    })
}

fn home(installed: &Path) -> Outcome<PathBuf> {
    let mut folders = fs::read_dir(installed)?.flatten().map(|entry| entry.path());
    let named = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("keycloak-"))
    };
    let found = folders.find(|path| path.is_dir() && named(path));
    Ok(found.ok_or("Keycloak is not installed")?.canonicalize()?)
}

fn command(home: &Path, address: SocketAddr, database: &Postgres) -> Command {
    let mut command = Command::new(home.join("bin/kc.sh"));
    introduced(&mut command).args(["start", "--optimized", "--http-enabled=true", "--http-host=127.0.0.1"]);
    command
        .arg(format!("--http-port={}", address.port()))
        .arg(format!("--hostname=http://{address}"))
        .args(["--cache=local", "--db-url-host=127.0.0.1", "--db-url-database=postgres"])
        .arg(format!("--db-url-port={}", database.port()))
        .args(["--db-username=postgres", "--db-password=none"]);
    command
}

/// The browsers in which the person is signed in.
#[derive(Default)]
pub(super) struct Browsers {
    cookies: Vec<Cookies>,
}

type Cookies = BTreeMap<String, String>;

impl CodeSource for Browsers {
    fn enough_for_a_second(&self) -> u64 {
        300
    }

    fn take(&mut self, address: SocketAddr, n: u64) -> Codes<'_> {
        Box::pin(self.codes(address, n))
    }
}

impl Browsers {
    /// Codes for apps that the person connects, each browser in turn.
    pub(super) async fn codes(&mut self, address: SocketAddr, n: u64) -> Outcome<Vec<String>> {
        let mut connection = Connection::open(address).await?;
        while self.cookies.len() < BROWSERS {
            self.cookies.push(sign_in(&mut connection).await?);
        }
        let mut codes = Vec::new();
        for turn in 0..usize::try_from(n)? {
            let cookies = self.cookies.get(turn % BROWSERS).ok_or("no browser")?;
            let cookie = header(cookies);
            let sent = Sent {
                cookie: Some(&cookie),
                ..Sent::default()
            };
            codes.push(code(&connection.send(&authorization_request(), sent).await?)?);
        }
        Ok(codes)
    }
}

async fn sign_in(connection: &mut Connection) -> Outcome<Cookies> {
    let mut cookies = Cookies::new();
    let page = connection.send(&authorization_request(), Sent::default()).await?;
    keep(&mut cookies, &page);
    let text = page.text();
    let action = text
        .split_once("action=\"http://")
        .and_then(|(_, rest)| rest.split_once('/'))
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(path, _)| format!("/{}", path.replace("&amp;", "&")))
        .ok_or_else(|| unexpected("sign-in", &page))?;
    let form = form(&[("username", "person1"), ("password", PASSWORD)]);
    let cookie = header(&cookies);
    let sent = Sent {
        form: Some(&form),
        cookie: Some(&cookie),
        ..Sent::default()
    };
    let answer = connection.send(&action, sent).await?;
    code(&answer)?;
    keep(&mut cookies, &answer);
    Ok(cookies)
}

fn authorization_request() -> String {
    let query = form(&[
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", REDIRECT_URI),
        ("code_challenge", &challenge()),
        ("code_challenge_method", "S256"),
    ]);
    format!("/realms/lab/protocol/openid-connect/auth?{query}")
}

fn code(answer: &Answer) -> Outcome<String> {
    let location = answer.header(LOCATION).unwrap_or_default();
    let code = location.split(['?', '&']).find_map(|pair| pair.strip_prefix("code="));
    Ok(code.ok_or_else(|| unexpected("authorization", answer))?.to_owned())
}

fn keep(cookies: &mut Cookies, answer: &Answer) {
    for set in answer.headers.get_all(SET_COOKIE) {
        let set = set.to_str().unwrap_or_default();
        let Some((name, value)) = set.split(';').next().and_then(|pair| pair.split_once('=')) else {
            continue;
        };
        match value {
            "" => cookies.remove(name),
            _ => cookies.insert(name.to_owned(), value.to_owned()),
        };
    }
}

fn header(cookies: &Cookies) -> String {
    let pairs: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("; ")
}

fn about(version: &str) -> String {
    format!(
        "{version}, `kc.sh start --optimized` (production), http, one node with local caches, the heap that it takes by default \
         (512 MiB at most), PostgreSQL {} with its defaults (fsync on). Secrets are kept as they are; tokens are JWT signed with \
         RS256; sessions are kept in the database, as is its default. A refresh answers with a new token, but by default does \
         not make the one before invalid.",
        hallpass_cluster::version()
    )
}
