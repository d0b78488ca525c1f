//! Introspection (RFC 7662): an app may ask about its own tokens, an API about those with its scopes.

use crate::harness::{APPS, Client, JOHN, MARY, REDIRECT_URI, RESOURCE, Server, TENANTS, Tokens};
use std::time::Duration;

const INACTIVE: &str = r#"{"active":false}"#;

async fn connected(server: &Server) -> (Client<'_>, Tokens) {
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect_with(&john, &[("scope", "profile read")]).await;
    (sample, tokens)
}

/// `sub` is a UUID and differs in each run.
fn without_subject(server: &Server, answer: &crate::harness::Answer) -> String {
    let sub = answer.json()["sub"].as_str().unwrap().to_owned();
    assert_eq!(sub.len(), 36);
    answer
        .shown()
        .replace(&sub, "<subject>")
        .replace(&server.issuer, "<server>")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_can_introspect_its_own_access_token() {
    let server = Server::library("default", APPS).await;
    let (sample, tokens) = connected(&server).await;
    let answer = sample.introspect(&tokens.access).await;
    insta::assert_snapshot!(without_subject(&server, &answer), @r#"
    200
    content-type: application/json
    cache-control: no-store

    {"active":true,"scope":"profile read","client_id":"sample","username":"john@doe.com","token_type":"Bearer","exp":1767229200,"iat":1767225600,"sub":"<subject>","iss":"<server>"}
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_can_introspect_its_own_refresh_token() {
    let server = Server::library("default", APPS).await;
    let (sample, tokens) = connected(&server).await;
    let answer = sample.introspect(&tokens.refresh).await;
    insta::assert_snapshot!(without_subject(&server, &answer), @r#"
    200
    content-type: application/json
    cache-control: no-store

    {"active":true,"scope":"profile read","client_id":"sample","username":"john@doe.com","exp":1768435200,"iat":1767225600,"sub":"<subject>","iss":"<server>"}
    "#);
    sample.refresh(&tokens.refresh).await;
    assert_eq!(
        sample.introspect(&tokens.refresh).await.body,
        INACTIVE,
        "only the one to use next is active"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_also_gets_organization_and_environment() {
    let server = Server::library("default", APPS).await;
    let (_, tokens) = connected(&server).await;
    let api = server.client(RESOURCE, "").by_basic();
    let answer = api.introspect(&tokens.access).await;
    insta::assert_snapshot!(without_subject(&server, &answer), @r#"
    200
    content-type: application/json
    cache-control: no-store

    {"active":true,"scope":"profile read","client_id":"sample","username":"john@doe.com","token_type":"Bearer","exp":1767229200,"iat":1767225600,"sub":"<subject>","iss":"<server>","aud":"https://api.example","organization":"default","environment":"live"}
    "#);
    assert_eq!(
        api.introspect(&tokens.refresh).await.body,
        INACTIVE,
        "an API has no use for a refresh token"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_sees_its_own_scopes_and_no_token_that_has_none_of_them() {
    let writer = "[[resources]]\nidentifier = \"urn:example:writer\"\nname = \"Writer\"\nsecret = \"a-secret-of-43-characters-as-hallpass-makes\"\nscopes = [\"write\"]\n";
    let server = Server::library("default", &format!("{APPS}{writer}")).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let api = server.client("urn:example:writer", "").by_basic();
    let both = sample.connect_with(&john, &[("scope", "read write")]).await;
    assert_eq!(api.introspect(&both.access).await.json()["scope"], "write");
    let reader = sample.connect_with(&john, &[("scope", "read")]).await;
    assert_eq!(api.introspect(&reader.access).await.body, INACTIVE);
}

/// A token of one library must never open another library's data, so the API gets the organization, and whether it is a
/// sandbox.
#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_token_is_distinguished_from_a_live_one() {
    let api = "[[resources]]\nidentifier = \"https://api.example\"\nname = \"API\"\nsecret = \"a-secret-of-43-characters-as-hallpass-makes\"\n";
    let server = Server::library("default", &format!("{TENANTS}{api}")).await;
    let api = server.client(RESOURCE, "");
    for (person, app, uri, organization, environment) in [
        (JOHN, "acme-reports", "https://acme.example/callback", "acme", "live"),
        (
            MARY,
            "globex-trials",
            "https://globex.example/callback",
            "globex",
            "sandbox",
        ),
        (JOHN, "partner-sync", "https://partner.example/callback", "acme", "live"),
        (
            MARY,
            "partner-sync",
            "https://partner.example/callback",
            "globex",
            "sandbox",
        ),
    ] {
        let browser = server.browser_of(person).await;
        let tokens = server.client(app, uri).connect(&browser).await;
        let described = api.introspect(&tokens.access).await.json();
        assert_eq!(described["organization"], organization, "{app}");
        assert_eq!(described["environment"], environment, "{app}");
    }
    let own = server
        .client("globex-trials", "")
        .client_credentials(&[])
        .await
        .tokens();
    let described = api.introspect(&own.access).await.json();
    assert_eq!(
        (&described["organization"], &described["environment"]),
        (&"globex".into(), &"sandbox".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_apps_tokens_are_inactive() {
    let server = Server::library("default", APPS).await;
    let (_, tokens) = connected(&server).await;
    let other = server.client("other", REDIRECT_URI);
    let answer = other.introspect(&tokens.access).await;
    insta::assert_snapshot!(answer.shown(), @r#"
    200
    content-type: application/json
    cache-control: no-store

    {"active":false}
    "#);
    assert_eq!(other.introspect(&tokens.refresh).await.body, INACTIVE);
}

/// A question of a stranger is not a use of a token. Otherwise a refresh whose answer was lost would look like reuse, and
/// end the grant.
#[tokio::test(flavor = "multi_thread")]
async fn introspection_by_a_stranger_does_not_count_as_a_use() {
    let writer = "[[resources]]\nidentifier = \"urn:example:writer\"\nname = \"Writer\"\nsecret = \"a-secret-of-43-characters-as-hallpass-makes\"\nscopes = [\"write\"]\n";
    let server = Server::library("default", &format!("{APPS}{writer}")).await;
    let (sample, first) = connected(&server).await;
    let lost = sample.refresh(&first.refresh).await.tokens();
    let other = server.client("other", REDIRECT_URI);
    for stranger in [&other, &server.client("urn:example:writer", "")] {
        for token in [&lost.access, &lost.refresh] {
            assert_eq!(stranger.introspect(token).await.body, INACTIVE);
        }
    }
    for token in [&lost.access, &lost.refresh] {
        assert_eq!(other.revoke(token).await.refusal(), "400 invalid_grant");
        assert_eq!(other.refresh(token).await.refusal(), "400 invalid_grant");
    }
    server.advance(Duration::from_secs(31));
    let next = sample.refresh(&first.refresh).await.tokens();
    assert_ne!(next, lost, "the answer was lost, and is replaced");
    assert_eq!(server.identity(&next.access).await.status, 200);
}

/// A token presented by an app or API that it is for counts as seen, even if the grant is paused.
#[tokio::test(flavor = "multi_thread")]
async fn introspection_by_the_tokens_api_counts_as_a_use() {
    let server = Server::library("default", APPS).await;
    for paused in [false, true] {
        let (sample, first) = connected(&server).await;
        let second = sample.refresh(&first.refresh).await.tokens();
        if paused {
            server.command(&["app", "suspend", "sample"]);
        }
        server.client(RESOURCE, "").introspect(&second.access).await;
        if paused {
            server.command(&["app", "resume", "sample"]);
        }
        server.advance(Duration::from_secs(31));
        assert_eq!(sample.refresh(&first.refresh).await.refusal(), "400 invalid_grant");
        assert_eq!(sample.refresh(&second.refresh).await.refusal(), "400 invalid_grant");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_expired_or_revoked_token_is_inactive() {
    let server = Server::library("default", APPS).await;
    let (sample, tokens) = connected(&server).await;
    let api = server.client(RESOURCE, "");
    let mut forged = tokens.access.clone();
    forged.replace_range(40..41, if &forged[40..41] == "A" { "B" } else { "A" });
    for unknown in [
        "x",
        "hp_at_",
        "hp_rt_",
        "hp_ac_x",
        &forged,
        &tokens.access[..60],
        &"x".repeat(4000),
    ] {
        assert_eq!(sample.introspect(unknown).await.body, INACTIVE, "{unknown}");
        assert_eq!(api.introspect(unknown).await.body, INACTIVE, "{unknown}");
    }
    server.advance(Duration::from_secs(3599));
    assert_eq!(sample.introspect(&tokens.access).await.json()["active"], true);
    server.advance(Duration::from_secs(1));
    assert_eq!(sample.introspect(&tokens.access).await.body, INACTIVE);
    assert_eq!(api.introspect(&tokens.access).await.body, INACTIVE);
    let (sample, tokens) = connected(&server).await;
    sample.revoke(&tokens.refresh).await;
    for token in [&tokens.access, &tokens.refresh] {
        assert_eq!(sample.introspect(token).await.body, INACTIVE);
    }
}

/// CCH-11: else an API that sees a token for the first time after its expiry would call it bad.
#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_asks_for_the_reason_learns_that_a_token_meant_for_it_has_expired() {
    let writer = "[[resources]]\nidentifier = \"urn:example:writer\"\nname = \"Writer\"\nsecret = \"a-secret-of-43-characters-as-hallpass-makes\"\nscopes = [\"write\"]\n";
    let server = Server::library("default", &format!("{APPS}{writer}")).await;
    let (sample, tokens) = connected(&server).await;
    server.advance(Duration::from_secs(3600));
    let api = server.client(RESOURCE, "");
    let writer = server.client("urn:example:writer", "");
    for (caller, asks, token, told) in [
        (&api, "1", tokens.access.as_str(), "expired"),
        (&api, "0", &tokens.access, ""),
        (&api, "1", "hp_at_unknown", ""),
        (&api, "1", &tokens.refresh, ""),
        (&writer, "1", &tokens.access, ""),
        (&sample, "1", &tokens.access, ""),
    ] {
        let basic = caller.basic();
        let headers = [
            ("authorization", basic.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
            ("hallpass-inactive", asks),
        ];
        let answer = server
            .post_raw("/oauth/introspect", &headers, format!("token={token}"))
            .await;
        assert_eq!(answer.header("hallpass-inactive"), told, "{asks} {token}");
        if token.starts_with("hp_at_") {
            assert_eq!((answer.status, answer.body.as_str()), (200, INACTIVE), "{asks} {token}");
        }
    }
    let revoked = sample.connect(&server.browser_of(JOHN).await).await;
    sample.revoke(&revoked.access).await;
    let basic = api.basic();
    let headers = [
        ("authorization", basic.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
        ("hallpass-inactive", "1"),
    ];
    let answer = server
        .post_raw("/oauth/introspect", &headers, format!("token={}", revoked.access))
        .await;
    assert_eq!(
        (answer.body.as_str(), answer.header("hallpass-inactive")),
        (INACTIVE, "")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unauthenticated_caller_is_refused() {
    let server = Server::library("default", APPS).await;
    let (sample, tokens) = connected(&server).await;
    let wrong = sample.clone().with_secret("guessed");
    assert_eq!(wrong.introspect(&tokens.access).await.refusal(), "401 invalid_client");
    let api = server.client(RESOURCE, "").with_secret("guessed");
    assert_eq!(api.introspect(&tokens.access).await.refusal(), "401 invalid_client");
    let nobody = server.post("/oauth/introspect", &[("token", &tokens.access)]).await;
    assert_eq!(nobody.refusal(), "401 invalid_client");
    // A bearer token does not authenticate here: a person who finds one may not ask what it allows.
    let bearer = format!("Bearer {}", tokens.access);
    let by_token = server
        .post_as("/oauth/introspect", &bearer, &[("token", &tokens.access)])
        .await;
    assert_eq!(by_token.status, 401);
    assert_eq!(sample.introspect("").await.refusal(), "400 invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_app_cannot_introspect_not_even_its_own() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let native = server.client("native", "http://127.0.0.1:1/callback").public();
    let tokens = native.connect(&john).await;
    assert_eq!(native.introspect(&tokens.access).await.refusal(), "401 invalid_client");
    let empty = server.client("native", "").with_secret("").by_basic();
    assert_eq!(empty.introspect(&tokens.access).await.refusal(), "401 invalid_client");
    // The API that the token is for can introspect it.
    let api = server.client(RESOURCE, "");
    assert_eq!(api.introspect(&tokens.access).await.json()["client_id"], "native");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_type_hint_is_accepted_and_has_no_effect() {
    let server = Server::library("default", APPS).await;
    let (_, tokens) = connected(&server).await;
    for (token, hint) in [
        (&tokens.access, "access_token"),
        (&tokens.access, "refresh_token"),
        (&tokens.refresh, "access_token"),
        (&tokens.refresh, "nonsense"),
    ] {
        let pairs = [
            ("token", token.as_str()),
            ("token_type_hint", hint),
            ("client_id", "sample"),
            ("client_secret", crate::harness::SECRET),
        ];
        let answer = server.post("/oauth/introspect", &pairs).await;
        assert_eq!(answer.json()["active"], true, "{hint}");
    }
}
