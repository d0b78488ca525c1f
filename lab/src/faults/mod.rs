//! Fault runs: while clients use a server, the server is killed, its disk is filled, or its database is locked or taken
//! away. Then the answers that clients got are checked against the state of the server.
//!
//! Clients (`client.rs`) use HTTP only, and record each request and answer (`history.rs`); `check.rs` is a pure function of
//! the record. A run ends with a request about every grant that any client ever had.

mod check;
mod client;
mod dice;
pub(crate) mod disk;
pub(crate) mod ha;
mod history;
mod interrupted;
pub(crate) mod keeper;
pub(crate) mod kill;
pub(crate) mod torment;
pub(crate) mod upgrade;
mod wire;

use crate::Outcome;
use crate::flow::Person;
use crate::http::Connection;
use crate::process::Program;
use crate::world::{PEOPLE, World};
use check::Rules;
use client::{Chain, Client, Habit};
use dice::Dice;
use history::{Asked, Event, Heard, Record};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;
use wire::{Phase, Standing, Wire};

/// The number of clients. One more is a person who ends the access that she gave.
const CLIENTS: usize = 8;
/// The number of probes that check all grants at the end.
const PROBES: usize = 4;

/// Clients at work on nodes that may fail.
struct Run {
    nodes: Vec<Node>,
    rules: Rules,
    record: Arc<Record>,
    phase: watch::Sender<Phase>,
    clients: JoinSet<Vec<Chain>>,
    /// The person whose session is checked at the end.
    person: Person,
    /// Grants of others than clients, to be checked at the end.
    others: Vec<Chain>,
    dice: Dice,
}

/// A node: its configuration, and its process while it runs.
struct Node {
    world: World,
    server: Option<Program>,
}

impl Run {
    /// Starts the nodes, signs people in, and starts the clients.
    async fn begin(worlds: Vec<World>, seed: u64, rules: Rules) -> Outcome<Self> {
        let mut nodes = Vec::new();
        for world in worlds {
            let server = Some(world.serve()?);
            nodes.push(Node { world, server });
        }
        let standing: Vec<Standing> = nodes.iter().map(Node::standing).collect();
        let first = nodes.first().and_then(|node| node.server.as_ref());
        let address = first.ok_or("there is no node")?.address;
        let (phase, _) = watch::channel(Phase {
            nodes: standing,
            over: false,
        });
        let mut people = Vec::new();
        for number in 1..=PEOPLE {
            people.push(Person::sign_in(Connection::open(address).await?, number).await?);
        }
        let person = people.first().ok_or("there is no person to sign in")?;
        let person = person.on(Connection::open(address).await?);
        let mut run = Self {
            nodes,
            rules,
            record: Arc::new(Record::new()),
            phase,
            clients: JoinSet::new(),
            person,
            others: Vec::new(),
            dice: Dice::new(seed, 2000),
        };
        let ender = people.pop().ok_or("there is no person to sign in")?;
        run.set_to_work(ender, Habit::Ender, Dice::new(seed, 1000));
        for number in 0..CLIENTS {
            let Some(one) = people.get(number % people.len()) else {
                break;
            };
            let own = one.on(Connection::open(address).await?);
            run.set_to_work(own, Habit::App, Dice::new(seed, number as u64));
        }
        Ok(run)
    }

    fn set_to_work(&mut self, person: Person, habit: Habit, dice: Dice) {
        let wire = Wire::new(&self.record, self.phase.subscribe(), person, dice.clone());
        let wire = match habit {
            // An end that is carried out late would also end what was connected in the meantime, so this person waits for
            // answers.
            Habit::Ender => wire.patient(),
            Habit::App => wire,
        };
        self.clients.spawn(Client::new(wire, dice, habit).run());
    }

    /// Connects one more client to the nodes.
    async fn wire(&mut self, stream: u64) -> Outcome<Wire> {
        let up = self.nodes.iter().find_map(|node| node.server.as_ref());
        let person = self
            .person
            .on(Connection::open(up.ok_or("no node runs")?.address).await?);
        let dice = self.dice.branch(stream);
        Ok(Wire::new(&self.record, self.phase.subscribe(), person, dice))
    }

    fn node(&self, node: usize) -> Outcome<&Node> {
        self.nodes
            .get(node)
            .ok_or_else(|| format!("there is no node {node}").into())
    }

    /// The configuration of a node.
    fn world(&self, node: usize) -> Outcome<&World> {
        Ok(&self.node(node)?.world)
    }

    /// The process of a running node.
    fn server(&self, node: usize) -> Outcome<&Program> {
        let server = self.node(node)?.server.as_ref();
        server.ok_or_else(|| format!("node {node} does not run").into())
    }

    /// Ends a node with `how` while clients are using it. Nobody connects to it any more: another program may soon get its
    /// port.
    fn end(&mut self, node: usize, how: impl FnOnce(Program) -> Outcome) -> Outcome {
        self.stand(node, Standing::Down);
        let node = self.nodes.get_mut(node).ok_or("there is no such node")?;
        how(node.server.take().ok_or("the node does not run")?)
    }

    /// Starts a node again with the same folder.
    fn start(&mut self, node: usize) -> Outcome {
        let started = self.nodes.get_mut(node).ok_or("there is no such node")?;
        started.server = Some(started.world.serve()?);
        let standing = started.standing();
        self.stand(node, standing);
        Ok(())
    }

