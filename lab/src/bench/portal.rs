//! Changes of apps and organizations during traffic: do token requests of other apps become slower?

use super::report::{Report, ratio};
use super::size::median_start;
use super::{Bench, asked, prepared};
use crate::Outcome;
use crate::deployment::{Deployment, Engine};
use crate::load::{Figures, load};
use crate::world::CLIENT_ID;
use hallpass::data_folder::admin_socket;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

/// The most apps that ask for tokens. They fit in memory, so only an eviction causes a read of the database.
const ASKING: u64 = 5_000;
/// The number of operators that make changes at the same time.
const OPERATORS: u32 = 8;

/// Measures token requests of many apps, in turns without and with changes of all apps and organizations.
pub(super) async fn portal(options: &Bench, engine: Engine, folder: &Path, report: &mut Report) -> Outcome {
    let (running, _) = prepared(&options.hallpass, folder, engine, 1, (1, 0)).await?;
    fill(&running.deployment, options.objects)?;
    let socket = admin_socket(&running.deployment.world()?.data());
    let mut asks = asked::tokens_of_apps(options.connections, options.objects.min(ASKING));
    let (side, time) = (running.side(1), Duration::from_secs(options.seconds));
    // Loads until every app has been requested once.
    load(side, &mut asks, time).await?;
    let (mut without, mut with) = (Vec::new(), Vec::new());
    let (begun, mut changes) = (Instant::now(), 0);
    for _ in 0..options.rounds {
        without.push(load(side, &mut asks, time).await?);
        let changing = changes_by_all(&socket, (options.objects, changes), options.changes, time);
        let (figures, changed) = tokio::join!(load(side, &mut asks, time), changing);
        with.push(figures?);
        changes += changed?;
    }
    report.line(&format!(
        "{} apps and as many organizations, {changes} changes in {:.0} s of load: {:.2} × the p99 of tokens without them (bar 1.5)",
        options.objects,
        begun.elapsed().as_secs_f64() / 2.0,
        ratio(&with, &without, |figures: &Figures| figures.millis(0.99))
    ));
    report.side("without changes", &without);
    report.side("with changes", &with);
    for (what, taken) in Operator::connect(&socket).await?.lists().await? {
        report.line(&format!("{what}: {taken:.1} ms (bar 100)"));
    }
    let started = median_start(running.stop()?.world()?).await?;
    report.line(&format!("start to the first token: {started:.0} ms (bar 100)"));
    Ok(())
}

/// Creates `objects` organizations, each with an app like the declared one. All have the same secret.
fn fill(deployment: &Deployment, objects: u64) -> Outcome {
    let id = |kind: char| match deployment.engine() {
        Engine::Sqlite => format!("CAST(printf('{kind}%015d', n) AS BLOB)"),
        Engine::Postgres => format!("convert_to('{kind}' || lpad(n::text, 15, '0'), 'UTF8')"),
    };
    let (organization, app, secret) = (id('o'), id('a'), id('s'));
    let numbers =
        format!("WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {objects})");
    deployment.run(&format!(
        "INSERT INTO organizations (id, slug, name, kind, hidden, status, created) {numbers}
             SELECT {organization}, 'org-' || n, 'Organization ' || n, 'live', 0, 'active', 0 FROM numbers;
         INSERT INTO apps (id, client_id, name, organization_id, client_type, reach, status, redirect_uris, scopes, products,
             grant_types, trusted, localhost_any_port, created, name_key, name_key_lower) {numbers}
             SELECT {app}, '{CLIENT_ID}-' || n, 'App ' || n, {organization}, client_type, reach, status, redirect_uris, scopes,
             products, grant_types, trusted, localhost_any_port, created, 'key ' || n, 'key ' || n
             FROM numbers, apps WHERE client_id = '{CLIENT_ID}';
         INSERT INTO secrets (id, app_id, sha256, hint, created) {numbers}
             SELECT {secret}, {app}, sha256, hint, secrets.created FROM numbers, secrets
             WHERE app_id = (SELECT id FROM apps WHERE client_id = '{CLIENT_ID}');"
    ))?;
    match deployment.engine() {
        Engine::Sqlite => Ok(()),
        // PostgreSQL does so by itself, but only a minute later. Until then its plans are those for a table of one app.
        Engine::Postgres => deployment.run("ANALYZE organizations, apps, secrets"),
    }
}

