//! A server that goes, comes back, or does not keep what it was told.

use super::*;
use crate::store::tests::failures::is_unavailable;
use futures_util::future::join_all;

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
