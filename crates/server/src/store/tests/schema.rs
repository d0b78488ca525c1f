//! The tables and the statements on them.

use super::*;
use crate::store::apps::{lists, names};
use std::path::Path;

#[tokio::test]
async fn migrations_are_pending_until_they_are_applied() {
    let database = Database::empty();
    let store = opened(&database).await;
    let pending = store.pending_migrations().await.unwrap();
    assert!(pending[0].contains("CREATE TABLE grants"));
    store.migrate().await.unwrap();
    assert_eq!(store.pending_migrations().await.unwrap(), Vec::<String>::new());
    store.migrate().await.unwrap();
}

#[tokio::test]
async fn an_older_server_starts_on_a_newer_servers_tables() {
    let fixture = Fixture::on(Database::empty()).await;
    fixture.sql(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
         VALUES (999, 'later', '2026-11-23T10:00:00Z', '1')",
    );
    fixture.store.migrate().await.unwrap();
    assert_eq!(fixture.store.pending_migrations().await.unwrap(), Vec::<String>::new());
}

/// What the tests on PostgreSQL rely on: tables that an earlier test used are as new ones.
#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn tables_of_an_earlier_test_are_as_new() {
    let fixture = Fixture::on(Database::postgres()).await.with_people().await;
    fixture.active(1).await;
    drop(fixture);
    // If another test has taken these tables meanwhile, others are compared.
    let later = Fixture::on(Database::postgres()).await;
    let new = Fixture::on(Database::empty_on_postgres()).await;
    assert_eq!(contents(&later), contents(&new));
}

/// The columns of all tables, and all rows. The times of the migrations are taken out, so no other test gets these tables.
fn contents(fixture: &Fixture) -> (String, String) {
    let columns = "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns \
                   WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position";
    let columns = fixture.sql(columns);
    fixture.sql("ALTER TABLE refinery_schema_history DROP applied_on");
    let rows = fixture.database.kept();
    (columns, String::from_utf8(rows).unwrap())
}

/// What a constant's name ends with whose statement is PostgreSQL's alone.
const OF_POSTGRES: &str = "_ON_POSTGRES";

/// Files whose statements are put together by macros that [`constants`] does not read; they list them themselves.
const LISTED: [&str; 2] = ["apps/lists.rs", "apps/names.rs"];

/// Every statement that both engines are sent, or SQLite, found in the text so that none is forgotten.
pub(super) fn statements() -> Vec<String> {
    let found = all_constants()
        .into_iter()
        .filter(|(name, _)| !name.ends_with(OF_POSTGRES));
    found
        .map(|(_, text)| text)
        .chain(names::STATEMENTS.map(str::to_owned))
        .chain(lists::STATEMENTS.map(str::to_owned))
        .collect()
}

/// The statements that PostgreSQL alone is sent.
pub(super) fn statements_of_postgres() -> Vec<String> {
    let found = all_constants()
        .into_iter()
        .filter(|(name, _)| name.ends_with(OF_POSTGRES));
    let found: Vec<String> = found.map(|(_, text)| text).collect();
    assert!(found.len() >= 20, "{} statements found", found.len());
    found.into_iter().chain([lists::MANAGED[1].to_owned()]).collect()
}

/// Name and text of each constant with a statement in the files of the nouns, and of those that the engines share.
fn all_constants() -> Vec<(String, String)> {
    let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut found = Vec::new();
    let mut folders = vec![store.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&store).unwrap().to_str().unwrap();
            let of_an_engine = ["engine/sqlite", "engine/postgres", "engine/writer", "tests"];
            if path.is_dir() && !of_an_engine.contains(&name) {
                folders.push(path);
            } else if path.is_file() && !LISTED.contains(&name) {
                found.extend(constants(&std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    found
}

/// Name and text of a file's constants that are statements; a macro's are its columns and then the constant's own.
fn constants(source: &str) -> Vec<(String, String)> {
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
        let (name, kind) = declaration.split_once(':')?;
        kind.contains("&str")
            .then(|| (name.to_owned(), format!("{selected}{}", literals(statement))))
    });
    let sql = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"];
    constants
        .filter(|(_, text)| sql.iter().any(|verb| text.starts_with(verb)))
        .collect()
}