/// Makes `each_second` changes a second for `time`, by several operators who each wait for their answer. Returns how many.
/// `done` changes were made before.
async fn changes_by_all(socket: &Path, (objects, done): (u64, u64), each_second: u32, time: Duration) -> Outcome<u64> {
    let mut tasks = JoinSet::new();
    for first in 0..OPERATORS {
        let mut operator = Operator::connect(socket).await?;
        let pace = Duration::from_secs(1) * OPERATORS / each_second.max(1);
        tasks.spawn(async move { operator.changes((objects, done + u64::from(first)), pace, time).await });
    }
    let mut made = 0;
    while let Some(one) = tasks.join_next().await {
        made += one??;
    }
    Ok(made)
}

/// A connection to the admin API of the node, over its socket.
struct Operator(SendRequest<Full<Bytes>>);

impl Operator {
    async fn connect(socket: &Path) -> Outcome<Self> {
        let (sender, connection) = handshake(TokioIo::new(UnixStream::connect(socket).await?)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// Renames an app or an organization at each pace, for `time`. Returns how many.
    async fn changes(&mut self, (objects, first): (u64, u64), pace: Duration, time: Duration) -> Outcome<u64> {
        let end = Instant::now() + time;
        let mut ticks = interval(pace);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut made = 0;
        loop {
            ticks.tick().await;
            if Instant::now() >= end {
                return Ok(made);
            }
            let number = first + made * u64::from(OPERATORS);
            let n = number * 7_919 % objects + 1;
            let path = match made % 2 {
                0 => format!("apps/{CLIENT_ID}-{n}"),
                _ => format!("organizations/org-{n}"),
            };
            self.rename(&path, &format!("Renamed {n} {number}")).await?;
            made += 1;
        }
    }

    /// The milliseconds for the slowest page of each list.
    async fn lists(&mut self) -> Outcome<Vec<(&'static str, f64)>> {
        Ok(vec![
            ("all apps, the slowest page", self.slowest_page("apps?").await?),
            (
                "the apps of an organization",
                self.slowest_page("apps?organization=org-5&").await?,
            ),
            (
                "all organizations, the slowest page",
                self.slowest_page("organizations?").await?,
            ),
        ])
    }

    async fn slowest_page(&mut self, list: &str) -> Outcome<f64> {
        let (mut after, mut slowest) = (String::new(), 0.0_f64);
        loop {
            let begun = Instant::now();
            let page = self.send(Method::GET, &format!("{list}limit=100{after}"), None).await?;
            slowest = slowest.max(begun.elapsed().as_secs_f64() * 1e3);
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(slowest),
            }
        }
    }

    async fn rename(&mut self, path: &str, name: &str) -> Outcome {
        let body = serde_json::json!({ "name": name }).to_string();
        self.send(Method::PATCH, path, Some(body)).await.map(drop)
    }

    async fn send(&mut self, method: Method, path: &str, body: Option<String>) -> Outcome<serde_json::Value> {
        let request = Request::builder()
            .method(method)
            .uri(format!("/admin/api/v1/{path}"))
            .header(header::HOST, "hallpass")
            .header(header::CONTENT_TYPE, "application/json");
        let body = body.unwrap_or_default();
        self.0.ready().await?;
        let answer = self.0.send_request(request.body(Full::new(Bytes::from(body)))?).await?;
        let (status, body) = (answer.status(), answer.into_body().collect().await?.to_bytes());
        match status {
            StatusCode::OK => Ok(serde_json::from_slice(&body)?),
            _ => Err(format!("{path}: {status} {}", String::from_utf8_lossy(&body)).into()),
        }
    }
}
