//! `hallpass-lab disk`: a disk that is full or refuses writes, or a database that is locked or missing, under load.
//!
//! During a fault, no request that needs the disk is acknowledged: it gets 503 with `Retry-After`. Requests that need no
//! disk are served, and the health endpoints report the fault. After the fault the server recovers by itself, and has
//! everything that it acknowledged.

use super::check::Rules;
use super::kill::world;
use super::{Run, seed_of_now, verdict};
use crate::Outcome;
use crate::flow::{form, refreshing, tokens};
use crate::http::{Connection, Sent};
use crate::process::Program;
use crate::world::app;
use clap::{Args, ValueEnum};
use fault::Fault;
use http::header;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::time::sleep;

pub(super) mod fault;

/// How long a fault lasts.
const LASTS: Duration = Duration::from_secs(3);
/// How long the server may need to recover after a fault.
const RECOVERS: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(crate) struct Disk {
    /// Binary to test
    #[arg(long, value_name = "PATH")]
    hallpass: PathBuf,
    /// Seed, to repeat a run
    #[arg(long)]
    seed: Option<u64>,
    /// Run only these faults
    #[arg(long, value_delimiter = ',')]
    only: Vec<Kind>,
    /// Rounds of each fault
    #[arg(long, default_value_t = 1)]
    rounds: u64,
}

/// The kind of a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Kind {
    /// No space is left.
    Full,
    /// The files cannot be written any more.
    Readonly,
    /// Another process holds the lock of the database.
    Locked,
    /// Another file has replaced the database.
    Replaced,
    /// The database was moved away.
    Absent,
}

/// Runs each fault, and checks the history.
pub(crate) async fn run(options: Disk) -> Outcome {
    let seed = options.seed.unwrap_or_else(seed_of_now);
    println!("disk: seed {seed}");
    for round in 0..options.rounds {
        for kind in Kind::value_variants() {
            if options.only.is_empty() || options.only.contains(kind) {
                one(&options.hallpass, *kind, seed + round).await?;
            }
        }
    }
    Ok(())
}

async fn one(hallpass: &std::path::Path, kind: Kind, seed: u64) -> Outcome {
    let folder = tempfile::tempdir()?;
    let fault = match Fault::prepare(kind, folder.path()) {
        Ok(fault) => fault,
        Err(reason) => {
            // On standard error, so that readers of the log see that it did not run.
            eprintln!("  SKIPPED {kind:?}: {reason}");
            println!("  SKIPPED {kind:?}: {reason}");
            return Ok(());
        }
    };
    println!("  {kind:?}");
    let world = world(hallpass, &folder.path().join("world"))?;
    let mut run = Run::begin(vec![world], seed, Rules::ONE).await?;
    let mut witness = Witness::begin(&mut run).await?;
    sleep(Duration::from_millis(500)).await;
    let mut wrong = witness.in_peace().await;
    let data = run.world(0)?.data();
    fault.begin(&data)?;
    wrong.extend(witness.during(kind).await);
    fault.end(&data)?;
    wrong.extend(witness.recovery().await);
    if matches!(kind, Kind::Full | Kind::Readonly) {
        fault.begin(&data)?;
        run.end(0, Program::kill)?;
        start_meanwhile(&run)?;
        fault.end(&data)?;
        run.start(0)?;
        witness.connect(&run).await?;
        wrong.extend(witness.recovery().await);
    }
    sleep(Duration::from_millis(500)).await;
    wrong.extend(run.finish().await?);
    drop(fault);
    verdict(&wrong, folder)
}

/// A start during the fault succeeds or ends with a message. It does no damage, which the end of the run shows.
fn start_meanwhile(run: &Run) -> Outcome {
    match run.world(0)?.serve() {
        // The writes of a start may fit into free pages of the files.
        Ok(server) => server.kill(),
        Err(refusal) => {
            let said: String = refusal.to_string().chars().take(120).collect();
            println!("    a start during the fault: {said}");
            Ok(())
        }
    }
}

