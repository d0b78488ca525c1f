use std::collections::BTreeMap;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::*;
use crate::authorization::Naming;
use crate::{BasicEncoding, BodyFormat, CallbackError, ClientAuth, ClientSecret, RefreshToken, Refusal, TokenError};

const NOW: i64 = 1_800_000_000_000;
const TOKENS: &str = r#"{"access_token":"a","token_type":"BearerToken","expires_in":"3599","refresh_token":"r2"}"#;

/// A request as it was sent.
struct Sent {
    head: String,
    body: String,
}

impl Sent {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn pairs(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }
}

/// A server that answers each request with 200 and `body`, its address, and what it was sent.
async fn server(status: u16, body: &'static str) -> (String, mpsc::UnboundedReceiver<Sent>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (requests, sent) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            requests.send(read(&mut stream).await).unwrap();
            let head = format!(
                "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
    });
    (address, sent)
}

async fn read(stream: &mut TcpStream) -> Sent {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.unwrap();
    let body = String::from_utf8(body).unwrap();
    Sent { head, body }
}

fn provider(address: &str, id: &str, auth: ClientAuth) -> Provider {
    let mut provider = Provider::new(id, auth);
    provider.authorization_endpoint = Some(format!("{address}/authorize?theme=dark"));
    provider.token_endpoint = Some(format!("{address}/token"));
    provider.revocation_endpoint = Some(format!("{address}/revoke"));
    provider.introspection_endpoint = Some(format!("{address}/introspect"));
    provider
}

fn client(provider: Provider) -> Client {
    let http = HttpClient::builder().without_native_roots().build().unwrap();
    Client::new(provider, http, Arc::new(|| NOW)).unwrap()
}

