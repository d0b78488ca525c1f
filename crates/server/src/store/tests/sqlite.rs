//! What is SQLite's alone: its locks, its file, its settings.

use super::failures::is_unavailable;
use super::schema::statements;
use super::*;
use crate::store::engine::writer::work::Work;
use rusqlite::Connection;
use std::os::unix::fs::PermissionsExt as _;
use tempfile::TempDir;

/// On SQLite, whatever the others run on.
async fn fixture() -> Fixture {
    Fixture::on(Database::sqlite()).await
}

/// A second connection, such as an operator's.
fn other(fixture: &Fixture) -> Connection {
    Connection::open(fixture.database.file()).unwrap()
}

#[tokio::test]
async fn a_locked_database_is_unavailable_until_it_is_not() {
    let fixture = fixture().await;
    fixture.active(1).await;
    let other = other(&fixture);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    fixture.store.touch(grant_id(1), 1, NOW.after(DAY));
    assert!(is_unavailable(&fixture.rotate(rotate(1, 1)).await));
    assert!(is_unavailable(&fixture.store.flush().await));
    let read = fixture.store.grant(grant_id(1)).await.unwrap().unwrap();
    assert_eq!(read.generation, 1, "reading goes on, and nothing was written");
    other.execute_batch("ROLLBACK").unwrap();
    assert!(fixture.rotate(rotate(1, 1)).await.unwrap().changed);
    fixture.store.flush().await.unwrap();
    let used = fixture.store.grant(grant_id(1)).await.unwrap().unwrap().last_used;
    assert_eq!(
        used,
        Some(NOW.after(DAY)),
        "the use that could not be written is not lost"
    );
}

#[tokio::test]
async fn an_absent_database_is_unavailable_until_it_is_back() {
    let fixture = fixture().await;
    fixture.active(1).await;
    let (path, elsewhere) = (
        fixture.database.file(),
        fixture.database.file().with_extension("elsewhere"),
    );
    std::fs::rename(path, &elsewhere).unwrap();
    assert!(is_unavailable(&fixture.rotate(rotate(1, 1)).await));
    assert!(!path.exists(), "no empty one is made in its place");
    std::fs::write(path, "").unwrap();
    assert!(is_unavailable(&fixture.rotate(rotate(1, 1)).await), "another file");
    std::fs::rename(&elsewhere, path).unwrap();
    let read = fixture.store.grant(grant_id(1)).await.unwrap().unwrap();
    assert_eq!(read.generation, 1, "nothing was written");
    assert!(fixture.rotate(rotate(1, 1)).await.unwrap().changed);
    let fixture = fixture.restarted().await;
    let read = fixture.store.grant(grant_id(1)).await.unwrap().unwrap();
    assert_eq!(read.generation, 2, "and what was acknowledged is there");
}

#[tokio::test]
async fn a_full_disk_is_unavailable_and_acknowledges_nothing() {
    let fixture = fixture().await;
    fixture.active(1).await;
    let other = other(&fixture);
    let limit = |pages: &str| {
        let work = Work::Pragma(format!("PRAGMA max_page_count = {pages}"));
        fixture.store.change(work)
    };
    limit("1").await.unwrap();
    let mut id = 2;
    // Until the pages that are there are full.
    while fixture.store.insert_grant(new_grant(id)).await.is_ok() {
        id += 1;
        assert!(id < 1000, "a limit of pages stops inserts");
    }
    let failed = fixture.store.insert_grant(new_grant(id)).await;
    assert!(is_unavailable(&failed), "{failed:?}");
    assert_eq!(fixture.store.grant(grant_id(id)).await.unwrap(), None);
    let count: u128 = other
        .query_row("SELECT COUNT(*) FROM grants", [], |row| row.get::<_, i64>(0))
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(count, id - 1, "what was acknowledged is there, and nothing else");
    limit("1000000").await.unwrap();
    fixture.pending(id).await;
}

