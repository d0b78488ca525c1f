//! Hallpass: answers are kept, and die when something ends, also at another server.

use crate::{World, app, verify};
use hallpass_client::{AnyToken, Client, Tokens};
use hallpass_ends::{Hallpass, Person, REDIRECT_URI, declared};
use hallpass_resource::{Refused, Verifier};
use std::future::Future;
use std::time::Duration;

pub(crate) const API: &str = "https://api.example";
pub(crate) const API_SECRET: &str = "the secret of the API, long enough";
/// How long a test waits for what must happen within a second: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// Person, app and API, with a scope of the API and what comes before.
pub(crate) fn declared_with_api(first: &str, scope: &str) -> String {
    let api = format!(
        "[[resources]]\nidentifier = \"{API}\"\nname = \"API\"\nsecret = \"{API_SECRET}\"\nscopes = [\"{scope}\"]\n"
    );
    format!("{first}\n{}{api}", declared())
}

fn world() -> String {
    declared_with_api("", "read")
}

/// The person allows the app at a server, as in a browser.
pub(crate) async fn connect(client: &Client) -> Tokens {
    let begun = client.begin(REDIRECT_URI, &[]).expect("there is an endpoint");
    let url = begun.url.clone();
    let back = tokio::task::spawn_blocking(move || Person::new().allow(&url, REDIRECT_URI));
    let completed = client
        .complete(&begun.pending, &back.await.expect("the person allows it"))
        .await;
    completed.expect("the code is exchanged")
}

fn following(world: &World, issuer: &str) -> Verifier {
    let builder = world.builder(issuer).audience(API).introspection(API, API_SECRET);
    builder.follow_feed().build().expect("a verifier")
}

/// Calls until the answer about `token` is kept: the second call costs no introspection.
async fn kept(world: &World, verifier: &Verifier, token: &str) {
    let waiting = async {
        loop {
            assert!(verify(verifier, token).await.is_ok());
            let before = world.introspections();
            assert!(verify(verifier, token).await.is_ok());
            if world.introspections() == before {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("the answer is kept");
}

/// Does `end`, and measures how long the kept answer outlives it.
async fn dies<F: Future>(verifier: &Verifier, token: &str, what: &str, end: F) -> Refused {
    assert!(verify(verifier, token).await.is_ok());
    end.await;
    #[expect(clippy::disallowed_methods, reason = "measures, and asserts nothing about it")]
    let start = std::time::Instant::now();
    let waiting = async {
        loop {
            match verify(verifier, token).await {
                Ok(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                Err(refused) => return refused,
            }
        }
    };
    let refused = tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("the kept answer dies");
    #[expect(clippy::disallowed_methods, reason = "measures, and asserts nothing about it")]
    let took = start.elapsed();
    println!("{what}: the kept answer died {} ms later", took.as_millis());
    refused
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_at_one_server_ends_the_answer_that_is_kept_from_another() {
    let [first, second] = Hallpass::pair("default", &world());
    let world = World::new();
    let verifier = following(&world, first.url());
    verifier.ready().await.expect("the feed answers");
    let client = app(first.url(), "read", None).await;
    let mut elsewhere = client.provider().clone();
    elsewhere.revocation_endpoint = Some(format!("{}/oauth/revoke", second.url()));
    let elsewhere = Client::new(
        elsewhere,
        crate::http(),
        std::sync::Arc::new(hallpass_client::SystemClock),
    );
    let elsewhere = elsewhere.expect("the endpoints are URLs");

    for round in 0..5 {
        let tokens = connect(&client).await;
        let token = tokens.access.secret();
        kept(&world, &verifier, token).await;
        let revoke = elsewhere.revoke(AnyToken::Access(&tokens.access));
        let what = format!("token revoked elsewhere, round {round}");
        assert_eq!(dies(&verifier, token, &what, revoke).await, Refused::Revoked);
    }
    let tokens = connect(&client).await;
    let token = tokens.access.secret();
    kept(&world, &verifier, token).await;
    let suspend = async { second.command(&["app", "suspend", hallpass_ends::CLIENT_ID]) };
    assert_eq!(
        dies(&verifier, token, "app suspended elsewhere", suspend).await,
        Refused::Revoked
    );
    // Paused is not ended: the token is good again, and nothing that was kept says otherwise.
    second.command(&["app", "resume", hallpass_ends::CLIENT_ID]);
    let good = async {
        while verify(&verifier, token).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, good)
        .await
        .expect("the token is good again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_is_503_also_for_kept_answers() {
    let server = Hallpass::start("default", &world());
    let world = World::new();
    let verifier = following(&world, server.url());
    let tokens = connect(&app(server.url(), "read", None).await).await;
    let token = tokens.access.secret().to_owned();
    let access = verify(&verifier, &token).await.expect("a good token");
    assert_eq!(
        (access.username(), access.organization()),
        (Some(hallpass_ends::EMAIL), Some("default"))
    );
    kept(&world, &verifier, &token).await;
    drop(server);
    world.pass(Duration::from_secs(3));
    let refused = verify(&verifier, &token).await;
    assert!(matches!(refused, Err(Refused::Unavailable(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_told_so() {
    let server = Hallpass::start("default", &world());
    let world = World::new();
    let verifier = following(&world, server.url());
    let tokens = connect(&app(server.url(), "read", None).await).await;
    assert!(verify(&verifier, tokens.access.secret()).await.is_ok());
    world.pass(Duration::from_secs(3600 + 60));
    assert_eq!(
        verify(&verifier, tokens.access.secret()).await.unwrap_err(),
        Refused::Expired
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_shows_at_the_start() {
    let server = Hallpass::start("default", &world());
    let builder = World::new()
        .builder(server.url())
        .audience(API)
        .introspection(API, "wrong");
    let verifier = builder
        .follow_feed()
        .timeout(Duration::from_secs(1))
        .build()
        .expect("a verifier");
    let error = verifier.ready().await.unwrap_err();
    assert!(error.reason.contains("feed"), "{error}");
}
