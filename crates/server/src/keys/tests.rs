//! The life of the keys in a ring, on a database.

use super::*;
use crate::audit::Who;
use crate::database::Database;
use crate::store::model::{ActsAs, AppId, Grant, GrantId, GrantState, OrganizationId, UserId};
use crate::store::tests::opened;
use crate::tokens::claims::Claims;
use crate::tokens::proofs::{Proof, ProofKind};
use crate::tokens::sealed::{AccessKey, seal};
use hallpass_wire::Scopes;
use tempfile::TempDir;
use uuid::Uuid;

const NOW: Instant = Instant(1_780_000_000_000);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// The numbers that a first start assigns.
const ACCESS: u32 = 1;
const PROOF: u32 = 2;
const PAGE: u32 = 3;
const OF_DECLARED: u32 = 4;

struct Fixture {
    folder: TempDir,
    store: Store,
    keys: Keys,
    database: Database,
}

impl Fixture {
    /// Creates a database whose access tokens live for an hour.
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let database = Database::new();
        let store = opened(&database).await;
        store.migrate().await.unwrap();
        store.keep_longest_access(HOUR).await.unwrap();
        let keys = open(&store, &folder, NOW).await;
        Self {
            folder,
            store,
            keys,
            database,
        }
    }

    async fn reopened(&self, now: Instant) -> Keys {
        open(&self.store, &self.folder, now).await
    }

    async fn rotate(&self, purpose: KeyPurpose, now: Instant) -> u32 {
        self.keys
            .rotate(&self.store, &Who::server(), purpose, now)
            .await
            .unwrap()
            .id
    }

    async fn stored(&self) -> Vec<u32> {
        let keys = self.store.keys().await.unwrap();
        keys.iter().map(|key| key.id).collect()
    }
}

async fn open(store: &Store, folder: &TempDir, now: Instant) -> Keys {
    let config = config::Keys {
        master: None,
        master_file: "master.key".into(),
    };
    Keys::open(store, &config, folder.path(), now).await.unwrap()
}

fn states(keys: &Keys, purpose: KeyPurpose, now: Instant) -> Vec<(u32, KeyState)> {
    let all = keys.ring().standings(now).into_iter();
    all.filter(|key| key.purpose == purpose.as_str())
        .map(|key| (key.id, key.state))
        .collect()
}

#[tokio::test]
async fn a_key_is_published_used_overlaps_and_retires() {
    use KeyState::{Current, Next, Overlapping};
    let fixture = Fixture::new().await;
    let keys = &fixture.keys;
    let next = fixture.rotate(KeyPurpose::Access, NOW).await;
    let at = |now| states(keys, KeyPurpose::Access, now);
    let (used, retires) = (NOW.after(MINUTE), NOW.after(HOUR + 2 * MINUTE));
    assert_eq!(
        at(used.before(Duration::from_millis(1))),
        [(ACCESS, Current), (next, Next)]
    );
    assert_eq!(at(used), [(ACCESS, Overlapping), (next, Current)]);
    assert_eq!(at(retires.before(Duration::from_millis(1))).len(), 2);
    assert_eq!(at(retires), [(next, Current)]);
    let ring = keys.ring();
    assert_eq!((ring.access(NOW).id(), ring.access(used).id()), (ACCESS, next));
    assert!(ring.access_by_id(ACCESS, retires.before(SECOND)).is_some());
    assert!(ring.access_by_id(ACCESS, retires).is_none());
    assert!(
        ring.access_by_id(next, NOW).is_some(),
        "published: every server opens with it"
    );
}

