//! Many requests at once: one change.

use super::*;
use std::future::Future;

pub(super) const MANY: usize = 64;

/// Runs the same thing many times at once.
pub(super) async fn race<F, T>(each: impl Fn() -> F) -> Vec<T>
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
    let fixture = Fixture::new().await;
    fixture.pending(1).await;
    let store = fixture.store.clone();
    let answers = race(|| {
        let store = store.clone();
        async move { redeem_row(&store, redeem(1)).await.unwrap() }
    });
    assert_eq!(answers.await.iter().flatten().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_identical_rotations_are_one_change_and_all_see_it() {
    let fixture = Fixture::new().await;
    fixture.active(1).await;
    let store = fixture.store.clone();
    for generation in 1..=20 {
        let answers = race(|| {
            let store = store.clone();
            async move { rotate_row(&store, rotate(1, generation)).await.unwrap() }
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
    let fixture = Fixture::new().await;
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
    let fixture = Fixture::new().await;
    fixture.active(1).await;
    let store = fixture.store.clone();
    let rotations = race(|| {
        let store = store.clone();
        async move { rotate_row(&store, rotate(1, 1)).await.unwrap() }
    });
    let end = fixture.store.end(grant_id(1), EndReason::ByPerson, NOW);
    let (_, ended) = tokio::join!(rotations, end);
    assert!(ended.unwrap());
    assert_eq!(
        fixture.store.grant(grant_id(1)).await.unwrap().unwrap().state,
        GrantState::Ended
    );
    assert!(!fixture.rotate(rotate(1, 2)).await.unwrap().changed);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_made_at_once_get_numbers_without_gaps() {
    let fixture = Fixture::new().await;
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

/// Of many that race for the place beside the first secret, one gets it.
#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_new_secrets_never_make_three() {
    let Fixture {
        database: _database,
        store,
    } = Fixture::new().await;
    store.create_app(app(100, "one")).await.unwrap();
    let mut adds = tokio::task::JoinSet::new();
    for id in 0..16 {
        let store = store.clone();
        let others = [Others::Keep, Others::EndAt(NOW.after(DAY))][usize::from(id % 2 == 1)];
        adds.spawn(async move { store.set_secret(AppId(uuid(100)), secret(id), others, NOW).await });
    }
    let made = adds.join_all().await.into_iter().filter(Result::is_ok).count();
    assert_eq!(made, 1);
    assert_eq!(store.app(AppId(uuid(100))).await.unwrap().unwrap().secrets.len(), 2);
}

/// Of two that end one another's refuge, one is refused.
#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_ends_leave_a_secret() {
    let Fixture {
        database: _database,
        store,
    } = Fixture::new().await;
    store.create_app(app(100, "one")).await.unwrap();
    let id = AppId(uuid(100));
    store.set_secret(id, secret(2), Others::Keep, NOW).await.unwrap();
    let (first, second) = tokio::join!(
        store.end_secret(id, SecretId(uuid(1100)), NOW),
        store.end_secret(id, SecretId(uuid(2)), NOW)
    );
    assert_eq!(first.is_ok() as u8 + second.is_ok() as u8, 1);
    assert_eq!(store.app(id).await.unwrap().unwrap().secrets.len(), 1);
}
