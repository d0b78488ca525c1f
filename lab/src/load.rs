//! Loads a server with a number of clients, each of which sends its next request after the answer to the one before, and
//! measures the cost for the server and its PostgreSQL.

use crate::Outcome;
use crate::flow::{refreshing, unexpected};
use crate::http::{Answer, Connection, Sent};
use crate::postgres::Postgres;
use crate::process::Program;
use hdrhistogram::Histogram;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// A server of one or more nodes under load, and its PostgreSQL.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) nodes: &'a [Program],
    pub(crate) database: Option<&'a Postgres>,
}

/// The requests of one client, one form after the other.
#[derive(Clone)]
pub(crate) struct Asks {
    /// Another address than those of the nodes, if this path is served elsewhere.
    pub(crate) at: Option<SocketAddr>,
    pub(crate) path: &'static str,
    /// The value of `Authorization`. Empty if the header is not sent.
    pub(crate) authorization: String,
    /// The forms to send, the next one first.
    pub(crate) forms: VecDeque<String>,
    pub(crate) then: Then,
}

/// What happens to a form after its answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// It is sent again after the others.
    Again,
    /// It is replaced by a refresh with the token of the answer.
    Refresh,
    /// It was sent for the only time.
    Spent,
    /// It is no form but an access token, about which a proxy asks. It is sent again after the others.
    Asked,
}

/// The headers of a proxy that asks (docs/guide/forward-auth.md).
const BY_PROXY: [(&str, &str); 2] = [("x-forwarded-method", "GET"), ("x-forwarded-uri", "/orders/17?lines=1")];

/// The results of a load.
pub(crate) struct Figures {
    pub(crate) requests: u64,
    pub(crate) time: Duration,
    /// The processor time of the server's processes.
    pub(crate) cpu: Duration,
    /// The processor time of its PostgreSQL.
    pub(crate) database: Duration,
    /// Microseconds from request to answer.
    pub(crate) latency: Histogram<u64>,
}

impl Asks {
    /// Sends one of the forms.
    pub(crate) async fn send(&self, connection: &mut Connection, form: &str) -> Outcome<Answer> {
        if self.then != Then::Asked {
            return connection.post(self.path, &self.authorization, form).await;
        }
        let sent = Sent {
            authorization: Some(&format!("Bearer {form}")),
            headers: &BY_PROXY,
            ..Sent::default()
        };
        connection.send(self.path, sent).await
    }
}

impl Side<'_> {
    /// The processor time of the nodes so far.
    fn cpu(&self) -> Outcome<Duration> {
        self.nodes.iter().map(Program::cpu).sum()
    }

    fn database_cpu(&self) -> Outcome<Duration> {
        self.database.map_or(Ok(Duration::ZERO), Postgres::cpu)
    }
}

impl Figures {
    /// The server's processor time per request, in microseconds.
    pub(crate) fn cpu_each(&self) -> f64 {
        self.each(self.cpu)
    }

    /// PostgreSQL's processor time per request, in microseconds.
    pub(crate) fn database_each(&self) -> f64 {
        self.each(self.database)
    }

    /// The processor time of both per request, in microseconds.
    pub(crate) fn both_each(&self) -> f64 {
        self.each(self.cpu + self.database)
    }

    /// Requests per second.
    pub(crate) fn rate(&self) -> f64 {
        self.requests as f64 / self.time.as_secs_f64()
    }

    /// The latency at this quantile, in milliseconds.
    pub(crate) fn millis(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1e3
    }

    fn each(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / self.requests.max(1) as f64
    }
}

/// Loads a server for `time` with all `clients`, which can later continue where they stopped. A client has a connection to
/// each node, and uses the next one for each request.
pub(crate) async fn load(side: Side<'_>, clients: &mut [Asks], time: Duration) -> Outcome<Figures> {
    let mut hopping = Vec::new();
    for (first, client) in clients.iter().enumerate() {
        let mut connections = Vec::new();
        for node in side.nodes {
            connections.push(Connection::open(client.at.unwrap_or(node.address)).await?);
        }
        connections.rotate_left(first % side.nodes.len().max(1));
        hopping.push(connections);
    }
    let (start, cpu, database) = (Instant::now(), side.cpu()?, side.database_cpu()?);
    let end = start + time;
    let mut tasks = JoinSet::new();
    for (n, (connections, asks)) in hopping.into_iter().zip(clients.iter()).enumerate() {
        let asks = asks.clone();
        tasks.spawn(async move { one(connections, asks, end).await.map(|done| (n, done)) });
    }
    let mut latency = Histogram::new(3)?;
    while let Some(done) = tasks.join_next().await {
        let (n, (asks, of_one)) = done??;
        latency.add(of_one)?;
        if let Some(client) = clients.get_mut(n) {
            *client = asks;
        }
    }
    Ok(Figures {
        requests: latency.len(),
        time: start.elapsed(),
        cpu: side.cpu()?.saturating_sub(cpu),
        database: side.database_cpu()?.saturating_sub(database),
        latency,
    })
}

async fn one(mut connections: Vec<Connection>, mut asks: Asks, end: Instant) -> Outcome<(Asks, Histogram<u64>)> {
    let mut latency = Histogram::new(3)?;
    let nodes = connections.len().max(1);
    let mut turn = 0;
    while Instant::now() < end {
        let Some(form) = asks.forms.pop_front() else { break };
        let connection = connections.get_mut(turn % nodes).ok_or("there is no node")?;
        turn += 1;
        let start = Instant::now();
        let answer = asks.send(connection, &form).await?;
        latency.record(u64::try_from(start.elapsed().as_micros())?)?;
        if answer.status != 200 {
            return Err(unexpected(&form, &answer));
        }
        match asks.then {
            Then::Again | Then::Asked => asks.forms.push_back(form),
            Then::Refresh => {
                let token = answer.member("refresh_token");
                let token = token.ok_or_else(|| unexpected("refresh", &answer))?;
                asks.forms.push_back(refreshing(&token));
            }
            Then::Spent => {}
        }
    }
    Ok((asks, latency))
}
