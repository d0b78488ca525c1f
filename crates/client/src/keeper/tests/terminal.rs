//! Refusals: what ends, what pauses, and what neither ends nor pauses a connection.

use super::super::vault::Put;
use super::super::{Care, Connection, Keeper, KeeperError, VaultError, VaultKey};
use super::model::Fate;
use super::world::{MINUTE, World, access, watch_for};
use crate::Tokens;
use crate::http::{HttpClient, Transport, TransportFuture};
use bytes::Bytes;
use http::{Request, Response};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn an_ended_grant_needs_the_user_and_is_not_asked_about_again() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    world.server.end("one");
    for _ in 0..5 {
        let refused = keeper.token(&one).await.unwrap_err();
        assert!(matches!(&refused, KeeperError::NeedsUser { reason, .. } if reason == "invalid_grant"));
    }
    watch_for(&keeper, Duration::from_secs(3600)).await;
    assert_eq!(world.server.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_early_refresh_that_is_refused_leaves_the_live_token() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(55 * MINUTE);
    world.server.fates([Fate::Refused("invalid_grant", None)]);
    watch_for(&keeper, Duration::from_secs(10)).await;
    assert_eq!(world.server.requests(), 1);
    assert_eq!(access(keeper.token(&one).await), "at.one.1");
    assert!(matches!(
        keeper.refused(&one, "at.one.1").await,
        Err(KeeperError::NeedsUser { .. })
    ));
    assert!(matches!(keeper.token(&one).await, Err(KeeperError::NeedsUser { .. })));
    assert_eq!(world.server.requests(), 1);
    world.clock.advance(6 * MINUTE);
    assert!(matches!(keeper.token(&one).await, Err(KeeperError::NeedsUser { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_that_the_provider_does_not_repeat_needs_the_user_and_says_why() {
    let world = World::new();
    world.server.never_repeats();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    world.server.fates([Fate::AnswerLost]);
    drop(keeper.token(&one).await);
    world.clock.advance(1000);
    let refused = keeper.token(&one).await.unwrap_err();
    assert!(matches!(&refused, KeeperError::NeedsUser { reason, .. } if reason == "answer_lost"));
}

#[tokio::test(start_paused = true)]
async fn a_paused_connection_recovers_by_itself() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    let pause = Fate::Refused("access_denied", Some("paused: not_a_member"));
    world.server.fates([pause.clone(), pause]);
    let refused = keeper.token(&one).await.unwrap_err();
    assert!(matches!(&refused, KeeperError::Paused { reason, .. } if reason == "not_a_member"));
    watch_for(&keeper, Duration::from_secs(600)).await;
    assert_eq!(world.server.requests(), 3);
    assert_eq!(access(keeper.token(&one).await), "at.one.2");
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_ends_no_connection_and_is_asked_seldom() {
    let world = World::new();
    let keeper = world.keeper();
    let mut all = Vec::new();
    for number in 0..20 {
        all.push(world.connect(&keeper, &number.to_string()).await);
    }
    world.clock.advance(61 * MINUTE);
    let refusals = std::iter::repeat_n(Fate::Refused("invalid_client", None), 40);
    world.server.fates(refusals);
    watch_for(&keeper, Duration::from_secs(60)).await;
    assert!(world.server.requests() <= 32, "{}", world.server.requests());
    watch_for(&keeper, Duration::from_secs(7200)).await;
    for connection in &all {
        assert!(world.server.call(&access(keeper.token(connection).await)));
    }
}

#[tokio::test(start_paused = true)]
async fn callers_that_were_refused_the_same_token_share_one_refresh() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (keeper, one) = (keeper.clone(), one.clone());
        callers.spawn(async move { access(keeper.refused(&one, "at.one.1").await) });
    }
    while let Some(token) = callers.join_next().await {
        assert_eq!(token.unwrap(), "at.one.2");
    }
    assert_eq!(access(keeper.refused(&one, "at.one.1").await), "at.one.2");
    assert_eq!(world.server.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_not_given_again_although_it_has_not_expired() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.server.fates([Fate::NotSent]);
    assert!(matches!(
        keeper.refused(&one, "at.one.1").await,
        Err(KeeperError::Unavailable { .. })
    ));
    assert!(matches!(keeper.token(&one).await, Err(KeeperError::Unavailable { .. })));
    world.clock.advance(2000);
    assert_eq!(access(keeper.token(&one).await), "at.one.2");
}

#[tokio::test(start_paused = true)]
async fn an_api_that_refuses_every_new_token_does_not_load_the_provider() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    for _ in 0..3600 {
        let token = match keeper.token(&one).await {
            Ok(token) => token.access.secret().to_owned(),
            Err(KeeperError::Unavailable { .. }) => String::new(),
            Err(other) => panic!("{other}"),
        };
        if !token.is_empty() {
            drop(keeper.refused(&one, &token).await);
        }
        world.clock.advance(1000);
    }
    let requests = world.server.requests();
    assert!((3..70).contains(&requests), "{requests} refreshes in an hour");
    world.clock.advance(2 * 60 * MINUTE);
    assert!(keeper.token(&one).await.is_ok(), "it works when the API does");
}

#[tokio::test(start_paused = true)]
async fn an_end_revokes_first_and_deletes_then() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.server.fates([Fate::NotSent]);
    assert!(matches!(keeper.end(&one).await, Err(KeeperError::Unavailable { .. })));
    assert_eq!(
        access(keeper.token(&one).await),
        "at.one.1",
        "it stays while the provider is away"
    );
    assert_eq!(keeper.end(&one).await, Ok(true));
    assert!(world.server.is_ended("one"));
    assert_eq!(keeper.token(&one).await.unwrap_err(), KeeperError::Unknown);
    assert_eq!(keeper.end(&one).await, Ok(false));
    assert_eq!(keeper.keep_due().await.unwrap(), Default::default());
}

#[tokio::test(start_paused = true)]
async fn an_end_that_revoked_nothing_is_none() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.server.fates([Fate::Refused("invalid_client", None)]);
    let refused = keeper.end(&one).await.unwrap_err();
    assert!(matches!(&refused, KeeperError::Unavailable { reason: Some(reason), .. } if reason == "invalid_client"));
    assert_eq!(access(keeper.token(&one).await), "at.one.1", "it stays");
    world.server.fates([Fate::Refused("invalid_grant", None)]);
    assert_eq!(keeper.end(&one).await, Ok(true), "a grant that is gone needs no end");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_connection_whose_answer_was_lost_revokes_its_grant() {
    let world = World::new();
    world.server.never_repeats();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    world.server.fates([Fate::AnswerLost]);
    drop(keeper.token(&one).await);
    world.clock.advance(1000);
    assert!(matches!(keeper.token(&one).await, Err(KeeperError::NeedsUser { .. })));
    assert!(!world.server.is_ended("one"));
    assert_eq!(keeper.end(&one).await, Ok(true));
    assert!(world.server.is_ended("one"));
}

#[tokio::test(start_paused = true)]
async fn with_a_wrong_key_nothing_is_deleted() {
    let world = World::new();
    let one = world.connect(&world.keeper(), "one").await;
    let key = VaultKey::from_bytes(&[8; 32]).unwrap();
    let wrong = Keeper::builder(world.vault.clone(), key, Arc::new(world.clock.clone()))
        .endpoints("shop", Arc::new(world.server.clone()), Care::default())
        .build();
    let refused = wrong.end(&one).await.unwrap_err();
    assert!(
        matches!(refused, KeeperError::Vault(VaultError::Sealed(_))),
        "{refused}"
    );
    assert_eq!(access(world.keeper().token(&one).await), "at.one.1");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_key_is_found_in_an_empty_vault_too() {
    let world = World::new();
    let keeper = world.keeper();
    assert_eq!(keeper.check_key().await, Ok(()));
    assert_eq!(keeper.check_key().await, Ok(()));
    let key = VaultKey::from_bytes(&[8; 32]).unwrap();
    let wrong = Keeper::builder(world.vault.clone(), key, Arc::new(world.clock.clone())).build();
    assert!(matches!(wrong.check_key().await, Err(VaultError::Sealed(_))));
    assert!(
        matches!(wrong.check_key().await, Err(VaultError::Sealed(_))),
        "it wrote nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn an_end_whose_caller_hangs_up_deletes_what_it_revoked() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.server.fates([Fate::Slow(Duration::from_secs(5))]);
    let impatient = tokio::time::timeout(Duration::from_secs(1), keeper.end(&one)).await;
    assert!(impatient.is_err());
    keeper.stop().await;
    assert!(world.server.is_ended("one"));
    assert_eq!(world.vault.read(&one).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn an_end_does_not_call_a_connection_missing_that_was_made_anew_meanwhile() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.server.fates([Fate::Slow(Duration::from_secs(5))]);
    let connects = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        keeper.take_over(&one, &world.server.connect("other")).await
    };
    let (ended, connected) = tokio::join!(keeper.end(&one), connects);
    assert_eq!(connected, Ok(()));
    assert!(matches!(ended, Err(KeeperError::Unavailable { .. })), "{ended:?}");
    assert_eq!(access(keeper.token(&one).await), "at.other.1");
    assert_eq!(keeper.end(&one).await, Ok(true));
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_a_provider_that_is_configured_no_more_can_be_forgotten() {
    let world = World::new();
    let one = world.connect(&world.keeper(), "one").await;
    let key = VaultKey::from_bytes(&[7; 32]).unwrap();
    let later = Keeper::builder(world.vault.clone(), key, Arc::new(world.clock.clone())).build();
    assert_eq!(later.end(&one).await, Err(KeeperError::Unknown));
    assert_eq!(later.forget(&one).await, Ok(true));
    assert_eq!(world.vault.read(&one).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_record_of_an_older_vault_does_not_make_its_key_wrong() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "1").await;
    world.connect(&keeper, "2").await;
    let row = world.vault.read(&one).await.unwrap().unwrap();
    let damaged = Put {
        connection: one,
        sealed: b"damaged".to_vec(),
        summary: row.summary,
        due_at: row.due_at,
        replace: true,
        event: None,
    };
    world.vault.put(damaged).await.unwrap();
    let key = VaultKey::from_bytes(&[8; 32]).unwrap();
    let wrong = Keeper::builder(world.vault.clone(), key, Arc::new(world.clock.clone())).build();
    assert!(matches!(wrong.check_key().await, Err(VaultError::Sealed(_))));
    assert_eq!(keeper.check_key().await, Ok(()));
}

/// A connection whose access token never expires and cannot be refreshed.
async fn without_refresh_token(world: &World, keeper: &Keeper) -> (Connection, Tokens) {
    let one = Connection::new("shop", "one").unwrap();
    let mut tokens = world.server.connect("one");
    (tokens.refresh, tokens.expires_at) = (None, None);
    keeper.take_over(&one, &tokens).await.unwrap();
    (one, tokens)
}

#[tokio::test(start_paused = true)]
async fn a_stray_refusal_does_not_end_a_connection_without_a_refresh_token() {
    let world = World::new();
    let keeper = world.keeper();
    let (one, tokens) = without_refresh_token(&world, &keeper).await;
    let token = tokens.access.secret();
    for round in 0..2 {
        for _ in 0..5 {
            assert_eq!(access(keeper.refused(&one, token).await), token, "{round}");
            assert_eq!(access(keeper.token(&one).await), token, "{round}");
        }
        world.clock.advance(15 * MINUTE);
    }
    for result in [keeper.refused(&one, token).await, keeper.token(&one).await] {
        let refused = result.unwrap_err();
        assert!(
            matches!(&refused, KeeperError::NeedsUser { reason, .. } if reason == "no_refresh_token"),
            "{refused}"
        );
    }
    assert_eq!(world.server.requests(), 0);
}

/// An API that refuses every token.
#[derive(Default)]
struct Api(AtomicUsize);

impl Transport for Api {
    fn send(&self, _: Request<Bytes>) -> TransportFuture<'_> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(Response::builder().status(401).body(Bytes::new()).unwrap()) })
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_that_cannot_be_refreshed_is_not_sent_again() {
    let world = World::new();
    let keeper = world.keeper();
    let (one, _) = without_refresh_token(&world, &keeper).await;
    let before = world.vault.read(&one).await.unwrap().unwrap().fence;
    let api = Arc::new(Api::default());
    let request = Request::get("https://api.example/").body(Bytes::new()).unwrap();
    let answer = keeper
        .send(&HttpClient::over(api.clone()), &one, request)
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(api.0.load(Ordering::SeqCst), 1);
    let leases = world.vault.read(&one).await.unwrap().unwrap().fence - before;
    assert_eq!(leases, 1, "nobody asks for another token twice");
}
