//! Permissions: `docs/permissions.md`, tested cell by cell.

mod tried;
mod world;

use crate::harness::{HANDOVER, RESOURCE, SITE_SECRET, Server, Tokens};
use reqwest::Method;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use tried::*;
use world::*;

const ROUTER: &str = include_str!("../../src/web/routes.rs");
const TABLE: &str = include_str!("../../src/http/endpoints.rs");
const ADMIN: &str = include_str!("../../src/admin/api.rs");
const SITE: &str = include_str!("../../src/accounts/handover/routes.rs");
/// The calls in [`SITE`].
const MERGED: &str = ".merge(accounts::handover::routes(&hallpass))";

const NOBODY: &str = "—";

#[tokio::test(flavor = "multi_thread")]
async fn each_page_does_for_each_person_what_the_table_says() {
    let server = started("").await;
    let tried = Tried::new(&server).await;
    let mut wrong = String::new();
    for row in rows("Pages", "page or call") {
        let (app, cells) = row.cells.split_first().unwrap();
        let app = client_id(app);
        let people = people(app);
        assert_eq!(cells.len(), people.len(), "{}", row.call);
        for (cell, name) in cells.iter().zip(people) {
            let told = match name {
                Some(name) => tried.cell(&row.call, app, name).await,
                None => NOBODY,
            };
            if told != cell {
                let who = name.filter(|name| !name.is_empty()).unwrap_or("a stranger");
                let _ = writeln!(
                    wrong,
                    "{} of {app} by {who}: {told}, and the table says {cell}",
                    row.call
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Method and path of each page of the router, and of each machine endpoint.
fn addresses() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let (_, pages) = ROUTER.split_once(" fn pages(").unwrap();
    let (pages, _) = pages.split_once(".fallback(").unwrap();
    let (_, pages) = pages.split_once("Router::new()").unwrap();
    let (_, site) = SITE.split_once("Router::new()").unwrap();
    let (site, _) = site.split_once(".layer(").unwrap();
    let pages = [pages.replacen(MERGED, "", 1).as_str(), site].concat();
    for route in pages.split(".route(").skip(1) {
        let (path, handlers) = route.trim_start_matches(['\n', ' ', '"']).split_once('"').unwrap();
        // Every name that is called is a method. A method that the test does not know has no row.
        let calls = handlers.split('(').rev().skip(1);
        for call in calls {
            let method = call.rsplit(|character: char| !character.is_alphanumeric() && character != '_');
            found.insert(format!("{} {path}", method.take(1).collect::<String>().to_uppercase()));
        }
    }
    let others = [".nest", ".merge", ".route_service", ".fallback_service"];
    assert!(
        !others.iter().any(|call| pages.contains(call)),
        "the test reads routes alone"
    );
    found.extend(endpoints());
    found
}

/// Methods and path of each row of the table of endpoints.
fn endpoints() -> BTreeSet<String> {
    let (_, table) = TABLE.split_once("static TABLE").unwrap();
    let (table, _) = table.split_once("\n];").unwrap();
    let mut found = BTreeSet::new();
    for row in table.split("EndpointRow {").skip(1) {
        let member = |name: &str| row.split_once(&format!("{name}: ")).unwrap().1;
        let location = member("location").strip_prefix("Location::").unwrap();
        let (kind, rest) = location.split_once(['(', ',']).unwrap();
        let name = rest.split('"').nth(1).unwrap_or_default();
        let path = match kind {
            "Path" => format!("[paths] {name}"),
            "Fixed" => name.to_owned(),
            "WellKnown" => format!("/.well-known/{name}"),
            // The pages, which are rows of their own.
            "Rest" => continue,
            other => panic!("the test does not know how to read Location::{other}"),
        };
        let methods = member("methods").strip_prefix("Methods::").unwrap();
        let methods = match methods.split(',').next().unwrap() {
            "Read" | "Any" => &["GET"][..],
            "Post" => &["POST"],
            "ReadOrPost" => &["GET", "POST"],
            other => panic!("the test does not know how to read Methods::{other}"),
        };
        found.extend(methods.iter().map(|method| format!("{method} {path}")));
    }
    assert!(found.len() > 12, "{found:?}");
    found
}

/// Method and path of each call of the admin API.
fn operators_calls() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for route in ADMIN.split(".route(").skip(1) {
        let route = route.split(';').next().unwrap();
        let path = route.split('"').nth(1).unwrap();
        for (name, method) in [
            ("get(", "GET"),
            ("post(", "POST"),
            ("suspension::", "POST"),
            ("put(", "PUT"),
            ("patch(", "PATCH"),
            ("delete(", "DELETE"),
        ] {
            if route.contains(name) {
                found.insert(format!("{method} {path}"));
            }
        }
    }
    found
}

#[test]
fn each_address_has_a_row() {
    let tables = [
        rows("Pages", "page or call"),
        rows("What machines call", "call"),
        rows("The site", "call"),
        rows("Grants of an organization", "call"),
        rows("The operator", "call"),
    ];
    let rows: BTreeSet<String> = tables.into_iter().flatten().map(|row| row.call).collect();
    let mut addresses = addresses();
    let calls = operators_calls();
    assert!(calls.len() > 35, "{calls:?}");
    addresses.extend(calls);
    assert!(addresses.len() > 20, "{addresses:?}");
    let missing: Vec<_> = addresses.difference(&rows).collect();
    assert!(missing.is_empty(), "docs/permissions.md has no row for {missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_people_allowed_by_the_configuration_register_apps() {
    for row in rows("Who registers apps", "register") {
        let server = started(&format!("[portal]\nregister = \"{}\"", row.call)).await;
        let people = ["eve", "nina", "max", "dana", "olga"];
        assert_eq!(row.cells.len(), people.len());
        for (cell, name) in row.cells.iter().zip(people) {
            let browser = server.browser_of(person(name)).await;
            let page = browser.open("/developer/apps/new").await;
            assert_eq!(word(&page), cell, "{} {name}", row.call);
            // The page offers exactly what is allowed.
            let list = browser.open("/developer").await;
            assert_eq!(
                links_to(&list, "/developer/apps/new"),
                cell == "yes",
                "{} {name}",
                row.call
            );
            let registers = matches!(name, "dana" | "olga") && cell == "yes";
            let organization = browser.open("/organizations/acme?tab=api").await;
            let button = links_to(&organization, "/developer/apps/new?organization=acme");
            assert_eq!(button, registers, "{} {name}", row.call);
        }
    }
}

/// One request of a machine with an app's token. Returns the result in the words of the table.
async fn machine(server: &Server, call: &str, caller: &str, tokens: &Tokens) -> &'static str {
    let client = match caller {
        "nobody" => None,
        "the app" => Some(server.client("night-export", CALLBACK)),
        "another app" => Some(server.client("nina-notes", CALLBACK)),
        "a public app" => Some(server.client("native", "http://127.0.0.1/callback").public()),
        "a resource" => Some(server.client(RESOURCE, "")),
        other => panic!("the test knows no caller {other:?}"),
    };
    let answer = match (call, &client) {
        ("POST [paths] token", Some(client)) => client.refresh(&tokens.refresh).await,
        ("POST [paths] introspect", Some(client)) => client.introspect(&tokens.access).await,
        ("POST [paths] revoke", Some(client)) => client.revoke(&tokens.access).await,
        ("GET /resource/feed", Some(client)) => {
            let url = server.at("/resource/feed");
            let request = server
                .request(Method::GET, &url)
                .header("authorization", client.basic());
            server.send(&url, request).await
        }
        ("GET [paths] identity", Some(_)) => server.identity(&tokens.access).await,
        ("GET [paths] identity", None) => server.get("/oauth/userinfo").await,
        ("POST [paths] identity", Some(_)) => {
            let url = server.at("/oauth/userinfo");
            let request = server.request(Method::POST, &url).bearer_auth(&tokens.access);
            server.send(&url, request).await
        }
        ("POST [paths] identity", None) => server.post("/oauth/userinfo", &[]).await,
        ("POST [paths] token", None) => {
            let form = [("grant_type", "refresh_token"), ("refresh_token", &tokens.refresh)];
            server.post("/oauth/token", &form).await
        }
        ("POST [paths] introspect", None) => server.post("/oauth/introspect", &[("token", &tokens.access)]).await,
        ("POST [paths] revoke", None) => server.post("/oauth/revoke", &[("token", &tokens.access)]).await,
        (path, None) => server.get(path.trim_start_matches("GET ")).await,
        (other, Some(_)) => panic!("the test does not know how to try {other:?}"),
    };
    let inactive = call.ends_with("introspect") && answer.status == 200 && answer.json()["active"] == false;
    let told = match answer.status {
        200 if inactive => "no",
        200 => "yes",
        400 => "refused",
        401 => "401",
        404 => "not there",
        other => panic!("{call} {caller}: {other} {}", answer.body),
    };
    if call.ends_with("revoke") {
        let ended = server.identity(&tokens.access).await.status == 401;
        assert_eq!(ended, told == "yes", "{call} {caller}");
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn each_endpoint_does_for_each_machine_what_the_table_says() {
    let server = started("").await;
    let eve = server.browser_of(person("eve")).await;
    let callers = ["nobody", "the app", "another app", "a public app", "a resource"];
    for row in rows("What machines call", "call") {
        assert_eq!(row.cells.len(), callers.len(), "{}", row.call);
        for (cell, caller) in row.cells.iter().zip(callers).filter(|(cell, _)| *cell != NOBODY) {
            let tokens = server.client("night-export", CALLBACK).connect(&eve).await;
            let told = machine(&server, &row.call, caller, &tokens).await;
            assert_eq!(told, cell, "{} by {caller}", row.call);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_site_alone_calls_what_is_for_the_site() {
    let server = Server::library("default", HANDOVER).await;
    for row in rows("The site", "call") {
        let (method, path) = row.call.split_once(' ').unwrap();
        for (cell, secret) in row
            .cells
            .iter()
            .zip(["", SITE_SECRET])
            .filter(|(cell, _)| *cell != NOBODY)
        {
            let url = server.at(path);
            let answer = server
                .send(&url, server.request(method.parse().unwrap(), &url).bearer_auth(secret))
                .await;
            let told = match answer.status {
                303 if answer.header("location").starts_with("https://www.example.com/") => "the site",
                400 | 422 => "refused",
                401 => "401",
                404 => "not there",
                other => panic!("{}: {other} {}", row.call, answer.body),
            };
            assert_eq!(told, cell, "{}", row.call);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_admin_path_is_served_at_the_public_address() {
    let server = started("").await;
    let (stranger, olga) = (server.browser(), server.browser_of(person("olga")).await);
    let paths = ADMIN
        .split('"')
        .filter(|text| text.starts_with('/') && !text.contains("admin"));
    let paths: BTreeSet<&str> = paths.collect();
    assert!(paths.len() > 15, "{paths:?}");
    for row in rows("The operator", "call") {
        assert_eq!(row.cells[1], "not there", "{}", row.call);
    }
    for path in paths {
        for prefix in ["", "/admin/api/v1"] {
            let url = server.at(&format!("{prefix}{}", path.replace(['{', '}'], "")));
            for browser in [&stranger, &olga] {
                for method in [Method::GET, Method::POST, Method::PATCH, Method::PUT, Method::DELETE] {
                    let request = server.request(method, &url).header("cookie", browser.cookies());
                    let answer = server.send(&url, request).await;
                    // A page of the portal and the public document have one of these paths, but are not admin paths.
                    let is_other = path.starts_with("/organizations/") || path == "/openapi.json";
                    assert!(
                        answer.status == 404 || prefix.is_empty() && is_other,
                        "{url}: {}",
                        answer.status
                    );
                }
            }
        }
    }
}

/// Every link on a person's page leads to a page that the person may see.
#[tokio::test(flavor = "multi_thread")]
async fn every_link_leads_to_a_page_that_the_person_may_see() {
    for register in ["everyone", "developers", "nobody"] {
        let server = started(&format!("[portal]\nregister = \"{register}\"")).await;
        for name in NAMES.into_iter().chain([""]) {
            let browser = match name {
                "" => server.browser(),
                name => server.browser_of(person(name)).await,
            };
            let mut seen = BTreeSet::new();
            let mut due = vec!["/".to_owned(), "/account".to_owned(), "/developer".to_owned()];
            while let Some(path) = due.pop() {
                if !seen.insert(path.clone()) {
                    continue;
                }
                let page = browser.open(&path).await;
                assert_eq!(page.status, 200, "{register}: {name:?} is led to {path}");
                let links = page.body.split("href=\"/").skip(1);
                let links = links.map(|rest| format!("/{}", rest.split('"').next().unwrap()));
                due.extend(links.filter(|path| !path.starts_with("/assets/")));
            }
            assert!(seen.len() > 3, "{name:?} {seen:?}");
        }
    }
}

/// An organization's app stays with the organization: its creator cannot manage it after leaving, or after becoming a mere
/// member.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_left_an_organization_cannot_manage_its_apps() {
    let server = started("").await;
    for name in ["dana", "tim"] {
        let browser = server.browser_of(person(name)).await;
        let member = format!("/organizations/acme/members/{name}@example.com");
        let page = browser.open("/developer/apps/acme-reports").await;
        assert_eq!(page.status, 200, "{name}");
        for role in [Some("member"), None] {
            let (method, body) = match role {
                Some(role) => (Method::PUT, Some(serde_json::json!({ "role": role }))),
                None => (Method::DELETE, None),
            };
            assert_eq!(server.operator(method, &member, body).await.status, 200);
            assert_eq!(
                browser.open("/developer/apps/acme-reports").await.status,
                404,
                "{name} {role:?}"
            );
            let reset = browser.submit(&page, &page.form("reset"), &[("reset", "now")]).await;
            assert_eq!(reset.status, 404, "{name} {role:?}");
            assert!(!browser.open("/developer").await.text().contains("acme-reports"));
        }
    }
    let acme = server.client("acme-reports", CALLBACK);
    assert_eq!(
        acme.client_credentials(&[]).await.status,
        200,
        "the secret is as it was"
    );
}

/// The default organization may be visible, and a person may leave it.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_left_the_default_organization_cannot_manage_its_apps() {
    for organization in ["", "[[organizations]]\nslug = \"default\"\nname = \"House\"\n"] {
        let server = started(organization).await;
        for name in ["nina", "tess"] {
            let browser = server.browser_of(person(name)).await;
            let page = browser.open("/developer/apps/nina-notes").await;
            assert_eq!(page.status, 200, "{name}");
            let member = format!("/organizations/default/members/{name}@example.com");
            assert_eq!(server.operator(Method::DELETE, &member, None).await.status, 200);
            assert_eq!(browser.open("/developer/apps/nina-notes").await.status, 404, "{name}");
            let reset = browser.submit(&page, &page.form("reset"), &[("reset", "now")]).await;
            assert_eq!(reset.status, 404, "{name}");
            assert!(!browser.open("/developer").await.text().contains("nina-notes"));
        }
    }
}

/// An app without an organization has no other manager: a person who is no longer a developer keeps their own apps, and
/// cannot register more.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_is_no_longer_a_developer_keeps_their_own_apps() {
    let server = started("").await;
    let nina = server.browser_of(person("nina")).await;
    let body = Some(serde_json::json!({"developer": false}));
    let changed = server.operator(Method::PATCH, "/users/nina@example.com", body).await;
    assert_eq!(changed.status, 200);
    assert_eq!(nina.open("/developer/apps/new").await.status, 403);
    assert_eq!(nina.open("/developer/apps/nina-notes").await.status, 200);
}

/// In each preset, an ordinary person manages no app, and sees no e-mail address but their own.
#[tokio::test(flavor = "multi_thread")]
async fn in_every_preset_an_ordinary_person_manages_nothing() {
    for preset in [
        "default",
        "common-controls-hub",
        "connected-home",
        "house-check",
        "apicbase",
    ] {
        let organization = match preset {
            "connected-home" => "[[organizations]]\nslug = \"connectedhome\"\nname = \"Home\"\n",
            _ => "",
        };
        let server = Server::library(preset, &world(organization)).await;
        let (eve, max) = (
            server.browser_of(person("eve")).await,
            server.browser_of(person("max")).await,
        );
        for browser in [&eve, &max] {
            for (id, ..) in APPS {
                assert!(!browser.open("/developer").await.text().contains(id), "{preset} {id}");
                let page = browser.open(&format!("/developer/apps/{id}")).await;
                assert_eq!(page.status, 404, "{preset} {id}");
            }
            assert_eq!(browser.open("/developer/apps/new").await.status, 403, "{preset}");
            for slug in ["acme", "connectedhome", "default"] {
                let page = browser.open(&format!("/organizations/{slug}")).await;
                assert_eq!(page.status, 404, "{preset} {slug}");
            }
            assert!(!browser.open("/account").await.body.contains("olga@"), "{preset}");
        }
    }
}
