//! The identity endpoint and its refusals (RFC 6750 §3).

use crate::harness::{APPS, JOHN, REDIRECT_URI, Server};
use reqwest::Method;
use std::time::Duration;
use url::Url;

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_names_the_resource_owner() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    // Any scope is enough: an app may know the person who allowed it.
    let tokens = server
        .client("sample", REDIRECT_URI)
        .connect_with(&john, &[("scope", "write")])
        .await;
    let answer = server.identity(&tokens.access).await;
    let sub = answer.json()["sub"].as_str().unwrap().to_owned();
    insta::assert_snapshot!(answer.shown().replace(&sub, "<subject>"), @r#"
    200
    content-type: application/json
    cache-control: no-store

    {"sub":"<subject>","name":"John Doe","email":"john@doe.com","locale":"nl"}
    "#);
    let described = server
        .client("sample", REDIRECT_URI)
        .introspect(&tokens.access)
        .await
        .json();
    assert_eq!(described["sub"], sub.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_the_challenge_has_no_error() {
    let server = Server::library("default", APPS).await;
    let answer = server.get("/oauth/userinfo").await;
    insta::assert_snapshot!(answer.shown(), @r#"
    401
    content-type: application/json
    www-authenticate: Bearer realm="api"
    cache-control: no-store

    {"error_description":"An access token is required"}
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_has_its_challenge() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    insta::assert_snapshot!(server.identity("nonsense").await.shown(), @r#"
    401
    content-type: application/json
    www-authenticate: Bearer realm="api", error="invalid_token", error_description="The access token is invalid"
    cache-control: no-store

    {"error":"invalid_token","error_description":"The access token is invalid"}
    "#);
    assert_eq!(server.identity(&tokens.refresh).await.refusal(), "401 invalid_token");
    let of_app = sample.client_credentials(&[]).await.tokens();
    insta::assert_snapshot!(server.identity(&of_app.access).await.shown(), @r#"
    403
    content-type: application/json
    www-authenticate: Bearer realm="api", error="insufficient_scope", error_description="This needs an access token that acts for a person"
    cache-control: no-store

    {"error":"insufficient_scope","error_description":"This needs an access token that acts for a person"}
    "#);
    server.advance(Duration::from_secs(3600));
    insta::assert_snapshot!(server.identity(&tokens.access).await.shown(), @r#"
    401
    content-type: application/json
    www-authenticate: Bearer realm="api", error="invalid_token", error_description="The access token has expired"
    cache-control: no-store

    {"error":"invalid_token","error_description":"The access token has expired"}
    "#);
    let revoked = sample.connect(&john).await;
    sample.revoke(&revoked.access).await;
    insta::assert_snapshot!(server.identity(&revoked.access).await.shown(), @r#"
    401
    content-type: application/json
    www-authenticate: Bearer realm="api", error="invalid_token", error_description="The access token was revoked"
    cache-control: no-store

    {"error":"invalid_token","error_description":"The access token was revoked"}
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_is_not_one_bearer_token_is_refused() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let access = server.client("sample", REDIRECT_URI).connect(&john).await.access;
    let url = server.at("/oauth/userinfo");
    let called = async |headers: &[&str]| {
        let request = headers
            .iter()
            .fold(server.request(Method::GET, &url), |request, value| {
                request.header("authorization", *value)
            });
        server.send(&url, request).await
    };
    let bearer = format!("Bearer {access}");
    assert_eq!(called(&[&bearer.replace("Bearer", "bearer")]).await.status, 200);
    for malformed in ["Bearer", "Bearer ", &format!("Bearer {access} {access}"), &access] {
        assert_eq!(
            called(&[malformed]).await.refusal(),
            "400 invalid_request",
            "{malformed}"
        );
    }
    assert_eq!(called(&[&bearer, &bearer]).await.refusal(), "400 invalid_request");
    assert_eq!(called(&["Basic c2FtcGxlOng="]).await.status, 401);
}

/// RFC 9700 §4.3.2: tokens in URLs end up in logs and histories.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_the_query_or_in_the_body_does_not_count() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let access = server.client("sample", REDIRECT_URI).connect(&john).await.access;
    let in_query = server.get(&format!("/oauth/userinfo?access_token={access}")).await;
    assert_eq!(in_query.status, 401);
    let in_body = server.post("/oauth/userinfo", &[("access_token", &access)]).await;
    assert_eq!(in_body.status, 401);
}

/// RFC 9110 §15.5.2, RFC 6750 §3: also in dialects whose originals send no challenge.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_a_401_has_a_bearer_challenge() {
    for preset in hallpass::config::preset_names() {
        let server = Server::library(preset, APPS).await;
        let document = server.get("/.well-known/oauth-authorization-server").await.json();
        let path = Url::parse(document["userinfo_endpoint"].as_str().unwrap()).unwrap();
        let absent = server.get(path.path()).await;
        assert_eq!(absent.status, 401, "{preset}");
        let challenge = absent.header("www-authenticate");
        assert!(
            challenge.starts_with("Bearer realm=") && !challenge.contains("error="),
            "{preset} {challenge}"
        );
        let url = server.at(path.path());
        let request = server.request(Method::GET, &url).header("authorization", "Bearer x");
        let invalid = server.send(&url, request).await;
        assert_eq!(invalid.status, 401, "{preset}");
        let challenge = invalid.header("www-authenticate");
        assert!(challenge.contains("error=\"invalid_token\""), "{preset} {challenge}");
    }
}
