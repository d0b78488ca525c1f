//! How the clients of a fault run reach a server that dies and comes back: every request goes into the history.

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

const TOKEN: &str = "/oauth/token";

/// How long a server that lives may take for one answer. Beyond it the run complains.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the server is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    Up(SocketAddr),
    Down,
    /// The run is over.
    Over,
}

/// A client's connections to a server, as many as requests of it may race.
pub(super) struct Wire {
    record: Arc<Record>,
    life: Life,
    connections: Vec<Connection>,
    person: Person,
}

impl Wire {
    /// Connects as soon as there is a server; `None` when there will be none any more.
    pub(super) async fn open(
        record: &Arc<Record>,
        mut phase: watch::Receiver<Phase>,
        person: &Person,
        width: usize,
    ) -> Option<Self> {
        loop {
            let now = *phase.borrow_and_update();
            match now {
                Phase::Over => return None,
                Phase::Down => phase.changed().await.ok()?,
                Phase::Up(address) => {
                    if let Ok((connections, own)) = connect(address, width).await {
                        let (record, person) = (record.clone(), person.on(own));
                        let life = Life { phase, this: now };
                        return Some(Self {
                            record,
                            life,
                            connections,
                            person,
                        });
                    }
                    tokio::time::sleep(Duration::from_millis(3)).await;
                }
            }
        }
    }

    /// Sends a request of the app's, so many times at once.
    pub(super) async fn ask(&mut self, asked: &Asked, copies: usize) -> Vec<Heard> {
        let (path, form) = request(asked, &self.record);
        let idle = self.connections.split_off(copies.min(self.connections.len()));
        let mut tasks = JoinSet::new();
        for mut connection in self.connections.drain(..) {
            let (record, asked, form) = (self.record.clone(), asked.clone(), form.clone());
            let life = self.life.clone();
            tasks.spawn(async move {
                let open = record.ask(asked.clone());
                let answer = within(&life, connection.post(path, &app(), &form)).await;
                let heard = answer.map_or_else(|heard| heard, |answer| judge(&asked, &record, &answer));
                record.hear(open, heard.clone());
                (connection, heard)
            });
        }
        self.connections = idle;
        let mut all = Vec::new();
        while let Some(Ok((connection, heard))) = tasks.join_next().await {
            self.connections.push(connection);
            all.push(heard);
        }
        all
    }

    /// The page that asks for consent, as a form to send. A person who is sent to sign in has lost her session.
    pub(super) async fn question(&mut self) -> Result<String, Heard> {
        let open = self.record.ask(Asked::Session);
        let answer = within(&self.life, self.person.question()).await;
        let (heard, form) = match answer {
            Err(heard) => (heard.clone(), Err(heard)),
            Ok(page) => match flow::allowing(&page) {
                Ok(form) => (Heard::Active(true), Ok(form)),
                Err(_) if page.status < 400 => (Heard::Active(false), Err(Heard::Active(false))),
                Err(error) => (Heard::Unexpected(error.to_string()), Err(Heard::Nothing)),
            },
        };
        self.record.hear(open, heard);
        form
    }

    /// Sends that form.
    pub(super) async fn consent(&mut self, form: &str) -> Heard {
        let open = self.record.ask(Asked::Consent {
            form: self.record.number(form),
        });
        let heard = match within(&self.life, self.person.decide(form)).await {
            Err(heard) => heard,
            Ok(answer) => match flow::code(&answer) {
                Ok(code) => Heard::Code(self.record.number(&code)),
                Err(error) => Heard::Unexpected(error.to_string()),
            },
        };
        self.record.hear(open, heard.clone());
        heard
    }

    /// Ends all that the person has connected, which is these grants, on the connected-apps page.
    pub(super) async fn end_all(&mut self, codes: Vec<Id>) -> Heard {
        let page = match within(&self.life, self.person.connected_apps()).await {
            Ok(page) if page.status == 200 => page,
            Ok(page) => {
                let heard = Heard::Unexpected(flow::unexpected("connected apps", &page).to_string());
                self.record.hear(self.record.ask(Asked::Session), heard.clone());
                return heard;
            }
            Err(heard) => return heard,
        };
        let open = self.record.ask(Asked::End { codes });
        let heard = match flow::ending(&page) {
            // What the page does not show has ended: an end whose answer was lost.
            None => Heard::Done,
            Some(form) => match within(&self.life, self.person.end(&form)).await {
                Err(heard) => heard,
                Ok(answer) if answer.status == 303 => Heard::Done,
                Ok(answer) => Heard::Unexpected(flow::unexpected("end", &answer).to_string()),
            },
        };
        self.record.hear(open, heard.clone());
        heard
    }
}

/// One life of the server.
#[derive(Clone)]
struct Life {
    phase: watch::Receiver<Phase>,
    this: Phase,
}

/// An answer, unless it did not come, or says: not now.
async fn within(life: &Life, answer: impl Future<Output = Outcome<Answer>>) -> Result<Answer, Heard> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Err(_) if *life.phase.borrow() == life.this => Err(Heard::Unexpected("no answer in time".to_owned())),
        Err(_) => Err(Heard::Nothing),
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
        Asked::Consent { .. } | Asked::End { .. } | Asked::Session | Asked::List => (TOKEN, String::new()),
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

async fn connect(address: SocketAddr, width: usize) -> Outcome<(Vec<Connection>, Connection)> {
    let mut connections = Vec::new();
    for _ in 0..width {
        connections.push(Connection::open(address).await?);
    }
    Ok((connections, Connection::open(address).await?))
}
