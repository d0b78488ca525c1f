//! HC-1 to HC-16: the statements of the House Check text, tested with preset `house-check`.

use crate::harness::{Answer, Browser, DEMO_JOHN, Demo, JOHN, MARY, REDIRECT_URI, SECRET, Server, compact, encoded};
use reqwest::Method;
use std::time::Duration;

const PRESET: &str = "house-check";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

const APP: &str = r#"
[[apps]]
name = "Roof Survey"
client_id = "roof-survey"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://app.example/callback", "https://app.example/second"]
"#;

/// The text's response to a code exchange.
const RESPONSE: &str = r#"{
"token_type":"Bearer",
"expires_in":86400,
"access_token":"ACCESS_TOKEN",
"refresh_token":"REFRESH_TOKEN"
}"#;

/// The text's response about the user.
const USER: &str = r#"{
"id": 1,
"name": "John Doe",
"email": "john@doe.com",
"locale": "nl"
}"#;

fn as_in_the_text(answer: &Answer) {
    let tokens = answer.tokens();
    let expected = RESPONSE
        .replace("ACCESS_TOKEN", &tokens.access)
        .replace("REFRESH_TOKEN", &tokens.refresh);
    assert_eq!(compact(&answer.body), compact(&expected));
}

async fn registered(browser: &Browser<'_>, uris: &str) -> Answer {
    let page = browser.open("/developer/apps/new").await;
    let typed = [("name", "Survey"), ("redirect_uris", uris)];
    browser.submit(&page, &page.form("redirect_uris"), &typed).await
}