#[tokio::test]
async fn a_retired_key_leaves_the_database_at_the_next_start_or_change() {
    let fixture = Fixture::new().await;
    let second = fixture.rotate(KeyPurpose::Access, NOW).await;
    let retires = NOW.after(HOUR + 2 * MINUTE);
    fixture.reopened(retires.before(SECOND)).await;
    assert!(fixture.stored().await.contains(&ACCESS));
    fixture.reopened(retires).await;
    assert!(!fixture.stored().await.contains(&ACCESS));
    let page = fixture.rotate(KeyPurpose::Page, retires).await;
    let later = retires.after(25 * HOUR);
    let third = fixture.rotate(KeyPurpose::Access, later).await;
    assert_eq!(fixture.stored().await, [PROOF, OF_DECLARED, second, page, third]);
    assert_eq!(fixture.keys.ring().access(later).id(), second);
}

#[tokio::test]
async fn a_key_retires_only_after_the_longest_access_lifetime_ever() {
    let fixture = Fixture::new().await;
    fixture.rotate(KeyPurpose::Access, NOW).await;
    fixture.store.keep_longest_access(5 * HOUR).await.unwrap();
    let keys = fixture.reopened(NOW.after(4 * HOUR)).await;
    assert!(keys.ring().access_by_id(ACCESS, NOW.after(5 * HOUR)).is_some());
}

#[tokio::test]
async fn a_proof_key_does_not_retire() {
    let fixture = Fixture::new().await;
    fixture.rotate(KeyPurpose::Proof, NOW).await;
    let keys = fixture.reopened(NOW.after(100_000 * HOUR)).await;
    assert!(keys.ring().proof_by_id(PROOF).is_some());
}

#[tokio::test]
async fn a_repeated_rotation_creates_no_second_key() {
    let fixture = Fixture::new().await;
    let first = fixture
        .keys
        .rotate(&fixture.store, &Who::server(), KeyPurpose::Page, NOW)
        .await
        .unwrap();
    let again = fixture.rotate(KeyPurpose::Page, NOW.after(MINUTE - SECOND)).await;
    assert_eq!((first.made, first.id), (true, again));
    assert_ne!(fixture.rotate(KeyPurpose::Page, NOW.after(MINUTE)).await, again);
}

#[tokio::test]
async fn a_clock_that_is_turned_back_uses_the_key_of_that_time() {
    let fixture = Fixture::new().await;
    let next = fixture.rotate(KeyPurpose::Access, NOW).await;
    let ring = fixture.keys.ring();
    assert_eq!(ring.access(NOW.after(HOUR)).id(), next);
    assert_eq!(ring.access(NOW).id(), ACCESS);
    assert_eq!(ring.access(NOW.before(1000 * HOUR)).id(), ACCESS);
}

#[tokio::test]
async fn a_change_by_another_server_is_read() {
    let fixture = Fixture::new().await;
    let other = fixture.reopened(NOW).await;
    let next = other
        .rotate(&fixture.store, &Who::server(), KeyPurpose::Access, NOW)
        .await
        .unwrap()
        .id;
    other.revoke(&fixture.store, &Who::server(), PAGE, NOW).await.unwrap();
    assert!(fixture.keys.ring().access_by_id(next, NOW).is_none());
    fixture.keys.load(&fixture.store).await.unwrap();
    assert!(fixture.keys.ring().access_by_id(next, NOW).is_some());
    assert!(fixture.keys.ring().page_by_id(PAGE, NOW).is_none());
    let again = fixture.rotate(KeyPurpose::Access, NOW).await;
    assert_eq!(again, next, "a change looks at the database first");
}

/// A later version has keys of other purposes and lengths.
#[tokio::test]
async fn a_key_of_an_unknown_purpose_is_ignored() {
    let fixture = Fixture::new().await;
    for id in 5..40 {
        let key = StoredKey {
            id,
            purpose: "jwt".to_owned(),
            sealed: vec![7; 90],
            created: NOW,
            active_from: NOW,
        };
        fixture.store.create_key(key).await.unwrap();
    }
    let keys = fixture.reopened(NOW).await;
    assert!(keys.ring().standings(NOW).iter().all(|key| key.id < 5));
    assert!(keys.ring().access_by_id(ACCESS, NOW).is_some() && keys.ring().access_by_id(7, NOW).is_none());
    assert!(
        keys.ring().is_to_come(40),
        "another server may have made it a moment ago"
    );
    assert!(!keys.ring().is_to_come(39));
    assert_eq!(
        keys.rotate(&fixture.store, &Who::server(), KeyPurpose::Access, NOW)
            .await
            .unwrap()
            .id,
        40
    );
    fixture.keys.load(&fixture.store).await.unwrap();
    assert!(fixture.keys.ring().access_by_id(40, NOW).is_some());
}

