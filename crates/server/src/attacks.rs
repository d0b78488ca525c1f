//! Attacks of RFC 9700 that once succeeded, or that must never: each against a whole server but its socket.

use crate::app::Hallpass;
use crate::config::{Config, Source};
use crate::oauth::{FormRequest, access, introspection, revocation, token};
use crate::random;
use crate::respond::Response;
use crate::router;
use crate::server::{listen, prepare};
use crate::store::model::{
    AppStatus, AppUpdate, GrantId, NewGrant, OrganizationUpdate, Session, SessionId, Status, User, UserUpdate,
};
use crate::time::{Clock, Instant};
use crate::tokens::proofs::{Kind, Proof};
use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hallpass_wire::Scopes;
use http::{HeaderMap, HeaderValue, Request, header};
use http_body_util::BodyExt as _;
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tower::ServiceExt as _;

const DECLARED: &str = r#"
[server]
public_url = "http://id.example"
[wire]
require_pkce = false
grant_types = ["authorization_code", "refresh_token", "client_credentials"]
[scopes.read]
title = "Read"
default = true
[scopes.write]
title = "Write"
default = true
[[users]]
email = "john@doe.com"
name = "John Doe"
[[users]]
email = "mallory@evil.example"
name = "Mallory"
[[organizations]]
slug = "acme"
name = "Acme"
members = ["john@doe.com:owner"]
[[apps]]
name = "One"
organization = "acme"
client_id = "one"
client_secret = "one-secret"
redirect_uris = ["https://one.example/cb"]
[[apps]]
name = "Public"
client_id = "public"
type = "public"
reach = "partner"
redirect_uris = ["https://public.example/cb"]
[[resources]]
identifier = "api"
name = "API"
secret = "plus+percent%41"
"#;

/// A server without a socket, and a clock that is moved by hand.
struct World {
    hallpass: Arc<Hallpass>,
    pages: Router,
    now: Arc<AtomicI64>,
    _folder: TempDir,
}

/// A status with what was said.
type Said = (u16, String);

