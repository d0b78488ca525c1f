//! Memory is evicted by key (decision 58): a change of one app, person or organization does not evict others.
//!
//! The tests change a row directly in the database, without telling the server. As long as the server still answers with
//! the old value, the object is in its memory.

use crate::harness::{APPS, Browser, JOHN, MARY, Person, REDIRECT_URI, RESOURCE, Server, TENANTS};
use reqwest::Method;
use serde_json::{Value, json};

const MAX: Person = Person {
    email: "max@example.com",
    password: "only a member of it",
};
/// If a server loses its database for two seconds, it must read everything again. On a busy machine this may happen once; a
/// change that evicts too much does so in each round.
const ROUNDS: usize = 5;

/// An object, and the direct change of its row.
struct Case {
    name: &'static str,
    behind: &'static str,
    back: &'static str,
    /// A change of the object through the server. `None` if none is possible while a server runs.
    own: Option<(Method, &'static str, Value)>,
}

fn cases() -> Vec<Case> {
    let patch = |path, name| Some((Method::PATCH, path, json!({ "name": name })));
    vec![
        Case {
            name: "app",
            behind: "UPDATE apps SET status = 'suspended' WHERE client_id = 'other'",
            back: "UPDATE apps SET status = 'live' WHERE client_id = 'other'",
            own: patch("/apps/other", "Other App, too"),
        },
        Case {
            name: "person",
            behind: "UPDATE users SET status = 'suspended' WHERE email = 'mary@example.com'",
            back: "UPDATE users SET status = 'active' WHERE email = 'mary@example.com'",
            own: patch("/users/mary@example.com", "Mary Minor"),
        },
        Case {
            name: "membership",
            behind: "UPDATE memberships SET ended_at = 1767225600000 WHERE user_id = (SELECT id FROM users WHERE email = 'max@example.com')",
            back: "UPDATE memberships SET ended_at = NULL",
            own: Some((
                Method::PUT,
                "/organizations/globex/members/max@example.com",
                json!({ "role": "member" }),
            )),
        },
        Case {
            name: "organization",
            behind: "UPDATE organizations SET status = 'suspended' WHERE slug = 'globex'",
            back: "UPDATE organizations SET status = 'active' WHERE slug = 'globex'",
            own: patch("/organizations/globex", "Globex Kitchens"),
        },
        Case {
            name: "origin",
            behind: "DELETE FROM app_origins WHERE origin = 'https://other.example'",
            back: "INSERT INTO app_origins SELECT 'https://other.example', id FROM apps WHERE client_id = 'other'",
            own: patch("/apps/other", "Other App"),
        },
        Case {
            name: "resource",
            behind: "UPDATE resources SET identifier = 'https://elsewhere.example'",
            back: "UPDATE resources SET identifier = 'https://api.example'",
            own: None,
        },
    ]
}

/// A server and access tokens of people.
struct World {
    server: Server,
    mary: String,
    max: String,
}

impl World {
    async fn new() -> Self {
        let server = Server::library("default", &format!("{APPS}{TENANTS}")).await;
        let token = async |browser: Browser<'_>, app: &str, uri: &str| {
            let client = server.client(app, uri);
            client.connect(&browser).await.access
        };
        let mary = token(server.browser_of(MARY).await, "sample", REDIRECT_URI).await;
        let max = token(
            server.browser_of(MAX).await,
            "acme-reports",
            "https://acme.example/callback",
        )
        .await;
        Self { server, mary, max }
    }

    /// Whether the server still answers as at the beginning.
    async fn is_as_before(&self, name: &str) -> bool {
        let server = &self.server;
        let answer = match name {
            "app" => server.client("other", "").client_credentials(&[]).await,
            "person" => server.identity(&self.mary).await,
            "membership" => server.identity(&self.max).await,
            "organization" => server.client("globex-trials", "").client_credentials(&[]).await,
            "resource" => server.client(RESOURCE, "").introspect(&self.mary).await,
            _ => {
                let url = server.at("/oauth/token");
                let request = server.request(Method::OPTIONS, &url);
                let request = request.header("access-control-request-method", "POST");
                server
                    .send(&url, request.header("origin", "https://other.example"))
                    .await
            }
        };
        answer.status < 300
    }