#[tokio::test]
async fn more_than_the_queue_holds_is_refused() {
    let fixture = fixture().await;
    let other = other(&fixture);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let waiting: Vec<_> = (0..20_000)
        .map(|id| fixture.store.insert_grant(new_grant(id)))
        .collect();
    let mut waiting: Vec<_> = waiting.into_iter().map(Box::pin).collect();
    let full = waiting.iter_mut().any(|insert| {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::future::Future::poll(insert.as_mut(), &mut context) {
            std::task::Poll::Ready(answer) => is_unavailable(&answer),
            std::task::Poll::Pending => false,
        }
    });
    assert!(full);
    drop(waiting);
    other.execute_batch("ROLLBACK").unwrap();
}

#[tokio::test]
async fn the_store_ends_while_the_database_is_locked() {
    let fixture = fixture().await;
    fixture.active(1).await;
    fixture.store.touch(grant_id(1), 1, NOW.after(DAY));
    let other = other(&fixture);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    drop(fixture.store);
    other.execute_batch("ROLLBACK").unwrap();
}

#[tokio::test]
async fn a_failed_commit_gives_the_feed_a_new_name() {
    let fixture = fixture().await;
    fixture.store.revoke_token([1; 16], NOW.after(DAY), NOW).await.unwrap();
    let other = other(&fixture);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(is_unavailable(
        &fixture.store.revoke_token([2; 16], NOW.after(DAY), NOW).await
    ));
    other.execute_batch("ROLLBACK").unwrap();
    fixture.store.revoke_token([3; 16], NOW.after(DAY), NOW).await.unwrap();
    let changes = fixture.store.changes(NOW).await.unwrap();
    assert_eq!(changes.iter().map(|change| change.number).collect::<Vec<_>>(), [1, 1]);
    assert_ne!(changes[0].node, changes[1].node);
}

#[test]
fn what_is_no_database_is_not_opened() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("hallpass.db");
    std::fs::write(&path, "Dear diary, ".repeat(1000)).unwrap();
    let diary = Store::open_sqlite(&path, 1).err();
    assert!(matches!(diary, Some(StoreError::Unfit(_))), "{diary:?}");
    let absent = Store::open_sqlite(&folder.path().join("absent/hallpass.db"), 1).err();
    assert!(matches!(absent, Some(StoreError::Unavailable(_))), "{absent:?}");
}

#[tokio::test]
async fn the_database_is_durable() {
    let fixture = fixture().await;
    let mode: String = other(&fixture)
        .query_row("PRAGMA journal_mode", [], |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
    let writer = crate::store::engine::sqlite::connection::SqliteConnection::writer(fixture.database.file()).unwrap();
    let number = |pragma: &str| -> i64 {
        writer
            .raw
            .query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!((number("synchronous"), number("wal_autocheckpoint")), (2, 16_000));
}

#[tokio::test]
async fn a_database_and_the_files_beside_it_are_their_owners_only() {
    let fixture = fixture().await;
    for entry in std::fs::read_dir(fixture.database.file().parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
}
#[tokio::test]
async fn no_index_names_a_column_that_a_rotation_changes() {
    let fixture = fixture().await;
    let other = other(&fixture);
    let mut indexes = other
        .prepare("SELECT i.name, c.name FROM pragma_index_list('grants') AS i, pragma_index_info(i.name) AS c")
        .unwrap();
    let columns = indexes.query_map([], |row| row.get::<_, String>(1)).unwrap();
    let mut columns: Vec<String> = columns.map(Result::unwrap).collect();
    columns.sort();
    let expected = [
        "app_id",
        "app_id",
        "check_at",
        "id",
        "id",
        "id",
        "organization_id",
        "user_id",
    ];
    assert_eq!(columns, expected);
}

#[tokio::test]
async fn every_statement_can_be_prepared_and_numbers_its_parameters_by_first_appearance() {
    let fixture = fixture().await;
    let other = other(&fixture);
    let statements = statements();
    assert!(statements.len() > 60, "{} statements found", statements.len());
    for sql in &statements {
        let prepared = other.prepare(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
        for place in 1..=prepared.parameter_count() {
            assert_eq!(
                prepared.parameter_name(place),
                Some(format!("${place}").as_str()),
                "{sql}"
            );
        }
    }
}
