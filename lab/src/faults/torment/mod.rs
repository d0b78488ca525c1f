//! `hallpass-lab torment`: takes nodes, the database or the network away from several nodes on one PostgreSQL, under load.
//!
//! Clients send each request to another node. Beside them a witness has access ended during the fault, at a healthy node,
//! and asks every node about it continuously, including the node that is suspended, cut off, or has a wrong clock. At the
//! end all answers are checked against the model (`check.rs`).

mod crowd;
mod disk;
mod fault;
mod ground;
mod split;
mod witness;

use super::check::Rules;
use super::dice::Dice;
use super::history::{Asked, Event, Heard};
use super::{Run, seed_of_now, verdict};
use crate::Outcome;
use crate::http::{Connection, Sent};
use clap::{Args, ValueEnum};
use fault::Fault;
use ground::Ground;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::time::sleep;
use witness::Witness;

/// How long nodes may need to be ready again after a fault.
const RECOVERS: Duration = Duration::from_secs(15);

#[derive(Args)]
pub(crate) struct Torment {
    /// Binary to test
    #[arg(long, value_name = "PATH")]
    hallpass: PathBuf,
    /// Number of nodes
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(2..=8))]
    nodes: u64,
    /// Seed, to repeat a run
    #[arg(long)]
    seed: Option<u64>,
    /// Rounds of each fault
    #[arg(long, default_value_t = 1)]
    rounds: u64,
    /// Run only these faults
    #[arg(long, value_delimiter = ',')]
    only: Vec<Kind>,
    /// Highest number of faults per shared deployment, drawn at random
    #[arg(long)]
    most: Option<usize>,
    /// Longest run, in seconds; the output says what was left out
    #[arg(long, default_value_t = 1800)]
    seconds: u64,
}

/// The kind of a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Kind {
    /// A node is killed.
    NodeKilled,
    /// A node is suspended, and woken.
    NodeSuspended,
    /// The database is killed.
    DatabaseKilled,
    /// The database and all its processes are suspended.
    DatabaseSuspended,
    /// A node's connections to the database are reset, and it can make no new ones.
    Cut,
    /// No data passes between a node and the database; later it continues.
    Held,
    /// Data between a node and the database is dropped, and no connection is closed.
    Lost,
    /// All data between a node and the database is slow.
    Slow,
    /// A node's changes are made, and the answers are lost.
    Unanswered,
    /// A node's commits become visible late.
    Late,
    /// Other clients have taken all connections that the database allows.
    Crowded,
    /// A node's clock is moved.
    Clock,
    /// The database's disk is full.
    Full,
    /// A primary is cut off from its standby, which is promoted. One node still uses the old primary.
    Split,
}

impl Kind {
    /// Whether the fault affects one node, so that the others must not notice.
    fn is_of_one_node(self) -> bool {
        !matches!(
            self,
            Kind::DatabaseKilled | Kind::DatabaseSuspended | Kind::Crowded | Kind::Full | Kind::Split
        )
    }
}

