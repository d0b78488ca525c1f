//! django-oauth-toolkit, whose errors have no description, and whose endpoints are known only by its documentation.

use hallpass_client::{AnyToken, Client, ClientAuth, Refusal, TokenError, Tokens};
use hallpass_ends::{Django, REDIRECT_URI, SECRET, follow};

use crate::{provider, refusal, seconds_left};

fn client(server: &Django, auth: ClientAuth) -> Client {
    let mut provider = provider(auth, "read");
    let endpoint = |name: &str| Some(format!("{}/o/{name}/", server.url()));
    provider.authorization_endpoint = endpoint("authorize");
    provider.token_endpoint = endpoint("token");
    provider.revocation_endpoint = endpoint("revoke_token");
    crate::client(provider)
}

async fn connect(client: &Client) -> Tokens {
    let begun = client.begin(REDIRECT_URI, &[]).expect("there is an endpoint");
    let back = follow(&begun.url, REDIRECT_URI).await;
    let completed = client.complete(&begun.pending, &back).await;
    completed.expect("the code is exchanged")
}

#[tokio::test]
async fn a_code_a_refresh_and_a_revocation_work_with_credentials_in_header_and_body() {
    let server = Django::start();
    for auth in [ClientAuth::basic(SECRET), ClientAuth::body(SECRET)] {
        let client = client(&server, auth);
        let tokens = connect(&client).await;
        assert_eq!(seconds_left(&tokens), 60);
        let refreshed = client.refresh(tokens.refresh.as_ref().expect("a refresh token")).await;
        let refreshed = refreshed.expect("a refresh");
        let refresh = refreshed.refresh.as_ref().expect("rotation");
        client.revoke(AnyToken::Refresh(refresh)).await.expect("a revocation");
        assert_eq!(refusal(client.refresh(refresh).await), Refusal::Grant);
    }
}

#[tokio::test]
async fn a_lost_answer_needs_the_person() {
    let server = Django::start();
    let client = client(&server, ClientAuth::basic(SECRET));
    let tokens = connect(&client).await;
    let refresh = tokens.refresh.as_ref().expect("a refresh token");
    client.refresh(refresh).await.expect("the answer that is lost");
    assert_eq!(refusal(client.refresh(refresh).await), Refusal::Grant);
}

#[tokio::test]
async fn a_wrong_secret_and_a_wrong_path_do_not_look_like_a_dead_grant() {
    let server = Django::start();
    let tokens = connect(&client(&server, ClientAuth::basic(SECRET))).await;
    let refresh = tokens.refresh.as_ref().expect("a refresh token");
    let stranger = client(&server, ClientAuth::basic("wrong"));
    assert_eq!(refusal(stranger.refresh(refresh).await), Refusal::Client);
    let mut lost = provider(ClientAuth::basic(SECRET), "read");
    lost.token_endpoint = Some(format!("{}/o/tokens/", server.url()));
    let error = crate::client(lost)
        .refresh(refresh)
        .await
        .expect_err("there is nothing");
    assert!(matches!(error, TokenError::Malformed { status: 404, .. }), "{error:?}");
}
