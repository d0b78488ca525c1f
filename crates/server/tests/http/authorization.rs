//! The authorization endpoint (RFC 6749 §4.1.1 to §4.1.2.1, RFC 7636 §4.3, RFC 8252 §7.3, RFC 9207).
//!
//! Until the server knows that the app and the redirect URI belong together, an error is shown as a page. After that, the
//! app gets it by redirect.

use crate::harness::{APPS, CHALLENGE, Callback, Client, JOHN, Landing, REDIRECT_URI, Server, VERIFIER};

/// Apps for faulty requests.
const MORE_APPS: &str = r#"
[[apps]]
name = "Two Doors"
client_id = "two-doors"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://two.example/a", "https://two.example/b?fixed=1&x"]

[[apps]]
name = "No Door"
client_id = "no-door"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
grant_types = ["client_credentials"]

[[apps]]
name = "Machine"
client_id = "machine"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://machine.example/callback"]
grant_types = ["client_credentials"]

[[apps]]
name = "Reader"
client_id = "reader"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://reader.example/callback"]
scopes = ["read"]
"#;

async fn server() -> Server {
    Server::library("default", &format!("{APPS}{MORE_APPS}")).await
}

/// A valid request of `sample` with some parameters changed. An empty value leaves the parameter out.
fn request(changed: &[(&str, &str)]) -> String {
    let good = [
        ("response_type", "code"),
        ("client_id", "sample"),
        ("redirect_uri", REDIRECT_URI),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let mut pairs: Vec<(&str, &str)> = good
        .into_iter()
        .filter(|(name, _)| changed.iter().all(|(other, _)| other != name))
        .collect();
    pairs.extend(changed.iter().filter(|(_, value)| !value.is_empty()));
    crate::harness::encoded(&pairs)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_app_or_redirect_uri_gets_a_page_and_no_redirect() {
    let server = server().await;
    let evil = "https://evil.example/callback";
    let fatal = [
        (request(&[("client_id", "")]), "The parameter client_id is missing"),
        (
            request(&[("client_id", "nobody")]),
            "The client_id is not one of a known app",
        ),
        (
            request(&[("redirect_uri", evil)]),
            "The redirect_uri is not registered for this app: compare every character",
        ),
        (
            request(&[("client_id", "two-doors"), ("redirect_uri", "")]),
            "The app has several redirect URIs",
        ),
        (
            request(&[("client_id", "no-door"), ("redirect_uri", "")]),
            "The app has no redirect URI",
        ),
        (
            request(&[("client_id", "no-door"), ("redirect_uri", evil)]),
            "The redirect_uri is not registered for this app: compare every character",
        ),
        (format!("{}&client_id=sample", request(&[])), "client_id"),
    ];
    // Logged in or not, before the login and after it.
    for browser in [server.browser(), server.browser_of(JOHN).await] {
        for (query, description) in &fatal {
            let page = browser.authorize(query).await.page();
            assert_eq!(page.status, 400, "{query}");
            assert!(
                page.body.contains(description) || page.text().contains(description),
                "{query} {}",
                page.text()
            );
            let named = format!("<code translate=\"no\">{evil}</code>");
            assert!(
                !page.body.replace(&named, "").contains("evil.example"),
                "an address of somebody's making is named, and is no link of ours"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_exactly_registered_redirect_uri_is_accepted() {
    let server = server().await;
    let browser = server.browser();
    for uri in [
        "https://app.example/callback/",
        "https://app.example/callback?x=1",
        "https://app.example/Callback",
        "https://app.example:443/callback",
        "https://app.example/callback#x",
        "https://app.example/a/../callback",
        "https://app.example.evil.example/callback",
        "https://app.example@evil.example/callback",
        "http://app.example/callback",
        "//app.example/callback",
        "/callback",
        "javascript:alert(1)",
    ] {
        let page = browser.authorize(&request(&[("redirect_uri", uri)])).await.page();
        assert_eq!(page.status, 400, "{uri}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_error_is_redirected_to_the_app() {
    let server = server().await;
    let browser = server.browser();
    let told = [
        request(&[("response_type", "")]),
        request(&[("response_type", "token")]),
        request(&[
            ("client_id", "machine"),
            ("redirect_uri", "https://machine.example/callback"),
        ]),
        request(&[("scope", "nonsense")]),
        request(&[("scope", "read\"")]),
        request(&[
            ("client_id", "reader"),
            ("redirect_uri", "https://reader.example/callback"),
            ("scope", "write"),
        ]),
        request(&[
            ("client_id", "reader"),
            ("redirect_uri", "https://reader.example/callback"),
        ]),
        request(&[("code_challenge", ""), ("code_challenge_method", "")]),
        request(&[("code_challenge", "")]),
        request(&[("code_challenge_method", "plain")]),
        request(&[("code_challenge_method", "")]),
        request(&[("code_challenge", "short")]),
    ];
    let mut shown = String::new();
    for query in &told {
        let callback = browser.authorize(query).await.callback();
        assert_eq!(callback.get("state"), "s");
        assert_eq!(callback.get("iss"), server.issuer);
        let (error, description) = (callback.get("error"), callback.get("error_description"));
        shown.push_str(&format!("{error}: {description}\n"));
    }
    insta::assert_snapshot!(shown, @r"
    invalid_request: The parameter response_type is missing
    unsupported_response_type: The response type is not offered
    unauthorized_client: This app may not use this grant type
    invalid_scope: The scope is unknown, malformed, or more than may be asked for
    invalid_scope: The scope is unknown, malformed, or more than may be asked for
    invalid_scope: The scope is unknown, malformed, or more than may be asked for
    invalid_scope: The scope is missing
    invalid_request: The code_challenge is missing
    invalid_request: The code_challenge is missing
    invalid_request: The code_challenge_method must be S256
    invalid_request: The code_challenge_method must be S256
    invalid_request: The code_challenge is malformed
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_before_the_login_is_a_302_that_no_cache_keeps() {
    let server = server().await;
    let answer = server
        .browser()
        .open(&format!("/oauth/authorize?{}", request(&[("scope", "nonsense")])))
        .await;
    insta::assert_snapshot!(answer.shown().replace(&crate::harness::encoded(&[("", &server.issuer)])[1..], "<issuer>"), @r"
    302
    location: https://app.example/callback?error=invalid_scope&error_description=The+scope+is+unknown%2C+malformed%2C+or+more+than+may+be+asked+for&state=s&iss=<issuer>
    cache-control: no-store
    ");
}

/// RFC 6749 §4.1.2.1: no redirect before app and redirect URI are known; otherwise in the order of the RFC.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_of_several_errors_is_reported() {
    let server = server().await;
    let browser = server.browser();
    let all_wrong = [
        ("redirect_uri", "https://evil.example/"),
        ("response_type", "token"),
        ("scope", "nonsense"),
        ("code_challenge", ""),
    ];
    let page = browser
        .authorize(&request(&[&[("client_id", "nobody")][..], &all_wrong].concat()))
        .await
        .page();
    assert!(page.text().contains("The client_id is not one of a known app"));
    let page = browser.authorize(&request(&all_wrong)).await.page();
    assert!(
        page.text()
            .contains("Compare every character with those that are registered")
    );
    assert!(page.body.contains("https://evil.example/</code>"), "{}", page.body);
    assert!(page.body.contains("The redirect_uri is not registered for this app"));
    let first_error = async |changed: &[(&str, &str)]| {
        let callback = browser.authorize(&request(changed)).await.callback();
        callback.get("error").to_owned()
    };
    assert_eq!(first_error(&all_wrong[1..]).await, "unsupported_response_type");
    assert_eq!(first_error(&all_wrong[2..]).await, "invalid_scope");
    assert_eq!(first_error(&all_wrong[3..]).await, "invalid_request");
}

/// Decision 5: the page is ours, with the status and words of the server that the preset imitates.
#[tokio::test(flavor = "multi_thread")]
async fn fatal_errors_and_denials_use_the_words_of_the_dialect() {
    let mut shown = String::new();
    for preset in [
        "default",
        "common-controls-hub",
        "connected-home",
        "house-check",
        "apicbase",
    ] {
        let server = Server::library(preset, APPS).await;
        let john = server.browser_of(JOHN).await;
        let unknown = john.authorize(&request(&[("client_id", "nobody")])).await.page().status;
        let foreign = john
            .authorize(&request(&[("redirect_uri", "https://evil.example/")]))
            .await;
        let page = john.authorize(&request(&[])).await.consent();
        let denied = john.decide(&page, "deny").await.callback();
        let issuer = crate::harness::encoded(&[("iss", &server.issuer)]);
        let denied = denied.address.replace(&issuer, "iss=<server>");
        shown.push_str(&format!("{preset}: {unknown} {} {denied}\n", foreign.page().status));
    }
    insta::assert_snapshot!(shown, @r"
    default: 400 400 https://app.example/callback?error=access_denied&error_description=The+request+was+denied&state=s&iss=<server>
    common-controls-hub: 400 400 https://app.example/callback?error=access_denied&error_description=The+user+denied+access+to+your+application&state=s&iss=<server>
    connected-home: 401 400 https://app.example/callback?error=access_denied&error_description=Access+denied&state=s&iss=<server>
    house-check: 401 401 https://app.example/callback?state=s&error=access_denied&error_description=The+resource+owner+or+authorization+server+denied+the+request.&hint=The+user+denied+the+request&iss=<server>
    apicbase: 400 400 https://app.example/callback?error=access_denied&state=s&iss=<server>
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn state_is_returned_byte_for_byte() {
    let server = server().await;
    let john = server.browser_of(JOHN).await;
    let every_ascii: String = (1..=127_u8).map(char::from).collect();
    for state in [
        "a b+c%20d%2Bd&e=f#g?h/i",
        "{\"a\":[1,\"b\\c\"],'d'}",
        "<script>alert(\"é\")</script>",
        "漢字 🎃 \u{202e}turned\u{200b}",
        "\r\nSet-Cookie: a=b",
        " leading and trailing ",
        every_ascii.as_str(),
        &"x".repeat(4096),
    ] {
        let page = john.authorize(&request(&[("state", state)])).await.consent();
        let allowed = john.decide(&page, "allow").await.callback();
        assert_eq!(allowed.get("state"), state);
        assert_eq!(allowed.names(), ["code", "state", "iss"]);
        let denied = john
            .decide(&john.authorize(&request(&[("state", state)])).await.consent(), "deny")
            .await;
        assert_eq!(denied.callback().get("state"), state);
        let refused = john
            .authorize(&request(&[("state", state), ("scope", "nonsense")]))
            .await;
        assert_eq!(refused.callback().get("state"), state);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_state_none_is_returned() {
    let server = server().await;
    let john = server.browser_of(JOHN).await;
    let page = john.authorize(&request(&[("state", "")])).await.consent();
    assert_eq!(john.decide(&page, "allow").await.callback().names(), ["code", "iss"]);
    let page = john.authorize(&request(&[("state", "")])).await.consent();
    assert_eq!(
        john.decide(&page, "deny").await.callback().names(),
        ["error", "error_description", "iss"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_redirects_to_the_sent_redirect_uri_and_keeps_its_query() {
    let server = server().await;
    let john = server.browser_of(JOHN).await;
    let two = server.client("two-doors", "https://two.example/b?fixed=1&x");
    let page = john.authorize(&two.query(&[])).await.consent();
    let callback = john.decide(&page, "allow").await.callback();
    assert!(
        callback
            .address
            .starts_with("https://two.example/b?fixed=1&x&code=hp_ac_"),
        "{}",
        callback.address
    );
    assert_eq!(two.redeem(callback.code()).await.status, 200);
    // The code is bound to that redirect URI, not to the app's other one.
    let page = john.authorize(&two.query(&[])).await.consent();
    let code = john.decide(&page, "allow").await.callback().code().to_owned();
    let other = server.client("two-doors", "https://two.example/a");
    assert_eq!(other.redeem(&code).await.refusal(), "400 invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_redirect_uri_the_only_registered_one_is_used() {
    let server = server().await;
    let john = server.browser_of(JOHN).await;
    let page = john.authorize(&request(&[("redirect_uri", "")])).await.consent();
    let callback = john.decide(&page, "allow").await.callback();
    assert!(callback.address.starts_with("https://app.example/callback?code="));
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_are_granted_in_the_order_asked_or_by_default() {
    let server = server().await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    for (asked, granted) in [
        (&[("scope", "write read")][..], "write read"),
        (&[("scope", "read read")], "read"),
        (&[("scope", "")], "profile"),
        (&[], "profile"),
    ] {
        let code = sample.code(&john, asked).await;
        assert_eq!(sample.redeem(&code).await.json()["scope"], granted, "{asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_native_app_may_listen_on_any_loopback_port() {
    let server = server().await;
    let john = server.browser_of(JOHN).await;
    for uri in [
        "http://127.0.0.1:49152/callback",
        "http://127.0.0.1/callback",
        "com.example.native:/callback",
    ] {
        let native = server.client("native", uri).public();
        let callback = allowed(&server, &native).await;
        assert!(
            callback.address.starts_with(&format!("{uri}?code=")),
            "{}",
            callback.address
        );
        assert_eq!(native.redeem(callback.code()).await.status, 200);
    }
    for uri in [
        "http://localhost:49152/callback",
        "http://[::1]:49152/callback",
        "http://127.0.0.1:49152/other",
        "http://127.0.0.1:49152@evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "https://127.0.0.1:49152/callback",
        "com.example.native://callback",
    ] {
        let native = server.client("native", uri).public();
        assert_eq!(john.authorize(&native.query(&[])).await.page().status, 400, "{uri}");
    }
}

/// The rules for new URIs change, but existing apps go on working.
#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_uri_that_was_registered_under_older_rules_still_works() {
    let server = server().await;
    server.sql("UPDATE apps SET redirect_uris = '[\"myapp:/callback\"]' WHERE client_id = 'native'");
    let native = server.client("native", "myapp:/callback").public();
    let callback = allowed(&server, &native).await;
    assert!(
        callback.address.starts_with("myapp:/callback?code="),
        "{}",
        callback.address
    );
    assert_eq!(native.redeem(callback.code()).await.status, 200);
}

/// A port in the request is part of the redirect URI (RFC 6749 §4.1.3).
#[tokio::test(flavor = "multi_thread")]
async fn a_native_apps_code_is_bound_to_the_port_it_was_sent_to() {
    let server = server().await;
    let native = server.client("native", "http://127.0.0.1:49152/callback").public();
    let callback = allowed(&server, &native).await;
    let other = server.client("native", "http://127.0.0.1:49153/callback").public();
    assert_eq!(other.redeem(callback.code()).await.refusal(), "400 invalid_grant");
    assert_eq!(native.redeem(callback.code()).await.status, 200);
}

/// Presets that do not require PKCE still enforce it once a request has a challenge, and always require it of public
/// clients.
#[tokio::test(flavor = "multi_thread")]
async fn pkce_once_begun_is_enforced_even_if_not_required() {
    let server = Server::library("house-check", APPS).await;
    let john = server.browser_of(JOHN).await;
    let error = async |pairs: &[(&str, &str)]| {
        let sample = server.client("sample", REDIRECT_URI);
        let callback = john.authorize(&sample.query(pairs)).await.callback();
        callback.get("error").to_owned()
    };
    assert_eq!(error(&[("code_challenge_method", "S256")]).await, "invalid_request");
    assert_eq!(error(&[("code_challenge", VERIFIER)]).await, "invalid_request");
    assert_eq!(
        error(&[("code_challenge", VERIFIER), ("code_challenge_method", "plain")]).await,
        "invalid_request"
    );
    let native = server.client("native", "http://127.0.0.1:1/callback");
    let callback = john.authorize(&native.query(&[])).await.callback();
    assert_eq!(callback.get("error"), "invalid_request");

    let sample = server.client("sample", REDIRECT_URI);
    let pkce = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let code = sample.code(&john, &pkce).await;
    assert_eq!(sample.redeem(&code).await.status, 400, "the verifier is missing");
    let mut redemption = sample.redemption(&code);
    redemption.push(("code_verifier", VERIFIER));
    assert_eq!(sample.token(&redemption).await.status, 200);
}

/// Unknown parameters cannot move the answer into a fragment or change its form.
#[tokio::test(flavor = "multi_thread")]
async fn unknown_parameters_are_ignored_even_when_repeated() {
    let server = server().await;
    let john = server.browser_of(JOHN).await;
    let page = john
        .authorize(&request(&[("id_token_hint", "z"), ("x", "y")]))
        .await
        .consent();
    let callback = john.decide(&page, "allow").await.callback();
    assert!(!callback.address.contains('#'));
    john.authorize(&format!("{}&x=1&x=2", request(&[]))).await.consent();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_of_one_app_never_reaches_another() {
    let server = server().await;
    let john = server.browser_of(JOHN).await;
    let swapped = request(&[("client_id", "other")]);
    assert!(matches!(john.authorize(&swapped).await, Landing::Page(page) if page.status == 400));
}

async fn allowed(server: &Server, client: &Client<'_>) -> Callback {
    let john = server.browser_of(JOHN).await;
    let page = john.authorize(&client.query(&[])).await.consent();
    john.decide(&page, "allow").await.callback()
}
