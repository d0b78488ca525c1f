//! Tokens presented by another app, at another endpoint, or as another kind of token (RFC 9700 §4.10, RFC 6749 §10).

use super::{PRESETS, assert_refused, endpoint};
use crate::harness::{APPS, Browser, JOHN, REDIRECT_URI, RESOURCE, Server};
use std::time::Duration;

/// RFC 6749 §6 and §10.4, RFC 7009 §2.1, RFC 7662 §4: a token of one app reveals and changes nothing when another app sends
/// it.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_a_token_is_worthless_to_another_app() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let tokens = sample.connect(&john).await;
        let code = sample.code(&john, &[]).await;
        let other = server.client("other", REDIRECT_URI);
        let native = server.client("native", REDIRECT_URI).public();
        for thief in [&other, &other.clone().by_basic(), &native, &sample.clone().public()] {
            let what = format!("{preset} {}", thief.id);
            assert_refused(&thief.refresh(&tokens.refresh).await, &what);
            assert_refused(&thief.redeem(&code).await, &what);
            for token in [&tokens.access, &tokens.refresh, &code] {
                let told = thief.introspect(token).await;
                if told.status == 200 {
                    assert_eq!(told.json(), serde_json::json!({"active": false}), "{what}");
                } else {
                    assert_refused(&told, &what);
                }
                thief.revoke(token).await;
            }
        }
        assert_eq!(server.identity(&tokens.access).await.status, 200, "{preset}");
        assert_eq!(sample.refresh(&tokens.refresh).await.status, 200, "{preset}");
        assert_eq!(sample.redeem(&code).await.status, 200, "{preset}");
    }
}

/// RFC 9700 §4.10: a token of one kind is refused as any other kind, and the attempt does not use it up.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_a_token_is_refused_as_another_kind() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let tokens = sample.connect(&john).await;
        let code = sample.code(&john, &[]).await;
        let body = |token: &str| token.split_at(6).1.to_owned();
        let as_code = [
            tokens.access.clone(),
            tokens.refresh.clone(),
            format!("hp_ac_{}", body(&tokens.refresh)),
        ];
        let as_refresh = [tokens.access.clone(), code.clone(), format!("hp_rt_{}", body(&code))];
        let as_access = [
            tokens.refresh.clone(),
            code.clone(),
            format!("hp_at_{}", body(&tokens.refresh)),
            format!("Bearer {}", tokens.access),
        ];
        for token in &as_code {
            assert_refused(&sample.redeem(token).await, preset);
        }
        for token in &as_refresh {
            assert_refused(&sample.refresh(token).await, preset);
        }
        for token in &as_access {
            assert_refused(&server.identity(token).await, preset);
        }
        for token in as_access.iter().skip(1).chain(&as_refresh[1..]) {
            assert_eq!(
                sample.introspect(token).await.json(),
                serde_json::json!({"active": false}),
                "{preset}"
            );
        }
        assert_eq!(server.identity(&tokens.access).await.status, 200, "{preset}");
        assert_eq!(sample.redeem(&code).await.status, 200, "{preset}");
        assert_eq!(sample.refresh(&tokens.refresh).await.status, 200, "{preset}");
    }
}

/// A credential for one endpoint is refused at another: neither an app's token nor a code authenticates the app.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_a_token_does_not_authenticate_a_client() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let tokens = sample.connect(&john).await;
        for credential in [&tokens.access, &tokens.refresh] {
            for header in [
                format!("Bearer {credential}"),
                format!("Token {credential}"),
                credential.clone(),
            ] {
                for name in ["introspect", "revoke"] {
                    let path = endpoint(&server, name);
                    let pairs = [("token", tokens.access.as_str()), ("client_id", "sample")];
                    let answer = server.post_as(&path, &header, &pairs).await;
                    assert_refused(&answer, &format!("{preset} {name}"));
                }
            }
            assert_refused(
                &sample.clone().with_secret(credential).refresh(&tokens.refresh).await,
                preset,
            );
        }
        assert_eq!(server.identity(&tokens.access).await.status, 200, "{preset}");
    }
}

/// RFC 9700 §4.15: a client must not pass for a resource owner. A token of the app itself names no person at any endpoint.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_the_app_itself_names_no_person() {
    for preset in ["default", "connected-home"] {
        let server = Server::library(preset, APPS).await;
        let sample = server.client("sample", REDIRECT_URI);
        let own = sample.client_credentials(&[]).await.tokens();
        assert_eq!(own.refresh, "", "{preset}: RFC 6749 §4.4.3");
        let refused = server.identity(&own.access).await;
        assert!(matches!(refused.status, 401 | 403), "{preset}: {}", refused.body);
        assert!(!refused.body.contains("@"), "{preset}: {}", refused.body);
        for caller in [&sample, &server.client(RESOURCE, "")] {
            let told = caller.introspect(&own.access).await.json();
            assert_eq!(told["client_id"], "sample", "{preset}");
            assert!(told["sub"].is_null() && told["username"].is_null(), "{preset}: {told}");
        }
        // A parameter with a person's name beside this grant type has no effect.
        for (name, value) in [
            ("username", JOHN.email),
            ("user_id", "1"),
            ("sub", "1"),
            ("assertion", "x"),
        ] {
            let access = sample.client_credentials(&[(name, value)]).await.tokens().access;
            assert!(
                sample.introspect(&access).await.json()["username"].is_null(),
                "{preset} {name}"
            );
        }
    }
}

/// RFC 9700 §2.4: the password grant is not offered, nor any grant that helps an attacker as much.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_password_and_assertion_grants_are_refused() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        let sample = server.client("sample", REDIRECT_URI);
        for grant_type in [
            "password",
            "implicit",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "urn:ietf:params:oauth:grant-type:device_code",
            "AUTHORIZATION_CODE",
            "refresh_token ",
        ] {
            let pairs = [
                ("grant_type", grant_type),
                ("username", JOHN.email),
                ("password", JOHN.password),
                ("assertion", "x"),
            ];
            let answer = sample.token(&pairs).await;
            assert_refused(&answer, &format!("{preset} {grant_type}"));
        }
    }
}

/// Decision 3: a token of the new generation that any endpoint receives, even for revocation, confirms that its answer
/// arrived.
#[tokio::test(flavor = "multi_thread")]
async fn a_successor_sent_for_revocation_counts_as_seen() {
    let server = Server::library("default", APPS).await;
    let sample = server.client("sample", REDIRECT_URI);
    let first = sample.connect(&server.browser_of(JOHN).await).await;
    let second = sample.refresh(&first.refresh).await.tokens();
    assert_eq!(sample.revoke(&second.access).await.status, 200);
    server.advance(Duration::from_secs(31));
    assert_eq!(sample.refresh(&first.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(sample.refresh(&second.refresh).await.refusal(), "400 invalid_grant");
}

/// Storage grows only with grants. Revoking the same token again and again writes once.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_revoked_again_writes_nothing() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    let fresh = written(&server, &john).await;
    assert_eq!(sample.revoke(&tokens.access).await.status, 200);
    let revoked = written(&server, &john).await;
    assert!(fresh != revoked, "a revocation is written down");
    for _ in 0..3 {
        assert_eq!(sample.revoke(&tokens.access).await.status, 200);
        assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
    }
    assert!(written(&server, &john).await == revoked, "and once is enough");
}

/// The contents of the database. Opening the page flushes uses that are only in memory.
async fn written(server: &Server, browser: &Browser<'_>) -> Vec<u8> {
    assert_eq!(browser.open("/account/apps").await.status, 200);
    server.kept()
}
