//! One suite for every vault. PostgreSQL runs with `HALLPASS_TEST_DATABASE=postgres`, as in the server's tests.

mod claims;
mod clock;
#[cfg(feature = "postgres")]
mod in_database;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod older;
#[cfg(feature = "sqlite")]
mod on_disk;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod unknown_states;

use super::*;
use std::sync::Arc;

/// A vault, and what must live as long as it.
struct Home {
    vault: Arc<dyn Vault>,
    _keep: Box<dyn std::any::Any>,
}

fn memory() -> Home {
    Home {
        vault: Arc::new(MemoryVault::new()),
        _keep: Box::new(()),
    }
}

#[cfg(feature = "sqlite")]
fn sqlite() -> Home {
    let folder = tempfile::tempdir().unwrap();
    let vault = SqliteVault::open(&folder.path().join("vault.db")).unwrap();
    Home {
        vault: Arc::new(vault),
        _keep: Box::new(folder),
    }
}

#[cfg(feature = "postgres")]
async fn postgres() -> Home {
    let schema = hallpass_cluster::Schema::new().unwrap();
    let vault = PostgresVault::connect(schema.url(), None).await.unwrap();
    Home {
        vault: Arc::new(vault),
        _keep: Box::new(schema),
    }
}

/// Every vault that this run can test.
async fn homes() -> Vec<Home> {
    #[cfg_attr(
        not(any(feature = "sqlite", feature = "postgres")),
        expect(unused_mut, reason = "there are no more vaults")
    )]
    let mut homes = vec![memory()];
    #[cfg(feature = "sqlite")]
    homes.push(sqlite());
    #[cfg(feature = "postgres")]
    if hallpass_cluster::tests_run_on_postgres() {
        homes.push(postgres().await);
    }
    homes
}

fn name(text: &str) -> Connection {
    text.parse().unwrap()
}

fn summary(state: State, reason: Option<&str>) -> Summary {
    Summary {
        state,
        reason: reason.map(str::to_owned),
        since: 11,
        expires_at: Some(12),
    }
}

fn put(connection: &str, due_at: i64) -> Put {
    Put {
        connection: name(connection),
        sealed: format!("sealed {connection}").into_bytes(),
        summary: summary(State::Ready, None),
        due_at,
        replace: true,
        event: None,
    }
}

fn lease(owner: u8, span: Duration) -> LeaseRequest {
    LeaseRequest {
        owner: [owner; 16],
        span,
        asked_at: 100,
        retry_at: 5000,
    }
}

const LONG: Duration = Duration::from_secs(3600);

async fn taken(vault: &dyn Vault, connection: &str, lease: LeaseRequest) -> Row {
    match vault.take(&name(connection), lease).await.unwrap() {
        Taken::Leased(row) => row,
        other => panic!("{connection}: {other:?}"),
    }
}

fn change(row: &Row, owner: u8) -> Change {
    Change {
        connection: row.connection.clone(),
        fence: row.fence,
        owner: [owner; 16],
        record: Some((b"next".to_vec(), summary(State::Paused, Some("app_suspended")))),
        due_at: 7000,
        asked_at: None,
        event: None,
    }
}

fn event(kind: &str, at: i64) -> NewEvent {
    NewEvent {
        kind: kind.to_owned(),
        reason: Some("because".to_owned()),
        at,
        ends_at: None,
    }
}

#[tokio::test]
async fn a_connection_is_stored_read_and_replaced() {
    for home in homes().await {
        let vault = &*home.vault;
        assert_eq!(vault.read(&name("a/1")).await.unwrap(), None);
        assert!(vault.put(put("a/1", 50)).await.unwrap());
        let row = vault.read(&name("a/1")).await.unwrap().unwrap();
        assert_eq!(
            (row.sealed.as_slice(), row.due_at, row.asked_at),
            (&b"sealed a/1"[..], 50, None)
        );
        assert_eq!(row.summary, summary(State::Ready, None));
        let keeps = Put {
            replace: false,
            sealed: b"other".to_vec(),
            ..put("a/1", 60)
        };
        assert!(!vault.put(keeps).await.unwrap());
        assert_eq!(vault.read(&name("a/1")).await.unwrap().unwrap().due_at, 50);
        assert!(vault.put(put("a/1", 60)).await.unwrap());
        let replaced = vault.read(&name("a/1")).await.unwrap().unwrap();
        assert_eq!(replaced.due_at, 60);
        assert!(replaced.fence > row.fence);
    }
}

