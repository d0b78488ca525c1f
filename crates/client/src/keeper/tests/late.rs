//! Answers that come late, or never: never two requests at once, and another one while the server still repeats its answer.

use super::super::engine::Limits;
use super::super::{Care, Connection, Keeper, Noted, Observer, VaultKey};
use super::flaky::{self, Trouble};
use super::model::Fate;
use super::world::{MINUTE, World, access, watch_for};
use crate::Clock as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn a_lease_covers_a_late_answer_and_another_request_fits_behind_it() {
    for millis in [1, 500, 1000, 10_000, 13_000, 19_000] {
        let limits = Limits::of(Duration::from_millis(millis));
        assert!(limits.open() < limits.lease, "{limits:?}");
        assert!(limits.request <= limits.open(), "{limits:?}");
        // The server repeats for 30 s, the first wait is 1.25 s at most, and Method 2 looks once a second.
        assert!(
            limits.lease + Duration::from_secs(3) < Duration::from_secs(30),
            "{limits:?}"
        );
    }
    let long = Limits::of(Duration::from_secs(60));
    assert!(long.open() < long.lease, "{long:?}");
}

#[tokio::test(start_paused = true)]
async fn a_vault_that_is_away_when_an_answer_is_late_lets_nobody_ask_twice() {
    let (world, vault) = flaky::world();
    world.server.never_repeats();
    let (first, second) = (world.keeper(), world.keeper());
    let one = world.connect(&first, "one").await;
    world.clock.advance(61 * MINUTE);
    world.server.fates([Fate::Slow(Duration::from_secs(14))]);
    let away = async {
        tokio::time::sleep(Duration::from_secs(9)).await;
        vault.set(Trouble::None, Trouble::Fails);
        tokio::time::sleep(Duration::from_secs(8)).await;
        vault.set(Trouble::None, Trouble::None);
    };
    let (refused, (), ()) = tokio::join!(first.token(&one), away, watch_for(&second, Duration::from_secs(25)));
    assert!(refused.is_err());
    assert_eq!(access(second.token(&one).await), "at.one.2");
    assert_eq!(world.server.requests(), 1);
    assert!(!world.server.doubled());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_is_asked_for_while_the_server_repeats_it() {
    // The second keeper knows nothing of the server's clock.
    for off in [-MINUTE, 0, MINUTE] {
        let world = World::new();
        let first = world.keeper();
        let second = world.keeper_with(Care::default(), &world.clock.off_by(off), world.vault.clone());
        let one = world.connect(&first, "one").await;
        world.clock.advance(61 * MINUTE);
        world.server.fates([Fate::Slow(Duration::from_secs(600))]);
        drop(tokio::join!(
            first.token(&one),
            watch_for(&first, Duration::from_secs(28)),
            watch_for(&second, Duration::from_secs(28))
        ));
        assert_eq!(world.server.requests(), 2, "{off}");
        assert_eq!(world.server.generation("one"), 2, "the answer was repeated, {off}");
        assert!(!world.server.doubled(), "{off}");
        assert_eq!(access(first.token(&one).await), "at.one.2");
    }
}

#[tokio::test(start_paused = true)]
async fn a_kill_costs_less_than_the_time_in_which_the_server_repeats() {
    let world = World::new();
    let one = world.connect(&world.keeper(), "one").await;
    world.clock.advance(61 * MINUTE);
    world.server.fates([Fate::Slow(Duration::from_secs(600))]);
    watch_for(&world.keeper(), Duration::from_secs(5)).await;
    watch_for(&world.keeper(), Duration::from_secs(24)).await;
    assert_eq!((world.server.requests(), world.server.generation("one")), (2, 2));
    assert!(!world.server.doubled());
    assert_eq!(access(world.keeper().token(&one).await), "at.one.2");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_lets_no_second_request_out_while_one_is_open() {
    // While a caller waits for the answer, and when it is late.
    for after in [2, 12] {
        let (world, vault) = flaky::world();
        world.server.never_repeats();
        let keeper = world.keeper();
        let one = world.connect(&keeper, "one").await;
        world.clock.advance(61 * MINUTE);
        world.server.fates([Fate::Slow(Duration::from_secs(14))]);
        let step = async {
            tokio::time::sleep(Duration::from_secs(after)).await;
            vault.end_leases();
            world.clock.advance(21_000);
            if after > 10 {
                drop(keeper.token(&one).await);
            }
        };
        let (refused, (), ()) = tokio::join!(keeper.token(&one), step, watch_for(&keeper, Duration::from_secs(30)));
        assert!(refused.is_err());
        assert!(!world.server.doubled(), "{after}");
        assert_eq!(world.server.requests(), 1, "{after}");
        assert_eq!(access(keeper.token(&one).await), "at.one.2", "{after}");
    }
}

/// The outcomes that were told.
#[derive(Default)]
struct Outcomes(Mutex<Vec<&'static str>>);

impl Observer for Outcomes {
    fn refreshed(&self, _: &Connection, noted: Noted<'_>) {
        self.0.lock().unwrap().push(noted.outcome);
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_whose_answers_are_late_does_not_count_as_down() {
    let world = World::new();
    let told = Arc::new(Outcomes::default());
    let key = VaultKey::from_bytes(&[7; 32]).unwrap();
    let keeper = Keeper::builder(world.vault.clone(), key, Arc::new(world.clock.clone()))
        .endpoints("shop", Arc::new(world.server.clone()), Care::default())
        .observer(told.clone())
        .build();
    let mut all = Vec::new();
    for name in ["one", "two", "three"] {
        all.push(world.connect(&keeper, name).await);
    }
    world.clock.advance(61 * MINUTE);
    for connection in &all {
        world.server.fates([Fate::Slow(Duration::from_secs(12))]);
        assert!(keeper.token(connection).await.is_err());
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    let pace = &keeper.engine.providers["shop"].pace;
    assert_eq!(pace.begin(world.clock.now_millis(), 10, 0), 10);
    assert_eq!(*told.0.lock().unwrap(), ["refreshed"; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_late_refusal_is_an_answer() {
    let world = World::new();
    world.server.never_repeats();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    world.server.end("one");
    world.server.fates([Fate::Slow(Duration::from_secs(12))]);
    assert!(keeper.token(&one).await.is_err());
    let refused = keeper.token(&one).await.unwrap_err();
    assert!(matches!(&refused, super::super::KeeperError::NeedsUser { reason, .. } if reason == "invalid_grant"));
    assert_eq!(world.server.requests(), 1);
}

/// An observer of a program that fails.
struct Panics;

impl Observer for Panics {
    fn refreshed(&self, _: &Connection, _: Noted<'_>) {
        panic!("the observer failed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_although_a_late_answer_made_an_observer_panic() {
    let world = World::new();
    let key = VaultKey::from_bytes(&[7; 32]).unwrap();
    let keeper = Keeper::builder(world.vault.clone(), key, Arc::new(world.clock.clone()))
        .endpoints("shop", Arc::new(world.server.clone()), Care::default())
        .observer(Arc::new(Panics))
        .build();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    world.server.fates([Fate::Slow(Duration::from_secs(12))]);
    assert!(keeper.token(&one).await.is_err());
    let stopped = tokio::time::timeout(Duration::from_secs(60), keeper.stop());
    assert!(stopped.await.is_ok());
    let next = world.keeper();
    assert_eq!(next.token(&one).await.unwrap().access.secret(), "at.one.2");
    assert_eq!(world.server.requests(), 1);
}
