//! What is due, and what is never due again.

use super::super::refresh::Wanted;
use super::super::vault::{LeaseRequest, NEVER, Row, Taken};
use super::super::{Connection, Events, Keeper, KeeperError};
use super::flaky;
use super::model::Fate;
use super::world::{MINUTE, World, access, watch_for};
use crate::Clock as _;
use std::time::Duration;

const HOUR: i64 = 60 * MINUTE;

/// Refreshes once what is due, as Method 2 does. Returns how many connections that were.
async fn round(keeper: &Keeper) -> usize {
    slow_round(keeper, Duration::ZERO).await
}

/// As [`round`], with a vault that takes so long to lease.
async fn slow_round(keeper: &Keeper, span: Duration) -> usize {
    round_with(keeper, tokio::time::advance(span)).await
}

/// As [`round`], while something happens between the lease and the request.
async fn round_with(keeper: &Keeper, between: impl Future<Output = ()>) -> usize {
    let engine = &keeper.engine;
    let lease = engine.lease(&engine.providers["shop"]);
    let claimed = engine.vault.claim("shop", lease.request.asked_at, 16, lease.request);
    let rows = claimed.await.unwrap();
    between.await;
    let place = engine.gate.enter().await.unwrap();
    for row in &rows {
        drop(engine.under(&place, lease, row, &Wanted::Due).await);
    }
    rows.len()
}

/// A process leases the connection, and ends before it does anything.
async fn leased_by_the_dead(world: &World, one: &Connection) {
    let now = world.clock.now_millis();
    let lease = LeaseRequest {
        owner: [9; 16],
        span: Duration::from_secs(20),
        asked_at: now,
        retry_at: now + 20_000,
    };
    assert!(matches!(world.vault.take(one, lease).await.unwrap(), Taken::Leased(_)));
    tokio::time::advance(Duration::from_secs(21)).await;
}

/// Connects a user whose grant ends in ten hours, of which they hear two hours before.
async fn ending(world: &World, keeper: &Keeper) -> Connection {
    let one = Connection::new("shop", "one").unwrap();
    let tokens = world.server.connect_until("one", world.clock.now_millis() + 10 * HOUR);
    keeper.take_over(&one, &tokens).await.unwrap();
    one
}

/// The kind of the next event. `None` if there is none.
async fn kind(events: &mut Events) -> Option<&'static str> {
    let next = tokio::time::timeout(Duration::from_secs(1), events.next()).await;
    next.ok().map(|event| event.unwrap().happening.word())
}

