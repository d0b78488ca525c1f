//! HOME-1 to HOME-7: the statements of the Connected Home text, tested with preset `connected-home`.

use crate::harness::{JOHN, Server, Tokens, compact};
use serde_json::Value;

const PRESET: &str = "connected-home";
const REDIRECT_URI: &str = "https://home.example/callback";

/// The keys and secrets in the text.
const APPS: &str = r#"
[[apps]]
name = "Thermostat"
client_id = "123abc"
client_secret = "456def"
redirect_uris = ["https://home.example/callback"]

[[apps]]
name = "Doorbell"
client_id = "123"
client_secret = "abc"
redirect_uris = ["https://home.example/callback"]

[[apps]]
name = "Lights"
client_id = "9UY8NrmDtIh8GVTkNdX0Y7I6k37254a9"
client_secret = "Z1947381rwgf0WkPPGPHnGik6h3LdhZ9"
redirect_uris = ["https://home.example/callback"]
"#;

/// "you will receive a response that looks like this".
const RESPONSE: &str = r#"{ "refresh_token_expires_in": "0", "api_product_list": "[Basic Plan]", "organization_name": "connectedhome", "": "", "token_type": "BearerToken", "issued_at": "1487281223451", "client_id": "123abc", "access_token": "456def", "application_name": "b1bd4907-924a-4470-a641-0effeb279834", "scope": "user", "expires_in": "3599", "refresh_count": "0", "status": "approved" }"#;

const CLIENT_CREDENTIALS: [(&str, &str); 1] = [("grant_type", "client_credentials")];

fn text<'a>(json: &'a Value, member: &str) -> &'a str {
    json[member]
        .as_str()
        .unwrap_or_else(|| panic!("{member} is a string: {json}"))
}

/// A pair of tokens for the app with this Basic header.
async fn connected(server: &Server, client_id: &str, authorization: &str) -> (Value, Tokens) {
    let john = server.browser_of(JOHN).await;
    let client = server.client(client_id, REDIRECT_URI);
    let code = client.code(&john, &[]).await;
    let answer = server
        .post_as("/oauth/token", authorization, &client.redemption(&code))
        .await;
    (answer.json(), answer.tokens())
}

