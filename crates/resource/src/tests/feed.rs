//! The verifier and the feed: answers are kept while it is alive, and die by its events.

use super::server::{HandClock, Server, answer, builder};
use super::{API, verify};
use crate::{FetchError, Refused, Verifier};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex as AsyncMutex, watch};

type Reply = Result<http::Response<Vec<u8>>, FetchError>;

/// A server with a feed that answers when the test says so.
struct World {
    server: Server,
    clock: HandClock,
    verifier: Verifier,
    replies: UnboundedSender<Reply>,
    /// How many requests of the feed have come, and the query of the last one.
    asked: watch::Receiver<(usize, String)>,
}

const POSITION: &str = "ab.cd-1.1.ef-5";

impl World {
    fn new() -> Self {
        let (server, clock) = (Server::new(), HandClock::new());
        let (replies, waiting) = unbounded_channel();
        let (counter, asked) = watch::channel((0, String::new()));
        script(&server, waiting, counter);
        let verifier = builder(&server, &clock).introspection("api", "s").follow_feed();
        let world = Self {
            server,
            clock,
            verifier: verifier.build().unwrap(),
            replies,
            asked,
        };
        world.introspects("grant:a, person:p", POSITION);
        world
    }

    /// A world whose feed has sent its snapshot.
    async fn begun() -> Self {
        let mut world = Self::new();
        world.snapshot().await;
        world
    }

    fn introspects(&self, tags: &'static str, position: &'static str) {
        self.server.scripted("/introspect", move |request| {
            assert_eq!(request.headers()["hallpass-feed"], "1");
            let headers = [("hallpass-tags", tags), ("hallpass-position", position)];
            super::server::ready(answer(
                200,
                &headers,
                &json!({"active": true, "token_type": "Bearer", "aud": API}).to_string(),
            ))
        });
    }

    async fn snapshot(&mut self) {
        // The first call starts the follower.
        assert!(verify(&self.verifier, "starts").await.is_ok());
        let body = json!({"position": POSITION, "events": [], "ended": [], "whole": true});
        self.feed_says(200, &body.to_string()).await;
        // Later than the moment at which the snapshot came.
        self.clock.pass(Duration::from_millis(1));
    }

    /// Lets the feed answer, and waits until that has been taken in: then the next request comes.
    async fn feed_says(&mut self, status: u16, body: &str) {
        self.feed(answer(status, &[], body)).await;
    }

    async fn feed(&mut self, reply: Reply) {
        // The request that this answers must have come.
        self.asked.wait_for(|(count, _)| *count > 0).await.unwrap();
        let before = self.asked.borrow_and_update().0;
        self.replies.send(reply).unwrap();
        self.asked.wait_for(|(count, _)| *count > before).await.unwrap();
    }

    async fn event(&mut self, tags: &[&str]) {
        let body = json!({"position": POSITION, "events": [{"id": "ef-9", "tags": tags}]});
        self.feed_says(200, &body.to_string()).await;
    }

    async fn heartbeat(&mut self) {
        let body = json!({"position": POSITION, "events": []});
        self.feed_says(200, &body.to_string()).await;
    }

    /// How many introspections a verification of `token` costs.
    async fn cost(&self, token: &str) -> usize {
        let before = self.server.count("/introspect");
        assert!(verify(&self.verifier, token).await.is_ok());
        self.server.count("/introspect") - before
    }
}

fn script(server: &Server, waiting: UnboundedReceiver<Reply>, counter: watch::Sender<(usize, String)>) {
    let waiting = Arc::new(AsyncMutex::new(waiting));
    let counter = Arc::new(Mutex::new(counter));
    server.scripted("/resource/feed", move |request| {
        let query = request.uri().query().unwrap_or_default().to_owned();
        counter.lock().unwrap().send_modify(|(count, last)| {
            *count += 1;
            *last = query;
        });
        let waiting = waiting.clone();
        Box::pin(async move {
            let reply = waiting.lock().await.recv().await;
            reply.unwrap_or_else(|| Err(FetchError("the test is over".to_owned())))
        })
    });
}

#[tokio::test(start_paused = true)]
async fn answers_are_kept_once_the_feed_has_begun() {
    let mut world = World::new();
    assert_eq!(world.cost("t").await, 1);
    assert_eq!(world.cost("t").await, 1);
    world.snapshot().await;
    assert_eq!(world.cost("t").await, 1);
    assert_eq!(world.cost("t").await, 0);
    assert_eq!(world.cost("t").await, 0);
    assert_eq!(world.asked.borrow().1, format!("after={POSITION}"));
}

