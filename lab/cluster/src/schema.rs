//! A schema for a test of its own, so that no test sees another: in one cluster for each test process, which starts when
//! the first test asks for it and ends with the process.
//!
//! A schema costs two milliseconds and its tables twenty; a database for each test would cost half as much again, a cluster
//! a second.

use crate::session::Session;
use crate::{Cluster, Outcome, text};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the folders of these clusters begin with, before the number of the process.
const FOLDER: &str = "hallpass-postgres-";
/// Nothing here outlives its test, and nobody asks how fast the disk is.
const SETTINGS: [&str; 4] = [
    "fsync=off",
    "full_page_writes=off",
    "max_connections=400",
    // A killed cluster leaves files behind where the system keeps shared memory; these lie in its folder.
    "dynamic_shared_memory_type=mmap",
];

static SHARED: Mutex<Option<Shared>> = Mutex::new(None);

/// Whether tests run on PostgreSQL: where `HALLPASS_TEST_DATABASE` says so.
#[must_use]
pub fn tests_run_on_postgres() -> bool {
    match std::env::var("HALLPASS_TEST_DATABASE").as_deref() {
        Err(_) | Ok("" | "sqlite") => false,
        Ok(_) => true,
    }
}

/// Where a cluster that is one test's alone has its folder, by a name that no other test of this process uses; one of a killed
/// run is removed with the others.
#[must_use]
pub fn folder_of_test(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("{FOLDER}{}-{name}", std::process::id()))
}

/// A schema that is there until it is dropped.
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
    /// An empty one.
    ///
    /// # Errors
    /// Where PostgreSQL does not start.
    pub fn new() -> Outcome<Self> {
        let mut guard = shared()?;
        let shared = guard.as_mut().ok_or("the cluster was just started")?;
        shared.made += 1;
        let name = format!("test_{}", shared.made);
        shared.session.run(&format!("CREATE SCHEMA {name};"))?;
        let url = format!("{}?options=-csearch_path%3D{name}", shared.cluster.url("postgres"));
        Ok(Self { name, url })
    }

    /// Another with the same tables and rows.
    ///
    /// # Errors
    /// Where it cannot be made.
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

    /// The database with this schema as the only one that is searched.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs statements in it as one transaction; rows as lines, columns between `|`.
    ///
    /// # Errors
    /// What PostgreSQL says.
    pub fn sql(&self, statements: &str) -> Outcome<String> {
        run(&format!("SET LOCAL search_path = {};\n{statements};", self.name))
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        // Whoever still holds a lock in it keeps it: it goes with the cluster.
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

/// The cluster of this process, running.
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

/// Removes what test processes left behind that are no more.
fn remove_leftovers(temporary: &Path) -> Outcome {
    for entry in fs::read_dir(temporary).map_err(text)?.flatten() {
        let name = entry.file_name();
        let process = name
            .to_str()
            .and_then(|name| name.strip_prefix(FOLDER)?.split('-').next());
        if process.is_some_and(|id| !Path::new("/proc").join(id).exists()) {
            // Somebody else's stay.
            drop(fs::remove_dir_all(entry.path()));
        }
    }
    Ok(())
}
