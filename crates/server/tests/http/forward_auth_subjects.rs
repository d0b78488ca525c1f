//! `/forward-auth`: whom the API is told about, by the kind of the subject.

use crate::harness::{Person, Server};
use reqwest::Method;

/// An owner of Acme.
const OLGA: Person = Person {
    email: "olga@example.com",
    password: "the owner of all of it",
};

/// The issuer does not change with the port.
const WORLD: &str = r#"
[server]
public_url = "http://id.example"
[forward_auth]
trusted_proxies = ["127.0.0.1"]
[scopes.read]
title = "Read your orders"
endpoints = ["GET /orders"]

[[users]]
email = "olga@example.com"
name = "Olga Owner"
password = "the owner of all of it"
[[organizations]]
slug = "acme"
name = "Acme Kitchens"
external_id = "4711"
members = ["olga@example.com:owner"]

[[apps]]
name = "Acme Till"
organization = "acme"
client_id = "till"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://till.example/callback"]
acts_as = "organization"
[[apps]]
name = "Acme Planner"
organization = "acme"
client_id = "planner"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://planner.example/callback"]
"#;

/// A token that Olga allowed an app.
async fn token(server: &Server, app: &str) -> String {
    let olga = server.browser_of(OLGA).await;
    let callback = format!("https://{app}.example/callback");
    let client = server.client(app, &callback);
    client.connect_with(&olga, &[("scope", "read")]).await.access
}

/// The identity that a proxy gets for a token.
async fn identity(server: &Server, token: &str) -> Vec<String> {
    let url = server.at("/forward-auth");
    let request = server
        .request(Method::GET, &url)
        .bearer_auth(token)
        .header("x-forwarded-method", "GET")
        .header("x-forwarded-uri", "/orders");
    let answer = server.send(&url, request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    [
        "subject",
        "client-id",
        "acts-as",
        "scope",
        "organization",
        "environment",
    ]
    .map(|name| answer.header(&format!("hallpass-{name}")).to_owned())
    .to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_an_organization_names_the_organization_as_the_subject() {
    let server = Server::library("default", WORLD).await;
    let acme = server.command(&["org", "show", "acme"]);
    let subject = format!("org_{}", acme["id"].as_str().unwrap());
    let token = token(&server, "till").await;
    assert_eq!(
        identity(&server, &token).await,
        [subject.as_str(), "till", "organization", "read", "4711", "live"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_the_site_is_named_by_the_id_there() {
    let mut server = Server::library("default", WORLD).await;
    let token = token(&server, "planner").await;
    // As a site that signs Olga in would.
    server.sql(&format!(
        "UPDATE users SET email = NULL, password = NULL, external_id = '17' WHERE email = '{}'",
        OLGA.email
    ));
    server.restart().await;
    assert_eq!(
        identity(&server, &token).await,
        ["17", "planner", "person", "read", "4711", "live"]
    );
}
