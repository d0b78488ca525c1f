//! What is PostgreSQL's alone: a server that goes and comes back, other sessions, its settings and rights.
//!
//! Other sessions are real ones, and what the store does meanwhile is seen in the server's own tables: no test waits a
//! while and hopes.

use super::failures::is_unavailable;
use super::races::race;
use super::schema::{statements, statements_of_postgres};
use super::*;
use crate::store::engine::writer::work::Work;
use crate::store::people::PEOPLE_ON_POSTGRES;
use futures_util::future::join_all;
use hallpass_cluster::{Cluster, folder_of_test};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio_postgres::{Client, NoTls};

/// On PostgreSQL, whatever the others run on.
async fn fixture() -> Fixture {
    Fixture::on(Database::postgres()).await
}

/// On a cluster of its own, which a test may stop or spoil.
async fn alone(name: &str, settings: &[&str]) -> (Cluster, Fixture) {
    let settings = [&["fsync=off"], settings].concat();
    let cluster = Cluster::start(&folder_of_test(name), &settings).unwrap();
    let fixture = Fixture::on(Database::Elsewhere(cluster.url("postgres"))).await;
    (cluster, fixture)
}

/// Another session, such as an operator's.
async fn session(fixture: &Fixture) -> Client {
    let (client, connection) = tokio_postgres::connect(&fixture.database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The same database with these settings for each session.
fn with(database: &Database, settings: &str) -> Database {
    let url = database.url();
    let joined = match url.contains("?options=") {
        true => format!("{url}%20"),
        false => format!("{url}?options="),
    };
    Database::Elsewhere(format!("{joined}{}", settings.replace(' ', "%20").replace('=', "%3D")))
}

/// Waits until so many of the store's sessions wait for what `event` names.
async fn wait_for(other: &Client, event: &str) {
    let waiting = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'hallpass' AND wait_event_type || ':' || wait_event LIKE $1 \
                   AND datname = current_database()";
    for _ in 0..1000 {
        if !other.query(waiting, &[&event]).await.unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("nothing waits for {event}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_database_that_is_away_is_unavailable_until_it_is_back_and_loses_nothing() {
    let (mut cluster, fixture) = alone("away", &[]).await;
    fixture.active(1).await;
    // Before the grant is due: the first commit afterwards, which nobody asks for, sweeps.
    let used = NOW.after(Duration::from_secs(30));
    for (generation, crash) in [(1, true), (2, false)] {
        match crash {
            true => cluster.kill().unwrap(),
            false => cluster.stop().unwrap(),
        }
        fixture.store.touch(grant_id(1), generation, used);
        let grant = fixture.store.grant(grant_id(1)).await;
        assert!(is_unavailable(&grant), "{grant:?}");
        let inserted = fixture.store.insert_grant(new_grant(2)).await;
        assert!(is_unavailable(&inserted), "{inserted:?}");
        assert!(is_unavailable(&fixture.store.flush().await));
        assert!(is_unavailable(&fixture.store.app(AppId(uuid(1))).await));
        cluster.resume().unwrap();
        assert_eq!(fixture.store.grant(grant_id(2)).await.unwrap(), None);
        let rotated = fixture.rotate(rotate(1, generation)).await.unwrap();
        assert!(rotated.changed, "what was acknowledged is there, and writing goes on");
    }
    fixture.store.flush().await.unwrap();
    let last_used = fixture.store.grant(grant_id(1)).await.unwrap().unwrap().last_used;
    assert_eq!(last_used, Some(used), "the use that could not be written is not lost");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_backend_that_is_ended_in_the_middle_changes_nothing_and_the_next_one_does() {
    let (_cluster, fixture) = alone("ended", &[]).await;
    fixture.active(1).await;
    let other = session(&fixture).await;
    other
        .batch_execute("BEGIN; SELECT 1 FROM grants FOR UPDATE")
        .await
        .unwrap();
    let ends = async {
        wait_for(&other, "Lock:%").await;
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hallpass'";
        other.batch_execute(end).await.unwrap();
    };
    let (rotated, ()) = tokio::join!(fixture.rotate(rotate(1, 1)), ends);
    assert!(is_unavailable(&rotated), "{rotated:?}");
    other.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(fixture.store.grant(grant_id(1)).await.unwrap().unwrap().generation, 1);
    assert!(fixture.rotate(rotate(1, 1)).await.unwrap().changed);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_connection_whose_answer_nobody_waited_for_is_not_used_again() {
    let fixture = fixture().await;
    let other = session(&fixture).await;
    for _ in 0..4 {
        let all = (0..4).map(|_| fixture.store.read("SELECT pg_sleep(20)", &[]));
        tokio::select! {
            _ = join_all(all) => panic!("nothing was answered so soon"),
            () = wait_for(&other, "Timeout:PgSleep") => {}
        }
    }
    for answer in join_all((0..4).map(|_| fixture.store.read("SELECT 1", &[]))).await {
        assert_eq!(answer.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_server_that_is_suspended_in_the_middle_keeps_its_locks_for_seconds() {
    let fixture = fixture().await;
    let probe = "CREATE TABLE probe AS SELECT current_setting('idle_in_transaction_session_timeout')";
    fixture.store.change(Work::Pragma(probe.to_owned())).await.unwrap();
    assert_eq!(fixture.sql("SELECT * FROM probe"), "5s");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_database_that_takes_no_writes_is_unavailable_until_it_does() {
    let (_cluster, fixture) = alone("read-only", &[]).await;
    fixture.active(1).await;
    let other = session(&fixture).await;
    let takes_writes = async |value: &str| {
        let set = format!(
            "SET default_transaction_read_only = off; ALTER DATABASE postgres SET default_transaction_read_only = {value}"
        );
        other.batch_execute(&set).await.unwrap();
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hallpass'";
        other.batch_execute(end).await.unwrap();
    };
    takes_writes("on").await;
    // Whether it finds out by the end of its session or by the refusal.
    for _ in 0..2 {
        let rotated = fixture.rotate(rotate(1, 1)).await;
        assert!(is_unavailable(&rotated), "{rotated:?}");
    }
    assert_eq!(fixture.store.grant(grant_id(1)).await.unwrap().unwrap().generation, 1);
    takes_writes("off").await;
    let mut rotated = fixture.rotate(rotate(1, 1)).await;
    if is_unavailable(&rotated) {
        rotated = fixture.rotate(rotate(1, 1)).await;
    }
    assert!(rotated.unwrap().changed);
}

/// Locks a grant's row, as a server does whose commit hangs.
async fn keep(fixture: &Fixture, id: u128) -> Client {
    let other = session(fixture).await;
    let id = fixture.database.bytes(uuid(id).as_bytes());
    let locks = format!("BEGIN; SELECT 1 FROM grants WHERE id = {id} FOR UPDATE");
    other.batch_execute(&locks).await.unwrap();
    other
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_row_that_somebody_keeps_locked_holds_up_no_other_and_is_changed_when_it_is_free() {
    let fixture = fixture().await;
    for id in 1..=4 {
        fixture.active(id).await;
    }
    let other = keep(&fixture, 1).await;
    let late = async {
        let rotated = fixture.rotate(rotate(1, 1)).await.unwrap();
        assert!(rotated.changed);
    };
    let others = async {
        wait_for(&session(&fixture).await, "Lock:%").await;
        // Two of one kind, which are one statement, an end, and what is done step by step.
        let (second, third) = tokio::join!(fixture.rotate(rotate(2, 1)), fixture.rotate(rotate(3, 1)));
        assert!(second.unwrap().changed && third.unwrap().changed);
        assert!(fixture.store.end(grant_id(4), EndReason::ByPerson, NOW).await.unwrap());
        fixture
            .store
            .create_organization(organization(301, "museum"))
            .await
            .unwrap();
        assert_eq!(fixture.store.grant(grant_id(1)).await.unwrap().unwrap().generation, 1);
        other.batch_execute("ROLLBACK").await.unwrap();
    };
    tokio::join!(late, others);
    assert!(fixture.rotate(rotate(1, 2)).await.unwrap().changed);
}

/// A person sends the form to another server, since the first one does not answer.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_grant_that_another_server_is_inserting_holds_up_no_other() {
    let fixture = fixture().await;
    fixture.active(2).await;
    let other = session(&fixture).await;
    let copy = "BEGIN; CREATE TEMP TABLE one AS SELECT * FROM grants; UPDATE one SET id = id; ";
    other.batch_execute(copy).await.unwrap();
    let id = fixture.database.bytes(uuid(1).as_bytes());
    let inserts = format!("UPDATE one SET id = {id}; INSERT INTO grants SELECT * FROM one");
    other.batch_execute(&inserts).await.unwrap();
    let late = fixture.store.insert_grant(new_grant(1));
    let others = async {
        wait_for(&session(&fixture).await, "Lock:%").await;
        assert!(fixture.rotate(rotate(2, 1)).await.unwrap().changed);
        other.batch_execute("COMMIT").await.unwrap();
    };
    let (late, ()) = tokio::join!(late, others);
    assert_eq!(late.unwrap().generation, 1, "the one that was there");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn many_rows_that_are_locked_hold_up_no_other_and_keep_their_order() {
    let fixture = fixture().await;
    for id in 1..=40 {
        fixture.active(id).await;
    }
    let other = session(&fixture).await;
    let last = fixture.database.bytes(uuid(40).as_bytes());
    let locks = format!("BEGIN; SELECT 1 FROM grants WHERE id <> {last} FOR UPDATE");
    other.batch_execute(&locks).await.unwrap();
    let ends = join_all((1..40).map(|id| fixture.store.end(grant_id(id), EndReason::ByPerson, NOW)));
    let again = join_all((1..40).map(|id| fixture.store.end(grant_id(id), EndReason::ByPerson, NOW)));
    let others = async {
        wait_for(&session(&fixture).await, "Lock:%").await;
        for generation in 1..=20 {
            assert!(fixture.rotate(rotate(40, generation)).await.unwrap().changed);
        }
        other.batch_execute("ROLLBACK").await.unwrap();
    };
    let (ends, again, ()) = tokio::join!(ends, again, others);
    assert_eq!((ends, again), (vec![Ok(true); 39], vec![Ok(false); 39]));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_use_of_a_grant_that_is_locked_is_written_later_and_others_at_once() {
    let fixture = fixture().await;
    fixture.active(1).await;
    fixture.active(2).await;
    let used = NOW.after(Duration::from_secs(30));
    // What the row says: a grant that is read has what memory knows too.
    let written = |id: u128| {
        let id = fixture.database.bytes(uuid(id).as_bytes());
        fixture
            .sql(&format!("SELECT last_used FROM grants WHERE id = {id}"))
            .trim()
            == used.0.to_string()
    };
    let other = keep(&fixture, 1).await;
    fixture.store.touch(grant_id(1), 1, used);
    fixture.store.touch(grant_id(2), 1, used);
    fixture.store.flush().await.unwrap();
    assert_eq!((written(1), written(2)), (false, true));
    other.batch_execute("ROLLBACK").await.unwrap();
    fixture.store.flush().await.unwrap();
    assert!(written(1));
}

/// What ends many grants is tried by itself: one that is locked does not stand in its way.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn the_end_of_many_grants_waits_for_those_alone_that_it_ends() {
    let fixture = fixture().await;
    fixture.active(1).await;
    let (jane, app) = (UserId(uuid(201)), AppId(uuid(100)));
    let grant = NewGrant {
        user: jane,
        ..new_grant(2)
    };
    fixture.store.insert_grant(grant).await.unwrap();
    let (first, second) = (keep(&fixture, 1).await, keep(&fixture, 2).await);
    let late = fixture.rotate(rotate(1, 1));
    let many = async {
        let ended = fixture.store.end_all(jane, app, None, EndReason::ByPerson, NOW).await;
        first.batch_execute("ROLLBACK").await.unwrap();
        ended
    };
    let lets_go = async {
        wait_for(&session(&fixture).await, "Lock:%").await;
        second.batch_execute("ROLLBACK").await.unwrap();
    };
    let (late, many, ()) = tokio::join!(late, many, lets_go);
    assert!(late.unwrap().changed);
    assert_eq!(many.unwrap(), [grant_id(2)]);
}

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

/// It waits as long as the store's patience lasts.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_row_that_somebody_keeps_locked_for_long_is_unavailable_and_nothing_is_done() {
    let fixture = fixture().await;
    fixture.active(1).await;
    let other = keep(&fixture, 1).await;
    let late = fixture.rotate(rotate(1, 1)).await;
    assert!(is_unavailable(&late), "{late:?}");
    other.batch_execute("ROLLBACK").await.unwrap();
    assert!(fixture.rotate(rotate(1, 1)).await.unwrap().changed);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_deadlock_with_another_session_is_tried_again() {
    let database = Database::postgres();
    // Sooner than the writer is tired of waiting for a lock.
    let fixture = Fixture::on(with(&database, "-cdeadlock_timeout=20ms")).await;
    for id in 1..=3 {
        fixture.active(id).await;
    }
    let (other, watching) = (session(&fixture).await, session(&fixture).await);
    let lock = |id: u128| {
        let id = fixture.database.bytes(uuid(id).as_bytes());
        format!("SELECT 1 FROM grants WHERE id = {id} FOR UPDATE")
    };
    // Patient, so that the store is the one that is undone.
    let holds = format!(
        "SET deadlock_timeout = '1min'; BEGIN; {}; SAVEPOINT third; {}",
        lock(2),
        lock(3)
    );
    other.batch_execute(&holds).await.unwrap();
    let end = |id| fixture.store.end(grant_id(id), EndReason::ByPerson, NOW);
    // While the writer waits for the third, the others come together.
    let others = async {
        wait_for(&watching, "Lock:%").await;
        tokio::join!(end(1), end(2), async {
            other.batch_execute("ROLLBACK TO third").await.unwrap();
            while watching
                .query("SELECT 1 FROM grants WHERE state = 2", &[])
                .await
                .unwrap()
                .is_empty()
            {}
            wait_for(&watching, "Lock:%").await;
            other.batch_execute(&lock(1)).await.unwrap();
            other.batch_execute("COMMIT").await.unwrap();
        })
    };
    let (third, (first, second, ())) = tokio::join!(end(3), others);
    assert_eq!((first, second, third), (Ok(true), Ok(true), Ok(true)));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn what_could_not_be_serialized_is_tried_again() {
    let fixture = fixture().await;
    fixture.active(1).await;
    let strict = with(&fixture.database, "-cdefault_transaction_isolation=serializable");
    let store = opened(&strict).await;
    let other = session(&fixture).await;
    other
        .batch_execute("BEGIN; UPDATE grants SET scopes = 'library'")
        .await
        .unwrap();
    let watching = session(&fixture).await;
    let commits = async {
        wait_for(&watching, "Lock:%").await;
        other.batch_execute("COMMIT").await.unwrap();
    };
    let (rotated, ()) = tokio::join!(rotate_row(&store, rotate(1, 1)), commits);
    assert!(rotated.unwrap().changed);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_commit_that_no_standby_has_is_not_acknowledged() {
    let (_cluster, fixture) = alone("standby", &[]).await;
    fixture.active(1).await;
    let other = session(&fixture).await;
    let standbys = async |names: &str| {
        let set = format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'");
        other.batch_execute(&set).await.unwrap();
        other.batch_execute("SELECT pg_reload_conf()").await.unwrap();
        let shown = "SELECT current_setting('synchronous_standby_names')";
        while session(&fixture)
            .await
            .query_one(shown, &[])
            .await
            .unwrap()
            .get::<_, &str>(0)
            != names
        {}
    };
    standbys("nobody").await;
    let cancels = async {
        wait_for(&other, "IPC:SyncRep").await;
        let cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        other.batch_execute(cancel).await.unwrap();
    };
    let (rotated, ()) = tokio::join!(fixture.rotate(rotate(1, 1)), cancels);
    assert!(is_unavailable(&rotated), "{rotated:?}");
    standbys("").await;
    let grant = fixture.store.grant(grant_id(1)).await.unwrap().unwrap();
    assert_eq!(grant.generation, 2, "it is there on this server");
    assert!(fixture.rotate(rotate(1, 2)).await.unwrap().changed);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_database_that_forgets_commits_is_not_used() {
    let database = Database::postgres();
    let refused = tried(&with(&database, "-csynchronous_commit=off")).await.err();
    let Some(StoreError::Unfit(reason)) = refused else {
        panic!("{refused:?}")
    };
    assert!(reason.contains("synchronous_commit"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn missing_rights_are_told_clearly() {
    let (cluster, fixture) = alone("rights", &[]).await;
    let refused = async |database: &str, user: &str| {
        let url = cluster.url(database).replace("postgres@", &format!("{user}@"));
        let store = match tried(&Database::Elsewhere(url)).await {
            Ok(store) => store.migrate().await.err(),
            refused => refused.err(),
        };
        let Some(StoreError::Unfit(reason)) = store else {
            panic!("{store:?}")
        };
        reason
    };
    drop(fixture);
    for statement in [
        "CREATE ROLE guest LOGIN",
        "CREATE DATABASE closed",
        "REVOKE CONNECT ON DATABASE closed FROM PUBLIC",
    ] {
        cluster.sql("postgres", statement).unwrap();
    }
    for (database, user, told) in [
        ("postgres", "guest", "may not"),
        ("closed", "guest", "permission denied"),
        ("absent", "postgres", "does not exist"),
        ("postgres", "nobody", "does not exist"),
    ] {
        let reason = refused(database, user).await;
        assert!(reason.contains(told), "{database} {user}: {reason}");
    }
}

/// Behind many that wait for a row, one more is refused; and the store ends although some still wait.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn more_than_the_queue_holds_is_refused_and_the_store_ends_all_the_same() {
    let fixture = fixture().await;
    fixture.active(1).await;
    let other = session(&fixture).await;
    other
        .batch_execute("BEGIN; SELECT 1 FROM grants FOR UPDATE")
        .await
        .unwrap();
    let mut waiting: Vec<_> = (0..20_000)
        .map(|_| Box::pin(fixture.store.end(grant_id(1), EndReason::ByPerson, NOW)))
        .collect();
    let full = waiting.iter_mut().any(|end| {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match end.as_mut().poll(&mut context) {
            std::task::Poll::Ready(answer) => is_unavailable(&answer),
            std::task::Poll::Pending => false,
        }
    });
    assert!(full);
    drop(waiting);
    drop(fixture.store);
    other.batch_execute("ROLLBACK").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_failed_commit_gives_the_feed_a_new_name() {
    let (mut cluster, fixture) = alone("renamed", &[]).await;
    let revoke = |serial: u8| fixture.store.revoke_token([serial; 16], NOW.after(DAY), NOW);
    revoke(1).await.unwrap();
    cluster.kill().unwrap();
    assert!(is_unavailable(&revoke(2).await));
    cluster.resume().unwrap();
    revoke(3).await.unwrap();
    let changes = fixture.store.changes(NOW).await.unwrap();
    assert_eq!(changes.iter().map(|change| change.number).collect::<Vec<_>>(), [1, 1]);
    assert_ne!(changes[0].node, changes[1].node);
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

/// The database itself says how many updates left the indexes alone. Another test's open transaction would keep old rows.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn redemptions_and_rotations_touch_no_index() {
    const GRANTS: u128 = 400;
    let (_cluster, fixture) = alone("hot", &[]).await;
    join_all((0..GRANTS).map(|id| fixture.pending(id))).await;
    // Ten at a time, from pages of their own, as chance would have it in a larger table.
    let some = |first: u128| (0..10).map(move |n| first + 40 * n);
    for first in 0..GRANTS / 10 {
        let redeemed = join_all(some(first).map(|id| fixture.redeem(redeem(id)))).await;
        assert!(redeemed.into_iter().all(|redeemed| redeemed.unwrap().is_some()));
    }
    for generation in 1..=4 {
        for first in 0..GRANTS / 10 {
            let rotated = join_all(some(first).map(|id| fixture.rotate(rotate(id, generation)))).await;
            assert!(rotated.into_iter().all(|rotated| rotated.unwrap().changed));
        }
    }
    let other = session(&fixture).await;
    // A session tells what it counted when it ends.
    let Fixture {
        store,
        database: _database,
    } = fixture;
    drop(store);
    let counted = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'grants'";
    for _ in 0..1000 {
        let row = other.query_one(counted, &[]).await.unwrap();
        let (updates, hot): (i64, i64) = (row.get(0), row.get(1));
        if updates >= 5 * i64::try_from(GRANTS).unwrap() {
            return assert!(hot * 100 >= updates * 95, "{hot} of {updates}");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the updates are never counted");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn no_index_names_a_column_that_a_rotation_changes() {
    let fixture = fixture().await;
    let columns = fixture.sql(
        "SELECT string_agg(a.attname, ' ' ORDER BY a.attname) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid \
         AND a.attnum = ANY(i.indkey) WHERE i.indrelid = 'grants'::regclass AND i.indpred IS NULL AND i.indexprs IS NULL",
    );
    assert_eq!(columns, "app_id app_id check_at id id user_id");
    let room = fixture.sql("SELECT array_to_string(reloptions, ' ') FROM pg_class WHERE oid = 'grants'::regclass");
    assert_eq!(room, "fillfactor=85");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn every_statement_can_be_prepared() {
    let fixture = fixture().await;
    for sql in statements().into_iter().chain(statements_of_postgres()) {
        fixture.sql(&format!("PREPARE one AS {sql}; DEALLOCATE one"));
    }
}

/// A prepared statement is soon planned without its parameters; then PostgreSQL counts on a third of all rows where a moment is
/// compared. Only an operator's lists may read all grants.
#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn no_statement_of_a_request_reads_all_grants_once_it_is_planned_for_good() {
    let fixture = fixture().await;
    fixture.sql(
        "INSERT INTO grants (id, app_id, user_id, organization_id, state, scopes, salt, proof_key, generation, confirmed, \
         rotated_at, created, code_expires, check_at) SELECT decode(lpad(to_hex(n), 32, '0'), 'hex'), \
         decode(lpad(to_hex(n / 1000), 32, '0'), 'hex'), decode(lpad(to_hex(n % 2000), 32, '0'), 'hex'), '', 1, '', '', 1, 1, 1, \
         n, n, n, n FROM generate_series(1, 10000) AS n; ANALYZE grants",
    );
    let mut reading = Vec::new();
    for sql in statements().into_iter().chain(statements_of_postgres()) {
        let params = (1..=30).filter(|n| sql.contains(&format!("${n}"))).map(|_| "NULL");
        let params: Vec<&str> = params.collect();
        let params = if params.is_empty() {
            String::new()
        } else {
            format!("({})", params.join(", "))
        };
        let plan = fixture.sql(&format!(
            "SET plan_cache_mode = force_generic_plan; PREPARE one AS {sql}; EXPLAIN EXECUTE one{params}; DEALLOCATE one"
        ));
        if plan.contains("Seq Scan on grants") {
            reading.push(sql);
        }
    }
    assert_eq!(reading, Vec::<String>::new());
}

/// A thousand memberships are few pages, which PostgreSQL would rather read as a whole for each batch of people.
#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn each_persons_memberships_are_looked_up_in_the_index() {
    let fixture = fixture().await;
    fixture.sql(
        "INSERT INTO users (id, number, email, name, admin, status, created) \
         SELECT decode(lpad(to_hex(n), 32, '0'), 'hex'), n, n::text, '', 0, 'active', 0 FROM generate_series(1, 1000) AS n; \
         INSERT INTO memberships (user_id, organization_id, role) SELECT id, '', 'member' FROM users; \
         ANALYZE users, memberships",
    );
    let plan = fixture.sql(&format!(
        "SET plan_cache_mode = force_generic_plan; PREPARE one AS {PEOPLE_ON_POSTGRES}; EXPLAIN EXECUTE one(NULL); DEALLOCATE one"
    ));
    assert!(!plan.contains("Seq Scan"), "{plan}");
}
