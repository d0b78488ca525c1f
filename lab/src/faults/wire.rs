//! Connects the clients of a fault run to nodes that die and come back. Every request is recorded in the history.
//!
//! Each request goes to a random node, as behind a proxy without sticky sessions.

use super::dice::Dice;
use super::history::{Asked, Heard, Id, Record};
use crate::Outcome;
use crate::flow::{self, Person};
use crate::http::{Answer, Connection};
use crate::world::app;
use http::header;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const TOKEN: &str = "/oauth/token";

/// How long a healthy server may take for one answer. A longer time is a violation.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a client waits for a node that is in trouble.
const IMPATIENCE: Duration = Duration::from_millis(700);
/// One of so many requests may go to such a node.
const TROUBLED: usize = 5;

/// The nodes, until the run is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Phase {
    pub(super) nodes: Vec<Standing>,
    pub(super) over: bool,
}

/// The state of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    Up(SocketAddr),
    /// The node is suspended, or has a bad connection to the database.
    Troubled(SocketAddr),
    Down,
}

impl Standing {
    fn address(self) -> Option<SocketAddr> {
        match self {
            Standing::Up(address) | Standing::Troubled(address) => Some(address),
            Standing::Down => None,
        }
    }
}

/// A client's connections to the nodes.
pub(super) struct Wire {
    record: Arc<Record>,
    phase: watch::Receiver<Phase>,
    person: Person,
    dice: Dice,
    /// How long it waits for a node in trouble.
    patience: Duration,
    idle: Vec<Line>,
}

/// A connection to a node.
struct Line {
    node: usize,
    address: SocketAddr,
    connection: Connection,
}

impl Wire {
    pub(super) fn new(record: &Arc<Record>, phase: watch::Receiver<Phase>, person: Person, dice: Dice) -> Self {
        Self {
            record: record.clone(),
            phase,
            person,
            dice,
            patience: IMPATIENCE,
            idle: Vec::new(),
        }
    }

    /// The same, but waits for every answer.
    pub(super) fn patient(mut self) -> Self {
        self.patience = PATIENCE;
        self
    }

    /// Waits until a node is up. Returns `false` if the run is over.
    pub(super) async fn up(&mut self) -> bool {
        let any = |phase: &Phase| phase.over || phase.nodes.iter().any(|node| matches!(node, Standing::Up(_)));
        self.phase.wait_for(any).await.is_ok_and(|phase| !phase.over)
    }

    /// The state of each node.
    pub(super) fn nodes(&self) -> Vec<Standing> {
        self.phase.borrow().nodes.clone()
    }

    /// Sends `copies` of a request at once, as the app. Returns nothing if no node could be reached.
    pub(super) async fn ask(&mut self, asked: &Asked, copies: usize) -> Vec<Heard> {
        let mut lines = Vec::new();
        for _ in 0..copies {
            lines.extend(self.line().await);
        }
        self.ask_on(lines, asked).await
    }

    /// Sends one request, as the app, to this node.
    pub(super) async fn ask_at(&mut self, node: usize, asked: &Asked) -> Vec<Heard> {
        let line = self.line_to(node).await;
        self.ask_on(line.into_iter().collect(), asked).await
    }

    async fn ask_on(&mut self, lines: Vec<Line>, asked: &Asked) -> Vec<Heard> {
        let (path, form) = request(asked, &self.record);
        let mut tasks = JoinSet::new();
        for mut line in lines {
            let (record, asked, form) = (self.record.clone(), asked.clone(), form.clone());
            let (phase, patience) = (self.phase.clone(), self.patience);
            tasks.spawn(async move {
                let open = record.ask(line.node, asked.clone());
                let authorization = app();
                let answer = line.connection.post(path, &authorization, &form);
                let answer = within(&phase, (line.node, line.address), patience, answer).await;
                let heard = answer.map_or_else(|heard| heard, |answer| judge(&asked, &record, &answer));
                record.hear(open, heard.clone());
                (line, heard)
            });
        }
        let mut all = Vec::new();
        while let Some(Ok((line, heard))) = tasks.join_next().await {
            self.put_back(line, &heard);
            all.push(heard);
        }
        all
    }

