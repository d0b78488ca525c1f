//! API-1 to API-12: the statements of the Apicbase text, tested with preset `apicbase`.

use crate::harness::{APPS, Client, DEMO_JANE, Demo, JOHN, MARY, REDIRECT_URI, SECRET, Server, TENANTS, compact};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

const PRESET: &str = "apicbase";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// "If the token is valid, belongs to the authenticated client and is not expired". The e-mail address is as the page hides
/// it.
const ACTIVE: &str = r#"{
"active": true,
"scope": "library sales accounts procurement",
"exp": 1613120953,
"client_id": "MY_CLIENT_ID",
"username": "[email protected]"
}"#;

/// "200 OK but the following contents".
const INACTIVE: &str = r#"{
"active": false
}"#;

async fn binary() -> Server {
    Server::binary(PRESET, APPS).await
}

fn sample(server: &Server) -> Client<'_> {
    server.client("sample", REDIRECT_URI)
}

#[tokio::test(flavor = "multi_thread")]
async fn api_1_only_the_code_flow_is_implemented_and_the_metadata_says_so() {
    let server = binary().await;
    for grant_type in [
        "client_credentials",
        "password",
        "implicit",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ] {
        let answer = sample(&server)
            .token(&[("grant_type", grant_type), ("username", "u"), ("password", "p")])
            .await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (400, r#"{"error": "unsupported_grant_type"}"#),
            "{grant_type}"
        );
    }
    let metadata = server.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(
        metadata["grant_types_supported"],
        json!(["authorization_code", "refresh_token"])
    );
    assert_eq!(metadata["response_types_supported"], json!(["code"]));
    let browser = server.browser();
    let callback = browser
        .authorize(&sample(&server).query(&[]).replace("=code", "=token"))
        .await
        .callback();
    assert_eq!(callback.get("error"), "unsupported_response_type");
}

#[tokio::test(flavor = "multi_thread")]
async fn api_2_a_library_owner_and_a_sandbox_account_register_an_application_in_the_api_settings_tab() {
    let server = Server::binary(PRESET, TENANTS).await;
    // John's browser is Dutch; the labels of the text are checked with Mary, whose account is a sandbox.
    for (person, library) in [(MARY, "globex"), (JOHN, "acme")] {
        let browser = server.browser_of(person).await;
        let settings = browser.open(&format!("/organizations/{library}")).await;
        let tab = link_to(&settings.body, "tab=api");
        let page = browser.open(&tab).await;
        if library == "globex" {
            assert!(
                settings.text().contains("API Settings") && page.text().contains("Register Application"),
                "{}",
                page.text()
            );
        }
        let form_page = browser.open(&link_to(&page.body, "/developer/apps/new")).await;
        if library == "globex" {
            let text = form_page.text();
            assert_eq!(
                text.matches("Register Application").count(),
                2,
                "heading and button: {text}"
            );
        }
        let typed = [("name", "Kitchen Display"), ("redirect_uris", REDIRECT_URI)];
        let form = form_page.form("redirect_uris");
        assert!(form.value("organization") == library, "chosen beforehand: {form:?}");
        let made = browser.submit(&form_page, &form, &typed).await;
        let (id, secret) = (made.by_id("client-id").unwrap(), made.by_id("fresh-secret").unwrap());
        if library == "globex" {
            let text = made.text();
            assert!(
                text.contains("Client ID") && text.contains("Your client secret"),
                "{text}"
            );
        }
        for copied in ["client-id", "fresh-secret"] {
            assert!(
                made.body.contains(&format!("data-copy=\"{copied}\"")),
                "a copy button for {copied}"
            );
        }
        assert!(browser.open(&tab).await.text().contains("Kitchen Display"));
        let client = server.client(&id, REDIRECT_URI).with_secret(&secret);
        assert_eq!(
            server.identity(&client.connect(&browser).await.access).await.status,
            200
        );
    }
}

/// The path of the first link that has `part` in it.
fn link_to(html: &str, part: &str) -> String {
    let mut links = html
        .split("href=\"")
        .skip(1)
        .filter_map(|piece| piece.split('"').next());
    let link = links.find(|link| link.contains(part));
    link.unwrap_or_else(|| panic!("no link to {part}"))
        .replace("&amp;", "&")
        .replace("&#38;", "&")
}

