//! The steps of a history. They refer to objects by position ("the grant before the last"), so that every history makes
//! sense, even after it was shortened.

use super::nouns::{Fault, KeyPurpose, Scopes};
use proptest::prelude::*;
use proptest::sample::select;

pub(super) const USERS: usize = 2;
pub(super) const APPS: usize = 3;
pub(super) const ORGANIZATIONS: usize = 3;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

/// A history: the rules, and the steps.
#[derive(Clone, Debug)]
pub(super) struct History {
    /// The index of the configuration.
    pub(super) rules: usize,
    pub(super) steps: Vec<Step>,
}

/// A step.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A person allows an app. The third number chooses one of the offered organizations.
    Consent(usize, usize, usize, Scopes),
    /// The same, and the app redeems the code.
    Connect(usize, usize, usize, Scopes),
    /// The code of a grant is presented.
    Redeem(Newest, By, Option<Fault>),
    /// A refresh token of a grant is presented, perhaps for some of the scopes.
    Refresh(Newest, Which, By, Option<Scopes>),
    /// The same from another source.
    RefreshFrom(Newest, Which, usize),
    /// Concurrent requests about one grant.
    Race(Newest, Vec<Racer>),
    /// An access token is used or introspected.
    Use(Newest, How),
    /// A refresh token is introspected.
    Look(Newest, Which, How),
    /// An access token is revoked.
    Revoke(Newest, By),
    /// A refresh token is revoked.
    RevokeRefresh(Newest, Which, By),
    /// The person of a grant ends its app's access.
    EndAccess(Newest),
    /// The operator ends a grant.
    OperatorEnds(Newest),
    SuspendUser(usize),
    SuspendApp(usize),
    SuspendOrganization(usize),
    /// Everything that is suspended is resumed.
    Resume,
    Leave(usize, usize),
    Join(usize, usize),
    /// The scopes that an app may request from now on.
    AppScopes(usize, Scopes),
    /// The clock moves, backwards if the number is negative.
    Wait(i64),
    /// The clock moves to a deadline, plus or minus milliseconds.
    WaitFor(Newest, Edge, i64),
    Restart,
    RotateKeys,
    RevokeKey(KeyPurpose),
}

/// How many newer ones there are: 0 is the newest. Taken modulo the number of existing ones.
pub(super) type Newest = usize;

/// A refresh token of a grant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Which {
    Current,
    Previous,
    Void,
    /// Any issued token, by its generation.
    Old(usize),
    Forged,
}

/// The app that presents the token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum By {
    Own,
    Foreign(usize),
}

/// The way to use or introspect a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum How {
    Identity,
    By(By),
    Api,
}

/// One of several concurrent requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Racer {
    Redeem,
    Refresh(Which),
    Revoke,
    OperatorEnds,
}

/// A deadline of a grant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Edge {
    Code,
    /// Until then a second use of the code ends the grant.
    Replay,
    Grace,
    Retry,
    Access,
    Refresh,
}

/// Histories of up to `longest` steps.
pub(super) fn histories(rules: usize, longest: usize) -> BoxedStrategy<History> {
    let episodes = proptest::collection::vec(episode(), 0..=longest);
    (0..rules, connect(), episodes)
        .prop_map(|(rules, first, episodes)| History {
            rules,
            steps: std::iter::once(first).chain(episodes.into_iter().flatten()).collect(),
        })
        .boxed()
}

/// Usually a single step; some steps follow each other, which chance would rarely produce.
fn episode() -> BoxedStrategy<Vec<Step>> {
    prop_oneof![
        40 => step().prop_map(|step| vec![step]),
        4 => late(),
        1 => kept(),
        2 => spent(),
        2 => copied(),
        1 => crowd(),
        2 => stopped(),
    ]
    .boxed()
}

/// A predecessor presented near a deadline, its successor seen or not, with a restart before or in between.
fn late() -> BoxedStrategy<Vec<Step>> {
    let seen = prop_oneof![3 => how().prop_map(|how| Step::Use(0, how)), 1 => Just(Step::Revoke(0, By::Own)), 1 => Just(Step::Look(0, Which::Previous, How::By(By::Own)))];
    let uses = (proptest::option::of(how()), proptest::option::of(seen));
    let restart = select(vec![None, None, Some(false), Some(true)]);
    let edge = select(vec![Edge::Grace, Edge::Grace, Edge::Retry]);
    let after = select(vec![Which::Current, Which::Previous, Which::Void]);
    (newest(), uses, restart, (edge, -1..=1_i64), after)
        .prop_map(|(of, (before, seen), restart, (edge, more), after)| {
            let refresh = |which| Step::Refresh(of, which, By::Own, None);
            let mut steps = Vec::new();
            steps.extend(before.map(|how| Step::Look(of, Which::Current, how)));
            steps.extend((restart == Some(false)).then_some(Step::Restart));
            steps.push(refresh(Which::Current));
            steps.extend(seen);
            steps.extend((restart == Some(true)).then_some(Step::Restart));
            steps.push(Step::WaitFor(of, edge, more));
            steps.extend([refresh(Which::Previous), refresh(after)]);
            steps
        })
        .boxed()
}

