//! Invalid tokens: forged, cut, changed, or of another kind. Every endpoint that takes a token refuses them, and nothing is
//! lost.

use crate::harness::{APPS, JOHN, REDIRECT_URI, SECRET, Server, encoded};
use hallpass::config::preset_names;

/// Spoiled versions of a token, and texts that never were one.
fn spoiled(token: &str) -> Vec<String> {
    let (prefix, rest) = token.split_at(6);
    let swapped: String = rest
        .chars()
        .map(|c| {
            if c.is_ascii_lowercase() {
                c.to_ascii_uppercase()
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect();
    let mut spoiled: Vec<String> = (1..token.len()).step_by(9).map(|at| token[..at].to_owned()).collect();
    spoiled.extend((6..token.len()).step_by(11).map(|at| {
        let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
        format!("{}{other}{}", &token[..at], &token[at + 1..])
    }));
    spoiled.extend([
        format!("{token}A"),
        format!("{token}="),
        format!("{token} {token}"),
        format!(" {token}x"),
        format!("{prefix}{swapped}"),
        token.to_uppercase(),
        format!("hp_xx_{rest}"),
        token.replace('_', "-"),
        token[..token.len() - 1].to_owned(),
        "x".repeat(4096),
        "é".repeat(100),
        "'; DROP TABLE grants; --".to_owned(),
        "null".to_owned(),
    ]);
    spoiled.extend(
        ["hp_at_", "hp_rt_", "hp_ac_"]
            .iter()
            .filter(|other| **other != prefix)
            .map(|other| format!("{other}{rest}")),
    );
    spoiled
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoiled_token_is_refused_everywhere_and_the_good_one_still_works() {
    for preset in preset_names() {
        let server = Server::library(preset, APPS).await;
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let tokens = sample.connect(&john).await;
        let code = sample.code(&john, &[]).await;

        for spoiled in spoiled(&code) {
            let answer = sample.redeem(&spoiled).await;
            assert!(matches!(answer.status, 400 | 401), "{preset} {spoiled} {answer:?}");
            assert!(answer.json().is_object());
        }
        for spoiled in spoiled(&tokens.refresh) {
            let answer = sample.refresh(&spoiled).await;
            assert!(matches!(answer.status, 400 | 401), "{preset} {spoiled} {answer:?}");
            assert_eq!(
                sample.introspect(&spoiled).await.json()["active"],
                false,
                "{preset} {spoiled}"
            );
            assert_eq!(sample.revoke(&spoiled).await.status, 200, "{preset} {spoiled}");
        }
        for spoiled in spoiled(&tokens.access) {
            assert_eq!(
                sample.introspect(&spoiled).await.json()["active"],
                false,
                "{preset} {spoiled}"
            );
            assert_eq!(sample.revoke(&spoiled).await.status, 200, "{preset} {spoiled}");
            let header = reqwest::header::HeaderValue::from_bytes(format!("Bearer {spoiled}").as_bytes());
            let url = server.at("/oauth/userinfo");
            let request = server.request(reqwest::Method::GET, &url);
            let answer = server
                .send(&url, request.header("authorization", header.expect("a header")))
                .await;
            assert!(matches!(answer.status, 400 | 401), "{preset} {spoiled} {answer:?}");
        }

        assert_eq!(sample.redeem(&code).await.status, 200, "{preset}");
        assert_eq!(server.identity(&tokens.access).await.status, 200, "{preset}");
        assert_eq!(sample.refresh(&tokens.refresh).await.status, 200, "{preset}");
    }
}

/// RFC 6749 §3.2: a parameter without a value counts as omitted. In every dialect that is a JSON error, and uses up
/// nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_value_counts_as_omitted_and_uses_up_nothing() {
    for preset in preset_names() {
        let server = Server::library(preset, APPS).await;
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let code = sample.code(&john, &[]).await;
        let mut pairs = sample.redemption(&code);
        pairs.extend([("client_id", "sample"), ("client_secret", SECRET)]);
        for (position, (name, _)) in pairs.iter().enumerate() {
            let mut emptied = pairs.clone();
            emptied[position].1 = "";
            let answer = server
                .post_raw(&token_path(preset), &[super::FORM], encoded(&emptied))
                .await;
            assert!((400..=401).contains(&answer.status), "{preset} {name} {answer:?}");
            assert!(answer.json().is_object(), "{preset} {name}");
        }
        assert_eq!(sample.redeem(&code).await.status, 200, "{preset}");
    }
}

fn token_path(preset: &str) -> String {
    let slash = if preset == "apicbase" { "/" } else { "" };
    format!("/oauth/token{slash}")
}