    /// Lets a node run another version from its next start on.
    fn becomes(&mut self, node: usize, hallpass: &Path) -> Outcome {
        let node = self.nodes.get_mut(node).ok_or("there is no such node")?;
        node.world.becomes(hallpass);
        Ok(())
    }

    fn stand(&self, node: usize, how: Standing) {
        self.phase.send_modify(|phase| {
            if let Some(standing) = phase.nodes.get_mut(node) {
                *standing = how;
            }
        });
    }

    /// Stops the clients, kills the first node once more, and checks everything. Returns the violations.
    async fn finish(mut self) -> Outcome<Vec<String>> {
        self.phase.send_modify(|phase| phase.over = true);
        let mut chains = std::mem::take(&mut self.others);
        while let Some(of_one) = self.clients.join_next().await {
            chains.extend(of_one?);
        }
        self.phase.send_modify(|phase| phase.over = false);
        self.end(0, Program::kill)?;
        self.start(0)?;
        // By then, open requests are settled and known everywhere.
        tokio::time::sleep(self.rules.memory).await;
        self.calm();
        let settled = self.record.tick();
        let mut probes = JoinSet::new();
        let each = chains.len().div_ceil(PROBES).max(1);
        for (part, stream) in chains.chunks(each).zip(1..) {
            probes.spawn(look(self.wire(stream).await?, part.to_vec()));
        }
        while let Some(probe) = probes.join_next().await {
            probe?;
        }
        let listed = self.list();
        let found = check::check(&self.record.events(), settled, self.rules);
        let mut wrong = found.wrong;
        wrong.extend(
            listed
                .err()
                .map(|reason| format!("failed to list the grants: {reason}")),
        );
        for node in &mut self.nodes {
            if !node.server.take().ok_or("the node does not run")?.stop()? {
                wrong.push("the server did not stop cleanly".to_owned());
            }
            if !node.world.is_shared() {
                wrong.extend(sound(&node.world.database())?);
            }
        }
        print_figures(&self.record.events(), chains.len());
        if !wrong.is_empty()
            && let Err(error) = self.tell()
        {
            // The disk may be small on purpose. The violations matter more.
            println!("  failed to write the history: {error}");
        }
        if !found.latest.is_zero() {
            println!(
                "  a token was last called active {} ms after its end was acknowledged elsewhere",
                found.latest.as_millis()
            );
        }
        Ok(wrong)
    }

    /// Writes the whole history beside the first node's data.
    fn tell(&self) -> Outcome {
        let line = |event: &Event| {
            let (from, to) = (event.sent_at.as_millis(), event.received_at.as_millis());
            let Event { node, asked, heard, .. } = event;
            format!(
                "{}..{} {from}..{to} ms node {node} {asked:?} {heard:?}\n",
                event.sent, event.received
            )
        };
        let lines: String = self.record.events().iter().map(line).collect();
        Ok(std::fs::write(self.world(0)?.folder.join("history"), lines)?)
    }

    /// Notes that no request is open any more.
    fn calm(&self) {
        self.record.hear(self.record.ask(0, Asked::Calm), Heard::Done);
    }

    /// Runs `hallpass grant list`, which also checks that the admin socket works.
    fn list(&self) -> Outcome {
        let open = self.record.ask(0, Asked::List);
        let words = ["grant", "list", "--json", "--state", "active", "--limit", "10000"];
        let output = self.world(0)?.command(&words).output()?;
        if !output.status.success() {
            return Err(format!("grant list: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let found: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let found = found
            .get("grants")
            .and_then(|grants| grants.as_array())
            .ok_or("the output of grant list has no list of grants")?;
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

impl Node {
    fn standing(&self) -> Standing {
        self.server
            .as_ref()
            .map_or(Standing::Down, |server| Standing::Up(server.address))
    }
}

/// Sends every kind of request about a grant.
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

/// Checks the integrity of the database.
fn sound(database: &Path) -> Outcome<Vec<String>> {
    let connection = rusqlite::Connection::open(database)?;
    let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    Ok(if found == "ok" {
        Vec::new()
    } else {
        vec![format!("the database is damaged: {found}")]
    })
}

/// The grant of a code.
fn grant_of(code: &str) -> Option<Uuid> {
    use hallpass::tokens::proofs::{Proof, ProofKind};
    Proof::parse(ProofKind::Code, code).map(|proof| proof.grant)
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

/// Fails if there are violations, and keeps the folder for inspection.
fn verdict(wrong: &[String], folder: tempfile::TempDir) -> Outcome {
    if wrong.is_empty() {
        println!("  violations 0");
        return Ok(());
    }
    for (class, of_class) in classes(wrong) {
        println!("  {}: {class}", of_class.len());
        for one in of_class.iter().take(5) {
            println!("    {one}");
        }
    }
    let kept = folder.keep();
    Err(format!("violations {}; the data is in {}", wrong.len(), kept.display()).into())
}

/// Groups violations by the text before the first colon.
fn classes(wrong: &[String]) -> BTreeMap<&str, Vec<&str>> {
    let mut classes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in wrong {
        let (class, which) = one.split_once(": ").unwrap_or((one, ""));
        classes.entry(class).or_default().push(which);
    }
    classes
}

/// A seed that no run had before.
fn seed_of_now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(1, |since| since.as_secs() % 1_000_000)
}