    /// Gets the consent page, as a form to send. If it redirects to the sign-in, the person's session is lost.
    pub(super) async fn question(&mut self) -> Result<String, Heard> {
        let line = self.line().await.ok_or(Heard::Nothing)?;
        let open = self.record.ask(line.node, Asked::Session);
        let (line, answer) = self.as_person(line, async |person| person.question().await).await;
        let (heard, form) = match answer {
            Err(heard) => (heard.clone(), Err(heard)),
            Ok(page) => match flow::allowing(&page) {
                Ok(form) => (Heard::Active(true), Ok(form)),
                Err(_) if page.status < 400 => (Heard::Active(false), Err(Heard::Active(false))),
                Err(error) => (Heard::Unexpected(error.to_string()), Err(Heard::Nothing)),
            },
        };
        self.put_back(line, &heard);
        self.record.hear(open, heard);
        form
    }

    /// Sends that form.
    pub(super) async fn consent(&mut self, form: &str) -> Heard {
        let Some(line) = self.line().await else {
            return Heard::Nothing;
        };
        let form_id = self.record.number(form);
        let open = self.record.ask(line.node, Asked::Consent { form: form_id });
        let (line, answer) = self.as_person(line, async |person| person.decide(form).await).await;
        let heard = match answer {
            Err(heard) => heard,
            Ok(answer) => match flow::code(&answer) {
                Ok(code) => Heard::Code(self.record.number(&code)),
                Err(error) => Heard::Unexpected(error.to_string()),
            },
        };
        self.put_back(line, &heard);
        self.record.hear(open, heard.clone());
        heard
    }

    /// Ends all that the person has connected, which are these grants, on the connected-apps page.
    pub(super) async fn end_all(&mut self, codes: Vec<Id>) -> Heard {
        let Some(line) = self.line().await else {
            return Heard::Nothing;
        };
        let (line, page) = self.as_person(line, async |person| person.connected_apps().await).await;
        let page = match page {
            Ok(page) if page.status == 200 => page,
            Ok(page) => {
                let heard = Heard::Unexpected(flow::unexpected("connected apps", &page).to_string());
                self.record
                    .hear(self.record.ask(line.node, Asked::Session), heard.clone());
                return heard;
            }
            Err(heard) => {
                self.put_back(line, &heard);
                return heard;
            }
        };
        let open = self.record.ask(line.node, Asked::End { codes });
        let (line, heard) = match flow::ending(&page) {
            // A grant that is not on the page has ended: the answer to its end was lost.
            None => (line, Heard::Done),
            Some(form) => {
                let (line, answer) = self.as_person(line, async |person| person.end(&form).await).await;
                let heard = match answer {
                    Err(heard) => heard,
                    Ok(answer) if answer.status == 303 => Heard::Done,
                    Ok(answer) => Heard::Unexpected(flow::unexpected("end", &answer).to_string()),
                };
                (line, heard)
            }
        };
        self.put_back(line, &heard);
        self.record.hear(open, heard.clone());
        heard
    }

    /// Sends a request as the person, on that line.
    async fn as_person(
        &self,
        line: Line,
        act: impl AsyncFnOnce(&mut Person) -> Outcome<Answer>,
    ) -> (Line, Result<Answer, Heard>) {
        let Line {
            node,
            address,
            connection,
        } = line;
        let mut person = self.person.on(connection);
        let answer = within(&self.phase, (node, address), self.patience, act(&mut person)).await;
        let line = Line {
            node,
            address,
            connection: person.leave(),
        };
        (line, answer)
    }

