//! New tokens that wait in memory for the vault, while others have the lease of their connection.

use super::super::record::{Record, tests::tokens};
use super::super::unsaved::Unsaved;
use super::super::vault::{Change, NEVER, Row, Vault as _};
use super::super::{Connection, Keeper, KeeperError, State};
use super::flaky::{self, Flaky, Trouble};
use super::model::Fate;
use super::world::{MINUTE, World, access, watch_for};
use crate::Clock as _;
use std::sync::Arc;
use std::time::Duration;

/// A keeper holds the second tokens of a connection, which the vault did not take until now. The provider repeats nothing.
async fn unsaved() -> (World, Arc<Flaky>, Keeper, Connection) {
    unsaved_of_life(None).await
}

/// As [`unsaved`], with a grant that ends after so many minutes.
async fn unsaved_of_life(minutes: Option<i64>) -> (World, Arc<Flaky>, Keeper, Connection) {
    let (world, vault) = flaky::world();
    world.server.never_repeats();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    if let Some(minutes) = minutes {
        let end = world.clock.now_millis() + minutes * MINUTE;
        keeper
            .take_over(&one, &world.server.connect_until("one", end))
            .await
            .unwrap();
    }
    world.clock.advance(61 * MINUTE);
    vault.set(Trouble::None, Trouble::Fails);
    assert!(keeper.token(&one).await.is_err());
    vault.set(Trouble::None, Trouble::None);
    tokio::time::advance(Duration::from_secs(120)).await;
    (world, vault, keeper, one)
}

async fn no_event(keeper: &Keeper) {
    let mut events = keeper.events();
    let next = tokio::time::timeout(Duration::from_secs(1), events.next()).await;
    assert!(next.is_err(), "{next:?}");
}