#[tokio::test]
async fn one_of_many_gets_the_lease() {
    for home in homes().await {
        home.vault.put(put("a/1", 50)).await.unwrap();
        let mut all = tokio::task::JoinSet::new();
        for owner in 0..32 {
            let vault = home.vault.clone();
            all.spawn(async move { vault.take(&name("a/1"), lease(owner, LONG)).await.unwrap() });
        }
        let mut leased = 0;
        while let Some(taken) = all.join_next().await {
            match taken.unwrap() {
                Taken::Leased(row) => {
                    leased += 1;
                    assert_eq!((row.due_at, row.asked_at), (50, None), "the row as it was before");
                }
                Taken::Held => {}
                Taken::Missing => panic!("it is there"),
            }
        }
        assert_eq!(leased, 1);
        let row = home.vault.read(&name("a/1")).await.unwrap().unwrap();
        assert_eq!((row.due_at, row.asked_at), (5000, Some(100)), "the intent is stored");
    }
}

#[tokio::test]
async fn a_lease_that_is_over_goes_on_and_its_holder_can_write_nothing() {
    for home in homes().await {
        let vault = &*home.vault;
        vault.put(put("a/1", 50)).await.unwrap();
        let old = taken(vault, "a/1", lease(1, Duration::ZERO)).await;
        let new = taken(vault, "a/1", lease(2, LONG)).await;
        assert!(new.fence > old.fence);
        assert_eq!(new.asked_at, Some(100));
        assert!(!vault.write(change(&old, 1)).await.unwrap());
        assert!(!vault.write(change(&new, 1)).await.unwrap());
        assert!(!vault.remove(&name("a/1"), old.fence, [1; 16]).await.unwrap());
        assert_eq!(vault.read(&name("a/1")).await.unwrap().unwrap().sealed, b"sealed a/1");
        assert!(vault.write(change(&new, 2)).await.unwrap());
        let row = vault.read(&name("a/1")).await.unwrap().unwrap();
        assert_eq!(
            (row.sealed.as_slice(), row.due_at, row.asked_at),
            (&b"next"[..], 7000, None)
        );
        assert_eq!(row.summary, summary(State::Paused, Some("app_suspended")));
        assert!(!vault.write(change(&new, 2)).await.unwrap(), "the lease has ended");
    }
}

#[tokio::test]
async fn a_holder_may_lease_again_when_it_does_not_know_that_it_did() {
    for home in homes().await {
        let vault = &*home.vault;
        vault.put(put("a/1", 50)).await.unwrap();
        let first = taken(vault, "a/1", lease(1, LONG)).await;
        let second = taken(vault, "a/1", lease(1, LONG)).await;
        assert!(second.fence > first.fence);
        assert!(!vault.write(change(&first, 1)).await.unwrap());
        assert!(vault.write(change(&second, 1)).await.unwrap());
    }
}

#[tokio::test]
async fn a_write_without_a_record_keeps_it() {
    for home in homes().await {
        let vault = &*home.vault;
        vault.put(put("a/1", 50)).await.unwrap();
        let row = taken(vault, "a/1", lease(1, LONG)).await;
        let release = Change {
            record: None,
            asked_at: Some(3),
            ..change(&row, 1)
        };
        assert!(vault.write(release).await.unwrap());
        let row = vault.read(&name("a/1")).await.unwrap().unwrap();
        assert_eq!(
            (row.sealed.as_slice(), row.due_at, row.asked_at),
            (&b"sealed a/1"[..], 7000, Some(3))
        );
        assert_eq!(row.summary, summary(State::Ready, None));
    }
}

#[tokio::test]
async fn a_replacement_ends_leases_and_so_does_a_new_connection_of_the_same_name() {
    for home in homes().await {
        let vault = &*home.vault;
        vault.put(put("a/1", 50)).await.unwrap();
        let old = taken(vault, "a/1", lease(1, LONG)).await;
        vault.put(put("a/1", 60)).await.unwrap();
        assert!(!vault.write(change(&old, 1)).await.unwrap());
        let row = taken(vault, "a/1", lease(2, LONG)).await;
        assert!(vault.remove(&name("a/1"), row.fence, [2; 16]).await.unwrap());
        assert_eq!(vault.take(&name("a/1"), lease(3, LONG)).await.unwrap(), Taken::Missing);
        vault.put(put("a/1", 70)).await.unwrap();
        taken(vault, "a/1", lease(4, LONG)).await;
        for fence in 0..10 {
            let late = Change {
                fence,
                ..change(&old, 1)
            };
            assert!(!vault.write(late).await.unwrap());
        }
    }
}

