//! The server accepts everything that it issues: tokens, forms, URLs and credentials of the maximum length (decision 33).

use crate::harness::{JOHN, Landing, RESOURCE, SECRET, Server};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hallpass::config::preset_names;
use hallpass::tokens::sealed::{LONGEST, LONGEST_SCOPES};
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};

/// The room for one header on HTTP/2, where all headers share 8 KiB, beside those that clients and proxies add.
const ONE_HEADER: usize = 6 * 1024;
/// The longest URL of a page on HTTP/1.
const LONGEST_ADDRESS: usize = 12 * 1024 + 512;
const CALLBACK: &str = "https://long.example/callback";

/// Twenty scopes of 128 characters, two that make the text exactly as long as allowed, one more, and an app that may have
/// them all.
fn world() -> String {
    let scope = |name: String| format!("[scopes.{name}]\ntitle = \"A scope\"\n");
    let names = (1..=20).map(numbered).chain([last(113), last(114)]);
    let product = names.clone().map(|name| format!("\"{name}\",")).collect::<String>();
    let scopes: String = names.map(scope).collect();
    format!(
        "[server]\npublic_url = \"http://id.example\"\n{scopes}
        [products.\"Long Plan\"]
        scopes = [{product}]
        [[apps]]
        name = \"Long\"
        client_id = \"long\"
        client_secret = \"{SECRET}\"
        redirect_uris = [\"{CALLBACK}\"]
        products = [\"Long Plan\"]
        [[resources]]
        identifier = \"{RESOURCE}\"
        name = \"The API\"
        secret = \"{SECRET}\"
        "
    )
}

fn numbered(number: usize) -> String {
    format!("{}{number:02}", "a".repeat(126))
}

fn last(length: usize) -> String {
    "b".repeat(length)
}

/// Fifteen numbered scopes and one with `length` characters.
fn scopes_of(length: usize) -> String {
    let mut names: Vec<String> = (1..=15).map(numbered).collect();
    names.push(last(length));
    names.join(" ")
}

fn longest_scopes() -> String {
    let scopes = scopes_of(113);
    assert_eq!(scopes.len(), LONGEST_SCOPES);
    scopes
}

fn offers_client_credentials(preset: &str) -> bool {
    matches!(preset, "default" | "connected-home")
}

/// Asserts that app and API can introspect the token. Then the app revokes it.
async fn is_accepted_and_revoked(server: &Server, token: &str) {
    let preset = &server.preset;
    assert!(token.len() <= LONGEST && token.len() + "Bearer ".len() < ONE_HEADER);
    let long = server.client("long", CALLBACK);
    for asker in [&long, &server.client(RESOURCE, "").by_basic()] {
        let told = asker.introspect(token).await;
        assert_eq!(told.status, 200, "{preset}: {told:?}");
        assert_ne!(told.json()["active"], false, "{preset}");
    }
    assert_eq!(long.revoke(token).await.status, 200, "{preset}");
    assert_eq!(long.introspect(token).await.json()["active"], false, "{preset}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_access_tokens_are_accepted_everywhere_and_can_be_revoked() {
    for preset in preset_names() {
        let server = Server::library(preset, &world()).await;
        let john = server.browser_of(JOHN).await;
        let long = server.client("long", CALLBACK);
        let scopes = longest_scopes();
        let tokens = long.connect_with(&john, &[("scope", &scopes)]).await;
        assert_eq!(server.identity(&tokens.access).await.status, 200, "{preset}");
        is_accepted_and_revoked(&server, &tokens.access).await;
        assert_eq!(server.identity(&tokens.access).await.status, 401, "{preset}");
        let refreshed = long.refresh(&tokens.refresh).await.tokens();
        is_accepted_and_revoked(&server, &refreshed.access).await;
        if offers_client_credentials(preset) {
            let own = long.client_credentials(&[("scope", &scopes)]).await.tokens();
            is_accepted_and_revoked(&server, &own.access).await;
        }
    }
}

/// RFC 6749 §3.3, §4.1.2.1 and §5.2: a request for more scopes is refused, instead of giving a token that is refused later.
#[tokio::test(flavor = "multi_thread")]
async fn more_scopes_than_a_token_has_room_for_are_invalid_scope() {
    let all: Vec<String> = (1..=20).map(numbered).collect();
    for preset in preset_names() {
        let server = Server::library(preset, &world()).await;
        let john = server.browser_of(JOHN).await;
        let long = server.client("long", CALLBACK);
        for scopes in [scopes_of(114), all.join(" ")] {
            let refused = john.authorize(&long.query(&[("scope", &scopes)])).await.callback();
            assert_eq!(refused.get("error"), "invalid_scope", "{preset}");
            if offers_client_credentials(preset) {
                let refused = long.client_credentials(&[("scope", &scopes)]).await;
                assert_eq!(refused.refusal(), "400 invalid_scope", "{preset}");
            }
        }
    }
    let server = Server::library("default", &world()).await;
    let refused = server
        .client("long", CALLBACK)
        .client_credentials(&[("scope", &scopes_of(114))])
        .await;
    insta::assert_snapshot!(refused.shown(), @r#"
    400
    content-type: application/json
    cache-control: no-store
    pragma: no-cache

    {"error":"invalid_scope","error_description":"The scopes have 2049 characters, and an access token has room for 2048"}
    "#);
}

/// An earlier version issued grants with more scopes: the refused request uses up nothing, and the app can ask for fewer
/// scopes.
#[tokio::test(flavor = "multi_thread")]
async fn a_grant_with_more_scopes_than_a_token_has_room_for_gives_fewer() {
    let server = Server::library("default", &world()).await;
    let john = server.browser_of(JOHN).await;
    let long = server.client("long", CALLBACK);
    let few = numbered(1);
    let tokens = long.connect_with(&john, &[("scope", &few)]).await;
    let code = long.code(&john, &[("scope", &few)]).await;
    server.sql(&format!("UPDATE grants SET scopes = '{}'", scopes_of(114)));
    let refused = long.refresh(&tokens.refresh).await;
    assert_eq!(refused.refusal(), "400 invalid_scope");
    let narrowed = long.refresh_with(&tokens.refresh, &[("scope", &few)]).await;
    is_accepted_and_revoked(&server, &narrowed.tokens().access).await;
    assert_eq!(long.redeem(&code).await.refusal(), "400 invalid_scope");
    server.sql(&format!("UPDATE grants SET scopes = '{few}'"));
    assert_eq!(long.redeem(&code).await.status, 200, "the code was not spent");
}

/// The consent form carries the request, and the sign-in form the whole URL: the server accepts both.
#[tokio::test(flavor = "multi_thread")]
async fn the_longest_authorization_request_passes_sign_in_and_consent() {
    let server = Server::library("default", &world()).await;
    let long = server.client("long", CALLBACK);
    // Each byte of it takes three characters in a URL.
    let state = "é".repeat(2048);
    let query = long.query(&[("state", &state), ("scope", &numbered(1))]);
    let room = LONGEST_ADDRESS - "/oauth/authorize?&x=".len() - query.len();
    let longest = format!("{query}&x={}", "x".repeat(room));
    for decision in ["allow", "deny"] {
        let browser = server.browser();
        let login = browser.authorize(&longest).await.login();
        let consent = Landing::of(browser.send_login(&login, JOHN).await).consent();
        let callback = browser.decide(&consent, decision).await.callback();
        assert_eq!(callback.get("state"), state, "{decision}");
    }
    // The reverse: the account is switched in between.
    let browser = server.browser_of(JOHN).await;
    let consent = browser.authorize(&longest).await.consent();
    let switch = consent
        .forms()
        .into_iter()
        .find(|form| form.action.ends_with("/switch"));
    let switched = browser.submit(&consent, &switch.expect("a form to switch"), &[]).await;
    assert_eq!(Landing::of(switched).login().status, 200);
}

/// The headers that a browser and a proxy send in addition to cookies.
const OF_BROWSER: [(&str, &str); 18] = [
    ("host", "id.example"),
    ("cache-control", "max-age=0"),
    (
        "sec-ch-ua",
        r#""Chromium";v="128", "Not;A=Brand";v="24", "Google Chrome";v="128""#,
    ),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", r#""Windows""#),
    ("upgrade-insecure-requests", "1"),
    (
        "user-agent",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36",
    ),
    (
        "accept",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,\
         application/signed-exchange;v=b3;q=0.7",
    ),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-user", "?1"),
    ("sec-fetch-dest", "document"),
    ("referer", "https://id.example/"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "nl-NL,nl;q=0.9,en-US;q=0.8,en;q=0.7"),
    ("priority", "u=0, i"),
    ("x-forwarded-for", "192.0.2.100"),
    ("x-forwarded-proto", "https"),
];

/// A person opened 32 tabs before the first cookie. After the sign-in, the browser sends a URL again with all cookies.
#[tokio::test(flavor = "multi_thread")]
async fn the_longest_url_fits_beside_all_cookies_and_headers() {
    let declared = world().replace("http://id.example", "https://id.example");
    let server = Server::library("default", &declared).await;
    let value = "A".repeat(43);
    let bindings = (0..32).map(|number| format!("__Host-hallpass-browser-{number:08}={value}; "));
    let cookies = bindings.collect::<String>() + &format!("__Host-hallpass={value}");
    let io = TokioIo::new(server.connection().await);
    let (mut http_1, connection) = http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let io = TokioIo::new(server.connection().await);
    let (mut http_2, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    for (more, status) in [(0, 200), (1, 414)] {
        for (version, longest) in [(1, LONGEST_ADDRESS), (2, 4 * 1024)] {
            let address = format!("/login?x={}", "x".repeat(longest + more - "/login?x=".len()));
            let host = if version == 2 { "http://id.example" } else { "" };
            let mut request = Request::get(format!("{host}{address}")).header("cookie", &cookies);
            for (name, value) in OF_BROWSER.into_iter().skip(version - 1) {
                request = request.header(name, value);
            }
            let request = request.body(Empty::<Bytes>::new()).unwrap();
            let answer = match version {
                1 => http_1.send_request(request).await,
                _ => http_2.send_request(request).await,
            };
            let answer = answer.unwrap();
            assert_eq!(answer.status(), status, "HTTP/{version}, {} bytes", address.len());
            answer.into_body().collect().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_too_long_for_a_form_is_refused() {
    let server = Server::library("default", &world()).await;
    let john = server.browser_of(JOHN).await;
    let stranger = server.browser();
    for path in ["/account", "/account/apps", "/developer", "/login"] {
        for length in [LONGEST_ADDRESS + 1, 15_500] {
            let place = format!("{path}?x={}", "x".repeat(length - path.len() - 3));
            let told = [
                (&john, "groter dan deze server aanneemt"),
                (&stranger, "larger than this server takes"),
            ];
            for (browser, text) in told {
                let refused = browser.open(&place).await;
                assert_eq!(refused.status, 414, "{path} {length}");
                assert!(refused.text().contains(text), "{path}");
            }
        }
        // On HTTP/1 the URL and all headers share 16 KiB; a longer request is not read at all.
        assert_eq!(
            server.get(&format!("{path}?x={}", "x".repeat(16 * 1024))).await.status,
            431
        );
    }
}

/// RFC 6749 §4.1.2.1: the app gets the error, with its state.
#[tokio::test(flavor = "multi_thread")]
async fn an_authorization_request_too_long_for_a_form_is_refused_by_redirect() {
    let server = Server::library("default", &world()).await;
    let query = server
        .client("long", CALLBACK)
        .query(&[("state", "s"), ("scope", &numbered(1))]);
    for browser in [server.browser_of(JOHN).await, server.browser()] {
        for length in [LONGEST_ADDRESS + 1, 15_500] {
            let room = length - "/oauth/authorize?&x=".len() - query.len();
            let landing = browser.authorize(&format!("{query}&x={}", "x".repeat(room))).await;
            let callback = landing.callback();
            assert_eq!((callback.get("error"), callback.get("state")), ("invalid_request", "s"));
            assert_eq!(callback.get("error_description"), "The request is too large");
        }
    }
    let nobody = format!("client_id=nobody&x={}", "x".repeat(15_000));
    assert_eq!(server.get(&format!("/oauth/authorize?{nobody}")).await.status, 400);
}

/// RFC 6749 §2.3.1: encoded, each character of id and secret may take three bytes.
#[tokio::test(flavor = "multi_thread")]
async fn the_longest_declared_credentials_are_accepted() {
    let (id, identifier) = ("%".repeat(128), format!("https://{}", "%".repeat(248)));
    let secret = "%".repeat(1024);
    let declared = format!(
        "[[apps]]\nname = \"Long\"\nclient_id = \"{id}\"\nclient_secret = \"{secret}\"\nredirect_uris = [\"{CALLBACK}\"]
        [[resources]]\nidentifier = \"{identifier}\"\nname = \"API\"\nsecret = \"{secret}\""
    );
    let server = Server::library("default", &declared).await;
    let app = server.client(&id, CALLBACK).with_secret(&secret);
    let api = server.client(&identifier, "").with_secret(&secret).by_basic();
    assert!(app.basic().len() < ONE_HEADER && api.basic().len() < ONE_HEADER);
    for app in [&app, &app.clone().by_basic()] {
        let token = app.client_credentials(&[]).await.tokens().access;
        assert_eq!(app.introspect(&token).await.json()["active"], true);
        assert_eq!(api.introspect(&token).await.json()["active"], true);
    }
    let raw = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let answer = server
        .post_as("/oauth/token", &raw, &[("grant_type", "client_credentials")])
        .await;
    assert_eq!(answer.status, 200);
}

/// The longest redirect URI that can be registered, and a native app's URI with a longer port.
#[tokio::test(flavor = "multi_thread")]
async fn the_longest_redirect_uris_can_be_used() {
    let uri = |start: &str| format!("{start}{}", "x".repeat(2000 - start.len()));
    let (web, native) = (uri("https://long.example/"), uri("http://127.0.0.1/"));
    let declared = format!(
        "[[apps]]\nname = \"Web\"\nclient_id = \"web\"\nclient_secret = \"{SECRET}\"\nredirect_uris = [\"{web}\"]
        [[apps]]\nname = \"Native\"\nclient_id = \"native\"\ntype = \"public\"\nredirect_uris = [\"{native}\"]"
    );
    let server = Server::library("default", &declared).await;
    let john = server.browser_of(JOHN).await;
    let sent = native.replacen("127.0.0.1", "127.0.0.1:65535", 1);
    for client in [server.client("web", &web), server.client("native", &sent).public()] {
        assert_eq!(client.connect(&john).await.access.get(..6), Some("hp_at_"));
    }
}