    async fn change(&self, (method, path, body): (Method, &str, Value)) {
        let answer = self.server.operator(method, path, Some(body)).await;
        assert!(answer.status < 300, "{path}: {}", answer.text());
    }

    /// Changes everything else, and rotates keys.
    async fn change_others(&self, round: usize) {
        let name = |what: &str| json!({ "name": format!("{what} {round}") });
        self.change((Method::PATCH, "/apps/sample", name("Sample"))).await;
        self.change((Method::PATCH, "/users/john@doe.com", name("John"))).await;
        self.change((Method::PATCH, "/organizations/acme", name("Acme"))).await;
        let member = "/organizations/acme/members/john@doe.com";
        self.change((Method::PUT, member, json!({ "role": "owner" }))).await;
        let rotated = self.server.operator(Method::POST, "/keys/rotate", None).await;
        assert!(rotated.status < 300, "{}", rotated.text());
    }

    /// Whether the object was not read again in one of the rounds.
    async fn remembers(&self, case: &Case) -> bool {
        for round in 0..ROUNDS {
            // Twice: the first request finds the app of an origin, the second one reads all of the app's origins.
            for _ in 0..2 {
                assert!(self.is_as_before(case.name).await, "{}", case.name);
            }
            self.server.sql(case.behind);
            self.change_others(round).await;
            if self.is_as_before(case.name).await {
                return true;
            }
            self.server.sql(case.back);
            self.reread(case).await;
        }
        false
    }

    async fn reread(&self, case: &Case) {
        if let Some(own) = &case.own {
            self.change(own.clone()).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_one_object_leaves_the_others_in_memory() {
    let world = World::new().await;
    for case in cases() {
        assert!(
            world.remembers(&case).await,
            "{}: read anew for others' sake",
            case.name
        );
        if case.own.is_some() {
            world.reread(&case).await;
            assert!(!world.is_as_before(case.name).await, "{}: not read anew", case.name);
        }
        world.server.sql(case.back);
        world.reread(&case).await;
        assert!(
            case.own.is_none() || world.is_as_before(case.name).await,
            "{}",
            case.name
        );
    }
}

/// A deleted app is declared again at the start of another server, with another id: its client ID must lead to the new app.
#[tokio::test(flavor = "multi_thread")]
async fn a_reused_client_id_leads_to_the_new_app() {
    let world = World::new().await;
    let server = &world.server;
    assert!(world.is_as_before("app").await && world.is_as_before("origin").await);
    let again = json!({ "name": "Again", "redirect_uris": ["https://other.example/callback"] });
    let made = server.operator(Method::POST, "/apps", Some(again)).await.json();
    let deleted = server.operator(Method::DELETE, "/apps/other", None).await;
    assert_eq!(deleted.status, 200, "{}", deleted.text());
    assert!(!world.is_as_before("app").await);
    let id = made["client_id"].as_str().expect("a client ID");
    server.sql(&format!("UPDATE apps SET client_id = 'other' WHERE client_id = '{id}'"));
    let other = server
        .client("other", "")
        .with_secret(made["client_secret"].as_str().expect("a secret"));
    assert_eq!(other.client_credentials(&[]).await.status, 200);
    assert!(world.is_as_before("origin").await);
}

/// The organization and the developer in an app's answers are looked up, not stored with the app.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_holds_no_copy_of_its_organization() {
    let world = World::new().await;
    let shown = async || {
        let john = world.server.browser_of(JOHN).await;
        let query = world.server.client("acme-reports", "https://acme.example/callback");
        john.authorize(&query.query(&[])).await.consent().text()
    };
    assert!(shown().await.contains("Acme Kitchens"));
    let renamed = json!({ "name": "Acme Bakeries" });
    world.change((Method::PATCH, "/organizations/acme", renamed)).await;
    assert!(shown().await.contains("Acme Bakeries"));
}
