//! `oidc-provider`: JWTs for a resource (RFC 9068, RFC 8707), keys that change, and opaque tokens.

use crate::{World, app, verify};
use hallpass_ends::{CLIENT_ID, OidcProvider, SECRET};
use hallpass_resource::{Algorithm, HttpClient, Refused};
use std::time::Duration;

const API: &str = "https://api.example";
const OPAQUE: &str = "https://opaque.example";

async fn token(server: &OidcProvider, resource: Option<&str>) -> String {
    let client = app(server.url(), "read", resource).await;
    let tokens = client.client_credentials(&["read".to_owned()]).await;
    tokens.expect("a token of the app").access.secret().to_owned()
}

/// Has the server sign with a new key. `alone` takes the old one out of its set.
async fn rotate(server: &OidcProvider, alone: bool) {
    let url = format!("{}/rotate{}", server.url(), if alone { "?alone" } else { "" });
    let request = http::Request::get(url).body(Default::default()).expect("a request");
    let http: HttpClient = crate::http();
    assert_eq!(http.send(request).await.expect("an answer").status(), 204);
}

#[tokio::test]
async fn a_jwt_for_this_api_is_verified_with_the_keys_of_the_server() {
    let server = OidcProvider::start();
    let world = World::new();
    let verifier = world
        .builder(server.url())
        .audience(API)
        .jwt()
        .build()
        .expect("a verifier");
    verifier.ready().await.expect("metadata and keys");
    let token = token(&server, Some(API)).await;
    let access = verify(&verifier, &token).await.expect("a good token");
    assert_eq!(access.client_id(), Some(CLIENT_ID));
    assert_eq!(
        (access.scopes().to_string().as_str(), access.audiences()),
        ("read", &[API.to_owned()][..])
    );
    let other = world.builder(server.url()).audience("https://other.example").jwt();
    let refused = verify(&other.build().expect("a verifier"), &token).await;
    assert!(matches!(refused, Err(Refused::Invalid(_))), "{refused:?}");
    let narrow = world
        .builder(server.url())
        .audience(API)
        .jwt()
        .algorithms(&[Algorithm::EdDsa]);
    let refused = verify(&narrow.build().expect("a verifier"), &token).await;
    assert!(matches!(refused, Err(Refused::Invalid(_))), "{refused:?}");
    world.pass(Duration::from_secs(91));
    assert_eq!(verify(&verifier, &token).await.unwrap_err(), Refused::Expired);
}

#[tokio::test]
async fn a_new_key_is_fetched_and_one_that_was_taken_out_is_refused() {
    let server = OidcProvider::start();
    let world = World::new();
    let verifier = world
        .builder(server.url())
        .audience(API)
        .jwt()
        .leeway(Duration::from_secs(3600));
    let verifier = verifier.build().expect("a verifier");
    let old = token(&server, Some(API)).await;
    assert!(verify(&verifier, &old).await.is_ok());
    rotate(&server, false).await;
    let new = token(&server, Some(API)).await;
    // The keys were fetched a moment ago.
    assert!(matches!(verify(&verifier, &new).await, Err(Refused::Invalid(_))));
    world.pass(Duration::from_secs(5));
    assert!(verify(&verifier, &new).await.is_ok());
    assert!(verify(&verifier, &old).await.is_ok());
    rotate(&server, true).await;
    world.pass(Duration::from_secs(600));
    assert!(matches!(verify(&verifier, &old).await, Err(Refused::Invalid(_))));
    assert!(verify(&verifier, &token(&server, Some(API)).await).await.is_ok());
}

#[tokio::test]
async fn a_server_that_is_gone_is_503_for_a_new_key_and_no_matter_for_a_known_one() {
    let server = OidcProvider::start();
    let world = World::new();
    let verifier = world
        .builder(server.url())
        .audience(API)
        .jwt()
        .build()
        .expect("a verifier");
    let known = token(&server, Some(API)).await;
    assert!(verify(&verifier, &known).await.is_ok());
    rotate(&server, false).await;
    let unknown = token(&server, Some(API)).await;
    drop(server);
    world.pass(Duration::from_secs(5));
    assert!(verify(&verifier, &known).await.is_ok());
    let refused = verify(&verifier, &unknown).await;
    assert!(matches!(refused, Err(Refused::Unavailable(_))), "{refused:?}");
}

#[tokio::test]
async fn an_opaque_token_is_asked_about() {
    let server = OidcProvider::start();
    let world = World::new();
    let both = world.builder(server.url()).audience(API).audience(OPAQUE).jwt();
    let verifier = both.introspection(CLIENT_ID, SECRET).build().expect("a verifier");
    let opaque = token(&server, Some(OPAQUE)).await;
    let access = verify(&verifier, &opaque).await.expect("a good token");
    assert_eq!(
        (access.client_id(), access.audiences()),
        (Some(CLIENT_ID), &[OPAQUE.to_owned()][..])
    );
    assert_eq!(world.introspections(), 1);
    assert!(verify(&verifier, &token(&server, Some(API)).await).await.is_ok());
    assert_eq!(world.introspections(), 1);
    // Without a resource the token names no audience.
    let nobodys = token(&server, None).await;
    assert!(matches!(verify(&verifier, &nobodys).await, Err(Refused::Invalid(_))));
    assert!(matches!(verify(&verifier, "made-up").await, Err(Refused::Invalid(_))));
    let wrong = world
        .builder(server.url())
        .audience(OPAQUE)
        .introspection(CLIENT_ID, "wrong");
    let refused = verify(&wrong.build().expect("a verifier"), &opaque).await;
    assert!(matches!(refused, Err(Refused::Unavailable(_))), "{refused:?}");
}
