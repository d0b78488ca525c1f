#![allow(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

use super::{Bouncer, Certificates, Cluster, Outcome, Schema, folder_of_test};
use std::process::Command;

/// The output of a command.
fn said(command: &mut Command) -> Outcome<String> {
    let said = command.output().unwrap();
    match said.status.success() {
        true => Ok(String::from_utf8(said.stdout).unwrap().trim().to_owned()),
        false => Err(String::from_utf8(said.stderr).unwrap()),
    }
}

fn psql(url: &str) -> Outcome<String> {
    let asked = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    said(Command::new(super::programs().unwrap().join("psql")).args(["-XtA", url, "-c", asked]))
}

/// A new folder each time. A killed run leaves none behind.
#[test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
fn a_killed_cluster_keeps_what_it_committed() {
    let mut cluster = Cluster::start(&folder_of_test("killed"), &[]).unwrap();
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

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
fn a_schema_is_separate_and_can_be_copied() {
    let (one, other) = (Schema::new().unwrap(), Schema::new().unwrap());
    let table = "CREATE TABLE kept (id BIGINT PRIMARY KEY, name TEXT); INSERT INTO kept VALUES (1, 'a')";
    one.sql(table).unwrap();
    let wrong = other.sql("SELECT 1; SELECT * FROM kept; SELECT 2");
    assert_eq!(wrong, Err("relation \"kept\" does not exist".to_owned()));
    let copy = one.copied().unwrap();
    one.sql("UPDATE kept SET name = 'b'").unwrap();
    assert_eq!(copy.sql("SELECT * FROM kept").unwrap(), "1|a");
    assert!(
        copy.sql("INSERT INTO kept VALUES (1, 'b')").is_err(),
        "keys are copied too"
    );
    assert_eq!(psql(copy.url()).unwrap(), "f");
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
fn a_bouncer_shares_few_connections_among_many_clients() {
    let cluster = Cluster::start(&folder_of_test("bounced"), &["fsync=off"]).unwrap();
    let bouncer = Bouncer::start(&cluster, &cluster.folder().join("bouncer"), 2).unwrap();
    let backend = || {
        let asked = "SELECT pg_backend_pid()";
        let psql = super::programs().unwrap().join("psql");
        said(Command::new(psql).args(["-XtA", &bouncer.url("postgres"), "-c", asked])).unwrap()
    };
    assert_eq!(backend(), backend());
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
fn a_cluster_accepts_only_admitted_clients_over_tls() {
    let certificates = Certificates::make(&folder_of_test("certificates"), "DNS:localhost").unwrap();
    let settings = certificates.settings();
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let cluster = Cluster::start(&folder_of_test("tls"), &settings).unwrap();
    cluster
        .admit("hostssl all all 127.0.0.1/32 trust\nhostnossl all all 127.0.0.1/32 reject\n")
        .unwrap();
    let authority = certificates.authority();
    let url = |host: &str, mode: &str| {
        let address = cluster.url("postgres").replace("127.0.0.1", host);
        format!("{address}?sslrootcert={}&sslmode={mode}", authority.display())
    };
    assert_eq!(psql(&url("localhost", "verify-full")).unwrap(), "t");
    assert!(psql(&url("127.0.0.1", "verify-full")).is_err(), "another name");
    assert!(psql(&url("localhost", "disable")).is_err());
}

#[test]
fn a_port_is_given_once_and_below_those_of_outgoing_connections() {
    let (first, second) = (super::free_port().unwrap(), super::free_port().unwrap());
    assert_ne!(first, second);
    assert!(first < 32_768 && second < 32_768);
    let listener = std::net::TcpListener::bind(("127.0.0.1", second + 1));
    let third = super::free_port().unwrap();
    assert!(listener.is_err() || third != second + 1, "somebody listens on it");
}
