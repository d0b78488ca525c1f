//! Runs a history on a server and on the model, and compares every answer.

use super::judge::Judge;
use super::made::Made;
use super::nouns::{Access, Answered, Caller, Grant, Life, Refresh, Request, Rules, Scopes};
use super::reference::{CODE_KEPT, KEY_REVOKED, Model};
use super::steps::{By, Edge, History, How, Newest, Racer, Step, Which};
use super::told::{brief, told};
use super::world::{self, CLIENTS, ORGANIZATIONS, PEOPLE};
use crate::harness::Server;
use serde_json::Value;
use std::cell::RefCell;
use std::time::Duration;

/// The start of the manual clock.
const START: i64 = 1_767_225_600_000;
/// How much later a use may be than the stored one, in milliseconds.
const BEHIND: i64 = 60 * 1000;

/// The error says what is wrong.
pub(super) type Played = Result<(), String>;

/// Runs `history` on a copy of the data folder of `made`, and adds the events to `trace`.
pub(super) async fn play(made: &Made, history: &History, trace: &mut Vec<String>) -> Played {
    let (tokens, rules) = world::rules()[history.rules];
    let mut play = Play::new(made, tokens, rules, trace).await;
    for step in &history.steps {
        play.step(step).await?;
    }
    play.look_at_everything().await
}

/// A running history.
pub(super) struct Play<'a> {
    pub(super) made: &'a Made,
    tokens: &'static str,
    pub(super) server: Server,
    pub(super) model: Model,
    pub(super) judge: Judge,
    pub(super) cookies: RefCell<Vec<String>>,
    /// The code of each grant.
    pub(super) codes: Vec<String>,
    pub(super) trace: &'a mut Vec<String>,
}

impl<'a> Play<'a> {
    async fn new(made: &'a Made, tokens: &'static str, rules: Rules, trace: &'a mut Vec<String>) -> Self {
        trace.push(format!("[{}]", tokens.replace('\n', ", ")));
        let model = world::model(START, rules);
        Self {
            made,
            tokens,
            server: world::server(&world::declared(tokens, &model.apps), Some(&made.server)).await,
            model,
            judge: Judge::new(&made.subjects),
            cookies: RefCell::new(made.cookies.clone()),
            codes: vec![],
            trace,
        }
    }

    async fn step(&mut self, step: &Step) -> Played {
        match *step {
            Step::Consent(user, app, organization, scopes) => {
                self.consent(user, app, organization, scopes).await;
                Ok(())
            }
            Step::Connect(user, app, organization, scopes) => {
                match self.consent(user, app, organization, scopes).await {
                    Some(grant) => self.ask(redemption(&self.model, grant)).await,
                    None => Ok(()),
                }
            }
            Step::Race(of, ref racers) => self.race(of, racers).await,
            Step::Wait(span) => self.wait(span).await,
            Step::WaitFor(of, edge, more) => match self.until(of, edge) {
                Some(span) => self.wait(span + more).await,
                None => Ok(()),
            },
            Step::Restart => {
                self.trace.push("the server is restarted".to_owned());
                self.restart().await;
                Ok(())
            }
            Step::AppScopes(app, scopes) => {
                self.trace
                    .push(format!("{} is declared to have {scopes}; restart", CLIENTS[app]));
                self.model.apps[app].scopes = scopes;
                self.server.declare(&world::declared(self.tokens, &self.model.apps));
                self.restart().await;
                Ok(())
            }
            Step::Resume => self.resume().await,
            _ => match self.request(step) {
                Some(request) => self.ask(request).await,
                None => Ok(()),
            },
        }
    }

    /// The request of a step. `None` if no suitable object exists.
    fn request(&self, step: &Step) -> Option<Request> {
        let model = &self.model;
        Some(match *step {
            Step::EndAccess(of) => {
                let grant = &model.grants[self.grant(of)?];
                let (user, app, organization) = (grant.user, grant.app, grant.organization);
                if !self.is_listed(grant) || model.users[user].suspended {
                    return None;
                }
                Request::EndAccess {
                    user,
                    app,
                    organization,
                }
            }
            Step::OperatorEnds(of) => self.racer(self.grant(of)?, Racer::OperatorEnds)?,
            Step::SuspendUser(user) => Request::UserSuspended(user, true),
            Step::SuspendApp(app) => Request::AppSuspended(app, true),
            Step::SuspendOrganization(one) => Request::OrganizationSuspended(one, true),
            Step::Leave(user, of) if model.users[user].member_of.contains(&of) => Request::Member(user, of, false),
            Step::RotateKeys => Request::RotateKeys,
            Step::RevokeKey(purpose) => Request::RevokeKey(purpose),
            Step::Join(user, of) => Request::Member(user, of, true),
            _ => return self.token_request(step),
        })
    }

