//! The admin API as programs meet it: over the socket of a running server.

use crate::accounts::passwords;
use crate::config::{Config, Source};
use crate::data_folder::admin_socket;
use crate::database::Database;
use crate::random;
use crate::serve;
use crate::serve::Running;
use crate::store::Store;
use crate::store::model::{AuditEvent, AuditFilter, GrantId, NewGrant, Redeem};
use crate::store::tests::opened;
use crate::time::{Clock, Instant};
use http::Method;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const NOW: i64 = 1_700_000_000_000;

const DECLARED: &str = r#"
[[users]]
email = "ada@example.com"
name = "Ada"

[[organizations]]
slug = "library"
name = "The Library"
members = ["ada@example.com:owner"]

[[apps]]
name = "Planner"
client_id = "planner"
client_secret = "456def"
organization = "library"
redirect_uris = ["https://planner.example.com/callback"]
"#;

/// A running server, and its database by another way.
struct World {
    folder: tempfile::TempDir,
    running: Running,
    store: Store,
    http: reqwest::Client,
    clock: Arc<AtomicI64>,
    database: Database,
}

impl World {
    async fn started() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hallpass.toml");
        fs::write(&file, DECLARED).unwrap();
        let data = folder.path().join("data");
        let database = Database::new();
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
        let config = Config::load(&source).map_err(|error| error.to_string()).unwrap().config;
        let clock = Arc::new(AtomicI64::new(NOW));
        let running = serve::start(config, Clock::Manual(clock.clone())).await.unwrap();
        let socket = admin_socket(&data);
        let http = reqwest::Client::builder().unix_socket(socket).build().unwrap();
        Self {
            folder,
            running,
            store: opened(&database).await,
            http,
            clock,
            database,
        }
    }

    fn socket(&self) -> PathBuf {
        admin_socket(&self.folder.path().join("data"))
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("http://hallpass/admin/api/v1{path}");
        let mut request = self.http.request(method, url);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.call(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(Method::POST, path, Some(body)).await;
        assert!(status < 300, "{path}: {status} {answer}");
        answer
    }

    async fn refused(&self, method: Method, path: &str, body: Option<Value>) -> (u16, String, String) {
        let (status, answer) = self.call(method, path, body).await;
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        (status, text("error"), text("message"))
    }

    /// What a client that authenticates with this secret gets at the revocation endpoint, which needs nothing else.
    async fn authenticated(&self, client_id: &str, secret: &str) -> bool {
        let url = format!("{}/oauth/revoke", self.running.public_url());
        let form = [("token", "none"), ("client_id", client_id), ("client_secret", secret)];
        let response = reqwest::Client::new().post(url).form(&form).send().await.unwrap();
        response.status() == 200
    }

    /// Whether the token endpoint says that this app, which authenticates, is paused.
    async fn is_paused(&self, client_id: &str, secret: &str) -> bool {
        let url = format!("{}/oauth/token", self.running.public_url());
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", secret),
        ];
        let response = reqwest::Client::new().post(url).form(&form).send().await.unwrap();
        response.text().await.unwrap().contains("paused: app_suspended")
    }

    async fn user(&self, email: &str) -> crate::store::model::User {
        self.store.user_by_email(email).await.unwrap().unwrap()
    }

    /// What is recorded, declarations apart.
    async fn events(&self) -> Vec<AuditEvent> {
        let filter = AuditFilter {
            limit: 100,
            ..AuditFilter::default()
        };
        let mut events = self.store.audit_events(filter).await.unwrap();
        events.retain(|event| event.actor != "server");
        events
    }

    /// An active grant of Ada's for the planner in the library.
    async fn granted(&self) -> GrantId {
        let app = self.store.app_by_client_id("planner").await.unwrap().unwrap();
        let user = self.store.user_by_email("ada@example.com").await.unwrap().unwrap().id;
        let grant = NewGrant {
            id: GrantId(random::uuid(Instant(NOW))),
            app: app.id,
            user,
            organization: app.organization,
            scopes: hallpass_wire::Scopes::parse("profile").unwrap(),
            redirect_uri: None,
            code_challenge: None,
            salt: [0; 16],
            key: 1,
            created: Instant(NOW),
            code_expires: Instant(NOW + 60_000),
        };
        let grant = self.store.insert_grant(grant).await.unwrap();
        let id = grant.id;
        let redeem = Redeem {
            id,
            app: app.id,
            now: Instant(NOW),
            expires: None,
            ends: None,
            key: 1,
            keep: 50,
        };
        self.store.redeem(&grant, redeem).await.unwrap().unwrap();
        id
    }
}

