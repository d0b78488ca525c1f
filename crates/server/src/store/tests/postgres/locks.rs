//! Rows that another session keeps locked.

use super::*;
use crate::store::engine::writer::work::Work;
use crate::store::tests::failures::is_unavailable;
use futures_util::future::join_all;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_server_that_is_suspended_in_the_middle_keeps_its_locks_for_seconds() {
    let fixture = with_new_tables().await;
    let probe = "CREATE TABLE probe AS SELECT current_setting('idle_in_transaction_session_timeout')";
    fixture.store.change(Work::Pragma(probe.to_owned())).await.unwrap();
    assert_eq!(fixture.sql("SELECT * FROM probe"), "5s");
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
