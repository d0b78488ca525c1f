//! The tables and the statements on them.

use super::*;
use crate::store::apps::names;
use crate::store::lists;

#[tokio::test]
async fn migrations_are_pending_until_they_are_applied() {
    let database = Database::new();
    let store = opened(&database).await;
    let pending = store.pending_migrations().await.unwrap();
    assert!(pending[0].contains("CREATE TABLE grants"));
    store.migrate().await.unwrap();
    assert_eq!(store.pending_migrations().await.unwrap(), Vec::<String>::new());
    store.migrate().await.unwrap();
}

#[tokio::test]
async fn an_older_server_starts_on_a_newer_servers_tables() {
    let fixture = Fixture::new().await;
    fixture.sql(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
         VALUES (999, 'later', '2026-11-23T10:00:00Z', '1')",
    );
    fixture.store.migrate().await.unwrap();
    assert_eq!(fixture.store.pending_migrations().await.unwrap(), Vec::<String>::new());
}

/// What only statements of PostgreSQL have.
pub(super) const OF_POSTGRES: &str = "ANY($";

/// Every statement of every file that both engines have, found in the text so that none is forgotten.
pub(super) fn statements() -> Vec<String> {
    let sources = [
        include_str!("../apps/mod.rs"),
        include_str!("../audit.rs"),
        include_str!("../feed/mod.rs"),
        include_str!("../grants/connections.rs"),
        include_str!("../declared.rs"),
        include_str!("../deletions.rs"),
        include_str!("../grants/mod.rs"),
        include_str!("../keys.rs"),
        include_str!("../organizations/memberships.rs"),
        include_str!("../organizations/mod.rs"),
        include_str!("../apps/origins.rs"),
        include_str!("../resources.rs"),
        include_str!("../people/sessions.rs"),
        include_str!("../settings.rs"),
        include_str!("../engine/sqlite/sweep.rs"),
        include_str!("../people/mod.rs"),
    ];
    let found = sources.iter().flat_map(|source| constants(source));
    found
        .chain(names::STATEMENTS.map(str::to_owned))
        .chain(lists::STATEMENTS.map(str::to_owned))
        .collect()
}

/// The texts of a file's constants; a macro's are its columns and then the constant's own.
pub(super) fn constants(source: &str) -> Vec<String> {
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
    let sql = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"];
    constants
        .filter(|text| sql.iter().any(|verb| text.starts_with(verb)))
        .collect()
}