impl World {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("hallpass.toml");
        let data = folder.path().display();
        std::fs::write(
            &file,
            DECLARED.replacen("[server]", &format!("[server]\ndata = \"{data}\""), 1),
        )
        .unwrap();
        let source = Source {
            preset: None,
            file: Some(file),
            environment: Vec::new(),
            overrides: Vec::new(),
        };
        let now = Arc::new(AtomicI64::new(1_780_000_000_000));
        let config = Config::load(&source).unwrap().config;
        let address = ([127, 0, 0, 1], 80).into();
        let hallpass = Arc::new(prepare(config, Clock::Manual(now.clone()), address).await.unwrap());
        let pages = router::pages(hallpass.clone());
        Self {
            hallpass,
            pages,
            now,
            _folder: folder,
        }
    }

    fn pass(&self, span: Duration) {
        let millis = i64::try_from(span.as_millis()).unwrap();
        self.now.fetch_add(millis, Ordering::SeqCst);
    }

    fn instant(&self) -> Instant {
        self.hallpass.now()
    }

    async fn person(&self, email: &str) -> User {
        self.hallpass.store.user_by_email(email).await.unwrap().unwrap()
    }

    /// A code that John allowed `client_id` in Acme, both scopes.
    async fn code(&self, client_id: &str) -> String {
        let (hallpass, now) = (&self.hallpass, self.instant());
        let organization = hallpass.store.organization_by_slug("acme").await.unwrap().unwrap();
        let client = hallpass.client(client_id).await.unwrap().unwrap();
        let id = GrantId(random::uuid(now));
        let public = client.app.secrets.is_empty();
        let challenge = digest(&SHA256, VERIFIER.as_bytes()).as_ref().try_into().unwrap();
        let grant = NewGrant {
            id,
            app: client.app.id,
            user: self.person("john@doe.com").await.id,
            organization: organization.id,
            scopes: Scopes::parse("read write").unwrap(),
            redirect_uri: None,
            code_challenge: public.then_some(challenge),
            salt: random::bytes(),
            key: hallpass.keys.proof_id(),
            created: now,
            code_expires: now.after(Duration::from_secs(60)),
        };
        let grant = hallpass.store.insert_grant(grant).await.unwrap();
        let key = hallpass.keys.proof_by_id(grant.key).unwrap();
        Proof::derive(Kind::Code, key, &grant.salt, id.0, 0).token()
    }

    /// Access and refresh token of a new grant.
    async fn tokens(&self, client_id: &str, credentials: &str) -> (String, String) {
        let code = self.code(client_id).await;
        let verifier = if credentials.is_empty() {
            format!("&client_id={client_id}&code_verifier={VERIFIER}")
        } else {
            String::new()
        };
        let body = format!("grant_type=authorization_code&code={code}{verifier}");
        let (status, said) = self.token(credentials, &body).await;
        assert_eq!(status, 200, "{said}");
        (member(&said, "access_token"), member(&said, "refresh_token"))
    }

    async fn token(&self, credentials: &str, body: &str) -> Said {
        let (headers, body) = (basic(credentials), body.as_bytes());
        let headers = &headers;
        said(token::token(&self.hallpass, &FormRequest { headers, body }, self.instant()).await).await
    }

    async fn refresh(&self, credentials: &str, token: &str) -> Said {
        let body = format!("grant_type=refresh_token&refresh_token={token}");
        self.token(credentials, &body).await
    }

    async fn introspect(&self, credentials: &str, token: &str) -> Said {
        let (headers, body) = (basic(credentials), format!("token={token}"));
        let (headers, body) = (&headers, body.as_bytes());
        let request = FormRequest { headers, body };
        said(introspection::introspect(&self.hallpass, &request, self.instant()).await).await
    }

    async fn revoke(&self, credentials: &str, token: &str) -> Said {
        let (headers, body) = (basic(credentials), format!("token={token}"));
        let (headers, body) = (&headers, body.as_bytes());
        let request = FormRequest { headers, body };
        said(revocation::revoke(&self.hallpass, &request, self.instant()).await).await
    }

    async fn is_good(&self, access_token: &str) -> bool {
        access::check(&self.hallpass, access_token, self.instant())
            .await
            .is_ok()
    }

    /// The cookie of a browser in which this person is signed in.
    async fn signed_in(&self, email: &str) -> String {
        let token = random::alphanumeric(43);
        let session = Session {
            id: SessionId(digest(&SHA256, token.as_bytes()).as_ref().try_into().unwrap()),
            user: self.person(email).await.id,
            created: self.instant(),
            expires: self.instant().after(Duration::from_secs(3600)),
        };
        self.hallpass.store.create_session(session).await.unwrap();
        format!("hallpass={token}")
    }

    async fn get(&self, cookie: &str, path: &str) -> Said {
        let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty());
        page(self.pages.clone().oneshot(request.unwrap()).await.unwrap()).await
    }

    async fn post(&self, cookie: &str, path: &str, form: &str) -> Said {
        let request = Request::post(path).header(header::COOKIE, cookie);
        let request = request.body(Body::from(form.to_owned())).unwrap();
        page(self.pages.clone().oneshot(request).await.unwrap()).await
    }
}

/// The verifier of public clients' codes.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A Basic header of `id:secret` as sent; none where it is empty.
fn basic(credentials: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if !credentials.is_empty() {
        let value = format!("Basic {}", STANDARD.encode(credentials));
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&value).unwrap());
    }
    headers
}

async fn said(response: Response) -> Said {
    page(response.map(Body::new)).await
}

