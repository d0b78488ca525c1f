//! The tables on PostgreSQL: the same migrations, recorded in the same table, all that is missing in one transaction.
//!
//! DDL is transactional here, so a migration that is interrupted at whatever statement was not made, and is run again. The
//! table of what was applied is locked in that transaction: of servers that start together one migrates, and the others
//! find it done. The messages are simple ones, which every pooler takes.

use super::connection::{PostgresConnection, QueryFailed, QueryResult};
use crate::store::engine::migrations::{Migration, known};
use crate::store::{Result, StoreError};

/// What is set on PostgreSQL's tables beside the first migration: room in each page, so that a rotation finds some on the page
/// of its row and no index has to be touched.
const FIRST: &str = "ALTER TABLE grants SET (fillfactor = 85);";

/// How often servers that start together may get into each other's way.
const ATTEMPTS: usize = 5;

/// Applies what is missing, or nothing. A newer server's migrations beside ours are fine. Where nothing is missing no DDL is
/// sent: the role that serves need not have the rights to it.
pub(super) async fn migrate(connection: &PostgresConnection) -> Result<()> {
    if not_applied(connection).await.map_err(refused)?.is_empty() {
        return Ok(());
    }
    let mut failed = None;
    for _ in 0..ATTEMPTS {
        match attempt(connection).await {
            Ok(()) => return Ok(()),
            Err(error) if connection.is_broken() => return Err(refused(error)),
            Err(error) => {
                connection.batch("ROLLBACK").await?;
                failed = Some(error);
            }
        }
    }
    Err(failed.map_or(StoreError::Conflict, refused))
}

async fn attempt(connection: &PostgresConnection) -> QueryResult<()> {
    connection.batch("BEGIN; SET LOCAL lock_timeout = '3s'").await?;
    connection.batch(HISTORY).await?;
    connection
        .batch("LOCK TABLE refinery_schema_history IN EXCLUSIVE MODE")
        .await?;
    for migration in missing(connection).await? {
        connection.batch(&statements(&migration)).await?;
    }
    connection.batch("COMMIT").await
}

/// The SQL of what is missing.
pub(super) async fn pending(connection: &PostgresConnection) -> Result<Vec<String>> {
    Ok(not_applied(connection).await?.iter().map(definitions).collect())
}

async fn not_applied(connection: &PostgresConnection) -> QueryResult<Vec<Migration>> {
    let started = connection
        .texts("SELECT to_regclass('refinery_schema_history')")
        .await?;
    match started.into_iter().flatten().next().flatten() {
        Some(_) => missing(connection).await,
        None => Ok(known()),
    }
}

async fn missing(connection: &PostgresConnection) -> QueryResult<Vec<Migration>> {
    let rows = connection.texts("SELECT version FROM refinery_schema_history").await?;
    let applied: Vec<String> = rows.into_iter().flatten().flatten().collect();
    let is_missing = |migration: &Migration| !applied.contains(&migration.version.to_string());
    Ok(known().into_iter().filter(is_missing).collect())
}

fn definitions(migration: &Migration) -> String {
    match migration.version {
        1 => format!("{}\n{FIRST}\n", migration.sql),
        _ => migration.sql.clone(),
    }
}

fn statements(migration: &Migration) -> String {
    let Migration {
        version,
        name,
        checksum,
        ..
    } = migration;
    let record = format!(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
         VALUES ({version}, '{name}', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '{checksum}');"
    );
    format!("{}\n{record}", definitions(migration))
}

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS refinery_schema_history \
     (version INT4 PRIMARY KEY, name VARCHAR(255), applied_on VARCHAR(255), checksum VARCHAR(255))";

/// Tables of another program, or rights that are missing, do not mend themselves.
fn refused(failed: QueryFailed) -> StoreError {
    match failed.error {
        StoreError::Unavailable(text) if text.ends_with("(42P07)") => {
            StoreError::Unfit(format!("it has tables that are not Hallpass's: {text}"))
        }
        StoreError::Unfit(text) => StoreError::Unfit(format!(
            "this role may not use its tables: grant it the rights, or run `hallpass migrate` as one that may: {text}"
        )),
        error => error,
    }
}