#[tokio::test(flavor = "multi_thread")]
async fn home_1_the_header_of_the_text_authenticates_and_another_does_not() {
    let server = Server::binary(PRESET, APPS).await;
    let answer = server
        .post_as("/oauth/token", "Basic MTIzYWJjOjQ1NmRlZg==", &CLIENT_CREDENTIALS)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    // 123abc:456dee
    let wrong = server
        .post_as("/oauth/token", "Basic MTIzYWJjOjQ1NmRlZQ==", &CLIENT_CREDENTIALS)
        .await;
    insta::assert_snapshot!(wrong.shown(), @r#"
    401
    content-type: application/json
    www-authenticate: Basic realm="OAuth"
    cache-control: no-store

    {"ErrorCode":"invalid_client","Error":"ClientId is Invalid"}
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn home_2_a_posted_form_with_client_credentials_gives_the_app_a_token_of_its_own() {
    let server = Server::binary(PRESET, APPS).await;
    let headers = [
        ("Authorization", "Basic MTIzYWJjOjQ1NmRlZg=="),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let answer = server
        .post_raw("/oauth/token", &headers, "grant_type=client_credentials")
        .await;
    let access = answer.tokens().access;
    let described = server
        .client("123abc", "")
        .with_secret("456def")
        .introspect(&access)
        .await
        .json();
    assert_eq!(
        (&described["active"], &described["client_id"]),
        (&true.into(), &"123abc".into())
    );
    assert_eq!(described["username"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn home_3_the_response_is_the_texts_byte_for_byte() {
    let server = Server::binary(PRESET, APPS).await;
    let answer = server
        .post_as("/oauth/token", "Basic MTIzYWJjOjQ1NmRlZg==", &CLIENT_CREDENTIALS)
        .await;
    let json = answer.json();
    let (access, issued, name) = (
        text(&json, "access_token"),
        text(&json, "issued_at"),
        text(&json, "application_name"),
    );
    assert!(
        issued.len() == 13 && issued.parse::<u64>().is_ok(),
        "milliseconds: {issued}"
    );
    assert_eq!(
        name.split('-').map(str::len).collect::<Vec<_>>(),
        [8, 4, 4, 4, 12],
        "a UUID: {name}"
    );
    let expected = RESPONSE
        .replace("\"456def\"", &format!("\"{access}\""))
        .replace("1487281223451", issued)
        .replace("b1bd4907-924a-4470-a641-0effeb279834", name);
    assert_eq!(compact(&answer.body), compact(&expected));
    // The application is the same each time.
    let again = server
        .post_as("/oauth/token", "Basic MTIzYWJjOjQ1NmRlZg==", &CLIENT_CREDENTIALS)
        .await;
    assert_eq!(text(&again.json(), "application_name"), name);
}

/// HOME-3: a product says which scopes an application may use.
#[tokio::test(flavor = "multi_thread")]
async fn home_3_products_bound_the_scopes_of_their_apps() {
    let more = r#"
[scopes.locks]
title = "Open your doors"
[products."Lock Plan"]
scopes = ["user", "locks"]
[[apps]]
name = "Locks"
client_id = "locks"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
products = ["Basic Plan", "Lock Plan"]
"#;
    let server = Server::binary(PRESET, &format!("{more}{APPS}")).await;
    let answer = server
        .client("locks", "")
        .client_credentials(&[("scope", "user locks")])
        .await
        .json();
    assert_eq!(
        (text(&answer, "scope"), text(&answer, "api_product_list")),
        ("user locks", "[Basic Plan, Lock Plan]")
    );
    let basic = server.client("123abc", "").with_secret("456def");
    assert_eq!(
        basic.client_credentials(&[("scope", "locks")]).await.refusal(),
        "400 invalid_scope"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn home_4_a_browser_logs_in_consents_and_is_redirected_with_a_code() {
    let server = Server::binary(PRESET, APPS).await;
    let browser = server.browser();
    let client = server.client("123abc", REDIRECT_URI);
    let login = browser.authorize(&client.query(&[])).await.login();
    let consent = browser.send_login(&login, JOHN).await;
    assert!(
        consent.text().contains("Je slimme huis zien en bedienen"),
        "the access rights: {}",
        consent.text()
    );
    let callback = browser.decide(&consent, "allow").await.callback();
    assert!(
        callback.address.starts_with("https://home.example/callback?code="),
        "{}",
        callback.address
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn home_5_a_redirect_uri_that_is_not_configured_gets_a_page_and_never_a_redirect() {
    let server = Server::binary(PRESET, APPS).await;
    for uri in [
        "https://evil.example/callback",
        "https://home.example/callback/",
        "https://home.example/callback?x=1",
        "http://home.example/callback",
    ] {
        for browser in [server.browser(), server.browser_of(JOHN).await] {
            let page = browser.authorize(&server.client("123abc", uri).query(&[])).await.page();
            assert_eq!((page.status, page.header("location")), (400, ""), "{uri}");
            assert!(page.text().contains("Invalid redirection uri"), "{}", page.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn home_6_refreshing_is_authenticated_by_basic_and_counted() {
    let server = Server::binary(PRESET, APPS).await;
    let basic = "Basic MTIzOmFiYw==";
    let (first, mut tokens) = connected(&server, "123", basic).await;
    assert_eq!(text(&first, "refresh_count"), "0");
    for count in ["1", "2", "3"] {
        let request = [
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens.refresh.as_str()),
        ];
        let answer = server.post_as("/oauth/token", basic, &request).await;
        assert_eq!(text(&answer.json(), "refresh_count"), count);
        tokens = answer.tokens();
    }
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    // 123:abd
    let request = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh.as_str()),
    ];
    assert_eq!(
        server
            .post_as("/oauth/token", "Basic MTIzOmFiZA==", &request)
            .await
            .refusal(),
        "401 invalid_client"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn home_7_a_code_is_exchanged_with_the_long_header_of_the_text() {
    let server = Server::binary(PRESET, APPS).await;
    let basic = "Basic OVVZOE5ybUR0SWg4R1ZUa05kWDBZN0k2azM3MjU0YTk6WjE5NDczODFyd2dmMFdrUFBHUEhuR2lrNmgzTGRoWjk=";
    let (answer, tokens) = connected(&server, "9UY8NrmDtIh8GVTkNdX0Y7I6k37254a9", basic).await;
    // Every number is a string, also if the answer has a refresh token.
    assert!(answer.as_object().unwrap().values().all(Value::is_string), "{answer}");
    assert_eq!(
        (text(&answer, "expires_in"), text(&answer, "token_type")),
        ("3599", "BearerToken")
    );
    assert_eq!(server.identity(&tokens.access).await.status, 200);
}
