//! Histories with a planted violation, and the same histories without it.

use super::*;

mod nodes;

/// A history in which requests follow each other, one second apart.
#[derive(Default)]
struct Story(Vec<Event>);

impl Story {
    fn then(mut self, asked: Asked, heard: Heard) -> Self {
        let number = self.0.len() as u64;
        let at = Duration::from_secs(number);
        self.0.push(Event {
            node: 0,
            asked,
            heard,
            sent: 2 * number + 1,
            received: 2 * number + 2,
            sent_at: at,
            received_at: at,
        });
        self
    }

    /// Makes the last two requests overlap.
    fn at_once(mut self) -> Self {
        let last = self.0.len() - 1;
        self.0[last].sent = self.0[last - 1].sent;
        self
    }

    fn later(mut self, span: Duration) -> Self {
        let event = self.0.last_mut().unwrap();
        event.sent_at += span;
        event.received_at += span;
        self
    }

    fn wrong(&self) -> Vec<String> {
        check(&self.0, 0, Rules::ONE).wrong
    }

    fn is_fine(&self) {
        assert_eq!(self.wrong(), Vec::<String>::new());
    }

    fn is_wrong(&self, what: &str) {
        let wrong = self.wrong();
        assert!(
            wrong.len() == 1 && wrong[0].contains(what),
            "expected {what}, found {wrong:?}"
        );
    }
}

const REDEEM: Asked = Asked::Redeem { code: 1 };
const REVOKE: Asked = Asked::RevokeRefresh { token: 20 };

fn tokens(generation: Id) -> Heard {
    let (access, refresh) = (10 + generation, 20 + generation);
    Heard::Tokens { access, refresh }
}

fn refresh(generation: Id) -> Asked {
    Asked::Refresh { token: 20 + generation }
}

fn introspect(generation: Id) -> Asked {
    Asked::Introspect { token: 10 + generation }
}

fn revoke_access(generation: Id) -> Asked {
    Asked::RevokeAccess { token: 10 + generation }
}

/// A redeemed code and its tokens.
fn connected() -> Story {
    Story::default()
        .then(Asked::Consent { form: 0 }, Heard::Code(1))
        .then(REDEEM, tokens(0))
}

#[test]
fn an_ordinary_history_has_no_violation() {
    connected()
        .then(introspect(0), Heard::Active(true))
        .then(refresh(0), tokens(1))
        .then(refresh(0), tokens(1))
        .then(refresh(1), Heard::Nothing)
        .then(refresh(1), tokens(2))
        .then(revoke_access(2), Heard::Done)
        .then(introspect(2), Heard::Active(false))
        .then(Asked::Session, Heard::Active(true))
        .then(Asked::List, Heard::Listed(vec![1]))
        .then(Asked::RevokeRefresh { token: 22 }, Heard::Nothing)
        .then(introspect(1), Heard::Active(true))
        .then(Asked::RevokeRefresh { token: 22 }, Heard::Done)
        .then(introspect(1), Heard::Active(false))
        .then(refresh(2), Heard::Refused)
        .then(Asked::List, Heard::Listed(vec![]))
        .is_fine();
}

#[test]
fn a_lost_grant_is_found() {
    connected()
        .then(refresh(0), Heard::Refused)
        .is_wrong("a grant ended without a reason");
    connected()
        .then(introspect(0), Heard::Active(false))
        .is_wrong("a grant ended without a reason");
    Story::default()
        .then(Asked::Consent { form: 0 }, Heard::Code(1))
        .then(REDEEM, Heard::Refused)
        .is_wrong("code 1 was never accepted");
    connected()
        .then(Asked::List, Heard::Listed(vec![]))
        .is_wrong("grant 1 is missing from the list");
}

#[test]
fn a_lost_answer_is_no_violation_and_excuses_none() {
    connected()
        .then(refresh(0), Heard::Nothing)
        .then(refresh(0), Heard::Refused)
        .is_wrong("a grant ended without a reason");
    connected()
        .then(REVOKE, Heard::Nothing)
        .then(refresh(0), tokens(1))
        .then(refresh(1), Heard::Refused)
        .is_wrong("a grant ended without a reason");
}

#[test]
fn an_undone_revocation_is_found() {
    for asked in [REVOKE, Asked::End { codes: vec![1] }] {
        let ended = || connected().then(asked.clone(), Heard::Done);
        ended()
            .then(refresh(0), tokens(1))
            .is_wrong("an ended grant is active again");
        ended()
            .then(introspect(0), Heard::Active(true))
            .is_wrong("an ended grant is active again");
        ended()
            .then(Asked::List, Heard::Listed(vec![1]))
            .is_wrong("grant 1 is listed although it had ended");
    }
    connected()
        .then(revoke_access(0), Heard::Done)
        .then(introspect(0), Heard::Active(true))
        .is_wrong("a revoked access token is active again");
}

