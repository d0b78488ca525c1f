//! Begins and ends each fault.

use super::Kind;
use super::crowd::Crowd;
use super::disk::Disk;
use super::split::Split;
use crate::Outcome;
use crate::faults::Run;
use crate::faults::dice::Dice;
use crate::faults::wire::Standing;
use crate::nodes::proxy::Weather;
use crate::nodes::{DATABASE, Deployment, address};
use crate::process::Program;
use crate::tree;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How far a node's clock is moved, in seconds: a small error that NTP corrects slowly, the gap after a suspended machine,
/// a wrong time zone, a wrong day.
const JUMPS: [i64; 8] = [-3, 3, -30, 30, -3_600, 3_600, -259_200, 259_200];
/// Transactions that are older than the given age, or wait inside one.
const UNDER_WAY: &str = "SELECT state, now() - xact_start, wait_event, client_port, query FROM pg_stat_activity WHERE backend_type = 'client backend' AND state <> 'idle' \
                         AND pid <> pg_backend_pid() AND xact_start < clock_timestamp() - interval '2 s'";
/// How long these may take to end after a fault.
const PATIENCE: Duration = Duration::from_secs(20);

/// The resources for faults.
pub(super) struct Fault {
    pub(super) deployment: Deployment,
    /// The files that set the clock of each node, if clocks can be set.
    pub(super) clocks: Vec<PathBuf>,
    pub(super) split: Option<Split>,
    pub(super) crowd: Option<Crowd>,
    /// The disk of the database. Dropped last.
    pub(super) disk: Option<Disk>,
}

impl Fault {
    /// Begins a fault. Returns its strength, in words.
    pub(super) async fn begin(&mut self, kind: Kind, victim: usize, run: &mut Run, dice: &mut Dice) -> Outcome<String> {
        let proxy = self.deployment.proxy(victim)?;
        if kind.is_of_one_node() {
            run.stand(victim, Standing::Troubled(run.server(victim)?.address));
        }
        match kind {
            Kind::NodeKilled => run.end(victim, Program::kill)?,
            Kind::NodeSuspended => run.server(victim)?.signal("STOP")?,
            Kind::DatabaseKilled => self.deployment.cluster.kill()?,
            Kind::DatabaseSuspended => self.signal_database("STOP")?,
            Kind::Cut => {
                proxy.weather(Weather::Refused);
                proxy.cut();
            }
            Kind::Held => proxy.weather(Weather::Held),
            Kind::Lost => proxy.weather(Weather::Lost),
            Kind::Slow => {
                let (latency, rate) = (20 + dice.below(150), 20_000 + dice.below(200_000));
                proxy.weather(Weather::Slow(
                    Duration::from_millis(latency as u64),
                    u32::try_from(rate)?,
                ));
                return Ok(format!("by {latency} ms, {} kB/s, ", rate / 1000));
            }
            Kind::Unanswered => proxy.weather(Weather::Unanswered),
            Kind::Late => {
                let late = Duration::from_millis(500) + dice.within(Duration::from_secs(3));
                proxy.weather(Weather::Late(late));
                return Ok(format!("by {} ms, ", late.as_millis()));
            }
            Kind::Crowded => {
                self.crowd = Some(Crowd::gather(address(&self.deployment.cluster)));
                sleep(Duration::from_millis(300)).await;
                self.deployment.proxies.iter().for_each(crate::nodes::proxy::Proxy::cut);
            }
            Kind::Clock => {
                let jump = JUMPS.get(dice.below(JUMPS.len())).copied().unwrap_or_default();
                self.set_clock(victim, jump)?;
                return Ok(format!("by {jump} s, "));
            }
            Kind::Full => {
                self.disk.as_ref().ok_or("there is no small disk")?.fill()?;
                // The database soon needs a new file for its log. Failing to get one may end the database.
                let _ = self.deployment.cluster.sql(DATABASE, "SELECT pg_switch_wal()");
            }
            Kind::Split => {
                let split = self.split.as_ref().ok_or("there is no standby")?;
                return split.begin(&self.deployment, victim, dice).await;
            }
        }
        Ok(String::new())
    }

    /// Ends a fault.
    pub(super) async fn end(&mut self, kind: Kind, victim: usize, run: &mut Run) -> Outcome {
        let proxy = self.deployment.proxy(victim)?;
        match kind {
            Kind::NodeKilled => run.start(victim)?,
            Kind::NodeSuspended => run.server(victim)?.signal("CONT")?,
            Kind::DatabaseKilled => self.deployment.cluster.resume()?,
            Kind::DatabaseSuspended => self.signal_database("CONT")?,
            Kind::Cut | Kind::Held | Kind::Lost | Kind::Slow | Kind::Unanswered | Kind::Late => {
                proxy.weather(Weather::Fair);
            }
            Kind::Crowded => self.crowd = None,
            Kind::Clock => self.set_clock(victim, 0)?,
            Kind::Full => {
                self.disk.as_ref().ok_or("there is no small disk")?.empty()?;
                self.deployment.cluster.resume()?;
            }
            Kind::Split => {
                let split = self.split.take().ok_or("there is no standby")?;
                split.end(&mut self.deployment)?;
            }
        }
        run.stand(victim, Standing::Up(run.server(victim)?.address));
        Ok(())
    }

    /// Waits until the database has no old transactions.
    pub(super) async fn quiet(&self) -> Outcome {
        let begun = Instant::now();
        loop {
            match self.deployment.cluster.sql(DATABASE, UNDER_WAY) {
                Ok(none) if none.is_empty() => return Ok(()),
                Err(reason) if begun.elapsed() > PATIENCE => return Err(reason.into()),
                Ok(found) if begun.elapsed() > PATIENCE => {
                    return Err(format!("the database still runs statements from the fault: {found}").into());
                }
                _ => sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn signal_database(&self, name: &str) -> Outcome {
        let postmaster = self.deployment.cluster.id().ok_or("the database does not run")?;
        for process in tree::all(postmaster)? {
            // A process that has ended since needs no signal.
            let _ = hallpass_cluster::signal(process, name);
        }
        Ok(())
    }

    fn set_clock(&self, node: usize, seconds: i64) -> Outcome {
        let clock = self.clocks.get(node).ok_or("clocks cannot be set here")?;
        // Replaces the file in one step, so that no reader finds half of it.
        let next = clock.with_extension("next");
        fs::write(&next, format!("{seconds:+}s\n"))?;
        Ok(fs::rename(&next, clock)?)
    }
}
