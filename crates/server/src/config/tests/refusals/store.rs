//! `[store]`: what is written, and every line that the operator reads about it.

use super::check;
use crate::config::tests::World;

#[test]
fn each_mistake_is_told_with_its_line() {
    check(CASES);
}

/// SQLite says only that it cannot open the file.
#[test]
fn a_path_that_is_too_long_for_sqlite_is_refused() {
    let folder = "d".repeat(200);
    let deep = |depth: usize| vec![folder.as_str(); depth].join("/");
    World::new(&format!("[server]\ndata = \"/{}\"", deep(2))).config();
    let refused = World::new(&format!("[server]\ndata = \"/{}\"", deep(3))).refused();
    assert_eq!(
        refused,
        "hallpass.toml:2: server.data: the path of the database has 615 bytes, and SQLite takes 503 at most"
    );
    let refused = World::new(&format!("[store]\nurl = \"sqlite:/{}/h.db\"", deep(3))).refused();
    assert!(
        refused.starts_with("hallpass.toml:2: store.url: the path of the database has 608 bytes"),
        "{refused}"
    );
    World::new(&format!(
        "[server]\ndata = \"/{}\"\n[store]\nurl = \"postgres://localhost/h\"",
        deep(3)
    ))
    .config();
}

const CASES: &[(&str, &str)] = &[
    (
        r#"[store]
url = "hallpass.db""#,
        r#"2: store.url: expected a database such as "sqlite:hallpass.db", "sqlite:/folder/hallpass.db" or "postgres://user@host/database""#,
    ),
    (
        r#"[store]
url = "postgres://hallpass:secret@db/hallpass?sslmode=prefer"
connections = 3
prepared_statements = "no""#,
        r#"2: store.url: sslmode is "disable" or "verify-full": less would protect from nobody
3: store.connections: expected 4 or more
4: store.prepared_statements: expected true or false, found text"#,
    ),
    (
        r#"[store]
url = "sqlite::memory:""#,
        r#"2: store.url: expected a database such as "sqlite:hallpass.db", "sqlite:/folder/hallpass.db" or "postgres://user@host/database""#,
    ),
];
