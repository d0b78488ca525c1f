//! `/openapi.json` describes the endpoints for machines, as this server is configured. The step `schema` of the test
//! command checks that the answers match it.

use crate::harness::{APPS, Server};

#[tokio::test(flavor = "multi_thread")]
async fn the_document_has_the_configured_paths_and_grant_types() {
    let server = Server::library("apicbase", APPS).await;
    let answer = server.get("/openapi.json").await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "application/json")
    );
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], server.issuer.as_str());
    let paths: Vec<&str> = document["paths"]
        .as_object()
        .expect("paths")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        paths,
        [
            "/oauth/token/",
            "/oauth/introspect/",
            "/oauth/revoke/",
            "/resource/feed",
            "/oauth/userinfo/",
            "/.well-known/oauth-authorization-server",
            "/health/live",
            "/health/ready"
        ]
    );
    let form = &document["paths"]["/oauth/token/"]["post"]["requestBody"]["content"];
    let fields = &form["application/x-www-form-urlencoded"]["schema"]["properties"];
    assert_eq!(
        fields["grant_type"]["enum"],
        serde_json::json!(["authorization_code", "refresh_token"])
    );
    let named = [
        "code",
        "redirect_uri",
        "code_verifier",
        "refresh_token",
        "scope",
        "client_id",
    ];
    assert!(named.iter().all(|name| fields[name].is_object()), "{fields}");
}

/// draft-ietf-oauth-refresh-token-expiration-03 §6.1: in the dialect whose answers have these members.
#[tokio::test(flavor = "multi_thread")]
async fn the_document_has_the_expiry_members_of_its_dialect() {
    for (preset, told) in [("default", true), ("apicbase", false)] {
        let server = Server::library(preset, APPS).await;
        let document = server.get("/openapi.json").await.json();
        let properties = &document["components"]["schemas"]["Token"]["properties"];
        for name in ["refresh_token_timeout", "authorization_expires_in"] {
            assert_eq!(properties[name].is_object(), told, "{preset} {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_in_the_document_resolves() {
    for preset in hallpass::config::preset_names() {
        let server = Server::library(preset, APPS).await;
        let answer = server.get("/openapi.json").await;
        let document = answer.json();
        let references: Vec<&str> = answer
            .body
            .split("\"$ref\":\"#")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert!(references.len() > 5);
        for reference in references {
            assert!(document.pointer(reference).is_some(), "{preset} {reference}");
        }
    }
}
