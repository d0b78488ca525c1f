//! Checks whether a history keeps all promises of Hallpass. A pure function.
//!
//! The answers are read in the order in which they arrived. For each grant the checker keeps the requests that may have
//! ended it, when it was last seen active, and when it was first known to have ended; each promise is then one comparison.
//! A request without an answer may explain an end, until a later request shows that it was not carried out.

use super::history::{Asked, Event, Heard, Id};
pub(crate) use evidence::Rules;
use evidence::{Doubts, Over};
use std::collections::HashMap;
use std::time::Duration;

mod evidence;

/// How long a repeated refresh gets the same successor: `grace`, less the possible difference of the two clocks.
pub(super) const GRACE: Duration = Duration::from_secs(25);

/// The result of the check.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// The violations in this history.
    pub(crate) wrong: Vec<String>,
    /// The longest time from an acknowledged end to a request that still got "active".
    pub(crate) latest: Duration,
}

/// Checks a history. A request for every grant must have been sent after the tick `settled`.
pub(crate) fn check(events: &[Event], settled: u64, rules: Rules) -> Findings {
    let mut checker = Checker::new(rules);
    let mut ordered: Vec<&Event> = events.iter().collect();
    ordered.sort_by_key(|event| event.received);
    for event in ordered {
        checker.take(event);
    }
    checker.finish(settled);
    checker.findings
}

struct Checker {
    rules: Rules,
    findings: Findings,
    /// The ticks at which all requests were settled.
    calms: Vec<u64>,
    /// The grants, by code.
    grants: HashMap<Id, Grant>,
    forms: HashMap<Id, Id>,
    refresh: HashMap<Id, Refresh>,
    access: HashMap<Id, Access>,
}

#[derive(Default)]
struct Grant {
    redeemed: bool,
    /// The redemptions so far: all, those refused, those of unknown outcome.
    redemptions: usize,
    refused: usize,
    unanswered: usize,
    /// When a redemption was first refused.
    refused_at: Option<u64>,
    endings: Doubts,
    /// Since when the grant has ended without a known reason, and the complaint if no reason is found.
    lost: Option<(u64, String)>,
    /// When the grant was first known to have ended.
    ended: Option<Over>,
    /// When the last request with a definite answer was sent.
    looked_at: u64,
    /// The refresh tokens of the grant, the oldest first.
    chain: Vec<Id>,
}

struct Refresh {
    code: Id,
    place: usize,
    /// Since when its holder knows the token: as a tick, and as a time.
    known: u64,
    known_at: Duration,
    /// When the token was first sent, whatever the answer.
    sent_at: Option<Duration>,
    /// The successor and its access token.
    successor: Option<(Id, Id)>,
}

struct Access {
    code: Id,
    revocations: Doubts,
    revoked: Option<Over>,
}

/// The source of an answer: the memory of a node, or the database.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Memory,
    Database,
}

impl Checker {
    fn new(rules: Rules) -> Self {
        Self {
            rules,
            findings: Findings::default(),
            calms: Vec::new(),
            grants: HashMap::new(),
            forms: HashMap::new(),
            refresh: HashMap::new(),
            access: HashMap::new(),
        }
    }

    fn take(&mut self, event: &Event) {
        if let Heard::Unexpected(text) = &event.heard {
            return self.complain(event, text);
        }
        match &event.asked {
            Asked::Consent { form } => self.consent(event, *form),
            Asked::Redeem { code } => self.redeem(event, *code),
            Asked::Refresh { token } => self.refresh(event, *token),
            Asked::RevokeRefresh { token } => {
                let code = self.refresh.get(token).map(|refresh| refresh.code);
                self.end(event, code.as_slice());
            }
            Asked::End { codes } => self.end(event, codes),
            Asked::RevokeAccess { token } => self.revoke_access(event, *token),
            Asked::Introspect { token } => self.introspect(event, *token),
            Asked::Session if event.heard == Heard::Active(false) => self.complain(event, "the session is gone"),
            Asked::Session => {}
            Asked::List => self.list(event),
            Asked::Calm => self.calms.push(event.received),
        }
    }

    fn consent(&mut self, event: &Event, form: Id) {
        let Heard::Code(code) = event.heard else { return };
        let first = *self.forms.entry(form).or_insert(code);
        if first != code {
            self.complain(event, "one consent form gave two codes");
        }
        self.grants.entry(code).or_default();
    }