/// A code presented twice, with the right proofs or without, near the deadline until which that ends its grant.
fn spent() -> BoxedStrategy<Vec<Step>> {
    let fault = select(vec![
        None,
        None,
        Some(Fault::Verifier),
        Some(Fault::NoVerifier),
        Some(Fault::RedirectUri),
    ]);
    let between = prop_oneof![
        2 => Just(vec![]),
        2 => (-1..=1_i64).prop_map(|more| vec![Step::WaitFor(0, Edge::Replay, more)]),
        1 => Just(vec![Step::Refresh(0, Which::Current, By::Own, None)]),
        1 => Just(vec![Step::Restart]),
    ];
    (connect(), between, fault)
        .prop_map(|(first, between, fault)| {
            let (second, then) = (
                Step::Redeem(0, By::Own, fault),
                Step::Refresh(0, Which::Current, By::Own, None),
            );
            std::iter::once(first).chain(between).chain([second, then]).collect()
        })
        .boxed()
}

/// Two devices with the same tokens: each rotation is repeated from another source, some perhaps from the same source or
/// not at all.
fn copied() -> BoxedStrategy<Vec<Step>> {
    let repeat = select(vec![Some(1), Some(1), Some(1), Some(2), Some(0), None]);
    let between = select(vec![
        Step::Wait(SECOND),
        Step::Wait(SECOND),
        Step::Wait(SECOND),
        Step::Restart,
    ]);
    let round = (0..2_usize, repeat, between);
    (connect(), proptest::collection::vec(round, 3..7))
        .prop_map(|(first, rounds)| {
            let round = |(from, repeat, between): (usize, Option<usize>, Step)| {
                let repeated = repeat.map(|other| Step::RefreshFrom(0, Which::Previous, (from + other) % 3));
                let rotated = Step::RefreshFrom(0, Which::Current, from);
                [Some(rotated), repeated, Some(between)].into_iter().flatten()
            };
            std::iter::once(first)
                .chain(rounds.into_iter().flat_map(round))
                .collect()
        })
        .boxed()
}

/// A grant that is refreshed until a limit ends it.
fn kept() -> BoxedStrategy<Vec<Step>> {
    (newest(), -1..=1_i64)
        .prop_map(|(of, more)| {
            let refresh = Step::Refresh(of, Which::Current, By::Own, None);
            let (wait, until) = (Step::Wait(30 * MINUTE), Step::WaitFor(of, Edge::Refresh, more));
            vec![wait, refresh.clone(), until, refresh]
        })
        .boxed()
}

/// One grant more than allowed, of the same person and app.
fn crowd() -> BoxedStrategy<Vec<Step>> {
    let used = proptest::option::of((0..4_usize).prop_map(|of| Step::Refresh(of, Which::Current, By::Own, None)));
    (0..USERS, 0..APPS, 0..ORGANIZATIONS, used)
        .prop_map(|(user, app, organization, used)| {
            let connect = Step::Connect(user, app, organization, Scopes(7));
            let first = [connect.clone(), Step::Wait(MINUTE), connect.clone(), connect.clone()];
            let used = used.into_iter().flat_map(|used| [Step::Wait(MINUTE), used]);
            first.into_iter().chain(used).chain([connect]).collect()
        })
        .boxed()
}

/// A person or object is suspended between two requests of a code or a token.
fn stopped() -> BoxedStrategy<Vec<Step>> {
    let stop = prop_oneof![
        2 => (0..USERS).prop_map(Step::SuspendUser),
        1 => (0..APPS).prop_map(Step::SuspendApp),
        1 => (0..ORGANIZATIONS).prop_map(Step::SuspendOrganization),
        2 => (0..USERS, 0..ORGANIZATIONS).prop_map(|(user, of)| Step::Leave(user, of)),
    ];
    let consent = (0..USERS, 0..APPS, 0..ORGANIZATIONS, scopes());
    (consent, any::<bool>(), stop, step())
        .prop_map(|((u, a, o, s), redeemed, stop, then)| {
            let redeem = Step::Redeem(0, By::Own, None);
            let mut steps = vec![Step::Consent(u, a, o, s)];
            steps.extend(redeemed.then(|| redeem.clone()));
            steps.extend([stop, redeem, then, Step::Resume]);
            steps
        })
        .boxed()
}

fn step() -> BoxedStrategy<Step> {
    prop_oneof![
        6 => connect(),
        24 => (newest(), which(), by(), asked()).prop_map(|(of, which, by, asked)| Step::Refresh(of, which, by, asked)),
        8 => code(),
        14 => token(),
        6 => (newest(), proptest::collection::vec(racer(), 2..5)).prop_map(|(of, racers)| Step::Race(of, racers)),
        6 => ending(),
        7 => standing(),
        22 => time(),
        1 => Just(Step::Restart),
        2 => key(),
    ]
    .boxed()
}

