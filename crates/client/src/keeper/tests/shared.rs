//! Several keepers on one vault, with clocks that differ.

use super::super::vault::{Change, LeaseRequest, Taken};
use super::super::{Care, Connection};
use super::flaky::{self, Trouble};
use super::model::Fate;
use super::world::{MINUTE, World, access, watch_for};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn two_keepers_never_have_two_refreshes_of_one_connection_in_flight() {
    let world = World::new();
    let keepers = [world.keeper(), world.keeper()];
    let mut all = Vec::new();
    for number in 0..50 {
        all.push(world.connect(&keepers[0], &number.to_string()).await);
    }
    for round in 2..6 {
        world.clock.advance(61 * MINUTE);
        world
            .server
            .fates(std::iter::repeat_n(Fate::Slow(Duration::from_secs(2)), 50));
        let mut callers = tokio::task::JoinSet::new();
        for (number, connection) in all.iter().enumerate() {
            for keeper in keepers.clone() {
                let connection = connection.clone();
                callers.spawn(async move { (number, access(keeper.token(&connection).await)) });
            }
        }
        tokio::join!(
            watch_for(&keepers[0], Duration::from_secs(60)),
            watch_for(&keepers[1], Duration::from_secs(60))
        );
        while let Some(token) = callers.join_next().await {
            let (number, token) = token.unwrap();
            assert_eq!(token, format!("at.{number}.{round}"));
        }
    }
    assert_eq!(world.server.requests(), 200);
    assert!(!world.server.doubled());
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_sends_nothing_keeps_nobody_from_sending_after_it() {
    let (world, vault) = flaky::world();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(55 * MINUTE);
    vault.set(Trouble::None, Trouble::Slow);
    let kept = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        vault.set(Trouble::None, Trouble::None);
        keeper.keep_due().await.unwrap()
    };
    let (token, kept) = tokio::join!(keeper.renew(&one, "at.another"), kept);
    assert_eq!(access(token), "at.one.1");
    assert_eq!((kept.ready, kept.later, world.server.requests()), (1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_holder_whose_fence_is_old_can_write_nothing() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    let lease = |owner| LeaseRequest {
        owner: [owner; 16],
        span: Duration::from_secs(15),
        asked_at: 5,
        retry_at: 20_000,
    };
    let Taken::Leased(old) = world.vault.take(&one, lease(1)).await.unwrap() else {
        panic!("nobody holds it");
    };
    assert_eq!(world.vault.take(&one, lease(2)).await.unwrap(), Taken::Held);
    tokio::time::advance(Duration::from_secs(16)).await;
    let Taken::Leased(new) = world.vault.take(&one, lease(2)).await.unwrap() else {
        panic!("the lease is over");
    };
    assert!(new.fence > old.fence);
    assert_eq!(
        new.asked_at,
        Some(5),
        "the first holder may have sent the refresh token"
    );
    let change = |fence, owner| Change {
        connection: one.clone(),
        fence,
        owner: [owner; 16],
        record: Some((b"stale".to_vec(), old.summary.clone())),
        due_at: 0,
        asked_at: None,
        event: None,
    };
    assert!(!world.vault.write(change(old.fence, 1)).await.unwrap());
    assert!(!world.vault.write(change(new.fence, 1)).await.unwrap());
    assert_eq!(world.vault.read(&one).await.unwrap().unwrap().sealed, old.sealed);
    assert!(world.vault.write(change(new.fence, 2)).await.unwrap());
    assert!(
        !world.vault.write(change(new.fence, 2)).await.unwrap(),
        "its lease has ended"
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_replaced_during_a_refresh_keeps_the_new_tokens() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    world.server.fates([Fate::Slow(Duration::from_secs(5))]);
    let (during, name) = (keeper.clone(), one.clone());
    let refresh = tokio::spawn(async move { during.token(&name).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let other = world.server.connect("other");
    keeper.take_over(&one, &other).await.unwrap();
    assert_eq!(access(refresh.await.unwrap()), "at.other.1");
    assert_eq!(access(keeper.token(&one).await), "at.other.1");
}

#[tokio::test(start_paused = true)]
async fn clocks_that_are_five_minutes_off_make_no_difference() {
    for skew in [-5 * MINUTE, 5 * MINUTE] {
        let world = World::new();
        let wrong = world.clock.off_by(skew);
        let keeper = world.keeper_with(Care::default(), &wrong, world.vault.clone());
        let right = world.keeper();
        // The wrong keeper's clock is `skew` ahead of the provider's, which the answers' `Date` says.
        let one = Connection::new("shop", "one").unwrap();
        let mut tokens = world.server.connect("one");
        for moment in [&mut tokens.requested_at, tokens.expires_at.as_mut().unwrap()] {
            *moment += skew;
        }
        tokens.clock_skew = Some(-skew);
        keeper.take_over(&one, &tokens).await.unwrap();
        world.clock.advance(59 * MINUTE - 1000);
        assert_eq!(access(right.token(&one).await), "at.one.1", "{skew}");
        world.clock.advance(MINUTE + 2000);
        assert_eq!(access(right.token(&one).await), "at.one.2", "{skew}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_whose_clock_is_wrong_harms_no_other() {
    let world = World::new();
    let keeper = world.keeper();
    let mut tenants = Vec::new();
    for name in ["evil", "honest"] {
        let one = Connection::new("shop", name).unwrap();
        let params = [("tenant".to_owned(), name.to_owned())].into();
        keeper
            .take_over_with(&one, &world.server.connect(name), &params)
            .await
            .unwrap();
        tenants.push(one);
    }
    world.clock.advance(61 * MINUTE);
    for skew in [-59 * MINUTE, 59 * MINUTE] {
        let before = world.server.generation("honest");
        world.server.fates([Fate::Dated(skew)]);
        assert!(keeper.token(&tenants[0]).await.is_ok());
        watch_for(&keeper, Duration::from_secs(5)).await;
        assert_eq!(
            world.server.generation("honest"),
            before + 1,
            "{skew}: refreshed in time"
        );
        let token = access(keeper.token(&tenants[1]).await);
        assert!(world.server.call(&token), "{skew}: {token}");
        world.clock.advance(61 * MINUTE);
    }
}

#[tokio::test(start_paused = true)]
async fn the_tokens_of_a_code_tell_the_providers_clock() {
    let world = World::new();
    let keeper = world.keeper();
    let one = Connection::new("shop", "one").unwrap();
    let mut tokens = world.server.connect("one");
    tokens.clock_skew = Some(5 * MINUTE);
    keeper.take_over(&one, &tokens).await.unwrap();
    assert_eq!(keeper.token(&one).await.unwrap().expires_at, tokens.expires_at);
    world.clock.advance(60 * MINUTE + 1);
    assert_eq!(
        access(keeper.token(&one).await),
        "at.one.2",
        "its end is not five minutes later"
    );
}
