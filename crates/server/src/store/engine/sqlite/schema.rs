//! The tables, brought to what this version needs by migrations that only add.

use super::connection::SqliteConnection;
use crate::store::engine::migrations::{embedded, known};
use crate::store::error::unavailable;
use crate::store::{Result, StoreError};

/// Applies what is missing, all of it in one transaction. A newer server's migrations beside ours are fine.
pub(crate) fn migrate(connection: &mut SqliteConnection) -> Result<()> {
    let runner = embedded::migrations::runner()
        .set_grouped(true)
        .set_abort_missing(false);
    runner.run(&mut connection.raw).map_err(refused)?;
    Ok(())
}

/// The SQL of what is missing.
pub(crate) fn pending(connection: &mut SqliteConnection) -> Result<Vec<String>> {
    let runner = embedded::migrations::runner();
    let started = !connection.query(HISTORY, &[])?.is_empty();
    let applied = match started {
        true => runner
            .get_applied_migrations(&mut connection.raw)
            .map_err(unavailable)?,
        false => vec![],
    };
    let missing = |version: u32| applied.iter().all(|known| known.version().unsigned_abs() != version);
    let pending = known().into_iter().filter(|migration| missing(migration.version));
    Ok(pending.map(|migration| migration.sql).collect())
}

/// A database that is away or locked may work later; one with other tables than ours will not.
fn refused(error: refinery::Error) -> StoreError {
    match error.kind() {
        refinery::error::Kind::Connection(..) => unavailable(error),
        _ => StoreError::Unfit(error.to_string()),
    }
}

const HISTORY: &str = "SELECT name FROM sqlite_master WHERE name = 'refinery_schema_history'";
