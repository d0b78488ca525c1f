//! Deleting an app, a person or an organization ends all of its grants, at once and for good.

use crate::harness::{APPS, Client, JOHN, REDIRECT_URI, Server, TENANTS, Tokens};
use reqwest::Method;
use serde_json::{Value, json};

const PUBLIC: &str = "[server]\npublic_url = \"http://id.example\"\n";

async fn delete(server: &Server, path: &str) -> Value {
    let answer = server.operator(Method::DELETE, path, None).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn assert_over(server: &Server, client: &Client<'_>, tokens: &Tokens) {
    assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
    assert_eq!(client.introspect(&tokens.access).await.json()["active"], false);
    assert_eq!(client.refresh(&tokens.refresh).await.refusal(), "400 invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_app_loses_its_tokens_and_cannot_authenticate() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    let gone = delete(&server, "/apps/sample").await;
    assert_eq!((&gone["grants"], &gone["deleted"]), (&json!(1), &json!(true)));
    assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
    assert_eq!(sample.refresh(&tokens.refresh).await.refusal(), "401 invalid_client");
    assert_eq!(john.authorize(&sample.query(&[])).await.page().status, 400);
    assert!(!john.open("/account/apps").await.text().contains("Sample App"));
    let listed = server.operator(Method::GET, "/grants", None).await.json();
    assert_eq!(listed["grants"][0]["reason"], "app_deleted");
}

/// An app that moves to another organization loses its grants: the command says how many, and asks for confirmation first.
#[tokio::test(flavor = "multi_thread")]
async fn moving_an_app_with_grants_needs_confirmation() {
    let server = Server::binary(
        "default",
        &format!("{APPS}[[organizations]]\nslug = \"museum\"\nname = \"Museum\"\n"),
    )
    .await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    let to_museum = ["app", "change", "sample", "--organization", "museum"];
    assert_eq!(
        server.unconfirmed(&to_museum),
        "Moving sample to museum: 1 grant ends.\nNothing was changed. Add --yes to confirm.\n"
    );
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    let moved = server.command(&[&to_museum[..], &["--yes"]].concat());
    assert_eq!(moved["organization"], "museum");
    assert_over(&server, &sample, &tokens).await;
    // No grant is left to end, so no confirmation is needed.
    server.command(&["app", "change", "sample", "--organization", "default"]);
}

/// The same client ID is another app then; the grants of the old app have ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_app_still_declared_is_recreated_without_its_grants() {
    let mut server = Server::library("default", &format!("{PUBLIC}{APPS}")).await;
    let tokens = {
        let john = server.browser_of(JOHN).await;
        server.client("sample", REDIRECT_URI).connect(&john).await
    };
    let gone = delete(&server, "/apps/sample").await;
    assert!(
        gone["notes"][0]
            .as_str()
            .unwrap()
            .contains("the next start makes it again"),
        "{gone}"
    );
    server.restart().await;
    let sample = server.client("sample", REDIRECT_URI);
    assert_eq!(sample.client_credentials(&[]).await.status, 200);
    assert_over(&server, &sample, &tokens).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_person_loses_tokens_and_sessions() {
    let mut server = Server::library("default", &format!("{PUBLIC}{APPS}")).await;
    let tokens = {
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let tokens = sample.connect(&john).await;
        let code = sample.code(&john, &[]).await;
        delete(&server, &format!("/users/{}", JOHN.email)).await;
        assert_over(&server, &sample, &tokens).await;
        assert_eq!(sample.redeem(&code).await.refusal(), "400 invalid_grant");
        assert!(
            john.open("/account")
                .await
                .forms()
                .iter()
                .any(|form| form.has("password"))
        );
        let again = john.log_in(JOHN).await;
        assert_eq!(again.status, 401, "{}", again.text());
        tokens
    };
    // The person is still declared: the restart creates a new person with the same address.
    server.restart().await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    assert_over(&server, &sample, &tokens).await;
    let new = sample.connect(&john).await;
    assert_eq!(server.identity(&new.access).await.status, 200);
}

/// A person of the site, who owns an app and is a member of an organization.
const UMA: &str = r#"
[[users]]
email = "uma@example.com"
name = "Uma"
external_id = "4711"

[[organizations]]
slug = "acme"
name = "Acme"
members = ["uma@example.com:developer"]

[[apps]]
name = "Uma's Notes"
client_id = "uma-notes"
owner = "uma@example.com"
client_secret = "456def"
redirect_uris = ["https://notes.example/callback"]
"#;

/// A new person would get the same subject, and an API would take them for the deleted one.
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_person_of_the_site_is_not_created_again() {
    let declared = format!("{PUBLIC}{APPS}{UMA}");
    let mut server = Server::library("default", &declared).await;
    let gone = delete(&server, "/users/4711").await;
    let note = gone["notes"][0].as_str().unwrap();
    assert!(note.contains("does not make them again"), "{note}");
    for _ in 0..2 {
        server.restart().await;
        assert_eq!(server.operator(Method::GET, "/users/4711", None).await.status, 404);
        let acme = server.operator(Method::GET, "/organizations/acme", None).await.json();
        assert_eq!(acme["members"], json!([]));
        let notes = server.operator(Method::GET, "/apps/uma-notes", None).await.json();
        assert_eq!(notes["owner"], Value::Null);
    }
}

/// John's grant for a partner's app, in Acme.
async fn connected_in_acme(server: &Server) -> Tokens {
    let john = server.browser_of(JOHN).await;
    let partner = server.client("partner-sync", "https://partner.example/callback");
    let tokens = partner.connect(&john).await;
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    tokens
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_organization_ends_its_grants() {
    let server = Server::library("default", TENANTS).await;
    let tokens = connected_in_acme(&server).await;
    let refused = server.operator(Method::DELETE, "/organizations/acme", None).await;
    assert_eq!(
        (refused.status, refused.json()["error"].as_str()),
        (409, Some("conflict"))
    );
    delete(&server, "/apps/acme-reports").await;
    let gone = delete(&server, "/organizations/acme").await;
    assert_eq!((&gone["grants"], &gone["memberships"]), (&json!(1), &json!(2)));
    let partner = server.client("partner-sync", "https://partner.example/callback");
    assert_over(&server, &partner, &tokens).await;
    let listed = server.operator(Method::GET, "/grants", None).await.json();
    assert_eq!(listed["grants"][0]["reason"], "organization_deleted");
    let john = server.browser_of(JOHN).await;
    assert_eq!(john.open("/account").await.status, 200);
}

/// As after a crash between the first and the next commit of a deletion: the row of the grant still says that it is active.
#[tokio::test(flavor = "multi_thread")]
async fn a_grant_of_a_deleted_organization_or_person_is_refused_even_if_active() {
    for gone in [
        "DELETE FROM organizations WHERE slug = 'acme'",
        "DELETE FROM users WHERE email = 'john@doe.com'",
    ] {
        let mut server = Server::library("default", &format!("{PUBLIC}{TENANTS}")).await;
        let tokens = connected_in_acme(&server).await;
        server.sql(gone);
        server.restart().await;
        let partner = server.client("partner-sync", "https://partner.example/callback");
        assert_over(&server, &partner, &tokens).await;
        let listed = server.operator(Method::GET, "/grants", None).await;
        assert_eq!(listed.status, 200, "{listed:?}");
    }
}