#[tokio::test(start_paused = true)]
async fn tokens_not_stored_are_stored_although_another_keeper_failed_to_send_since() {
    let failures = [Fate::NotSent, Fate::Busy(None), Fate::Refused("invalid_client", None)];
    for fate in failures {
        let (world, _, keeper, one) = unsaved().await;
        let other = world.keeper();
        world.server.fates([fate.clone(), Fate::NotSent]);
        assert!(other.token(&one).await.is_err(), "{fate:?}");
        assert!(other.end(&one).await.is_err(), "{fate:?}");
        watch_for(&keeper, Duration::from_secs(10)).await;
        assert_eq!(access(keeper.token(&one).await), "at.one.2", "{fate:?}");
        assert_eq!(world.server.requests(), 2, "{fate:?}");
        no_event(&keeper).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_waited_for_another_keeper_stores_its_tokens_and_sends_nothing() {
    let (world, _, keeper, one) = unsaved().await;
    // Nobody waits so long for the revocation, so the other keeper gives its lease back.
    world.server.fates([Fate::Slow(Duration::from_secs(15))]);
    let other = world.keeper();
    let (token, ended) = tokio::join!(
        async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            keeper.token(&one).await
        },
        other.end(&one)
    );
    assert!(ended.is_err());
    assert_eq!(access(token), "at.one.2");
    assert_eq!(world.server.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn tokens_stored_after_another_keeper_heard_of_a_pause_tell_that_it_is_over() {
    let (world, _, keeper, one) = unsaved().await;
    world
        .server
        .fates([Fate::Refused("access_denied", Some("paused: person_suspended"))]);
    assert!(world.keeper().token(&one).await.is_err());
    watch_for(&keeper, Duration::from_secs(2)).await;
    assert_eq!(access(keeper.token(&one).await), "at.one.2");
    let mut events = keeper.events();
    for expected in ["paused", "recovered"] {
        let event = events.next().await.unwrap();
        assert_eq!(event.happening.word(), expected);
        events.done().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_stored_after_another_keeper_heard_of_a_pause_tell_of_the_end_too() {
    let (world, _, keeper, one) = unsaved_of_life(Some(70)).await;
    world
        .server
        .fates([Fate::Refused("access_denied", Some("paused: person_suspended"))]);
    assert!(world.keeper().token(&one).await.is_err());
    watch_for(&keeper, Duration::from_secs(5)).await;
    let mut events = keeper.events();
    for expected in ["paused", "recovered", "ends_on"] {
        let event = events.try_next().await.unwrap().expect(expected);
        assert_eq!(event.happening.word(), expected);
        events.done().await.unwrap();
    }
    assert_eq!(world.server.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stop_stores_its_tokens_although_another_keeper_failed_to_send_since() {
    let (world, _, keeper, one) = unsaved().await;
    world.server.fates([Fate::NotSent]);
    assert!(world.keeper().token(&one).await.is_err());
    keeper.stop().await;
    assert_eq!(access(world.keeper().token(&one).await), "at.one.2");
}

/// Puts the tokens of a connection again while its refresh is open. The provider repeats nothing.
async fn put_during_a_refresh(is_lease_over: bool) -> Result<(), KeeperError> {
    let (world, vault) = flaky::world();
    world.server.never_repeats();
    let keeper = world.keeper();
    let one = Connection::new("shop", "one").unwrap();
    let mut tokens = world.server.connect("one");
    keeper.take_over(&one, &tokens).await.unwrap();
    world.clock.advance(61 * MINUTE);
    world.server.fates([Fate::Slow(Duration::from_secs(5))]);
    let put = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        if is_lease_over {
            vault.end_leases();
        }
        // A program says no moment of issue: they count from now on.
        tokens.requested_at = world.clock.now_millis();
        keeper.take_over(&one, &tokens).await
    };
    let (token, put) = tokio::join!(keeper.token(&one), put);
    assert_eq!(access(token), "at.one.2");
    assert_eq!(access(keeper.token(&one).await), "at.one.2");
    assert_eq!(world.server.requests(), 1);
    put
}

#[tokio::test(start_paused = true)]
async fn tokens_that_are_put_again_during_their_refresh_do_not_replace_its_answer() {
    let put = put_during_a_refresh(false).await;
    assert!(matches!(put, Err(KeeperError::Unavailable { .. })), "{put:?}");
    // A clock was set.
    assert_eq!(put_during_a_refresh(true).await, Ok(()));
}

/// The provider kept the refresh token, so its later word on it counts.
#[tokio::test(start_paused = true)]
async fn an_unsaved_answer_does_not_undo_the_later_end_of_the_same_refresh_token() {
    for (renewed, expected) in [("rt.one.1", State::NeedsUser), ("rt.one.2", State::Ready)] {
        let (world, vault) = flaky::world();
        let keeper = world.keeper();
        let one = world.connect(&keeper, "one").await;
        let row = vault.read(&one).await.unwrap().unwrap();
        let (key, mut record) = (
            &keeper.engine.key,
            Record::open(&keeper.engine.key, &one, &row.sealed).unwrap(),
        );
        let presented = record.refresh.as_ref().unwrap().token.clone();
        let now = world.clock.now_millis();
        record.accept(&tokens(now + 1, "at", Some(renewed), (Some(MINUTE), None)), 0);
        let change = Change {
            connection: one.clone(),
            fence: row.fence,
            owner: [1; 16],
            record: Some((record.seal(key, &one).unwrap(), record.summary())),
            due_at: NEVER,
            asked_at: None,
            event: None,
        };
        keeper.engine.unsaved.keep(Unsaved {
            change,
            presented,
            is_spent: renewed != "rt.one.1",
            issued_at: now + 1,
            fence: row.fence,
        });
        world.server.end("one");
        let other = world.keeper();
        assert!(other.refused(&one, "at.one.1").await.is_err());
        keeper.engine.save(&one).await.unwrap();
        assert_eq!(keeper.state(&one).await.unwrap(), Some(expected), "{renewed}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unsaved_answer_is_not_settled_by_leases_of_a_connection_that_was_made_anew() {
    let (world, vault, keeper, one) = unsaved().await;
    let unsaved = keeper.engine.unsaved.get(&one).unwrap();
    let row = vault.read(&one).await.unwrap().unwrap();
    let record = Record::open(&keeper.engine.key, &one, &row.sealed).unwrap();
    let asked = Row {
        asked_at: Some(world.clock.now_millis()),
        ..row
    };
    assert!(unsaved.fence > 1);
    assert!(unsaved.is_settled(unsaved.fence, &asked, &record));
    for fence in [unsaved.fence - 1, unsaved.fence + 1] {
        assert!(!unsaved.is_settled(fence, &asked, &record), "{fence}");
    }
}
