//! `hallpass-lab overload`: sends more requests than the server can serve, and runs hostile clients.
//!
//! On every machine these must hold: refused requests get a complete 503 with `Retry-After`, the health endpoints stay
//! green, the server has recovered one second later, and hostile clients do not hurt well-behaved ones. Times are printed,
//! not checked: they depend on the machine. On PostgreSQL each commit is made slow, so that the database is the bottleneck.

mod client;
mod flood;
mod hostile;
pub(crate) mod memory;

use crate::Outcome;
use crate::deployment::{Deployment, Engine, Running};
use crate::flow::{Person, redemption, tokens};
use crate::http::Connection;
use crate::process::Program;
use crate::world::app;
use clap::Args;
use client::Ask;
use flood::{Figures, closed, open, watch};
use hostile::{Habit, many, streams};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How many times the capacity is sent.
const TIMES: f64 = 20.0;

#[derive(Args)]
pub(crate) struct Overload {
    /// Binary to test
    #[arg(long, value_name = "PATH")]
    hallpass: PathBuf,
    /// Database to run on
    #[arg(long, default_value = "sqlite")]
    store: Engine,
    /// Run fewer clients for a shorter time, to check behaviour and not speed
    #[arg(long)]
    quick: bool,
}

/// Makes each commit in PostgreSQL as slow as on a bad disk: it waits 0.1 s for others to join.
const SLOW: [&str; 3] = [
    "ALTER SYSTEM SET commit_delay = 100000",
    "ALTER SYSTEM SET commit_siblings = 0",
    "SELECT pg_reload_conf()",
];
/// Restores the defaults.
const QUICKER: [&str; 2] = ["ALTER SYSTEM RESET ALL", "SELECT pg_reload_conf()"];

/// The sizes of a run.
struct Size {
    time: Duration,
    connections: usize,
    idle: usize,
    slow: usize,
    burst: usize,
    /// Concurrent sign-ins, more than the queue for passwords holds.
    logins: usize,
    /// How long hostile clients stay.
    stay: Duration,
}

const QUICK: Size = Size {
    time: Duration::from_secs(1),
    connections: 200,
    idle: 500,
    slow: 100,
    burst: 100,
    logins: 320,
    stay: Duration::from_secs(1),
};

const LONG: Size = Size {
    time: Duration::from_secs(10),
    connections: 4000,
    idle: 10_000,
    slow: 2000,
    burst: 2000,
    logins: 800,
    stay: Duration::from_secs(17),
};

/// Runs the loads, and prints the results.
pub(crate) async fn run(options: Overload) -> Outcome {
    let size = if options.quick { QUICK } else { LONG };
    let folder = tempfile::tempdir()?;
    let mut deployment = Deployment::make(&options.hallpass, folder.path(), options.store, 1)?;
    for world in deployment.worlds() {
        world.set("TOKENS__GRANTS_PER_USER_AND_APP", "1000000");
    }
    let running = deployment.serve()?;
    let server = running.first()?;
    println!(
        "overload on {}: {} MiB when it has started",
        options.store.name(),
        server.resident()?.round()
    );
    let mut asks = asks(server.address, size.connections).await?;
    commits(&running, &SLOW)?;
    let mut wrong = twenty_times(server, &mut asks, &size).await?;
    commits(&running, &QUICKER)?;
    for (habit, count) in [
        (Habit::Idle, size.idle),
        (Habit::SlowHeaders, size.slow),
        (Habit::SlowBody, size.slow),
        (Habit::NeverReads, size.slow / 4),
        (Habit::HugeHeader, size.burst),
        (Habit::ManyHeaders, size.burst),
        (Habit::Churn, size.burst),
        (Habit::Logins, size.logins),
    ] {
        wrong.extend(beside(server, &mut asks, habit, count, size.stay).await?);
    }
    let answered = streams(server.address, size.burst).await?;
    println!("  {} streams on one HTTP/2 connection: {answered:?}", size.burst);
    if answered.get("200") != Some(&size.burst) {
        wrong.push("not every stream was answered".to_owned());
    }
    println!("  {} MiB in the end", server.resident()?.round());
    running.stop()?;
    if wrong.is_empty() {
        println!("  violations 0");
        return Ok(());
    }
    Err(wrong.join("\n").into())
}

fn commits(running: &Running, statements: &[&str]) -> Outcome {
    let Some(postgres) = &running.deployment.postgres else {
        return Ok(());
    };
    statements.iter().try_for_each(|statement| postgres.run(statement))
}

