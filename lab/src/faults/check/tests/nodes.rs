//! The same over several nodes: another node may miss an acknowledged end for two seconds, and no longer.

use super::super::{Asked, Event, Findings, Heard, Rules, check};
use super::{REDEEM, REVOKE, introspect, refresh, revoke_access, tokens};
use std::time::Duration;

/// A history in which requests follow each other, half a second apart, each sent to some node.
#[derive(Default)]
struct Story {
    events: Vec<Event>,
    now: Duration,
}

impl Story {
    fn at(mut self, node: usize, asked: Asked, heard: Heard) -> Self {
        let number = self.events.len() as u64;
        self.now += Duration::from_millis(500);
        self.events.push(Event {
            node,
            asked,
            heard,
            sent: 2 * number + 1,
            received: 2 * number + 2,
            sent_at: self.now,
            received_at: self.now,
        });
        self
    }

    /// Makes the last but one request end after the last one.
    fn meanwhile(mut self) -> Self {
        let last = self.events.len() - 1;
        self.events[last - 1].received = 2 * last as u64 + 3;
        self
    }

    fn after(mut self, millis: u64) -> Self {
        self.now += Duration::from_millis(millis);
        self
    }

    fn found(&self, rules: Rules) -> Findings {
        check(&self.events, 0, rules)
    }

    fn is_fine(&self, rules: Rules) {
        assert_eq!(self.found(rules).wrong, Vec::<String>::new());
    }

    fn is_wrong(&self, rules: Rules, what: &str) {
        let wrong = self.found(rules).wrong;
        assert!(
            wrong.len() == 1 && wrong[0].contains(what),
            "expected {what}, found {wrong:?}"
        );
    }
}

const LIVES: &str = "an ended grant is active again";
const LOST: &str = "a grant ended without a reason";
const CALM: Asked = Asked::Calm;

/// A redeemed code and its tokens, at the first node.
fn connected() -> Story {
    Story::default()
        .at(0, Asked::Consent { form: 0 }, Heard::Code(1))
        .at(1, REDEEM, tokens(0))
}

#[test]
fn an_acknowledged_end_is_known_to_every_node_after_the_bound() {
    for asked in [REVOKE, Asked::End { codes: vec![1] }] {
        let ended = || connected().at(0, asked.clone(), Heard::Done);
        let soon = ended().after(1500).at(1, introspect(0), Heard::Active(true));
        soon.is_fine(Rules::NODES);
        assert_eq!(soon.found(Rules::NODES).latest, Duration::from_secs(2));
        ended()
            .after(1501)
            .at(1, introspect(0), Heard::Active(true))
            .is_wrong(Rules::NODES, LIVES);
        ended()
            .at(0, introspect(0), Heard::Active(true))
            .is_wrong(Rules::NODES, LIVES);
    }
}

#[test]
fn a_revoked_access_token_is_known_to_every_node_after_the_bound() {
    let revoked = || connected().at(1, revoke_access(0), Heard::Done);
    revoked()
        .at(0, introspect(0), Heard::Active(true))
        .is_fine(Rules::NODES);
    let again = "a revoked access token is active again";
    revoked()
        .after(1501)
        .at(0, introspect(0), Heard::Active(true))
        .is_wrong(Rules::NODES, again);
    revoked()
        .at(1, introspect(0), Heard::Active(true))
        .is_wrong(Rules::NODES, again);
}

#[test]
fn answers_from_the_database_agree_at_once_on_every_node() {
    let ended = || connected().at(0, REVOKE, Heard::Done);
    ended().at(1, refresh(0), tokens(1)).is_wrong(Rules::NODES, LIVES);
    ended()
        .at(1, Asked::List, Heard::Listed(vec![1]))
        .is_wrong(Rules::NODES, "is listed although it had ended");
    connected()
        .at(0, REDEEM, tokens(5))
        .is_wrong(Rules::NODES, "a code was redeemed twice");
    connected()
        .at(0, refresh(0), tokens(1))
        .at(1, refresh(0), tokens(2))
        .is_wrong(Rules::NODES, "one refresh token got two successors");
}

