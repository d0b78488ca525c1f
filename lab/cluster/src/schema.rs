//! A schema for each test, so that tests do not see each other's data. All are in one cluster per test process, which
//! starts with the first test that needs it and ends with the process.
//!
//! Hallpass's tables take 70 ms of PostgreSQL's CPU to create and 17 to drop. So a test can leave them to the next one: to
//! delete their rows takes a tenth of that. A database for each test would take longer, and a cluster a second.

use crate::session::Session;
use crate::{Cluster, Outcome, text};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The beginning of the names of these clusters' folders. The process id follows.
const FOLDER: &str = "hallpass-postgres-";
/// No data is needed after its test, so speed matters more than durability.
const SETTINGS: [&str; 5] = [
    "fsync=off",
    // It would come at a moment that no test chooses.
    "autovacuum=off",
    "full_page_writes=off",
    "max_connections=400",
    // A killed cluster would leave files in the system's shared memory; with this setting they are in its folder.
    "dynamic_shared_memory_type=mmap",
];

/// What Hallpass's migrations write into new tables.
const FIRST_ROWS: &str = "INSERT INTO settings (name, value) VALUES ('last_user_number', 0), ('app_names', 0)";
/// The beginnings of statements that may change tables, or how PostgreSQL reads them. Tables to which a test sends one are
/// not used again.
const CHANGES: [&str; 4] = ["CREATE ", "ALTER ", "DROP ", "ANALYZE "];

/// From this size on, in bytes, a table is truncated: its deleted rows would slow down the next test.
const LARGE: u32 = 256 * 1024;

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

/// A schema. When the value is dropped, the schema is deleted, or emptied for the next test.
pub struct Schema {
    name: String,
    url: String,
    /// Whether the next test may have it.
    reusable: AtomicBool,
}

struct Shared {
    cluster: Cluster,
    session: Session,
    /// How many names have been used.
    named: usize,
    /// Schemas with Hallpass's tables as its migrations make them.
    emptied: Vec<String>,
}

impl Schema {
    /// Creates a schema without tables.
    ///
    /// # Errors
    /// If PostgreSQL does not start.
    pub fn new() -> Outcome<Self> {
        with_shared(|shared| Self::made(shared, false))
    }

    /// A schema without tables, or with Hallpass's tables as its migrations make them.
    ///
    /// # Errors
    /// If PostgreSQL does not start.
    pub fn reusable() -> Outcome<Self> {
        with_shared(|shared| match shared.emptied.pop() {
            Some(name) => Ok(Self::named(name, shared, true)),
            None => Self::made(shared, true),
        })
    }

    fn made(shared: &mut Shared, reusable: bool) -> Outcome<Self> {
        let name = shared.next_name();
        shared.session.run(&format!("CREATE SCHEMA {name};"))?;
        Ok(Self::named(name, shared, reusable))
    }

    fn named(name: String, shared: &Shared, reusable: bool) -> Self {
        let url = format!("{}?options=-csearch_path%3D{name}", shared.cluster.url("postgres"));
        let reusable = AtomicBool::new(reusable);
        Self { name, url, reusable }
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
        if CHANGES.iter().any(|change| statements.contains(change)) {
            self.reusable.store(false, Ordering::SeqCst);
        }
        run(&format!("SET LOCAL search_path = {};\n{statements};", self.name))
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let is_emptied = self.reusable.load(Ordering::SeqCst) && with_shared(|shared| shared.empty(&self.name)).is_ok();
        if !is_emptied {
            // If a lock prevents this, the schema stays until the cluster ends.
            drop(run(&format!(
                "SET LOCAL lock_timeout = '1s'; DROP SCHEMA {} CASCADE;",
                self.name
            )));
        }
    }
}

impl Shared {
    fn next_name(&mut self) -> String {
        self.named += 1;
        format!("test_{}", self.named)
    }

    /// Empties a schema. It gets a new name, so a server that still ends finds no tables, and the locks wait for what it
    /// has begun.
    fn empty(&mut self, name: &str) -> Outcome {
        let new = self.next_name();
        self.session.run(&format!(
            "SET LOCAL lock_timeout = '1s'; ALTER SCHEMA {name} RENAME TO {new}; SET LOCAL search_path = {new};
             DO $$ DECLARE one text; BEGIN
             FOR one IN SELECT tablename FROM pg_tables
                 WHERE schemaname = '{new}' AND tablename <> 'refinery_schema_history' ORDER BY tablename LOOP
                 EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', one);
                 IF pg_relation_size(one::regclass) > {LARGE} THEN EXECUTE format('TRUNCATE %I', one);
                 ELSE EXECUTE format('DELETE FROM %I', one);
                 END IF;
             END LOOP; END $$;
             {FIRST_ROWS};"
        ))?;
        self.emptied.push(new);
        Ok(())
    }
}

fn run(statements: &str) -> Outcome<String> {
    with_shared(|shared| shared.session.run(statements))
}

fn with_shared<T>(act: impl FnOnce(&mut Shared) -> Outcome<T>) -> Outcome<T> {
    let mut guard = shared()?;
    act(guard.as_mut().ok_or("the cluster was just started")?)
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
            named: 0,
            emptied: Vec::new(),
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
