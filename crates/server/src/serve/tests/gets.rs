//! No GET waits for the writer or makes it work (decision 59): every GET route of the public listener and of the admin API is
//! asked, and nobody has waited for a commit by then. The routes are read from the source and from the table of endpoints, so a
//! new one is among them. What only a site or a proxy has is asked in a world with both.

use super::*;
use crate::config::Paths;
use crate::database::Database;
use crate::http::endpoints::{Endpoint, EndpointRow, Location, TABLE};
use crate::store::model::{ActsAs, GrantId, NewGrant, Session, SessionId, SessionKind, User};
use crate::tokens::proofs::{Proof, ProofKind};
use crate::web::view::css_path;
use aws_lc_rs::digest;
use http::Method;
use reqwest::redirect::Policy;
use std::fs;
use std::sync::atomic::AtomicI64;
use uuid::Uuid;

pub(super) const NOW: Instant = Instant(1_780_000_000_000);
pub(super) const CALLBACK: &str = "https://planner.example.com/callback";
const SECRET: &str = "a-secret-of-43-characters-as-hallpass-makes";
pub(super) const COOKIE: &str = "a-cookie-of-43-characters-as-hallpass-makes";

const DECLARED: &str = r#"
[scopes.read]
title = "Read your things"

[[users]]
email = "ada@example.com"
name = "Ada"
developer = true

[[organizations]]
slug = "library"
name = "The Library"
members = ["ada@example.com:owner"]

[[organizations]]
slug = "museum"
name = "The Museum, which has no app and so can be deleted"

[[apps]]
name = "Planner"
client_id = "planner"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
organization = "library"
owner = "ada@example.com"
redirect_uris = ["https://planner.example.com/callback"]
"#;

/// The site that signs people in, a proxy that asks about requests, and an API that follows the feed.
const SITE_AND_PROXY: &str = r#"
endpoints = ["GET /orders"]

[handover]
url = "https://www.example.com/connect/sign-in"
secret = "a-secret-of-43-characters-as-hallpass-makes"

[forward_auth]
trusted_proxies = ["127.0.0.1"]

[[resources]]
identifier = "https://api.example.com"
name = "The API"
secret = "a-secret-of-43-characters-as-hallpass-makes"
"#;

/// A running server with Ada signed in, an app that she connected, and a use of it that is not written yet.
pub(super) struct World {
    pub(super) running: Running,
    pub(super) http: reqwest::Client,
    admin: reqwest::Client,
    token: String,
    grant: GrantId,
    database: Database,
    _folder: tempfile::TempDir,
}

impl World {
    pub(super) async fn on(database: Database) -> Self {
        Self::declared(database, DECLARED).await
    }

    /// The same world, with a site and a proxy before an API.
    async fn with_site_and_proxy(database: Database) -> Self {
        let (title, owner) = ("title = \"Read your things\"\n", "owner = \"ada@example.com\"");
        let declared = DECLARED.replace(title, &format!("{title}{SITE_AND_PROXY}"));
        let declared = declared.replace(owner, &format!("{owner}\nreach = \"partner\""));
        Self::declared(database, &declared).await
    }

    async fn declared(database: Database, declared: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (file, data) = (folder.path().join("hallpass.toml"), folder.path().join("data"));
        fs::write(&file, declared).unwrap();
        let overrides = [
            ("server.listen", "127.0.0.1:0"),
            ("server.data", data.to_str().unwrap()),
            ("store.url", &database.url()),
        ];
        let source = Source {
            file: Some(file),
            overrides: overrides.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            ..Source::default()
        };
        let config = Config::load(&source).unwrap().config;
        let running = start(config, Clock::Manual(Arc::new(AtomicI64::new(NOW.0))))
            .await
            .unwrap();
        let client = || reqwest::Client::builder().no_proxy().redirect(Policy::none());
        let mut world = Self {
            running,
            http: client().build().unwrap(),
            admin: client().unix_socket(admin_socket(&data)).build().unwrap(),
            token: String::new(),
            grant: GrantId(Uuid::from_u128(77)),
            database,
            _folder: folder,
        };
        let ada = world.store().user_by_email("ada@example.com").await.unwrap().unwrap();
        world.sign_in(&ada).await;
        world.connect(&ada).await;
        world
    }

