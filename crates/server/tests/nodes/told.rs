//! What the site tells one server about a person holds at all others.

use crate::client::{Answer, Tokens};
use crate::handed_over::{HANDOVER, SECRET, accept, at};
use crate::person::{Person, VERIFIER};
use crate::spreading::{Seen, is_refused};
use crate::world::World;
use serde_json::{Value, json};
use std::time::Instant;

/// A call of the site at one server. Returns the status and the body.
async fn tell(address: &str, method: &str, rest: &str, body: Option<Value>) -> (u16, Value) {
    let url = format!("{address}/handover/people/{rest}");
    let call = reqwest::Client::new()
        .request(method.parse().unwrap(), url)
        .bearer_auth(SECRET);
    let call = match body {
        Some(body) => call.body(body.to_string()),
        None => call,
    };
    let answer = call.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let body = answer.text().await.expect("a body");
    (status, serde_json::from_str(&body).unwrap_or_default())
}

/// A person of the site connects the app, which gets the scopes `profile` and `read`.
async fn connected(world: &World, subject: &str) -> (Person, Tokens) {
    let mut person = Person::new();
    let sent = person.sent_to_site(&world.front).await;
    let answer = accept(world.address(0), &sent, subject).await;
    let there = at(world.address(1), &world.front, &answer);
    let consent = person.follow(&there).await.expect("a redirect");
    let code = person.allow(consent.as_str()).await;
    let tokens = world.client.redeem(&world.front, &code, VERIFIER).await.tokens();
    (person, tokens)
}

async fn refused_by_all(world: &World, token: &str, acknowledged: Instant, seen: &mut Seen) {
    for server in &world.servers {
        let ask = || world.client.identity(&server.address, token);
        seen.wait(acknowledged, ask, is_refused).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_by_the_site_and_its_end_hold_at_all() {
    let world = World::with(3, HANDOVER);
    let (_, tokens) = connected(&world, "7").await;
    let mut seen = Seen::default();
    for round in 0..6 {
        let by = world.address(round % 3);
        assert_eq!(tell(by, "POST", "7/suspend", None).await.0, 204);
        let acknowledged = Instant::now();
        assert!(
            is_refused(&world.client.identity(by, &tokens.access).await),
            "at once where it was told"
        );
        refused_by_all(&world, &tokens.access, acknowledged, &mut seen).await;
        let other = world.address((round + 1) % 3);
        assert_eq!(tell(other, "POST", "7/suspend", None).await.0, 204);
        assert_eq!(tell(other, "POST", "7/resume", None).await.0, 204);
        let acknowledged = Instant::now();
        assert_eq!(world.client.identity(other, &tokens.access).await.status, 200);
        for server in &world.servers {
            let ask = || world.client.identity(&server.address, &tokens.access);
            seen.wait(acknowledged, ask, |answer: &Answer| answer.status == 200)
                .await;
        }
    }
    seen.told("12 suspensions and resumptions by the site");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_and_a_deletion_hold_at_all() {
    let world = World::with(3, HANDOVER);
    let mut seen = Seen::default();
    for round in 0..3 {
        let subject = format!("leaver-{round}");
        let (mut person, tokens) = connected(&world, &subject).await;
        let by = world.address(round);
        assert!(person.follow(&format!("{by}/account")).await.is_err(), "a page");
        assert_eq!(tell(by, "POST", &format!("{subject}/sign-out"), None).await.0, 204);
        for server in &world.servers {
            let led = person
                .follow(&format!("{}/account", server.address))
                .await
                .expect("a redirect");
            assert_eq!(led.host_str(), Some("www.example.com"), "{led}");
            assert_eq!(world.client.identity(&server.address, &tokens.access).await.status, 200);
        }
        assert_eq!(tell(by, "DELETE", &subject, None).await.0, 204);
        let acknowledged = Instant::now();
        refused_by_all(&world, &tokens.access, acknowledged, &mut seen).await;
        for server in &world.servers {
            assert_eq!(world.client.refresh(&server.address, &tokens.refresh).await.status, 400);
            assert_eq!(tell(&server.address, "DELETE", &subject, None).await.0, 204);
            assert_eq!(tell(&server.address, "GET", &subject, None).await.0, 404);
        }
    }
    seen.told("3 deletions by the site");
}

/// A refresh at another server races with the narrowing. No token has the scope afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn scopes_that_the_site_takes_away_are_gone_at_all() {
    let world = World::with(2, HANDOVER);
    let mut seen = Seen::default();
    for round in 0..8 {
        let subject = format!("narrowed-{round}");
        let (_, tokens) = connected(&world, &subject).await;
        let (one, other) = (world.address(round % 2), world.address((round + 1) % 2));
        let (_, listed) = tell(one, "GET", &format!("{subject}/grants"), None).await;
        let id = listed["grants"][0]["id"].as_str().unwrap_or_else(|| panic!("{listed}"));
        let there = format!("{subject}/grants/{id}");
        let (raced, (status, narrowed)) = tokio::join!(
            world.client.refresh(other, &tokens.refresh),
            tell(one, "PATCH", &there, Some(json!({ "scopes": ["read"] })))
        );
        assert_eq!(status, 200, "{narrowed}");
        let acknowledged = Instant::now();
        refused_by_all(&world, &tokens.access, acknowledged, &mut seen).await;
        let raced = raced.tokens();
        let after = world.client.refresh(other, &raced.refresh).await.tokens();
        for server in &world.servers {
            let raced = world.client.introspect(&server.address, &raced.access).await;
            assert!(!raced.is_active() || raced.json["scope"] == "read", "{raced:?}");
            let after = world.client.introspect(&server.address, &after.access).await;
            assert!(after.is_active() && after.json["scope"] == "read", "{after:?}");
        }
    }
    seen.told("8 grants that the site narrowed");
}