#[tokio::test(flavor = "multi_thread")]
async fn api_3_a_partners_credentials_connect_other_libraries_and_a_librarys_own_only_itself() {
    let server = Server::binary(PRESET, TENANTS).await;
    let (john, mary) = (server.browser_of(JOHN).await, server.browser_of(MARY).await);
    let sandbox = server.client("globex-trials", "https://globex.example/callback");
    assert_eq!(server.identity(&sandbox.connect(&mary).await.access).await.status, 200);
    let elsewhere = john.authorize(&sandbox.query(&[])).await.page();
    assert_eq!(elsewhere.status, 403);
    let partner = server.client("partner-sync", "https://partner.example/callback");
    for browser in [&john, &mary] {
        assert_eq!(
            server.identity(&partner.connect(browser).await.access).await.status,
            200
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn api_4_the_sample_url_asks_for_two_scopes_and_redemption_names_the_registered_uri_or_omits_it() {
    let server = binary().await;
    let john = server.browser_of(JOHN).await;
    for uri in [REDIRECT_URI, ""] {
        let page = john
            .open("/oauth/authorize/?response_type=code&client_id=sample&scope=library+sales")
            .await;
        let callback = john.decide(&page, "allow").await.callback();
        assert!(
            callback.address.starts_with("https://app.example/callback?code="),
            "{}",
            callback.address
        );
        let answer = server.client("sample", uri).redeem(callback.code()).await;
        assert_eq!(answer.json()["scope"], "library sales");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn api_5_without_a_redirect_url_the_user_lands_on_a_page_to_copy_the_code_from() {
    let desk = "[[apps]]\nname = \"Desk\"\nclient_id = \"desk\"\nclient_secret = \"a-secret-of-43-characters-as-hallpass-makes\"\n";
    let server = Server::binary(PRESET, desk).await;
    let mary = server.browser_of(MARY).await;
    let client = server.client("desk", "");
    let page = mary.authorize(&client.query(&[("scope", "library")])).await.consent();
    let shown = mary.decide(&page, "allow").await.page();
    assert_eq!((shown.status, shown.header("cache-control")), (200, "no-store"));
    assert!(shown.body.contains("data-copy=\"code\""), "a copy button");
    assert!(shown.text().contains("Enter this code only in"), "{}", shown.text());
    let code = shown.by_id("code").expect("the code");
    // Opening the page again shows the same code.
    assert_eq!(
        mary.decide(&page, "allow").await.page().by_id("code").as_deref(),
        Some(code.as_str())
    );
    assert_eq!(
        server
            .identity(&client.redeem(&code).await.tokens().access)
            .await
            .status,
        200
    );
    let denied = mary
        .decide(&mary.authorize(&client.query(&[])).await.consent(), "deny")
        .await
        .page();
    assert!(denied.text().contains("Desk gets no access"), "{}", denied.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn api_6_a_code_expires_after_one_minute_with_invalid_grant() {
    let server = Server::library(PRESET, APPS).await;
    let john = server.browser_of(JOHN).await;
    let (in_time, too_late) = (
        sample(&server).code(&john, &[]).await,
        sample(&server).code(&john, &[]).await,
    );
    server.advance(MINUTE - SECOND);
    assert_eq!(sample(&server).redeem(&in_time).await.status, 200);
    server.advance(SECOND);
    insta::assert_snapshot!(sample(&server).redeem(&too_late).await.shown(), @r#"
    400
    content-type: application/json
    cache-control: no-store
    pragma: no-cache

    {"error": "invalid_grant"}
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn api_7_a_scope_opens_the_endpoints_that_the_catalogue_says() {
    let demo = Demo::start(PRESET).await;
    for (scope, open, closed) in [("library", "/recipes", "/sales"), ("sales", "/sales", "/recipes")] {
        let access = demo.access_token(DEMO_JANE, scope).await;
        assert_eq!(demo.call(Method::GET, open, Some(&access)).await.status, 200, "{scope}");
        assert_eq!(
            demo.call(Method::GET, closed, Some(&access)).await.status,
            403,
            "{scope}"
        );
    }
    let both = demo.access_token(DEMO_JANE, "library sales").await;
    for path in ["/recipes", "/sales"] {
        assert_eq!(demo.call(Method::GET, path, Some(&both)).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn api_8_the_token_url_is_on_the_apis_host_and_takes_its_payload_in_the_body() {
    let hosts = "[server]\npublic_url = \"http://app.example\"\napi_url = \"http://api.example\"\n";
    let server = Server::binary(PRESET, &format!("{hosts}{APPS}")).await;
    let metadata = server.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(
        metadata["authorization_endpoint"],
        "http://app.example/oauth/authorize/"
    );
    assert_eq!(metadata["token_endpoint"], "http://api.example/oauth/token/");
    assert_eq!(
        metadata["introspection_endpoint"],
        "http://api.example/oauth/introspect/"
    );
    let john = server.browser_of(JOHN).await;
    let code = sample(&server).code(&john, &[]).await;
    let body = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("client_id", "sample"),
        ("client_secret", SECRET),
    ];
    let answer = server.post("/oauth/token/", &body).await;
    insta::assert_snapshot!(answer.shown(), @r#"
    200
    content-type: application/json
    cache-control: no-store
    pragma: no-cache

    {"access_token": "hp_at_…", "expires_in": 604800, "token_type": "Bearer", "scope": "library sales accounts procurement", "refresh_token": "hp_rt_…"}
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn api_9_access_lives_for_a_week_and_refreshing_works_long_after_it_expired() {
    let server = Server::library(PRESET, APPS).await;
    let john = server.browser_of(JOHN).await;
    let client = sample(&server);
    let answer = client.redeem(&client.code(&john, &[]).await).await;
    assert_eq!(answer.json()["expires_in"], 604_800);
    let mut tokens = answer.tokens();
    server.advance(WEEK - SECOND);
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    server.advance(SECOND);
    assert_eq!(server.identity(&tokens.access).await.status, 401);
    for years in [1, 10, 50] {
        server.advance(years * 52 * WEEK);
        tokens = client.refresh(&tokens.refresh).await.tokens();
        assert_eq!(server.identity(&tokens.access).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn api_10_introspection_takes_the_form_of_the_text_and_ignores_what_it_does_not_need() {
    let server = binary().await;
    let john = server.browser_of(JOHN).await;
    let tokens = sample(&server).connect(&john).await;
    for refresh_token in [tokens.refresh.as_str(), "anything"] {
        let form = [
            ("token", tokens.access.as_str()),
            ("client_id", "sample"),
            ("client_secret", SECRET),
            ("refresh_token", refresh_token),
        ];
        let answer = server.post("/oauth/introspect/", &form).await;
        assert_eq!((answer.status, &answer.json()["active"]), (200, &json!(true)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn api_11_a_valid_token_has_exactly_the_members_of_the_text() {
    let server = binary().await;
    let john = server.browser_of(JOHN).await;
    let client = sample(&server);
    let tokens = client
        .connect_with(&john, &[("scope", "library sales accounts procurement")])
        .await;
    let answer = client.introspect(&tokens.access).await;
    let exp = answer.json()["exp"].as_i64().expect("seconds").to_string();
    assert_eq!(exp.len(), 10, "{exp}");
    let expected = ACTIVE
        .replace("1613120953", &exp)
        .replace("MY_CLIENT_ID", "sample")
        .replace("[email protected]", "john@doe.com");
    assert_eq!(compact(&answer.body), compact(&expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn api_12_an_expired_token_is_inactive() {
    let server = Server::library(PRESET, APPS).await;
    let john = server.browser_of(JOHN).await;
    let client = sample(&server);
    let tokens = client.connect(&john).await;
    server.advance(WEEK - SECOND);
    assert_eq!(client.introspect(&tokens.access).await.json()["active"], true);
    server.advance(SECOND);
    let answer = client.introspect(&tokens.access).await;
    assert_eq!((answer.status, compact(&answer.body)), (200, compact(INACTIVE)));
}

#[tokio::test(flavor = "multi_thread")]
async fn api_12_an_unknown_revoked_or_foreign_token_is_inactive_too() {
    let server = binary().await;
    let john = server.browser_of(JOHN).await;
    let client = sample(&server);
    let (revoked, live) = (client.connect(&john).await, client.connect(&john).await);
    client.revoke(&revoked.refresh).await;
    for (asker, token) in [
        (client.clone(), "MY_ACCESS_TOKEN"),
        (client.clone(), revoked.access.as_str()),
        (server.client("other", REDIRECT_URI), live.access.as_str()),
    ] {
        let answer = asker.introspect(token).await;
        assert_eq!((answer.status, compact(&answer.body)), (200, compact(INACTIVE)));
    }
    assert_eq!(client.introspect(&live.access).await.json()["active"], true);
}