#[test]
fn a_cut_off_database_may_be_stale_for_as_long_as_memory() {
    let ended = || connected().at(0, REVOKE, Heard::Done);
    ended().at(1, refresh(0), tokens(1)).is_fine(Rules::SPLIT);
    ended()
        .after(1501)
        .at(1, refresh(0), tokens(1))
        .is_wrong(Rules::SPLIT, LIVES);
    let exchanged = || connected().at(0, refresh(0), tokens(1)).at(0, refresh(1), tokens(2));
    exchanged().at(1, refresh(0), tokens(1)).is_fine(Rules::SPLIT);
    exchanged()
        .after(1501)
        .at(1, refresh(0), tokens(1))
        .is_wrong(Rules::SPLIT, "although its successor had been exchanged");
}

#[test]
fn an_acknowledged_grant_is_missing_on_no_node() {
    connected()
        .at(0, refresh(0), Heard::Refused)
        .is_wrong(Rules::NODES, LOST);
    connected()
        .at(0, introspect(0), Heard::Active(false))
        .is_wrong(Rules::NODES, LOST);
    connected()
        .at(0, Asked::List, Heard::Listed(vec![]))
        .is_wrong(Rules::NODES, "is missing from the list");
}

#[test]
fn a_request_without_answer_may_take_effect_until_all_is_settled() {
    for asked in [REVOKE, refresh(0), Asked::End { codes: vec![1] }] {
        let lingers = || {
            let story = connected().at(0, asked.clone(), Heard::Nothing);
            story.at(1, refresh(0), tokens(1)).at(1, refresh(1), tokens(2))
        };
        lingers().at(1, refresh(2), Heard::Refused).is_fine(Rules::NODES);
        lingers()
            .at(0, CALM, Heard::Done)
            .at(1, refresh(2), tokens(3))
            .at(1, refresh(3), Heard::Refused)
            .is_wrong(Rules::NODES, LOST);
        lingers()
            .at(0, CALM, Heard::Done)
            .at(1, refresh(2), Heard::Refused)
            .is_fine(Rules::NODES);
    }
    connected()
        .at(0, revoke_access(0), Heard::Later)
        .at(1, introspect(0), Heard::Active(true))
        .at(1, introspect(0), Heard::Active(false))
        .is_fine(Rules::NODES);
    connected()
        .at(0, revoke_access(0), Heard::Later)
        .at(0, CALM, Heard::Done)
        .at(1, introspect(0), Heard::Active(true))
        .at(1, introspect(0), Heard::Active(false))
        .is_wrong(Rules::NODES, LOST);
}

#[test]
fn an_end_seen_at_one_node_is_seen_at_the_others_after_the_bound() {
    let found = || {
        connected()
            .at(0, REVOKE, Heard::Nothing)
            .at(1, introspect(0), Heard::Active(false))
    };
    found().at(0, introspect(0), Heard::Active(true)).is_fine(Rules::NODES);
    found()
        .at(1, introspect(0), Heard::Active(true))
        .is_wrong(Rules::NODES, LIVES);
    found()
        .after(1501)
        .at(0, introspect(0), Heard::Active(true))
        .is_wrong(Rules::NODES, LIVES);
    found().at(0, refresh(0), tokens(1)).is_wrong(Rules::NODES, LIVES);
}

#[test]
fn others_may_see_an_end_before_its_sender() {
    for asked in [REVOKE, Asked::End { codes: vec![1] }] {
        for heard in [Heard::Done, Heard::Nothing] {
            connected()
                .at(0, asked.clone(), heard)
                .at(1, introspect(0), Heard::Active(false))
                .meanwhile()
                .is_fine(Rules::NODES);
        }
    }
    connected()
        .at(0, introspect(0), Heard::Active(true))
        .at(1, introspect(0), Heard::Active(false))
        .meanwhile()
        .is_wrong(Rules::NODES, LOST);
    connected()
        .at(1, introspect(0), Heard::Active(false))
        .at(0, REVOKE, Heard::Done)
        .is_wrong(Rules::NODES, LOST);
}
