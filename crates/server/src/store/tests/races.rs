//! Many requests at once: one change.

use super::*;
use std::future::Future;

const MANY: usize = 64;

/// Runs the same thing many times at once.
async fn race<F, T>(each: impl Fn() -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let tasks: Vec<_> = (0..MANY).map(|_| tokio::spawn(each())).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_redemptions_gets_the_grant() {
    let fixture = Fixture::new();
    fixture.pending(1).await;
    let store = fixture.store.clone();
    let answers = race(|| {
        let store = store.clone();
        async move { store.redeem(redeem(1)).await.unwrap() }
    });
    assert_eq!(answers.await.iter().flatten().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_identical_rotations_are_one_change_and_all_see_it() {
    let fixture = Fixture::new();
    fixture.active(1).await;
    let store = fixture.store.clone();
    for generation in 1..=20 {
        let answers = race(|| {
            let store = store.clone();
            async move { store.rotate(rotate(1, generation)).await.unwrap() }
        });
        let answers = answers.await;
        assert_eq!(answers.iter().filter(|rotated| rotated.changed).count(), 1);
        let same = |rotated: &Rotated| (rotated.grant.generation, rotated.grant.previous);
        assert!(
            answers
                .iter()
                .all(|rotated| same(rotated) == (generation + 1, Some(generation)))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_inserts_of_one_grant_are_one_row() {
    let fixture = Fixture::new();
    let store = fixture.store.clone();
    let answers = race(|| {
        let store = store.clone();
        async move { store.insert_grant(new_grant(1)).await.unwrap() }
    });
    assert!(answers.await.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(fixture.grants_of(200).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_among_rotations_is_final() {
    let fixture = Fixture::new();
    fixture.active(1).await;
    let store = fixture.store.clone();
    let rotations = race(|| {
        let store = store.clone();
        async move { store.rotate(rotate(1, 1)).await.unwrap() }
    });
    let end = fixture.store.end(grant_id(1), EndReason::ByPerson, NOW);
    let (_, ended) = tokio::join!(rotations, end);
    assert!(ended.unwrap());
    assert_eq!(
        fixture.store.grant(grant_id(1)).await.unwrap().unwrap().state,
        State::Ended
    );
    assert!(!fixture.store.rotate(rotate(1, 2)).await.unwrap().changed);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_made_at_once_get_numbers_without_gaps() {
    let fixture = Fixture::new();
    let tasks: Vec<_> = (0..MANY as u128)
        .map(|id| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                store
                    .create_user(new_user(id, &format!("u{id}@a.example")))
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.push(task.await.unwrap().number);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=64).collect::<Vec<_>>());
}