/// Runs each fault, and checks the history.
pub(crate) async fn run(options: Torment) -> Outcome {
    let seed = options.seed.unwrap_or_else(seed_of_now);
    println!("torment: {} nodes, seed {seed}", options.nodes);
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let mut failed = Vec::new();
    for ground in Ground::ALL {
        let kinds = Kind::value_variants().iter().copied();
        let wanted = |kind: &Kind| options.only.is_empty() || options.only.contains(kind);
        let kinds: Vec<Kind> = kinds
            .filter(wanted)
            .filter(|kind| Ground::of(*kind) == ground)
            .collect();
        // A promoted standby cannot be demoted, so each round needs a new pair.
        let (times, rounds) = match ground {
            Ground::Split => (options.rounds, 1),
            _ => (1, options.rounds),
        };
        for number in (0..times).filter(|_| !kinds.is_empty()) {
            let plan = Plan {
                kinds: kinds.clone(),
                most: options.most.unwrap_or(kinds.len()),
                rounds,
                seed: seed + number,
                end,
            };
            // A violation in one deployment must not prevent the other runs.
            if let Err(reason) = on(&options, ground, plan).await {
                eprintln!("  {ground:?}: {reason}");
                failed.push(format!("{ground:?}: {reason}"));
            }
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(failed.join("; ").into()),
    }
}

/// The faults for one deployment.
struct Plan {
    kinds: Vec<Kind>,
    most: usize,
    rounds: u64,
    seed: u64,
    end: Instant,
}

/// Runs the rounds that share a deployment.
async fn on(options: &Torment, ground: Ground, plan: Plan) -> Outcome {
    let Plan {
        kinds,
        most,
        rounds,
        seed,
        end,
    } = plan;
    let folder = tempfile::tempdir()?;
    let nodes = usize::try_from(options.nodes)?;
    let prepared = match ground.prepare(folder.path(), nodes, &options.hallpass).await {
        Ok(prepared) => prepared,
        Err(reason) => {
            // On standard error, so that readers of the log see that it did not run.
            eprintln!("  SKIPPED {kinds:?}: {reason}");
            println!("  SKIPPED {kinds:?}: {reason}");
            return Ok(());
        }
    };
    let rules = if ground == Ground::Split {
        Rules::SPLIT
    } else {
        Rules::NODES
    };
    let worlds = prepared.worlds;
    let mut torture = Torture {
        run: Run::begin(worlds, seed, rules).await?,
        fault: prepared.fault,
        dice: Dice::new(seed, 7 + ground as u64),
        wrong: Vec::new(),
    };
    for round in 0..rounds {
        if Instant::now() > end {
            println!("  out of time: {round} rounds of {rounds}");
            break;
        }
        for kind in torture.dice.shuffled(&kinds).into_iter().take(most) {
            torture.round(kind).await?;
        }
    }
    let mut wrong = torture.run.finish().await?;
    wrong.extend(torture.wrong);
    drop(torture.fault);
    verdict(&wrong, folder)
}

/// Nodes under load and faults.
struct Torture {
    run: Run,
    fault: Fault,
    dice: Dice,
    /// Violations seen during the run.
    wrong: Vec<String>,
}

impl Torture {
    async fn round(&mut self, kind: Kind) -> Outcome {
        let victim = self.dice.below(self.run.nodes.len());
        let well = (victim + 1) % self.run.nodes.len();
        let mut witness = Witness::begin(&mut self.run).await?;
        sleep(self.dice.within(Duration::from_millis(500))).await;
        let lasts = Duration::from_millis(2200) + self.dice.within(Duration::from_millis(1300));
        let from = self.run.record.tick();
        let what = self.fault.begin(kind, victim, &mut self.run, &mut self.dice).await?;
        let begun = Instant::now();
        witness.revoke(well);
        sleep(lasts / 2).await;
        witness.revoke(well);
        sleep((lasts / 2).saturating_sub(Duration::from_millis(200))).await;
        witness.revoke(well);
        sleep(lasts.saturating_sub(begun.elapsed())).await;
        let to = self.run.record.tick();
        self.fault.end(kind, victim, &mut self.run).await?;
        witness.revoke(victim);
        let recovered = self.recovery(kind).await;
        self.fault.quiet().await?;
        witness.finish(&mut self.run).await?;
        self.run.calm();
        self.sum_up(kind, victim, &what, (from, to), recovered);
        Ok(())
    }

    /// Waits until every node is ready by itself. Returns how long it took.
    async fn recovery(&mut self, kind: Kind) -> Duration {
        let begun = Instant::now();
        for node in 0..self.run.nodes.len() {
            while !self.is_ready(node).await {
                if begun.elapsed() > RECOVERS {
                    self.wrong
                        .push(format!("after {kind:?} node {node} did not become ready"));
                    break;
                }
                sleep(Duration::from_millis(10)).await;
            }
        }
        begun.elapsed()
    }

    async fn is_ready(&self, node: usize) -> bool {
        let Ok(server) = self.run.server(node) else {
            return false;
        };
        let asked = async {
            let mut connection = Connection::open(server.address).await?;
            connection.send("/health/ready", Sent::default()).await
        };
        let answer = tokio::time::timeout(Duration::from_secs(5), asked).await;
        matches!(answer, Ok(Ok(answer)) if answer.status == 200)
    }

    /// Prints what happened between these ticks, and checks that the other nodes were not affected.
    fn sum_up(&mut self, kind: Kind, victim: usize, what: &str, between: (u64, u64), recovered: Duration) {
        let events = self.run.record.events();
        let meanwhile: Vec<&Event> = events
            .iter()
            .filter(|event| event.sent > between.0 && event.received < between.1)
            .collect();
        let count = |found: &dyn Fn(&Event) -> bool| meanwhile.iter().filter(|event| found(event)).count();
        let changed = |event: &Event| {
            let change = matches!(event.asked, Asked::Refresh { .. } | Asked::Redeem { .. });
            change && matches!(event.heard, Heard::Tokens { .. })
        };
        let here = count(&|event| event.node == victim && changed(event));
        let elsewhere = count(&|event| event.node != victim && changed(event));
        let later = count(&|event| event.heard == Heard::Later);
        let nothing = count(&|event| event.heard == Heard::Nothing);
        println!(
            "  {kind:?} {what}node {victim}: changes {here} there, {elsewhere} elsewhere, 503 {later}, no answer {nothing}; ready \
             after {} ms",
            recovered.as_millis()
        );
        if kind.is_of_one_node() && elsewhere == 0 {
            self.wrong
                .push(format!("{kind:?} of node {victim} delayed the other nodes"));
        }
        if !kind.is_of_one_node() && later + nothing == 0 {
            self.wrong
                .push(format!("{kind:?} affected no request: the fault did not happen"));
        }
    }
}
