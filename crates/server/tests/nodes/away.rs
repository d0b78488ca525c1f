//! A server that was stopped, or that lost the database, answers nothing from memory: it asks the database, or answers 503.

use crate::client::Answer;
use crate::world::World;
use hallpass_cluster::{Cluster, Schema, folder_of_test};
use std::time::{Duration, Instant};

/// The largest age of memory.
const STALENESS: Duration = Duration::from_secs(2);
/// The time that a busy machine may add to it.
const SLACK: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_wakes_up_knows_what_was_revoked_meanwhile() {
    let world = World::of(2);
    let client = &world.client;
    let (awake, sleeper) = (world.address(0), &world.servers[1]);
    let mut unsure = 0;
    for round in 0..5 {
        let token = client.own(&sleeper.address).await;
        let tokens = world.tokens().await;
        assert!(client.introspect(&sleeper.address, &token).await.is_active());
        sleeper.signal("STOP");
        client.revoke(awake, &token).await;
        client.revoke(awake, &tokens.refresh).await;
        tokio::time::sleep(STALENESS + SLACK).await;
        // Sent while the server is suspended, so that this request is the first that it finds.
        let asked = (client.clone(), sleeper.address.clone(), token.clone());
        let first = tokio::spawn(async move { asked.0.introspect(&asked.1, &asked.2).await });
        tokio::time::sleep(Duration::from_millis(50)).await;
        sleeper.signal("CONT");
        for answer in [first.await.unwrap(), client.introspect(&sleeper.address, &token).await] {
            assert!(!answer.is_active(), "round {round}: {answer:?}");
            unsure += usize::from(answer.status == 503);
        }
        let answer = client.identity(&sleeper.address, &tokens.access).await;
        assert_ne!(answer.status, 200, "round {round}: {answer:?}");
        let fresh = client.own(awake).await;
        let answer = when_sure(&world, &sleeper.address, &fresh).await;
        assert!(answer.is_active(), "round {round}: {answer:?}");
    }
    println!("of 10 first answers after waking {unsure} were 503, the others \"inactive\"");
}

/// The first answer of a server that woke up other than 503. Until it has read the feed again, it is not sure.
async fn when_sure(world: &World, address: &str, token: &str) -> Answer {
    let woken = Instant::now();
    loop {
        let answer = world.client.introspect(address, token).await;
        if answer.status != 503 {
            return answer;
        }
        assert!(woken.elapsed() < Duration::from_secs(10), "still unsure");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Entries that a server did not read may have been swept. So it reads everything again, even objects that no entry names.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_wakes_up_reads_everything_anew() {
    let schema = Schema::new().unwrap();
    let world = World::on(schema.url(), 2);
    let (client, sleeper) = (&world.client, &world.servers[1]);
    let own = async || {
        let form = [("grant_type", "client_credentials")];
        client.token(&sleeper.address, &form).await
    };
    assert_eq!(own().await.status, 200);
    sleeper.signal("STOP");
    schema
        .sql("UPDATE apps SET status = 'suspended' WHERE client_id = 'sample'")
        .unwrap();
    tokio::time::sleep(STALENESS + SLACK).await;
    sleeper.signal("CONT");
    assert!(matches!(own().await.status, 400 | 503));
    let woken = Instant::now();
    while own().await.status != 400 {
        assert!(woken.elapsed() < Duration::from_secs(10), "still unknown");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_servers_answer_503_and_recover() {
    let folder = folder_of_test("away");
    let mut cluster = Cluster::start(&folder, &["fsync=off"]).unwrap();
    let world = World::on(&cluster.url("postgres"), 2);
    let client = &world.client;
    let token = client.own(&world.front).await;
    for round in 0..2 {
        for server in &world.servers {
            let answer = client.introspect(&server.address, &token).await;
            assert!(answer.is_active(), "round {round}: {answer:?}");
            assert_eq!(client.get(&server.address, "/health/ready").await.status, 200);
        }
        let killed = Instant::now();
        cluster.kill().unwrap();
        let last_active = last_active(&world, &token, killed).await;
        println!(
            "the last \"active\" came {} ms after the database's end",
            last_active.as_millis()
        );
        assert!(last_active < STALENESS + SLACK);
        for server in &world.servers {
            let begun = Instant::now();
            assert_eq!(client.identity(&server.address, &token).await.status, 503);
            let page = "/oauth/authorize?client_id=sample";
            assert_eq!(client.get(&server.address, page).await.status, 503);
            assert_eq!(client.feed(&server.address, None).await.status, 503);
            assert_eq!(client.get(&server.address, "/health/ready").await.status, 503);
            assert_eq!(client.get(&server.address, "/health/live").await.status, 200);
            assert!(
                begun.elapsed() < Duration::from_secs(3),
                "nobody waits where the last attempt failed"
            );
        }
        cluster.resume().unwrap();
        recovered(&world, &token).await;
    }
}

/// How long after this moment a token was last called active. Every other answer must be 503 with `Retry-After`.
async fn last_active(world: &World, token: &str, since: Instant) -> Duration {
    let mut last = Duration::ZERO;
    while since.elapsed() < STALENESS + 2 * SLACK {
        for server in &world.servers {
            let asked = since.elapsed();
            let answer = world.client.introspect(&server.address, token).await;
            match answer.status {
                200 if answer.is_active() => last = asked,
                503 => assert!(answer.retry_after.is_some(), "{answer:?}"),
                _ => panic!("{answer:?}"),
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    last
}

async fn recovered(world: &World, token: &str) {
    let resumed = Instant::now();
    for server in &world.servers {
        while !world.client.introspect(&server.address, token).await.is_active() {
            assert!(resumed.elapsed() < Duration::from_secs(10), "not back");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    println!("back {} ms after the database", resumed.elapsed().as_millis());
    for server in &world.servers {
        while world.client.get(&server.address, "/health/ready").await.status != 200 {
            assert!(resumed.elapsed() < Duration::from_secs(20), "not ready");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