#[test]
fn a_grant_that_had_ended_must_stay_ended() {
    connected()
        .then(REVOKE, Heard::Nothing)
        .then(refresh(0), Heard::Refused)
        .then(introspect(0), Heard::Active(true))
        .is_wrong("an ended grant is active again");
    connected()
        .then(revoke_access(0), Heard::Nothing)
        .then(introspect(0), Heard::Active(false))
        .then(introspect(0), Heard::Active(true))
        .is_wrong("a revoked access token is active again");
}

#[test]
fn a_code_redeemed_twice_is_found() {
    connected()
        .then(REDEEM, tokens(5))
        .is_wrong("a code was redeemed twice");
    connected()
        .then(REDEEM, Heard::Refused)
        .then(refresh(0), tokens(1))
        .is_wrong("an ended grant is active again");
}

/// The values that the code was bound to are deleted by then.
#[test]
fn a_second_use_after_a_refresh_ends_nothing_that_is_known() {
    connected()
        .then(refresh(0), tokens(1))
        .then(REDEEM, Heard::Refused)
        .then(refresh(1), tokens(2))
        .is_fine();
    connected()
        .then(refresh(0), Heard::Nothing)
        .then(REDEEM, Heard::Refused)
        .then(refresh(0), Heard::Refused)
        .is_fine();
}

#[test]
fn redemptions_may_race_and_end_the_grant() {
    connected()
        .then(REDEEM, Heard::Refused)
        .at_once()
        .then(refresh(0), Heard::Refused)
        .is_fine();
    Story::default()
        .then(Asked::Consent { form: 0 }, Heard::Code(1))
        .then(REDEEM, Heard::Refused)
        .then(REDEEM, tokens(0))
        .at_once()
        .then(refresh(0), Heard::Refused)
        .is_fine();
    Story::default()
        .then(Asked::Consent { form: 0 }, Heard::Code(1))
        .then(REDEEM, Heard::Nothing)
        .then(REDEEM, Heard::Refused)
        .is_fine();
}

#[test]
fn two_successors_are_found() {
    connected()
        .then(refresh(0), tokens(1))
        .then(refresh(0), tokens(2))
        .is_wrong("one refresh token got two successors");
    let other = Heard::Tokens {
        access: 19,
        refresh: 21,
    };
    connected()
        .then(refresh(0), tokens(1))
        .then(refresh(0), other)
        .is_wrong("one refresh got two access tokens");
}

#[test]
fn a_superseded_refresh_token_ends_its_grant() {
    let reused = |heard| {
        connected()
            .then(refresh(0), tokens(1))
            .then(refresh(1), tokens(2))
            .then(refresh(0), heard)
    };
    reused(tokens(1)).is_wrong("a refresh token worked although its successor had been exchanged");
    reused(Heard::Refused).then(refresh(2), Heard::Refused).is_fine();
    reused(Heard::Refused)
        .then(introspect(2), Heard::Active(true))
        .is_wrong("an ended grant is active again");
    reused(Heard::Nothing).then(refresh(2), Heard::Refused).is_fine();
    // After the grace of an exchange whose answer was lost, another exchange replaces the successor that was reported in
    // the meantime.
    connected()
        .then(refresh(0), Heard::Nothing)
        .then(refresh(0), tokens(1))
        .then(refresh(0), tokens(2))
        .later(GRACE)
        .is_fine();
    // After the grace, a repetition also ends the grant.
    connected()
        .then(refresh(0), tokens(1))
        .then(refresh(0), Heard::Refused)
        .later(GRACE * 2)
        .is_fine();
}

#[test]
fn a_lost_session_and_a_strange_answer_are_found() {
    connected()
        .then(Asked::Session, Heard::Active(false))
        .is_wrong("the session is gone");
    connected()
        .then(refresh(0), Heard::Unexpected("500".to_owned()))
        .is_wrong("500");
    connected()
        .then(Asked::Consent { form: 0 }, Heard::Code(2))
        .then(Asked::Redeem { code: 2 }, tokens(7))
        .is_wrong("one consent form gave two codes");
}

#[test]
fn a_grant_not_checked_at_the_end_is_reported() {
    let story = connected();
    assert_eq!(
        check(&story.0, 100, Rules::ONE).wrong,
        ["grant 1 was not checked at the end"]
    );
}
