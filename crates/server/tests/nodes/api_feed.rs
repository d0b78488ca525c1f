//! The feed for APIs across servers: an end at one server reaches an API that reads from another, and an answer that a third
//! computed before it knew of the end can be told by its position.

use crate::client::Answer;
use crate::world::World;
use serde_json::Value;
use std::time::{Duration, Instant};

/// An API learns of an end within a second. A busy machine may take longer to answer.
const BOUND: Duration = Duration::from_secs(2);

fn position(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json["position"].as_str().unwrap().to_owned()
}

/// The event of an answer that has one of these tags.
fn event_about<'a>(answer: &'a Answer, tags: &str) -> Option<&'a Value> {
    let events = answer.json["events"].as_array().unwrap();
    events.iter().find(|event| {
        let mut named = event["tags"].as_array().unwrap().iter();
        named.any(|tag| tags.split(", ").any(|known| tag == known))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_at_one_server_reaches_an_api_that_reads_from_another() {
    let world = World::of(3);
    let client = &world.client;
    let (mut slowest, mut late) = (Duration::ZERO, 0);
    for round in 0..30 {
        let [ends, reads, answers] = [0, 1, 2].map(|n| world.address((round + n) % 3));
        let token = client.own(ends).await;
        let (active, tags, _) = client.introspect_as_api(reads, &token).await;
        assert!(active && !tags.is_empty());
        let mut after = position(&client.feed(reads, None).await);
        client.revoke(ends, &token).await;
        let acknowledged = Instant::now();
        let id = loop {
            let answer = client.feed(reads, Some(&after)).await;
            if let Some(event) = event_about(&answer, &tags) {
                break event["id"].as_str().unwrap().to_owned();
            }
            after = position(&answer);
            assert!(acknowledged.elapsed() < BOUND, "the API still does not know");
        };
        slowest = slowest.max(acknowledged.elapsed());
        // The third server may not know yet. Then its answer is active, and its position says that it is old.
        let (active, _, position) = client.introspect_as_api(answers, &token).await;
        if active {
            late += 1;
            assert!(!position.split('.').any(|known| known == id), "{id} {position}");
        }
    }
    println!(
        "30 ends: known to an API within {} ms; {late} answers were older",
        slowest.as_millis()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_whose_requests_reach_another_server_each_time_misses_nothing() {
    let world = World::of(3);
    let client = &world.client;
    let mut after = position(&client.feed(&world.front, None).await);
    let mut gaps = 0;
    for round in 0..20 {
        let token = client.own(&world.front).await;
        let (_, tags, _) = client.introspect_as_api(&world.front, &token).await;
        client.revoke(world.address(round % 3), &token).await;
        let acknowledged = Instant::now();
        loop {
            let answer = client.feed(&world.front, Some(&after)).await;
            if answer.status == 409 {
                // A server that has just started does not know what came before.
                gaps += 1;
                after = position(&client.feed(&world.front, None).await);
                break;
            }
            let known = event_about(&answer, &tags).is_some();
            after = position(&answer);
            if known {
                break;
            }
            assert!(acknowledged.elapsed() < 2 * BOUND, "round {round}: the end was missed");
        }
    }
    println!("20 ends over changing servers, {gaps} gaps");
}
