//! New connections, with a token endpoint on loopback.

use super::super::{Care, ConnectError, ConnectRequest, Connection, Keeper, MemoryVault, VaultKey};
use super::flaky::{Trouble, world};
use crate::http::{HttpClient, Transport, TransportFuture};
use crate::{CallbackError, ClientAuth, SystemClock};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const BACK: &str = "https://app.example/back";

/// A keeper of one provider with these endpoints.
fn keeper(authorize: &str, token: &str) -> Keeper {
    let mut provider = crate::Provider::new("app", ClientAuth::None);
    provider.authorization_endpoint = Some(authorize.to_owned());
    provider.token_endpoint = Some(token.to_owned());
    let http = HttpClient::builder().without_native_roots().build().unwrap();
    let key = VaultKey::from_bytes(&[7; 32]).unwrap();
    Keeper::builder(Arc::new(MemoryVault::new()), key, Arc::new(SystemClock))
        .provider("shop", provider, http, Care::default())
        .redirect_uri(BACK)
        .build()
}

fn one() -> Connection {
    "shop/one".parse().unwrap()
}

/// The whole address of the way back of a sign-in that is begun now.
async fn way_back(keeper: &Keeper, request: &ConnectRequest) -> String {
    let url = keeper.begin(request).await.unwrap();
    let (_, query) = url.split_once('?').unwrap();
    let state = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "state");
    format!("{BACK}/shop?code=c&state={}", state.unwrap().1)
}

/// The head of the next request.
async fn asked(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    stream
}

const TOKENS: &str = r#"{"access_token":"at","token_type":"Bearer","expires_in":3600,"refresh_token":"rt"}"#;

async fn answer(mut stream: TcpStream) {
    let length = TOKENS.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all((head + TOKENS).as_bytes()).await.unwrap();
}

#[tokio::test]
async fn a_caller_that_hangs_up_during_the_exchange_does_not_lose_its_tokens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = format!("http://{}", listener.local_addr().unwrap());
    let keeper = keeper(&format!("{place}/authorize"), &format!("{place}/token"));
    let back = way_back(&keeper, &ConnectRequest::new(one())).await;
    let stream = tokio::select! {
        ended = keeper.complete(&back, "one") => panic!("no answer was given: {ended:?}"),
        stream = asked(&listener) => stream,
    };
    let stopping = tokio::spawn({
        let keeper = keeper.clone();
        async move { keeper.stop().await }
    });
    answer(stream).await;
    stopping.await.unwrap();
    assert_eq!(keeper.token(&one()).await.unwrap().access.secret(), "at");
}

/// A token endpoint that answers at once.
struct Prompt;

impl Transport for Prompt {
    fn send(&self, _: http::Request<bytes::Bytes>) -> TransportFuture<'_> {
        Box::pin(async { Ok(http::Response::new(TOKENS.into())) })
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_that_the_vault_does_not_take_call_for_another_sign_in() {
    let (world, vault) = world();
    let mut provider = crate::Provider::new("app", ClientAuth::None);
    provider.authorization_endpoint = Some("https://id.example/authorize".to_owned());
    provider.token_endpoint = Some("https://id.example/token".to_owned());
    let key = VaultKey::from_bytes(&[7; 32]).unwrap();
    let keeper = Keeper::builder(vault.clone(), key, Arc::new(world.clock.clone()))
        .provider("shop", provider, HttpClient::over(Arc::new(Prompt)), Care::default())
        .redirect_uri(BACK)
        .build();
    let back = way_back(&keeper, &ConnectRequest::new(one())).await;
    vault.set_puts(Trouble::Fails);
    let lost = keeper.complete(&back, "one").await;
    assert!(matches!(lost, Err(ConnectError::NotStored(_))), "{lost:?}");
    vault.set_puts(Trouble::None);
    assert_eq!(keeper.complete(&back, "one").await, Err(ConnectError::State));
}

/// Everything but the exchange, which finds no server.
async fn is_accepted(keeper: &Keeper, request: &ConnectRequest, iss: &str) -> bool {
    let back = way_back(keeper, request).await;
    match keeper.complete(&format!("{back}{iss}"), "one").await {
        Err(ConnectError::Callback(CallbackError::Issuer)) => false,
        Err(ConnectError::Callback(CallbackError::Token(_))) => true,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_that_variables_choose_must_name_itself() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    drop(listener);
    let mut request = ConnectRequest::new(one());
    request.variables = [("port".to_owned(), port.clone())].into();
    let server = keeper("http://127.0.0.1:{port}/authorize", "http://127.0.0.1:{port}/token");
    assert!(is_accepted(&server, &request, &format!("&iss=http://127.0.0.1:{port}")).await);
    for iss in ["", "&iss=http://127.0.0.1:1"] {
        assert!(!is_accepted(&server, &request, iss).await, "{iss}");
    }
    // The issuer is one for all, so it says nothing of the token endpoint.
    let code = keeper("http://127.0.0.1/{port}/authorize", "http://127.0.0.1:{port}/token");
    assert!(!is_accepted(&code, &request, "&iss=http://127.0.0.1").await);
    let path = format!("http://127.0.0.1:{port}/{{port}}/token");
    assert!(is_accepted(&keeper("http://127.0.0.1/{port}/authorize", &path), &request, "").await);
}

#[test]
fn variables_choose_the_server_unless_they_stand_in_a_path_or_below_a_domain() {
    let chooses = |token: &str| {
        let mut provider = crate::Provider::new("app", ClientAuth::None);
        provider.token_endpoint = Some(token.to_owned());
        provider.variables_choose_server()
    };
    for token in [
        "https://{host}/token",
        "https://{shop}.example/token",
        "https://{shop}id.shops.example/token",
        "https://shops.example{end}/token",
        "https://shops.example:{port}/token",
        "http://{first}.0.0.1/token",
        "https://{a}.shops.example.{b}/token",
    ] {
        assert!(chooses(token), "{token}");
    }
    for token in [
        "https://shops.example/token",
        "https://shops.example/{shop}/token",
        "https://shops.example/token?shop={shop}",
        "https://{shop}.shops.example/token",
        "https://id-{shop}.shops.example:8443/token",
        "https://{shop}.{place}.shops.example/{shop}",
    ] {
        assert!(!chooses(token), "{token}");
    }
}
