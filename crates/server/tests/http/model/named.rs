//! Short histories that a server once answered wrongly, or that test a boundary to the millisecond.

use super::nouns::{KeyPurpose, Scopes};
use super::steps::{By, Edge, History, How, Step, Which};
use Edge::{Grace, Retry};
use Step::{
    AppScopes, Connect, Consent, Look, OperatorEnds, Redeem, Refresh, Restart, Resume, Revoke, RevokeKey, SuspendUser,
    Use, Wait, WaitFor,
};
use Which::{Current, Previous};

const ALL: Scopes = Scopes(7);
const READ: Scopes = Scopes(2);
const WRITE: Scopes = Scopes(4);
const CONNECT: Step = Connect(0, 0, 0, ALL);

/// Indexes into [`super::world::rules`].
const USUAL: usize = 0;
const BOUND: usize = 2;
const PATIENT: usize = 3;

/// The subject and the steps of each history.
pub(super) fn histories() -> Vec<(&'static str, History)> {
    let all = allowed().into_iter().chain(clocks());
    all.map(|(what, rules, steps)| (what, History { rules, steps }))
        .collect()
}

fn allowed() -> Vec<(&'static str, usize, Vec<Step>)> {
    let redeem = Redeem(0, By::Own, None);
    let after_suspension = |seen: Step| {
        let first = [CONNECT, refresh(Current), SuspendUser(0), seen, Resume];
        first
            .into_iter()
            .chain([WaitFor(0, Grace, 1), refresh(Previous)])
            .collect()
    };
    vec![
        ("who comes does not make room itself", PATIENT, vec![CONNECT; 8]),
        (
            "of two access tokens of one generation and moment, the one that is revoked ends alone",
            USUAL,
            vec![
                CONNECT,
                refresh(Current),
                Refresh(0, Previous, By::Own, Some(READ)),
                Revoke(0, By::Own),
            ],
        ),
        (
            "a code gives no more than the app may have by now",
            USUAL,
            vec![Consent(0, 0, 0, ALL), AppScopes(0, READ), redeem.clone()],
        ),
        (
            "and nothing where that is nothing",
            USUAL,
            vec![Consent(0, 0, 0, WRITE), AppScopes(0, READ), redeem],
        ),
        (
            "an access token that came while its person was suspended was seen",
            USUAL,
            after_suspension(Use(0, How::Identity)),
        ),
        ("so was a refresh token", USUAL, after_suspension(refresh(Current))),
        (
            "so was one that its app asked about",
            USUAL,
            after_suspension(Look(0, Current, How::By(By::Own))),
        ),
    ]
}

fn clocks() -> Vec<(&'static str, usize, Vec<Step>)> {
    let replaced = |by| vec![CONNECT, refresh(Current), WaitFor(0, Retry, by), refresh(Previous)];
    let repeated = |by| {
        let seen = Use(0, How::Identity);
        vec![
            CONNECT,
            refresh(Current),
            seen,
            WaitFor(0, Grace, by),
            refresh(Previous),
        ]
    };
    vec![
        ("the last moment of the grace", USUAL, repeated(0)),
        ("the first after it", USUAL, repeated(1)),
        ("the last moment in which an answer was lost", BOUND, replaced(0)),
        ("the first after it", BOUND, replaced(1)),
        (
            "who comes stays, although by the clock it is the longest idle",
            PATIENT,
            vec![CONNECT, CONNECT, Wait(-1000), CONNECT],
        ),
        (
            "what ended with its key takes no room",
            PATIENT,
            vec![
                CONNECT,
                CONNECT,
                RevokeKey(KeyPurpose::Proof),
                Wait(-1000),
                CONNECT,
                CONNECT,
            ],
        ),
        (
            "what was revoked does not come to life when the clock is turned back",
            USUAL,
            vec![CONNECT, OperatorEnds(0), Wait(600_000), Restart, Wait(-1)],
        ),
        (
            "nor what was revoked by a clock that was turned back",
            USUAL,
            vec![CONNECT, Wait(-1_800_000), OperatorEnds(0), Wait(660_000), Restart],
        ),
    ]
}

fn refresh(which: Which) -> Step {
    Refresh(0, which, By::Own, None)
}
