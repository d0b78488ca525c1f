//! New connections, with a token endpoint on loopback.

use super::super::{Care, ConnectRequest, Connection, Keeper, MemoryVault, VaultKey};
use crate::http::HttpClient;
use crate::{ClientAuth, SystemClock};
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

async fn answer(mut stream: TcpStream) {
    let body = r#"{"access_token":"at","token_type":"Bearer","expires_in":3600,"refresh_token":"rt"}"#;
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all((head + body).as_bytes()).await.unwrap();
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
