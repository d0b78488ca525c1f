//! Authorization codes (RFC 6749 §4.1.2 and §4.1.3, RFC 7636 §4.6).

use crate::harness::{APPS, Client, JOHN, REDIRECT_URI, Server, VERIFIER};
use std::time::Duration;

const OTHER_URI: &str = "https://other.example/callback";

#[tokio::test(flavor = "multi_thread")]
async fn a_code_gives_an_access_and_a_refresh_token() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let answer = sample.redeem(&sample.code(&john, &[]).await).await;
    insta::assert_snapshot!(answer.shown(), @r#"
    200
    content-type: application/json
    cache-control: no-store
    pragma: no-cache

    {"access_token":"hp_at_…","token_type":"Bearer","expires_in":3600,"scope":"profile","refresh_token":"hp_rt_…","refresh_token_timeout":1209600}
    "#);
    assert_eq!(server.identity(&answer.tokens().access).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_used_twice_ends_the_grant_and_its_tokens() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let code = sample.code(&john, &[]).await;
    let tokens = sample.redeem(&code).await.tokens();

    let second = sample.redeem(&code).await;
    insta::assert_snapshot!(second.shown(), @r#"
    400
    content-type: application/json
    cache-control: no-store
    pragma: no-cache

    {"error":"invalid_grant","error_description":"The code was used before"}
    "#);
    assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
    assert_eq!(sample.refresh(&tokens.refresh).await.refusal(), "400 invalid_grant");
}

/// The values that the code was bound to are deleted by then.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_use_after_a_refresh_is_refused_and_ends_nothing() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let code = sample.code(&john, &[]).await;
    let first = sample.redeem(&code).await.tokens();
    let second = sample.refresh(&first.refresh).await.tokens();

    assert_eq!(sample.redeem(&code).await.refusal(), "400 invalid_grant");
    for access in [&first.access, &second.access] {
        assert_eq!(server.identity(access).await.status, 200);
    }
    assert_eq!(sample.refresh(&second.refresh).await.status, 200);
}

/// A code alone, from a log or a browser's history, cannot end a grant.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_use_without_the_right_verifier_or_redirect_uri_is_refused_and_ends_nothing() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let code = sample.code(&john, &[]).await;
    let tokens = sample.redeem(&code).await.tokens();
    let without = sample.clone().without_pkce();
    let wrong = VERIFIER.replace('d', "e");
    let mut guessed = without.redemption(&code);
    guessed.push(("code_verifier", &wrong));
    for second in [
        without.redeem(&code).await,
        without.token(&guessed).await,
        server.client("sample", OTHER_URI).redeem(&code).await,
        server.client("sample", "").redeem(&code).await,
    ] {
        assert_eq!(second.refusal(), "400 invalid_grant");
    }
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    assert_eq!(sample.refresh(&tokens.refresh).await.status, 200);
}

/// During an upgrade, a server of the version before redeems codes too, and deletes the values that they were bound to.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_use_of_a_code_redeemed_by_an_older_server_ends_the_grant() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let native = server.client("native", "http://127.0.0.1:52013/callback").public();
    for client in [server.client("sample", REDIRECT_URI), native] {
        let code = client.code(&john, &[]).await;
        let tokens = client.redeem(&code).await.tokens();
        server.sql("UPDATE grants SET redirect_uri = NULL, code_challenge = NULL");
        assert_eq!(client.redeem(&code).await.refusal(), "400 invalid_grant");
        assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_clients_spent_code_ends_nothing_without_its_verifier() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let native = server.client("native", "http://127.0.0.1:52013/callback").public();
    let code = native.code(&john, &[]).await;
    let tokens = native.redeem(&code).await.tokens();
    let thief = native.clone().without_pkce();
    assert_eq!(thief.redeem(&code).await.refusal(), "400 invalid_grant");
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    assert_eq!(native.redeem(&code).await.refusal(), "400 invalid_grant");
    assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
}