    pub(super) fn store(&self) -> &Store {
        &self.running.hallpass.store
    }

    async fn sign_in(&self, user: &User) {
        let mut id = [0; 32];
        id.copy_from_slice(digest::digest(&digest::SHA256, COOKIE.as_bytes()).as_ref());
        let session = Session {
            kind: SessionKind::Own,
            request: None,
            id: SessionId(id),
            user: user.id,
            created: NOW,
            expires: NOW.after(Duration::from_secs(3600)),
        };
        self.store().create_session(session, None, "").await.unwrap();
    }

    /// Has the app redeem a code, and shows its access token once.
    async fn connect(&mut self, user: &User) {
        let (hallpass, salt) = (&self.running.hallpass, [9; 16]);
        let app = hallpass.store.app_by_client_id("planner").await.unwrap().unwrap();
        let key = hallpass.keys.ring().proof_id(NOW);
        let grant = NewGrant {
            acts_as: ActsAs::Person,
            id: self.grant,
            app: app.id,
            user: user.id,
            organization: app.organization,
            scopes: hallpass_wire::Scopes::parse("read").unwrap(),
            redirect_uri: Some(CALLBACK.to_owned()),
            code_challenge: None,
            salt,
            key,
            created: NOW,
            code_expires: NOW.after(Duration::from_secs(60)),
        };
        hallpass.store.insert_grant(grant).await.unwrap();
        let ring = hallpass.keys.ring();
        let code = Proof::derive(ProofKind::Code, ring.proof_by_id(key).unwrap(), &salt, self.grant.0, 0);
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "planner"),
            ("client_secret", SECRET),
            ("redirect_uri", CALLBACK),
            ("code", &code.token()),
        ];
        let answer = self
            .http
            .post(self.at("/oauth/token"))
            .form(&form)
            .send()
            .await
            .unwrap();
        let answer: serde_json::Value = answer.json().await.unwrap();
        self.token = answer["access_token"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"))
            .to_owned();
        assert_eq!(self.get("/oauth/userinfo").await.0, 200);
    }

    pub(super) fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address)
    }

    /// The answer to Ada's browser, or to whoever has the access token.
    pub(super) async fn get(&self, path: &str) -> (u16, String) {
        let request = self.http.get(self.at(path)).bearer_auth(&self.token);
        let request = request.header("cookie", format!("{}={COOKIE}", self.running.hallpass.session_cookie));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn get_as_stranger(&self, path: &str) -> u16 {
        self.http.get(self.at(path)).send().await.unwrap().status().as_u16()
    }

    async fn get_as_operator(&self, path: &str) -> (u16, String) {
        let url = format!("http://hallpass/admin/api/v1{path}");
        let answer = self.admin.get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Has the site sign Grace in for a request of the app. Returns the request and the cookies of her browser.
    async fn hand_over_grace(&self) -> (String, String) {
        let sent = self.http.get(self.at(&authorize())).send().await.unwrap();
        let mut cookies = cookies(&sent);
        let site = url::Url::parse(sent.headers()["location"].to_str().unwrap()).unwrap();
        let handover = site.query_pairs().find(|(name, _)| name == "handover");
        let handover = handover.unwrap().1.into_owned();
        let market = serde_json::json!([{ "id": "10", "name": "The Market", "role": "member" }]);
        let grace =
            serde_json::json!({ "handover": handover, "subject": "1001", "name": "Grace", "organizations": market });
        let accepted = self.http.post(self.at("/handover")).bearer_auth(SECRET).json(&grace);
        let accepted: serde_json::Value = accepted.send().await.unwrap().json().await.unwrap();
        let back = url::Url::parse(accepted["redirect_to"].as_str().unwrap()).unwrap();
        let back = self.at(&format!("{}?{}", back.path(), back.query().unwrap()));
        let arrived = self.http.get(back).header("cookie", &cookies).send().await.unwrap();
        cookies = format!("{cookies}; {}", self::cookies(&arrived));
        (handover, cookies)
    }

    async fn event(&self) -> String {
        let (_, listed) = self.get_as_operator("/audit").await;
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        listed["events"][0]["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{listed}"))
            .to_owned()
    }
}

