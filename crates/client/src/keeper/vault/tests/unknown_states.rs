//! A state that a later version wrote disables its row, and nothing else.

use super::*;

const LATER: &str = "UPDATE keeper_connections SET state = 'later' WHERE reference = '1'";

async fn put_all(vault: &dyn Vault) {
    for (number, state) in [State::Ready, State::Ready, State::Paused, State::NeedsUser]
        .into_iter()
        .enumerate()
    {
        let put = Put {
            summary: summary(state, None),
            ..put(&format!("a/{}", number + 1), 50)
        };
        vault.put(put).await.unwrap();
    }
}

async fn the_others_are_claimed_and_listed(vault: &dyn Vault) {
    let names = |rows: Vec<Row>| {
        let mut names: Vec<String> = rows.iter().map(|row| row.connection.to_string()).collect();
        names.sort();
        names
    };
    let others = ["a/2", "a/3", "a/4"];
    let wanted = ["a".to_owned()].into();
    assert_eq!(names(vault.list(None, None, 3).await.unwrap()), others);
    assert_eq!(names(vault.list(Some(&wanted), None, 3).await.unwrap()), others);
    assert_eq!(names(vault.claim("a", 100, 3, lease(1, LONG)).await.unwrap()), others);
    for _ in 0..2 {
        let refused = vault.take(&name("a/1"), lease(2, LONG)).await;
        assert!(matches!(refused, Err(VaultError::UnknownState(_))), "{refused:?}");
    }
}

/// A person deletes it, or puts new tokens in its place.
async fn it_is_counted_and_removed(vault: &dyn Vault) {
    assert_eq!(vault.count_unknown().await.unwrap(), 1);
    assert!(!vault.remove_unknown(&name("a/2")).await.unwrap(), "its state is known");
    assert!(vault.remove_unknown(&name("a/1")).await.unwrap());
    assert!(!vault.remove_unknown(&name("a/1")).await.unwrap());
    assert_eq!(vault.count_unknown().await.unwrap(), 0);
    assert_eq!(vault.list(None, None, 9).await.unwrap().len(), 3);
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_row_of_a_file_with_an_unknown_state_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    let vault = SqliteVault::open(&path).unwrap();
    put_all(&vault).await;
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch(LATER).unwrap();
    the_others_are_claimed_and_listed(&vault).await;
    let left: (i64, Option<i64>) = other
        .query_row(
            "SELECT fence, asked_at FROM keeper_connections WHERE reference = '1'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(left, (1, None), "nobody asked, and nobody wrote so");
    it_is_counted_and_removed(&vault).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn a_row_of_a_database_with_an_unknown_state_stops_no_other() {
    if !hallpass_cluster::tests_run_on_postgres() {
        return;
    }
    let schema = hallpass_cluster::Schema::new().unwrap();
    let vault = PostgresVault::connect(schema.url(), None).await.unwrap();
    put_all(&vault).await;
    let (client, connection) = tokio_postgres::connect(schema.url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client.batch_execute(LATER).await.unwrap();
    the_others_are_claimed_and_listed(&vault).await;
    let row = client
        .query_one(
            "SELECT fence, asked_at FROM keeper_connections WHERE reference = '1'",
            &[],
        )
        .await
        .unwrap();
    let left: (i64, Option<i64>) = (row.get(0), row.get(1));
    assert_eq!(left, (1, None), "nobody asked, and nobody wrote so");
    it_is_counted_and_removed(&vault).await;
}
