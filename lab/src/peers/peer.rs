//! What all servers have in common: their endpoints, and the source of their codes.

use super::Workload;
use crate::Outcome;
use crate::flow::{CHALLENGE_BYTES, Tokens, form, redemption, refreshing, tokens, unexpected};
use crate::http::Connection;
use crate::load::{Asks, Side, Then};
use crate::postgres::Postgres;
use crate::process::Program;
use crate::world::{CLIENT_ID, CLIENT_SECRET, PASSWORD, REDIRECT_URI, RESOURCE, RESOURCE_SECRET};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::Pin;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long a server may take to its first token.
const PATIENCE: Duration = Duration::from_secs(300);

/// A server under the same load as the others.
pub(super) struct Peer {
    pub(super) name: &'static str,
    /// A description of the server and its setup.
    pub(super) about: String,
    pub(super) program: Program,
    pub(super) database: Option<Postgres>,
    /// The time from its start to its first token, with its data in place.
    pub(super) start: Duration,
    pub(super) endpoints: Endpoints,
    pub(super) codes: Box<dyn CodeSource>,
    /// The most connections, if more would only wait: a turn ends when all have their answers.
    pub(super) connections: Option<usize>,
}

/// The endpoints of a server, and the authentication at each.
pub(super) struct Endpoints {
    pub(super) token: &'static str,
    pub(super) introspect: &'static str,
    /// The address for introspection, if it is not that of the token endpoint.
    pub(super) introspect_at: Option<SocketAddr>,
    /// The app's `Authorization` for codes and refresh tokens.
    pub(super) app: String,
    /// The app's `Authorization` for a token of the app itself.
    pub(super) itself: String,
    /// The API's `Authorization`.
    pub(super) api: String,
}

/// Codes for which a person has consented.
pub(super) type Codes<'a> = Pin<Box<dyn Future<Output = Outcome<Vec<String>>> + 'a>>;

/// A source of codes.
pub(super) trait CodeSource {
    /// More codes than the server can redeem in a second.
    fn enough_for_a_second(&self) -> u64;

    /// The next `n` codes of the server at `address`.
    fn take(&mut self, address: SocketAddr, n: u64) -> Codes<'_>;
}

impl Peer {
    /// The requests of `n` connections in a workload with `seconds` seconds of load.
    pub(super) async fn asks(&mut self, workload: Workload, n: usize, seconds: u64) -> Outcome<Vec<Asks>> {
        let n = self.connections.map_or(n, |most| most.min(n));
        let (token, introspect) = (self.endpoints.token, self.endpoints.introspect);
        let (app, itself) = (self.endpoints.app.clone(), self.endpoints.itself.clone());
        let api = self.endpoints.api.clone();
        Ok(match workload {
            Workload::ClientCredentials => {
                let forms = vec![client_credentials(); n];
                deal(n, (token, &itself), forms, Then::Again)
            }
            Workload::CodeExchange => {
                let codes = self.codes.enough_for_a_second() * seconds;
                let forms = self.codes(codes).await?.iter().map(|code| redemption(code)).collect();
                deal(n, (token, &app), forms, Then::Spent)
            }
            Workload::Refresh => {
                let granted = self.grants(n).await?;
                let forms = granted.iter().map(|tokens| refreshing(&tokens.refresh)).collect();
                deal(n, (token, &app), forms, Then::Refresh)
            }
            Workload::Introspection => {
                let granted = self.grants(n).await?;
                let forms = granted
                    .iter()
                    .map(|tokens| form(&[("token", &tokens.access)]))
                    .collect();
                let mut asks = deal(n, (introspect, &api), forms, Then::Again);
                asks.iter_mut().for_each(|asks| asks.at = self.endpoints.introspect_at);
                self.finds_active(&asks).await?;
                asks
            }
        })
    }

