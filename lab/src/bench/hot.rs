//! The four hot paths, each beside its bare server.

use super::report::Report;
use super::{Bench, SMALL, asked, in_turns, prepared};
use crate::Outcome;
use crate::deployment::{Engine, Running};
use crate::generate::Generated;
use crate::load::{Asks, Side};
use crate::postgres::Postgres;
use crate::process::Program;
use std::path::Path;
use std::process::Command;

/// A hot path, and what it asks.
struct Hot {
    name: &'static str,
    asks: Vec<Asks>,
    /// Whether the answer comes after a commit.
    durable: bool,
}

/// What a bare server keeps its rows in.
enum Rows<'a> {
    None,
    Sqlite(&'a Path),
    Postgres(&'a Postgres),
}

/// Measures them on this engine, on PostgreSQL with one node, two and so on.
pub(super) async fn hot(options: &Bench, engine: Engine, folder: &Path, report: &mut Report) -> Outcome {
    let nodes = if engine == Engine::Sqlite {
        1
    } else {
        options.nodes.max(1)
    };
    let codes = options.codes(engine, nodes);
    let (running, generated) = prepared(options, &folder.join("hot"), engine, nodes, (SMALL, codes)).await?;
    memory(&running, "before any load", report)?;
    // PostgreSQL's for the bare server alone, so that neither cleans up behind the other.
    let beside = match engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some(Postgres::start(&folder.join("bare"), &[])?),
    };
    let wanted = |path: &Hot| options.paths.is_empty() || options.paths.iter().any(|name| name == path.name);
    for path in paths(options, &running, &generated).await?.into_iter().filter(wanted) {
        one(options, path, &running, beside.as_ref(), report).await?;
    }
    memory(&running, "after the load", report)
}

async fn paths(options: &Bench, running: &Running, generated: &Generated) -> Outcome<[Hot; 4]> {
    let n = options.connections;
    let tokens = asked::access_tokens(running.first()?, generated, SMALL - 64..SMALL).await?;
    let path = |name, asks, durable| Hot { name, asks, durable };
    Ok([
        path("client_credentials", asked::client_credentials(n), false),
        path("introspection", asked::introspection(n, &tokens), false),
        path("refresh", asked::refreshes(n, generated, 0..n as u64), true),
        path("code exchange", asked::redemptions(n, generated), true),
    ])
}

async fn one(options: &Bench, path: Hot, running: &Running, beside: Option<&Postgres>, report: &mut Report) -> Outcome {
    let bytes = asked::answer_bytes(running.first()?, &path.asks).await?;
    let world = running.deployment.world()?;
    let rows = match (path.durable, beside) {
        (false, _) => Rows::None,
        (true, None) => Rows::Sqlite(&world.folder),
        (true, Some(postgres)) => Rows::Postgres(postgres),
    };
    let bare = [bare(&world.folder, bytes, &rows)?];
    let of_bare = match path.durable {
        true => asked::bare_rows(options.connections),
        false => path.asks.clone(),
    };
    let database = beside.filter(|_| path.durable);
    let mut sides = vec![(Side { nodes: &bare, database }, 0)];
    let counts = 1..=running.nodes.len();
    sides.extend(counts.clone().map(|count| (running.side(count), 1)));
    let figures = in_turns(options, &sides, &mut [of_bare, path.asks]).await?;
    let engine = running.deployment.engine();
    let named = |count: usize| match (engine, count) {
        (Engine::Sqlite, _) => "Hallpass".to_owned(),
        (Engine::Postgres, 1) => "Hallpass, one node".to_owned(),
        (Engine::Postgres, count) => format!("Hallpass, {count} nodes"),
    };
    let names: Vec<String> = ["bare".to_owned()].into_iter().chain(counts.map(named)).collect();
    report.line(&format!(
        "\n{} on {}, {bytes} bytes an answer\n",
        path.name,
        engine.name()
    ));
    report.beside_bare(path.durable, &names, &figures);
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
