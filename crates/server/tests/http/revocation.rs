//! Revocation (RFC 7009): an access token ends alone; a refresh token ends its grant.

use crate::harness::{APPS, JOHN, REDIRECT_URI, Server};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_access_token_ends_alone_and_at_once() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let (first, bystander) = (sample.connect(&john).await, sample.connect(&john).await);
    let answer = sample.revoke(&first.access).await;
    insta::assert_snapshot!(answer.shown(), @r"
    200
    content-type: application/json
    cache-control: no-store

    {}
    ");
    assert_eq!(server.identity(&first.access).await.refusal(), "401 invalid_token");
    assert_eq!(server.identity(&bystander.access).await.status, 200);
    // The grant stays active.
    server.advance(Duration::from_secs(1));
    let second = sample.refresh(&first.refresh).await.tokens();
    assert_eq!(server.identity(&second.access).await.status, 200);
    assert_eq!(server.identity(&first.access).await.refusal(), "401 invalid_token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_refresh_token_ends_its_grant_and_all_tokens() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let (first, bystander) = (sample.connect(&john).await, sample.connect(&john).await);
    let second = sample.refresh(&first.refresh).await.tokens();
    assert_eq!(sample.revoke(&second.refresh).await.status, 200);
    for access in [&first.access, &second.access] {
        assert_eq!(server.identity(access).await.refusal(), "401 invalid_token");
    }
    // The grace ends with the grant.
    for refresh in [&first.refresh, &second.refresh] {
        assert_eq!(sample.refresh(refresh).await.refusal(), "400 invalid_grant");
    }
    assert_eq!(server.identity(&bystander.access).await.status, 200);
    assert_eq!(sample.refresh(&bystander.refresh).await.status, 200);
}

/// The holder of an old token could end the grant anyway, by presenting it for a refresh.
#[tokio::test(flavor = "multi_thread")]
async fn an_exchanged_refresh_token_when_revoked_ends_its_grant_too() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let first = sample.connect(&john).await;
    let second = sample.refresh(&first.refresh).await.tokens();
    assert_eq!(sample.revoke(&first.refresh).await.status, 200);
    assert_eq!(server.identity(&second.access).await.refusal(), "401 invalid_token");
    assert_eq!(sample.refresh(&second.refresh).await.refusal(), "400 invalid_grant");
}

/// A person who knows a grant's id can neither end nor introspect it.
#[tokio::test(flavor = "multi_thread")]
async fn a_forged_refresh_token_ends_and_reveals_nothing() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    // Grant id and generation come first; the HMAC follows.
    for at in [40, 60] {
        let mut forged = tokens.refresh.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        assert_eq!(sample.introspect(&forged).await.body, r#"{"active":false}"#);
        assert_eq!(sample.revoke(&forged).await.status, 200);
        assert_eq!(server.identity(&tokens.access).await.status, 200);
    }
    assert_eq!(sample.refresh(&tokens.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_an_unknown_token_succeeds() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    for token in ["x", "hp_at_x", "hp_rt_x", &tokens.access[..50], &tokens.refresh[..50]] {
        assert_eq!(sample.revoke(token).await.status, 200, "{token}");
    }
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    for _ in 0..2 {
        assert_eq!(sample.revoke(&tokens.refresh).await.status, 200);
        assert_eq!(sample.revoke(&tokens.access).await.status, 200);
    }
    server.advance(Duration::from_secs(7200));
    assert_eq!(sample.revoke(&tokens.access).await.status, 200);
}

/// RFC 7009 §2.1: the request is refused, and nothing changes.
#[tokio::test(flavor = "multi_thread")]
async fn another_apps_token_is_not_revoked() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    let other = server.client("other", REDIRECT_URI);
    for token in [&tokens.access, &tokens.refresh] {
        assert_eq!(other.revoke(token).await.refusal(), "400 invalid_grant");
    }
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    assert_eq!(sample.refresh(&tokens.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unauthenticated_client_revokes_nothing() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    let wrong = sample.clone().with_secret("guessed");
    assert_eq!(wrong.revoke(&tokens.refresh).await.refusal(), "401 invalid_client");
    assert_eq!(
        server
            .post("/oauth/revoke", &[("token", &tokens.refresh)])
            .await
            .refusal(),
        "401 invalid_client"
    );
    assert_eq!(sample.revoke("").await.refusal(), "400 invalid_request");
    assert_eq!(server.identity(&tokens.access).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_app_can_revoke_its_own_tokens() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let native = server.client("native", "http://127.0.0.1:1/callback").public();
    let tokens = native.connect(&john).await;
    assert_eq!(native.revoke(&tokens.refresh).await.status, 200);
    assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_credentials_token_is_revoked_alone() {
    let server = Server::library("default", APPS).await;
    let sample = server.client("sample", REDIRECT_URI);
    let (one, other) = (
        sample.client_credentials(&[]).await.tokens(),
        sample.client_credentials(&[]).await.tokens(),
    );
    assert_eq!(sample.revoke(&one.access).await.status, 200);
    assert_eq!(sample.introspect(&one.access).await.json()["active"], false);
    assert_eq!(sample.introspect(&other.access).await.json()["active"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_answer_does_not_restore_a_revoked_access_token() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let first = sample.connect(&john).await;
    let second = sample.refresh(&first.refresh).await.tokens();
    sample.revoke(&second.access).await;
    let again = sample.refresh(&first.refresh).await.tokens();
    assert_eq!(again.refresh, second.refresh);
    assert_eq!(server.identity(&second.access).await.refusal(), "401 invalid_token");
}