    /// The server as a side under load.
    pub(super) fn side(&self) -> Side<'_> {
        Side {
            nodes: std::slice::from_ref(&self.program),
            database: self.database.as_ref(),
        }
    }

    /// Ends the server, then its PostgreSQL.
    pub(super) fn end(self) -> Outcome {
        self.program.stop()?;
        drop(self.database);
        Ok(())
    }

    async fn codes(&mut self, n: u64) -> Outcome<Vec<String>> {
        let address = self.program.address;
        let codes = self.codes.take(address, n).await?;
        match u64::try_from(codes.len())? == n {
            true => Ok(codes),
            false => Err(format!("{} codes of {n}", codes.len()).into()),
        }
    }

    /// The tokens of `n` new grants.
    async fn grants(&mut self, n: usize) -> Outcome<Vec<Tokens>> {
        let codes = self.codes(u64::try_from(n)?).await?;
        let mut connection = Connection::open(self.program.address).await?;
        let mut found = Vec::new();
        for code in codes {
            let (path, app) = (self.endpoints.token, &self.endpoints.app);
            found.push(tokens(&connection.post(path, app, &redemption(&code)).await?)?);
        }
        Ok(found)
    }

    /// An answer of 200 may still mean that the token is unknown (RFC 7662 §2.2), so this checks `active`.
    async fn finds_active(&self, asks: &[Asks]) -> Outcome {
        let form = asks.first().and_then(|asks| asks.forms.front()).ok_or("no token")?;
        let at = self.endpoints.introspect_at.unwrap_or(self.program.address);
        let mut connection = Connection::open(at).await?;
        let (path, api) = (self.endpoints.introspect, &self.endpoints.api);
        let answer = connection.post(path, api, form).await?;
        let text = answer.text().replace(' ', "");
        match text.contains("\"active\":true") {
            true => Ok(()),
            false => Err(unexpected("introspection", &answer)),
        }
    }
}

/// Waits for a server that will listen at `address`, and measures the time to its first token.
pub(super) async fn first_token(mut program: Program, endpoints: &Endpoints) -> Outcome<(Program, Duration)> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(status) = program.ended()? {
            return Err(format!("the server ended with {status}").into());
        }
        if asked(program.address, endpoints).await.unwrap_or(false) {
            return Ok((program, start.elapsed()));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Err("the server gave no token in time".into())
}

async fn asked(address: SocketAddr, endpoints: &Endpoints) -> Outcome<bool> {
    let mut connection = Connection::open(address).await?;
    let answer = connection
        .post(endpoints.token, &endpoints.itself, &client_credentials())
        .await?;
    Ok(answer.status == 200)
}

/// A loopback address that is free now.
pub(super) fn free_address() -> Outcome<SocketAddr> {
    Ok(SocketAddr::from(([127, 0, 0, 1], hallpass_cluster::free_port()?)))
}

/// Passes app, API and person to a server's own scripts, in the environment.
pub(super) fn introduced(command: &mut Command) -> &mut Command {
    command
        .env("CLIENT_ID", CLIENT_ID)
        .env("CLIENT_SECRET", CLIENT_SECRET)
        .env("REDIRECT_URI", REDIRECT_URI)
        .env("RESOURCE", RESOURCE)
        .env("RESOURCE_SECRET", RESOURCE_SECRET)
        .env("PASSWORD", PASSWORD)
        .env("CODE_CHALLENGE", challenge())
}

/// The challenge to the verifier of the redemptions (RFC 7636 §4.2).
pub(super) fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(CHALLENGE_BYTES)
}

fn client_credentials() -> String {
    form(&[("grant_type", "client_credentials")])
}

/// Deals the forms to `n` connections.
fn deal(n: usize, (path, authorization): (&'static str, &str), forms: Vec<String>, then: Then) -> Vec<Asks> {
    let mut dealt = vec![
        Asks {
            at: None,
            path,
            authorization: authorization.to_owned(),
            forms: VecDeque::new(),
            then,
        };
        n
    ];
    for (place, form) in forms.into_iter().enumerate() {
        if let Some(asks) = dealt.get_mut(place % n.max(1)) {
            asks.forms.push_back(form);
        }
    }
    dealt
}
