//! A person or app that repeats a request leaves a limited number of rows (docs/decisions/0047). All revoked tokens stay
//! revoked.

use crate::harness::{APPS, Client, JOHN, REDIRECT_URI, Server};
use std::time::Duration;

const MOMENT: Duration = Duration::from_millis(10);
const HOUR: Duration = Duration::from_secs(3600);

/// The issuer must not change with the port.
fn world() -> String {
    format!("[server]\npublic_url = \"http://id.example\"\n{APPS}")
}

fn count(server: &Server, rows: &str) -> usize {
    server.sql(&format!("SELECT count(*) FROM {rows}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_revokes_its_own_tokens_leaves_a_bounded_number_of_rows_and_none_works_again() {
    let mut server = Server::library("default", &world()).await;
    let mut revoked = Vec::new();
    {
        let sample = server.client("sample", REDIRECT_URI);
        for _ in 0..1_100 {
            let token = sample.client_credentials(&[]).await.tokens().access;
            assert_eq!(sample.revoke(&token).await.status, 200);
            revoked.push(token);
            server.advance(MOMENT);
        }
        assert!(count(&server, "changes WHERE kind = 'token'") <= 1_000);
        assert!(count(&server, "changes WHERE kind = 'recall'") <= 5);
    }
    for restarts in 0..2 {
        let sample = server.client("sample", REDIRECT_URI);
        for token in revoked.iter().step_by(40).chain(revoked.last()) {
            assert_eq!(sample.introspect(token).await.json()["active"], false, "{restarts}");
        }
        let fresh = sample.client_credentials(&[]).await.tokens().access;
        assert_eq!(sample.introspect(&fresh).await.json()["active"], true);
        let other = server.client("other", "https://other.example/callback");
        let another = other.client_credentials(&[]).await.tokens().access;
        assert_eq!(other.introspect(&another).await.json()["active"], true);
        server.restart().await;
        // Tokens issued after the clock was turned back must not count as revoked.
        server.turn_back(HOUR);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn access_tokens_revoked_one_by_one_leave_a_bounded_number_of_rows() {
    let mut server = Server::library("default", &world()).await;
    let mut revoked = Vec::new();
    let last = {
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let mut tokens = sample.connect(&john).await;
        for _ in 0..70 {
            server.advance(MOMENT);
            assert_eq!(sample.revoke(&tokens.access).await.status, 200);
            revoked.push(tokens.access);
            tokens = sample.refresh(&tokens.refresh).await.tokens();
        }
        tokens
    };
    assert!(count(&server, "changes WHERE kind = 'token'") <= 32);
    for _ in 0..2 {
        for token in &revoked {
            assert_eq!(server.identity(token).await.refusal(), "401 invalid_token");
        }
        assert_eq!(server.identity(&last.access).await.status, 200, "the grant goes on");
        server.restart().await;
    }
    server.turn_back(HOUR);
    let sample = server.client("sample", REDIRECT_URI);
    let mut tokens = sample.refresh(&last.refresh).await.tokens();
    for _ in 0..3 {
        assert_eq!(
            server.identity(&tokens.access).await.status,
            200,
            "by a clock turned back"
        );
        tokens = sample.refresh(&tokens.refresh).await.tokens();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_and_ending_repeatedly_leaves_a_bounded_number_of_rows() {
    let mut server = Server::library("default", &world()).await;
    let mut ended = Vec::new();
    let lasting = {
        let john = server.browser_of(JOHN).await;
        let (sample, other) = clients(&server);
        // Grants from before stay active, of this app and of others.
        let mut lasting = vec![sample.connect(&john).await, other.connect(&john).await];
        for _ in 0..140 {
            let tokens = sample.connect(&john).await;
            assert_eq!(sample.revoke(&tokens.refresh).await.status, 200);
            ended.push(tokens);
            server.advance(MOMENT);
        }
        lasting.push(sample.connect(&john).await);
        lasting
    };
    assert!(count(&server, "grants WHERE state = 2") <= 100);
    assert!(count(&server, "changes WHERE kind = 'grant'") <= 100);
    let recalls = count(&server, "changes WHERE kind = 'grants_recall'");
    assert!((1..=2).contains(&recalls), "the one before is read for ten minutes");
    for _ in 0..2 {
        let (sample, _) = clients(&server);
        for tokens in ended.iter().step_by(5).chain(ended.last()) {
            assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
            assert_eq!(sample.refresh(&tokens.refresh).await.refusal(), "400 invalid_grant");
        }
        for tokens in &lasting {
            assert_eq!(server.identity(&tokens.access).await.status, 200);
        }
        server.restart().await;
    }
}

/// By its id alone, the new grant would count as one of the ended ones.
#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_was_asked_for_before_many_grants_ended_is_asked_for_again() {
    let server = Server::library("default", &world()).await;
    let john = server.browser_of(JOHN).await;
    let (sample, _) = clients(&server);
    let early = john.authorize(&sample.query(&[])).await.consent();
    let end = async || {
        let tokens = sample.connect(&john).await;
        assert_eq!(sample.revoke(&tokens.refresh).await.status, 200);
    };
    for _ in 0..140 {
        server.advance(MOMENT);
        end().await;
    }
    let again = john.decide(&early, "allow").await.consent();
    server.turn_back(HOUR);
    let callback = john.decide(&again, "allow").await.callback();
    let later = john.authorize(&sample.query(&[])).await.consent();
    for code in [
        callback.get("code"),
        john.decide(&later, "allow").await.callback().get("code"),
    ] {
        let tokens = sample.redeem(code).await.tokens();
        assert_eq!(server.identity(&tokens.access).await.status, 200);
    }
}

fn clients(server: &Server) -> (Client<'_>, Client<'_>) {
    let other = server.client("other", "https://other.example/callback");
    (server.client("sample", REDIRECT_URI), other)
}

#[tokio::test(flavor = "multi_thread")]
async fn unredeemed_codes_leave_a_bounded_number_of_rows() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let mut codes = Vec::new();
    for _ in 0..60 {
        codes.push(sample.code(&john, &[]).await);
        server.advance(MOMENT);
    }
    assert_eq!(count(&server, "grants WHERE state = 0"), 50);
    assert_eq!(sample.redeem(&codes[0]).await.refusal(), "400 invalid_grant");
    assert_eq!(sample.redeem(&codes[59]).await.status, 200);
    assert_eq!(sample.redeem(&codes[20]).await.status, 200);
}

/// A server of a version that does not read recalls would treat the revoked tokens as valid.
#[tokio::test(flavor = "multi_thread")]
async fn recalls_are_written_once_every_server_reads_them() {
    let server = Server::library("default", APPS).await;
    if !server.is_on_postgres() {
        return;
    }
    let beat = || server.sql("SELECT beat FROM nodes WHERE id <> '\\x01'");
    let known = async || {
        // With its second heartbeat from now, the server has applied what the first one read.
        for _ in 0..2 {
            let last = beat();
            while beat() == last {
                tokio::task::yield_now().await;
            }
        }
    };
    let sample = server.client("sample", REDIRECT_URI);
    let revoke = async || {
        let token = sample.client_credentials(&[]).await.tokens().access;
        assert_eq!(sample.revoke(&token).await.status, 200);
        assert_eq!(sample.introspect(&token).await.json()["active"], false);
    };
    assert_eq!(server.sql("SELECT reads FROM nodes"), "recall organization_grants");
    server.sql("INSERT INTO nodes (id, beat) SELECT '\\x01', beat FROM nodes");
    known().await;
    for _ in 0..1_010 {
        revoke().await;
    }
    assert_eq!(count(&server, "changes WHERE kind = 'token'"), 1_010);
    server.sql("UPDATE nodes SET reads = 'other recall' WHERE id = '\\x01'");
    known().await;
    revoke().await;
    assert_eq!(count(&server, "changes WHERE kind = 'token'"), 1_010 + 1 - 32);
    assert_eq!(count(&server, "changes WHERE kind = 'recall'"), 1);
}

/// Only an actual end is recorded: pressing the button in a loop, or revoking a token again and again, leaves no events.
#[tokio::test(flavor = "multi_thread")]
async fn ending_an_ended_grant_leaves_neither_events_nor_entries() {
    let server = Server::library("default", &world()).await;
    let john = server.browser_of(JOHN).await;
    let (sample, _) = clients(&server);
    let tokens = sample.connect(&john).await;
    let page = john.open("/account/apps").await;
    let form = page.form("end");
    let mut left = Vec::new();
    for _ in 0..3 {
        assert_eq!(john.submit(&page, &form, &[("end", "1")]).await.status, 200);
        assert_eq!(sample.revoke(&tokens.refresh).await.status, 200);
        assert_eq!(sample.revoke(&tokens.access).await.status, 200);
        left.push((
            count(&server, "audit_events WHERE action = 'grant_ended'"),
            count(&server, "changes WHERE kind IN ('grant', 'token')"),
        ));
    }
    assert_eq!(left, [(1, 1); 3]);
}