/// Codes of the four texts have no challenge: a redemption proves only the client and the redirect URI.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_use_of_a_code_without_a_challenge_needs_the_redirect_uri_alone() {
    let app = r#"
[[apps]]
name = "Sample App"
client_id = "sample"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://app.example/callback"]
"#;
    let server = Server::library("house-check", app).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let code = sample.code(&john, &[]).await;
    let tokens = sample.redeem(&code).await.tokens();
    assert_eq!(server.client("sample", OTHER_URI).redeem(&code).await.status, 400);
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    assert_eq!(sample.redeem(&code).await.refusal(), "400 invalid_grant");
    assert_eq!(server.identity(&tokens.access).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_use_ends_the_grant_within_ten_minutes_of_the_codes_life_and_nothing_later() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let (in_time, late) = (sample.code(&john, &[]).await, sample.code(&john, &[]).await);
    let (ended, kept) = (
        sample.redeem(&in_time).await.tokens(),
        sample.redeem(&late).await.tokens(),
    );
    server.advance(Duration::from_millis(660_000 - 1));
    assert_eq!(sample.redeem(&in_time).await.refusal(), "400 invalid_grant");
    assert_eq!(server.identity(&ended.access).await.refusal(), "401 invalid_token");
    server.advance(Duration::from_millis(1));
    assert_eq!(sample.redeem(&late).await.refusal(), "400 invalid_grant");
    assert_eq!(server.identity(&kept.access).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_use_ends_a_paused_grant() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let code = sample.code(&john, &[]).await;
    let tokens = sample.redeem(&code).await.tokens();
    server.command(&["app", "suspend", "sample"]);
    assert_eq!(sample.redeem(&code).await.refusal(), "400 invalid_grant");
    server.command(&["app", "resume", "sample"]);
    assert_eq!(sample.refresh(&tokens.refresh).await.refusal(), "400 invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_expires() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let (in_time, too_late) = (sample.code(&john, &[]).await, sample.code(&john, &[]).await);
    server.advance(Duration::from_millis(59_999));
    assert_eq!(sample.redeem(&in_time).await.status, 200);
    server.advance(Duration::from_millis(1));
    assert_eq!(sample.redeem(&too_late).await.refusal(), "400 invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_redirect_uri_is_refused_and_leaves_the_code_usable() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let code = sample.code(&john, &[]).await;
    for uri in [
        OTHER_URI,
        "https://app.example/callback/",
        "https://app.example/Callback",
        "",
    ] {
        let answer = server.client("sample", uri).redeem(&code).await;
        assert_eq!(answer.refusal(), "400 invalid_grant", "{uri}");
    }
    assert_eq!(sample.redeem(&code).await.status, 200);
}

/// RFC 6749 §4.1.3 requires the redirect URI in a redemption only if the authorization request had one.
#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_uri_absent_from_the_request_is_optional_at_redemption() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let (named, omitted) = (server.client("sample", REDIRECT_URI), server.client("sample", ""));
    for redeemer in [&named, &omitted] {
        let code = omitted.code(&john, &[]).await;
        let other = server.client("sample", OTHER_URI).redeem(&code).await;
        assert_eq!(other.refusal(), "400 invalid_grant");
        assert_eq!(redeemer.redeem(&code).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_verifier_is_refused_and_leaves_the_code_usable() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let code = sample.code(&john, &[]).await;
    let without = sample.clone().without_pkce();
    let wrong = VERIFIER.replace('d', "e");
    for verifier in [wrong.as_str(), "too-short", &"x".repeat(129), ""] {
        let mut redemption = without.redemption(&code);
        redemption.push(("code_verifier", verifier));
        assert_eq!(
            without.token(&redemption).await.refusal(),
            "400 invalid_grant",
            "{verifier}"
        );
    }
    assert_eq!(without.redeem(&code).await.refusal(), "400 invalid_grant");
    assert_eq!(sample.redeem(&code).await.status, 200);
}

/// RFC 9700 §4.8.2: an attacker who removes the challenge must not succeed.
#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_without_a_challenge_is_refused() {
    let server = Server::library("default", &format!("[wire]\nrequire_pkce = false\n{APPS}")).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let stripped = sample.clone().without_pkce();
    let code = stripped.code(&john, &[]).await;
    assert_eq!(sample.redeem(&code).await.refusal(), "400 invalid_grant");
    assert_eq!(stripped.redeem(&code).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_apps_code_is_refused_and_changes_nothing() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let code = sample.code(&john, &[]).await;
    let thief = server.client("other", REDIRECT_URI);
    assert_eq!(thief.redeem(&code).await.refusal(), "400 invalid_grant");
    let tokens = sample.redeem(&code).await.tokens();
    // Not even a used code: only a second use by its own app ends a grant.
    assert_eq!(thief.redeem(&code).await.refusal(), "400 invalid_grant");
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    assert_eq!(sample.refresh(&tokens.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_code_is_refused_and_changes_nothing() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let code = sample.code(&john, &[]).await;
    for forged in forgeries(&code) {
        assert_eq!(sample.redeem(&forged).await.refusal(), "400 invalid_grant", "{forged}");
    }
    let tokens = sample.redeem(&code).await.tokens();
    for forged in forgeries(&code) {
        assert_eq!(sample.redeem(&forged).await.refusal(), "400 invalid_grant", "{forged}");
    }
    assert_eq!(server.identity(&tokens.access).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_kind_is_refused_as_a_code() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let code = sample.code(&john, &[]).await;
    let body = code.strip_prefix("hp_ac_").unwrap();
    let refreshed = sample.refresh(&format!("hp_rt_{body}")).await;
    assert_eq!(refreshed.refusal(), "400 invalid_grant");
    let tokens = sample.redeem(&code).await.tokens();
    for token in [&tokens.refresh, &tokens.access] {
        assert_eq!(sample.redeem(token).await.refusal(), "400 invalid_grant");
    }
    let body = tokens.refresh.strip_prefix("hp_rt_").unwrap();
    let redeemed = sample.redeem(&format!("hp_ac_{body}")).await;
    assert_eq!(redeemed.refusal(), "400 invalid_grant");
    assert_eq!(sample.refresh(&tokens.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_parallel_redemptions_exactly_one_succeeds() {
    for server in [
        Server::library("default", APPS).await,
        Server::binary("default", APPS).await,
    ] {
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let code = sample.code(&john, &[]).await;
        let answers = sample.token_at_once(&sample.redemption(&code), 64).await;
        let (given, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert_eq!((given.len(), refused.len()), (1, 63));
        assert!(refused.iter().all(|answer| answer.refusal() == "400 invalid_grant"));
        // Every other redemption was a second use.
        let tokens = given[0].tokens();
        assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
        assert_eq!(sample.refresh(&tokens.refresh).await.refusal(), "400 invalid_grant");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_clients_code_needs_its_verifier_and_no_secret() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let native: Client<'_> = server.client("native", "http://127.0.0.1:52013/callback").public();
    let code = native.code(&john, &[]).await;
    assert_eq!(
        native.clone().without_pkce().redeem(&code).await.refusal(),
        "400 invalid_grant"
    );
    let tokens = native.redeem(&code).await.tokens();
    assert_eq!(native.refresh(&tokens.refresh).await.status, 200);
}

/// The same text with one character of each part changed, with a character removed, and with a character added.
fn forgeries(token: &str) -> Vec<String> {
    let changed = |at: usize| {
        let mut bytes = token.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let mut forged: Vec<String> = [10, 28, 32, 40, token.len() - 2].into_iter().map(changed).collect();
    forged.extend([
        token[..token.len() - 1].to_owned(),
        format!("{token}A"),
        token.to_uppercase(),
    ]);
    forged
}