fn query(url: &str) -> BTreeMap<String, String> {
    let query = url.split_once('?').unwrap().1;
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The vector of HOME-1: key and secret joined by a colon.
#[tokio::test]
async fn home_1_a_client_credentials_request_has_the_basic_header_of_the_documentation() {
    let (address, mut sent) = server(200, TOKENS).await;
    let client = client(provider(&address, "123abc", ClientAuth::basic("456def")));
    let tokens = client.client_credentials(&["user".to_owned()]).await.unwrap();
    assert_eq!(
        (tokens.access.secret(), tokens.expires_at),
        ("a", Some(NOW + 3_599_000))
    );
    let sent = sent.recv().await.unwrap();
    assert_eq!(sent.header("authorization"), Some("Basic MTIzYWJjOjQ1NmRlZg=="));
    assert_eq!(sent.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(sent.body, "grant_type=client_credentials&scope=user");
}

/// The vector of HOME-6.
#[tokio::test]
async fn home_6_a_refresh_has_the_basic_header_of_the_documentation() {
    let (address, mut sent) = server(200, TOKENS).await;
    let client = client(provider(&address, "123", ClientAuth::basic("abc")));
    let tokens = client.refresh(&RefreshToken::new("r1").unwrap()).await.unwrap();
    assert_eq!(tokens.refresh.unwrap().secret(), "r2");
    let sent = sent.recv().await.unwrap();
    assert_eq!(sent.header("authorization"), Some("Basic MTIzOmFiYw=="));
    assert_eq!(sent.body, "grant_type=refresh_token&refresh_token=r1");
}

/// The long vector of HOME-7.
#[tokio::test]
async fn home_7_an_exchange_has_the_basic_header_of_the_documentation() {
    let (address, mut sent) = server(200, TOKENS).await;
    let auth = ClientAuth::basic("Z1947381rwgf0WkPPGPHnGik6h3LdhZ9");
    let client = client(provider(&address, "9UY8NrmDtIh8GVTkNdX0Y7I6k37254a9", auth));
    let begun = client.begin("https://app.example/callback", &[]).unwrap();
    let back = format!("https://app.example/callback?code=c&state={}", begun.pending.state);
    client.complete(&begun.pending, &back).await.unwrap();
    let header = "Basic OVVZOE5ybUR0SWg4R1ZUa05kWDBZN0k2azM3MjU0YTk6WjE5NDczODFyd2dmMFdrUFBHUEhuR2lrNmgzTGRoWjk=";
    assert_eq!(sent.recv().await.unwrap().header("authorization"), Some(header));
}

#[test]
fn id_and_secret_are_form_encoded_unless_the_server_does_not_decode() {
    let secret = || ClientSecret::new("p+s s%");
    let form = ClientAuth::Basic(secret(), BasicEncoding::Form).basic_header("a:b");
    let plain = ClientAuth::Basic(secret(), BasicEncoding::Plain).basic_header("a:b");
    // "a%3Ab:p%2Bs+s%25" and "a:b:p+s s%"
    assert_eq!(form.as_deref(), Some("Basic YSUzQWI6cCUyQnMrcyUyNQ=="));
    assert_eq!(plain.as_deref(), Some("Basic YTpiOnArcyBzJQ=="));
}

#[tokio::test]
async fn credentials_in_the_body_come_with_no_header() {
    let (address, mut sent) = server(200, TOKENS).await;
    let refresh = RefreshToken::new("r1").unwrap();
    for (auth, last) in [
        (ClientAuth::body("s&t"), "client_id=app&client_secret=s%26t"),
        (ClientAuth::None, "client_id=app"),
    ] {
        client(provider(&address, "app", auth)).refresh(&refresh).await.unwrap();
        let sent = sent.recv().await.unwrap();
        assert_eq!(sent.header("authorization"), None);
        assert_eq!(sent.body, format!("grant_type=refresh_token&refresh_token=r1&{last}"));
    }
}

#[tokio::test]
async fn an_assertion_names_client_and_issuer_and_follows_the_server_s_clock() {
    let key = r#"{"kty":"EC","crv":"P-256","kid":"k","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
    let key = hallpass_wire::jose::SigningKey::from_jwk(key).unwrap();
    let keys = hallpass_wire::jose::Jwks::parse(key.public_jwks().as_bytes()).unwrap();
    let (address, mut sent) = server(200, TOKENS).await;
    let mut provider = provider(&address, "app", ClientAuth::private_key_jwt(key));
    provider.issuer = Some("https://id.example".to_owned());
    let client = client(provider);
    // As if the last answer had said that the server's clock is five minutes ahead.
    client.skew.store(300_000, std::sync::atomic::Ordering::Relaxed);
    client.refresh(&RefreshToken::new("r1").unwrap()).await.unwrap();
    let form: BTreeMap<_, _> = sent.recv().await.unwrap().pairs().into_iter().collect();
    assert_eq!(
        form["client_assertion_type"],
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );
    let policy = hallpass_wire::jose::Policy {
        typ: hallpass_wire::jose::Typ::Is("JWT"),
        algorithms: &[],
        issuer: "app",
        audiences: &["https://id.example".to_owned()],
        leeway: std::time::Duration::ZERO,
    };
    let claims = hallpass_wire::jose::verify(&form["client_assertion"], &keys, &policy, NOW + 300_000).unwrap();
    assert_eq!((claims.subject(), claims.expires_at_ms()), (Some("app"), NOW + 600_000));
    assert_eq!(claims.text("jti").unwrap().len(), 43);
}

#[tokio::test]
async fn the_authorization_request_has_state_and_challenge_and_the_exchange_answers_them() {
    let (address, mut sent) = server(200, TOKENS).await;
    let mut provider = provider(&address, "app", ClientAuth::body("s"));
    provider.scopes = vec!["read".to_owned(), "write".to_owned()];
    provider.resources = vec!["https://api.example".to_owned()];
    provider.authorize_params = owned(&[("access_type", "offline"), ("state", "mine")]);
    provider.token_params = owned(&[("audience", "x"), ("code", "mine")]);
    provider.callback_extra = vec!["realmId".to_owned()];
    let client = client(provider);
    let begun = client.begin("https://app.example/callback", &[]).unwrap();
    let asked = query(&begun.url);
    assert!(
        begun
            .url
            .starts_with(&format!("{address}/authorize?theme=dark&response_type=code&"))
    );
    for (name, value) in [
        ("client_id", "app"),
        ("redirect_uri", "https://app.example/callback"),
        ("scope", "read write"),
        ("state", &begun.pending.state),
        ("code_challenge_method", "S256"),
        ("resource", "https://api.example"),
        ("access_type", "offline"),
    ] {
        assert_eq!(asked[name], value, "{name}");
    }
    let back = format!(
        "https://app.example/callback?code=c&state={}&realmId=7",
        begun.pending.state
    );
    let tokens = client.complete(&begun.pending, &back).await.unwrap();
    assert_eq!(tokens.extra["realmId"], "7");
    let form: BTreeMap<_, _> = sent.recv().await.unwrap().pairs().into_iter().collect();
    let challenge = hallpass_wire::pkce::CodeChallenge::parse(&asked["code_challenge"]).unwrap();
    let verifier = hallpass_wire::pkce::CodeVerifier::parse(&form["code_verifier"]).unwrap();
    assert!(challenge.is_answered_by(verifier));
    assert_eq!(
        (&*form["code"], &*form["redirect_uri"], &*form["audience"]),
        ("c", "https://app.example/callback", "x")
    );
}

#[test]
fn no_two_authorizations_share_state_or_verifier() {
    let client = client(provider("https://id.example", "app", ClientAuth::None));
    let begin = || client.begin("https://app.example/callback", &[]).unwrap().pending;
    let (one, other) = (begin(), begin());
    assert!(one.state != other.state && one.verifier != other.verifier);
    assert!(!format!("{one:?}").contains(&one.state));
}

#[tokio::test]
async fn a_way_back_is_refused_unless_state_issuer_and_redirect_uri_fit() {
    let mut asked = provider("http://127.0.0.1:9", "app", ClientAuth::None);
    asked.issuer = Some("https://id.example".to_owned());
    asked.iss_required = true;
    let client = client(asked);
    let begun = client.begin("https://app.example/callback/one", &[]).unwrap();
    let state = &begun.pending.state;
    let iss = "iss=https%3A%2F%2Fid.example";
    for (back, expected) in [
        ("".to_owned(), CallbackError::State),
        (format!("code=c&{iss}"), CallbackError::State),
        (format!("code=c&{iss}&state={state}x"), CallbackError::State),
        (
            format!("code=c&{iss}&state={state}&state={state}"),
            CallbackError::Malformed,
        ),
        (format!("code=c&code=d&{iss}&state={state}"), CallbackError::Malformed),
        (format!("{iss}&state={state}"), CallbackError::Malformed),
        (format!("code=c&state={state}"), CallbackError::Issuer),
        (
            format!("code=c&state={state}&iss=https%3A%2F%2Fevil.example"),
            CallbackError::Issuer,
        ),
        (format!("error=access_denied&state={state}"), CallbackError::Issuer),
        (
            format!("https://app.example/callback/two?code=c&{iss}&state={state}"),
            CallbackError::RedirectUri,
        ),
        (
            format!("{}&state={state}", "x".repeat(17_000)),
            CallbackError::Malformed,
        ),
    ] {
        assert_eq!(
            client.complete(&begun.pending, &back).await.unwrap_err(),
            expected,
            "{back}"
        );
    }
    let denied = format!("?error=access_denied&error_description=The+user+denied&{iss}&state={state}");
    match client.complete(&begun.pending, &denied).await.unwrap_err() {
        CallbackError::Refused(error) => assert_eq!(error.to_string(), "access_denied: The user denied"),
        other => panic!("{other:?}"),
    }
    // Everything fits: the exchange is tried, and nobody listens there.
    let good = format!("https://app.example/callback/one?code=c&{iss}&state={state}#x");
    let error = client.complete(&begun.pending, &good).await.unwrap_err();
    assert!(
        matches!(error, CallbackError::Token(TokenError::NotSent(_))),
        "{error:?}"
    );
}

#[test]
fn a_query_alone_is_enough_only_if_it_says_who_sent_it() {
    let check = |issuer: Option<&str>, back: &str| {
        let mut asked = provider("https://id.example", "app", ClientAuth::None);
        asked.issuer = issuer.map(str::to_owned);
        let client = client(asked);
        let pending = client.begin("https://app.example/callback", &[]).unwrap().pending;
        let back = format!("{back}code=c&state={}", pending.state);
        pending
            .accept(client.provider(), &back, Naming::QueryAlone, NOW)
            .map(drop)
    };
    let issuer = Some("https://id.example");
    assert_eq!(check(None, ""), Err(CallbackError::Address));
    assert_eq!(check(None, "?"), Err(CallbackError::Address));
    assert_eq!(check(issuer, ""), Err(CallbackError::Address));
    assert_eq!(check(issuer, "iss=https://id.example&"), Ok(()));
    assert_eq!(check(None, "https://app.example/callback?"), Ok(()));
    for whole in ["", "https://app.example/callback?"] {
        let back = format!("{whole}iss=https://evil.example&");
        assert_eq!(
            check(None, &back),
            Err(CallbackError::Issuer),
            "the user was not sent there"
        );
    }
    let own = |whole: &str| check(None, &format!("{whole}iss=https://id.example/tenant&"));
    assert_eq!(own("https://app.example/callback?"), Ok(()));
    assert_eq!(own(""), Ok(()), "the server is at the place where the user was sent");
}

#[test]
fn a_query_alone_need_not_name_its_server_if_there_is_one_only() {
    let check = |required: bool, back: &str| {
        let mut asked = provider("https://id.example", "app", ClientAuth::None);
        asked.iss_required = required;
        let client = client(asked);
        let pending = client.begin("https://app.example/callback", &[]).unwrap().pending;
        let back = format!("{back}code=c&state={}", pending.state);
        pending.accept(client.provider(), &back, Naming::Never, NOW).map(drop)
    };
    assert_eq!(check(false, ""), Ok(()));
    assert_eq!(check(false, "iss=https://evil.example&"), Err(CallbackError::Issuer));
    assert_eq!(check(true, ""), Err(CallbackError::Issuer), "the server promises `iss`");
}

#[test]
fn a_way_back_after_an_hour_is_refused() {
    let client = client(provider("https://id.example", "app", ClientAuth::None));
    let pending = client.begin("https://app.example/callback", &[]).unwrap().pending;
    let back = format!("https://app.example/callback?code=c&state={}", pending.state);
    let accept = |later| {
        pending
            .accept(client.provider(), &back, Naming::QueryAlone, NOW + later)
            .map(drop)
    };
    assert_eq!(accept(3_600_000), Ok(()));
    assert_eq!(accept(3_600_001), Err(CallbackError::Expired));
}

#[tokio::test]
async fn a_refresh_may_ask_for_less_and_in_json() {
    let (address, mut sent) = server(200, TOKENS).await;
    let mut provider = provider(&address, "app", ClientAuth::body("s"));
    provider.body = BodyFormat::Json;
    provider.scope_separator = ",".to_owned();
    provider.resources = vec!["https://a.example".to_owned(), "https://b.example".to_owned()];
    let client = client(provider);
    let scopes = ["read".to_owned(), "write".to_owned()];
    let narrowing = Narrowing {
        scopes: &scopes,
        resources: &[],
    };
    let refresh = RefreshToken::new("r1").unwrap();
    client.refresh_narrowed(&refresh, narrowing).await.unwrap();
    let sent = sent.recv().await.unwrap();
    assert_eq!(sent.header("content-type"), Some("application/json"));
    let body: serde_json::Value = serde_json::from_str(&sent.body).unwrap();
    assert_eq!(
        body,
        serde_json::json!({
            "grant_type": "refresh_token", "refresh_token": "r1", "scope": "read,write",
            "resource": ["https://a.example", "https://b.example"], "client_id": "app", "client_secret": "s",
        })
    );
}

#[tokio::test]
async fn a_revocation_succeeds_whatever_the_body_of_a_good_answer() {
    let token = AccessTokenOf("a");
    for body in ["", "{}", r#"{"revoked":true}"#, "OK"] {
        let (address, mut sent) = server(200, body).await;
        let client = client(provider(&address, "app", ClientAuth::None));
        client.revoke(AnyToken::Access(&token.get())).await.unwrap();
        assert_eq!(
            sent.recv().await.unwrap().body,
            "token=a&token_type_hint=access_token&client_id=app"
        );
    }
    for (status, body) in [(400, r#"{"error":"unsupported_token_type"}"#), (404, ""), (503, "")] {
        let (address, _sent) = server(status, body).await;
        let client = client(provider(&address, "app", ClientAuth::None));
        assert!(client.revoke(AnyToken::Access(&token.get())).await.is_err(), "{status}");
    }
}

struct AccessTokenOf(&'static str);

impl AccessTokenOf {
    fn get(&self) -> crate::AccessToken {
        crate::AccessToken::new(self.0).unwrap()
    }
}

#[tokio::test]
async fn only_a_true_active_means_that_a_token_is_valid() {
    for (body, active) in [
        (r#"{"active": true, "scope": "read write"}"#, true),
        (r#"{"active": false}"#, false),
        (r#"{"active": "true"}"#, false),
        ("{}", false),
    ] {
        let (address, _sent) = server(200, body).await;
        let client = client(provider(&address, "app", ClientAuth::None));
        let answer = client
            .introspect(AnyToken::Access(&AccessTokenOf("a").get()))
            .await
            .unwrap();
        assert_eq!(answer.active, active, "{body}");
    }
}

#[tokio::test]
async fn an_error_repeats_neither_token_nor_secret() {
    let body = r#"{"error":"invalid_grant","error_description":"hp_rt_one by app:hush-hush"}"#;
    let (address, _sent) = server(400, body).await;
    let client = client(provider(&address, "app", ClientAuth::basic("hush-hush")));
    let error = client
        .refresh(&RefreshToken::new("hp_rt_one").unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "the server refused: invalid_grant: … by app:…");
    assert!(matches!(error, TokenError::Refused(error) if error.refusal() == Refusal::Grant));
}

#[test]
fn an_endpoint_without_a_value_or_with_another_host_is_refused() {
    let http = HttpClient::builder().without_native_roots().build().unwrap();
    let made = |provider| Client::new(provider, http.clone(), Arc::new(|| NOW)).map(drop);
    let shop = provider("https://{shop}.example", "app", ClientAuth::None);
    assert_eq!(made(shop.clone()), Err(ProviderError::Variable("shop".to_owned())));
    for value in [
        "",
        "a/b",
        "a@b",
        "evil.example/",
        "..",
        "a..b",
        ".a",
        "a.",
        "a:1",
        "a?b",
        "a#b",
        "ü",
    ] {
        let values = BTreeMap::from([("shop".to_owned(), value.to_owned())]);
        let error = shop.with_variables(&values).unwrap_err();
        assert_eq!(error, ProviderError::Value("shop".to_owned()), "{value}");
    }
    let filled = shop
        .with_variables(&BTreeMap::from([("shop".to_owned(), "my-shop".to_owned())]))
        .unwrap();
    assert_eq!(filled.token_endpoint.as_deref(), Some("https://my-shop.example/token"));
    assert_eq!(made(filled), Ok(()));
    for endpoint in [
        "/token",
        "id.example/token",
        "https://id.example/token#x",
        "ftp://id.example/",
    ] {
        let mut other = provider("https://id.example", "app", ClientAuth::None);
        other.token_endpoint = Some(endpoint.to_owned());
        assert_eq!(made(other), Err(ProviderError::Url("token_endpoint")), "{endpoint}");
    }
}

proptest! {
    /// Whatever comes back: no panic, and nothing but the right state is accepted.
    #[test]
    fn a_hostile_way_back_does_no_harm(back in ".{0,200}") {
        let client = client(provider("https://id.example", "app", ClientAuth::None));
        let pending = client.begin("https://app.example/callback", &[]).unwrap().pending;
        prop_assert!(pending.accept(client.provider(), &back, Naming::QueryAlone, NOW).is_err());
    }
}

/// RFC 6749 §4.1.3: `redirect_uri` is in both requests or in none.
#[tokio::test]
async fn a_code_that_the_user_copies_needs_no_redirect_uri() {
    let (address, mut sent) = server(200, TOKENS).await;
    let client = client(provider(&address, "id", ClientAuth::basic("secret")));
    let begun = client.begin("", &[]).unwrap();
    assert!(!begun.url.contains("redirect_uri"), "{}", begun.url);
    let tokens = client.redeem(&begun.pending, "the code").await.unwrap();
    assert_eq!(tokens.access.secret(), "a");
    let pairs = sent.recv().await.unwrap().pairs();
    let names: Vec<_> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["grant_type", "code", "code_verifier"]);
}
