//! Measures the memory of a server at rest, with thousands of connections, and with clients that hold resources.

use super::flood::{Watch, open, watch};
use super::hostile::{Habit, Sends, many, stalled_streams};
use super::{TIMES, asks, flood};
use crate::Outcome;
use crate::deployment::{Deployment, Engine};
use crate::flow::Person;
use crate::http::Connection;
use crate::process::Program;
use crate::source::connect;
use std::fmt;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// The number of connections.
const CONNECTIONS: usize = 4000;
/// The number of HTTP/2 connections, more than are allowed, and of streams that each tries to open.
const HTTP2: (usize, usize) = (600, 32);
/// The number of headers of such a stream, which are almost as many as are allowed.
const HEADERS: usize = 210;
/// The number of people who sign in.
const SIGN_INS: usize = 4;
/// How long each state is held.
const STAY: Duration = Duration::from_secs(5);
/// The goals in MiB: at rest, and under any behaviour of clients.
const AIMED_AT: (f64, f64) = (40.0, 150.0);

/// A state, and the highest resident memory in it, in MiB.
pub(crate) struct Line {
    what: String,
    resident: f64,
    aimed_at: f64,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            resident,
            aimed_at,
        } = self;
        let missed = if resident > aimed_at { ": missed" } else { "" };
        write!(f, "{what}: {resident:.1} MiB, aimed at {aimed_at}{missed}")
    }
}

/// Measures after a moment of rest.
async fn at_rest(what: &str, server: &Program) -> Outcome<Line> {
    sleep(STAY).await;
    Ok(Line {
        what: format!("at rest, {what}"),
        resident: server.resident()?,
        aimed_at: AIMED_AT.0,
    })
}

fn loaded(what: String, health: &Watch) -> Line {
    Line {
        what,
        resident: health.resident,
        aimed_at: AIMED_AT.1,
    }
}

/// Measures. One process goes through all states, so memory that a state leaves behind counts in the next one.
pub(crate) async fn measure(hallpass: &Path, folder: &Path, engine: Engine) -> Outcome<Vec<Line>> {
    let mut deployment = Deployment::make(hallpass, folder, engine, 1)?;
    for world in deployment.worlds() {
        world.set("TOKENS__GRANTS_PER_USER_AND_APP", "1000000");
    }
    let first = deployment.serve()?;
    let mut lines = vec![at_rest("after a first start", first.first()?).await?];
    let running = first.stop()?.serve()?;
    let server = running.first()?;
    lines.push(at_rest("started again", server).await?);
    for person in 1..=SIGN_INS {
        Person::sign_in(Connection::open(server.address).await?, person).await?;
    }
    lines.push(at_rest("after sign-ins", server).await?);
    lines.extend(held(server).await?);
    let mut asks = asks(server.address, CONNECTIONS).await?;
    let takes = flood::closed(server.address, &mut asks, usize::MAX, STAY).await?;
    let (load, health) = tokio::join!(
        open(server.address, &mut asks, takes.rate() * TIMES, STAY),
        watch(server, STAY)
    );
    load?;
    lines.push(loaded(format!("{CONNECTIONS} busy connections"), &health?));
    drop(asks);
    let afterwards = at_rest("with what is remembered of it all", server).await?;
    lines.push(Line {
        aimed_at: AIMED_AT.1,
        ..afterwards
    });
    running.stop()?;
    Ok(lines)
}

/// Measures with clients that hold resources.
async fn held(server: &Program) -> Outcome<Vec<Line>> {
    let address = server.address;
    let mut lines = Vec::new();
    for (headers, body, what) in [(0, 60_000, ""), (HEADERS, 1, " after many headers")] {
        let streams = tokio::spawn(stalled_streams(address, HTTP2, Sends { headers, body }, STAY));
        let health = watch(server, STAY).await?;
        streams.await??;
        lines.push(loaded(
            format!("as many stalled bodies{what} on HTTP/2 as are allowed"),
            &health,
        ));
    }
    let mut kept = Vec::new();
    for number in 0..CONNECTIONS {
        kept.push(asked(connect(address, number).await?).await?);
    }
    let health = watch(server, STAY).await?;
    lines.push(loaded(format!("{CONNECTIONS} idle connections"), &health));
    drop(kept);
    for (habit, what) in [
        (Habit::StalledHeaders, "15 KB of headers"),
        (Habit::StalledBody, "60 KB of a body"),
        (Habit::StalledSmallBody, "a byte of a body"),
        (Habit::StalledBodyAfterHeaders, "15 KB of headers and a byte of a body"),
    ] {
        let (_, health) = tokio::join!(many(address, habit, CONNECTIONS, STAY), watch(server, STAY));
        lines.push(loaded(format!("{CONNECTIONS} stalled after {what}"), &health?));
    }
    Ok(lines)
}

/// A connection on which one request was answered.
async fn asked(mut stream: TcpStream) -> Outcome<TcpStream> {
    stream
        .write_all(b"GET /health/live HTTP/1.1\r\nhost: id.example\r\n\r\n")
        .await?;
    stream.read_exact(&mut [0; 12]).await?;
    Ok(stream)
}