/// Two fifths refreshes, each of another grant; two fifths introspections; one fifth tokens of the app itself.
async fn asks(address: SocketAddr, count: usize) -> Outcome<Vec<Ask>> {
    let mut person = Person::sign_in(Connection::open(address).await?, 1).await?;
    let mut connection = Connection::open(address).await?;
    let mut asks = Vec::new();
    for number in 0..count {
        let ask = match number % 5 {
            0 | 2 => {
                let code = redemption(&person.allow().await?);
                Ask::Refresh(tokens(&connection.post("/oauth/token", &app(), &code).await?)?.refresh)
            }
            1 | 3 => {
                // Many clients can ask about the same token.
                if let Some(same) = asks.get(1).cloned() {
                    same
                } else {
                    let code = redemption(&person.allow().await?);
                    Ask::Introspect(tokens(&connection.post("/oauth/token", &app(), &code).await?)?.access)
                }
            }
            _ => Ask::ClientCredentials,
        };
        asks.push(ask);
    }
    Ok(asks)
}

async fn twenty_times(server: &Program, asks: &mut [Ask], size: &Size) -> Outcome<Vec<String>> {
    let address = server.address;
    closed(address, asks, 1, size.time / 4).await?.print("one client");
    let takes = closed(address, asks, usize::MAX, size.time / 2).await?;
    takes.print("what it takes, 64 clients");
    let (flood, health) = tokio::join!(
        open(address, asks, takes.rate() * TIMES, size.time),
        watch(server, size.time)
    );
    let (flood, health) = (flood?, health?);
    flood.print(&format!("twenty times that, {} connections", asks.len()));
    health.live.print("live meanwhile");
    health.ready.print("ready meanwhile, a new connection each time");
    println!("  {} MiB at most", health.resident.round());
    let after = closed(address, asks, usize::MAX, Duration::from_secs(1)).await?;
    after.print("the second after");
    let mut wrong = Vec::new();
    for (what, figures) in [("the load", &flood), ("live", &health.live), ("ready", &health.ready)] {
        wrong.extend(figures.odd.iter().take(3).map(|odd| format!("{what}: {odd}")));
    }
    unhurt("live", &health.live, &mut wrong);
    unhurt("ready", &health.ready, &mut wrong);
    unhurt("the second after", &after, &mut wrong);
    Ok(wrong)
}

/// Runs hostile clients, and beside them a few well-behaved ones.
async fn beside(
    server: &Program,
    asks: &mut [Ask],
    habit: Habit,
    count: usize,
    stay: Duration,
) -> Outcome<Vec<String>> {
    let address = server.address;
    let (proper, _) = asks.split_at_mut(20.min(asks.len()));
    let (tally, served, health) = tokio::join!(
        many(address, habit, count, stay),
        open(address, proper, 500.0, stay),
        watch(server, stay)
    );
    let (tally, mut served, health) = (tally?, served?, health?);
    println!(
        "  {count} × {habit:?}: {tally:?}; {} MiB at most",
        health.resident.round()
    );
    served.print("  served beside them");
    health.ready.print("  ready");
    let mut wrong = Vec::new();
    if habit == Habit::SlowHeaders {
        // The memory for headers counts for the source. Here all clients share one source, whose share may be full.
        served.later = 0;
    }
    unhurt(&format!("beside {habit:?}"), &served, &mut wrong);
    unhurt(&format!("live beside {habit:?}"), &health.live, &mut wrong);
    unhurt(&format!("ready beside {habit:?}"), &health.ready, &mut wrong);
    let expected: &[&str] = match habit {
        Habit::Idle | Habit::NeverReads => &["still connected", "closed"],
        Habit::SlowHeaders => &["still connected", "closed", "408", "431", "503"],
        Habit::StalledHeaders | Habit::StalledBody | Habit::StalledSmallBody | Habit::StalledBodyAfterHeaders => {
            &["still connected", "closed", "503"]
        }
        Habit::SlowBody => &["still connected", "closed", "400", "408"],
        Habit::HugeHeader | Habit::ManyHeaders => &["431", "closed"],
        Habit::Churn => &["200"],
        // A full queue answers 503; guessing is slowed down with 429.
        Habit::Logins => &["401", "429", "503", "still connected"],
    };
    for said in tally.keys() {
        let known = expected.contains(&said.as_str());
        let cut = said.starts_with("error: ") && habit == Habit::NeverReads;
        if !known && !cut {
            wrong.push(format!("{habit:?}: {said}"));
        }
    }
    Ok(wrong)
}

fn unhurt(what: &str, figures: &Figures, wrong: &mut Vec<String>) {
    if figures.later > 0 || !figures.odd.is_empty() || figures.served == 0 {
        let odd = figures.odd.first();
        wrong.push(format!(
            "{what}: served {}, 503 {}, {odd:?}",
            figures.served, figures.later
        ));
    }
}
