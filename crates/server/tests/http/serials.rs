//! Each access token has a serial and a nonce of its own, and the same state gives the same token again (DESIGN §5): revoking
//! one token ends that one.

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

/// One of two different tokens is revoked; the other goes on.
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
async fn a_token_of_fewer_scopes_ends_alone() {
    let server = Server::library("default", &world("")).await;
    for narrower_ends in [true, false] {
        let (sample, first) = connected(&server).await;
        let all = sample.refresh(&first.refresh).await.tokens();
        // The same generation, asked for again within the grace: for less, and in another order.
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
async fn a_token_with_another_expiry_ends_alone() {
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

/// Whoever revoked a key and gets the answer again gets a token under the next key, and not one that is dead already.
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

/// RFC 6749 §4.4: no grant tells two requests of one moment apart; a worker that gives its token back ends no other worker's.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_an_app_end_each_alone_though_of_one_moment() {
    let server = Server::library("default", &world("")).await;
    let sample = server.client("sample", REDIRECT_URI);
    let first = sample.client_credentials(&[]).await.tokens();
    let second = sample.client_credentials(&[]).await.tokens();
    ends_alone(&server, &first.access, &second.access).await;
}

/// A refresh token that stays gives a token at each moment: each ends alone. Two requests of one moment get the same one.
#[tokio::test(flavor = "multi_thread")]
async fn without_rotation_tokens_of_different_moments_end_each_alone() {
    let server = Server::library("default", &world("[tokens]\nrotate = false")).await;
    let (sample, first) = connected(&server).await;
    let one = sample.refresh(&first.refresh).await.tokens();
    assert_eq!(sample.refresh(&first.refresh).await.tokens(), one);
    server.advance(Duration::from_millis(1));
    let other = sample.refresh(&first.refresh).await.tokens();
    assert_eq!(one.refresh, other.refresh);
    ends_alone(&server, &one.access, &other.access).await;
}