/// The cookies that an answer sets, as a browser sends them back.
fn cookies(answer: &reqwest::Response) -> String {
    let set = answer.headers().get_all("set-cookie").iter();
    let pairs = set.filter_map(|cookie| cookie.to_str().unwrap().split(';').next());
    pairs.collect::<Vec<_>>().join("; ")
}

/// The paths that a router's source gives a GET handler.
fn routes(source: &str) -> Vec<&str> {
    let routes = source.split(".route(").skip(1).filter_map(|route| {
        let path = route.split('"').nth(1)?;
        route.contains("get(").then_some(path)
    });
    routes.filter(|path| path.starts_with('/')).collect()
}

/// The paths of the endpoints that have GET. The page that asks for consent gets an authorization request.
fn endpoints(paths: &Paths) -> Vec<String> {
    let rows = TABLE.iter().filter(|row| row.methods.contain(&Method::GET));
    let path = |row: &EndpointRow| match (row.endpoint, &row.location) {
        (Endpoint::Authorize, _) => Some(authorize()),
        (_, Location::Path(_, path)) => Some(path(paths).to_owned()),
        (_, Location::Fixed(path)) => Some((*path).to_owned()),
        (_, Location::WellKnown(name)) => Some(format!("/.well-known/{name}")),
        (_, Location::Rest) => None,
    };
    rows.filter_map(path).collect()
}

