//! Keys rotate unnoticed, and a revoked key ends everything made with it (decision 16).

use crate::harness::{APPS, Browser, Client, JOHN, MARY, REDIRECT_URI, Server, Tokens};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// The numbers of the keys of a first start.
const ACCESS: u32 = 1;
const PROOF: u32 = 2;
const PAGE: u32 = 3;

/// Codes that live longer than the wait before a new key is used, and an issuer that does not change with the port.
async fn started() -> Server {
    let declared = format!("[server]\npublic_url = \"http://id.example\"\n[tokens]\ncode = \"10m\"\n{APPS}");
    Server::library("default", &declared).await
}

async fn connected<'s>(server: &'s Server) -> (Client<'s>, Tokens) {
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    (sample, tokens)
}

/// Publishes keys of every purpose. Returns the numbers of the keys for access tokens, proofs and pages.
fn rotate(server: &Server) -> (u32, u32, u32) {
    let answer = server.command(&["key", "rotate"]);
    let id = |purpose: &str| {
        let keys = answer["keys"].as_array().unwrap();
        let key = keys.iter().find(|key| key["purpose"] == purpose).unwrap();
        u32::try_from(key["id"].as_u64().unwrap()).unwrap()
    };
    (id("access"), id("proof"), id("page"))
}

fn revoke(server: &Server, id: u32) -> serde_json::Value {
    server.command(&["key", "revoke", &id.to_string(), "--yes"])
}

/// The state of each key: `1 current`.
fn states(server: &Server, purpose: &str) -> Vec<String> {
    let answer = server.command(&["key", "list"]);
    let keys = answer["keys"].as_array().unwrap().iter();
    keys.filter(|key| key["purpose"] == purpose)
        .map(|key| format!("{} {}", key["id"], key["state"].as_str().unwrap()))
        .collect()
}

/// The number of the key that sealed an access token.
fn sealed_by(access_token: &str) -> u32 {
    let encoded = access_token.strip_prefix("hp_at_").unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(encoded).unwrap();
    u32::from_be_bytes(bytes[1..5].try_into().unwrap())
}

