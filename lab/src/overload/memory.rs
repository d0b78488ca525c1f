//! How much memory a server takes at rest, with thousands of connections, and with clients that hold what they are given.

use super::flood::{open, watch};
use super::hostile::{Habit, many, stalled_streams};
use super::{TIMES, asks, flood};
use crate::Outcome;
use crate::deployment::{Deployment, Engine};
use crate::source::connect;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How many connections.
const CONNECTIONS: usize = 4000;
/// How many of HTTP/2, and how many streams each tries to open.
const HTTP2: (usize, usize) = (50, 128);
/// How long each state is held.
const STAY: Duration = Duration::from_secs(5);

/// What was done, and the resident memory in MiB at its largest.
pub(crate) type Line = (String, f64);

/// Measures.
pub(crate) async fn measure(hallpass: &Path, folder: &Path, engine: Engine) -> Outcome<Vec<Line>> {
    let mut deployment = Deployment::make(hallpass, folder, engine, 1)?;
    for world in deployment.worlds() {
        world.set("TOKENS__GRANTS_PER_USER_AND_APP", "1000000");
    }
    let running = deployment.serve()?;
    let server = running.first()?;
    let address = server.address;
    let mut lines = vec![("idle after the start".to_owned(), server.resident()?)];
    // Before anybody signs in: what hashing takes is not to be mistaken for what connections take.
    let streams = tokio::spawn(stalled_streams(address, HTTP2, STAY));
    lines.push((
        format!("{} × HTTP/2, as many stalled bodies as are allowed", HTTP2.0),
        watch(server, STAY).await?.resident,
    ));
    streams.await??;
    let mut kept = Vec::new();
    for number in 0..CONNECTIONS {
        kept.push(asked(connect(address, number).await?).await?);
    }
    lines.push((
        format!("{CONNECTIONS} idle connections"),
        watch(server, STAY).await?.resident,
    ));
    drop(kept);
    for (habit, what) in [
        (Habit::StalledHeaders, "15 KB of headers"),
        (Habit::StalledBody, "60 KB of a body"),
    ] {
        let (_, health) = tokio::join!(many(address, habit, CONNECTIONS, STAY), watch(server, STAY));
        lines.push((format!("{CONNECTIONS} stalled after {what}"), health?.resident));
    }
    let mut asks = asks(address, CONNECTIONS).await?;
    let takes = flood::closed(address, &mut asks, usize::MAX, STAY).await?;
    let (load, health) = tokio::join!(
        open(address, &mut asks, takes.rate() * TIMES, STAY),
        watch(server, STAY)
    );
    load?;
    lines.push((format!("{CONNECTIONS} busy connections"), health?.resident));
    lines.push(("afterwards".to_owned(), server.resident()?));
    running.stop()?;
    Ok(lines)
}

/// A connection on which a request was answered.
async fn asked(mut stream: TcpStream) -> Outcome<TcpStream> {
    stream
        .write_all(b"GET /health/live HTTP/1.1\r\nhost: id.example\r\n\r\n")
        .await?;
    stream.read_exact(&mut [0; 12]).await?;
    Ok(stream)
}
