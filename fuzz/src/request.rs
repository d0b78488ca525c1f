//! Whole requests: what is sent to token, introspection, revocation and identity endpoint is answered in the dialect's
//! JSON and never as our failure, gives nothing without the secret, and costs nobody a grant; what is sent to the
//! authorization endpoint leads nowhere but to a registered address.

use super::world::{self, SECRET, Server};
use hallpass::http::respond::Response;
use hallpass::http::source::Peer;
use hallpass::oauth::authorize::request::{AuthorizationProblem, PARAMETERS, Target, judge};
use hallpass::oauth::endpoints::{FORM_PARAMETERS, FormRequest};
use hallpass::oauth::endpoints::{identity, introspection, revocation, token};
use hallpass::serve::hallpass::Hallpass;
use hallpass::time::Instant;
use hallpass_wire::Parameters;
use hallpass_wire::client_credentials::Basic;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// Where every request comes from.
const PEER: Peer = Peer(IpAddr::V4(Ipv4Addr::LOCALHOST));

thread_local! {
    static NOW: Cell<Instant> = Cell::new(world::start());
}

/// A digit for the preset and one for the endpoint, headers a line each, an empty line, the body or query.
pub fn check(data: &[u8]) {
    let [preset, endpoint, b'\n', rest @ ..] = data else {
        return;
    };
    let (preset, endpoint) = (usize::from(preset.wrapping_sub(b'0')), endpoint.wrapping_sub(b'0'));
    let Some((headers, body)) = headers(rest) else { return };
    world::with(|world| {
        let server = &world.servers[preset % world.servers.len()];
        world.runtime.block_on(answered(server, endpoint % 5, &headers, body));
    });
}

/// Reads headers as hyper would; `None` where it would refuse them.
fn headers(mut rest: &[u8]) -> Option<(HeaderMap, &[u8])> {
    let mut headers = HeaderMap::new();
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let (line, below) = (&rest[..end], &rest[end + 1..]);
        rest = below;
        if line.is_empty() {
            return Some((headers, rest));
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        headers.try_append(name, value).ok()?;
    }
}

async fn answered(server: &Server, endpoint: u8, headers: &HeaderMap, body: &[u8]) {
    let hallpass = &server.hallpass;
    // Whoever is told to wait has waited.
    let now = NOW.get().after(Duration::from_secs(600));
    NOW.set(now);
    let request = FormRequest {
        peer: PEER,
        headers,
        body,
    };
    let response = match endpoint {
        0 => token::token(hallpass, &request, now).await,
        1 => introspection::introspect(hallpass, &request, now).await,
        2 => revocation::revoke(hallpass, &request, now).await,
        3 => identity::identity(hallpass, headers, now).await,
        _ => return judged(hallpass, body).await,
    };
    let good = response.status() == 200;
    assert!(!good || endpoint != 3, "nobody has a token");
    assert!(!good || endpoint == 3 || proved(headers, body), "without the secret");
    let answer = read(response, &repeatable(headers, body)).await;
    if good && endpoint == 1 {
        assert_eq!(answer["active"], false);
    }
    if good && endpoint == 0 {
        let token = answer["access_token"].as_str().expect("a token");
        let ring = hallpass.keys.ring();
        let claims = hallpass::tokens::sealed::open(token, |id| ring.access_by_id(id, now), &hallpass.issuer);
        assert!(claims.expect("it is ours").grant.is_none(), "only the app's own");
    }
    let grant = hallpass.store.grant(server.grant.id).await.expect("a database");
    assert_eq!(grant.as_ref(), Some(&server.grant), "nothing is lost");
}

/// The answer as JSON; null where it is empty. A refusal may have one of the texts in `repeatable`.
async fn read(response: Response, repeatable: &[String]) -> Value {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("it is in memory").to_bytes();
    let told = String::from_utf8_lossy(&body);
    assert!(
        matches!(parts.status.as_u16(), 200 | 400 | 401 | 403 | 429),
        "{parts:?} {told}"
    );
    assert_eq!(parts.headers[header::CACHE_CONTROL], "no-store");
    // One dialect escapes slashes, as its original does.
    let plain = told.replace("\\/", "/");
    let without = |text: &String| plain.replacen(text, "", 1);
    let repeats = parts.status == 400 && repeatable.iter().any(|text| !without(text).contains(SECRET));
    assert!(repeats || !plain.contains(SECRET), "{told}");
    if body.is_empty() {
        return Value::Null;
    }
    assert!(
        parts.headers[header::CONTENT_TYPE]
            .as_bytes()
            .starts_with(b"application/json")
    );
    assert!(body.is_ascii(), "RFC 6749 §5.2: {told}");
    let answer: Value = serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{error}: {told}"));
    assert!(answer.is_object(), "{told}");
    answer
}

