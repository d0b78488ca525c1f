//! The hot paths, each compared with its bare server.

use super::report::Report;
use super::{Bench, SMALL, Turn, asked, in_turns};
use crate::Outcome;
use crate::deployment::{Deployment, Engine, Running};
use crate::generate::{Generated, generate};
use crate::load::{Asks, Side};
use crate::postgres::Postgres;
use crate::process::Program;
use std::path::Path;
use std::process::Command;

/// The check that a proxy makes.
const FORWARD_AUTH: &str = "forward-auth";

/// A hot path and its requests.
struct Hot {
    name: &'static str,
    asks: Vec<Asks>,
    /// Whether the answer is sent after a commit.
    durable: bool,
}

/// A deployment under load, and its requests.
struct Loaded {
    running: Running,
    paths: Vec<Hot>,
}

/// The database of a bare server's rows.
enum Rows<'a> {
    None,
    Sqlite(&'a Path),
    Postgres(&'a Postgres),
}

/// Measures the hot paths on this engine; on PostgreSQL with one node, with two, and so on. Each node gets as many clients
/// as a single node: with fewer, a process does less work at each wake-up.
pub(super) async fn hot(options: &Bench, engine: Engine, folder: &Path, report: &mut Report) -> Outcome {
    let nodes = if engine == Engine::Sqlite {
        1
    } else {
        options.nodes.max(1)
    };
    let codes = options.codes(engine, nodes);
    let ours = loaded(options, &options.hallpass, &folder.join("hot"), (engine, nodes, codes)).await?;
    let before = match &options.before {
        Some(binary) => Some(loaded(options, binary, &folder.join("before"), (engine, 1, codes)).await?),
        None => None,
    };
    memory(&ours.running, "before any load", report)?;
    // The bare server gets its own PostgreSQL, so that neither side's vacuum works for the other.
    let beside = match engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some(Postgres::start(&folder.join("bare"), &[])?),
    };
    let wanted = |path: &Hot| options.paths.is_empty() || options.paths.iter().any(|name| name == path.name);
    let mut older = before.as_ref().map(|before| before.paths.iter());
    for path in &ours.paths {
        let before = older.as_mut().and_then(Iterator::next).zip(before.as_ref());
        let before = before.map(|(path, loaded)| (path, &loaded.running));
        if wanted(path) {
            one(options, (path, &ours.running), before, beside.as_ref(), report).await?;
        }
    }
    memory(&ours.running, "after the load", report)
}

async fn loaded(
    options: &Bench,
    binary: &Path,
    folder: &Path,
    (engine, nodes, codes): (Engine, usize, u64),
) -> Outcome<Loaded> {
    let mut deployment = Deployment::make(binary, folder, engine, nodes)?;
    // An older version may not know the section.
    let is_measured = binary == options.hallpass;
    for world in deployment.worlds().iter_mut().filter(|_| is_measured) {
        world.set("FORWARD_AUTH__TRUSTED_PROXIES", "[\"127.0.0.1\"]");
    }
    let generated = generate(&deployment, SMALL, codes).await?;
    let running = deployment.serve()?;
    let mut paths = paths(options, &running, &generated).await?;
    if !is_measured {
        paths.retain(|path| path.name != FORWARD_AUTH);
    }
    Ok(Loaded { running, paths })
}

async fn paths(options: &Bench, running: &Running, generated: &Generated) -> Outcome<Vec<Hot>> {
    let n = options.connections * running.nodes.len();
    let tokens = asked::access_tokens(running.first()?, generated, SMALL - 64..SMALL).await?;
    let path = |name, asks, durable| Hot { name, asks, durable };
    Ok(vec![
        path("client_credentials", asked::client_credentials(n), false),
        path("introspection", asked::introspection(n, &tokens), false),
        path("refresh", asked::refreshes(n, generated, 0..n as u64), true),
        path("code exchange", asked::redemptions(n, generated), true),
        // The last one, because an older version may not have it.
        path(FORWARD_AUTH, asked::forward_auth(n, &tokens), false),
    ])
}

async fn one(
    options: &Bench,
    (path, running): (&Hot, &Running),
    before: Option<(&Hot, &Running)>,
    beside: Option<&Postgres>,
    report: &mut Report,
) -> Outcome {
    let bytes = asked::answer_bytes(running.first()?, &path.asks).await?;
    let world = running.deployment.world()?;
    let rows = match (path.durable, beside) {
        (false, _) => Rows::None,
        (true, None) => Rows::Sqlite(&world.folder),
        (true, Some(postgres)) => Rows::Postgres(postgres),
    };
    let counts = 1..=running.nodes.len();
    let bare: Vec<Program> = counts
        .clone()
        .map(|_| bare(&world.folder, bytes, &rows))
        .collect::<Outcome<_>>()?;
    let n = options.connections;
    let of_bare = match path.durable {
        true => asked::bare_rows(n * bare.len()),
        false => path.asks.clone(),
    };
    let database = beside.filter(|_| path.durable);
    let mut turns = Vec::new();
    for count in counts {
        let nodes = bare.get(..count).unwrap_or_default();
        let sides = [Side { nodes, database }, running.side(count)];
        turns.extend(sides.into_iter().enumerate().map(|(asks, side)| Turn {
            side,
            asks,
            clients: n * count,
        }));
    }
    let mut asks = vec![of_bare, path.asks.clone()];
    if let Some((older, running)) = before {
        // Uses up the first answer, as for the measured version.
        asked::answer_bytes(running.first()?, &older.asks).await?;
        turns.push(Turn {
            side: running.side(1),
            asks: asks.len(),
            clients: n,
        });
        asks.push(older.asks.clone());
    }
    let mut figures = in_turns(options, &turns, &mut asks).await?;
    let older = before.and_then(|_| figures.pop());
    let name = running.deployment.engine().name();
    report.line(&format!("\n{} on {name}, {bytes} bytes an answer\n", path.name));
    report.beside_bare(path.durable, &figures);
    if let (Some(older), Some(ours)) = (older, figures.get(1)) {
        report.beside_before(ours, &older);
    }
    Ok(())
}

fn bare(folder: &Path, bytes: usize, rows: &Rows<'_>) -> Outcome<Program> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["bare", "--bytes", &bytes.to_string()]);
    match rows {
        Rows::None => &mut command,
        Rows::Sqlite(folder) => command.arg("--database").arg(folder.join("bare.db")),
        Rows::Postgres(postgres) => command.args(["--postgres", &postgres.url()]),
    };
    Program::start(&mut command, &folder.join("bare.log"))
}

fn memory(running: &Running, when: &str, report: &mut Report) -> Outcome {
    let each: Vec<String> = running
        .nodes
        .iter()
        .map(|node| Ok(format!("{:.1}", node.resident()?)))
        .collect::<Outcome<_>>()?;
    let database = match &running.deployment.postgres {
        Some(postgres) => format!("; its PostgreSQL: {:.0} MiB", postgres.memory()?),
        None => String::new(),
    };
    report.line(&format!("memory {when}: {} MiB a node{database}", each.join(", ")));
    Ok(())
}