#[tokio::test]
async fn a_revoked_current_key_is_replaced_at_once() {
    let fixture = Fixture::new().await;
    let (store, keys) = (&fixture.store, &fixture.keys);
    for (id, purpose) in [
        (ACCESS, KeyPurpose::Access),
        (PROOF, KeyPurpose::Proof),
        (PAGE, KeyPurpose::Page),
    ] {
        let revoked = keys.revoke(store, &Who::server(), id, NOW).await.unwrap();
        let successor = revoked.successor.unwrap();
        let expected = [(id, KeyState::Revoked), (successor, KeyState::Current)];
        assert_eq!(states(keys, purpose, NOW), expected);
        assert_eq!(states(&fixture.reopened(NOW).await, purpose, NOW), expected);
        assert!(keys.ring().is_revoked(id) && !keys.ring().is_revoked(successor));
    }
    assert!(keys.ring().access_by_id(ACCESS, NOW).is_none());
    assert!(keys.ring().proof_by_id(PROOF).is_none());
    assert!(keys.ring().page_by_id(PAGE, NOW).is_none());
}

#[tokio::test]
async fn the_waiting_key_replaces_a_revoked_key() {
    let fixture = Fixture::new().await;
    let next = fixture.rotate(KeyPurpose::Proof, NOW).await;
    let revoked = fixture
        .keys
        .revoke(&fixture.store, &Who::server(), PROOF, NOW)
        .await
        .unwrap();
    assert_eq!(revoked.successor, Some(next));
    assert_eq!(fixture.keys.ring().proof_id(NOW), next);
    assert_eq!(fixture.reopened(NOW).await.ring().proof_id(NOW), next);
}

#[tokio::test]
async fn a_waiting_or_overlapping_key_is_revoked_without_a_successor() {
    let fixture = Fixture::new().await;
    let (store, keys) = (&fixture.store, &fixture.keys);
    let next = fixture.rotate(KeyPurpose::Access, NOW).await;
    assert_eq!(
        keys.revoke(store, &Who::server(), next, NOW).await.unwrap().successor,
        None
    );
    assert_eq!(keys.ring().access(NOW.after(HOUR)).id(), ACCESS);
    let second = fixture.rotate(KeyPurpose::Access, NOW).await;
    assert!(second > next, "a number is never given again");
    assert_eq!(
        keys.revoke(store, &Who::server(), ACCESS, NOW.after(MINUTE))
            .await
            .unwrap()
            .successor,
        None
    );
    assert_eq!(keys.ring().access(NOW.after(MINUTE)).id(), second);
}

#[tokio::test]
async fn a_key_is_revoked_once_and_only_if_it_exists() {
    let fixture = Fixture::new().await;
    let (store, keys) = (&fixture.store, &fixture.keys);
    assert!(keys.revoke(store, &Who::server(), ACCESS, NOW).await.unwrap().made);
    let before = fixture.stored().await;
    let again = keys
        .revoke(store, &Who::server(), ACCESS, NOW.after(HOUR))
        .await
        .unwrap();
    assert_eq!((again.made, again.successor), (false, None));
    assert!(matches!(
        keys.revoke(store, &Who::server(), 99, NOW).await,
        Err(RevokeError::NoSuchKey(99))
    ));
    assert!(matches!(
        keys.revoke(store, &Who::server(), OF_DECLARED, NOW).await,
        Err(RevokeError::NothingIssued { .. })
    ));
    assert_eq!(fixture.stored().await, before);
}

