//! The cost of size: start, memory and processor time with millions of grants.

use super::report::{Of, Report, median, ratio};
use super::{Bench, SMALL, Turn, asked, growth, in_turns};
use crate::Outcome;
use crate::deployment::{Deployment, Engine, Running};
use crate::flow::form;
use crate::generate::{Generated, generate};
use crate::http::Connection;
use crate::load::{Asks, Figures};
use crate::world::{World, app};
use std::path::Path;
use std::time::Instant;

/// The number of grants that the requests use, chosen at random.
const TOUCHED: u64 = 200_000;

/// Measures the start, empty and large; if `paths` asks for it, the hot paths on both databases.
pub(super) async fn large(options: &Bench, engine: Engine, folder: &Path, report: &mut Report) -> Outcome {
    empty(options, engine, &folder.join("empty"), report).await?;
    let begun = Instant::now();
    let hot = options.wants("size");
    let codes = if hot { options.codes(engine, 1) } else { 0 };
    let deployment = Deployment::for_millions(&options.hallpass, &folder.join("large"), engine)?;
    let generated = generate(&deployment, options.large, codes).await?;
    let (grants, seconds) = (options.large, begun.elapsed().as_secs());
    let each = growth::bytes(&deployment)? / (grants + codes) as f64;
    report.line(&format!(
        "{grants} grants and {codes} codes made in {seconds} s: {each:.0} bytes each"
    ));
    let started = median_start(deployment.world()?).await?;
    report.line(&format!("start to first token with {grants} grants: {started:.0} ms"));
    if !hot {
        return Ok(());
    }
    let small = Deployment::for_millions(&options.hallpass, &folder.join("small"), engine)?;
    let few = generate(&small, SMALL, codes).await?;
    let small = small.serve()?;
    let many = deployment.serve()?;
    report.line(&format!(
        "memory at rest with {grants} grants: {:.1} MiB",
        many.first()?.resident()?
    ));
    compare(options, (&many, &generated), (&small, &few), report).await?;
    report.line(&format!(
        "memory after load on {grants} grants: {:.1} MiB",
        many.first()?.resident()?
    ));
    Ok(())
}

async fn empty(options: &Bench, engine: Engine, folder: &Path, report: &mut Report) -> Outcome {
    let deployment = Deployment::make(&options.hallpass, folder, engine, 1)?;
    let first = start(deployment.world()?).await?;
    let again = median_start(deployment.world()?).await?;
    report.line(&format!(
        "start to first token: {first:.0} ms on an empty database, {again:.0} ms after that"
    ));
    Ok(())
}

type Sized<'a> = (&'a Running, &'a Generated);

async fn compare<'a>(options: &Bench, large: Sized<'a>, small: Sized<'a>, report: &mut Report) -> Outcome {
    let n = options.connections;
    let engine = large.0.deployment.engine();
    let bar = if engine == Engine::Sqlite { "2" } else { "1.3" };
    for name in ["refresh", "code exchange", "introspection"] {
        let mut asks = [paths(name, n, large).await?, paths(name, n, small).await?];
        let turn = |of: Sized<'a>, asks| Turn {
            side: of.0.side(1),
            asks,
            clients: n,
        };
        let figures = in_turns(options, &[turn(large, 0), turn(small, 1)], &mut asks).await?;
        let [many, few] = figures.as_slice() else {
            return Err("a comparison needs two sides".into());
        };
        let of = |what: Of| ratio(many, few, what);
        let database = match engine {
            Engine::Sqlite => String::new(),
            Engine::Postgres => format!(", {:.2} × with PostgreSQL's", of(Figures::both_each)),
        };
        report.line(&format!(
            "{name}, {} grants beside {}: {:.2} × the CPU{database} (bar {bar}), {:.2} × the p99 (bar 3)",
            large.1.grants,
            small.1.grants,
            of(Figures::cpu_each),
            of(|figures| figures.millis(0.99))
        ));
        report.side("many", many);
        report.side("few", few);
    }
    Ok(())
}

async fn paths(name: &str, n: usize, (running, generated): Sized<'_>) -> Outcome<Vec<Asks>> {
    let touched = TOUCHED.min(generated.grants / 2);
    Ok(match name {
        "refresh" => asked::refreshes(n, generated, 0..touched),
        "introspection" => {
            let server = running.first()?;
            let tokens = asked::access_tokens(server, generated, touched..touched + touched / 10).await?;
            asked::introspection(n, &tokens)
        }
        _ => asked::redemptions(n, generated),
    })
}

/// The median of five starts, in milliseconds.
pub(super) async fn median_start(world: &World) -> Outcome<f64> {
    let mut taken = Vec::new();
    for _ in 0..5 {
        taken.push(start(world).await?);
    }
    Ok(median(taken))
}

/// The milliseconds from the start of the process to its first token.
async fn start(world: &World) -> Outcome<f64> {
    let begun = Instant::now();
    let server = world.serve()?;
    let mut connection = Connection::open(server.address).await?;
    let form = form(&[("grant_type", "client_credentials")]);
    let answer = connection.post("/oauth/token", &app(), &form).await?;
    let taken = begun.elapsed().as_secs_f64() * 1e3;
    if answer.status != 200 || !server.stop()? {
        return Err(crate::flow::unexpected("start", &answer));
    }
    Ok(taken)
}
