//! Servers that start at the same time on an empty database.

use crate::server::Starting;
use crate::world::{World, configured};
use hallpass_cluster::Schema;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn three_servers_start_at_once_on_an_empty_database() {
    for _ in 0..3 {
        let schema = Schema::new().unwrap();
        let world = World::on(schema.url(), 3);
        assert_eq!(schema.sql("SELECT count(*), max(id) FROM keys").unwrap(), "4|4");
        let people = schema.sql("SELECT number, email FROM users ORDER BY number").unwrap();
        assert_eq!(people, "1|ada@example.com\n2|ben@example.com");
        assert_eq!(schema.sql("SELECT count(*) FROM apps").unwrap(), "2");
        assert_eq!(schema.sql("SELECT count(*) FROM secrets").unwrap(), "2");
        assert_eq!(schema.sql("SELECT count(*) FROM nodes").unwrap(), "3");
        let keys = |n: usize| -> Value { world.servers[n].command(&["key", "list"]) };
        assert_eq!((keys(0), keys(0)), (keys(1), keys(2)));
        for server in &world.servers {
            assert_eq!(world.client.get(&server.address, "/health/ready").await.status, 200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_another_master_key_does_not_start() {
    let schema = Schema::new().unwrap();
    let world = World::on(schema.url(), 1);
    let other = configured(world.folder(), &world.front, 2);
    let started = Starting::spawn(&other, &world.folder().join("other"), schema.url()).ready();
    let said = started.err().expect("it does not start");
    assert!(
        said.contains("[keys] master_file") && said.contains("servers on one database share one"),
        "{said}"
    );
    assert_eq!(schema.sql("SELECT count(*) FROM keys").unwrap(), "4");
}

/// Servers with two different master keys start at the same time on an empty database. Whichever key is first, the database has
/// no key that the other one sealed.
#[tokio::test(flavor = "multi_thread")]
async fn two_masters_never_mix() {
    for _ in 0..3 {
        let (schema, folder) = (Schema::new().unwrap(), tempfile::tempdir().unwrap());
        let configs = [1, 2].map(|master| configured(folder.path(), "http://127.0.0.1:1", master));
        let starting: Vec<Starting> = (0..4)
            .map(|n| Starting::spawn(&configs[n % 2], &folder.path().join(n.to_string()), schema.url()))
            .collect();
        let started: Vec<bool> = starting.into_iter().map(|one| one.ready().is_ok()).collect();
        assert_eq!(started[0], started[2], "{started:?}");
        assert_eq!(started[1], started[3], "{started:?}");
        assert_ne!(started[0], started[1], "{started:?}");
    }
}
