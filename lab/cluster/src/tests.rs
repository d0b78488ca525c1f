#![allow(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

use super::Cluster;

/// One that begins anew each time: a killed run leaves none behind.
#[test]
fn a_killed_cluster_keeps_what_it_committed() {
    let folder = std::env::temp_dir().join(format!("hallpass-cluster-{}", std::process::id()));
    let mut cluster = Cluster::start(&folder, &[]).unwrap();
    let first = cluster.id();
    cluster
        .sql("postgres", "CREATE TABLE kept AS SELECT 7 AS seven")
        .unwrap();
    cluster.kill().unwrap();
    assert!(cluster.sql("postgres", "SELECT 1").is_err());
    cluster.resume().unwrap();
    assert_ne!(cluster.id(), first);
    assert_eq!(cluster.sql("postgres", "SELECT seven, 'x' FROM kept").unwrap(), "7|x");
}
