//! A sign-in at the site that begins at one server, is answered at another and comes back to a third.

use crate::person::{Person, VERIFIER};
use crate::world::World;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use url::Url;

/// The secret of the site.
pub(crate) const SECRET: &str = "a-secret-of-the-site-with-at-least-32-bytes";

/// The section that hands sign-ins over to a site.
pub(crate) const HANDOVER: &str = "
[handover]
url = \"https://www.example.com/connect/sign-in\"
secret = \"a-secret-of-the-site-with-at-least-32-bytes\"
";

/// What the site answers at one server. Returns the address for the browser, below the public address.
pub(crate) async fn accept(address: &str, sent: &Url, subject: &str) -> Value {
    let request = sent.query_pairs().find(|(name, _)| name == "handover");
    let message = json!({ "handover": request.expect("a request").1, "subject": subject, "name": "Ada" });
    let post = reqwest::Client::new()
        .post(format!("{address}/handover"))
        .bearer_auth(SECRET);
    let answer = post.body(message.to_string()).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON")
}

/// The same address at one server.
pub(crate) fn at(address: &str, front: &str, answer: &Value) -> String {
    let redirect_to = answer["redirect_to"].as_str().expect("an address");
    redirect_to.replacen(front, address, 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn begun_at_one_server_answered_at_another_and_returned_to_a_third() {
    for servers in [2, 3] {
        let world = World::with(servers, HANDOVER);
        let (first, second, third) = (world.address(0), world.address(1), world.address(servers - 1));
        let mut person = Person::new();
        let sent = person.sent_to_site(first).await;
        let answer = accept(second, &sent, "7").await;
        assert_eq!(
            accept(first, &sent, "7").await,
            answer,
            "the same message gets the same answer everywhere"
        );
        let consent = person
            .follow(&at(third, &world.front, &answer))
            .await
            .expect("a redirect");
        let code = person.allow(consent.as_str()).await;
        let tokens = world.client.redeem(&world.front, &code, VERIFIER).await.tokens();
        let identity = world.client.identity(first, &tokens.access).await;
        assert_eq!(identity.json["sub"], "7");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_spent_once_however_many_servers_get_it() {
    let world = World::with(3, HANDOVER);
    let mut person = Person::new();
    for round in 0..5 {
        let sent = person.sent_to_site(world.address(round % 3)).await;
        let answer = accept(world.address(0), &sent, &format!("race-{round}")).await;
        let mut racing = JoinSet::new();
        for n in 0..12 {
            let mut tab = person.tab();
            let address = at(world.address(n % 3), &world.front, &answer);
            racing.spawn(async move { tab.follow(&address).await.is_ok_and(|url| url.path() == "/consent") });
        }
        let arrived = racing.join_all().await.into_iter().filter(|arrived| *arrived).count();
        assert_eq!(arrived, 1, "round {round}");
    }
}

/// Two answers to the same request, as two people, at two servers: one counts, and it is the person of that answer.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_people_for_one_request_nobody_is_signed_in_as_the_other() {
    let world = World::with(2, HANDOVER);
    for round in 0..10 {
        let mut person = Person::new();
        let sent = person.sent_to_site(&world.front).await;
        let subjects = [format!("ada-{round}"), format!("ben-{round}")];
        let (ada, ben) = tokio::join!(
            accept(world.address(0), &sent, &subjects[0]),
            accept(world.address(1), &sent, &subjects[1])
        );
        let mut signed_in = Vec::new();
        for (subject, answer) in [("ada", &ada), ("ben", &ben)] {
            if let Some(consent) = person
                .tab()
                .follow(&at(world.address(0), &world.front, answer))
                .await
                .ok()
                .filter(|url| url.path() == "/consent")
            {
                signed_in.push((subject, consent));
            }
        }
        assert!(signed_in.len() <= 1, "round {round}: {signed_in:?}");
    }
}

/// The server that took the site's answer is killed. What it acknowledged holds at the others.
#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_answer_outlives_its_server() {
    let mut world = World::with(2, HANDOVER);
    let mut person = Person::new();
    let sent = person.sent_to_site(world.address(0)).await;
    let answer = accept(world.address(1), &sent, "8").await;
    drop(world.servers.pop());
    let consent = person
        .follow(&at(world.address(0), &world.front, &answer))
        .await
        .expect("a redirect");
    let at_first = consent.as_str().replacen(&world.front, world.address(0), 1);
    let code = person.allow(&at_first).await;
    world.client.redeem(world.address(0), &code, VERIFIER).await.tokens();
    // Used once, also after the server is back.
    let again = person.tab().follow(&at(world.address(0), &world.front, &answer)).await;
    assert!(again.is_ok(), "the same browser goes on: {again:?}");
    let mut other = Person::new();
    let led = other
        .follow(&at(world.address(0), &world.front, &answer))
        .await
        .expect("an address without the value");
    let page = other.follow(led.as_str()).await;
    assert!(page.expect_err("a page").contains("nothing happened"));
}
