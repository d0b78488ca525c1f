//! What PostgreSQL must be to start on.

use super::*;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_database_that_forgets_commits_is_not_used() {
    let database = Database::postgres();
    let refused = tried(&with(&database, "-csynchronous_commit=off")).await.err();
    let Some(StoreError::Unfit(reason)) = refused else {
        panic!("{refused:?}")
    };
    assert!(reason.contains("synchronous_commit"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn missing_rights_are_told_clearly() {
    let (cluster, fixture) = alone("rights", &[]).await;
    let refused = async |database: &str, user: &str| {
        let url = cluster.url(database).replace("postgres@", &format!("{user}@"));
        let store = match tried(&Database::Elsewhere(url)).await {
            Ok(store) => store.migrate().await.err(),
            refused => refused.err(),
        };
        let Some(StoreError::Unfit(reason)) = store else {
            panic!("{store:?}")
        };
        reason
    };
    drop(fixture);
    for statement in [
        "CREATE ROLE guest LOGIN",
        "CREATE DATABASE closed",
        "REVOKE CONNECT ON DATABASE closed FROM PUBLIC",
    ] {
        cluster.sql("postgres", statement).unwrap();
    }
    for (database, user, told) in [
        ("postgres", "guest", "may not"),
        ("closed", "guest", "permission denied"),
        ("absent", "postgres", "does not exist"),
        ("postgres", "nobody", "does not exist"),
    ] {
        let reason = refused(database, user).await;
        assert!(reason.contains(told), "{database} {user}: {reason}");
    }
}