#[tokio::test]
async fn the_socket_is_its_owners_only_and_goes_with_the_server() {
    let world = World::started().await;
    let found = fs::metadata(world.socket()).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    let socket = world.socket();
    world.running.stop().await;
    assert!(!socket.exists());
}

#[tokio::test]
async fn the_public_address_has_no_admin_api() {
    let world = World::started().await;
    let url = format!("{}/admin/api/v1/apps", world.running.public_url());
    assert_eq!(reqwest::get(url).await.unwrap().status(), 404);
}

#[tokio::test]
async fn an_app_is_made_and_its_secret_told_once() {
    let world = World::started().await;
    let made = world
        .post(
            "/apps",
            json!({"name": "Desk", "redirect_uris": ["https://desk.example.com/cb"]}),
        )
        .await;
    let (id, secret) = (
        made["client_id"].as_str().unwrap(),
        made["client_secret"].as_str().unwrap(),
    );
    assert!(world.authenticated(id, secret).await);
    assert_eq!(
        (&made["organization"], &made["status"], &made["reach"]),
        (&json!("default"), &json!("live"), &json!("own"))
    );
    assert_eq!(made["created"], "2023-11-14T22:13:20.000Z");
    let shown = world.get(&format!("/apps/{id}")).await;
    assert_eq!(shown["client_secret"], Value::Null);
    assert_eq!(shown["secrets"][0]["hint"].as_str().unwrap(), &secret[39..]);
    assert_eq!(
        world.get(&format!("/apps/{}", made["id"].as_str().unwrap())).await,
        shown
    );
    let all = world.get("/apps").await;
    let mut names: Vec<_> = all["apps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|app| app["name"].as_str().unwrap())
        .collect();
    // Apps come in the order of their client ids, and one of them was drawn.
    names.sort_unstable();
    assert_eq!(names, ["Desk", "Planner"]);
    assert_eq!(
        world.get("/apps?organization=library").await["apps"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert!(!all.to_string().contains(secret));
}

#[tokio::test]
async fn a_public_app_has_no_secret() {
    let world = World::started().await;
    let made = world
        .post(
            "/apps",
            json!({"name": "Phone", "type": "public", "redirect_uris": ["com.example:/cb"]}),
        )
        .await;
    assert_eq!((&made["client_secret"], &made["secrets"]), (&Value::Null, &json!([])));
    let path = format!("/apps/{}/secret", made["client_id"].as_str().unwrap());
    let (status, code, _) = world.refused(Method::POST, &path, Some(json!({"reset": "now"}))).await;
    assert_eq!((status, code.as_str()), (409, "conflict"));
}

#[tokio::test]
async fn a_reset_secret_replaces_the_others_at_once_or_after_an_overlap() {
    let world = World::started().await;
    assert!(world.authenticated("planner", "456def").await);
    world.clock.fetch_add(1_000, Ordering::SeqCst);
    let overlap = world.post("/apps/planner/secret", json!({"reset": "overlap"})).await;
    let second = overlap["client_secret"].as_str().unwrap();
    assert!(world.authenticated("planner", "456def").await);
    assert!(world.authenticated("planner", second).await);
    assert_eq!(overlap["secrets"][0]["expires"], "2023-11-15T22:13:21.000Z");
    let now = world.post("/apps/planner/secret", json!({"reset": "now"})).await;
    assert!(!world.authenticated("planner", "456def").await);
    assert!(!world.authenticated("planner", second).await);
    assert!(
        world
            .authenticated("planner", now["client_secret"].as_str().unwrap())
            .await
    );
}

#[tokio::test]
async fn an_app_has_at_most_two_live_secrets_and_keeps_one() {
    let world = World::started().await;
    let declared = world.get("/apps/planner/secrets").await["secrets"][0].clone();
    assert_eq!(declared["hint"], Value::Null);
    let address = |secret: &Value| format!("/apps/planner/secrets/{}", secret["id"].as_str().unwrap());
    let (status, code, message) = world.refused(Method::DELETE, &address(&declared), None).await;
    assert_eq!((status, code.as_str()), (409, "conflict"));
    assert!(message.contains("add another first"), "{message}");

    let added = world.post("/apps/planner/secrets", json!({})).await;
    assert_eq!(added["secrets"].as_array().unwrap().len(), 2);
    for (path, wanted) in [("secrets", json!({})), ("secret", json!({"reset": "overlap"}))] {
        let path = format!("/apps/planner/{path}");
        let (status, _, message) = world.refused(Method::POST, &path, Some(wanted)).await;
        assert!(
            status == 409 && message.contains("two live secrets"),
            "{status} {message}"
        );
    }
    let (status, left) = world.call(Method::DELETE, &address(&declared), None).await;
    assert_eq!((status, left["secrets"].as_array().unwrap().len()), (200, 1));
    let (status, code, _) = world.refused(Method::DELETE, &address(&declared), None).await;
    assert_eq!((status, code.as_str()), (404, "not_found"));
    let actions: Vec<_> = world.events().await.into_iter().map(|event| event.action).collect();
    assert_eq!(actions.len(), 2, "{actions:?}");
    assert!(actions.contains(&"app_secret_added".to_owned()) && actions.contains(&"app_secret_ended".to_owned()));
}

#[tokio::test]
async fn a_suspended_app_authenticates_and_is_paused_until_it_is_resumed() {
    let world = World::started().await;
    assert!(!world.is_paused("planner", "456def").await);
    assert_eq!(
        world.post("/apps/planner/suspend", json!({})).await["status"],
        "suspended"
    );
    assert!(world.is_paused("planner", "456def").await);
    assert!(world.authenticated("planner", "456def").await);
    assert_eq!(world.post("/apps/planner/resume", json!({})).await["status"], "live");
    assert!(!world.is_paused("planner", "456def").await);
}

#[tokio::test]
async fn a_suspended_organizations_apps_are_paused_until_it_is_resumed() {
    let world = World::started().await;
    assert!(!world.is_paused("planner", "456def").await);
    world.post("/organizations/library/suspend", json!({})).await;
    assert!(world.is_paused("planner", "456def").await);
    world.post("/organizations/library/resume", json!({})).await;
    assert!(!world.is_paused("planner", "456def").await);
}

#[tokio::test]
async fn an_apps_name_reach_and_redirect_uris_change() {
    let world = World::started().await;
    let changes = json!({"name": "Diary", "reach": "partner", "redirect_uris": ["https://diary.example.com/"]});
    let (status, app) = world.call(Method::PATCH, "/apps/planner", Some(changes.clone())).await;
    assert_eq!(status, 200);
    for (name, value) in changes.as_object().unwrap() {
        assert_eq!(&app[name], value);
    }
    let (status, _, message) = world.refused(Method::PATCH, "/apps/planner", Some(json!({}))).await;
    assert_eq!(status, 400, "{message}");
}

#[tokio::test]
async fn what_an_app_cannot_be_is_said() {
    let world = World::started().await;
    for (body, about) in [
        (json!({}), "name"),
        (json!({"name": " "}), "name"),
        (json!({"name": "A", "nam": "B"}), "nam"),
        (
            json!({"name": "A", "redirect_uris": ["http://example.com/"]}),
            "redirect_uris",
        ),
        (
            json!({"name": "A", "redirect_uris": ["https://a.example/", "https://a.example/"]}),
            "twice",
        ),
        (json!({"name": "A", "scopes": ["nothing"]}), "scopes"),
        (json!({"name": "A", "products": ["nothing"]}), "products"),
        (json!({"name": "A", "grant_types": ["password"]}), "grant_types"),
        (json!({"name": "A", "reach": "all"}), "partner"),
    ] {
        let (status, code, message) = world.refused(Method::POST, "/apps", Some(body.clone())).await;
        assert_eq!((status, code.as_str()), (400, "invalid_request"), "{body}");
        assert!(message.contains(about), "{body}: {message}");
    }
    assert_eq!(world.get("/apps").await["apps"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_person_is_made_with_a_password_that_is_told_or_chosen() {
    let world = World::started().await;
    let made = world
        .post(
            "/users",
            json!({"email": "Ben@example.com", "name": "Ben", "locale": "nl"}),
        )
        .await;
    assert_eq!(
        (&made["number"], &made["email"]),
        (&json!(2), &json!("ben@example.com"))
    );
    assert_eq!(
        made["memberships"],
        json!([{"organization": "default", "role": "member"}])
    );
    let hash = async |email: &str| {
        world
            .store
            .user_by_email(email)
            .await
            .unwrap()
            .unwrap()
            .password
            .unwrap()
    };
    assert!(passwords::verify(
        made["password"].as_str().unwrap(),
        &hash("ben@example.com").await
    ));

    let chosen = json!({"email": "cy@example.com", "name": "Cy", "password": "correct horse", "role": "member"});
    let made = world.post("/users", chosen).await;
    assert_eq!(
        (&made["password"], &made["memberships"][0]["role"]),
        (&Value::Null, &json!("member"))
    );
    assert!(passwords::verify("correct horse", &hash("cy@example.com").await));

    let (_, set) = world.call(Method::PUT, "/users/cy@example.com/password", None).await;
    assert!(passwords::verify(
        set["password"].as_str().unwrap(),
        &hash("cy@example.com").await
    ));
    let body = json!({"password": "battery staple"});
    let (_, set) = world
        .call(Method::PUT, "/users/CY@example.com/password", Some(body))
        .await;
    assert_eq!(set["password"], Value::Null);
    assert!(passwords::verify("battery staple", &hash("cy@example.com").await));
    let short = Some(json!({"password": "short"}));
    assert_eq!(
        world
            .refused(Method::PUT, "/users/cy@example.com/password", short)
            .await
            .0,
        400
    );
    assert_eq!(world.get("/users").await["users"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_person_is_named_a_developer_and_is_no_longer() {
    let world = World::started().await;
    assert_eq!(world.get("/users/ada@example.com").await["developer"], json!(false));
    for developer in [true, false] {
        let body = Some(json!({ "developer": developer }));
        let (status, shown) = world.call(Method::PATCH, "/users/ada@example.com", body).await;
        assert_eq!((status, &shown["developer"]), (200, &json!(developer)));
        assert_eq!(world.user("ada@example.com").await.developer, developer);
    }
    let events = world.events().await.into_iter();
    let events = events.filter(|event| event.action == "user_changed");
    let mut changes: Vec<_> = events.map(|event| (event.before, event.after)).collect();
    changes.sort();
    let told = |developer: bool| Some(format!("{{\"developer\":{developer}}}"));
    assert_eq!(changes, [(told(false), told(true)), (told(true), told(false))]);
    let nothing = world.refused(Method::PATCH, "/users/ada@example.com", None).await;
    assert_eq!((nothing.0, nothing.1.as_str()), (400, "invalid_request"));
    let nobody = Some(json!({"developer": true}));
    assert_eq!(
        world
            .refused(Method::PATCH, "/users/nobody@example.com", nobody)
            .await
            .0,
        404
    );
    let made = json!({"email": "dev@example.com", "name": "Dev", "developer": true});
    assert_eq!(world.post("/users", made).await["developer"], json!(true));
}

/// DESIGN §4: the hidden default organization is nobody's own, so a role in it would do nothing.
#[tokio::test]
async fn in_the_hidden_organization_everybody_is_a_member() {
    let world = World::started().await;
    let member = "/organizations/default/members/ada@example.com";
    for role in ["owner", "developer"] {
        let (status, _, message) = world.refused(Method::PUT, member, Some(json!({ "role": role }))).await;
        assert_eq!(status, 400, "{message}");
        assert!(message.contains("`developer`"), "{message}");
        let made = json!({"email": "new@example.com", "name": "New", "role": role});
        assert_eq!(world.refused(Method::POST, "/users", Some(made)).await.0, 400);
    }
    assert_eq!(
        world.call(Method::PUT, member, Some(json!({"role": "member"}))).await.0,
        200
    );
    assert_eq!(world.refused(Method::GET, "/users/new@example.com", None).await.0, 404);
}

/// DESIGN §2: an empty selection means nothing. What is left out is kept by name, so that nothing is added to it later.
#[tokio::test]
async fn an_apps_scopes_are_kept_by_name_and_none_is_none() {
    let world = World::started().await;
    let made = world.post("/apps", json!({"name": "All"})).await;
    assert_eq!(made["scopes"], json!(["profile"]));
    let all = world.store.app_by_client_id(made["client_id"].as_str().unwrap()).await;
    assert_eq!(all.unwrap().unwrap().scopes.unwrap().to_string(), "profile");
    let nothing = json!({"name": "None", "scopes": [], "products": [], "grant_types": []});
    let made = world.post("/apps", nothing).await;
    assert_eq!(
        (&made["scopes"], &made["products"], &made["grant_types"]),
        (&json!([]), &json!([]), &json!([]))
    );
    let none = world.store.app_by_client_id(made["client_id"].as_str().unwrap()).await;
    let none = none.unwrap().unwrap();
    assert!(none.scopes.unwrap().is_empty());
    assert_eq!((none.products, none.grant_types), (Some(vec![]), Some(vec![])));
    // A declared app without scopes has the catalogue, and is shown so.
    assert_eq!(world.get("/apps/planner").await["scopes"], json!(["profile"]));
}

#[tokio::test]
async fn a_new_password_and_a_suspension_end_every_session() {
    use crate::store::model::{Session, SessionId};
    let world = World::started().await;
    let ada = async || world.store.user_by_email("ada@example.com").await.unwrap().unwrap();
    let user = ada().await.id;
    let session = Session {
        id: SessionId([7; 32]),
        user,
        created: Instant(NOW),
        expires: Instant(NOW + 60_000),
    };
    for (method, path) in [(Method::PUT, "password"), (Method::POST, "suspend")] {
        let password = ada().await.password;
        world
            .store
            .create_session(session, password.as_deref(), " place")
            .await
            .unwrap();
        let (status, _) = world
            .call(method, &format!("/users/ada@example.com/{path}"), None)
            .await;
        assert_eq!(status, 200);
        assert!(world.store.session(session.id, Instant(NOW)).await.unwrap().is_none());
    }
    assert_eq!(world.get("/users/ada@example.com").await["status"], "suspended");
    assert_eq!(
        world.post("/users/ada@example.com/resume", json!({})).await["status"],
        "active"
    );
}

#[tokio::test]
async fn what_is_there_already_is_not_made_again() {
    let world = World::started().await;
    let again = Some(json!({"email": "ADA@example.com", "name": "Ada"}));
    let (status, code, message) = world.refused(Method::POST, "/users", again).await;
    assert_eq!((status, code.as_str()), (409, "taken"), "{message}");
    let again = Some(json!({"slug": "library", "name": "L"}));
    assert_eq!(world.refused(Method::POST, "/organizations", again).await.0, 409);
}

#[tokio::test]
async fn members_come_change_and_go_with_their_grants() {
    let world = World::started().await;
    let grant = world.granted().await;
    let made = world
        .post(
            "/organizations",
            json!({"slug": "museum", "name": "Museum", "kind": "sandbox"}),
        )
        .await;
    assert_eq!((&made["kind"], &made["members"]), (&json!("sandbox"), &json!([])));
    let member = "/organizations/museum/members/ada@example.com";
    let (_, set) = world.call(Method::PUT, member, Some(json!({"role": "member"}))).await;
    assert_eq!(set["members"][0]["role"], "member");
    let (_, set) = world.call(Method::PUT, member, Some(json!({"role": "owner"}))).await;
    assert_eq!(
        (&set["members"][0]["role"], &set["members"][0]["email"]),
        (&json!("owner"), &json!("ada@example.com"))
    );
    let (_, left) = world.call(Method::DELETE, member, None).await;
    assert_eq!(left["members"], json!([]));
    assert_eq!(world.refused(Method::DELETE, member, None).await.0, 404);
    assert_eq!(world.get(&format!("/grants/{grant}")).await["state"], "active");

    world
        .call(Method::DELETE, "/organizations/library/members/ada@example.com", None)
        .await;

    assert_eq!(world.get(&format!("/grants/{grant}")).await["state"], "active");
    let slugs = world.get("/organizations").await;
    let slugs: Vec<_> = slugs["organizations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["slug"].clone())
        .collect();
    assert_eq!(slugs, ["default", "library", "museum"]);
}

#[tokio::test]
async fn grants_are_listed_by_what_they_are() {
    let world = World::started().await;
    world.granted().await;
    let found = async |query: &str| {
        world.get(&format!("/grants{query}")).await["grants"]
            .as_array()
            .unwrap()
            .len()
    };
    for query in [
        "",
        "?user=ada@example.com",
        "?app=planner&state=active",
        "?organization=library&limit=1",
    ] {
        assert_eq!(found(query).await, 1, "{query}");
    }
    for query in [
        "?state=ended",
        "?organization=default",
        "?user=ada%40example.com&organization=default",
    ] {
        assert_eq!(found(query).await, 0, "{query}");
    }
    for query in ["?user=nobody", "?app=none"] {
        assert_eq!(
            world.refused(Method::GET, &format!("/grants{query}"), None).await.0,
            404
        );
    }
    for query in [
        "?state=over",
        "?limit=0",
        "?limit=10001",
        "?who=ada",
        "?app=planner&app=planner",
    ] {
        assert_eq!(
            world.refused(Method::GET, &format!("/grants{query}"), None).await.0,
            400,
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_grant_is_ended_once_and_stays_ended() {
    let world = World::started().await;
    let grant = world.granted().await.to_string();
    let ended = world.post(&format!("/grants/{grant}/end"), json!({})).await;
    assert_eq!(
        (&ended["state"], &ended["reason"]),
        (&json!("ended"), &json!("by_operator"))
    );
    assert_eq!(
        (&ended["user"], &ended["app"], &ended["organization"]),
        (&json!("ada@example.com"), &json!("planner"), &json!("library"))
    );
    assert_eq!(world.post(&format!("/grants/{grant}/end"), json!({})).await, ended);
    assert_eq!(
        world
            .events()
            .await
            .iter()
            .filter(|event| event.action == "grant_ended")
            .count(),
        1
    );
}

#[tokio::test]
async fn keys_are_rotated_and_revoked_with_an_event_for_each() {
    let world = World::started().await;
    let next = world.post("/keys/rotate", json!({"purpose": "access"})).await;
    assert_eq!(
        next["keys"],
        json!([{"id": 5, "purpose": "access", "state": "next", "created": "2023-11-14T22:13:20.000Z",
            "active_from": "2023-11-14T22:14:20.000Z", "retires": null, "revoked": null}])
    );
    assert_eq!(world.post("/keys/rotate", json!({"purpose": "access"})).await, next);
    for _ in 0..2 {
        let revoked = world.post("/keys/1/revoke", json!({})).await;
        assert_eq!((&revoked["state"], &revoked["id"]), (&json!("revoked"), &json!(1)));
    }
    let events = world.events().await;
    let about = |action: &str| {
        let of = events.iter().filter(|event| event.action == action);
        of.map(|event| event.detail.clone().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(about("key_rotated"), [r#"{"key":5,"purpose":"access"}"#]);
    assert_eq!(about("key_revoked"), [r#"{"key":1,"purpose":"access","successor":5}"#]);
    for (path, expected) in [
        ("/keys/99/revoke", (404, "not_found")),
        ("/keys/first/revoke", (404, "not_found")),
        ("/keys/4/revoke", (409, "conflict")),
    ] {
        let (status, code, message) = world.refused(Method::POST, path, None).await;
        assert_eq!((status, code.as_str()), expected, "{message}");
    }
    for wrong in [json!({"purpose": "declared"}), json!({"purposes": "access"})] {
        let (status, code, _) = world.refused(Method::POST, "/keys/rotate", Some(wrong)).await;
        assert_eq!((status, code.as_str()), (400, "invalid_request"));
    }
}

#[tokio::test]
async fn every_change_leaves_an_event_without_a_secret() {
    let world = World::started().await;
    let made = world.post("/apps", json!({"name": "Desk"})).await;
    world.post("/apps/planner/secret", json!({"reset": "now"})).await;
    world.post("/apps/planner/suspend", json!({})).await;
    world.post("/users/ada@example.com/suspend", json!({})).await;
    world
        .post(
            "/users",
            json!({"email": "b@example.com", "name": "B", "password": "correct horse"}),
        )
        .await;
    let events = world.events().await;
    let actions: Vec<_> = events.iter().map(|event| event.action.as_str()).collect();
    // Made in one millisecond of a clock that stands still, they have no order.
    for action in [
        "app_created",
        "app_secret_reset",
        "app_suspended",
        "user_suspended",
        "user_created",
    ] {
        assert!(actions.contains(&action), "{action} is not among {actions:?}");
    }
    let operator = format!("operator:{}", fs::metadata(world.socket()).unwrap().uid());
    for event in &events {
        assert_eq!(event.actor, operator);
        assert_eq!((event.at, &event.source), (Instant(NOW), &None));
    }
    let log = format!("{events:?}");
    assert!(!log.contains(made["client_secret"].as_str().unwrap()) && !log.contains("correct horse"));
}

#[tokio::test]
async fn an_event_shows_what_was_changed_before_and_after() {
    let world = World::started().await;
    let changes = json!({"name": "Diary", "reach": "own", "redirect_uris": ["https://diary.example.com/"]});
    let (status, _) = world.call(Method::PATCH, "/apps/planner", Some(changes)).await;
    assert_eq!(status, 200);
    world.post("/organizations/library/suspend", json!({})).await;
    let member = "/organizations/library/members/ada@example.com";
    world.call(Method::PUT, member, Some(json!({"role": "member"}))).await;
    let made = world
        .post("/organizations", json!({"slug": "museum", "name": "Museum"}))
        .await;
    let events = world.events().await;
    let shown = |action: &str| {
        let mut of = events.iter().filter(|event| event.action == action);
        let event = of.next().unwrap_or_else(|| panic!("no {action} in {events:?}"));
        assert!(of.next().is_none());
        let value = |text: &Option<String>| {
            text.as_deref()
                .map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
        };
        (value(&event.before), value(&event.after))
    };
    assert_eq!(
        shown("app_changed"),
        (
            json!({"name": "Planner", "redirect_uris": ["https://planner.example.com/callback"]}),
            json!({"name": "Diary", "redirect_uris": ["https://diary.example.com/"]})
        )
    );
    assert_eq!(
        shown("organization_suspended"),
        (json!({"status": "active"}), json!({"status": "suspended"}))
    );
    assert_eq!(
        shown("member_set"),
        (json!({"role": "owner"}), json!({"role": "member"}))
    );
    let museum = json!({"slug": "museum", "name": "Museum", "kind": "live", "hidden": false, "status": "active"});
    assert_eq!(shown("organization_created"), (Value::Null, museum));
    let organization = events.iter().find(|event| event.action == "organization_created");
    assert_eq!(
        organization.unwrap().organization.unwrap().to_string(),
        made["id"].as_str().unwrap()
    );
}

#[tokio::test]
async fn refusals_have_a_code_a_message_and_their_status() {
    let world = World::started().await;
    let cases = [
        (Method::GET, "/apps/none", 404, "not_found"),
        (Method::GET, "/users/none@example.com", 404, "not_found"),
        (Method::GET, "/organizations/none", 404, "not_found"),
        (Method::GET, "/grants/none", 404, "not_found"),
        (Method::GET, "/nothing", 404, "not_found"),
        (Method::DELETE, "/apps", 405, "method_not_allowed"),
        (
            Method::POST,
            "/grants/018f0000-0000-7000-8000-000000000000/end",
            404,
            "not_found",
        ),
    ];
    for (method, path, status, code) in cases {
        let refused = world.refused(method, path, None).await;
        assert_eq!((refused.0, refused.1.as_str()), (status, code), "{path}");
        assert!(!refused.2.is_empty());
    }
    let long = Some(json!({ "name": "x".repeat(70_000) }));
    assert_eq!(world.refused(Method::POST, "/apps", long).await.0, 413);
}

/// RFC 9110 §15.5.6.
#[tokio::test]
async fn every_address_says_which_methods_it_takes() {
    let world = World::started().await;
    let source = include_str!("api.rs");
    let routes: Vec<&str> = source
        .split("\"/")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let routes: Vec<_> = routes.into_iter().filter(|route| !route.starts_with("admin")).collect();
    assert!(routes.len() > 20, "{routes:?}");
    for route in routes {
        let path = format!("/{}", route.replace(['{', '}'], ""));
        let url = format!("http://hallpass/admin/api/v1{path}");
        let response = world.http.request(Method::OPTIONS, url).send().await.unwrap();
        assert_eq!(response.status(), 405, "{path}");
        let allowed = response.headers()["allow"].to_str().unwrap();
        let methods = ["GET", "POST", "PUT", "DELETE", "PATCH"];
        assert!(
            methods.iter().any(|method| allowed.contains(method)),
            "{path}: {allowed}"
        );
    }
}

#[tokio::test]
async fn an_apps_name_has_the_length_that_pages_take() {
    let world = World::started().await;
    let named = |length: usize| json!({ "name": "x".repeat(length) });
    let app = world.post("/apps", named(100)).await;
    for length in [101, 201, 40_000] {
        let refused = world.refused(Method::POST, "/apps", Some(named(length))).await;
        assert_eq!(refused.0, 400);
        assert!(refused.2.contains("at most 100 characters"), "{}", refused.2);
    }
    // A longer one of before stays good.
    let id = app["client_id"].as_str().unwrap();
    let path = format!("/apps/{id}");
    let name = "x".repeat(150);
    let longer = format!("UPDATE apps SET name = '{name}' WHERE client_id = '{id}'");
    world.database.sql(&longer).unwrap();
    assert_eq!(world.refused(Method::PATCH, &path, Some(named(101))).await.0, 400);
    let mut change = named(150);
    change["reach"] = json!("partner");
    let (status, changed) = world.call(Method::PATCH, &path, Some(change)).await;
    assert_eq!((status, changed["name"].as_str()), (200, Some(name.as_str())));
}

#[tokio::test]
async fn persons_are_named_in_persian_and_sinhala() {
    let world = World::started().await;
    for (email, name) in [("a@example.com", "می\u{200c}خواهم"), ("b@example.com", "ශ්\u{200d}රී")] {
        let made = world.post("/users", json!({ "email": email, "name": name })).await;
        assert_eq!(made["name"], name);
    }
    let hidden = json!({ "email": "c@example.com", "name": "A\u{200d}da" });
    assert_eq!(world.refused(Method::POST, "/users", Some(hidden)).await.0, 400);
}

/// Not every database takes one: it is the caller's mistake, and never the database's failure.
#[tokio::test]
async fn a_nul_in_a_text_is_a_mistake_and_in_a_name_nobodys() {
    let world = World::started().await;
    for path in [
        "/apps/%00",
        "/users/a%00@example.com",
        "/organizations/%00",
        "/grants/%00",
    ] {
        assert_eq!(world.refused(Method::GET, path, None).await.0, 404, "{path}");
    }
    for (path, body) in [
        ("/users", json!({ "email": "b\0@example.com", "name": "B" })),
        ("/users", json!({ "email": "b@example.com", "name": "B\0" })),
        (
            "/users",
            json!({ "email": "b@example.com", "name": "B", "locale": "nl\0" }),
        ),
        ("/organizations", json!({ "slug": "b\0", "name": "B" })),
        ("/organizations", json!({ "slug": "b", "name": "B\0" })),
        (
            "/apps",
            json!({ "name": "B\0", "redirect_uris": ["https://b.example/cb"] }),
        ),
        (
            "/apps",
            json!({ "name": "B", "redirect_uris": ["https://b.example/\0"] }),
        ),
        (
            "/apps",
            json!({ "name": "B", "client_id": "b\0", "redirect_uris": ["https://b.example/cb"] }),
        ),
        ("/apps", json!({ "name": "B", "organization": "library\0" })),
        ("/apps", json!({ "name": "B", "owner": "ada@example.com\0" })),
    ] {
        let status = world.call(Method::POST, path, Some(body.clone())).await.0;
        assert!((400..500).contains(&status), "{body}: {status}");
    }
}