async fn page(response: http::Response<Body>) -> Said {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn member(json: &str, name: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    value[name].as_str().unwrap_or_default().to_owned()
}

/// The sealed state of the form with this action.
fn state_of(page: &str, action: &str) -> String {
    let form = page.split(&format!("action=\"{action}\"")).nth(1).unwrap();
    let value = form
        .split("name=\"state\" value=\"")
        .nth(1)
        .or_else(|| form.split("value=\"").nth(1));
    value.unwrap().split('"').next().unwrap().to_owned()
}

/// DESIGN §5: public clients cannot introspect. A Basic header with an empty secret is no authentication.
#[tokio::test]
async fn a_public_client_does_not_introspect_with_an_empty_secret() {
    let world = World::new().await;
    let (access, _) = world.tokens("public", "").await;
    let (status, said) = world.introspect("public:", &access).await;
    assert_eq!(
        (status, member(&said, "error").as_str()),
        (401, "invalid_client"),
        "{said}"
    );
}

/// Whatever is suspended or removed, everything that hangs on it is refused at once.
#[tokio::test]
async fn what_is_suspended_or_removed_is_refused_everywhere_at_once() {
    for what in ["user", "membership", "organization", "app"] {
        let world = World::new().await;
        let (access, refresh) = world.tokens("one", "one:one-secret").await;
        let code = world.code("one").await;
        let cookie = world.signed_in("john@doe.com").await;
        assert!(world.is_good(&access).await);
        take_away(&world, what).await;
        assert!(!world.is_good(&access).await, "{what}");
        assert_ne!(world.refresh("one:one-secret", &refresh).await.0, 200, "{what}");
        let body = format!("grant_type=authorization_code&code={code}");
        assert_ne!(world.token("one:one-secret", &body).await.0, 200, "{what}");
        for token in [&access, &refresh] {
            let (_, said) = world.introspect("one:one-secret", token).await;
            assert!(!said.contains("\"active\":true"), "{what}: {said}");
        }
        if what == "user" {
            assert!(!world.get(&cookie, "/account").await.1.contains("john@doe.com"));
        }
    }
}

async fn take_away(world: &World, what: &str) {
    let (store, now) = (&world.hallpass.store, world.instant());
    let user = world.person("john@doe.com").await;
    match what {
        "user" => {
            let update = UserUpdate {
                status: Some(Status::Suspended),
                ..UserUpdate::default()
            };
            store.update_user(user.id, update, now).await.unwrap();
        }
        "membership" => {
            let acme = store.organization_by_slug("acme").await.unwrap().unwrap();
            store.remove_membership(user.id, acme.id, now).await.unwrap();
        }
        "organization" => suspend_organization(world, "acme").await,
        _ => {
            let app = store.app_by_client_id("one").await.unwrap().unwrap();
            let update = AppUpdate {
                status: Some(AppStatus::Suspended),
                ..AppUpdate::default()
            };
            store.update_app(app.id, update, now).await.unwrap();
        }
    }
}

async fn suspend_organization(world: &World, slug: &str) {
    let organization = world.hallpass.store.organization_by_slug(slug).await.unwrap().unwrap();
    let update = OrganizationUpdate {
        status: Some(Status::Suspended),
        ..OrganizationUpdate::default()
    };
    let changed = world
        .hallpass
        .store
        .update_organization(organization.id, update, world.instant());
    changed.await.unwrap();
}

/// A foreign page's POST comes without the SameSite cookie; an anonymous cookie in its answer would replace the session's.
#[tokio::test]
async fn a_post_from_another_site_takes_no_session_away() {
    let world = World::new().await;
    for path in ["/login", "/logout", "/consent", "/account", "/nowhere"] {
        for (origin, sets) in [
            ("https://evil.example", false),
            ("null", false),
            ("http://id.example", true),
        ] {
            let request = Request::post(path).header(header::ORIGIN, origin).body(Body::empty());
            let response = world.pages.clone().oneshot(request.unwrap()).await.unwrap();
            let set = response.headers().contains_key(header::SET_COOKIE);
            assert_eq!(set, sets, "{path} from {origin}");
        }
    }
}

/// DESIGN §8: Basic credentials are tried percent-decoded, then raw; those of a resource too.
#[tokio::test]
async fn a_resource_authenticates_with_its_secret_raw_or_encoded() {
    let world = World::new().await;
    for secret in ["plus+percent%41", "plus%2Bpercent%2541"] {
        let (status, said) = world.introspect(&format!("api:{secret}"), "x").await;
        assert_eq!(status, 200, "{said}");
    }
    assert_eq!(world.introspect("api:plus percentA", "x").await.0, 401);
}

/// Who opens connections and says nothing, or half a word of any protocol, does not keep them.
#[tokio::test]
async fn a_connection_on_which_nothing_happens_is_closed() {
    let world = World::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let server = listen(listener, world.hallpass.clone(), stopped, Duration::from_millis(100));
    let server = tokio::spawn(server);
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let request = b"GET /health/live HTTP/1.1\r\nHost: id.example\r\n\r\n";
    for sent in [&b""[..], b"PRI * HT", b"GET / HTTP/1.1\r\nHo", preface, request] {
        let read = tokio::task::spawn_blocking(move || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            stream.write_all(sent).unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).map(|_| answer)
        });
        let answer = read.await.unwrap().expect("the server closes the connection");
        assert_eq!(answer.starts_with(b"HTTP/1.1 200"), sent == request);
    }
    server.abort();
}