#[tokio::test]
async fn what_is_due_is_claimed_once_and_the_longest_due_first() {
    for home in homes().await {
        let vault = &*home.vault;
        for (number, due_at) in [(1, 30), (2, 10), (3, 20), (4, 99), (5, NEVER)] {
            vault.put(put(&format!("a/{number}"), due_at)).await.unwrap();
        }
        vault.put(put("b/1", 5)).await.unwrap();
        vault.put(put("c/1", 99)).await.unwrap();
        let claim = |limit, owner| vault.claim("a", 50, limit, lease(owner, LONG));
        let names = |rows: Vec<Row>| {
            let mut names: Vec<String> = rows.iter().map(|row| row.connection.to_string()).collect();
            names.sort();
            names
        };
        assert_eq!(names(claim(2, 1).await.unwrap()), ["a/2", "a/3"]);
        assert_eq!(names(claim(9, 2).await.unwrap()), ["a/1"]);
        assert!(claim(9, 3).await.unwrap().is_empty());
        assert_eq!(vault.take(&name("a/2"), lease(4, LONG)).await.unwrap(), Taken::Held);
        // The intent of a holder that disappeared is due again at `retry_at`, when its lease is over.
        let gone = vault.claim("c", 99, 9, lease(5, Duration::ZERO)).await.unwrap();
        assert_eq!(names(gone), ["c/1"]);
        let again = vault.claim("c", 5000, 9, lease(6, LONG)).await.unwrap();
        assert_eq!(again.first().map(|row| row.asked_at), Some(Some(100)));
        assert_eq!(names(again), ["c/1"]);
    }
}

#[tokio::test]
async fn two_keepers_that_claim_at_once_share_and_never_double() {
    for home in homes().await {
        for number in 0..200 {
            home.vault.put(put(&format!("a/{number}"), number)).await.unwrap();
        }
        let mut all = tokio::task::JoinSet::new();
        for owner in 0..8 {
            let vault = home.vault.clone();
            all.spawn(async move {
                let mut names = Vec::new();
                for _ in 0..10 {
                    let rows = vault.claim("a", 1000, 10, lease(owner, LONG)).await.unwrap();
                    names.extend(rows.into_iter().map(|row| row.connection));
                }
                names
            });
        }
        let mut claimed = Vec::new();
        while let Some(names) = all.join_next().await {
            claimed.extend(names.unwrap());
        }
        // Where keepers met at a locked row, it is due for the next claim.
        let rest = home.vault.claim("a", 1000, 1000, lease(9, LONG)).await.unwrap();
        claimed.extend(rest.into_iter().map(|row| row.connection));
        claimed.sort();
        let before = claimed.len();
        claimed.dedup();
        assert_eq!((before, claimed.len()), (200, 200));
    }
}

#[tokio::test]
async fn lists_have_pages_in_the_order_of_bytes() {
    for home in homes().await {
        let vault = &*home.vault;
        for text in ["b/1", "a/2", "a/10", "a/B", "a/a", "a/ä"] {
            vault.put(put(text, 1)).await.unwrap();
        }
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = vault.list(None, after.as_ref(), 4).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.connection.clone());
            found.extend(page.iter().map(|row| row.connection.to_string()));
        }
        assert_eq!(found, ["a/10", "a/2", "a/B", "a/a", "a/ä", "b/1"]);
    }
}