    fn redeem(&mut self, event: &Event, code: Id) {
        let grant = self.grants.entry(code).or_default();
        let sent = |id: &Id| self.refresh.get(id).is_some_and(|refresh| refresh.sent_at.is_some());
        let refreshed = grant.chain.iter().any(sent);
        grant.redemptions += 1;
        match event.heard {
            Heard::Tokens { access, refresh } => {
                let twice = std::mem::replace(&mut grant.redeemed, true);
                let refused_at = grant.refused_at;
                if twice {
                    self.complain(event, "a code was redeemed twice");
                }
                self.receive(event, code, access, refresh);
                self.alive(event, code, From::Database);
                match refused_at {
                    Some(refused) if refused < event.sent => self.complain(event, "a code was refused and then worked"),
                    // The other redemption of the race was the second use.
                    Some(_) => self.over(event, code, From::Database),
                    None => {}
                }
            }
            // After the first rotation, even one without an answer, a second use ends nothing.
            Heard::Refused if refreshed => {
                grant.refused += 1;
                grant.endings.add(event, false);
            }
            Heard::Refused => {
                grant.refused += 1;
                grant.refused_at.get_or_insert(event.received);
                // Whether another redemption succeeded shows only in its answer, which may arrive later.
                let alone = grant.redemptions == 1 && !grant.endings.explain(event.received);
                grant.endings.add(event, true);
                grant.looked_at = grant.looked_at.max(event.sent);
                if !alone {
                    self.over(event, code, From::Database);
                }
            }
            _ => {
                grant.unanswered += 1;
                grant.endings.add(event, false);
            }
        }
    }

    fn refresh(&mut self, event: &Event, token: Id) {
        let Some(known) = self.refresh.get_mut(&token) else {
            return self.complain(event, "a refresh token of no grant was used");
        };
        // The exchange without an answer may be the one that was carried out.
        let first = *known.sent_at.get_or_insert(event.sent_at);
        let (code, place, successor) = (known.code, known.place, known.successor);
        let grant = self.grants.entry(code).or_default();
        let later = grant.chain.get(place + 2).and_then(|id| self.refresh.get(id));
        let superseded = later.map(|later| (later.known, later.known_at + self.rules.database));
        let late = successor.is_some() && event.received_at.saturating_sub(first) > GRACE;
        match event.heard {
            Heard::Tokens { access, refresh } => {
                if superseded.is_some_and(|(since, at)| since < event.sent && at <= event.sent_at) {
                    self.complain(
                        event,
                        "a refresh token worked although its successor had been exchanged",
                    );
                }
                if let Some((same, with)) = successor.filter(|_| !late) {
                    if same != refresh {
                        self.complain(event, "one refresh token got two successors");
                    } else if with != access {
                        self.complain(event, "one refresh got two access tokens");
                    }
                }
                if let Some(known) = self.refresh.get_mut(&token) {
                    known.successor.get_or_insert((refresh, access));
                }
                self.receive(event, code, access, refresh);
                self.alive(event, code, From::Database);
            }
            Heard::Refused => {
                if superseded.is_some() || late {
                    grant.endings.add(event, true);
                }
                self.over(event, code, From::Database);
            }
            _ if superseded.is_some() || late => grant.endings.add(event, false),
            // The exchange may still be carried out, after its successors were exchanged.
            Heard::Nothing if self.rules.lingers => grant.endings.add(event, false),
            _ => {}
        }
    }

    fn end(&mut self, event: &Event, codes: &[Id]) {
        let done = event.heard == Heard::Done;
        for code in codes {
            let grant = self.grants.entry(*code).or_default();
            grant.endings.add(event, done);
            if done {
                grant.ended.get_or_insert(Over::known_to(event));
            }
        }
    }

    fn revoke_access(&mut self, event: &Event, token: Id) {
        let Some(access) = self.access.get_mut(&token) else {
            return;
        };
        let done = event.heard == Heard::Done;
        access.revocations.add(event, done);
        if done {
            access.revoked.get_or_insert(Over::known_to(event));
        }
    }

