//! Each access token has its own serial and nonce, and the same state gives the same token again (decisions 7 and 32): to revoke one
//! token ends only that one.

use crate::harness::{APPS, Client, JOHN, REDIRECT_URI, Server, Tokens};
use std::time::Duration;

fn world(more: &str) -> String {
    format!("[server]\npublic_url = \"http://id.example\"\n{more}\n{APPS}")
}

async fn connected(server: &Server) -> (Client<'_>, Tokens) {
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect_with(&john, &[("scope", "read write")]).await;
    (sample, tokens)
}

/// Revokes one of two different tokens, and asserts that the other stays valid.
async fn ends_alone(server: &Server, revoked: &str, other: &str) {
    assert_ne!(revoked, other);
    let sample = server.client("sample", REDIRECT_URI);
    let active = async |token| sample.introspect(token).await.json()["active"].clone();
    assert_eq!((active(revoked).await, active(other).await), (true.into(), true.into()));
    assert_eq!(sample.revoke(revoked).await.status, 200);
    assert_eq!(
        (active(revoked).await, active(other).await),
        (false.into(), true.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_fewer_scopes_is_revoked_alone() {
    let server = Server::library("default", &world("")).await;
    for narrower_ends in [true, false] {
        let (sample, first) = connected(&server).await;
        let all = sample.refresh(&first.refresh).await.tokens();
        // The same generation, requested again within the grace: with fewer scopes, and in another order.
        let narrower = sample.refresh_with(&first.refresh, &[("scope", "read")]).await.tokens();
        let turned = sample.refresh_with(&first.refresh, &[("scope", "write read")]).await;
        assert_eq!(all.refresh, narrower.refresh);
        if narrower_ends {
            ends_alone(&server, &narrower.access, &all.access).await;
            ends_alone(&server, &turned.tokens().access, &all.access).await;
        } else {
            ends_alone(&server, &all.access, &narrower.access).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_another_expiry_is_revoked_alone() {
    let mut server = Server::library("default", &world("")).await;
    let (first, longer) = {
        let (sample, first) = connected(&server).await;
        let longer = sample.refresh(&first.refresh).await.tokens();
        (first, longer)
    };
    server.declare(&world("[tokens]\naccess = \"10m\""));
    server.restart().await;
    let sample = server.client("sample", REDIRECT_URI);
    let shorter = sample.refresh(&first.refresh).await.tokens();
    assert_eq!(longer.refresh, shorter.refresh);
    ends_alone(&server, &longer.access, &shorter.access).await;
}

/// An answer repeated after a revocation of the key must have a token under the next key, which is valid.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_under_another_key_is_another_token() {
    let server = Server::library("default", &world("")).await;
    let (sample, first) = connected(&server).await;
    let lost = sample.refresh(&first.refresh).await.tokens();
    assert_eq!(sample.revoke(&lost.access).await.status, 200);
    let again = sample.refresh(&first.refresh).await.tokens();
    assert_eq!(again, lost, "the same state gives the same answer");
    server.command(&["key", "revoke", "1", "--yes"]);
    let again = sample.refresh(&first.refresh).await.tokens();
    assert_eq!(again.refresh, lost.refresh);
    assert_eq!(sample.introspect(&again.access).await.json()["active"], true);
}

/// RFC 6749 §4.4: two requests at the same moment have no grant to distinguish them. A worker that revokes its token must
/// not end another worker's.
#[tokio::test(flavor = "multi_thread")]
async fn client_credentials_tokens_of_one_moment_are_revoked_separately() {
    let server = Server::library("default", &world("")).await;
    let sample = server.client("sample", REDIRECT_URI);
    let first = sample.client_credentials(&[]).await.tokens();
    let second = sample.client_credentials(&[]).await.tokens();
    ends_alone(&server, &first.access, &second.access).await;
}

/// A refresh token that does not rotate gives a new token at each moment, and each ends alone. Two requests at the same
/// moment get the same token.
#[tokio::test(flavor = "multi_thread")]
async fn without_rotation_tokens_of_different_moments_are_revoked_separately() {
    let server = Server::library("default", &world("[tokens]\nrotate = false")).await;
    let (sample, first) = connected(&server).await;
    let one = sample.refresh(&first.refresh).await.tokens();
    assert_eq!(sample.refresh(&first.refresh).await.tokens(), one);
    server.advance(Duration::from_millis(1));
    let other = sample.refresh(&first.refresh).await.tokens();
    assert_eq!(one.refresh, other.refresh);
    ends_alone(&server, &one.access, &other.access).await;
}
