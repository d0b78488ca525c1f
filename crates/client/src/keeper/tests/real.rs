//! The endpoints of a provider in the world, over a transport that the test answers.

use super::super::{Care, Connection, Keeper, KeeperError, MemoryVault, VaultKey};
use super::world::{MINUTE, TestClock, World, access, watch_for};
use crate::http::{HttpClient, Transport, TransportFuture};
use crate::{ClientAuth, Clock as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// A token endpoint that rotates and never repeats, and metadata.
struct Server {
    clock: TestClock,
    /// The server's clock minus ours.
    ahead: i64,
    /// How long the metadata and the tokens take.
    takes: (Duration, Duration),
    generation: Mutex<u32>,
    /// The bodies of the requests for tokens.
    asked: Mutex<Vec<HashMap<String, String>>>,
}

impl Server {
    fn new(clock: &TestClock, ahead: i64, takes: (u64, u64)) -> Arc<Self> {
        Arc::new(Self {
            clock: clock.clone(),
            ahead,
            takes: (Duration::from_secs(takes.0), Duration::from_secs(takes.1)),
            generation: Mutex::new(1),
            asked: Mutex::default(),
        })
    }

    fn metadata() -> String {
        let metadata = serde_json::json!({
            "issuer": "https://id.example",
            "authorization_endpoint": "https://id.example/a",
            "token_endpoint": "https://id.example/t",
            "response_types_supported": ["code"],
        });
        metadata.to_string()
    }

    /// The answer to a refresh, once for each refresh token.
    fn tokens(&self, body: &[u8]) -> (u16, String) {
        let form: HashMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
        let mut generation = self.generation.lock().unwrap();
        let is_current = form["refresh_token"] == format!("rt.{generation}");
        self.asked.lock().unwrap().push(form);
        if !is_current {
            return (400, r#"{"error":"invalid_grant"}"#.to_owned());
        }
        *generation += 1;
        let tokens = serde_json::json!({
            "access_token": format!("at.{generation}"),
            "token_type": "Bearer",
            "expires_in": 3600,
            "refresh_token": format!("rt.{generation}"),
        });
        (200, tokens.to_string())
    }

    fn answer(&self, status: u16, body: String) -> Response<Bytes> {
        let millis = u64::try_from(self.clock.now_millis() + self.ahead).unwrap();
        let date = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_millis(millis));
        let answer = Response::builder().status(status).header("date", date);
        answer.body(Bytes::from(body)).unwrap()
    }
}

impl Transport for Server {
    fn send(&self, request: Request<Bytes>) -> TransportFuture<'_> {
        Box::pin(async move {
            if request.uri().path() != "/t" {
                tokio::time::sleep(self.takes.0).await;
                return Ok(self.answer(200, Self::metadata()));
            }
            let (status, body) = self.tokens(request.body());
            tokio::time::sleep(self.takes.1).await;
            Ok(self.answer(status, body))
        })
    }
}

/// A keeper of one connection at `server`, whose access token is over.
async fn keeper(world: &World, server: &Arc<Server>, auth: ClientAuth) -> (Keeper, Connection) {
    let mut provider = crate::Provider::new("app", auth);
    provider.issuer = Some("https://id.example".to_owned());
    let http = HttpClient::over(server.clone());
    let key = VaultKey::from_bytes(&[7; 32]).unwrap();
    let keeper = Keeper::builder(Arc::new(MemoryVault::new()), key, Arc::new(world.clock.clone()))
        .provider("shop", provider, http, Care::default())
        .build();
    let one = Connection::new("shop", "one").unwrap();
    let mut tokens = world.server.connect("one");
    tokens.refresh = crate::RefreshToken::new("rt.1");
    keeper.take_over(&one, &tokens).await.unwrap();
    world.clock.advance(61 * MINUTE);
    (keeper, one)
}

/// When an assertion was issued, in seconds.
fn issued_at(form: &HashMap<String, String>) -> i64 {
    let claims = form["client_assertion"].split('.').nth(1).unwrap();
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    claims["iat"].as_i64().unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_assertion_follows_the_clock_that_an_earlier_refresh_measured() {
    let world = World::new();
    let server = Server::new(&world.clock, 10 * MINUTE, (0, 0));
    let key = r#"{"kty":"EC","crv":"P-256","kid":"k","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
    let key = hallpass_wire::jose::SigningKey::from_jwk(key).unwrap();
    let (keeper, one) = keeper(&world, &server, ClientAuth::private_key_jwt(key)).await;
    for (generation, ahead) in [(2, 0), (3, 600)] {
        let ours = world.clock.now_millis() / 1000;
        assert_eq!(access(keeper.token(&one).await), format!("at.{generation}"));
        let found = issued_at(server.asked.lock().unwrap().last().unwrap()) - ours;
        assert!((ahead - 1..=ahead + 1).contains(&found), "{found} s ahead");
        world.clock.advance(61 * MINUTE);
    }
}

#[tokio::test(start_paused = true)]
async fn metadata_that_takes_long_takes_no_time_from_the_refresh() {
    for is_watched in [false, true] {
        let world = World::new();
        let server = Server::new(&world.clock, 0, (12, 4));
        let (keeper, one) = keeper(&world, &server, ClientAuth::None).await;
        if is_watched {
            watch_for(&keeper, Duration::from_secs(20)).await;
        } else {
            let refused = keeper.token(&one).await.unwrap_err();
            let is_so =
                matches!(&refused, KeeperError::Unavailable { reason: Some(reason), .. } if reason == "no_metadata");
            assert!(is_so, "{refused:?}");
            let row = keeper.engine.vault.read(&one).await.unwrap().unwrap();
            assert_eq!(row.asked_at, None, "nothing was sent");
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        assert_eq!(access(keeper.token(&one).await), "at.2", "{is_watched}");
        assert_eq!(server.asked.lock().unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_the_metadata_of_a_provider_that_fails() {
    let world = World::new();
    let server = Server::new(&world.clock, 0, (3600, 0));
    let (keeper, one) = keeper(&world, &server, ClientAuth::None).await;
    for _ in 0..3 {
        assert!(keeper.token(&one).await.is_err());
        tokio::time::sleep(Duration::from_secs(11)).await;
    }
    let told = tokio::time::timeout(Duration::from_secs(1), keeper.token(&one)).await;
    assert!(matches!(told, Ok(Err(KeeperError::Unavailable { .. }))));
}
