//! What is PostgreSQL's alone: a server that goes and comes back, other sessions, its settings and rights.
//!
//! Other sessions are real ones, and what the store does meanwhile is seen in the server's own tables: no test waits a
//! while and hopes.

use super::failures::is_unavailable;
use super::*;
use hallpass_cluster::{Cluster, folder_of_test};
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
    for (generation, crash) in [(1, true), (2, false)] {
        match crash {
            true => cluster.kill().unwrap(),
            false => cluster.stop().unwrap(),
        }
        fixture.store.touch(grant_id(1), generation, NOW.after(DAY));
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
    let used = fixture.store.grant(grant_id(1)).await.unwrap().unwrap().last_used;
    assert_eq!(
        used,
        Some(NOW.after(DAY)),
        "the use that could not be written is not lost"
    );
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

/// It waits as long as the store's patience lasts.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_row_that_somebody_keeps_locked_is_unavailable_and_no_other() {
    let fixture = fixture().await;
    fixture.active(1).await;
    fixture.active(2).await;
    let other = session(&fixture).await;
    other
        .batch_execute("BEGIN; SELECT 1 FROM grants ORDER BY id LIMIT 1 FOR UPDATE")
        .await
        .unwrap();
    let late = fixture.rotate(rotate(1, 1)).await;
    assert!(is_unavailable(&late), "{late:?}");
    assert_eq!(fixture.store.grant(grant_id(1)).await.unwrap().unwrap().generation, 1);
    assert!(fixture.rotate(rotate(2, 1)).await.unwrap().changed);
    other.batch_execute("ROLLBACK").await.unwrap();
    // Nobody knows what became of the one that was given up.
    let generation = fixture.store.grant(grant_id(1)).await.unwrap().unwrap().generation;
    let again = fixture.rotate(rotate(1, generation)).await.unwrap();
    assert_eq!(again.grant.previous, Some(again.grant.generation - 1));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_deadlock_with_another_session_is_tried_again() {
    let fixture = fixture().await;
    fixture.active(1).await;
    fixture.active(2).await;
    let other = session(&fixture).await;
    let lock = |id: u128| {
        format!(
            "SELECT 1 FROM grants WHERE id = {} FOR UPDATE",
            fixture.database.bytes(uuid(id).as_bytes())
        )
    };
    // Patient, so that the store is the one that is undone.
    let holds = format!("SET deadlock_timeout = '1min'; BEGIN; {}", lock(2));
    other.batch_execute(&holds).await.unwrap();
    let watching = session(&fixture).await;
    let both = async {
        wait_for(&watching, "Lock:%").await;
        other.batch_execute(&lock(1)).await.unwrap();
        other.batch_execute("COMMIT").await.unwrap();
    };
    let (first, second, ()) = tokio::join!(fixture.rotate(rotate(1, 1)), fixture.rotate(rotate(2, 1)), both);
    assert!(first.unwrap().changed && second.unwrap().changed);
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