    /// The request of a step about a code or a token.
    fn token_request(&self, step: &Step) -> Option<Request> {
        let model = &self.model;
        Some(match *step {
            Step::Redeem(of, by, fault) => {
                let grant = self.grant(of)?;
                let by = self.by(by, grant);
                Request::Redeem { by, grant, fault }
            }
            Step::Refresh(of, which, by, scopes) => {
                let token = self.token(of, which)?;
                let by = self.by(by, token.grant);
                let from = 0;
                Request::Refresh {
                    by,
                    token,
                    scopes,
                    from,
                }
            }
            Step::RefreshFrom(of, which, from) => {
                let token = self.token(of, which)?;
                let (by, scopes) = (model.grants[token.grant].app, None);
                Request::Refresh {
                    by,
                    token,
                    scopes,
                    from,
                }
            }
            Step::Use(of, how) => {
                let access = *newest(&self.accesses(), of)?;
                match self.caller(how, access.grant) {
                    Some(caller) => Request::Introspect(caller, access),
                    None => Request::Identity(access),
                }
            }
            Step::Look(of, which, how) => {
                let token = self.token(of, which)?;
                Request::IntrospectRefresh(self.caller(how, token.grant).unwrap_or(Caller::Api), token)
            }
            Step::Revoke(of, by) => {
                let access = *newest(&model.accesses, of)?;
                // The owner of an expired token is known only while its key exists.
                let lives = by == By::Own || model.now < access.expires;
                return lives.then(|| Request::Revoke(self.by(by, access.grant), access));
            }
            Step::RevokeRefresh(of, which, by) => {
                let token = self.token(of, which)?;
                // After its key was revoked, the owner of a token does not matter, and the server may know it or not.
                if by != By::Own && model.is_keyless(token.grant) {
                    return None;
                }
                Request::RevokeRefresh(self.by(by, token.grant), token)
            }
            _ => return None,
        })
    }

    /// Whether the page of connected apps lists this connection, by this grant or another one.
    fn is_listed(&self, of: &Grant) -> bool {
        let connection = |grant: &Grant| (grant.user, grant.app, grant.organization);
        let mut grants = self.model.grants.iter().enumerate();
        grants.any(|(id, grant)| {
            connection(grant) == connection(of) && grant.life == Life::Active && !self.model.is_over(id)
        })
    }