/// The number of connected apps on John's page.
async fn connections(john: &Browser<'_>) -> usize {
    let page = john.open("/account/apps").await;
    page.forms().iter().filter(|form| form.has("end")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_used_a_minute_after_it_was_published() {
    let server = started().await;
    let (sample, first) = connected(&server).await;
    let (access, ..) = rotate(&server);
    assert_eq!(states(&server, "access"), ["1 current", "5 next"]);
    server.advance(MINUTE - SECOND);
    let second = sample.refresh(&first.refresh).await.tokens();
    assert_eq!((sealed_by(&first.access), sealed_by(&second.access)), (ACCESS, ACCESS));
    server.advance(SECOND);
    let third = sample.refresh(&second.refresh).await.tokens();
    let alone = sample.client_credentials(&[]).await.json();
    assert_eq!(sealed_by(&third.access), access);
    assert_eq!(sealed_by(alone["access_token"].as_str().unwrap()), access);
    assert_eq!(states(&server, "access"), ["1 overlapping", "5 current"]);
    for tokens in [&first, &second, &third] {
        assert_eq!(server.identity(&tokens.access).await.status, 200);
        assert_eq!(sample.introspect(&tokens.access).await.json()["active"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_refresh_tokens_and_pages_stay_valid_over_a_rotation() {
    let server = started().await;
    let (sample, first) = connected(&server).await;
    let john = server.browser_of(JOHN).await;
    let code = sample.code(&john, &[]).await;
    let consent = john.authorize(&sample.query(&[])).await.consent();
    let stranger = server.browser();
    let sign_in = stranger.open("/login").await;
    rotate(&server);
    server.advance(2 * MINUTE);
    assert_eq!(sample.refresh(&first.refresh).await.status, 200);
    assert_eq!(sample.redeem(&code).await.status, 200);
    let late = john.decide(&consent, "allow").await.callback();
    assert_eq!(sample.redeem(late.code()).await.status, 200);
    assert!(stranger.send_login(&sign_in, MARY).await.text().contains("Mary Major"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_key_retires_only_after_its_tokens_expired() {
    let server = started().await;
    let (sample, first) = connected(&server).await;
    rotate(&server);
    server.advance(MINUTE - SECOND);
    let last = sample.refresh(&first.refresh).await.tokens();
    server.advance(HOUR);
    assert_eq!(server.identity(&last.access).await.refusal(), "401 invalid_token");
    assert_eq!(states(&server, "access"), ["1 overlapping", "5 current"]);
    server.advance(MINUTE + SECOND);
    assert_eq!(states(&server, "access"), ["5 current"]);
    assert_eq!(server.identity(&last.access).await.refusal(), "401 invalid_token");
    assert_eq!(sample.refresh(&last.refresh).await.status, 200);
}

/// The successor is derived with the keys that the row names, so a client that lost the answer gets the same one.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_during_a_rotation_is_repeated_byte_for_byte() {
    let mut server = started().await;
    let (first, lost) = {
        let (sample, first) = connected(&server).await;
        rotate(&server);
        server.advance(MINUTE - SECOND);
        let lost = sample.refresh(&first.refresh).await;
        server.advance(10 * SECOND);
        let again = sample.refresh(&first.refresh).await;
        assert_eq!(again.tokens(), lost.tokens(), "the new keys are in use by now");
        (first, lost)
    };
    server.restart().await;
    let sample = server.client("sample", REDIRECT_URI);
    let again = sample.refresh(&first.refresh).await;
    assert_eq!(again.tokens(), lost.tokens());
    let third = sample.refresh(&again.tokens().refresh).await.tokens();
    assert_eq!(sample.refresh(&lost.tokens().refresh).await.tokens(), third);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_for_long_is_replaced_after_a_rotation() {
    let server = started().await;
    let (sample, first) = connected(&server).await;
    let lost = sample.refresh(&first.refresh).await.tokens();
    rotate(&server);
    server.advance(2 * MINUTE);
    let third = sample.refresh(&first.refresh).await.tokens();
    assert_ne!(third, lost);
    assert_eq!(server.identity(&lost.access).await.refusal(), "401 invalid_token");
    assert_eq!(sample.refresh(&first.refresh).await.tokens(), third);
    let fourth = sample.refresh(&third.refresh).await.tokens();
    assert_eq!(server.identity(&fourth.access).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn reuse_is_detected_after_several_key_rotations() {
    let server = started().await;
    let (sample, first) = connected(&server).await;
    let mut latest = first.clone();
    for _ in 0..3 {
        rotate(&server);
        server.advance(2 * MINUTE);
        latest = sample.refresh(&latest.refresh).await.tokens();
    }
    assert_eq!(sample.refresh(&first.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(sample.refresh(&latest.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(server.identity(&latest.access).await.refusal(), "401 invalid_token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_used_again_after_a_key_rotation_is_detected() {
    let server = started().await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let code = sample.code(&john, &[]).await;
    rotate(&server);
    server.advance(MINUTE);
    let first = sample.redeem(&code).await.tokens();
    rotate(&server);
    server.advance(MINUTE);
    assert_eq!(sample.redeem(&code).await.refusal(), "400 invalid_grant");
    assert_eq!(server.identity(&first.access).await.refusal(), "401 invalid_token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_stays_keeps_its_key() {
    let declared = format!("[tokens]\nrotate = false\n{APPS}");
    let server = Server::library("default", &declared).await;
    let (sample, first) = connected(&server).await;
    for _ in 0..3 {
        rotate(&server);
        server.advance(24 * HOUR);
        let next = sample.refresh(&first.refresh).await.tokens();
        assert_eq!(next.refresh, first.refresh);
        assert_eq!(server.identity(&next.access).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_succeed_during_key_rotations() {
    let server = started().await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let mut chains = Vec::new();
    for _ in 0..4 {
        chains.push(sample.connect(&john).await);
    }
    for _ in 0..8 {
        rotate(&server);
        server.advance(MINUTE / 2);
        for chain in &mut chains {
            let request = [
                ("grant_type", "refresh_token"),
                ("refresh_token", chain.refresh.as_str()),
            ];
            let answers = sample.token_at_once(&request, 8).await;
            let tokens: Vec<Tokens> = answers.iter().map(|answer| answer.tokens()).collect();
            assert!(tokens.iter().all(|other| *other == tokens[0]));
            assert_eq!(server.identity(&chain.access).await.status, 200);
            *chain = tokens[0].clone();
        }
    }
    assert!(states(&server, "access").len() > 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_of_a_rotation_changes_nothing() {
    let mut server = started().await;
    let first = connected(&server).await.1;
    let (access, ..) = rotate(&server);
    server.restart().await;
    let second = {
        let sample = server.client("sample", REDIRECT_URI);
        assert_eq!(states(&server, "access"), ["1 current", "5 next"]);
        sample.refresh(&first.refresh).await.tokens()
    };
    assert_eq!(sealed_by(&second.access), ACCESS);
    server.advance(MINUTE);
    server.restart().await;
    assert_eq!(server.identity(&second.access).await.status, 200);
    let sample = server.client("sample", REDIRECT_URI);
    let third = sample.refresh(&second.refresh).await.tokens();
    assert_eq!(sealed_by(&third.access), access);
    assert_eq!(states(&server, "access"), ["1 overlapping", "5 current"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_can_be_of_one_purpose_and_be_repeated() {
    let server = started().await;
    let once = server.command(&["key", "rotate", "--purpose", "proof"]);
    assert_eq!(server.command(&["key", "rotate", "--purpose", "proof"]), once);
    assert_eq!(once["keys"][0]["active_from"], "2026-01-01T00:01:00.000Z");
    assert_eq!(states(&server, "proof"), ["2 current", "5 next"]);
    assert_eq!(states(&server, "access"), ["1 current"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_access_key_ends_its_tokens_and_nothing_else() {
    let mut server = started().await;
    let (first, second) = {
        let (sample, first) = connected(&server).await;
        let alone = sample.client_credentials(&[]).await.json();
        let alone = alone["access_token"].as_str().unwrap().to_owned();
        assert_eq!(revoke(&server, ACCESS)["state"], "revoked");
        assert_eq!(server.identity(&first.access).await.refusal(), "401 invalid_token");
        assert_eq!(sample.introspect(&alone).await.json()["active"], false);
        let second = sample.refresh(&first.refresh).await.tokens();
        assert_eq!(server.identity(&second.access).await.status, 200);
        (first, second)
    };
    assert_eq!(states(&server, "access"), ["1 revoked", "5 current"]);
    server.restart().await;
    assert_eq!(server.identity(&first.access).await.refusal(), "401 invalid_token");
    assert_eq!(server.identity(&second.access).await.status, 200);
    assert_eq!(states(&server, "access"), ["1 revoked", "5 current"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_proof_key_ends_its_grants_and_their_tokens() {
    let mut server = started().await;
    let (code, idle, first) = {
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let idle = sample.connect(&john).await;
        let first = sample.connect(&john).await;
        let second = sample.refresh(&first.refresh).await.tokens();
        let code = sample.code(&john, &[]).await;
        assert_eq!(connections(&john).await, 1);
        revoke(&server, PROOF);
        assert_eq!(connections(&john).await, 0);
        for tokens in [&idle, &first, &second] {
            assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
            assert_eq!(sample.introspect(&tokens.access).await.json()["active"], false);
            assert_eq!(sample.introspect(&tokens.refresh).await.json()["active"], false);
        }
        // Within the grace the predecessor would get its successor again.
        assert_eq!(sample.refresh(&first.refresh).await.refusal(), "400 invalid_grant");
        assert_eq!(sample.refresh(&second.refresh).await.refusal(), "400 invalid_grant");
        assert_eq!(sample.redeem(&code).await.refusal(), "400 invalid_grant");
        (code, idle, first)
    };
    server.restart().await;
    let sample = server.client("sample", REDIRECT_URI);
    assert_eq!(server.identity(&idle.access).await.refusal(), "401 invalid_token");
    assert_eq!(sample.refresh(&idle.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(sample.refresh(&first.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(sample.redeem(&code).await.refusal(), "400 invalid_grant");
    assert_eq!(sample.revoke(&idle.refresh).await.status, 200);
    let told = server.command(&["grant", "list"]);
    let told: Vec<_> = told["grants"].as_array().unwrap().iter().collect();
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|grant| grant["reason"] == "key_revoked"), "{told:?}");
    let john = server.browser_of(JOHN).await;
    let anew = sample.connect(&john).await;
    assert_eq!(server.identity(&anew.access).await.status, 200);
    assert_eq!(sample.refresh(&anew.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_proof_key_keeps_grants_that_use_a_newer_key() {
    let server = started().await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let idle = sample.connect(&john).await;
    let moved = sample.connect(&john).await;
    let (_, proof, _) = rotate(&server);
    server.advance(MINUTE);
    let newer = sample.connect(&john).await;
    let moved_on = sample.refresh(&moved.refresh).await.tokens();
    revoke(&server, PROOF);
    assert_eq!(
        states(&server, "proof"),
        [format!("{PROOF} revoked"), format!("{proof} current")]
    );
    assert_eq!(sample.refresh(&idle.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(server.identity(&moved.access).await.refusal(), "401 invalid_token");
    // A token made with the revoked key is refused and changes nothing.
    assert_eq!(sample.refresh(&moved.refresh).await.refusal(), "400 invalid_grant");
    for tokens in [&newer, &moved_on] {
        assert_eq!(server.identity(&tokens.access).await.status, 200);
        assert_eq!(sample.refresh(&tokens.refresh).await.status, 200);
    }
}

/// The visitor is led back: the sign-in form is shown again, and a new consent page is one click in the app away.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_page_key_refuses_page_states_and_leads_back() {
    let server = started().await;
    let (sample, tokens) = connected(&server).await;
    let john = server.browser_of(JOHN).await;
    let consent = john.authorize(&sample.query(&[])).await.consent();
    let stranger = server.browser();
    let sign_in = stranger.open("/login").await;
    revoke(&server, PAGE);
    let refused = john.decide(&consent, "allow").await.page();
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("begin opnieuw"), "{}", refused.text());
    let again = stranger.send_login(&sign_in, MARY).await;
    assert_eq!(again.status, 400);
    assert!(again.text().contains("You are not signed in"), "{}", again.text());
    assert!(stranger.send_login(&again, MARY).await.text().contains("Mary Major"));
    // Signed-in people stay signed in, and connected apps stay connected.
    let anew = john.authorize(&sample.query(&[])).await.consent();
    let callback = john.decide(&anew, "allow").await.callback();
    assert_eq!(sample.redeem(callback.code()).await.status, 200);
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    assert_eq!(sample.refresh(&tokens.refresh).await.status, 200);
}

/// The consent page is sealed with another key than the one that proves its code.
#[tokio::test(flavor = "multi_thread")]
async fn a_consent_sent_again_after_its_codes_key_was_revoked_shows_no_code() {
    let server = started().await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let consent = john.authorize(&sample.query(&[])).await.consent();
    let code = john.decide(&consent, "allow").await.callback().code().to_owned();
    revoke(&server, PROOF);
    let again = john.decide(&consent, "allow").await.page();
    assert_eq!((again.status, again.text().contains("hp_ac_")), (200, false));
    assert_eq!(sample.redeem(&code).await.refusal(), "400 invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_the_current_key_takes_the_next_one_into_use_at_once() {
    let server = started().await;
    let (sample, first) = connected(&server).await;
    let (access, ..) = rotate(&server);
    revoke(&server, ACCESS);
    assert_eq!(
        states(&server, "access"),
        [format!("{ACCESS} revoked"), format!("{access} current")]
    );
    let second = sample.refresh(&first.refresh).await.tokens();
    assert_eq!(sealed_by(&second.access), access);
}

/// Another server may have created the key a moment ago. A client that gets `invalid_grant` would delete the token.
#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_of_an_unknown_key_may_be_sent_again() {
    let server = started().await;
    let (sample, first) = connected(&server).await;
    server.sql("UPDATE grants SET proof_key = 77");
    assert_eq!(sample.refresh(&first.refresh).await.status, 503);
    server.sql("UPDATE grants SET proof_key = 2");
    assert_eq!(sample.refresh(&first.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_a_key_twice_changes_nothing() {
    let server = started().await;
    let once = revoke(&server, PROOF);
    server.advance(HOUR);
    assert_eq!(revoke(&server, PROOF), once);
    assert_eq!(states(&server, "proof"), ["2 revoked", "5 current"]);
}
