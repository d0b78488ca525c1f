//! Keys, and what a revoked one does to grants.

use super::*;

fn key(id: u32, purpose: &str, active_from: Instant) -> Key {
    Key {
        id,
        purpose: purpose.to_owned(),
        sealed: vec![1, 2, 3],
        created: NOW,
        active_from,
    }
}

impl Fixture {
    /// Key 1, of which everything in these tests is made, and key 2, which nothing names.
    async fn with_keys() -> Self {
        let fixture = Self::new().await;
        for id in [1, 2] {
            fixture.store.create_key(key(id, "proof", NOW)).await.unwrap();
        }
        fixture
    }

    async fn revoke(&self, id: u32) {
        self.store.revoke_key(id, None, NOW).await.unwrap();
    }

    async fn ids(&self) -> Vec<u32> {
        let keys = self.store.keys().await.unwrap();
        keys.iter().map(|key| key.id).collect()
    }
}

#[tokio::test]
async fn a_key_that_an_older_server_made_is_used_since_then() {
    let fixture = Fixture::new().await;
    let older = format!(
        "INSERT INTO keys (id, purpose, sealed, created) VALUES (1, 'proof', {}, {})",
        fixture.database.bytes(&[1, 2, 3]),
        NOW.0
    );
    fixture.sql(&older);
    assert_eq!(fixture.store.keys().await.unwrap(), [key(1, "proof", NOW)]);
}

#[tokio::test]
async fn a_revoked_key_is_gone_its_number_is_kept_and_the_feed_tells() {
    let fixture = Fixture::with_keys().await;
    let successor = Successor::New(key(3, "proof", NOW.after(DAY)));
    fixture.store.revoke_key(1, Some(successor), NOW).await.unwrap();
    assert_eq!(fixture.ids().await, [2, 3]);
    let gone = RevokedKey {
        id: 1,
        purpose: "proof".to_owned(),
        created: NOW,
        revoked: NOW,
    };
    assert_eq!(fixture.store.revoked_keys().await.unwrap(), [gone]);
    let changes = fixture.store.changes(NOW).await.unwrap();
    let told: Vec<_> = changes[2..]
        .iter()
        .map(|change| (change.kind, change.value, change.subject.as_slice()))
        .collect();
    let (kind, nothing) = (ChangeKind::Key, b"".as_slice());
    assert_eq!(told, [(kind, 1, b"revoked".as_slice()), (kind, 3, nothing)]);
}

#[tokio::test]
async fn a_key_is_not_revoked_where_a_part_of_that_cannot_be() {
    let fixture = Fixture::with_keys().await;
    let missing = fixture.store.revoke_key(9, None, NOW).await;
    assert_eq!(missing, Err(StoreError::Conflict));
    let no_successor = fixture.store.revoke_key(1, Some(Successor::Waiting(9)), NOW).await;
    assert_eq!(no_successor, Err(StoreError::Conflict));
    let taken = fixture
        .store
        .revoke_key(1, Some(Successor::New(key(2, "proof", NOW))), NOW)
        .await;
    assert!(matches!(taken, Err(StoreError::Taken(_))));
    assert_eq!(fixture.ids().await, [1, 2]);
    assert_eq!(fixture.store.revoked_keys().await.unwrap(), []);
    fixture.revoke(1).await;
    assert_eq!(fixture.store.revoke_key(1, None, NOW).await, Err(StoreError::Conflict));
}

#[tokio::test]
async fn keys_of_a_purpose_retire_once_a_later_one_was_in_use_for_long() {
    let fixture = Fixture::new().await;
    let keys = [
        key(1, "access", NOW),
        key(2, "page", NOW),
        key(3, "access", NOW.after(DAY)),
        key(4, "access", NOW.after(2 * DAY)),
    ];
    for key in keys {
        fixture.store.create_key(key).await.unwrap();
    }
    let retire = |since| fixture.store.retire_keys("access", since);
    retire(NOW.after(DAY).before(Duration::from_millis(1))).await.unwrap();
    assert_eq!(fixture.ids().await, [1, 2, 3, 4]);
    retire(NOW.after(DAY)).await.unwrap();
    assert_eq!(fixture.ids().await, [2, 3, 4]);
    retire(NOW.after(9 * DAY)).await.unwrap();
    assert_eq!(fixture.ids().await, [2, 4]);
}

