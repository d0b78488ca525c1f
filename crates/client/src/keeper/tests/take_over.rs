//! Tokens that a program puts while their refresh token may have been sent.

use super::super::{Connection, KeeperError};
use super::model::Fate;
use super::world::{MINUTE, World, access, watch_for};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_one_keeper_sends_is_not_sent_by_another_that_gets_it_again() {
    let world = World::new();
    let (first, second) = (world.keeper(), world.keeper());
    let one = Connection::new("shop", "one").unwrap();
    let mut tokens = world.server.connect("one");
    first.take_over(&one, &tokens).await.unwrap();
    world.clock.advance(61 * MINUTE);
    world.server.fates([Fate::Slow(Duration::from_secs(5))]);
    let put = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        // As a `PUT` without an access token: it is due at once.
        tokens.expires_at = Some(i64::MIN);
        let put = second.take_over(&one, &tokens).await;
        (put, second.token(&one).await)
    };
    let (token, (put, other)) = tokio::join!(first.token(&one), put);
    assert!(matches!(put, Err(KeeperError::Unavailable { .. })), "{put:?}");
    assert_eq!((access(token), access(other)), ("at.one.2".to_owned(), "at.one.2".to_owned()));
    assert_eq!(world.server.requests(), 1);
    assert!(!world.server.doubled() && !world.server.is_ended("one"));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_asked_for_soon_although_its_refresh_token_was_put_again() {
    let world = World::new();
    let keeper = world.keeper();
    let one = Connection::new("shop", "one").unwrap();
    let mut tokens = world.server.connect("one");
    tokens.expires_at = Some(tokens.requested_at + 24 * 60 * MINUTE);
    keeper.take_over(&one, &tokens).await.unwrap();
    world.server.fates([Fate::AnswerLost]);
    drop(keeper.renew(&one, "at.one.1").await);
    let asked_at = world.vault.read(&one).await.unwrap().unwrap().asked_at;
    assert!(asked_at.is_some());
    keeper.take_over(&one, &tokens).await.unwrap();
    assert_eq!(world.vault.read(&one).await.unwrap().unwrap().asked_at, asked_at);
    watch_for(&keeper, Duration::from_secs(5)).await;
    assert_eq!(world.server.requests(), 2);
    assert_eq!(access(keeper.token(&one).await), "at.one.2");
    world.clock.advance(24 * 60 * MINUTE);
    assert_eq!(access(keeper.token(&one).await), "at.one.3");
    assert!(!world.server.is_ended("one"));
}
