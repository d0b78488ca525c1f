//! django-oauth-toolkit: no metadata, and introspection answers without an audience.

use crate::{World, verify};
use hallpass_client::{Client, ClientAuth, Provider, SystemClock};
use hallpass_ends::{CLIENT_ID, Django, REDIRECT_URI, SECRET, follow};
use hallpass_resource::Refused;
use std::sync::Arc;

async fn token(server: &Django) -> String {
    let mut provider = Provider::new(CLIENT_ID, ClientAuth::basic(SECRET));
    let endpoint = |name: &str| Some(format!("{}/o/{name}/", server.url()));
    provider.authorization_endpoint = endpoint("authorize");
    provider.token_endpoint = endpoint("token");
    provider.scopes = vec!["read".to_owned()];
    let client = Client::new(provider, crate::http(), Arc::new(SystemClock)).expect("the endpoints are URLs");
    let begun = client.begin(REDIRECT_URI, &[]).expect("there is an endpoint");
    let back = follow(&begun.url, REDIRECT_URI).await;
    let tokens = client.complete(&begun.pending, &back).await;
    tokens.expect("the code is exchanged").access.secret().to_owned()
}

#[tokio::test]
async fn its_tokens_are_asked_about_where_bare_answers_are_accepted() {
    let server = Django::start();
    let world = World::new();
    let endpoint = format!("{}/o/introspect/", server.url());
    let builder = || {
        let builder = world.builder(server.url()).audience("https://api.example");
        builder
            .introspection(CLIENT_ID, SECRET)
            .introspection_endpoint(&endpoint)
    };
    let token = token(&server).await;
    let strict = builder().build().expect("a verifier");
    assert!(matches!(verify(&strict, &token).await, Err(Refused::Invalid(_))));
    let verifier = builder().accept_bare_answers().build().expect("a verifier");
    let access = verify(&verifier, &token).await.expect("a good token");
    assert_eq!(
        (access.client_id(), access.scopes().to_string().as_str()),
        (Some(CLIENT_ID), "read")
    );
    assert!(matches!(verify(&verifier, "made-up").await, Err(Refused::Invalid(_))));
    drop(server);
    assert!(matches!(verify(&verifier, &token).await, Err(Refused::Unavailable(_))));
}
