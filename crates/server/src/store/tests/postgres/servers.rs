//! Two servers on one database.

use super::*;
use crate::store::tests::races::race;
use futures_util::future::join_all;
use std::sync::atomic::{AtomicUsize, Ordering};

/// RFC 7009 §2.2: a revocation that is asked again at another server is acknowledged. Memory there must know of it first.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn who_hears_that_a_grant_had_ended_finds_it_ended_in_memory() {
    let fixture = fixture().await;
    fixture.active(1).await;
    let elsewhere = opened(&fixture.database).await;
    let (told, heard) = std::sync::mpsc::channel();
    elsewhere.on_change(move |changes| {
        told.send(changes.to_vec()).unwrap();
    });
    assert!(fixture.store.end(grant_id(1), EndReason::ByApp, NOW).await.unwrap());
    assert!(!elsewhere.end(grant_id(1), EndReason::ByApp, NOW).await.unwrap());
    let told: Vec<_> = heard.try_iter().flatten().map(|change| change.subject).collect();
    assert_eq!(told, [grant_id(1).0.as_bytes().to_vec()]);
    assert_eq!(
        fixture.store.changes(NOW).await.unwrap().len(),
        1,
        "the feed tells it once"
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn of_two_servers_that_race_one_makes_the_change_and_both_know_it() {
    let fixture = fixture().await;
    let stores = [fixture.store.clone(), opened(&fixture.database).await];
    let turn = AtomicUsize::new(0);
    let one_of_them = || stores[turn.fetch_add(1, Ordering::SeqCst) % 2].clone();
    for id in 1..=10 {
        let inserted = race(|| {
            let store = one_of_them();
            async move { store.insert_grant(new_grant(id)).await.unwrap() }
        });
        assert!(inserted.await.windows(2).all(|pair| pair[0] == pair[1]));
        let redeemed = race(|| {
            let store = one_of_them();
            async move { redeem_row(&store, redeem(id)).await.unwrap() }
        });
        assert_eq!(redeemed.await.iter().flatten().count(), 1);
        for generation in 1..=3 {
            let rotated = race(|| {
                let store = one_of_them();
                async move { rotate_row(&store, rotate(id, generation)).await.unwrap() }
            });
            let rotated = rotated.await;
            assert_eq!(rotated.iter().filter(|rotated| rotated.changed).count(), 1);
            let learned = |rotated: &Rotated| rotated.grant.generation == generation + 1;
            assert!(rotated.iter().all(learned), "{rotated:?}");
        }
        let ended = race(|| {
            let store = one_of_them();
            async move { store.end(grant_id(id), EndReason::ByPerson, NOW).await.unwrap() }
        });
        assert_eq!(ended.await.iter().filter(|&&made| made).count(), 1);
    }
    let ends = fixture.sql("SELECT COUNT(*), COUNT(DISTINCT subject) FROM changes WHERE kind = 'grant'");
    assert_eq!(ends, "10|10", "each end is told once");
}

/// Batches of two servers that name the same grants in other orders: none waits for the other in a circle.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn batches_of_two_servers_on_the_same_grants_never_fail() {
    const GRANTS: u128 = 24;
    let fixture = fixture().await;
    let stores = [fixture.store.clone(), opened(&fixture.database).await];
    for id in 1..=GRANTS {
        fixture.active(id).await;
    }
    for generation in 1..=10 {
        let all = (0..2 * GRANTS).map(|n| {
            let store = &stores[usize::from(n % 2 == 1)];
            let id = if n % 2 == 1 { GRANTS - n / 2 } else { 1 + n / 2 };
            store.touch(grant_id(id), generation, NOW);
            rotate_row(store, rotate(id, generation))
        });
        let rotated: Vec<Rotated> = join_all(all).await.into_iter().map(Result::unwrap).collect();
        let changed = rotated.iter().filter(|rotated| rotated.changed).count();
        assert_eq!(changed as u128, GRANTS);
    }
}
