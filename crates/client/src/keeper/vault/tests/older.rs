//! Vaults that an older keeper made go on.

use super::*;

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_file_that_counted_no_tries_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    let vault = SqliteVault::open(&path).unwrap();
    let told = Put {
        event: Some(event("paused", 1)),
        ..put("a/1", 50)
    };
    vault.put(told).await.unwrap();
    drop(vault);
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch("ALTER TABLE keeper_events DROP COLUMN tries")
        .unwrap();
    drop(other);
    let vault = SqliteVault::open(&path).unwrap();
    let found = vault.next_event(LONG).await.unwrap().unwrap();
    assert_eq!((found.event, found.tries), (event("paused", 1), 0));
    assert!(vault.event_failed(&found.id, LONG).await.unwrap());
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn a_database_that_counted_no_tries_goes_on() {
    if !hallpass_cluster::tests_run_on_postgres() {
        return;
    }
    let schema = hallpass_cluster::Schema::new().unwrap();
    let vault = PostgresVault::connect(schema.url(), None).await.unwrap();
    let told = Put {
        event: Some(event("paused", 1)),
        ..put("a/1", 50)
    };
    vault.put(told).await.unwrap();
    drop(vault);
    let (client, connection) = tokio_postgres::connect(schema.url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let older = "ALTER TABLE keeper_events DROP COLUMN tries";
    client.batch_execute(older).await.unwrap();
    for tries in 0..2 {
        let vault = PostgresVault::connect(schema.url(), None).await.unwrap();
        let found = vault.next_event(Duration::ZERO).await.unwrap().unwrap();
        assert_eq!((found.event, found.tries), (event("paused", 1), tries));
        assert!(vault.event_failed(&found.id, Duration::ZERO).await.unwrap());
    }
}
