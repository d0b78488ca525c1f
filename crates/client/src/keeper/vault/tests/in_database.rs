//! A vault in PostgreSQL.

use super::*;

/// A VACUUM or a transaction that writes holds a lock that an index waits for, also one that is there already.
#[tokio::test]
async fn a_database_in_which_others_write_opens() {
    if !hallpass_cluster::tests_run_on_postgres() {
        return;
    }
    let schema = hallpass_cluster::Schema::new().unwrap();
    drop(PostgresVault::connect(schema.url(), None).await.unwrap());
    let (client, connection) = tokio_postgres::connect(schema.url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let write =
        "BEGIN; LOCK TABLE keeper_connections, keeper_events, keeper_sign_ins, keeper_vault IN ROW EXCLUSIVE MODE";
    client.batch_execute(write).await.unwrap();
    let vault = PostgresVault::connect(schema.url(), None).await.unwrap();
    vault.put(put("a/1", 50)).await.unwrap();
}