#[tokio::test(start_paused = true)]
async fn an_event_ends_the_answers_that_have_one_of_its_tags() {
    let mut world = World::begun().await;
    assert_eq!((world.cost("t").await, world.cost("t").await), (1, 0));
    world.event(&["grant:b"]).await;
    assert_eq!(world.cost("t").await, 0);
    world.event(&["person:p", "grant:z"]).await;
    // The next answer may come from a server that has not heard of it, so it is not kept either.
    assert_eq!((world.cost("t").await, world.cost("t").await), (1, 1));
    // Five seconds later it is. The feed goes on meanwhile.
    for _ in 0..5 {
        world.clock.pass(Duration::from_secs(1));
        world.heartbeat().await;
    }
    assert_eq!((world.cost("t").await, world.cost("t").await), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_covers_the_event_is_kept_at_once() {
    let mut world = World::begun().await;
    world.event(&["person:p"]).await;
    world.introspects("grant:a, person:p", "ab.cd-1.1.ef-9");
    assert_eq!((world.cost("t").await, world.cost("t").await), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn all_ends_every_answer() {
    let mut world = World::begun().await;
    assert_eq!((world.cost("t").await, world.cost("t").await), (1, 0));
    world.event(&["all"]).await;
    assert_eq!(world.cost("t").await, 1);
}

#[tokio::test(start_paused = true)]
async fn while_the_feed_is_silent_no_kept_answer_is_used() {
    let mut world = World::begun().await;
    assert_eq!((world.cost("t").await, world.cost("t").await), (1, 0));
    world.clock.pass(Duration::from_secs(3));
    assert_eq!((world.cost("t").await, world.cost("t").await), (1, 1));
    // It was only slow: what it says now holds for the answers of before.
    world.heartbeat().await;
    world.heartbeat().await;
    assert_eq!(world.cost("t").await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_silent_feed_and_a_server_that_is_away_are_503() {
    let world = World::begun().await;
    assert_eq!((world.cost("t").await, world.cost("t").await), (1, 0));
    world.server.is_away("/introspect");
    assert!(verify(&world.verifier, "t").await.is_ok());
    world.clock.pass(Duration::from_secs(3));
    assert!(matches!(
        verify(&world.verifier, "t").await,
        Err(Refused::Unavailable(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn after_a_gap_everything_is_forgotten_and_a_snapshot_is_taken() {
    for status in [400, 409, 503, 401, 500] {
        let mut world = World::begun().await;
        assert_eq!((world.cost("t").await, world.cost("t").await), (1, 0));
        world.feed_says(status, "{}").await;
        assert_eq!(
            world.asked.borrow().1,
            "",
            "{status}: the next request asks for a snapshot"
        );
        assert_eq!((world.cost("t").await, world.cost("t").await), (1, 1), "{status}");
        world.snapshot().await;
        assert_eq!((world.cost("t").await, world.cost("t").await), (1, 0), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_forgets_nothing_and_goes_on_from_its_position() {
    let mut world = World::begun().await;
    assert_eq!((world.cost("t").await, world.cost("t").await), (1, 0));
    world.feed(Err(FetchError("reset".to_owned()))).await;
    assert_eq!(world.asked.borrow().1, format!("after={POSITION}"));
    assert_eq!(world.cost("t").await, 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_tags_or_position_is_not_kept() {
    let world = World::begun().await;
    let body = json!({"active": true, "token_type": "Bearer", "aud": API}).to_string();
    for headers in [
        vec![],
        vec![("hallpass-tags", "grant:a")],
        vec![("hallpass-position", POSITION)],
    ] {
        let body = body.clone();
        world.server.scripted("/introspect", move |_| {
            super::server::ready(answer(200, &headers, &body))
        });
        assert_eq!((world.cost("t").await, world.cost("t").await), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn ready_waits_for_the_snapshot() {
    let mut world = World::new();
    let verifier = world.verifier.clone();
    let waiting = tokio::spawn(async move { verifier.ready().await });
    let body = json!({"position": POSITION, "events": [], "ended": [], "whole": true});
    world.feed_says(200, &body.to_string()).await;
    assert_eq!(waiting.await.unwrap(), Ok(()));
    let mut refused = World::new();
    let verifier = refused.verifier.clone();
    let waiting = tokio::spawn(async move { verifier.ready().await });
    refused.feed_says(401, "{}").await;
    let error = waiting.await.unwrap().unwrap_err();
    assert!(error.reason.contains("credentials"), "{error}");
    let silent = World::new();
    let error = silent.verifier.ready().await.unwrap_err();
    assert!(error.reason.contains("feed"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_follower_ends_with_its_verifier() {
    let World {
        verifier,
        replies,
        mut asked,
        ..
    } = World::begun().await;
    let before = asked.borrow_and_update().0;
    drop(verifier);
    let body = json!({"position": POSITION, "events": []}).to_string();
    replies.send(answer(200, &[], &body)).unwrap();
    // Nobody asks again, so nobody answers: the receiver of the replies goes with the script, which the follower held.
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(asked.borrow().0, before);
}