async fn row(world: &World, one: &Connection) -> Row {
    world.vault.read(one).await.unwrap().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_needs_its_user_is_not_due_when_its_end_would_be_told() {
    let world = World::new();
    let keeper = world.keeper();
    let one = ending(&world, &keeper).await;
    world.server.end("one");
    world.clock.advance(HOUR);
    assert_eq!(round(&keeper).await, 1);
    assert_eq!(row(&world, &one).await.due_at, NEVER);
    world.clock.advance(8 * HOUR);
    assert_eq!(round(&keeper).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_needs_its_user_is_done_with_after_a_lease_that_nobody_ended() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.server.end("one");
    world.clock.advance(HOUR);
    assert_eq!(round(&keeper).await, 1);
    leased_by_the_dead(&world, &one).await;
    assert_eq!(round(&keeper).await, 1);
    let row = row(&world, &one).await;
    assert_eq!((row.due_at, row.asked_at), (NEVER, None));
    assert_eq!(world.server.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_refreshed_is_due_at_its_end_alone() {
    let world = World::new();
    let keeper = world.keeper();
    let one = Connection::new("shop", "one").unwrap();
    let mut tokens = world.server.connect("one");
    tokens.refresh = None;
    keeper.take_over(&one, &tokens).await.unwrap();
    leased_by_the_dead(&world, &one).await;
    assert_eq!(round(&keeper).await, 1);
    let row = row(&world, &one).await;
    assert_eq!((Some(row.due_at), row.asked_at), (tokens.expires_at, None));
    world.clock.advance(HOUR);
    assert_eq!(round(&keeper).await, 1);
    let refused = keeper.token(&one).await.unwrap_err();
    assert!(matches!(&refused, KeeperError::NeedsUser { reason, .. } if reason == "no_refresh_token"));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_asked_for_after_a_pause_although_the_end_was_not_told() {
    for fate in [Fate::RequestLost, Fate::AnswerLost] {
        let world = World::new();
        let keeper = world.keeper();
        let one = ending(&world, &keeper).await;
        // The keeper was off when the end should have been told.
        world.clock.advance(9 * HOUR);
        world.server.fates(std::iter::repeat_n(fate, 2));
        let now = world.clock.now_millis();
        assert_eq!(round(&keeper).await, 1);
        assert!(row(&world, &one).await.due_at >= now + 1000);
        assert_eq!(round(&keeper).await, 0);
        assert_eq!(kind(&mut keeper.events()).await, Some("ends_on"));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!((round(&keeper).await, world.server.requests()), (1, 2));
        assert!(
            row(&world, &one).await.due_at >= now + 4000,
            "the second pause is longer"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_fails_leaves_a_lost_answer_its_moment() {
    let world = World::new();
    let keeper = world.keeper();
    let one = Connection::new("shop", "one").unwrap();
    let tokens = world
        .server
        .connect_until("one", world.clock.now_millis() + 30 * MINUTE);
    keeper.take_over(&one, &tokens).await.unwrap();
    world.clock.advance(25 * MINUTE);
    leased_by_the_dead(&world, &one).await;
    let before = row(&world, &one).await;
    world.server.fates([Fate::NotSent]);
    assert!(keeper.end(&one).await.is_err());
    let after = row(&world, &one).await;
    assert_eq!((after.due_at, after.asked_at), (before.due_at, before.asked_at));
}

#[tokio::test(start_paused = true)]
async fn an_end_that_cannot_be_told_beside_a_pause_is_told_next() {
    let world = World::new();
    let keeper = world.keeper();
    ending(&world, &keeper).await;
    world.clock.advance(9 * HOUR);
    world
        .server
        .fates([Fate::Refused("access_denied", Some("paused: person_suspended"))]);
    assert_eq!(round(&keeper).await, 1);
    assert_eq!(round(&keeper).await, 1);
    assert_eq!(round(&keeper).await, 0);
    assert_eq!(world.server.requests(), 1);
    let mut events = keeper.events();
    assert_eq!(kind(&mut events).await, Some("paused"));
    assert_eq!(kind(&mut events).await, Some("ends_on"));
}

#[tokio::test(start_paused = true)]
async fn what_a_slow_vault_kept_from_being_asked_is_due_a_second_later() {
    for is_lost in [false, true] {
        let world = World::new();
        let keeper = world.keeper();
        let one = world.connect(&keeper, "one").await;
        match is_lost {
            true => leased_by_the_dead(&world, &one).await,
            false => world.clock.advance(HOUR),
        }
        assert_eq!(slow_round(&keeper, Duration::from_secs(6)).await, 1);
        assert_eq!(world.server.requests(), 0, "the lease could end before the answer");
        let wait = row(&world, &one).await.due_at - world.clock.now_millis();
        assert_eq!(wait, 1000, "{is_lost}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_was_suspended_after_its_lease_sends_nothing() {
    let world = World::new();
    let keeper = world.keeper();
    world.connect(&keeper, "one").await;
    world.clock.advance(HOUR);
    // The monotonic clock stands still meanwhile.
    let suspended = async { world.clock.advance(MINUTE) };
    assert_eq!(round_with(&keeper, suspended).await, 1);
    assert_eq!(world.server.requests(), 0, "another keeper may hold the lease");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!((round(&keeper).await, world.server.requests()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_a_claim_and_leaves_no_lease() {
    let (world, vault) = flaky::world();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    *vault.claims_take.lock().unwrap() = Duration::from_secs(2);
    let stop = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        keeper.stop().await;
    };
    tokio::join!(stop, watch_for(&keeper, Duration::from_secs(10)));
    assert_eq!(row(&world, &one).await.asked_at, None);
    assert_eq!(access(world.keeper().token(&one).await), "at.one.2");
}
