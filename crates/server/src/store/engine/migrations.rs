//! The migrations as they are embedded, which both engines run. They only add.

pub(super) mod embedded {
    refinery::embed_migrations!("migrations");
}

/// A migration as it is embedded.
#[derive(Clone)]
pub(crate) struct Migration {
    pub(crate) version: u32,
    pub(crate) name: String,
    pub(crate) checksum: u64,
    pub(crate) sql: String,
}

/// All migrations, the oldest first.
pub(crate) fn known() -> Vec<Migration> {
    let runner = embedded::migrations::runner();
    let migrations = runner.get_migrations().iter().map(|migration| Migration {
        version: migration.version().unsigned_abs(),
        name: migration.name().to_owned(),
        checksum: migration.checksum(),
        sql: migration.sql().unwrap_or_default().to_owned(),
    });
    let mut migrations: Vec<Migration> = migrations.collect();
    // They are embedded in the order of their file names, where V10 comes before V2.
    migrations.sort_by_key(|migration| migration.version);
    migrations
}

/// The SQL of all migrations, the oldest first.
pub(crate) fn all() -> Vec<String> {
    known().into_iter().map(|migration| migration.sql).collect()
}
