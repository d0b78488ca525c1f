//! The tables and the statements on them.

use super::*;
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn migrations_are_pending_until_they_are_applied() {
    let folder = TempDir::new().unwrap();
    let store = Store::open_sqlite(&folder.path().join("hallpass.db"), 1).unwrap();
    let pending = store.pending_migrations().unwrap();
    assert!(pending[0].contains("CREATE TABLE grants"));
    store.migrate().unwrap();
    assert_eq!(store.pending_migrations().unwrap(), Vec::<String>::new());
    store.migrate().unwrap();
}

#[test]
fn an_older_server_starts_on_a_newer_servers_tables() {
    let fixture = Fixture::new();
    let newer = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
                 VALUES (999, 'later', '2026-11-23T10:00:00Z', '1')";
    fixture.other().execute_batch(newer).unwrap();
    fixture.store.migrate().unwrap();
    assert_eq!(fixture.store.pending_migrations().unwrap(), Vec::<String>::new());
}

#[test]
fn the_database_is_durable() {
    let fixture = Fixture::new();
    let mode: String = fixture
        .other()
        .query_row("PRAGMA journal_mode", [], |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
    let writer = crate::store::connection::Connection::writer(&fixture.path()).unwrap();
    let number = |pragma: &str| -> i64 {
        writer
            .raw
            .query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!((number("synchronous"), number("wal_autocheckpoint")), (2, 16_000));
}

#[test]
fn no_index_names_a_column_that_a_rotation_changes() {
    let fixture = Fixture::new();
    let other = fixture.other();
    let mut indexes = other
        .prepare("SELECT i.name, c.name FROM pragma_index_list('grants') AS i, pragma_index_info(i.name) AS c")
        .unwrap();
    let columns = indexes.query_map([], |row| row.get::<_, String>(1)).unwrap();
    let mut columns: Vec<String> = columns.map(Result::unwrap).collect();
    columns.sort();
    assert_eq!(columns, ["app_id", "app_id", "check_at", "id", "id", "user_id"]);
}

/// Every statement of every file, found in the text so that none is forgotten.
fn statements() -> Vec<String> {
    let sources = [
        include_str!("../apps.rs"),
        include_str!("../audit.rs"),
        include_str!("../changes.rs"),
        include_str!("../connections.rs"),
        include_str!("../declared.rs"),
        include_str!("../grants.rs"),
        include_str!("../keys.rs"),
        include_str!("../memberships.rs"),
        include_str!("../organizations.rs"),
        include_str!("../resources.rs"),
        include_str!("../sessions.rs"),
        include_str!("../settings.rs"),
        include_str!("../sweep.rs"),
        include_str!("../users.rs"),
    ];
    sources.iter().flat_map(|source| constants(source)).collect()
}

/// The texts of a file's constants; a macro's are its columns and then the constant's own.
fn constants(source: &str) -> Vec<String> {
    let literals = |text: &str| -> String {
        let text = text.replace("\\\n", "");
        let parts: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
        parts.concat().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let columns = source
        .split("macro_rules!")
        .nth(1)
        .and_then(|text| text.split("$rest\n").next());
    let columns = columns.map(literals).unwrap_or_default();
    let constants = source.split("const ").skip(1).filter_map(|text| {
        let (declaration, text) = text.split_once('=')?;
        let statement = text.split(";\n").next()?;
        let selected = if statement.contains("select_") {
            format!("{columns} ")
        } else {
            String::new()
        };
        declaration
            .contains("&str")
            .then(|| format!("{selected}{}", literals(statement)))
    });
    let sql = ["SELECT", "INSERT", "UPDATE", "DELETE"];
    constants
        .filter(|text| sql.iter().any(|verb| text.starts_with(verb)))
        .collect()
}

#[test]
fn every_statement_can_be_prepared_and_numbers_its_parameters_by_first_appearance() {
    let fixture = Fixture::new();
    let other = fixture.other();
    let statements = statements();
    assert!(statements.len() > 60, "{} statements found", statements.len());
    for sql in statements {
        let prepared = other.prepare(&sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
        for place in 1..=prepared.parameter_count() {
            assert_eq!(
                prepared.parameter_name(place),
                Some(format!("${place}").as_str()),
                "{sql}"
            );
        }
    }
}

#[test]
fn a_database_and_the_files_beside_it_are_their_owners_only() {
    let fixture = Fixture::new();
    for entry in std::fs::read_dir(fixture.folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
}
