//! CCH-1 to CCH-11: the statements of the Common Controls Hub text, tested with preset `common-controls-hub`.

use crate::harness::{Answer, DEMO_JANE, DEMO_JOHN, Demo, JOHN, MARY, REDIRECT_URI, SECRET, Server};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

const PRESET: &str = "common-controls-hub";
const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);
const TWO_WEEKS: Duration = Duration::from_secs(1_209_600);

/// An app of an organization with a name.
const APP: &str = r#"
[[organizations]]
slug = "acme"
name = "Acme Compliance"
members = ["john@doe.com:owner", "mary@example.com:member"]

[[apps]]
name = "Acme Reports"
organization = "acme"
client_id = "acme-reports"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://app.example/callback"]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn cch_1_creating_an_application_gives_a_client_id_and_once_a_secret() {
    let server = Server::binary(PRESET, "").await;
    let mary = server.browser_of(MARY).await;
    let page = mary.open("/developer/apps/new").await;
    let typed = [("name", "Reports"), ("redirect_uris", REDIRECT_URI)];
    let made = mary.submit(&page, &page.form("redirect_uris"), &typed).await;
    let (id, secret) = (made.by_id("client-id").unwrap(), made.by_id("fresh-secret").unwrap());
    let later = mary.open(&format!("/developer/apps/{id}")).await;
    assert_eq!(later.by_id("client-id").as_deref(), Some(id.as_str()));
    assert!(!later.body.contains(&secret));
    // With these credentials the app gets tokens.
    let reports = server.client(&id, REDIRECT_URI).with_secret(&secret);
    assert_eq!(server.identity(&reports.connect(&mary).await.access).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn cch_2_an_authorization_page_takes_client_id_scope_and_redirect_url() {
    let server = Server::binary(PRESET, APP).await;
    let query =
        "response_type=code&client_id=acme-reports&scope=controls&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback";
    let login = server.browser().authorize(query).await.login();
    assert_eq!(login.status, 200);
    server.browser_of(JOHN).await.authorize(query).await.consent();
}

#[tokio::test(flavor = "multi_thread")]
async fn cch_3_the_prompt_names_the_app_its_owner_and_each_scope_in_plain_words() {
    let server = Server::binary(PRESET, APP).await;
    let mary = server.browser_of(MARY).await;
    let app = server.client("acme-reports", REDIRECT_URI);
    let prompt = mary
        .authorize(&app.query(&[("scope", "controls lists.write")]))
        .await
        .consent()
        .text();
    for said in [
        "Acme Reports asks for access to Common Controls Hub",
        "by Acme Compliance",
        "Mary Major",
        "See the controls in your account",
        "Change your control lists",
    ] {
        assert!(prompt.contains(said), "{said}: {prompt}");
    }
    assert!(
        !prompt.contains("See your authority documents"),
        "that was not asked for"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cch_4_allowing_redirects_to_the_redirect_url_with_a_code_state_and_iss() {
    let server = Server::binary(PRESET, APP).await;
    let john = server.browser_of(JOHN).await;
    let app = server.client("acme-reports", REDIRECT_URI);
    let page = john.authorize(&app.query(&[("state", "xyz")])).await.consent();
    let callback = john.decide(&page, "allow").await.callback();
    assert!(
        callback.address.starts_with("https://app.example/callback?code="),
        "{}",
        callback.address
    );
    assert_eq!(callback.names(), ["code", "state", "iss"]);
    assert_eq!(
        (callback.get("state"), callback.get("iss")),
        ("xyz", server.issuer.as_str())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cch_5_code_client_id_secret_and_redirect_url_are_taken_in_the_body_and_the_header() {
    let server = Server::binary(PRESET, APP).await;
    let john = server.browser_of(JOHN).await;
    let app = server.client("acme-reports", REDIRECT_URI);
    let code = app.code(&john, &[]).await;
    let body = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("client_id", "acme-reports"),
        ("client_secret", SECRET),
        ("redirect_uri", REDIRECT_URI),
    ];
    assert_eq!(server.post("/oauth/token", &body).await.status, 200);
    let code = app.code(&john, &[]).await;
    assert_eq!(app.by_basic().redeem(&code).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn cch_6_a_valid_code_gives_an_access_and_a_refresh_token_in_the_shape_of_the_dialect() {
    let server = Server::binary(PRESET, APP).await;
    let john = server.browser_of(JOHN).await;
    let app = server.client("acme-reports", REDIRECT_URI);
    let answer = app.redeem(&app.code(&john, &[]).await).await;
    insta::assert_snapshot!(answer.shown(), @r#"
    200
    content-type: application/json
    cache-control: no-store
    pragma: no-cache

    {"access_token":"hp_at_…","expires_in":3600,"token_type":"Bearer","scope":"controls documents","refresh_token":"hp_rt_…"}
    "#);
    assert_eq!(server.identity(&answer.tokens().access).await.status, 200);
    let refused = app.redeem("0123456789abcdef").await;
    insta::assert_snapshot!(refused.shown(), @r#"
    400
    content-type: application/json
    cache-control: no-store

    {"error":"invalid_grant","error_description":"Authorization code doesn't exist or is invalid for the client"}
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn cch_7_the_api_gives_a_token_the_data_of_its_person_and_scopes_and_others_nothing() {
    let demo = Demo::start(PRESET).await;
    let of_john = demo.access_token(DEMO_JOHN, "controls").await;
    let welcome = demo.call(Method::GET, "/", Some(&of_john)).await;
    assert_eq!(
        (welcome.status, &welcome.json()["person"]),
        (200, &json!("john@doe.com"))
    );
    let refused = demo.call(Method::GET, "/", None).await;
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").starts_with("Bearer"));
    assert_eq!(demo.call(Method::GET, "/", Some("nonsense")).await.status, 401);

    let of_jane = demo.access_token(DEMO_JANE, "controls").await;
    let (johns, janes) = (
        demo.call(Method::GET, "/controls", Some(&of_john)).await,
        demo.call(Method::GET, "/controls", Some(&of_jane)).await,
    );
    assert_eq!((johns.status, janes.status), (200, 200));
    assert!(
        johns.body.contains("806") && !johns.body.contains("1377"),
        "{}",
        johns.body
    );
    assert!(
        janes.body.contains("1377") && !janes.body.contains("806"),
        "{}",
        janes.body
    );
    let beyond = demo.call(Method::GET, "/authority-documents", Some(&of_john)).await;
    assert_eq!(beyond.refusal(), "403 insufficient_scope");
}

#[tokio::test(flavor = "multi_thread")]
async fn cch_8_an_access_token_expires_after_an_hour() {
    let server = Server::library(PRESET, APP).await;
    let john = server.browser_of(JOHN).await;
    let app = server.client("acme-reports", REDIRECT_URI);
    let answer = app.redeem(&app.code(&john, &[]).await).await;
    assert_eq!(answer.json()["expires_in"], 3600);
    server.advance(HOUR - SECOND);
    assert_eq!(server.identity(&answer.tokens().access).await.status, 200);
    server.advance(SECOND);
    assert_eq!(server.identity(&answer.tokens().access).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn cch_9_refreshing_works_until_the_user_revokes_and_then_access_is_refused_at_once() {
    let server = Server::binary(PRESET, APP).await;
    let john = server.browser_of(JOHN).await;
    let app = server.client("acme-reports", REDIRECT_URI);
    let first = app.connect(&john).await;
    let answer = app.refresh(&first.refresh).await;
    insta::assert_snapshot!(answer.shown(), @r#"
    200
    content-type: application/json
    cache-control: no-store
    pragma: no-cache

    {"access_token":"hp_at_…","expires_in":3600,"token_type":"Bearer","scope":"controls documents","refresh_token":"hp_rt_…"}
    "#);
    let second = answer.tokens();
    assert_ne!(second.refresh, first.refresh, "always_issue_new_refresh_token");
    assert_eq!(server.identity(&second.access).await.status, 200);

    let page = john.open("/account/apps").await;
    john.submit(&page, &page.form("end"), &[("end", "1")]).await;
    for tokens in [&first, &second] {
        assert_eq!(app.refresh(&tokens.refresh).await.refusal(), "400 invalid_grant");
        assert_eq!(server.identity(&tokens.access).await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cch_10_a_refresh_token_expires_after_two_weeks_and_then_the_user_is_asked_again() {
    let server = Server::library(PRESET, APP).await;
    let app = server.client("acme-reports", REDIRECT_URI);
    let (in_time, too_late) = {
        let john = server.browser_of(JOHN).await;
        (app.connect(&john).await, app.connect(&john).await)
    };
    server.advance(TWO_WEEKS - SECOND);
    assert_eq!(app.refresh(&in_time.refresh).await.status, 200);
    server.advance(SECOND);
    let refused = app.refresh(&too_late.refresh).await;
    assert_eq!(
        (refused.refusal().as_str(), &refused.json()["error_description"]),
        ("400 invalid_grant", &json!("Refresh token has expired"))
    );
    let john = server.browser_of(JOHN).await;
    assert_eq!(server.identity(&app.connect(&john).await.access).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn cch_11_an_expired_access_token_gets_401_with_the_texts_message() {
    let server = Server::library(PRESET, APP).await;
    let john = server.browser_of(JOHN).await;
    let tokens = server.client("acme-reports", REDIRECT_URI).connect(&john).await;
    server.advance(HOUR);
    let answer = server.identity(&tokens.access).await;
    assert_eq!(answer.json()["message"], "The access token provided has expired");
    insta::assert_snapshot!(answer.shown(), @r#"
    401
    content-type: application/json
    www-authenticate: Bearer realm="Service", error="invalid_token", error_description="The access token provided has expired"
    cache-control: no-store

    {"error":"invalid_token","error_description":"The access token provided has expired","message":"The access token provided has expired"}
    "#);
}

/// The machine's clock works as well as the manual one. Only time itself can be waited for here, so this one test polls
/// every 20 ms, at most 200 times.
#[tokio::test(flavor = "multi_thread")]
async fn cch_8_cch_10_cch_11_lifetimes_of_a_second_run_out_in_the_released_binary() {
    let lifetimes = "[tokens]\naccess = \"1s\"\nrefresh = \"2s\"\ncode = \"1s\"\n";
    let server = Server::binary(PRESET, &format!("{lifetimes}{APP}")).await;
    let john = server.browser_of(JOHN).await;
    let app = server.client("acme-reports", REDIRECT_URI);
    let code = app.code(&john, &[]).await;
    // On a busy machine a code may expire before it is redeemed.
    let redeemed = async || {
        let code = app.code(&john, &[]).await;
        Some(app.redeem(&code).await).filter(|answer| answer.status == 200)
    };
    let tokens = until(redeemed).await.tokens();
    let expired =
        until(async || Some(server.identity(&tokens.access).await).filter(|answer| answer.status == 401)).await;
    assert_eq!(expired.json()["message"], "The access token provided has expired");
    // The code was issued before that token.
    let refused = app.redeem(&code).await;
    assert_eq!(
        refused.json()["error_description"],
        "The authorization code has expired"
    );
    until(async || Some(app.introspect(&tokens.refresh).await).filter(|answer| answer.json()["active"] == false)).await;
    assert_eq!(
        app.refresh(&tokens.refresh).await.json()["error_description"],
        "Refresh token has expired"
    );
}

async fn until(condition: impl AsyncFn() -> Option<Answer>) -> Answer {
    for _ in 0..200 {
        if let Some(answer) = condition().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it did not come to pass");
}
