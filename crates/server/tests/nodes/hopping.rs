//! Every server accepts the codes, tokens and forms of every other server.

use crate::person::{Person, VERIFIER};
use crate::world::World;
use std::collections::BTreeSet;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn code_and_refresh_tokens_count_at_every_server() {
    for servers in [2, 3] {
        let world = World::of(servers);
        let mut person = Person::new();
        let mut nodes = BTreeSet::new();
        let mut code = String::new();
        // With an even number of servers and of requests, the forms of a person could always reach the server of their page.
        for _ in 0..3 {
            code = person.code(&world.front).await;
        }
        assert!(person.posted_elsewhere > 0, "a form was sent to another server");
        let mut answer = world.client.redeem(&world.front, &code, VERIFIER).await;
        for round in 0..3 * servers {
            let tokens = answer.tokens();
            nodes.insert(answer.node.clone());
            for server in &world.servers {
                let seen = world.client.introspect(&server.address, &tokens.access).await;
                assert!(seen.is_active(), "round {round}: {seen:?}");
                let identity = world.client.identity(&server.address, &tokens.access).await;
                assert_eq!(identity.json["email"], crate::person::EMAIL);
            }
            answer = world.client.refresh(&world.front, &tokens.refresh).await;
        }
        assert_eq!(nodes.len(), servers, "every server refreshed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_signed_in_is_signed_in_everywhere() {
    let world = World::of(2);
    let mut person = Person::new();
    person.code(&world.front).await;
    for server in &world.servers {
        assert!(person.is_signed_in(&server.address).await);
        assert!(!Person::new().is_signed_in(&server.address).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn raced_refreshes_at_several_servers_give_one_pair() {
    let world = World::of(3);
    let mut tokens = world.tokens().await;
    for round in 0..5 {
        let mut racing = JoinSet::new();
        for n in 0..24 {
            let (client, token) = (world.client.clone(), tokens.refresh.clone());
            let address = world.address(n % 3).to_owned();
            racing.spawn(async move { client.refresh(&address, &token).await });
        }
        let pairs: Vec<_> = racing.join_all().await.iter().map(|answer| answer.tokens()).collect();
        assert!(pairs.iter().all(|pair| *pair == pairs[0]), "round {round}");
        assert_ne!(pairs[0], tokens);
        tokens = pairs[0].clone();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_used_at_two_servers_ends_the_grant() {
    let world = World::of(2);
    let code = Person::new().code(&world.front).await;
    let tokens = world.client.redeem(world.address(0), &code, VERIFIER).await.tokens();
    let again = world.client.redeem(world.address(1), &code, VERIFIER).await;
    assert_eq!((again.status, &again.json["error"]), (400, &"invalid_grant".into()));
    assert_eq!(
        world.client.refresh(world.address(0), &tokens.refresh).await.status,
        400
    );
}
