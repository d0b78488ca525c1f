//! What a sign-in at the site costs Hallpass: each request of the handover, one person at a time and many at once.

use super::Bench;
use super::report::{Report, median};
use crate::Outcome;
use crate::deployment::{Deployment, Engine};
use crate::flow::{CHALLENGE, form};
use crate::http::{Answer, Connection, Sent};
use crate::process::Program;
use crate::world::{CLIENT_ID, REDIRECT_URI};
use http::header::{HeaderName, LOCATION, SET_COOKIE};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::task::JoinSet;

/// The secret of the site.
const SECRET: &str = "site-secret-site-secret-site-secret-site";
/// The number of people of the site. Each signs in many times.
const PEOPLE: usize = 500;
/// The number of sign-ins in a round.
const SIGN_INS: usize = 1_000;
/// The people who sign in at the same moment.
const CROWD: usize = 16;

/// The requests of a sign-in, in order.
const STEPS: [&str; 4] = [
    "GET /oauth/authorize",
    "POST /handover",
    "GET /handover/return",
    "GET /consent",
];

/// A sign-in that has begun: who, and what the browser and the site hold now.
#[derive(Clone, Default)]
struct Visit {
    person: usize,
    /// Where the next request goes, or what it hands over.
    next: String,
    cookies: String,
}

/// Measures the processor time of the server's process for each step.
pub(super) async fn sign_in(options: &Bench, engine: Engine, folder: &Path, report: &mut Report) -> Outcome {
    let mut deployment = Deployment::make(&options.hallpass, folder, engine, 1)?;
    for world in deployment.worlds() {
        world.set("HANDOVER__URL", "http://localhost:9/connect");
        world.set("HANDOVER__SECRET", SECRET);
    }
    let running = deployment.serve()?;
    let server = running.first()?;
    for (crowd, name) in [(1, "one at a time"), (CROWD, "16 at once")] {
        let mut steps: [Vec<f64>; 4] = Default::default();
        for round in 0..=options.rounds {
            for (figures, used) in steps.iter_mut().zip(round_of(server, crowd).await?) {
                // In the first round, everybody is new.
                if round > 0 {
                    figures.push(used);
                }
            }
        }
        let each = steps.map(median);
        let figures: Vec<String> = STEPS
            .iter()
            .zip(each)
            .map(|(step, used)| format!("{step} {used:.0}"))
            .collect();
        let together: f64 = each.iter().take(3).sum();
        report.line(&format!(
            "a sign-in through the handover, {name}, µs CPU: {}; without consent {together:.0} (bar 1000)",
            figures.join(", ")
        ));
    }
    Ok(())
}

/// The µs of each step.
async fn round_of(server: &Program, crowd: usize) -> Outcome<[f64; 4]> {
    let mut visits: Vec<Visit> = (0..SIGN_INS)
        .map(|n| Visit {
            person: n % PEOPLE,
            ..Visit::default()
        })
        .collect();
    let mut used = [0.0; 4];
    for (step, used) in used.iter_mut().enumerate() {
        let before = server.cpu()?;
        visits = all(server.address, visits, (step, crowd)).await?;
        *used = (server.cpu()? - before).as_secs_f64() * 1e6 / SIGN_INS as f64;
    }
    Ok(used)
}

/// Takes all visits one step further, divided among `crowd` connections.
async fn all(address: SocketAddr, visits: Vec<Visit>, (step, crowd): (usize, usize)) -> Outcome<Vec<Visit>> {
    let mut tasks = JoinSet::new();
    for part in visits.chunks(visits.len().div_ceil(crowd)).map(<[Visit]>::to_vec) {
        tasks.spawn(async move {
            let mut connection = Connection::open(address).await?.by_name();
            let mut done = Vec::with_capacity(part.len());
            for visit in part {
                done.push(visit.step(step, &mut connection).await?);
            }
            Outcome::Ok(done)
        });
    }
    let mut done = Vec::with_capacity(visits.len());
    while let Some(part) = tasks.join_next().await {
        done.extend(part??);
    }
    Ok(done)
}

impl Visit {
    async fn step(mut self, step: usize, connection: &mut Connection) -> Outcome<Self> {
        if step == 1 {
            return self.tell(connection).await;
        }
        if step == 0 {
            let pairs = [
                ("response_type", "code"),
                ("client_id", CLIENT_ID),
                ("redirect_uri", REDIRECT_URI),
                ("scope", "read"),
                ("state", "xyz"),
                ("code_challenge", CHALLENGE),
                ("code_challenge_method", "S256"),
            ];
            self.next = format!("/oauth/authorize?{}", form(&pairs));
        }
        let cookies = self.cookies.clone();
        let sent = Sent {
            cookie: Some(&*cookies).filter(|cookies| !cookies.is_empty()),
            ..Sent::default()
        };
        let answer = connection.send(&self.next, sent).await?;
        self.next = match step {
            0 => handed_over(&answer)?,
            2 => path_of(header(&answer, LOCATION)?),
            _ if answer.status == 200 => String::new(),
            _ => return Err(format!("status {} for the consent", answer.status).into()),
        };
        for cookie in answer.headers.get_all(SET_COOKIE) {
            let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
            let separator = if self.cookies.is_empty() { "" } else { "; " };
            self.cookies = format!("{}{separator}{pair}", self.cookies);
        }
        Ok(self)
    }

    /// What the site's server sends.
    async fn tell(mut self, connection: &mut Connection) -> Outcome<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let message = serde_json::json!({
            "handover": self.next, "subject": self.person.to_string(), "name": "Ada Lovelace", "auth_time": now
        });
        let (authorization, message) = (format!("Bearer {SECRET}"), message.to_string());
        let sent = Sent {
            json: Some(&message),
            authorization: Some(&authorization),
            ..Sent::default()
        };
        let answer = connection.send("/handover", sent).await?;
        let back = answer.member("redirect_to").ok_or_else(|| answer.text())?;
        self.next = path_of(&back);
        Ok(self)
    }
}

/// The request that the browser carries to the site.
fn handed_over(answer: &Answer) -> Outcome<String> {
    let location: http::Uri = header(answer, LOCATION)?.parse()?;
    let mut pairs = form_urlencoded::parse(location.query().unwrap_or_default().as_bytes());
    let found = pairs.find(|(name, _)| name == "handover");
    Ok(found.ok_or("the site gets no request")?.1.into_owned())
}

fn header(answer: &Answer, name: HeaderName) -> Outcome<&str> {
    Ok(answer
        .header(name)
        .ok_or_else(|| format!("status {} without a header", answer.status))?)
}

/// Path and query of an address.
fn path_of(address: &str) -> String {
    let uri = address.parse::<http::Uri>().unwrap_or_default();
    uri.path_and_query().map(ToString::to_string).unwrap_or_default()
}