    /// Sends a request to server and model, and compares.
    async fn ask(&mut self, request: Request) -> Played {
        let answer = self.send(&request).await;
        self.trace
            .push(format!("{} → {}", told(&self.model, &request), brief(&answer)));
        let expected = self.model.answer(&request);
        self.judge
            .judge(&expected, &answer)
            .map_err(|wrong| format!("{wrong}: {}", answer.shown()))?;
        match (request, expected) {
            (Request::Redeem { grant, .. }, Answered::Pair { .. }) => self.make_room(grant).await,
            (Request::Redeem { grant, .. }, Answered::Refused(_)) if self.model.grants[grant].swept => {
                self.ask_whether_it_ended(grant).await;
                Ok(())
            }
            (Request::EndAccess { user, .. }, _) => {
                self.written_down(|grant| grant.user == user);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Asks the server whether a second use of a code ended its grant, if the model cannot know.
    async fn ask_whether_it_ended(&mut self, grant: usize) {
        let row = self.row(grant).await;
        if row["state"] == "ended" && row["reason"] == "code_replayed" {
            self.model.end(grant, "code_replayed");
        }
    }

    /// If one grant more than allowed became active, the longest idle one ends. Uses are written later, so if several may
    /// be the one, the server is asked.
    pub(super) async fn make_room(&mut self, newcomer: usize) -> Played {
        let Life::Active = self.model.grants[newcomer].life else {
            return Ok(());
        };
        let active = self.active_beside(newcomer);
        let surplus = (active.len() + 1).saturating_sub(self.model.rules.most);
        let mut gone = vec![];
        for &id in active.iter().filter(|_| surplus > 0) {
            let row = self.row(id).await;
            if row["state"] == "ended" {
                gone.push(id);
                self.model.end(id, "replaced");
                self.trace.push(format!("  grant {id} makes room"));
            }
        }
        let used = |id: usize| self.model.grants[id].used;
        let stays = active.iter().filter(|id| !gone.contains(id));
        let earliest = stays.map(|&id| used(id).1).min().unwrap_or(i64::MAX);
        let idle = gone.iter().all(|&id| used(id).0 <= earliest);
        if gone.len() == surplus && idle {
            Ok(())
        } else {
            Err(format!("{surplus} of {active:?} must make room, and {gone:?} did"))
        }
    }

    /// The other active grants of the same person and app.
    pub(super) fn active_beside(&self, newcomer: usize) -> Vec<usize> {
        let of = |id: usize| (self.model.grants[id].user, self.model.grants[id].app);
        let others = (0..self.model.grants.len()).filter(|&id| id != newcomer && of(id) == of(newcomer));
        let active = |id: &usize| self.model.grants[*id].life == Life::Active && !self.model.is_over(*id);
        others.filter(active).collect()
    }

    /// The person allows the app. `None` if that is not possible.
    async fn consent(&mut self, user: usize, app: usize, choice: usize, scopes: Scopes) -> Option<usize> {
        let scopes = scopes.and(self.model.apps[app].scopes);
        let choices = self.choices(user, app);
        if scopes.is_empty() || choices.is_empty() || self.model.users[user].suspended || !self.model.is_live(app) {
            return None;
        }
        let organization = choices[choice % choices.len()];
        let code = self.allow(user, app, scopes, ORGANIZATIONS[organization]).await;
        let grant = self.model.consent(user, app, organization, scopes);
        self.codes.push(code);
        let of = ORGANIZATIONS[organization];
        let (person, client) = (PEOPLE[user].email, CLIENTS[app]);
        self.trace
            .push(format!("{person} allows {client} in {of}: {scopes} (grant {grant})"));
        Some(grant)
    }

    /// The organizations in which a person may connect an app.
    fn choices(&self, user: usize, app: usize) -> Vec<usize> {
        let (app, user) = (&self.model.apps[app], &self.model.users[user]);
        let active = user
            .member_of
            .iter()
            .copied()
            .filter(|&one| !self.model.organizations[one]);
        let reached: Vec<usize> = active.filter(|&one| app.partner || app.owner == one).collect();
        // The hidden organization is not offered if there is another.
        let shown: Vec<usize> = reached.iter().copied().filter(|&one| one != 0).collect();
        if shown.is_empty() { reached } else { shown }
    }

    async fn restart(&mut self) {
        self.server.restart().await;
        self.written_down(|_| true);
        self.model.grants.iter_mut().for_each(|grant| grant.repeated = false);
    }

    /// The uses of these grants are now in the database, except for the minute in which a use is not written again.
    fn written_down(&mut self, which: impl Fn(&Grant) -> bool) {
        for grant in self.model.grants.iter_mut().filter(|grant| which(grant)) {
            grant.used.0 = grant.used.0.max(grant.used.1 - BEHIND);
        }
    }

    async fn wait(&mut self, span: i64) -> Played {
        let length = Duration::from_millis(span.unsigned_abs());
        if span < 0 {
            self.settle().await;
            self.server.turn_back(length);
        } else {
            self.server.advance(length);
        }
        self.model.now += span;
        self.trace
            .push(format!("{span} ms pass, it is {}", self.model.now - START));
        Ok(())
    }

    /// Uses are written some seconds later, and expired grants end later, during other writes. Before the clock is turned
    /// back, it must be known whether both happened: a restart completes them.
    async fn settle(&mut self) {
        self.trace.push("the server is restarted".to_owned());
        self.restart().await;
        self.model.retire_keys();
        for grant in &mut self.model.grants {
            grant.swept |= self.model.now >= grant.code_expires + CODE_KEPT;
        }
        let run_out = |id: &usize| self.model.is_over(*id) || self.model.is_forgotten(*id);
        let run_out: Vec<usize> = (0..self.model.grants.len()).filter(run_out).collect();
        for id in run_out {
            let row = self.row(id).await;
            let life = &mut self.model.grants[id].life;
            *life = match (row["state"].as_str(), *life) {
                (Some("pending"), _) => Life::Pending,
                (Some("active"), _) => Life::Active,
                (Some(_), Life::Ended(reason)) if row["reason"] == reason => Life::Ended(reason),
                _ => Life::Ended("expired"),
            };
        }
    }

    /// The time until a deadline of a grant.
    fn until(&self, of: Newest, edge: Edge) -> Option<i64> {
        let (model, grant) = (&self.model, &self.model.grants[self.grant(of)?]);
        let at = match edge {
            Edge::Code => grant.code_expires,
            Edge::Replay => grant.code_expires + CODE_KEPT,
            Edge::Grace => grant.rotated_at + model.rules.grace,
            Edge::Retry => grant.rotated_at + model.rules.retry,
            Edge::Access => grant.rotated_at + model.rules.access,
            Edge::Refresh => grant.expires?,
        };
        (at > model.now).then_some(at - model.now)
    }

    async fn resume(&mut self) -> Played {
        let suspended = |all: &mut dyn Iterator<Item = bool>| -> Vec<usize> {
            all.enumerate().filter(|(_, is)| *is).map(|(n, _)| n).collect()
        };
        let users = suspended(&mut self.model.users.iter().map(|user| user.suspended));
        let apps = suspended(&mut self.model.apps.iter().map(|app| app.suspended));
        let organizations = suspended(&mut self.model.organizations.iter().copied());
        let users = users.into_iter().map(|user| Request::UserSuspended(user, false));
        let apps = apps.into_iter().map(|app| Request::AppSuspended(app, false));
        let organizations = organizations
            .into_iter()
            .map(|one| Request::OrganizationSuspended(one, false));
        for request in users.chain(apps).chain(organizations).collect::<Vec<_>>() {
            self.ask(request).await?;
        }
        Ok(())
    }

    /// At the end, every token and every row is checked.
    async fn look_at_everything(&mut self) -> Played {
        self.trace.push("everything is looked at".to_owned());
        self.resume().await?;
        for id in 0..self.model.grants.len() {
            let row = self.row(id).await;
            judge_row(&self.model, id, &row)?;
        }
        for access in self.accesses() {
            self.ask(Request::Introspect(Caller::Api, access)).await?;
        }
        for id in 0..self.model.grants.len() {
            if let Some(token) = self.token_of(id, Which::Current) {
                let (by, scopes, from) = (self.model.grants[id].app, None, 0);
                self.ask(Request::Refresh {
                    by,
                    token,
                    scopes,
                    from,
                })
                .await?;
            }
        }
        Ok(())
    }
}

impl Play<'_> {
    pub(super) fn grant(&self, of: Newest) -> Option<usize> {
        self.model
            .grants
            .len()
            .checked_sub(1)
            .map(|last| last - of % (last + 1))
    }

    /// A refresh token of one of the grants that have any.
    fn token(&self, of: Newest, which: Which) -> Option<Refresh> {
        let with: Vec<usize> = (0..self.model.grants.len())
            .filter(|&id| self.token_of(id, which).is_some())
            .collect();
        self.token_of(*newest(&with, of)?, which)
    }

    pub(super) fn token_of(&self, grant: usize, which: Which) -> Option<Refresh> {
        let row = &self.model.grants[grant];
        let generation = match which {
            Which::Current | Which::Forged => row.generation,
            Which::Previous => row.previous?,
            Which::Void => row.void.last().copied()?,
            Which::Old(_) if row.generation == 0 => return None,
            Which::Old(n) => u32::try_from(n).ok()? % row.generation + 1,
        };
        let forged = which == Which::Forged;
        let token = Refresh {
            grant,
            generation,
            forged,
        };
        (generation > 0).then_some(token)
    }

    /// The access tokens whose validity is known. If the key of a grant was revoked, its access tokens under another key
    /// remain valid until the row is updated.
    fn accesses(&self) -> Vec<Access> {
        let all = self.model.accesses.iter().copied();
        all.filter(|access| !self.model.is_untold(*access)).collect()
    }

    fn by(&self, by: By, grant: usize) -> usize {
        let own = self.model.grants[grant].app;
        match by {
            By::Own => own,
            By::Foreign(n) => (own + n) % CLIENTS.len(),
        }
    }

    fn caller(&self, how: How, grant: usize) -> Option<Caller> {
        match how {
            How::Identity => None,
            How::Api => Some(Caller::Api),
            How::By(by) => Some(Caller::App(self.by(by, grant))),
        }
    }
}

/// Compares the server's row of a grant.
pub(super) fn judge_row(model: &Model, id: usize, row: &Value) -> Played {
    let grant = &model.grants[id];
    let run_out = model.is_over(id) && row["state"] == "ended" && row["reason"] == "expired";
    let fits = match grant.life {
        _ if run_out || model.is_forgotten(id) => true,
        Life::Pending => row["state"] == "pending",
        Life::Active => row["state"] == "active" && row["refreshes"] == grant.generation - 1,
        // A late request for an expired grant may or may not end it in the row.
        Life::Ended(_) if model.is_over(id) => true,
        Life::Ended(KEY_REVOKED) => true,
        Life::Ended("expired") => row["state"] != "active" && row["state"] != "pending",
        Life::Ended(reason) => row["state"] == "ended" && row["reason"] == reason,
    };
    if fits {
        Ok(())
    } else {
        Err(format!("grant {id} is {:?}, and the server has {row}", grant.life))
    }
}

/// A correct redemption.
pub(super) fn redemption(model: &Model, grant: usize) -> Request {
    let (by, fault) = (model.grants[grant].app, None);
    Request::Redeem { by, grant, fault }
}

fn newest<T>(all: &[T], of: Newest) -> Option<&T> {
    all.iter().rev().nth(of % all.len().max(1))
}
