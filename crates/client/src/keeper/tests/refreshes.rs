//! Method 1 and Method 2 with one keeper.

use super::super::record::Record;
use super::super::vault::Put;
use super::super::{Care, Connection, Keep, Keeper, KeeperError};
use super::model::Fate;
use super::world::{MINUTE, World, access, watch_for};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_live_token_costs_no_request() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    assert_eq!(access(keeper.token(&one).await), "at.one.1");
    assert_eq!(world.server.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn cch_12_an_expired_token_is_refreshed_once_for_all_who_ask() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (keeper, one) = (keeper.clone(), one.clone());
        callers.spawn(async move { access(keeper.token(&one).await) });
    }
    while let Some(token) = callers.join_next().await {
        assert_eq!(token.unwrap(), "at.one.2");
    }
    assert_eq!(world.server.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_does_not_cancel_the_refresh() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    world.server.fates([Fate::Slow(Duration::from_secs(3))]);
    let impatient = tokio::time::timeout(Duration::from_secs(1), keeper.token(&one)).await;
    assert!(impatient.is_err());
    assert_eq!(access(keeper.token(&one).await), "at.one.2");
    assert_eq!(world.server.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_came_without_an_access_token_is_kept() {
    let world = World::new();
    world.server.never_repeats();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    world.server.fates([Fate::Incomplete]);
    let failed = keeper.token(&one).await.unwrap_err();
    assert!(
        matches!(&failed, KeeperError::Unavailable { reason: Some(reason), .. } if reason == "malformed"),
        "{failed}"
    );
    world.clock.advance(2 * MINUTE);
    assert_eq!(access(keeper.token(&one).await), "at.one.3");
    assert_eq!(world.server.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_near_its_end_is_refreshed_and_stays_good_if_that_fails() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(59 * MINUTE + 30_000);
    world.server.fates([Fate::NotSent]);
    assert_eq!(access(keeper.token(&one).await), "at.one.1");
    assert_eq!(world.server.requests(), 1);
    world.clock.advance(15_000);
    assert_eq!(access(keeper.token(&one).await), "at.one.2");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_asked_for_again_with_the_same_refresh_token() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    world.server.fates([Fate::AnswerLost]);
    assert!(matches!(keeper.token(&one).await, Err(KeeperError::Unavailable { .. })));
    world.clock.advance(1000);
    assert_eq!(access(keeper.token(&one).await), "at.one.2");
    assert_eq!(
        world.server.generation("one"),
        2,
        "the server gave the same successor again"
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_after_an_outage_is_asked_for_while_the_server_repeats_it() {
    for failures in [8, 12, 20] {
        let world = World::new();
        let keeper = world.keeper();
        let one = world.connect(&keeper, "one").await;
        world.clock.advance(61 * MINUTE);
        let fates = std::iter::repeat_n(Fate::NotSent, failures);
        world.server.fates(fates.chain([Fate::AnswerLost]));
        while world.server.requests() <= failures {
            watch_for(&keeper, Duration::from_secs(1)).await;
        }
        watch_for(&keeper, Duration::from_secs(15)).await;
        assert_eq!(world.server.requests(), failures + 2, "{failures}");
        assert_eq!(world.server.generation("one"), 2, "the answer was repeated");
        assert_eq!(access(keeper.token(&one).await), "at.one.2");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_too_long_counts_as_lost() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    world.server.fates([Fate::Slow(Duration::from_secs(60))]);
    assert!(matches!(keeper.token(&one).await, Err(KeeperError::Unavailable { .. })));
    assert!(keeper.token(&one).await.is_err());
    assert_eq!(world.server.requests(), 1, "the answer could still come");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(access(keeper.token(&one).await), "at.one.2");
    assert!(!world.server.doubled());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_late_is_stored_and_nobody_asks_twice() {
    let world = World::new();
    world.server.never_repeats();
    let (first, second) = (world.keeper(), world.keeper());
    let one = world.connect(&first, "one").await;
    world.clock.advance(61 * MINUTE);
    world.server.fates([Fate::Slow(Duration::from_secs(11))]);
    let refused = first.token(&one).await.unwrap_err();
    assert!(matches!(&refused, KeeperError::Unavailable { reason: Some(reason), .. } if reason == "unanswered"));
    assert_eq!(access(second.token(&one).await), "at.one.2");
    assert_eq!(world.server.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_an_answer_that_is_late() {
    let world = World::new();
    world.server.never_repeats();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    world.server.fates([Fate::Slow(Duration::from_secs(11))]);
    assert!(keeper.token(&one).await.is_err());
    keeper.stop().await;
    assert_eq!(access(world.keeper().token(&one).await), "at.one.2");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_cannot_be_sent_is_not_taken_and_stops_no_other() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    let bad = Connection::new("shop", "bad").unwrap();
    let params = [("tenant".to_owned(), "bad".to_owned())].into();
    let tokens = world.server.connect("bad");
    let refused = keeper.take_over_with(&bad, &tokens, &params).await.unwrap_err();
    assert!(matches!(refused, KeeperError::Provider(_)), "{refused}");
    // As an earlier version stored it.
    let mut record = Record::new(&tokens, 0);
    record.variables = params;
    let put = Put {
        connection: bad.clone(),
        sealed: record.seal(&keeper.engine.key, &bad).unwrap(),
        summary: record.summary(),
        due_at: 0,
        replace: true,
        event: None,
    };
    world.vault.put(put).await.unwrap();
    world.clock.advance(61 * MINUTE);
    for _ in 0..20 {
        assert!(matches!(keeper.token(&bad).await, Err(KeeperError::Provider(_))));
        world.clock.advance(60_000);
    }
    assert_eq!(access(keeper.token(&one).await), "at.one.2");
    let refused = keeper.refused(&bad, "at.bad.1").await;
    assert!(matches!(refused, Err(KeeperError::Provider(_))), "{refused:?}");
    assert_eq!(keeper.end(&bad).await, Ok(true));
}

#[tokio::test(start_paused = true)]
async fn the_cause_of_a_failed_refresh_is_told_and_ends_with_a_success() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    world
        .server
        .fates([Fate::Refused("invalid_client", Some("no such client"))]);
    let refused = keeper.token(&one).await.unwrap_err();
    assert!(matches!(&refused, KeeperError::Unavailable { reason: Some(reason), .. } if reason == "invalid_client"));
    let reason = |rows: Vec<crate::keeper::Row>| rows[0].summary.reason.clone();
    assert_eq!(
        reason(keeper.list(None, 1).await.unwrap()).as_deref(),
        Some("invalid_client")
    );
    world.clock.advance(MINUTE);
    assert_eq!(access(keeper.token(&one).await), "at.one.2");
    assert_eq!(reason(keeper.list(None, 1).await.unwrap()), None);
}

#[tokio::test(start_paused = true)]
async fn failed_demands_do_not_ask_again_before_their_wait_is_over() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    world.server.fates([Fate::RequestLost]);
    for _ in 0..10 {
        let refused = keeper.token(&one).await.unwrap_err();
        assert_eq!(
            refused,
            KeeperError::Unavailable {
                retry_after: Duration::from_secs(1),
                reason: Some("unanswered".to_owned()),
            }
        );
    }
    assert_eq!(world.server.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_obeyed_for_all_connections_of_the_provider() {
    let world = World::new();
    let keeper = world.keeper();
    let (one, two) = (world.connect(&keeper, "one").await, world.connect(&keeper, "two").await);
    world.clock.advance(61 * MINUTE);
    world.server.fates([Fate::Busy(Some(Duration::from_secs(90)))]);
    for connection in [&one, &two] {
        let refused = keeper.token(connection).await.unwrap_err();
        let retry_after = Duration::from_secs(90);
        let is_so = matches!(refused, KeeperError::Unavailable { retry_after: found, .. } if found == retry_after);
        assert!(is_so, "{refused}");
    }
    world.clock.advance(90_000);
    assert_eq!(access(keeper.token(&two).await), "at.two.2");
    assert_eq!(world.server.asked(), ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn cch_13_method_2_keeps_tokens_live_that_nobody_uses() {
    let world = World::new();
    let keeper = world.keeper();
    let mut all = Vec::new();
    for number in 0..100 {
        all.push(world.connect(&keeper, &number.to_string()).await);
    }
    for _ in 0..10 {
        watch_for(&keeper, Duration::from_secs(1800)).await;
        let before = world.server.requests();
        for connection in &all {
            let token = access(keeper.token(connection).await);
            assert!(world.server.call(&token), "{token}");
        }
        assert_eq!(world.server.requests(), before, "every token was live already");
    }
    // Each lives an hour, and five hours are over.
    let each = world.server.requests() / all.len();
    assert!((5..=7).contains(&each), "{each} refreshes of each connection");
    assert!(!world.server.doubled());
}

#[tokio::test(start_paused = true)]
async fn connections_made_together_do_not_stay_together() {
    let world = World::new();
    let keeper = world.keeper();
    for number in 0..200 {
        world.connect(&keeper, &number.to_string()).await;
    }
    let mut busiest = 0;
    let mut before = 0;
    for _ in 0..90 {
        watch_for(&keeper, Duration::from_secs(60)).await;
        busiest = busiest.max(world.server.requests() - before);
        before = world.server.requests();
    }
    // 200 come due within 12 minutes: 17 a minute.
    assert!(busiest < 60, "{busiest} in one minute");
}

#[tokio::test(start_paused = true)]
async fn method_2_begins_no_more_than_the_provider_allows_a_minute() {
    let world = World::new();
    let care = Care {
        per_minute: Some(12),
        ..Care::default()
    };
    let keeper = world.keeper_with(care, &world.clock, world.vault.clone());
    for number in 0..100 {
        world.connect(&keeper, &number.to_string()).await;
    }
    world.clock.advance(60 * MINUTE);
    watch_for(&keeper, Duration::from_secs(300)).await;
    let requests = world.server.requests();
    assert!((55..=62).contains(&requests), "{requests} in five minutes");
}

#[tokio::test(start_paused = true)]
async fn a_pass_waits_for_the_limit_a_minute_and_not_longer_than_that() {
    let slow = Duration::from_millis(500);
    for (limit, connections, expected, takes) in [
        (12, 10, 10..=10, Duration::ZERO),
        (12, 30, 10..=10, Duration::ZERO),
        (600, 900, 400..=550, slow),
    ] {
        let world = World::new();
        world.server.fates(std::iter::repeat_n(Fate::Slow(takes), connections));
        let care = Care {
            per_minute: Some(limit),
            ..Care::default()
        };
        let keeper = world.keeper_with(care, &world.clock, world.vault.clone());
        for number in 0..connections {
            world.connect(&keeper, &number.to_string()).await;
        }
        world.clock.advance(60 * MINUTE);
        let pass = tokio::time::timeout(Duration::from_secs(59), keeper.keep_due());
        let ready = pass.await.unwrap().unwrap().ready;
        assert!(expected.contains(&ready), "{ready} of {connections}");
    }
}

#[tokio::test(start_paused = true)]
async fn alive_connections_are_refreshed_for_their_refresh_token_alone() {
    let world = World::new();
    let care = Care {
        keep: Keep::Alive,
        ..Care::default()
    };
    let keeper = world.keeper_with(care, &world.clock, world.vault.clone());
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(6 * 24 * 60 * MINUTE);
    watch_for(&keeper, Duration::from_secs(5)).await;
    assert_eq!(world.server.requests(), 0);
    world.clock.advance(4 * 24 * 60 * MINUTE);
    watch_for(&keeper, Duration::from_secs(5)).await;
    assert_eq!(world.server.requests(), 1);
    assert_eq!(access(keeper.token(&one).await), "at.one.2");
}

#[tokio::test(start_paused = true)]
async fn a_silent_provider_is_asked_by_one_connection_at_a_time() {
    let world = World::new();
    let keeper = world.keeper();
    for number in 0..50 {
        world.connect(&keeper, &number.to_string()).await;
    }
    world.clock.advance(60 * MINUTE);
    let silence = Fate::Slow(Duration::from_secs(3_600));
    world.server.fates(std::iter::repeat_n(silence, 200));
    watch_for(&keeper, Duration::from_secs(60)).await;
    let before = world.server.requests();
    watch_for(&keeper, Duration::from_secs(300)).await;
    let requests = world.server.requests() - before;
    assert!((5..=30).contains(&requests), "{requests} in five minutes");
}

/// Connects 50 users at the server of `tenant`, if any, and lets three requests to it fail. The rest after that is over.
async fn silent(world: &World, keeper: &Keeper, tenant: Option<&str>) -> Vec<Connection> {
    let mut all = Vec::new();
    let params = tenant.map(|tenant| ("tenant".to_owned(), tenant.to_owned()));
    let params = params.into_iter().collect();
    for number in 0..50 {
        let connection = Connection::new("shop", &number.to_string()).unwrap();
        let tokens = world.server.connect(connection.reference());
        keeper.take_over_with(&connection, &tokens, &params).await.unwrap();
        all.push(connection);
    }
    world.clock.advance(61 * MINUTE);
    let silence = Fate::Slow(Duration::from_secs(3_600));
    world.server.fates(std::iter::repeat_n(silence, 200));
    for connection in all.drain(..3) {
        assert!(keeper.token(&connection).await.is_err());
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    all
}

#[tokio::test(start_paused = true)]
async fn a_silent_provider_is_asked_by_one_connection_at_a_time_on_demand_too() {
    for tenant in [None, Some("a.example")] {
        let world = World::new();
        let keeper = world.keeper();
        let all = silent(&world, &keeper, tenant).await;
        let before = world.server.requests();
        let mut callers = tokio::task::JoinSet::new();
        for connection in all {
            let keeper = keeper.clone();
            callers.spawn(async move { keeper.token(&connection).await });
        }
        while let Some(answer) = callers.join_next().await {
            assert!(matches!(answer.unwrap(), Err(KeeperError::Unavailable { .. })));
        }
        assert_eq!(world.server.requests() - before, 1, "{tenant:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_of_several_is_asked_by_one_connection_at_a_time() {
    let world = World::new();
    let keeper = world.keeper();
    silent(&world, &keeper, Some("a.example")).await;
    let before = world.server.requests();
    watch_for(&keeper, Duration::from_secs(5)).await;
    assert_eq!(world.server.requests() - before, 1);
    watch_for(&keeper, Duration::from_secs(295)).await;
    let requests = world.server.requests() - before;
    assert!((5..=30).contains(&requests), "{requests} in five minutes");
}

#[tokio::test(start_paused = true)]
async fn an_hour_without_the_provider_costs_little_and_loses_nothing() {
    let world = World::new();
    let keeper = world.keeper();
    let mut all = Vec::new();
    for number in 0..50 {
        all.push(world.connect(&keeper, &number.to_string()).await);
    }
    world.clock.advance(60 * MINUTE);
    world.server.fates(std::iter::repeat_n(Fate::NotSent, 600));
    for _ in 0..60 {
        watch_for(&keeper, Duration::from_secs(60)).await;
        let (requests, left) = (world.server.requests(), 600);
        if requests >= left {
            break;
        }
    }
    let down = world.server.requests();
    assert!(down < 450, "{down} requests in an hour");
    // The provider is back.
    while world.server.requests() < 600 {
        watch_for(&keeper, Duration::from_secs(60)).await;
    }
    watch_for(&keeper, Duration::from_secs(600)).await;
    for connection in &all {
        assert!(world.server.call(&access(keeper.token(connection).await)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_pass_refreshes_what_is_due_and_counts_it() {
    let world = World::new();
    let keeper = world.keeper();
    for number in 0..40 {
        world.connect(&keeper, &number.to_string()).await;
    }
    assert_eq!(keeper.keep_due().await.unwrap().ready, 0);
    world.clock.advance(60 * MINUTE);
    world.server.end("7");
    let kept = keeper.keep_due().await.unwrap();
    assert_eq!((kept.ready, kept.needs_user, kept.later), (39, 1, 0));
    assert_eq!(world.server.requests(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_good_token_is_renewed_as_often_as_the_program_wants() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    let mut token = access(keeper.token(&one).await);
    for round in 2..8 {
        token = access(keeper.renew(&one, &token).await);
        assert_eq!(token, format!("at.one.{round}"));
    }
    assert_eq!(
        access(keeper.renew(&one, "at.one.1").await),
        token,
        "an old token costs nothing"
    );
    world.server.fates([Fate::NotSent]);
    assert_eq!(
        access(keeper.renew(&one, &token).await),
        token,
        "the stored token stays"
    );
}