/// Texts with the secret that a refusal may repeat to the sender: the media type and an unknown scope.
fn repeatable(headers: &HeaderMap, body: &[u8]) -> Vec<String> {
    let body = Parameters::read(body, &FORM_PARAMETERS);
    let scopes = body.get("scope").unwrap_or_default().split(' ').map(str::to_owned);
    let texts = scopes.chain([media_type(headers)]);
    texts.filter(|text| text.contains(SECRET)).collect()
}

/// The media type as refusals have it: the first 64 characters, with replacements for those that an `error_description` may
/// not have (RFC 6749 §5.2).
fn media_type(headers: &HeaderMap) -> String {
    let sent = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let sent = String::from_utf8_lossy(sent.unwrap_or_default());
    let essence = sent.split(';').next().unwrap_or_default().trim_ascii();
    let printable = |character| match character {
        '"' => '\'',
        '\\' => '?',
        ' '..='~' => character,
        _ => '?',
    };
    essence.chars().take(64).map(printable).collect()
}

/// Whether the request holds the secret, or names the public app, which has none.
fn proved(headers: &HeaderMap, body: &[u8]) -> bool {
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let basic = header.and_then(|header| Basic::parse(header).ok()).flatten();
    let readings = basic.map(|basic| basic.readings()).unwrap_or_default();
    let body = Parameters::read(body, &FORM_PARAMETERS);
    let public = body.get("client_id") == Some("native")
        || readings
            .iter()
            .any(|reading| reading.client_id == "native" && reading.client_secret.is_empty());
    public
        || body.get("client_secret") == Some(SECRET)
        || readings.iter().any(|reading| reading.client_secret == SECRET)
}

async fn judged(hallpass: &Hallpass, query: &[u8]) {
    let query = Parameters::read(query, &PARAMETERS);
    let client = query.get("client_id").unwrap_or_default();
    let target = match judge(hallpass, &query).await {
        Ok(request) => {
            assert!(request.scopes.is_subset_of(&request.client.scopes) && !request.scopes.is_empty());
            assert!(client != "native" || request.challenge.is_some(), "RFC 9700 §2.1.1");
            let location = request.target.with_code("hp_ac_x", &hallpass.issuer);
            leads(request.target.uri.as_deref(), location.as_deref());
            request.target
        }
        Err(AuthorizationProblem::OfApp(_, target, refusal)) => {
            let location = target.with_refusal(hallpass, &refusal);
            leads(target.uri.as_deref(), location.as_deref());
            target
        }
        Err(AuthorizationProblem::Fatal(refusal)) => {
            let fatal = hallpass.dialect.fatal(&refusal.public());
            assert!((400..500).contains(&fatal.status), "{refusal}");
            return;
        }
    };
    registered(hallpass, client, &target).await;
    assert_eq!(target.state.as_deref(), query.get("state"));
}

async fn registered(hallpass: &Hallpass, client: &str, target: &Target) {
    let client = hallpass
        .directory
        .client(client)
        .await
        .expect("a database")
        .expect("it was judged");
    let uri = target.uri.as_deref();
    let known = uri.is_none_or(|sent| {
        client
            .app
            .redirect_uris
            .iter()
            .any(|uri| uri.admits(sent, client.app.localhost_any_port))
    });
    assert!(known, "{uri:?}");
}

fn leads(uri: Option<&str>, location: Option<&str>) {
    assert_eq!(uri.is_some(), location.is_some());
    if let (Some(uri), Some(location)) = (uri, location) {
        assert!(
            location.starts_with(uri) && HeaderValue::from_str(location).is_ok(),
            "{location:?}"
        );
    }
}