#[tokio::test(flavor = "multi_thread")]
async fn hc_1_every_endpoint_of_the_api_refuses_a_call_without_a_token() {
    let demo = Demo::start(PRESET).await;
    let access = demo.access_token(DEMO_JOHN, "houses reports reports.write").await;
    let welcome = demo.call(Method::GET, "/", Some(&access)).await.json();
    let endpoints = welcome["endpoints"].as_array().expect("the API lists its endpoints");
    assert!(endpoints.len() > 5, "{welcome}");
    for endpoint in endpoints {
        let (method, path) = endpoint["call"].as_str().unwrap().split_once(' ').unwrap();
        let refused = demo
            .call(method.parse().unwrap(), &path.replace("{id}", "12"), None)
            .await;
        assert_eq!(
            (refused.status, refused.body.as_str()),
            (401, r#"{"message":"Unauthenticated."}"#),
            "{endpoint}"
        );
    }
    // The answer does not even reveal whether a path exists.
    assert_eq!(demo.call(Method::GET, "/nowhere", None).await.status, 401);
    assert_eq!(demo.server.get("/oauth/userinfo").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn hc_2_a_client_has_a_name_and_comma_separated_redirect_uris_and_a_malformed_one_is_named() {
    let server = Server::binary(PRESET, "").await;
    let mary = server.browser_of(MARY).await;
    let wrong = registered(&mary, "https://a.example/cb, b.example/cb, https://c.example/cb").await;
    assert_eq!(wrong.status, 400);
    assert!(
        wrong.text().contains("b.example/cb is not a whole address"),
        "{}",
        wrong.text()
    );
    assert!(!wrong.text().contains("a.example/cb is not"));

    let uris = ["https://a.example/cb", "https://b.example/cb", "https://c.example/cb"];
    let made = registered(&mary, &uris.join(", ")).await;
    let (id, secret) = (made.by_id("client-id").unwrap(), made.by_id("fresh-secret").unwrap());
    assert!(made.text().contains("Survey"));
    for uri in uris {
        let client = server.client(&id, uri).with_secret(&secret);
        assert_eq!(client.redeem(&client.code(&mary, &[]).await).await.status, 200, "{uri}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hc_3_the_client_id_and_secret_can_be_accessed_once_it_is_configured() {
    let server = Server::binary(PRESET, "").await;
    let mary = server.browser_of(MARY).await;
    let made = registered(&mary, REDIRECT_URI).await;
    let (id, secret) = (made.by_id("client-id").unwrap(), made.by_id("fresh-secret").unwrap());
    assert!(made.text().contains("shown only once"), "{}", made.text());
    let later = mary.open(&format!("/developer/apps/{id}")).await;
    assert_eq!(later.by_id("client-id"), Some(id));
    assert!(!later.body.contains(&secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn hc_4_each_integration_has_an_id_of_its_own_and_is_told_to_keep_its_secret() {
    let server = Server::binary(PRESET, "").await;
    let mary = server.browser_of(MARY).await;
    let (one, other) = (
        registered(&mary, REDIRECT_URI).await,
        registered(&mary, REDIRECT_URI).await,
    );
    assert_ne!(one.by_id("client-id"), other.by_id("client-id"));
    assert_ne!(one.by_id("fresh-secret"), other.by_id("fresh-secret"));
    let text = one.text();
    assert!(text.contains("One client ID per integration"), "{text}");
    assert!(
        text.contains("Keep them on your server, and never in an app that people download"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hc_5_a_secret_is_reset_at_once_or_with_an_overlap() {
    let server = Server::binary(PRESET, "").await;
    let mary = server.browser_of(MARY).await;
    let made = registered(&mary, REDIRECT_URI).await;
    let (id, first) = (made.by_id("client-id").unwrap(), made.by_id("fresh-secret").unwrap());
    let client = server.client(&id, REDIRECT_URI);
    let works = async |secret: &str| {
        // With a right secret, the request fails only at the code.
        let answer = client.clone().with_secret(secret).redeem("x").await;
        answer.refusal() != "401 invalid_client"
    };
    let second = made_by_reset(&mary, &id, "overlap").await;
    assert!(works(&first).await && works(&second).await);
    let third = made_by_reset(&mary, &id, "now").await;
    assert!(!works(&first).await && !works(&second).await && works(&third).await);
}

async fn made_by_reset(browser: &Browser<'_>, id: &str, how: &str) -> String {
    let page = browser.open(&format!("/developer/apps/{id}")).await;
    let shown = browser.submit(&page, &page.form("reset"), &[("reset", how)]).await;
    shown.by_id("fresh-secret").expect("a new secret")
}

#[tokio::test(flavor = "multi_thread")]
async fn hc_6_the_request_of_the_text_is_taken_and_its_state_returned_unchanged() {
    let server = Server::binary(PRESET, APP).await;
    let john = server.browser_of(JOHN).await;
    for state in ["STATE", "", "a b+c%2F&=?#\"<>'é漢🎃~"] {
        let mut pairs = vec![
            ("client_id", "roof-survey"),
            ("redirect_uri", REDIRECT_URI),
            ("response_type", "code"),
        ];
        if !state.is_empty() {
            pairs.push(("state", state));
        }
        let page = john.authorize(&encoded(&pairs)).await.consent();
        let callback = john.decide(&page, "allow").await.callback();
        assert_eq!(callback.get("state"), state);
        assert_eq!(callback.names().contains(&"state"), !state.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hc_7_only_a_redirect_uri_on_the_list_is_accepted() {
    let server = Server::binary(PRESET, APP).await;
    let john = server.browser_of(JOHN).await;
    for uri in [REDIRECT_URI, "https://app.example/second"] {
        john.authorize(&server.client("roof-survey", uri).query(&[]))
            .await
            .consent();
    }
    for uri in [
        "https://app.example/third",
        "https://app.example/second/",
        "https://app.example/SECOND",
        "https://evil.example/callback",
    ] {
        let page = john
            .authorize(&server.client("roof-survey", uri).query(&[]))
            .await
            .page();
        assert_eq!((page.status, page.header("location")), (401, ""), "{uri}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hc_8_the_user_is_asked_for_certain_data_and_the_api_gives_only_that() {
    let demo = Demo::start(PRESET).await;
    let browser = demo.server.browser();
    let client = demo
        .server
        .client(&demo.client_id, &demo.redirect_uri)
        .with_secret(&demo.client_secret);
    let login = browser.authorize(&client.query(&[("scope", "houses")])).await.login();
    let consent = browser.send_login(&login, DEMO_JOHN).await;
    assert!(
        consent.text().contains("De woningen in je account zien"),
        "{}",
        consent.text()
    );
    assert!(!consent.text().contains("Je inspectierapporten zien"));
    let code = browser.decide(&consent, "allow").await.callback().code().to_owned();
    let access = client.redeem(&code).await.tokens().access;
    assert_eq!(demo.call(Method::GET, "/houses", Some(&access)).await.status, 200);
    assert_eq!(demo.call(Method::GET, "/reports", Some(&access)).await.status, 403);
    assert_eq!(demo.call(Method::POST, "/reports", Some(&access)).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn hc_9_success_and_denial_are_redirects_as_in_the_text() {
    let server = Server::binary(PRESET, APP).await;
    let john = server.browser_of(JOHN).await;
    let query = server.client("roof-survey", REDIRECT_URI).query(&[("state", "STATE")]);
    let allowed = john
        .decide(&john.authorize(&query).await.consent(), "allow")
        .await
        .callback();
    let expected = format!("{REDIRECT_URI}?code={}&state=STATE&", allowed.code());
    assert!(allowed.address.starts_with(&expected), "{}", allowed.address);
    let denied = john
        .decide(&john.authorize(&query).await.consent(), "deny")
        .await
        .callback();
    assert_eq!(denied.get("error"), "access_denied");
    assert_eq!(denied.get("state"), "STATE");
    assert!(
        denied.address.starts_with(&format!("{REDIRECT_URI}?")),
        "{}",
        denied.address
    );
    let query = server.client("roof-survey", REDIRECT_URI).query(&[]);
    let denied = john
        .decide(&john.authorize(&query).await.consent(), "deny")
        .await
        .callback();
    assert!(
        denied
            .address
            .starts_with(&format!("{REDIRECT_URI}?error=access_denied&")),
        "{}",
        denied.address
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hc_10_a_code_works_once_and_its_second_use_revokes_what_the_first_gave() {
    let server = Server::binary(PRESET, APP).await;
    let john = server.browser_of(JOHN).await;
    let client = server.client("roof-survey", REDIRECT_URI);
    let code = client.code(&john, &[]).await;
    let tokens = client.redeem(&code).await.tokens();
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    insta::assert_snapshot!(client.redeem(&code).await.shown(), @r#"
    400
    content-type: application/json
    cache-control: no-store

    {"error":"invalid_grant","error_description":"The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.","hint":"Authorization code has been revoked"}
    "#);
    assert_eq!(server.identity(&tokens.access).await.status, 401);
    assert_eq!(client.refresh(&tokens.refresh).await.refusal(), "400 invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn hc_10_a_code_works_for_ten_minutes() {
    let server = Server::library(PRESET, APP).await;
    let john = server.browser_of(JOHN).await;
    let client = server.client("roof-survey", REDIRECT_URI);
    let (in_time, too_late) = (client.code(&john, &[]).await, client.code(&john, &[]).await);
    server.advance(10 * MINUTE - SECOND);
    assert_eq!(client.redeem(&in_time).await.status, 200);
    server.advance(SECOND);
    let refused = client.redeem(&too_late).await;
    assert_eq!(refused.refusal(), "400 invalid_grant");
    assert_eq!(refused.json()["hint"], "Authorization code has expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn hc_11_each_property_of_an_exchange_is_checked() {
    let server = Server::binary(PRESET, APP).await;
    let john = server.browser_of(JOHN).await;
    let code = server.client("roof-survey", REDIRECT_URI).code(&john, &[]).await;
    let good = [
        ("grant_type", "authorization_code"),
        ("client_id", "roof-survey"),
        ("client_secret", SECRET),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT_URI),
    ];
    let changed = async |name: &str, value: &'static str| {
        let pairs: Vec<(&str, &str)> = good
            .iter()
            .map(|(n, v)| (*n, if *n == name { value } else { *v }))
            .collect();
        server.post("/oauth/token", &pairs).await.refusal()
    };
    // For the same application's other redirect URI, the original answers invalid_request.
    let mut refusals = String::new();
    for (name, value) in [
        ("grant_type", "password"),
        ("grant_type", ""),
        ("client_id", "another"),
        ("client_id", ""),
        ("client_secret", "guessed"),
        ("client_secret", ""),
        ("code", "hp_ac_x"),
        ("code", ""),
        ("redirect_uri", "https://app.example/second"),
        ("redirect_uri", ""),
    ] {
        refusals.push_str(&format!("{name}={value}: {}\n", changed(name, value).await));
    }
    insta::assert_snapshot!(refusals, @r"
    grant_type=password: 400 unsupported_grant_type
    grant_type=: 400 invalid_request
    client_id=another: 401 invalid_client
    client_id=: 401 invalid_client
    client_secret=guessed: 401 invalid_client
    client_secret=: 401 invalid_client
    code=hp_ac_x: 400 invalid_request
    code=: 400 invalid_request
    redirect_uri=https://app.example/second: 400 invalid_request
    redirect_uri=: 400 invalid_request
    ");
    assert_eq!(
        server.post("/oauth/token", &good).await.status,
        200,
        "and none of that spent the code"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hc_12_the_response_is_the_texts_byte_for_byte() {
    let server = Server::binary(PRESET, APP).await;
    let john = server.browser_of(JOHN).await;
    let client = server.client("roof-survey", REDIRECT_URI);
    as_in_the_text(&client.redeem(&client.code(&john, &[]).await).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn hc_13_an_access_token_lives_for_a_day() {
    let server = Server::library(PRESET, APP).await;
    let john = server.browser_of(JOHN).await;
    let tokens = server.client("roof-survey", REDIRECT_URI).connect(&john).await;
    server.advance(DAY - SECOND);
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    server.advance(SECOND);
    let refused = server.identity(&tokens.access).await;
    assert_eq!(
        (refused.status, refused.body.as_str()),
        (401, r#"{"message":"Unauthenticated."}"#)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hc_14_a_refresh_token_works_once_gives_a_new_pair_and_a_replay_is_detected() {
    let server = Server::library(PRESET, APP).await;
    let john = server.browser_of(JOHN).await;
    let client = server.client("roof-survey", REDIRECT_URI);
    let first = client.connect(&john).await;
    let second = client.refresh(&first.refresh).await.tokens();
    assert_ne!((&first.access, &first.refresh), (&second.access, &second.refresh));
    assert_eq!(server.identity(&second.access).await.status, 200);
    server.advance(MINUTE);
    let replayed = client.refresh(&first.refresh).await;
    assert_eq!(replayed.refusal(), "400 invalid_grant");
    assert_eq!(server.identity(&second.access).await.status, 401);
    assert_eq!(client.refresh(&second.refresh).await.refusal(), "400 invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn hc_14_a_refresh_token_is_valid_for_three_days() {
    let server = Server::library(PRESET, APP).await;
    let john = server.browser_of(JOHN).await;
    let client = server.client("roof-survey", REDIRECT_URI);
    let (in_time, too_late) = (client.connect(&john).await, client.connect(&john).await);
    server.advance(3 * DAY - SECOND);
    let next = client.refresh(&in_time.refresh).await.tokens();
    server.advance(SECOND);
    let refused = client.refresh(&too_late.refresh).await;
    assert_eq!(
        (refused.refusal().as_str(), refused.json()["hint"].as_str()),
        ("400 invalid_grant", Some("Token has expired"))
    );
    // Each for three days from its own issue.
    server.advance(3 * DAY - 2 * SECOND);
    assert_eq!(client.refresh(&next.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn hc_15_the_properties_of_a_refresh_are_taken_and_the_pair_comes_in_the_same_shape() {
    let server = Server::binary(PRESET, APP).await;
    let john = server.browser_of(JOHN).await;
    let tokens = server.client("roof-survey", REDIRECT_URI).connect(&john).await;
    let body = [
        ("grant_type", "refresh_token"),
        ("client_id", "roof-survey"),
        ("client_secret", SECRET),
        ("refresh_token", tokens.refresh.as_str()),
    ];
    as_in_the_text(&server.post("/oauth/token", &body).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn hc_16_the_users_identity_is_the_texts_byte_for_byte() {
    let server = Server::binary(PRESET, APP).await;
    let john = server.browser_of(JOHN).await;
    let tokens = server.client("roof-survey", REDIRECT_URI).connect(&john).await;
    let answer = server.identity(&tokens.access).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "application/json")
    );
    assert_eq!(compact(&answer.body), compact(USER));
}