#[tokio::test]
async fn a_list_of_some_providers_is_full_and_names_no_other() {
    for home in homes().await {
        let vault = &*home.vault;
        for text in ["a/1", "b/1", "b/2", "c/1", "d/1", "d/2", "d/3"] {
            vault.put(put(text, 1)).await.unwrap();
        }
        let own = BTreeSet::from(["b".to_owned(), "d".to_owned(), "none".to_owned()]);
        let mut pages = Vec::new();
        let mut after = None;
        loop {
            let page = vault.list(Some(&own), after.as_ref(), 2).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.connection.clone());
            pages.push(page.iter().map(|row| row.connection.to_string()).collect::<Vec<_>>());
        }
        assert_eq!(pages, [vec!["b/1", "b/2"], vec!["d/1", "d/2"], vec!["d/3"]]);
        let foreign = vault.list(Some(&own), Some(&name("c/0")), 1).await.unwrap();
        assert_eq!(foreign[0].connection, name("d/1"));
        assert_eq!(vault.list(Some(&BTreeSet::new()), None, 9).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_sign_in_is_spent_once() {
    for home in homes().await {
        let vault = &*home.vault;
        let sign_in = |state: u8, expires_at| SignIn {
            state: [state; 32],
            sealed: vec![state],
            expires_at,
        };
        vault.begin(sign_in(1, 100), 0).await.unwrap();
        assert_eq!(vault.begun(&[1; 32]).await.unwrap().unwrap().sealed, [1]);
        assert!(vault.begun(&[2; 32]).await.unwrap().is_none());
        assert!(vault.spend(&[1; 32]).await.unwrap());
        assert!(!vault.spend(&[1; 32]).await.unwrap());
        vault.begin(sign_in(3, 100), 0).await.unwrap();
        vault.begin(sign_in(4, 300), 100).await.unwrap();
        assert!(vault.begun(&[3; 32]).await.unwrap().is_none(), "it was over");
        assert_eq!(vault.begun(&[4; 32]).await.unwrap().unwrap().expires_at, 300);
    }
}

#[tokio::test]
async fn an_event_is_stored_with_its_change_and_goes_to_one_reader() {
    for home in homes().await {
        let vault = &*home.vault;
        vault.put(put("a/1", 50)).await.unwrap();
        let row = taken(vault, "a/1", lease(1, LONG)).await;
        let told = Change {
            event: Some(event("paused", 9)),
            ..change(&row, 1)
        };
        let late = Change {
            owner: [2; 16],
            ..told.clone()
        };
        assert!(!vault.write(late).await.unwrap());
        assert_eq!(vault.next_event(LONG).await.unwrap(), None, "nothing was written");
        assert!(vault.write(told).await.unwrap());
        let more = Put {
            event: Some(event("recovered", 5)),
            ..put("a/1", 50)
        };
        vault.put(more).await.unwrap();
        let first = vault.next_event(Duration::ZERO).await.unwrap().unwrap();
        assert_eq!((first.connection, first.event), (name("a/1"), event("paused", 9)));
        let again = vault.next_event(LONG).await.unwrap().unwrap();
        assert_eq!(again.id, first.id);
        let other = Put {
            event: Some(event("paused", 7)),
            ..put("a/2", 50)
        };
        vault.put(other).await.unwrap();
        let other = vault.next_event(LONG).await.unwrap().unwrap();
        assert_eq!(other.connection, name("a/2"), "a connection's events are told in order");
        assert_eq!(vault.next_event(LONG).await.unwrap(), None);
        vault.event_done(&again.id).await.unwrap();
        let second = vault.next_event(LONG).await.unwrap().unwrap();
        assert_eq!((second.connection, second.event), (name("a/1"), event("recovered", 5)));
        assert_eq!(vault.next_event(LONG).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_reader_whose_tries_fail_keeps_its_event_or_gives_it_back() {
    for home in homes().await {
        let vault = &*home.vault;
        let told = Put {
            event: Some(event("needs_user", 1)),
            ..put("a/1", 50)
        };
        vault.put(told).await.unwrap();
        let first = vault.next_event(Duration::ZERO).await.unwrap().unwrap();
        let (id, tries) = (first.id, first.tries);
        assert_eq!(tries, 0);
        assert!(vault.event_failed(&id, LONG).await.unwrap());
        assert_eq!(vault.next_event(LONG).await.unwrap(), None);
        assert!(vault.event_failed(&id, Duration::ZERO).await.unwrap());
        let again = vault.next_event(Duration::ZERO).await.unwrap().unwrap();
        assert_eq!((again.id, again.tries), (id, 2));
        assert!(vault.event_kept(&id, LONG).await.unwrap());
        assert_eq!(vault.next_event(LONG).await.unwrap(), None);
        assert!(vault.event_kept(&id, Duration::ZERO).await.unwrap());
        let again = vault.next_event(Duration::ZERO).await.unwrap().unwrap();
        assert_eq!((again.id, again.tries), (id, 2), "no try was counted");
        let newer = Put {
            event: Some(event("needs_user", 2)),
            ..put("a/1", 50)
        };
        vault.put(newer).await.unwrap();
        let gone = (vault.event_failed(&id, LONG).await, vault.event_kept(&id, LONG).await);
        assert_eq!(gone, (Ok(false), Ok(false)), "a newer one took its place");
        let newer = vault.next_event(LONG).await.unwrap().unwrap();
        assert_eq!(newer.tries, 0);
        let id = newer.id;
        vault.event_done(&id).await.unwrap();
        assert!(!vault.event_failed(&id, LONG).await.unwrap());
    }
}

#[tokio::test]
async fn an_event_that_nobody_read_is_replaced_by_the_next_of_its_kind() {
    for home in homes().await {
        let vault = &*home.vault;
        for at in 0..5 {
            let told = Put {
                event: Some(event("recovered", at)),
                ..put("a/1", 50)
            };
            vault.put(told).await.unwrap();
        }
        let only = vault.next_event(LONG).await.unwrap().unwrap();
        assert_eq!(only.event.at, 4);
        assert_eq!(vault.next_event(LONG).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_vault_with_a_clock_remembers_the_clocks_of_providers() {
    for home in homes().await {
        let vault = &*home.vault;
        let Some(now) = vault.now().await.unwrap() else {
            continue;
        };
        assert!(now > 1_700_000_000_000, "milliseconds since 1970");
        assert_eq!(vault.skews().await.unwrap(), []);
        for skew in [5, -7] {
            vault.set_skew("a", skew).await.unwrap();
        }
        assert_eq!(vault.skews().await.unwrap(), [("a".to_owned(), -7)]);
    }
}
