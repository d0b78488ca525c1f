//! Load on a server: so many connections, each with its next request as soon as it has the answer to the one before; and
//! what that cost the server.

use crate::Outcome;
use crate::flow::{refreshing, unexpected};
use crate::http::Connection;
use crate::process::Program;
use hdrhistogram::Histogram;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// What one connection asks, one form after the other.
#[derive(Clone)]
pub(crate) struct Asks {
    pub(crate) path: &'static str,
    pub(crate) authorization: String,
    /// What to send, the next one first.
    pub(crate) forms: VecDeque<String>,
    pub(crate) then: Then,
}

/// What becomes of a form that was answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// It is sent again when the others were.
    Again,
    /// The refresh with the answer's token takes its place.
    Refresh,
    /// It was sent for the only time.
    Spent,
}

/// What a load came to.
pub(crate) struct Figures {
    pub(crate) requests: u64,
    pub(crate) time: Duration,
    /// What the server used of the processors meanwhile.
    pub(crate) cpu: Duration,
    /// Microseconds from request to answer.
    pub(crate) latency: Histogram<u64>,
}

impl Figures {
    /// Microseconds of processor time that the server spent on a request.
    pub(crate) fn cpu_each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.requests.max(1) as f64
    }

    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        self.requests as f64 / self.time.as_secs_f64()
    }
}

/// Loads a server for so long from as many connections as there are `clients`; they go on later where they stopped.
pub(crate) async fn load(program: &Program, clients: &mut [Asks], time: Duration) -> Outcome<Figures> {
    let mut connections = Vec::new();
    for _ in 0..clients.len() {
        connections.push(Connection::open(program.address).await?);
    }
    let (start, cpu) = (Instant::now(), program.cpu()?);
    let end = start + time;
    let mut tasks = JoinSet::new();
    for (n, (connection, asks)) in connections.into_iter().zip(clients.iter()).enumerate() {
        let asks = asks.clone();
        tasks.spawn(async move { one(connection, asks, end).await.map(|done| (n, done)) });
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
        cpu: program.cpu()?.saturating_sub(cpu),
        latency,
    })
}

async fn one(mut connection: Connection, mut asks: Asks, end: Instant) -> Outcome<(Asks, Histogram<u64>)> {
    let mut latency = Histogram::new(3)?;
    while Instant::now() < end {
        let Some(form) = asks.forms.pop_front() else { break };
        let start = Instant::now();
        let answer = connection.post(asks.path, &asks.authorization, &form).await?;
        latency.record(u64::try_from(start.elapsed().as_micros())?)?;
        if answer.status != 200 {
            return Err(unexpected(&form, &answer));
        }
        match asks.then {
            Then::Again => asks.forms.push_back(form),
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
