//! What is PostgreSQL's alone: a server that goes and comes back, other sessions, its settings and rights.
//!
//! Other sessions are real ones, and what the store does meanwhile is seen in the server's own tables: no test waits a
//! while and hopes.

mod away;
mod locks;
mod plans;
mod servers;
mod start;

use super::*;
use hallpass_cluster::{Cluster, folder_of_test};
use tokio_postgres::{Client, NoTls};

/// On PostgreSQL, whatever the others run on.
pub(super) async fn fixture() -> Fixture {
    Fixture::on(Database::postgres()).await
}

/// The same with tables that no other test has used.
pub(super) async fn with_new_tables() -> Fixture {
    Fixture::on(Database::empty_on_postgres()).await
}

/// On a cluster of its own, which a test may stop or spoil.
pub(super) async fn alone(name: &str, settings: &[&str]) -> (Cluster, Fixture) {
    let settings = [&["fsync=off"], settings].concat();
    let cluster = Cluster::start(&folder_of_test(name), &settings).unwrap();
    let fixture = Fixture::on(Database::Elsewhere(cluster.url("postgres"))).await;
    (cluster, fixture)
}

/// Another session, such as an operator's.
pub(super) async fn session(fixture: &Fixture) -> Client {
    let (client, connection) = tokio_postgres::connect(&fixture.database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The same database with these settings for each session.
pub(super) fn with(database: &Database, settings: &str) -> Database {
    let url = database.url();
    let joined = match url.contains("?options=") {
        true => format!("{url}%20"),
        false => format!("{url}?options="),
    };
    Database::Elsewhere(format!("{joined}{}", settings.replace(' ', "%20").replace('=', "%3D")))
}

/// Waits until so many of the store's sessions wait for what `event` names.
pub(super) async fn wait_for(other: &Client, event: &str) {
    let waiting = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'hallpass' AND wait_event_type || ':' || wait_event LIKE $1 \
                   AND datname = current_database()";
    for _ in 0..1000 {
        if !other.query(waiting, &[&event]).await.unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("nothing waits for {event}");
}

/// Locks a grant's row, as a server does whose commit hangs.
pub(super) async fn keep(fixture: &Fixture, id: u128) -> Client {
    let other = session(fixture).await;
    let id = fixture.database.bytes(uuid(id).as_bytes());
    let locks = format!("BEGIN; SELECT 1 FROM grants WHERE id = {id} FOR UPDATE");
    other.batch_execute(&locks).await.unwrap();
    other
}