#[tokio::test]
async fn a_code_or_refresh_token_of_a_revoked_key_gives_nothing() {
    let fixture = Fixture::with_keys().await;
    fixture.pending(1).await;
    fixture.active(2).await;
    fixture.active(3).await;
    fixture.rotate(rotate(3, 1)).await.unwrap();
    fixture.revoke(1).await;
    let to = |key| Redeem { key, ..redeem(1) };
    assert_eq!(fixture.redeem(to(2)).await.unwrap(), None);
    let rotated = fixture.rotate(Rotate { key: 2, ..rotate(2, 1) }).await.unwrap();
    assert!(!rotated.changed);
    let replaces = Rotate {
        presented: 1,
        expect: 2,
        expect_previous: Some(1),
        key: 2,
        ..rotate(3, 1)
    };
    assert!(!fixture.rotate(replaces).await.unwrap().changed);
}

/// What replaces a lost answer was proved by the key before the row's own.
#[tokio::test]
async fn a_lost_answer_is_not_replaced_by_a_token_whose_key_was_revoked() {
    let fixture = Fixture::with_keys().await;
    for id in [1, 2] {
        fixture.active(id).await;
        fixture
            .rotate(Rotate {
                key: 2,
                ..rotate(id, 1)
            })
            .await
            .unwrap();
    }
    let replaces = |id| Rotate {
        presented: 1,
        expect: 2,
        expect_previous: Some(1),
        key: 2,
        ..rotate(id, 1)
    };
    assert!(fixture.rotate(replaces(1)).await.unwrap().changed);
    fixture.revoke(1).await;
    assert!(!fixture.rotate(replaces(2)).await.unwrap().changed);
}

/// The key was looked up before it was revoked, and the change comes after.
#[tokio::test]
async fn no_grant_moves_to_a_revoked_key() {
    let fixture = Fixture::with_keys().await;
    fixture.pending(1).await;
    fixture.active(2).await;
    fixture.revoke(2).await;
    let late = Redeem { key: 2, ..redeem(1) };
    assert_eq!(fixture.redeem(late).await.unwrap(), None);
    let late = Rotate { key: 2, ..rotate(2, 1) };
    assert!(!fixture.rotate(late).await.unwrap().changed);
    assert!(fixture.redeem(redeem(1)).await.unwrap().is_some());
    assert!(fixture.rotate(rotate(2, 1)).await.unwrap().changed);
}

#[tokio::test]
async fn the_sweep_ends_a_grant_whose_key_was_revoked_within_a_month() {
    let fixture = Fixture::with_keys().await;
    let forever = Redeem {
        expires: None,
        ..redeem(1)
    };
    fixture.pending(1).await;
    fixture.redeem(forever).await.unwrap();
    fixture.revoke(1).await;
    let later = NOW.after(30 * DAY);
    fixture
        .store
        .end(grant_id(9), EndReason::ByPerson, later)
        .await
        .unwrap();
    let grant = fixture.store.grant(grant_id(1)).await.unwrap().unwrap();
    assert_eq!(
        (grant.state, grant.reason),
        (GrantState::Ended, Some(EndReason::KeyRevoked))
    );
}

#[tokio::test]
async fn a_connection_whose_key_was_revoked_is_none() {
    let fixture = Fixture::with_keys().await;
    fixture
        .store
        .create_organization(organization(300, "acme"))
        .await
        .unwrap();
    fixture.store.create_app(app(100, "one")).await.unwrap();
    fixture.active(1).await;
    let count = async || {
        fixture
            .store
            .connections(UserId(uuid(200)), None, ALL)
            .await
            .unwrap()
            .items
            .len()
    };
    assert_eq!(count().await, 1);
    fixture.revoke(2).await;
    assert_eq!(count().await, 1);
    fixture.revoke(1).await;
    assert_eq!(count().await, 0);
}
