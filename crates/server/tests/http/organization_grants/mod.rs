//! Grants of an organization (decision 83): an owner allows, the organization holds.

mod allow;
mod life;
mod limit;
mod page;
mod tokens;

use crate::harness::{Browser, Client, MARY, Person, Server, Tokens};

/// An owner of Acme who reads English.
const OLGA: Person = Person {
    email: "olga@example.com",
    password: "the owner of all of it",
};

/// Another owner of Acme.
const OWEN: Person = Person {
    email: "owen@example.com",
    password: "the second owner of it",
};

/// A developer of Acme.
const DORA: Person = Person {
    email: "dora@example.com",
    password: "a developer of it only",
};

/// A member of Acme.
const MAX: Person = Person {
    email: "max@example.com",
    password: "only a member of it",
};

/// Acme with two owners, a developer and a member; Globex, which Mary owns. The app `robot` of Globex acts for any
/// organization, `own` for Acme, and `planner` for people.
const WORLD: &str = r#"
[scopes.read]
title = "Read your things"
[scopes.write]
title = "Change your things"

[[users]]
email = "olga@example.com"
name = "Olga Owner"
password = "the owner of all of it"
[[users]]
email = "owen@example.com"
name = "Owen Owner"
password = "the second owner of it"
[[users]]
email = "dora@example.com"
name = "Dora Developer"
password = "a developer of it only"
[[users]]
email = "max@example.com"
name = "Max Member"
password = "only a member of it"

[[organizations]]
slug = "acme"
name = "Acme Kitchens"
external_id = "4711"
members = ["olga@example.com:owner", "owen@example.com:owner", "dora@example.com:developer", "max@example.com:member"]
[[organizations]]
slug = "globex"
name = "Globex Kitchens"
members = ["mary@example.com:owner", "max@example.com:member"]

[[apps]]
name = "Robot"
organization = "globex"
client_id = "robot"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://robot.example/callback"]
reach = "partner"
acts_as = "organization"
[[apps]]
name = "Acme Till"
organization = "acme"
client_id = "own"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://own.example/callback"]
acts_as = "organization"
[[apps]]
name = "Planner"
client_id = "planner"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://planner.example/callback"]
reach = "partner"

[[resources]]
identifier = "https://api.example"
name = "The API"
secret = "a-secret-of-43-characters-as-hallpass-makes"
"#;

async fn world() -> Server {
    Server::library("default", WORLD).await
}

fn robot(server: &Server) -> Client<'_> {
    server.client("robot", "https://robot.example/callback")
}

/// Olga connects the robot for Acme.
async fn connected(server: &Server) -> Tokens {
    let olga = server.browser_of(OLGA).await;
    robot(server).connect_with(&olga, &[("scope", "read write")]).await
}

/// The subject of Acme.
fn subject(server: &Server) -> String {
    let acme = server.command(&["org", "show", "acme"]);
    format!("org_{}", acme["id"].as_str().expect("an id"))
}

/// The active grants, as the operator sees them.
fn grants(server: &Server) -> Vec<serde_json::Value> {
    let listed = server.command(&["grant", "list", "--state", "active"]);
    listed["grants"].as_array().expect("a list").clone()
}

/// Presses a button of the first grant on the page of Acme's connected apps.
async fn press(browser: &Browser<'_>, button: &str, more: &[(&str, &str)]) -> crate::harness::Answer {
    let page = browser.open("/organizations/acme?tab=apps").await;
    let form = page.form(button);
    let typed: Vec<_> = more.iter().copied().chain([(button, "1")]).collect();
    browser.submit(&page, &form, &typed).await
}

async fn mary_of_globex(server: &Server) -> Browser<'_> {
    server.browser_of(MARY).await
}
