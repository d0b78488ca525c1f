//! The site takes scopes away from a grant.

use super::*;
use crate::harness::{RESOURCE, SECRET};
use std::time::Duration;

/// The scopes of a token, as the API sees them. Empty if it is not active.
async fn scopes(server: &Server, token: &str) -> String {
    let answer = server.client(RESOURCE, "").with_secret(SECRET).introspect(token).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["scope"].as_str().unwrap_or_default().to_owned()
}

async fn narrow(server: &Server, there: &str, scopes: Value) -> Answer {
    Site::new(server)
        .call("PATCH", there, Some(&json!({ "scopes": scopes })))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn wider_access_tokens_end_and_the_refresh_token_goes_on_with_fewer_scopes() {
    let server = server().await;
    let tokens = connected(&server, &server.browser()).await;
    let other = connected_as(&server, &server.browser(), json!({ "subject": "4712" })).await;
    let first = sample(&server).refresh(&tokens.refresh).await.tokens();
    server.advance(Duration::from_secs(60));
    let second = sample(&server).refresh(&first.refresh).await.tokens();
    assert_eq!(scopes(&server, &second.access).await, "read write");
    let there = only_grant(&server).await;
    let answer = narrow(&server, &there, json!(["read"])).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["scopes"][0]["name"], "read");
    assert_eq!(answer.json()["scopes"].as_array().unwrap().len(), 1);
    for ended in [&tokens.access, &first.access, &second.access] {
        assert_eq!(server.identity(ended).await.status, 401);
        assert_eq!(scopes(&server, ended).await, "");
    }
    // At the same moment of the clock.
    let after = sample(&server).refresh(&second.refresh).await.tokens();
    assert_eq!(scopes(&server, &after.access).await, "read");
    assert_eq!(server.identity(&after.access).await.status, 200);
    let wider = sample(&server)
        .refresh_with(&after.refresh, &[("scope", "read write")])
        .await;
    assert_eq!(wider.refusal(), "400 invalid_scope");
    let last = sample(&server).refresh(&after.refresh).await.tokens();
    assert_eq!(scopes(&server, &last.access).await, "read");
    assert_eq!(
        scopes(&server, &other.access).await,
        "read write",
        "another person's stays"
    );
    let event = server.sql("SELECT actor, before, after FROM audit_events WHERE action = 'grant_narrowed'");
    assert!(
        event.contains("site") && event.contains("read write") && event.contains(r#"{"scopes":"read"}"#),
        "{event}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_given_again_with_fewer_scopes() {
    let server = server().await;
    let tokens = connected(&server, &server.browser()).await;
    let lost = sample(&server).refresh(&tokens.refresh).await.tokens();
    let there = only_grant(&server).await;
    assert_eq!(narrow(&server, &there, json!(["write"])).await.status, 200);
    let again = sample(&server).refresh(&tokens.refresh).await.tokens();
    assert_eq!(again.refresh, lost.refresh);
    assert_eq!(scopes(&server, &lost.access).await, "");
    assert_eq!(scopes(&server, &again.access).await, "write");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_waits_gives_fewer_scopes() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let address = authorize(&server, &[("scope", "read write")]);
    let page = site.sign_in(&browser, &address, ann()).await.consent();
    let callback = browser.decide(&page, "allow").await.callback();
    let there = only_grant(&server).await;
    let answer = narrow(&server, &there, json!(["read"])).await;
    assert_eq!((answer.status, &answer.json()["state"]), (200, &json!("pending")));
    let tokens = sample(&server).redeem(callback.code()).await.tokens();
    assert_eq!(scopes(&server, &tokens.access).await, "read");
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_are_only_taken_away() {
    let server = server().await;
    let tokens = connected(&server, &server.browser()).await;
    let there = only_grant(&server).await;
    for wrong in [
        json!(["read", "write", "profile"]),
        json!(["profile"]),
        json!([]),
        json!(["read", 1]),
        json!(["re ad"]),
        json!([""]),
        json!("read"),
        json!(null),
        json!({ "read": true }),
    ] {
        let answer = narrow(&server, &there, wrong.clone()).await;
        assert_eq!(
            (answer.status, &answer.json()["field"]),
            (422, &json!("scopes")),
            "{wrong}: {}",
            answer.body
        );
    }
    let site = Site::new(&server);
    let unknown = site
        .call("PATCH", &there, Some(&json!({ "scopes": ["read"], "state": "ended" })))
        .await;
    assert_eq!(unknown.json()["field"], "state");
    assert_eq!(
        site.call("PATCH", &there, Some(&json!({}))).await.json()["field"],
        "scopes"
    );
    // All that it has, in any order: nothing to do.
    assert_eq!(
        narrow(&server, &there, json!(["write", "read", "read"])).await.status,
        200
    );
    assert_eq!(scopes(&server, &tokens.access).await, "read write");
    assert!(!events(&server).contains(&"grant_narrowed".to_owned()));
}

/// Refreshes race with the narrowing. No token that is good afterwards has more scopes.
#[tokio::test(flavor = "multi_thread")]
async fn no_refresh_at_the_same_moment_saves_a_wider_token() {
    let server = server().await;
    for _ in 0..8 {
        let browser = server.browser();
        let tokens = connected(&server, &browser).await;
        let there = path(
            "4711",
            &format!("/grants/{}", grants(&server).await[0]["id"].as_str().unwrap()),
        );
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens.refresh.as_str()),
        ];
        let client = sample(&server);
        let (refreshed, narrowed) =
            tokio::join!(client.token_at_once(&form, 6), narrow(&server, &there, json!(["read"])));
        assert_eq!(narrowed.status, 200, "{}", narrowed.body);
        for answer in refreshed {
            let got = answer.tokens();
            let has = scopes(&server, &got.access).await;
            assert!(matches!(has.as_str(), "" | "read"), "{has}");
        }
        server.advance(Duration::from_secs(5));
    }
}
