//! `hallpass-lab ha`: runs the guide's recipe for high availability under load, and takes machines away.
//!
//! Two servers of Hallpass run on three PostgreSQL machines. Each machine is a folder with etcd, Patroni and PostgreSQL
//! (`machines.rs`), configured as in the guide (`recipe.rs`). At the end, acknowledged changes are checked against the
//! database, as in every fault run. The run also measures for how long no change was acknowledged.

mod machines;
mod recipe;

use super::check::Rules;
use super::history::{Asked, Event, Heard};
use super::{Run, seed_of_now, verdict};
use crate::Outcome;
use crate::world::World;
use clap::{Args, ValueEnum};
use machines::{Machines, View};
use recipe::{Recipe, name};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// The number of servers of Hallpass.
const NODES: usize = 2;
/// How long clients work before and after each act.
const WORK: Duration = Duration::from_secs(2);
/// The longest allowed time without an acknowledged change after a machine was taken away.
const AWAY: Duration = Duration::from_secs(60);
/// How old the memory of a server may be, as the clients' clock sees it.
const STALENESS: Duration = Duration::from_millis(2200);
/// How long a primary whose Patroni hangs runs beside the new one.
const BESIDE: Duration = Duration::from_secs(15);
const CONFIGURATION: &str = "/etc/hallpass/hallpass.toml";
/// The master key of both servers: 32 bytes in base64.
const MASTER: &str = "bGFiLWxhYi1sYWItbGFiLWxhYi1sYWItbGFiLWxhYi0=";

#[derive(Args)]
pub(crate) struct Ha {
    /// Binary to test
    #[arg(long, value_name = "PATH")]
    hallpass: PathBuf,
    /// Seed, to repeat a run
    #[arg(long)]
    seed: Option<u64>,
    /// Run only these acts, in this order
    #[arg(long, value_delimiter = ',', default_values = ["primary", "primary", "standby", "switchover", "suspended", "frozen"])]
    only: Vec<Act>,
    /// Run only the death of the primary
    #[arg(long)]
    quick: bool,
}

/// What happens to the machines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Act {
    /// The primary's machine dies, and later comes back.
    Primary,
    /// The machine that may take over dies, and later comes back.
    Standby,
    /// The operator asks for another primary.
    Switchover,
    /// The primary's Patroni hangs, but its PostgreSQL runs. Later Patroni wakes.
    Suspended,
    /// The whole machine of the primary hangs, like a virtual machine that is moved; its connections stay open. Later it
    /// wakes.
    Frozen,
}

/// Performs all acts, and checks the history.
pub(crate) async fn run(options: Ha) -> Outcome {
    let seed = options.seed.unwrap_or_else(seed_of_now);
    println!("ha: {NODES} servers, seed {seed}");
    let folder = tempfile::tempdir()?;
    let machines = Machines::start(folder.path()).await?;
    let leader = machines.whole().await?.leader.ok_or("no machine leads")?;
    machines.sql(leader, &machines.recipe.shared("hallpass.sql")?)?;
    let mut worlds = Vec::new();
    for node in 0..NODES {
        worlds.push(world(
            &options.hallpass,
            &folder.path().join(format!("hp{node}")),
            &machines.recipe,
        )?);
    }
    let mut trial = Trial {
        machines,
        run: Run::begin(worlds, seed, Rules::SPLIT).await?,
        wrong: Vec::new(),
    };
    let acts = if options.quick {
        vec![Act::Primary]
    } else {
        options.only
    };
    for act in acts {
        trial.perform(act).await?;
    }
    let mut wrong = trial.run.finish().await?;
    wrong.extend(trial.wrong);
    drop(trial.machines);
    verdict(&wrong, folder)
}

/// A server configured as in the guide, plus the settings of every server of the lab.
fn world(hallpass: &Path, folder: &Path, recipe: &Recipe) -> Outcome<World> {
    let text = recipe.shared(CONFIGURATION)?;
    let (_, store) = text.split_once("[store]").ok_or("the guide has no [store]")?;
    let mut world = World::make(hallpass, folder, &format!("[store]{store}"))?;
    world.lasts();
    world.set("STORE__URL", &recipe.value(CONFIGURATION, "url")?);
    fs::create_dir_all(world.data())?;
    let secrets = [
        (
            "database.password",
            recipe.value("hallpass.sql", "CREATE ROLE hallpass LOGIN PASSWORD")?,
        ),
        ("data/master.key", MASTER.to_owned()),
    ];
    for (file, secret) in secrets {
        fs::write(folder.join(file), secret)?;
        fs::set_permissions(folder.join(file), fs::Permissions::from_mode(0o600))?;
    }
    Ok(world)
}

/// Servers under load, and their database.
struct Trial {
    machines: Machines,
    run: Run,
    /// Violations seen during the run.
    wrong: Vec<String>,
}

