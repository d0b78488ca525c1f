//! A schema for each test, so that tests do not see each other's data. All are in one cluster per test process, which
//! starts with the first test that needs it and ends with the process.
//!
//! A schema takes two milliseconds and its tables twenty. A database for each test would take one and a half times as long,
//! a cluster a second.

use crate::session::Session;
use crate::{Cluster, Outcome, text};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The beginning of the names of these clusters' folders. The process id follows.
const FOLDER: &str = "hallpass-postgres-";
/// No data is needed after its test, so speed matters more than durability.
const SETTINGS: [&str; 4] = [
    "fsync=off",
    "full_page_writes=off",
    "max_connections=400",
    // A killed cluster would leave files in the system's shared memory; with this setting they are in its folder.
    "dynamic_shared_memory_type=mmap",
];

static SHARED: Mutex<Option<Shared>> = Mutex::new(None);

/// Whether tests run on PostgreSQL, as `HALLPASS_TEST_DATABASE` says.
#[must_use]
pub fn tests_run_on_postgres() -> bool {
    match std::env::var("HALLPASS_TEST_DATABASE").as_deref() {
        Err(_) | Ok("" | "sqlite") => false,
        Ok(_) => true,
    }
}

/// The folder of a cluster for a single test. No other test of this process may use the same name. Folders of killed runs
/// are removed with the others.
#[must_use]
pub fn folder_of_test(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("{FOLDER}{}-{name}", std::process::id()))
}

/// A schema, which is deleted when the value is dropped.
pub struct Schema {
    name: String,
    url: String,
}

struct Shared {
    cluster: Cluster,
    session: Session,
    made: usize,
}

impl Schema {
    /// Creates an empty schema.
    ///
    /// # Errors
    /// If PostgreSQL does not start.
    pub fn new() -> Outcome<Self> {
        let mut guard = shared()?;
        let shared = guard.as_mut().ok_or("the cluster was just started")?;
        shared.made += 1;
        let name = format!("test_{}", shared.made);
        shared.session.run(&format!("CREATE SCHEMA {name};"))?;
        let url = format!("{}?options=-csearch_path%3D{name}", shared.cluster.url("postgres"));
        Ok(Self { name, url })
    }

    /// Creates another schema with the same tables and rows.
    ///
    /// # Errors
    /// If the copy fails.
    pub fn copied(&self) -> Outcome<Self> {
        let copy = Self::new()?;
        let (from, to) = (&self.name, &copy.name);
        run(&format!(
            "DO $$ DECLARE one text; BEGIN
             FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = '{from}' LOOP
                 EXECUTE format('CREATE TABLE {to}.%I (LIKE {from}.%I INCLUDING ALL)', one, one);
                 EXECUTE format('INSERT INTO {to}.%I SELECT * FROM {from}.%I', one, one);
             END LOOP; END $$;"
        ))?;
        Ok(copy)
    }

    /// The URL of the database, with this schema as the only search path.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The name of the schema.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs statements in the schema as one transaction. Returns rows as lines, with columns between `|`.
    ///
    /// # Errors
    /// The error of PostgreSQL.
    pub fn sql(&self, statements: &str) -> Outcome<String> {
        run(&format!("SET LOCAL search_path = {};\n{statements};", self.name))
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        // If a lock prevents this, the schema stays until the cluster ends.
        drop(run(&format!(
            "SET LOCAL lock_timeout = '1s'; DROP SCHEMA {} CASCADE;",
            self.name
        )));
    }
}

fn run(statements: &str) -> Outcome<String> {
    let mut guard = shared()?;
    let shared = guard.as_mut().ok_or("the cluster was just started")?;
    shared.session.run(statements)
}

/// The running cluster of this process.
fn shared() -> Outcome<MutexGuard<'static, Option<Shared>>> {
    let mut guard = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if guard.is_none() {
        let temporary = std::env::temp_dir();
        remove_leftovers(&temporary)?;
        let folder = temporary.join(format!("{FOLDER}{}", std::process::id()));
        let cluster = Cluster::start(&folder, &SETTINGS)?;
        let session = Session::open(&cluster.url("postgres"))?;
        *guard = Some(Shared {
            cluster,
            session,
            made: 0,
        });
    }
    Ok(guard)
}

/// Removes the folders of test processes that no longer run.
fn remove_leftovers(temporary: &Path) -> Outcome {
    for entry in fs::read_dir(temporary).map_err(text)?.flatten() {
        let name = entry.file_name();
        let process = name
            .to_str()
            .and_then(|name| name.strip_prefix(FOLDER)?.split('-').next());
        if process.is_some_and(|id| !Path::new("/proc").join(id).exists()) {
            // Folders of other users cannot be removed, and stay.
            drop(fs::remove_dir_all(entry.path()));
        }
    }
    Ok(())
}
