//! Crashes at every point: a refresh is dropped after each number of steps, and another process goes on with the vault.

use super::super::refresh::Wanted;
use super::super::{Connection, KeeperError};
use super::model::Fate;
use super::world::{MINUTE, World, access, watch_for};
use proptest::prelude::*;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// Runs `work` for `steps` polls and then drops it, as a crash would. Returns its result if it ended before.
async fn crash_after<T>(steps: usize, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut polls = 0;
    poll_fn(|context| {
        if polls >= steps {
            return Poll::Ready(None);
        }
        polls += 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_loses_nothing() {
    for fate in [Fate::Fair, Fate::AnswerLost, Fate::RequestLost, Fate::NotSent] {
        for steps in 0..12 {
            let world = World::new();
            let one = world.connect(&world.keeper(), "one").await;
            world.clock.advance(61 * MINUTE);
            world.server.fates([fate.clone()]);
            let crashed = world.keeper();
            drop(crash_after(steps, crashed.engine.refresh(&one, &Wanted::Live)).await);
            drop(crashed);
            let next = world.keeper();
            watch_for(&next, Duration::from_secs(60)).await;
            let token = access(next.token(&one).await);
            assert!(world.server.call(&token), "{fate:?}, {steps} steps: {token}");
            assert!(!world.server.doubled());
        }
    }
}

/// What happens in a random history.
#[derive(Clone, Debug)]
enum Act {
    /// A process asks for the token and ends after so many steps.
    Crash(usize, usize),
    /// A process asks for the token, and uses it if there is one.
    Use(usize),
    /// The API refuses a good token.
    Refused(usize),
    /// Method 2 runs for so many seconds.
    Watch(usize, u64),
    /// Time goes on by so many minutes.
    Pass(i64),
    /// The next request has this fate.
    Next(Fate),
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        Just(Fate::Fair),
        Just(Fate::NotSent),
        Just(Fate::AnswerLost),
        Just(Fate::RequestLost),
        Just(Fate::Busy(None)),
        (1_u64..14).prop_map(|seconds| Fate::Slow(Duration::from_secs(seconds))),
        Just(Fate::Refused("access_denied", Some("paused: person_suspended"))),
        Just(Fate::Refused("invalid_client", None)),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0_usize..2, 0_usize..12).prop_map(|(keeper, steps)| Act::Crash(keeper, steps)),
        2 => (0_usize..2).prop_map(Act::Use),
        1 => (0_usize..2).prop_map(Act::Refused),
        2 => (0_usize..2, 1_u64..40).prop_map(|(keeper, seconds)| Act::Watch(keeper, seconds)),
        2 => (1_i64..50).prop_map(Act::Pass),
        4 => fate().prop_map(Act::Next),
    ]
}

async fn play(acts: &[Act]) {
    let world = World::new();
    let one = world.connect(&world.keeper(), "one").await;
    let mut keepers = [world.keeper(), world.keeper()];
    for act in acts {
        match act {
            Act::Crash(number, steps) => {
                let work = keepers[*number].engine.refresh(&one, &Wanted::Live);
                drop(crash_after(*steps, work).await);
                keepers[*number] = world.keeper();
            }
            Act::Use(number) => use_token(&world, &keepers[*number], &one).await,
            Act::Refused(number) => {
                if let Ok(token) = keepers[*number].token(&one).await {
                    drop(keepers[*number].refused(&one, token.access.secret()).await);
                }
            }
            Act::Watch(number, seconds) => watch_for(&keepers[*number], Duration::from_secs(*seconds)).await,
            // A keeper that is alive looks every second, so an unseen successor is asked for again in time.
            Act::Pass(minutes) => {
                watch_for(&keepers[0], Duration::from_secs(30)).await;
                world.clock.advance(minutes * MINUTE);
            }
            Act::Next(fate) => world.server.fates([fate.clone()]),
        }
        assert!(!world.server.doubled(), "two refreshes in flight");
        if world.server.is_too_late("one") {
            // The history kept the keeper from asking for an hour.
            return;
        }
        assert!(!world.server.is_ended("one"), "a refresh token was used twice");
    }
    watch_for(&keepers[1], Duration::from_secs(4 * 3600)).await;
    if world.server.is_too_late("one") {
        return;
    }
    let token = access(keepers[1].token(&one).await);
    assert!(world.server.call(&token), "the connection is lost");
}

async fn use_token(world: &World, keeper: &super::super::Keeper, one: &Connection) {
    match keeper.token(one).await {
        Ok(token) => drop(world.server.call(token.access.secret())),
        Err(KeeperError::NeedsUser { reason, .. }) => assert!(world.server.is_too_late("one"), "lost: {reason}"),
        Err(_) => {}
    }
}

fn play_in_paused_time(acts: &[Act]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(play(acts));
}

// Two tests, so that two processors share the work.
proptest! {
    #![proptest_config(ProptestConfig { cases: 50, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_short_history_of_crashes_and_lost_answers_loses_a_connection(acts in prop::collection::vec(act(), 1..20)) {
        play_in_paused_time(&acts);
    }

    #[test]
    fn no_long_history_of_crashes_and_lost_answers_loses_a_connection(acts in prop::collection::vec(act(), 20..40)) {
        play_in_paused_time(&acts);
    }
}