impl Trial {
    async fn perform(&mut self, act: Act) -> Outcome {
        let before = self.machines.whole().await?;
        let (leader, standby) = before
            .leader
            .zip(before.synchronous)
            .ok_or("no machine may take over")?;
        sleep(WORK).await;
        let from = self.run.record.tick();
        let said = match act {
            Act::Primary => self.die(leader).await?,
            Act::Standby => self.die(standby).await?,
            Act::Switchover => {
                self.machines.switch_over(leader)?;
                String::new()
            }
            Act::Suspended => {
                self.machines.signal_patroni(leader, "STOP")?;
                let said = self.beside(leader).await;
                self.machines.signal_patroni(leader, "CONT")?;
                said?
            }
            Act::Frozen => {
                self.machines.signal(leader, "STOP")?;
                let said = self.beside(leader).await;
                self.machines.signal(leader, "CONT")?;
                said?
            }
        };
        self.acknowledged_again(self.run.record.tick()).await?;
        let after = self.machines.whole().await?;
        sleep(WORK).await;
        self.run.calm();
        let moved = match (act, after.leader) {
            (Act::Standby, now) => now == Some(leader),
            (_, now) => now == Some(standby),
        };
        if !moved {
            self.wrong.push(format!("{act:?}: {before:?} became {after:?}"));
        }
        self.sum_up(act, (leader, after.leader.unwrap_or(leader)), from, &said);
        Ok(())
    }

    /// Kills a machine, and starts it again after another has taken over.
    async fn die(&mut self, machine: usize) -> Outcome<String> {
        let died = self.run.record.tick();
        self.machines.kill(machine)?;
        self.acknowledged_again(died).await?;
        sleep(WORK).await;
        let begun = Instant::now();
        self.machines.revive(machine)?;
        self.machines.whole().await?;
        Ok(format!(
            "; all three again {} s after its return",
            begun.elapsed().as_secs()
        ))
    }

    /// Waits for another primary, and until the old one has run beside it for a while.
    async fn beside(&self, old: usize) -> Outcome<String> {
        let another = |view: View| view.leader.is_some_and(|now| now != old) && view.synchronous.is_some();
        self.machines.wait(another).await?;
        let from = self.run.record.tick();
        sleep(BESIDE).await;
        let events = self.run.record.events();
        let changes = events.iter().filter(|event| event.sent > from && is_change(event));
        Ok(format!(
            "; {} codes redeemed while two stood side by side for {} s",
            changes.count(),
            BESIDE.as_secs()
        ))
    }

    /// Waits until a change that was requested after that tick is acknowledged.
    async fn acknowledged_again(&self, after: u64) -> Outcome {
        let begun = Instant::now();
        loop {
            let events = self.run.record.events();
            let found = events.iter().rev().take_while(|event| event.received > after);
            if found.into_iter().any(|event| event.sent > after && is_change(event)) {
                return Ok(());
            }
            if begun.elapsed() > AWAY {
                return Err(format!("no change is acknowledged any more: {:?}", self.machines.view().await).into());
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// Prints what clients noticed since that tick.
    fn sum_up(&mut self, act: Act, leaders: (usize, usize), from: u64, said: &str) {
        let events = self.run.record.events();
        let meanwhile: Vec<&Event> = events.iter().filter(|event| event.received > from).collect();
        let count = |heard: &Heard| meanwhile.iter().filter(|event| event.heard == *heard).count();
        let (begun, pause) = pause(&events, from);
        let longest = meanwhile.iter().map(|event| event.received_at - event.sent_at).max();
        if pause > AWAY {
            self.wrong
                .push(format!("{act:?}: no change was acknowledged for {} s", pause.as_secs()));
        }
        println!(
            "  {act:?}, {} to {}: nothing acknowledged for {:.1} s, checks after two of them {}; 503 {}, no answer {}, longest \
             answer {:.1} s{said}",
            name(leaders.0),
            name(leaders.1),
            pause.as_secs_f64(),
            checks(&meanwhile, (begun, pause)),
            count(&Heard::Later),
            count(&Heard::Nothing),
            longest.unwrap_or_default().as_secs_f64(),
        );
    }
}

/// The longest time without a change, starting from the last change before that tick: its begin and its length.
fn pause(events: &[Event], from: u64) -> (Duration, Duration) {
    let mut changes: Vec<&Event> = events.iter().filter(|event| is_change(event)).collect();
    changes.sort_by_key(|event| event.received);
    let begin = changes
        .partition_point(|event| event.received <= from)
        .saturating_sub(1);
    let pairs = changes.iter().zip(changes.iter().skip(1)).skip(begin);
    let pauses = pairs.map(|(one, next)| (one.received_at, next.received_at.saturating_sub(one.received_at)));
    pauses.max_by_key(|(_, length)| *length).unwrap_or_default()
}

/// The number of token checks answered in a pause, later than memory may be used.
fn checks(events: &[&Event], (begun, length): (Duration, Duration)) -> usize {
    let within = |event: &&&Event| event.sent_at > begun + STALENESS && event.received_at < begun + length;
    let answered = events
        .iter()
        .filter(|event| matches!(event.heard, Heard::Active(_)) && matches!(event.asked, Asked::Introspect { .. }));
    answered.filter(within).count()
}

/// Whether the event shows a change of the database: the first answer to a code.
fn is_change(event: &Event) -> bool {
    matches!(event.asked, Asked::Redeem { .. }) && matches!(event.heard, Heard::Tokens { .. })
}