fn key() -> BoxedStrategy<Step> {
    prop_oneof![
        4 => Just(Step::RotateKeys),
        1 => Just(Step::RevokeKey(KeyPurpose::Access)),
        1 => Just(Step::RevokeKey(KeyPurpose::Proof)),
    ]
    .boxed()
}

fn connect() -> BoxedStrategy<Step> {
    (0..USERS, 0..APPS, 0..ORGANIZATIONS, scopes())
        .prop_map(|(u, a, o, s)| Step::Connect(u, a, o, s))
        .boxed()
}

fn code() -> BoxedStrategy<Step> {
    let fault = select(vec![
        None,
        None,
        Some(Fault::Verifier),
        Some(Fault::NoVerifier),
        Some(Fault::RedirectUri),
    ]);
    prop_oneof![
        3 => (0..USERS, 0..APPS, 0..ORGANIZATIONS, scopes()).prop_map(|(u, a, o, s)| Step::Consent(u, a, o, s)),
        4 => (newest(), by(), fault).prop_map(|(of, by, fault)| Step::Redeem(of, by, fault)),
    ]
    .boxed()
}

fn token() -> BoxedStrategy<Step> {
    prop_oneof![
        3 => (newest(), how()).prop_map(|(of, how)| Step::Use(of, how)),
        1 => (newest(), which(), how()).prop_map(|(of, which, how)| Step::Look(of, which, how)),
    ]
    .boxed()
}

fn how() -> BoxedStrategy<How> {
    prop_oneof![
        4 => Just(How::Identity),
        2 => by().prop_map(How::By),
        2 => Just(How::Api),
    ]
    .boxed()
}

fn ending() -> BoxedStrategy<Step> {
    prop_oneof![
        3 => (newest(), by()).prop_map(|(of, by)| Step::Revoke(of, by)),
        1 => (newest(), which(), by()).prop_map(|(of, which, by)| Step::RevokeRefresh(of, which, by)),
        1 => newest().prop_map(Step::EndAccess),
        1 => newest().prop_map(Step::OperatorEnds),
    ]
    .boxed()
}

fn standing() -> BoxedStrategy<Step> {
    prop_oneof![
        1 => (0..USERS).prop_map(Step::SuspendUser),
        1 => (0..APPS).prop_map(Step::SuspendApp),
        1 => (0..ORGANIZATIONS).prop_map(Step::SuspendOrganization),
        8 => Just(Step::Resume),
        1 => (0..USERS, 0..ORGANIZATIONS).prop_map(|(user, of)| Step::Leave(user, of)),
        3 => (0..USERS, 0..ORGANIZATIONS).prop_map(|(user, of)| Step::Join(user, of)),
        2 => (0..APPS, scopes()).prop_map(|(app, scopes)| Step::AppScopes(app, scopes)),
    ]
    .boxed()
}

fn time() -> BoxedStrategy<Step> {
    let spans = [
        1,
        SECOND,
        10 * SECOND,
        31 * SECOND,
        61 * SECOND,
        3 * MINUTE,
        11 * MINUTE,
        50 * MINUTE,
        130 * MINUTE,
    ];
    let back = [-1, -SECOND, -40 * SECOND, -5 * MINUTE, -30 * MINUTE];
    let edge = [
        Edge::Code,
        Edge::Replay,
        Edge::Grace,
        Edge::Retry,
        Edge::Access,
        Edge::Refresh,
    ];
    let edge = (newest(), select(edge.to_vec()), -1..=1_i64);
    prop_oneof![
        5 => select(spans.to_vec()).prop_map(Step::Wait),
        1 => select(back.to_vec()).prop_map(Step::Wait),
        6 => edge.prop_map(|(of, edge, more)| Step::WaitFor(of, edge, more)),
    ]
    .boxed()
}

fn racer() -> BoxedStrategy<Racer> {
    prop_oneof![
        2 => Just(Racer::Redeem),
        6 => which().prop_map(Racer::Refresh),
        1 => Just(Racer::Revoke),
        1 => Just(Racer::OperatorEnds),
    ]
    .boxed()
}

fn which() -> BoxedStrategy<Which> {
    prop_oneof![
        10 => Just(Which::Current),
        7 => Just(Which::Previous),
        1 => Just(Which::Void),
        1 => (0..4_usize).prop_map(Which::Old),
        1 => Just(Which::Forged),
    ]
    .boxed()
}

fn by() -> BoxedStrategy<By> {
    prop_oneof![9 => Just(By::Own), 1 => (1..APPS).prop_map(By::Foreign)].boxed()
}

fn asked() -> BoxedStrategy<Option<Scopes>> {
    prop_oneof![4 => Just(None), 1 => scopes().prop_map(Some)].boxed()
}

/// Usually one of the newest.
fn newest() -> BoxedStrategy<Newest> {
    prop_oneof![6 => Just(0_usize), 3 => Just(1), 2 => 0..8_usize].boxed()
}

fn scopes() -> BoxedStrategy<Scopes> {
    prop_oneof![3 => Just(Scopes(7)), 2 => (1..8_u8).prop_map(Scopes)].boxed()
}
