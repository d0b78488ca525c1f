//! Heartbeats, and the feed above marks: PostgreSQL's alone.

use super::*;
use crate::store::feed::nodes::READS;

const OWN: [u8; 16] = [7; 16];

async fn shared() -> Fixture {
    Fixture::on(Database::postgres()).await
}

impl Fixture {
    /// An entry that another server wrote.
    fn entry(&self, node: &str, number: i64, kind: &str) {
        self.sql(&format!(
            "INSERT INTO changes (node, number, happened, expires, kind, subject, value) \
             VALUES (decode(repeat('{node}', 16), 'hex'), {number}, 0, 9000000000000, '{kind}', '', 0)"
        ));
    }

    /// Run and number of each entry above these marks.
    async fn above(&self, marks: &[(u8, i64)]) -> Vec<(u8, i64)> {
        let marks: Vec<Mark> = marks
            .iter()
            .map(|&(node, number)| Mark {
                node: [node; 16],
                number,
            })
            .collect();
        let beat = self.store.beat(OWN, &marks).await.unwrap();
        assert!(beat.whole);
        beat.changes
            .iter()
            .map(|change| (change.node[0], change.number))
            .collect()
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_heartbeat_brings_the_databases_clock_and_is_kept() {
    let fixture = shared().await;
    let first = fixture.store.beat(OWN, &[]).await.unwrap();
    let again = fixture.store.beat(OWN, &[]).await.unwrap();
    assert!(again.clock >= first.clock);
    assert_eq!(fixture.sql("SELECT beat FROM nodes"), again.clock.0.to_string());
    let by_database = fixture.sql("SELECT (extract(epoch FROM now()) * 1000)::bigint");
    let by_database = Instant(by_database.parse().unwrap());
    assert!(by_database.since(again.clock) < Duration::from_secs(60));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn entries_above_each_mark_come_in_order() {
    let fixture = shared().await;
    for (node, number) in [("01", 1), ("01", 3), ("02", 2), ("02", 1), ("05", 9)] {
        fixture.entry(node, number, "app");
    }
    assert_eq!(fixture.above(&[]).await, [(1, 1), (1, 3), (2, 1), (2, 2), (5, 9)]);
    assert_eq!(fixture.above(&[(1, 1), (2, 2), (9, 5)]).await, [(1, 3), (5, 9)]);
    assert_eq!(fixture.above(&[(1, 3), (2, 2), (5, 9)]).await, []);
    // Lower numbers of another run, and later: no mark hides them.
    fixture.entry("00", 1, "app");
    assert_eq!(fixture.above(&[(1, 3), (2, 2), (5, 9)]).await, [(0, 1)]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn many_entries_come_in_parts() {
    let fixture = shared().await;
    fixture.sql(
        "INSERT INTO changes (node, number, happened, expires, kind, subject, value) \
         SELECT decode(repeat('01', 16), 'hex'), n, 0, 9000000000000, 'app', '', 0 FROM generate_series(1, 10500) AS n",
    );
    let first = fixture.store.beat(OWN, &[]).await.unwrap();
    assert_eq!((first.whole, first.changes.len()), (false, 10_000));
    let (node, number) = ([1; 16], 10_000);
    let rest = fixture.store.beat(OWN, &[Mark { node, number }]).await.unwrap();
    assert_eq!((rest.whole, rest.changes.len()), (true, 500));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_newer_servers_entry_has_everything_read_anew() {
    let fixture = shared().await;
    fixture.entry("01", 1, "of_tomorrow");
    let beat = fixture.store.beat(OWN, &[]).await.unwrap();
    assert_eq!(beat.changes[0].kind, ChangeKind::Unknown);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_heartbeat_says_what_this_server_reads_and_what_the_others_do() {
    let fixture = shared().await;
    assert_eq!(fixture.store.beat(OWN, &[]).await.unwrap().others, Vec::<String>::new());
    assert_eq!(fixture.sql("SELECT reads FROM nodes"), READS);
    assert_eq!(fixture.store.beat([8; 16], &[]).await.unwrap().others, [READS]);
    fixture.sql("INSERT INTO nodes (id, beat) SELECT '\\x01', beat FROM nodes LIMIT 1");
    assert_eq!(fixture.store.beat(OWN, &[]).await.unwrap().others, ["", READS]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_server_that_stops_is_forgotten_at_once() {
    let fixture = shared().await;
    fixture.store.beat(OWN, &[]).await.unwrap();
    fixture.store.beat([8; 16], &[]).await.unwrap();
    fixture.store.leave([8; 16]).await.unwrap();
    assert_eq!(fixture.store.beat(OWN, &[]).await.unwrap().others, Vec::<String>::new());
    assert_eq!(fixture.sql("SELECT count(*) FROM nodes"), "1");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn servers_that_are_gone_are_forgotten_after_a_day() {
    let fixture = shared().await;
    fixture.store.beat(OWN, &[]).await.unwrap();
    fixture.sql("INSERT INTO nodes SELECT '\\x01', beat - 86400000 - 60000 FROM nodes");
    fixture.sql("INSERT INTO nodes SELECT '\\x02', beat - 86400000 + 60000 FROM nodes WHERE id <> '\\x01'");
    fixture.store.forget_nodes().await.unwrap();
    assert_eq!(fixture.sql("SELECT count(*), min(length(id)) FROM nodes"), "2|1");
    assert_eq!(fixture.sql("SELECT count(*) FROM nodes WHERE id = '\\x01'"), "0");
}