#[tokio::test]
async fn a_change_that_was_not_written_has_no_effect() {
    let fixture = Fixture::new().await;
    fixture
        .database
        .sql("ALTER TABLE revoked_keys RENAME TO kept; ALTER TABLE keys RENAME TO kept_too")
        .unwrap();
    assert!(
        fixture
            .keys
            .revoke(&fixture.store, &Who::server(), ACCESS, NOW)
            .await
            .is_err()
    );
    assert!(
        fixture
            .keys
            .rotate(&fixture.store, &Who::server(), KeyPurpose::Page, NOW)
            .await
            .is_err()
    );
    assert_eq!(
        states(&fixture.keys, KeyPurpose::Access, NOW),
        [(ACCESS, KeyState::Current)]
    );
    assert_eq!(
        states(&fixture.keys, KeyPurpose::Page, NOW),
        [(PAGE, KeyState::Current)]
    );
    fixture
        .database
        .sql("ALTER TABLE kept RENAME TO revoked_keys; ALTER TABLE kept_too RENAME TO keys")
        .unwrap();
    assert!(
        fixture
            .keys
            .revoke(&fixture.store, &Who::server(), ACCESS, NOW)
            .await
            .unwrap()
            .made
    );
}

/// A stolen key that the row does not name must not be able to make a proof that the row still accepts.
#[tokio::test]
async fn an_accepted_generation_must_be_proved_by_the_key_of_the_row() {
    let fixture = Fixture::new().await;
    let middle = fixture.rotate(KeyPurpose::Proof, NOW).await;
    let newest = fixture.rotate(KeyPurpose::Proof, NOW.after(MINUTE)).await;
    let grant = Grant {
        acts_as: ActsAs::Person,
        id: GrantId(Uuid::from_u128(1)),
        app: AppId(Uuid::from_u128(2)),
        user: UserId(Uuid::from_u128(3)),
        organization: OrganizationId(Uuid::from_u128(4)),
        state: GrantState::Active,
        scopes: Scopes::default(),
        redirect_uri: None,
        code_challenge: None,
        salt: [5; 16],
        key: newest,
        previous_key: Some(middle),
        generation: 7,
        previous: Some(5),
        confirmed: false,
        rotated_at: NOW,
        created: NOW,
        code_expires: NOW,
        expires: None,
        ends: None,
        last_used: None,
        ended_at: None,
        reason: None,
        repeats: 0,
        source: None,
        unknown: None,
    };
    let ring = fixture.keys.ring();
    let proved = |generation, by| {
        let key = ring.proof_by_id(by).unwrap();
        let proof = Proof::derive(ProofKind::RefreshToken, key, &grant.salt, grant.id.0, generation);
        ring.prove(&proof, &grant)
    };
    let all = |generation| [PROOF, middle, newest].map(|by| proved(generation, by));
    assert_eq!(all(7), [false, false, true]);
    assert_eq!(all(5), [false, true, false]);
    assert_eq!(all(6), [true; 3]);
    assert_eq!(all(4), [true; 3]);
    assert_eq!(all(8), [true; 3]);
}

#[tokio::test]
async fn an_access_token_issued_before_a_rotation_is_sealed_again_to_the_same_bytes() {
    let fixture = Fixture::new().await;
    fixture.rotate(KeyPurpose::Access, NOW).await;
    let ring = fixture.keys.ring();
    let sealed = |key: &AccessKey| {
        let mut claims = Claims {
            serial: [0; 16],
            grant: None,
            app: AppId(Uuid::nil()),
            organization: OrganizationId(Uuid::nil()),
            scopes: Scopes::default(),
            issued_at: NOW,
            expires: NOW.after(HOUR),
        };
        seal(&mut claims, key, "https://id.example", None).unwrap()
    };
    assert_eq!(
        sealed(ring.access(NOW)),
        sealed(ring.access_by_id(ACCESS, NOW).unwrap())
    );
    assert_ne!(sealed(ring.access(NOW)), sealed(ring.access(NOW.after(HOUR))));
}
