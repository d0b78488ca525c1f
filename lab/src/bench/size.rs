//! What size costs: start, memory and processor time with millions of grants, and the bytes that a grant takes.

use super::report::{Report, median};
use super::{Bench, SMALL, asked, in_turns, prepared};
use crate::Outcome;
use crate::flow::form;
use crate::generate::Generated;
use crate::http::Connection;
use crate::load::{Asks, load};
use crate::process::Program;
use crate::world::{World, app};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Over how many grants the requests go, chosen at random.
const TOUCHED: u64 = 200_000;
/// How often each grant is refreshed where growth is measured.
const REFRESHES: u64 = 100;

/// Start-up, empty and large; where asked for, the hot paths on both databases.
pub(super) async fn large(options: &Bench, folder: &Path, report: &mut Report, hot: bool) -> Outcome {
    let empty = World::make(&options.hallpass, &folder.join("empty"), "")?;
    let first = start(&empty).await?;
    let again = median_start(&empty).await?;
    report.line(&format!(
        "start to first token: {first:.0} ms in an empty folder, {again:.0} ms after that"
    ));

    let begun = Instant::now();
    let codes = if hot { options.codes() } else { 0 };
    let (server, generated) = prepared(options, &folder.join("large"), options.large, codes).await?;
    let size = fs::metadata(folder.join("large/data/hallpass.db"))?.len();
    let (grants, seconds) = (options.large, begun.elapsed().as_secs());
    let each = size / (grants + codes);
    report.line(&format!(
        "{grants} grants and {codes} codes made in {seconds} s: {each} bytes each, people included"
    ));
    drop(server);
    let world = World::make(&options.hallpass, &folder.join("large"), "")?;
    let started = median_start(&world).await?;
    report.line(&format!("start to first token with {grants} grants: {started:.0} ms"));
    if hot {
        let (small, few) = prepared(options, &folder.join("small"), SMALL, codes).await?;
        let server = world.serve()?;
        compare(options, (&server, &generated), (&small, &few), report).await?;
        report.line(&format!(
            "memory after load on {grants} grants: {:.1} MiB",
            server.resident()?
        ));
    }
    Ok(())
}

type Sized<'a> = (&'a Program, &'a Generated);

async fn compare(options: &Bench, large: Sized<'_>, small: Sized<'_>, report: &mut Report) -> Outcome {
    let n = options.connections;
    for name in ["refresh", "code exchange", "introspection"] {
        let mut of_large = paths(name, n, large).await?;
        let mut of_small = paths(name, n, small).await?;
        let (many, few) = in_turns(options, (large.0, &mut of_large), (small.0, &mut of_small)).await?;
        let ratio = |what: fn(&crate::load::Figures) -> f64| {
            median(
                many.iter()
                    .zip(&few)
                    .map(|(many, few)| what(many) / what(few))
                    .collect(),
            )
        };
        let cpu = ratio(|figures| figures.cpu_each());
        let p99 = ratio(|figures| figures.latency.value_at_quantile(0.99) as f64);
        report.line(&format!(
            "{name}, {} grants beside {}: {cpu:.2} × the CPU (bar 2), {p99:.2} × the p99 (bar 3)",
            large.1.grants, small.1.grants
        ));
        report.side("many", &many);
        report.side("few", &few);
    }
    Ok(())
}

async fn paths(name: &str, n: usize, (server, generated): Sized<'_>) -> Outcome<Vec<Asks>> {
    let touched = TOUCHED.min(generated.grants / 2);
    Ok(match name {
        "refresh" => asked::refreshes(n, generated, 0..touched),
        "introspection" => {
            let tokens = asked::access_tokens(server, generated, touched..touched + touched / 10).await?;
            asked::introspection(n, &tokens)
        }
        _ => asked::redemptions(n, generated),
    })
}

/// Bytes a grant, as the server itself writes them: codes redeemed over HTTP, then every grant refreshed again and again.
pub(super) async fn bytes_per_grant(options: &Bench, folder: &Path, report: &mut Report) -> Outcome {
    let world = World::make(&options.hallpass, folder, "")?;
    let generated = crate::generate::generate(&world, SMALL, 0).await?;
    let size = || fs::metadata(world.database()).map(|file| file.len());
    let made = size()?;
    let server = world.serve()?;
    let mut asks = asked::refreshes(options.connections, &generated, 0..SMALL);
    let mut done = 0;
    while done < SMALL * REFRESHES {
        done += load(&server, &mut asks, Duration::from_secs(5)).await?.requests;
    }
    if !server.stop()? {
        return Err("the server did not end well".into());
    }
    let grown = (size()? as f64 / made as f64 - 1.0) * 100.0;
    report.line(&format!(
        "{} bytes a grant with {SMALL} grants, people included; {done} refreshes add {grown:.1} % (bar 20 %)",
        made / SMALL
    ));
    Ok(())
}

async fn median_start(world: &World) -> Outcome<f64> {
    let mut taken = Vec::new();
    for _ in 0..5 {
        taken.push(start(world).await?);
    }
    Ok(median(taken))
}

/// Milliseconds from the start of the process to its first token.
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