    /// A line to a random node.
    async fn line(&mut self) -> Option<Line> {
        let nodes = self.nodes();
        let rarely = self.dice.below(TROUBLED) == 0;
        let able = |standing: &Standing| match standing {
            Standing::Up(_) => true,
            Standing::Troubled(_) => rarely,
            Standing::Down => false,
        };
        let able: Vec<usize> = (0..nodes.len())
            .filter(|node| nodes.get(*node).is_some_and(able))
            .collect();
        let node = *able.get(self.dice.below(able.len().max(1)))?;
        self.line_to(node).await
    }

    async fn line_to(&mut self, node: usize) -> Option<Line> {
        let address = self.nodes().get(node)?.address()?;
        self.idle.retain(|line| line.node != node || line.address == address);
        if let Some(place) = self.idle.iter().position(|line| line.node == node) {
            return Some(self.idle.swap_remove(place));
        }
        let connection = Connection::open(address).await.ok()?;
        Some(Line {
            node,
            address,
            connection,
        })
    }

    /// Drops the connection of a request that got no answer.
    fn put_back(&mut self, line: Line, heard: &Heard) {
        if *heard != Heard::Nothing {
            self.idle.push(line);
        }
    }
}

/// The answer. `Err` if it did not arrive in time, or is 503.
async fn within(
    phase: &watch::Receiver<Phase>,
    (node, address): (usize, SocketAddr),
    patience: Duration,
    answer: impl Future<Output = Outcome<Answer>>,
) -> Result<Answer, Heard> {
    let trouble = async {
        let lives = |phase: &Phase| phase.nodes.get(node) == Some(&Standing::Up(address));
        let _ = phase.clone().wait_for(|phase| !lives(phase)).await;
        sleep(patience).await;
    };
    let answer = tokio::select! {
        answer = timeout(PATIENCE, answer) => answer,
        () = trouble => return Err(Heard::Nothing),
    };
    match answer {
        Err(_) => Err(Heard::Unexpected("no answer in time".to_owned())),
        Ok(Err(_)) => Err(Heard::Nothing),
        Ok(Ok(answer)) if answer.status != 503 => Ok(answer),
        Ok(Ok(answer)) if answer.header(header::RETRY_AFTER).is_some() => Err(Heard::Later),
        Ok(Ok(_)) => Err(Heard::Unexpected("503 without Retry-After".to_owned())),
    }
}

fn request(asked: &Asked, record: &Record) -> (&'static str, String) {
    match asked {
        Asked::Redeem { code } => (TOKEN, flow::redemption(&record.text(*code))),
        Asked::Refresh { token } => (TOKEN, flow::refreshing(&record.text(*token))),
        Asked::RevokeRefresh { token } | Asked::RevokeAccess { token } => {
            ("/oauth/revoke", flow::form(&[("token", &record.text(*token))]))
        }
        Asked::Introspect { token } => ("/oauth/introspect", flow::form(&[("token", &record.text(*token))])),
        Asked::Consent { .. } | Asked::End { .. } | Asked::Session | Asked::List | Asked::Calm => {
            (TOKEN, String::new())
        }
    }
}

fn judge(asked: &Asked, record: &Record, answer: &Answer) -> Heard {
    let unexpected = || Heard::Unexpected(flow::unexpected("app", answer).to_string());
    match asked {
        Asked::Redeem { .. } | Asked::Refresh { .. } => match flow::tokens(answer) {
            Ok(tokens) => Heard::Tokens {
                access: record.number(&tokens.access),
                refresh: record.number(&tokens.refresh),
            },
            Err(_) if answer.member("error").as_deref() == Some("invalid_grant") => Heard::Refused,
            Err(_) => unexpected(),
        },
        Asked::RevokeRefresh { .. } | Asked::RevokeAccess { .. } if answer.status == 200 => Heard::Done,
        Asked::Introspect { .. } => match answer.flag("active") {
            Some(active) if answer.status == 200 => Heard::Active(active),
            _ => unexpected(),
        },
        _ => unexpected(),
    }
}