fn authorize() -> String {
    format!(
        "/oauth/authorize?response_type=code&client_id=planner&redirect_uri={CALLBACK}&code_challenge_method=S256\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )
}

/// A path with something that is there in the place of each name.
fn filled(path: &str, names: &[(&str, &str)]) -> String {
    let path = names.iter().fold(path.to_owned(), |path, (name, value)| {
        path.replace(&format!("{{{name}}}"), value)
    });
    assert!(!path.contains('{'), "what is in the place of the name in {path}?");
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn no_get_waits_for_the_writer() {
    let world = World::on(Database::new()).await;
    let (event, grant) = (world.event().await, world.grant.0.to_string());
    let before = world.store().commits();

    let asset = css_path().trim_start_matches("/assets/");
    let names = [("name", asset), ("slug", "library"), ("client_id", "planner")];
    let pages = routes(include_str!("../../web/routes.rs"));
    assert!(pages.contains(&"/account/apps") && pages.len() > 8, "{pages:?}");
    let pages = pages.iter().map(|path| filled(path, &names));
    for path in pages.chain(endpoints(&world.running.hallpass.config.paths)) {
        let (status, body) = world.get(&path).await;
        // Neither a site nor a proxy is here, and Ada is no API.
        let expected = match path.as_str() {
            "/login" => 303,
            "/resource/feed" => 401,
            "/consent" | "/handover/return" | "/handover" | "/handover/begin" | "/forward-auth" => 404,
            "/.well-known/openid-configuration" => 404,
            _ => 200,
        };
        assert_eq!(status, expected, "{path}: {body}");
        assert!(!body.contains(r#"name="password""#), "{path}: Ada is not signed in");
        let _ = world.get_as_stranger(&path).await;
        assert_eq!(world.store().commits(), before, "{path}");
    }

    let names = [
        ("app", "planner"),
        ("user", "ada@example.com"),
        ("organization", "museum"),
        ("grant", &grant),
        ("event", &event),
    ];
    let commands = routes(include_str!("../../admin/api.rs"));
    assert!(
        commands.contains(&"/grants/{grant}") && commands.len() > 12,
        "{commands:?}"
    );
    for path in commands.iter().map(|path| filled(path, &names)) {
        let (status, body) = world.get_as_operator(&path).await;
        assert_eq!(status, 200, "{path}: {body}");
        assert_eq!(world.store().commits(), before, "{path}");
    }
    world.running.stop().await;
}

/// The site signs Grace in before, so that there is something to ask about.
#[tokio::test(flavor = "multi_thread")]
async fn no_get_of_a_site_a_proxy_or_an_api_waits_for_the_writer() {
    let world = World::with_site_and_proxy(Database::new()).await;
    let (handover, cookies) = world.hand_over_grace().await;
    let before = world.store().commits();

    let calls = routes(include_str!("../../accounts/handover/routes.rs"));
    assert!(
        calls.contains(&"/handover/people/{subject}") && calls.len() > 2,
        "{calls:?}"
    );
    let calls = calls.iter().map(|path| filled(path, &[("subject", "1001")]));
    for path in calls.chain([format!("/handover?handover={handover}")]) {
        let answer = world
            .http
            .get(world.at(&path))
            .bearer_auth(SECRET)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{path}: {}", answer.text().await.unwrap());
        assert_eq!(world.store().commits(), before, "{path}");
    }
    for (path, expected) in [("/consent", 200), ("/handover/begin", 303), ("/handover/return", 303)] {
        let request = world.http.get(world.at(&format!("{path}?handover={handover}")));
        let answer = request.header("cookie", &cookies).send().await.unwrap();
        assert_eq!(answer.status(), expected, "{path}: {}", answer.text().await.unwrap());
        assert_eq!(world.store().commits(), before, "{path}");
    }
    let asked = world.http.get(world.at("/forward-auth")).bearer_auth(&world.token);
    let asked = asked
        .header("x-forwarded-method", "GET")
        .header("x-forwarded-uri", "/orders");
    let feed = world.http.get(world.at("/resource/feed"));
    let feed = feed.basic_auth("https%3A%2F%2Fapi.example.com", Some(SECRET));
    for request in [asked, feed] {
        let answer = request.send().await.unwrap();
        let path = answer.url().path().to_owned();
        assert_eq!(answer.status(), 200, "{path}: {}", answer.text().await.unwrap());
        assert_eq!(world.store().commits(), before, "{path}");
    }
    world.running.stop().await;
}

/// A use that is not written yet is shown all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_use_is_shown_before_it_is_written() {
    let world = World::on(Database::new()).await;
    let (_, grant) = world.get_as_operator(&format!("/grants/{}", world.grant.0)).await;
    let (_, listed) = world.get_as_operator("/grants?user=ada@example.com").await;
    for answer in [grant, listed] {
        assert!(answer.contains(r#""last_used":"20"#), "{answer}");
    }
    world.running.stop().await;
}

/// Whoever asks whether a server is ready does not make it write: it tries by itself.
#[tokio::test(flavor = "multi_thread")]
async fn readiness_is_no_work_for_the_writer() {
    let world = World::on(Database::sqlite()).await;
    let (file, elsewhere) = (world.database.file(), world.database.file().with_extension("elsewhere"));
    fs::rename(file, &elsewhere).unwrap();
    let refused = world
        .store()
        .revoke_token([1; 16], NOW.after(Duration::from_secs(60)), NOW)
        .await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    let before = world.store().commits();
    for _ in 0..3 {
        assert_eq!(world.get("/health/ready").await.0, 503);
    }
    assert_eq!(world.store().commits(), before);
    fs::rename(&elsewhere, file).unwrap();
    while world.get("/health/ready").await.0 != 200 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(world.store().commits(), before, "nobody asked it to write");
    world.running.stop().await;
}
