//! Codes that are injected, swapped or stripped of their protection (RFC 9700 §2.1.1, §4.5 and §4.8; RFC 7636 §4.6).

use super::{PRESETS, assert_refused};
use crate::harness::{APPS, CHALLENGE, Client, JOHN, Landing, MARY, REDIRECT_URI, Server, VERIFIER};

/// The code verifier of another session of the app.
const OTHER_VERIFIER: &str = "the-verifier-that-the-victims-session-has-got";
const PKCE: [(&str, &str); 2] = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];

/// The parameters that redeem `code` with this verifier.
fn redemption<'a>(client: &'a Client<'_>, code: &'a str, verifier: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    let mut pairs = client.redemption(code);
    pairs.extend(verifier.map(|verifier| ("code_verifier", verifier)));
    pairs
}

/// RFC 9700 §4.5.3.1: a code of the attacker, injected into the victim's session, arrives with the verifier of that
/// session.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_a_code_is_refused_in_another_session() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        let mary = server.browser_of(MARY).await;
        for client in [
            server.client("sample", REDIRECT_URI).without_pkce(),
            server
                .client("native", "http://127.0.0.1:9/callback")
                .public()
                .without_pkce(),
        ] {
            let code = client.code(&mary, &PKCE).await;
            let upper = VERIFIER.to_uppercase();
            for verifier in [
                Some(OTHER_VERIFIER),
                Some(CHALLENGE),
                Some(upper.as_str()),
                Some(&VERIFIER[..42]),
                Some(""),
                None,
            ] {
                let answer = client.token(&redemption(&client, &code, verifier)).await;
                assert_refused(&answer, &format!("{preset} {} {verifier:?}", client.id));
            }
            // None of the attempts has used up the code for its own session.
            let tokens = client.token(&redemption(&client, &code, Some(VERIFIER))).await;
            assert_eq!(tokens.status, 200, "{preset} {}: {}", client.id, tokens.body);
        }
    }
}

/// RFC 6749 §4.1.3: only the client that a code was issued to can redeem it. An attempt of another client does not use up
/// the code.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_a_code_is_refused_to_another_app() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI).without_pkce();
        let code = sample.code(&john, &PKCE).await;
        let other = server.client("other", REDIRECT_URI);
        let native = server.client("native", REDIRECT_URI);
        let thieves = [
            other.clone().without_pkce(),
            other.without_pkce().by_basic(),
            native.public().without_pkce(),
            // The app's own id, without its secret or with another app's secret.
            sample.clone().public().without_pkce(),
            sample.clone().with_secret("guessed"),
        ];
        for thief in &thieves {
            let answer = thief.token(&redemption(thief, &code, Some(VERIFIER))).await;
            assert_refused(&answer, &format!("{preset} {}", thief.id));
        }
        let tokens = sample.token(&redemption(&sample, &code, Some(VERIFIER))).await.tokens();
        // Once the code is used, another attempt from elsewhere is not a second use, which would end the grant.
        for thief in &thieves {
            let answer = thief.token(&redemption(thief, &code, Some(VERIFIER))).await;
            assert_refused(&answer, &format!("{preset} {}", thief.id));
        }
        assert_eq!(server.identity(&tokens.access).await.status, 200, "{preset}");
        assert_eq!(sample.refresh(&tokens.refresh).await.status, 200, "{preset}");
    }
}

const TWO_DOORS: &str = r#"
[[apps]]
name = "Two Doors"
client_id = "two-doors"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://two.example/a", "https://two.example/b"]
"#;

/// RFC 6749 §4.1.3 and §10.6: a code issued for one redirect URI is refused with another, registered or not.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_a_code_is_refused_with_another_redirect_uri() {
    for preset in PRESETS {
        let server = Server::library(preset, TWO_DOORS).await;
        let john = server.browser_of(JOHN).await;
        let client = server.client("two-doors", "https://two.example/a");
        let code = client.code(&john, &[]).await;
        for uri in [
            "https://two.example/b",
            "https://two.example/a/",
            "https://two.example/a?",
            "https://TWO.example/a",
            "https://evil.example/a",
            "",
        ] {
            let answer = server.client("two-doors", uri).redeem(&code).await;
            assert_refused(&answer, &format!("{preset} {uri}"));
        }
        assert_eq!(client.redeem(&code).await.status, 200, "{preset}");
    }
}

/// RFC 9700 §4.8.2: an attacker removes the challenge from the authorization request. The app, which sends its verifier,
/// must not get a token for a code without a challenge.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_a_removed_challenge_is_detected() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        let john = server.browser_of(JOHN).await;
        let native = server
            .client("native", "http://127.0.0.1:9/callback")
            .public()
            .without_pkce();
        let refused = john.authorize(&native.query(&[])).await.callback();
        assert_eq!(
            (refused.get("error"), refused.get("code")),
            ("invalid_request", ""),
            "{preset}"
        );
        let sample = server.client("sample", REDIRECT_URI).without_pkce();
        match john.authorize(&sample.query(&[])).await {
            Landing::App(callback) => assert_eq!((preset, callback.get("code")), ("default", "")),
            Landing::Consent(page) => {
                assert_ne!(preset, "default");
                let code = john.decide(&page, "allow").await.callback().code().to_owned();
                let answer = sample.token(&redemption(&sample, &code, Some(VERIFIER))).await;
                assert_refused(&answer, preset);
            }
            other => panic!("{preset}: {other:?}"),
        }
    }
}

/// RFC 7636 §4.3 and §7.2, RFC 9700 §2.1.1: refuses `plain`, an absent method (which means `plain`), and any value that is
/// not an S256 challenge.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_a_weaker_challenge_is_refused() {
    let padded = format!("{CHALLENGE}=");
    // The same 32 bytes, followed by bits that no encoder writes.
    let loose = format!("{}N", &CHALLENGE[..42]);
    let weak: [&[(&str, &str)]; 11] = [
        &[("code_challenge", VERIFIER), ("code_challenge_method", "plain")],
        &[("code_challenge", CHALLENGE), ("code_challenge_method", "plain")],
        &[("code_challenge", CHALLENGE)],
        &[("code_challenge", CHALLENGE), ("code_challenge_method", "")],
        &[("code_challenge", CHALLENGE), ("code_challenge_method", "s256")],
        &[("code_challenge", CHALLENGE), ("code_challenge_method", "S256 ")],
        &[("code_challenge", CHALLENGE), ("code_challenge_method", "S512")],
        &[("code_challenge", ""), ("code_challenge_method", "S256")],
        &[("code_challenge", &padded), ("code_challenge_method", "S256")],
        &[("code_challenge", &loose), ("code_challenge_method", "S256")],
        &[("code_challenge", &CHALLENGE[..40]), ("code_challenge_method", "S256")],
    ];
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        let john = server.browser_of(JOHN).await;
        for client in [
            server.client("sample", REDIRECT_URI).without_pkce(),
            server
                .client("native", "http://127.0.0.1:9/callback")
                .public()
                .without_pkce(),
        ] {
            for more in weak {
                let callback = john.authorize(&client.query(more)).await.callback();
                assert!(!callback.get("error").is_empty(), "{preset} {} {more:?}", client.id);
                assert_eq!(callback.get("code"), "", "{preset} {} {more:?}", client.id);
            }
            let twice = format!("{}&code_challenge={OTHER_VERIFIER}", client.query(&PKCE));
            let callback = john.authorize(&twice).await.callback();
            assert!(!callback.get("error").is_empty(), "{preset} {}", client.id);
            assert_eq!(callback.get("code"), "", "{preset} {}", client.id);
        }
    }
}
