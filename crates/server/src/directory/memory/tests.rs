use super::*;
use crate::store::model::Status;
use crate::time::Instant;

type Loaded = Result<Option<u8>, StoreError>;

#[tokio::test]
async fn a_load_that_an_eviction_overtakes_is_answered_and_not_kept() {
    let cache: Cache<u8, u8> = Cache::new(100);
    let evictions: [&dyn Fn(); 2] = [
        &|| {
            cache.remove(&1);
        },
        &|| cache.clear(),
    ];
    for evict in evictions {
        let found = kept(&cache, &1, async {
            evict();
            Loaded::Ok(Some(7))
        });
        assert_eq!(found.await, Ok(Some(7)));
        assert_eq!(cache.get(&1), None);
    }
}

#[tokio::test]
async fn what_was_loaded_after_the_eviction_stays_where_an_older_load_ends_later() {
    let cache: Cache<u8, u8> = Cache::new(100);
    let older = kept(&cache, &1, async {
        cache.remove(&1);
        kept(&cache, &1, async { Loaded::Ok(Some(8)) }).await.unwrap();
        Loaded::Ok(Some(7))
    });
    assert_eq!(older.await, Ok(Some(7)));
    assert_eq!(cache.get(&1), Some(8));
}

#[tokio::test]
async fn a_request_does_not_wait_for_the_load_of_another() {
    let cache: Cache<u8, u8> = Cache::new(100);
    let first = kept(&cache, &1, async {
        let second = kept(&cache, &1, async { Loaded::Ok(Some(8)) }).await;
        assert_eq!(second, Ok(Some(8)));
        Loaded::Ok(Some(7))
    });
    assert_eq!(first.await, Ok(Some(7)));
    assert_eq!(cache.get(&1), Some(7), "the one that came first is kept");
}

#[tokio::test]
async fn nothing_is_kept_of_what_is_not_there_or_could_not_be_read() {
    let cache: Cache<u8, u8> = Cache::new(100);
    for loaded in [Ok(None), Err(StoreError::Conflict)] {
        assert_eq!(kept(&cache, &1, async { loaded.clone() }).await, loaded);
        assert_eq!(kept(&cache, &1, async { Loaded::Ok(Some(7)) }).await, Ok(Some(7)));
        cache.clear();
    }
}

const ONE: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);

/// Two of each kind that an entry can name.
fn filled() -> Memory {
    let directory = Memory::default();
    for id in [ONE, OTHER] {
        directory.organizations.insert(OrganizationId(id), organization(id));
        directory.origins_of.insert(AppId(id), Arc::default());
        directory.origins.insert(id.to_string(), AppId(id));
    }
    directory.resources.insert((), Arc::default());
    directory
}

fn organization(id: Uuid) -> Arc<Organization> {
    Arc::new(Organization {
        id: OrganizationId(id),
        slug: id.to_string(),
        external_id: None,
        name: String::new(),
        kind: crate::store::model::OrganizationKind::Live,
        hidden: false,
        status: Status::Active,
        created: Instant(0),
        unknown: None,
    })
}

fn entry(kind: ChangeKind, subject: &[u8]) -> Change {
    Change {
        node: [0; 16],
        number: 1,
        at: Instant(0),
        expires: Instant(0),
        kind,
        subject: subject.to_vec(),
        value: 0,
    }
}

/// How many organizations, apps with origins and lists of resources there are.
fn left(directory: &Memory) -> [usize; 3] {
    [
        directory.organizations.len(),
        directory.origins_of.len(),
        directory.resources.len(),
    ]
}

#[test]
fn an_entry_evicts_what_it_names_and_nothing_else() {
    let both = [ONE.as_bytes().as_slice(), OTHER.as_bytes()].concat();
    for (kind, subject, expected) in [
        (ChangeKind::Organization, ONE.as_bytes().as_slice(), [1, 2, 1]),
        (ChangeKind::App, ONE.as_bytes(), [2, 1, 1]),
        (ChangeKind::User, ONE.as_bytes(), [2, 2, 1]),
        (ChangeKind::Membership, &both, [2, 2, 1]),
        (ChangeKind::Resource, b"https://api.example", [2, 2, 0]),
    ] {
        let directory = filled();
        directory.evict(&entry(kind, subject));
        assert_eq!(left(&directory), expected, "{kind}");
        assert_eq!(directory.origins.len(), 2, "a hint is checked, not evicted");
    }
}

#[test]
fn an_entry_that_names_nothing_empties_everything() {
    for (kind, subject) in [
        (ChangeKind::Unknown, ONE.as_bytes().as_slice()),
        (ChangeKind::App, b""),
        (ChangeKind::User, b"short"),
        (ChangeKind::Membership, ONE.as_bytes()),
        (ChangeKind::Organization, &[0; 32]),
    ] {
        let directory = filled();
        directory.evict(&entry(kind, subject));
        assert_eq!(left(&directory), [0, 0, 0], "{kind}");
    }
}
