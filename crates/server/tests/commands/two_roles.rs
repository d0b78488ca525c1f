//! PostgreSQL with one role that migrates and another that serves, made by the statements of the guide.

use crate::harness::Folder;
use hallpass_cluster::{Cluster, folder_of_test};

const GUIDE: &str = include_str!("../../../../docs/guide/several-nodes.md");

/// The statements of the guide's section on the two roles.
fn statements() -> impl Iterator<Item = &'static str> {
    let section = GUIDE.split("## Two roles").nth(1).unwrap();
    let sql = section.split("```sql").nth(1).unwrap().split("```").next().unwrap();
    sql.split(';').map(str::trim).filter(|statement| !statement.is_empty())
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
fn a_server_whose_role_may_not_change_tables_serves() {
    let cluster = Cluster::start(&folder_of_test("two_roles"), &[]).unwrap();
    for statement in statements() {
        let database = match statement.starts_with("CREATE") {
            true => "postgres",
            false => "hallpass",
        };
        cluster.sql(database, statement).unwrap();
    }
    let url = |role: &str| cluster.url("hallpass").replace("postgres@", &format!("{role}@"));
    let (owner, server) = (url("hallpass_owner"), url("hallpass"));
    let folder = Folder::new();
    let refused = folder.call(&["migrate", "--database", &server]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("run `hallpass migrate` as one that may"),
        "{}",
        refused.stderr
    );
    assert!(
        folder
            .printed(&["migrate", "--database", &owner])
            .ends_with("applied\n")
    );
    for database in [&server, &owner] {
        assert_eq!(folder.printed(&["migrate", "--database", database]), "nothing to do\n");
        assert_eq!(
            folder.printed(&["migrate", "--dry-run", "--database", database]),
            "-- nothing to do\n"
        );
    }
    let mut serving = folder.serve(&["--database", &server]);
    folder.json(&["app", "create", "Reports"]);
    folder.json(&["user", "delete", "ada@example.com", "--yes"]);
    folder.json(&["key", "rotate"]);
    serving.signal("-TERM");
    let log = serving.log();
    assert!(!log.contains("WARN") && !log.contains("no transaction"), "{log}");
    assert_eq!(serving.ended().0, Some(0));
}