/// Watches the server from outside the load.
struct Witness {
    connection: Connection,
    /// The access token of its own grant.
    access: String,
    refresh: String,
}

impl Witness {
    async fn begin(run: &mut Run) -> Outcome<Self> {
        let mut connection = Connection::open(run.server(0)?.address).await?;
        let code = run.person.allow().await?;
        let tokens = tokens(
            &connection
                .post("/oauth/token", &app(), &crate::flow::redemption(&code))
                .await?,
        )?;
        Ok(Self {
            connection,
            access: tokens.access,
            refresh: tokens.refresh,
        })
    }

    async fn connect(&mut self, run: &Run) -> Outcome {
        self.connection = Connection::open(run.server(0)?.address).await?;
        Ok(())
    }

    async fn in_peace(&mut self) -> Vec<String> {
        let mut wrong = self.reads().await;
        wrong.extend(self.expect("GET /health/ready", 200).await);
        wrong.extend(self.expect("refresh", 200).await);
        wrong
    }

    async fn during(&mut self, kind: Kind) -> Vec<String> {
        let (begun, mut wrong, mut refused) = (Instant::now(), Vec::new(), 0);
        while begun.elapsed() < LASTS {
            wrong.extend(self.reads().await);
            match self.ask("refresh").await {
                Ok((200, _)) => {}
                Ok((503, true)) => refused += 1,
                other => wrong.push(format!("a refresh while {kind:?}: {other:?}")),
            }
            sleep(Duration::from_millis(50)).await;
        }
        println!("    refreshes refused with 503 during the fault: {refused}");
        if refused == 0 {
            wrong.push(format!("{kind:?} affected no request: the fault did not happen"));
        }
        wrong.extend(self.expect("GET /health/ready", 503).await);
        wrong
    }

    /// Waits until the server is ready by itself, and checks that everything works.
    async fn recovery(&mut self) -> Vec<String> {
        let begun = Instant::now();
        while self.expect("GET /health/ready", 200).await.is_some() {
            if begun.elapsed() > RECOVERS {
                return vec!["the server did not recover in time".to_owned()];
            }
            sleep(Duration::from_millis(10)).await;
        }
        println!("    ready again after {} ms", begun.elapsed().as_millis());
        self.in_peace().await
    }

    /// Checks requests that need no disk: introspection, a token of the app itself, liveness.
    async fn reads(&mut self) -> Vec<String> {
        let mut wrong = Vec::new();
        for what in ["introspection", "client_credentials", "GET /health/live"] {
            wrong.extend(self.expect(what, 200).await);
        }
        wrong
    }

    async fn expect(&mut self, what: &str, status: u16) -> Option<String> {
        match self.ask(what).await {
            Ok((found, _)) if found == status => None,
            other => Some(format!("{what} should answer {status}: {other:?}")),
        }
    }

    /// The status of the answer, and whether it had `Retry-After`.
    async fn ask(&mut self, what: &str) -> Result<(u16, bool), String> {
        let token = [("token", self.access.as_str())];
        let (path, body) = match what {
            "introspection" => ("/oauth/introspect", form(&token)),
            "client_credentials" => ("/oauth/token", form(&[("grant_type", "client_credentials")])),
            "refresh" => ("/oauth/token", refreshing(&self.refresh)),
            _ => (what.trim_start_matches("GET "), String::new()),
        };
        let answer = if body.is_empty() {
            self.connection.send(path, Sent::default()).await
        } else {
            self.connection.post(path, &app(), &body).await
        };
        let answer = answer.map_err(|error| error.to_string())?;
        if let Ok(fresh) = tokens(&answer) {
            (self.access, self.refresh) = (fresh.access, fresh.refresh);
        }
        if what == "introspection" && answer.flag("active") != Some(true) {
            return Err(format!("{} {}", answer.status, answer.text()));
        }
        Ok((answer.status, answer.header(header::RETRY_AFTER).is_some()))
    }
}
