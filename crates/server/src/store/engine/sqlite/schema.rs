//! The tables, brought to what this version needs by migrations that only add.

use super::connection::{Connection, unavailable};
use crate::store::{Result, StoreError};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Applies what is missing, all of it in one transaction. A newer server's migrations beside ours are fine.
pub(in crate::store) fn migrate(connection: &mut Connection) -> Result<()> {
    let runner = embedded::migrations::runner()
        .set_grouped(true)
        .set_abort_missing(false);
    runner.run(&mut connection.raw).map_err(refused)?;
    Ok(())
}

/// The SQL of what is missing.
pub(in crate::store) fn pending(connection: &mut Connection) -> Result<Vec<String>> {
    let runner = embedded::migrations::runner();
    let started = !connection.query(HISTORY, &[])?.is_empty();
    let applied = match started {
        true => runner
            .get_applied_migrations(&mut connection.raw)
            .map_err(unavailable)?,
        false => vec![],
    };
    let missing = |version| applied.iter().all(|known| known.version() != version);
    let pending = runner
        .get_migrations()
        .iter()
        .filter(|migration| missing(migration.version()));
    Ok(pending
        .filter_map(|migration| migration.sql().map(str::to_owned))
        .collect())
}

/// A migration as it is embedded.
#[derive(Clone)]
pub(in crate::store) struct Migration {
    pub(in crate::store) version: u32,
    pub(in crate::store) name: String,
    pub(in crate::store) checksum: u64,
    pub(in crate::store) sql: String,
}

/// All migrations, the oldest first.
pub(in crate::store) fn known() -> Vec<Migration> {
    let runner = embedded::migrations::runner();
    let migrations = runner.get_migrations().iter().map(|migration| Migration {
        version: migration.version().unsigned_abs(),
        name: migration.name().to_owned(),
        checksum: migration.checksum(),
        sql: migration.sql().unwrap_or_default().to_owned(),
    });
    migrations.collect()
}

/// The SQL of all migrations, the oldest first.
pub(in crate::store) fn all() -> Vec<String> {
    known().into_iter().map(|migration| migration.sql).collect()
}

/// A database that is away or locked may work later; one with other tables than ours will not.
fn refused(error: refinery::Error) -> StoreError {
    match error.kind() {
        refinery::error::Kind::Connection(..) => unavailable(error),
        _ => StoreError::Unfit(error.to_string()),
    }
}

const HISTORY: &str = "SELECT name FROM sqlite_master WHERE name = 'refinery_schema_history'";
