//! No GET waits for the writer or makes it work (decision 59): every GET route of the public listener and of the admin API is
//! asked, and nobody has waited for a commit by then. The routes are read from the source, so a new one is among them.

use super::*;
use crate::database::Database;
use crate::store::model::{ActsAs, GrantId, NewGrant, Session, SessionId, SessionKind, User};
use crate::tokens::proofs::{Proof, ProofKind};
use crate::web::view::css_path;
use aws_lc_rs::digest;
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
        let folder = tempfile::tempdir().unwrap();
        let (file, data) = (folder.path().join("hallpass.toml"), folder.path().join("data"));
        fs::write(&file, DECLARED).unwrap();
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

    async fn event(&self) -> String {
        let (_, listed) = self.get_as_operator("/audit").await;
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        listed["events"][0]["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{listed}"))
            .to_owned()
    }
}

/// The paths that a router's source gives a GET handler.
fn routes(source: &str) -> Vec<&str> {
    let routes = source.split(".route(").skip(1).filter_map(|route| {
        let path = route.split('"').nth(1)?;
        route.contains("get(").then_some(path)
    });
    routes.filter(|path| path.starts_with('/')).collect()
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
    let authorize = format!(
        "/oauth/authorize?response_type=code&client_id=planner&redirect_uri={CALLBACK}&code_challenge_method=S256\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
    let documents = [
        "/.well-known/oauth-authorization-server",
        "/openapi.json",
        "/health/live",
        "/health/ready",
    ];
    let others = documents.into_iter().chain(["/oauth/userinfo", &authorize]);
    for path in pages
        .iter()
        .map(|path| filled(path, &names))
        .chain(others.map(str::to_owned))
    {
        let (status, body) = world.get(&path).await;
        // The site signs nobody in here.
        let expected = match path.as_str() {
            "/login" => 303,
            "/consent" | "/handover/return" | "/handover" | "/handover/begin" => 404,
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
