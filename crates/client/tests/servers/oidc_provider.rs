//! `oidc-provider`, which follows the RFCs to the letter: it decodes Basic credentials, and a used refresh token ends the grant.

use hallpass_client::{AnyToken, Client, ClientAuth, Provider, Refusal, SigningKey, Tokens, discover};
use hallpass_ends::{OidcProvider, REDIRECT_URI, SECRET, follow};

use crate::{http, provider, refusal, seconds_left};

async fn client(server: &OidcProvider, resource: Option<&str>) -> Client {
    let mut provider = provider(ClientAuth::basic(SECRET), "openid offline_access read");
    provider.resources = resource.map(str::to_owned).into_iter().collect();
    let metadata = discover(&http(), server.url()).await.expect("the server has metadata");
    provider.adopt(&metadata);
    crate::client(provider)
}

async fn connect(client: &Client) -> Tokens {
    let begun = client.begin(REDIRECT_URI, &[]).expect("there is an endpoint");
    let back = follow(&begun.url, REDIRECT_URI).await;
    let completed = client.complete(&begun.pending, &back).await;
    completed.expect("the code is exchanged")
}

#[tokio::test]
async fn a_code_a_refresh_an_introspection_and_a_revocation_work() {
    let server = OidcProvider::start();
    let client = client(&server, None).await;
    let tokens = connect(&client).await;
    assert_eq!(seconds_left(&tokens), 60);
    let refreshed = client.refresh(tokens.refresh.as_ref().expect("offline access")).await;
    let refreshed = refreshed.expect("a refresh");
    let introspection = client.introspect(AnyToken::Access(&refreshed.access)).await;
    assert!(introspection.expect("an introspection").active);
    let refresh = refreshed.refresh.as_ref().expect("rotation");
    client.revoke(AnyToken::Refresh(refresh)).await.expect("a revocation");
    assert_eq!(refusal(client.refresh(refresh).await), Refusal::Grant);
}

#[tokio::test]
async fn a_lost_answer_needs_the_person() {
    let server = OidcProvider::start();
    let client = client(&server, None).await;
    let tokens = connect(&client).await;
    let refresh = tokens.refresh.as_ref().expect("offline access");
    client.refresh(refresh).await.expect("the answer that is lost");
    assert_eq!(refusal(client.refresh(refresh).await), Refusal::Grant);
}

#[tokio::test]
async fn a_resource_is_named_in_every_request() {
    let server = OidcProvider::start();
    let client = client(&server, Some("https://api.example")).await;
    let tokens = connect(&client).await;
    let refreshed = client.refresh(tokens.refresh.as_ref().expect("offline access")).await;
    let refreshed = refreshed.expect("a refresh with `resource`");
    assert_eq!(
        refreshed.access.secret().split('.').count(),
        3,
        "the resource's tokens are JWTs"
    );
    let own = client.client_credentials(&["read".to_owned()]).await;
    assert!(own.expect("a token of the app's own").refresh.is_none());
}

/// The key of RFC 7515 appendix A.3.
const KEY: &str = r#"{"kty":"EC","crv":"P-256","kid":"k","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

#[tokio::test]
async fn a_client_with_a_private_key_authenticates_by_assertions() {
    let key = SigningKey::from_jwk(KEY).expect("a private key");
    let jwks = key.public_jwks();
    let public = jwks.trim_start_matches(r#"{"keys":["#).trim_end_matches("]}");
    let server = OidcProvider::with_signer(public);
    let mut signer = Provider::new("signer", ClientAuth::private_key_jwt(key));
    signer.resources = vec!["https://api.example".to_owned()];
    signer.adopt(&discover(&http(), server.url()).await.expect("the server has metadata"));
    let tokens = crate::client(signer).client_credentials(&["read".to_owned()]).await;
    assert_eq!(seconds_left(&tokens.expect("the assertion is accepted")), 60);
}