    fn introspect(&mut self, event: &Event, token: Id) {
        let Heard::Active(active) = event.heard else { return };
        let Some(access) = self.access.get_mut(&token) else {
            return self.complain(event, "an access token of no grant was used");
        };
        let code = access.code;
        if active {
            let before = evidence::settled(&self.calms, self.rules, event);
            match access.revoked {
                Some(revoked) if revoked.forbids(event, self.rules.memory) => {
                    self.complain(event, "a revoked access token is active again");
                }
                Some(revoked) => self.findings.latest = self.findings.latest.max(revoked.age(event)),
                None => access.revocations.disprove(before),
            }
            self.alive(event, code, From::Memory);
        } else if access.revocations.explain(event.received) {
            access.revoked.get_or_insert(Over::known_to(event));
            let grant = self.grants.entry(code).or_default();
            grant.looked_at = grant.looked_at.max(event.sent);
        } else {
            self.over(event, code, From::Memory);
        }
    }

    fn list(&mut self, event: &Event) {
        let Heard::Listed(listed) = &event.heard else { return };
        let mut wrong = Vec::new();
        for (code, grant) in &self.grants {
            let over = grant
                .ended
                .is_some_and(|ended| ended.forbids(event, self.rules.database));
            let alive = grant.redeemed && grant.ended.is_none() && !grant.endings.explain(event.received);
            match listed.contains(code) {
                true if over => wrong.push(format!("grant {code} is listed although it had ended")),
                false if alive => wrong.push(format!("grant {code} is missing from the list")),
                _ => {}
            }
        }
        self.findings.wrong.append(&mut wrong);
    }

    /// Notes that a holder received tokens.
    fn receive(&mut self, event: &Event, code: Id, access: Id, refresh: Id) {
        let revocations = Doubts::default();
        let revoked = None;
        self.access.entry(access).or_insert(Access {
            code,
            revocations,
            revoked,
        });
        if self.refresh.contains_key(&refresh) {
            return;
        }
        let grant = self.grants.entry(code).or_default();
        let known = Refresh {
            code,
            place: grant.chain.len(),
            known: event.received,
            known_at: event.received_at,
            sent_at: None,
            successor: None,
        };
        grant.chain.push(refresh);
        self.refresh.insert(refresh, known);
    }

    fn alive(&mut self, event: &Event, code: Id, from: From) {
        let before = evidence::settled(&self.calms, self.rules, event);
        let bound = match from {
            From::Memory => self.rules.memory,
            From::Database => self.rules.database,
        };
        let grant = self.grants.entry(code).or_default();
        grant.looked_at = grant.looked_at.max(event.sent);
        match grant.ended {
            Some(ended) if ended.forbids(event, bound) => self.complain(event, "an ended grant is active again"),
            Some(ended) => self.findings.latest = self.findings.latest.max(ended.age(event)),
            None => grant.endings.disprove(before),
        }
    }

    /// Notes that the grant has ended. A request must explain why.
    fn over(&mut self, event: &Event, code: Id, from: From) {
        let grant = self.grants.entry(code).or_default();
        grant.looked_at = grant.looked_at.max(event.sent);
        let known = grant.ended.is_some();
        let explained = known || grant.endings.explain(event.received);
        grant.ended.get_or_insert(match from {
            From::Memory => Over::known_to(event),
            From::Database => Over::in_the_database(event),
        });
        if !explained {
            // The request that ended the grant may not be answered yet: others can know the end before its sender.
            grant.lost = Some((event.received, complaint(event, "a grant ended without a reason")));
        }
    }

    fn finish(&mut self, settled: u64) {
        let wrong = &mut self.findings.wrong;
        for (code, grant) in &mut self.grants {
            if let Some((since, complaint)) = grant.lost.take()
                && !grant.endings.was_under_way(since)
            {
                wrong.push(complaint);
            }
            if grant.redemptions > 0 && grant.refused == grant.redemptions && grant.unanswered == 0 && !grant.redeemed {
                wrong.push(format!("code {code} was never accepted"));
            }
            if grant.looked_at <= settled {
                wrong.push(format!("grant {code} was not checked at the end"));
            }
        }
        wrong.sort();
    }

    fn complain(&mut self, event: &Event, what: &str) {
        self.findings.wrong.push(complaint(event, what));
    }
}

fn complaint(event: &Event, what: &str) -> String {
    let Event {
        node,
        asked,
        heard,
        sent,
        received,
        ..
    } = event;
    let when = event.sent_at.as_millis();
    format!("{what}: {asked:?} at {sent} ({when} ms), node {node}, got {heard:?} at {received}")
}

#[cfg(test)]
mod tests;
