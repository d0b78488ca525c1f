//! Tokens that a program puts while their refresh token may have been sent.

#[cfg(feature = "sqlite")]
use super::super::{Care, Keeper, SqliteVault, VaultError, VaultKey};
use super::super::{Connection, KeeperError};
use super::model::Fate;
use super::world::{MINUTE, World, access, watch_for};
#[cfg(feature = "sqlite")]
use std::sync::Arc;
use std::time::Duration;

/// A vault whose only connection is in a state that a later version wrote, and its keeper.
#[cfg(feature = "sqlite")]
async fn of_a_later_version(path: &std::path::Path) -> (World, Keeper, Connection) {
    let world = World::with(Arc::new(SqliteVault::open(path).unwrap()));
    let key = VaultKey::from_bytes(&[7; 32]).unwrap();
    let keeper = Keeper::builder(world.vault.clone(), key, Arc::new(world.clock.clone()))
        .endpoints("shop", Arc::new(world.server.clone()), Care::default())
        .without_vault_clock()
        .build();
    let one = world.connect(&keeper, "one").await;
    let other = rusqlite::Connection::open(path).unwrap();
    other
        .execute_batch("UPDATE keeper_connections SET state = 'later'")
        .unwrap();
    (world, keeper, one)
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn new_tokens_repair_a_connection_in_a_state_that_a_later_version_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let (world, keeper, one) = of_a_later_version(&folder.path().join("vault.db")).await;
    let refused = keeper.token(&one).await.unwrap_err();
    assert!(
        matches!(refused, KeeperError::Vault(VaultError::UnknownState(_))),
        "{refused}"
    );
    assert_eq!(keeper.left_out().await, Ok(1));
    keeper.take_over(&one, &world.server.connect("two")).await.unwrap();
    assert_eq!(access(keeper.token(&one).await), "at.two.1");
    assert_eq!(keeper.left_out().await, Ok(0));
    let event = keeper.events().next().await.unwrap();
    assert_eq!(event.happening.word(), "recovered");
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_connection_in_a_state_that_a_later_version_wrote_can_be_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let (world, keeper, one) = of_a_later_version(&folder.path().join("vault.db")).await;
    assert!(keeper.end(&one).await.is_err(), "nobody knows what to revoke");
    assert_eq!(keeper.forget(&one).await, Ok(true));
    assert_eq!(keeper.forget(&one).await, Ok(false));
    assert_eq!(world.vault.read(&one).await, Ok(None));
}

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
    assert_eq!(
        (access(token), access(other)),
        ("at.one.2".to_owned(), "at.one.2".to_owned())
    );
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