/// DESIGN §5: stepping down ends access tokens that had more.
#[tokio::test]
async fn an_app_that_loses_a_scope_loses_the_tokens_that_have_it() {
    let world = World::new().await;
    let (access, refresh) = world.tokens("one", "one:one-secret").await;
    assert!(world.is_good(&access).await);
    let update = AppUpdate {
        scopes: Some(Some(Scopes::parse("read").unwrap())),
        ..AppUpdate::default()
    };
    let app = world.hallpass.client("one").await.unwrap().unwrap().app.id;
    world
        .hallpass
        .store
        .update_app(app, update, world.instant())
        .await
        .unwrap();
    assert!(!world.is_good(&access).await);
    let (status, said) = world.refresh("one:one-secret", &refresh).await;
    assert_eq!((status, member(&said, "scope").as_str()), (200, "read"));
    assert!(world.is_good(&member(&said, "access_token")).await);
}

/// DESIGN §2: storage grows with grants. Who revokes the same token again and again writes once.
#[tokio::test]
async fn a_token_revoked_again_writes_nothing() {
    let world = World::new().await;
    let (access, _) = world.tokens("one", "one:one-secret").await;
    let before = world.hallpass.store.changes(world.instant()).await.unwrap().len();
    for _ in 0..3 {
        assert_eq!(world.revoke("one:one-secret", &access).await.0, 200);
        assert!(!world.is_good(&access).await);
    }
    let after = world.hallpass.store.changes(world.instant()).await.unwrap().len();
    assert_eq!(after - before, 1);
}

/// DESIGN §5: a token of the new generation that any endpoint saw, revocation too, confirms that its answer arrived.
#[tokio::test]
async fn a_successor_that_came_to_be_revoked_was_seen() {
    let world = World::new().await;
    let (_, first) = world.tokens("one", "one:one-secret").await;
    let (_, said) = world.refresh("one:one-secret", &first).await;
    world.revoke("one:one-secret", &member(&said, "access_token")).await;
    world.pass(Duration::from_secs(31));
    let (status, said) = world.refresh("one:one-secret", &first).await;
    assert_eq!(
        (status, member(&said, "error").as_str()),
        (400, "invalid_grant"),
        "{said}"
    );
}

/// The form carries the id of the secret to come: reloading the page that shows a new secret must not end that very secret.
#[tokio::test]
async fn a_reset_sent_twice_makes_one_secret() {
    let world = World::new().await;
    let cookie = world.signed_in("john@doe.com").await;
    let (_, html) = world.get(&cookie, "/developer/apps/one").await;
    let form = format!("reset=now&state={}", state_of(&html, "/developer/apps/one/secret"));
    let (status, html) = world.post(&cookie, "/developer/apps/one/secret", &form).await;
    assert_eq!(status, 200);
    let secret = html
        .split("id=\"fresh-secret\">")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    assert_eq!(world.post(&cookie, "/developer/apps/one/secret", &form).await.0, 303);
    let body = "grant_type=client_credentials";
    assert_eq!(world.token(&format!("one:{secret}"), body).await.0, 200);
    assert_eq!(world.token("one:one-secret", body).await.0, 401);
}

/// DESIGN §6: each sealed state is bound to its browser session. One that an attacker got in theirs signs nobody else out.
#[tokio::test]
async fn a_state_of_another_browser_signs_nobody_out() {
    let world = World::new().await;
    let (theirs, own) = (
        world.signed_in("mallory@evil.example").await,
        world.signed_in("john@doe.com").await,
    );
    let (_, html) = world.get(&theirs, "/account").await;
    let form = format!("state={}", state_of(&html, "/logout"));
    world.post(&own, "/logout", &form).await;
    assert!(world.get(&own, "/account").await.1.contains("john@doe.com"));
    world.pass(Duration::from_secs(45 * 60));
    let (_, html) = world.get(&own, "/account").await;
    let form = format!("state={}", state_of(&html, "/logout"));
    world.post(&own, "/logout", &form).await;
    assert!(!world.get(&own, "/account").await.1.contains("john@doe.com"));
}

/// A suspended organization is at rest: nobody registers apps in it or makes secrets for its apps.
#[tokio::test]
async fn a_suspended_organization_gets_no_app_and_no_secret() {
    let world = World::new().await;
    let cookie = world.signed_in("john@doe.com").await;
    let (_, html) = world.get(&cookie, "/developer/apps/one").await;
    let form = format!("reset=now&state={}", state_of(&html, "/developer/apps/one/secret"));
    suspend_organization(&world, "acme").await;
    assert_eq!(world.post(&cookie, "/developer/apps/one/secret", &form).await.0, 404);
    let (_, html) = world.get(&cookie, "/developer/apps/new").await;
    assert!(!html.contains("acme"), "{html}");
}
