//! Faults: a server is killed, its disk filled, its database locked or taken away, while clients use it; then what
//! clients were told is held against what the server remembers.
//!
//! Clients (`client.rs`) talk over HTTP alone and write down what they asked and heard (`history.rs`); `check.rs` is a pure
//! function of that. A run ends with a look at every grant that anybody ever heard of.

mod check;
mod client;
mod dice;
pub(crate) mod disk;
mod history;
pub(crate) mod kill;
mod wire;

use crate::Outcome;
use crate::flow::Person;
use crate::http::Connection;
use crate::process::Program;
use crate::world::{PEOPLE, World};
use client::{Chain, Client, Habit};
use dice::Dice;
use history::{Asked, Event, Heard, Record};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;
use wire::{Phase, Wire};

/// How many clients use the server; one more is a person who ends what hers was allowed.
const CLIENTS: usize = 8;
/// How many look at what is left in the end.
const PROBES: usize = 4;

/// Clients at work on a server that may go away.
struct Run {
    world: World,
    record: Arc<Record>,
    phase: watch::Sender<Phase>,
    clients: JoinSet<Vec<Chain>>,
    /// The one whose session looks at the end.
    person: Person,
    server: Option<Program>,
}

impl Run {
    /// Starts the server, signs people in, and sets clients to work.
    async fn begin(world: World, seed: u64) -> Outcome<Self> {
        let server = world.serve()?;
        let record = Arc::new(Record::new());
        let (phase, told) = watch::channel(Phase::Up(server.address));
        let mut people = Vec::new();
        for number in 1..=PEOPLE {
            people.push(Person::sign_in(Connection::open(server.address).await?, number).await?);
        }
        let ender = people.pop().ok_or("there is nobody")?;
        let first = people.first().ok_or("there is one person only")?;
        let person = first.on(Connection::open(server.address).await?);
        let mut clients = JoinSet::new();
        let dice = Dice::new(seed, 1000);
        clients.spawn(Client::new(&record, &told, ender, dice, Habit::Ender).run());
        for number in 0..CLIENTS {
            let Some(one) = people.get(number % people.len()) else {
                break;
            };
            let own = one.on(Connection::open(server.address).await?);
            let dice = Dice::new(seed, number as u64);
            clients.spawn(Client::new(&record, &told, own, dice, Habit::App).run());
        }
        let server = Some(server);
        Ok(Self {
            world,
            record,
            phase,
            clients,
            person,
            server,
        })
    }

    /// The server that runs.
    fn server(&self) -> Outcome<&Program> {
        self.server.as_ref().ok_or_else(|| "no server runs".into())
    }

    /// Ends the server by `how`, while clients are in the midst of it. Nobody connects any more: its port may soon be
    /// another program's.
    fn end(&mut self, how: impl FnOnce(Program) -> Outcome) -> Outcome {
        let server = self.server.take().ok_or("no server runs")?;
        if *self.phase.borrow() != Phase::Over {
            self.phase.send_replace(Phase::Down);
        }
        how(server)
    }

    /// Starts it again on the same folder.
    fn start(&mut self) -> Outcome {
        let server = self.world.serve()?;
        self.phase.send_replace(Phase::Up(server.address));
        self.server = Some(server);
        Ok(())
    }

    /// Stops the clients, kills the server once more, and looks at everything.
    async fn finish(mut self) -> Outcome<Vec<String>> {
        self.phase.send_replace(Phase::Over);
        let mut chains = Vec::new();
        while let Some(of_one) = self.clients.join_next().await {
            chains.extend(of_one?);
        }
        self.end(Program::kill)?;
        self.start()?;
        let settled = self.record.tick();
        let mut probes = JoinSet::new();
        let each = chains.len().div_ceil(PROBES).max(1);
        for part in chains.chunks(each) {
            let told = self.phase.subscribe();
            let wire = Wire::open(&self.record, told, &self.person, 1);
            let wire = wire.await.ok_or("no server to look at")?;
            probes.spawn(look(wire, part.to_vec()));
        }
        while let Some(probe) = probes.join_next().await {
            probe?;
        }
        self.list()?;
        let server = self.server.take().ok_or("no server runs")?;
        let mut wrong = check::check(&self.record.events(), settled);
        if !server.stop()? {
            wrong.push("the server did not end well".to_owned());
        }
        wrong.extend(sound(&self.world.database())?);
        print_figures(&self.record.events(), chains.len());
        Ok(wrong)
    }

    /// `hallpass grant list`, which also says that the admin socket works.
    fn list(&self) -> Outcome {
        let open = self.record.ask(Asked::List);
        let words = ["grant", "list", "--json", "--state", "active", "--limit", "10000"];
        let output = self.world.command(&words).output()?;
        if !output.status.success() {
            return Err(format!("grant list: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let found: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let found = found
            .get("grants")
            .and_then(|grants| grants.as_array())
            .ok_or("grant list answered no list")?;
        if found.len() >= 10_000 {
            return Err("there are more active grants than one list holds".into());
        }
        let texts = self.record.texts();
        let numbered = texts.iter().zip(0..);
        let codes: HashMap<Uuid, u32> = numbered
            .filter_map(|(text, number)| Some((grant_of(text)?, number)))
            .collect();
        let ids = found.iter().filter_map(|grant| grant.get("id")?.as_str()?.parse().ok());
        let listed = ids.filter_map(|id: Uuid| codes.get(&id).copied()).collect();
        self.record.hear(open, Heard::Listed(listed));
        Ok(())
    }
}

/// Asks about a grant all that can be asked.
async fn look(mut wire: Wire, chains: Vec<Chain>) {
    for chain in chains {
        let Some((access, refresh)) = chain.tokens.last().copied() else {
            wire.ask(&Asked::Redeem { code: chain.code }, 1).await;
            continue;
        };
        for (access, _) in chain.tokens.iter().rev().take(3) {
            wire.ask(&Asked::Introspect { token: *access }, 1).await;
        }
        wire.ask(&Asked::Refresh { token: refresh }, 1).await;
        wire.ask(&Asked::Introspect { token: access }, 1).await;
    }
}

/// Whether the database is whole.
fn sound(database: &Path) -> Outcome<Vec<String>> {
    let connection = rusqlite::Connection::open(database)?;
    let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    Ok(if found == "ok" {
        Vec::new()
    } else {
        vec![format!("the database is damaged: {found}")]
    })
}

/// The grant that a code speaks of.
fn grant_of(code: &str) -> Option<Uuid> {
    use hallpass::tokens::proofs::{Kind, Proof};
    Proof::parse(Kind::Code, code).map(|proof| proof.grant)
}

fn print_figures(events: &[Event], grants: usize) {
    let count = |heard: fn(&Heard) -> bool| events.iter().filter(|event| heard(&event.heard)).count();
    println!(
        "  requests {}, of unknown outcome {}, answered 503 {}, grants {grants}",
        events.len(),
        count(|heard| *heard == Heard::Nothing),
        count(|heard| *heard == Heard::Later),
    );
}

/// Fails where something is wrong, and leaves the folder to look at.
fn verdict(wrong: &[String], folder: tempfile::TempDir) -> Outcome {
    if wrong.is_empty() {
        println!("  violations 0");
        return Ok(());
    }
    for one in wrong.iter().take(30) {
        println!("  {one}");
    }
    let kept = folder.keep();
    Err(format!("violations {}; the data is in {}", wrong.len(), kept.display()).into())
}

/// A seed that no run had before.
fn seed_of_now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(1, |since| since.as_secs() % 1_000_000)
}
