//! Client authentication at the token endpoint (RFC 6749 §2.3.1 and §5.2).

use crate::harness::{APPS, REDIRECT_URI, SECRET, Server};
use base64::{Engine as _, engine::general_purpose::STANDARD};

const GRANT: [(&str, &str); 1] = [("grant_type", "client_credentials")];

/// An app whose secret needs encoding, an app whose id needs encoding, and an app that may use codes only.
const ODD_APPS: &str = r#"
[[apps]]
name = "Odd"
client_id = "odd/one%2Bmore"
client_secret = "p%40ss: w+rd/?&= of more than forty-three characters"

[[apps]]
name = "Codes"
client_id = "codes"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://codes.example/callback"]
grant_types = ["authorization_code"]
"#;

const ODD_ID: &str = "odd/one%2Bmore";
const ODD_SECRET: &str = "p%40ss: w+rd/?&= of more than forty-three characters";

async fn server() -> Server {
    Server::library("default", &format!("{APPS}{ODD_APPS}")).await
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_accepted_in_the_header_or_in_the_body() {
    let server = server().await;
    let sample = server.client("sample", REDIRECT_URI);
    assert_eq!(sample.client_credentials(&[]).await.status, 200);
    assert_eq!(sample.by_basic().client_credentials(&[]).await.status, 200);
    // The client ID in the body beside the header is not a second way to authenticate.
    let answer = server
        .post_as(
            "/oauth/token",
            &basic("sample", SECRET),
            &[GRANT[0], ("client_id", "sample")],
        )
        .await;
    assert_eq!(answer.status, 200);
    let answer = server
        .post_as(
            "/oauth/token",
            &basic("sample", SECRET).replace("Basic", "bAsIc"),
            &GRANT,
        )
        .await;
    assert_eq!(answer.status, 200);
}

/// RFC 6749 §2.3.1 form-encodes both halves, but many clients do not.
#[tokio::test(flavor = "multi_thread")]
async fn a_header_is_tried_decoded_and_then_as_sent() {
    let server = server().await;
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let percent = |text: &str| encoded(text).replace('+', "%20");
    for (id, secret) in [
        (encoded(ODD_ID), encoded(ODD_SECRET)),
        (percent(ODD_ID), percent(ODD_SECRET)),
        (ODD_ID.to_owned(), ODD_SECRET.to_owned()),
    ] {
        let answer = server.post_as("/oauth/token", &basic(&id, &secret), &GRANT).await;
        assert_eq!(answer.status, 200, "{id} {secret} {}", answer.body);
    }
    let body = [GRANT[0], ("client_id", ODD_ID), ("client_secret", ODD_SECRET)];
    assert_eq!(server.post("/oauth/token", &body).await.status, 200);
}

/// The same for an API at introspection.
#[tokio::test(flavor = "multi_thread")]
async fn a_resources_header_is_tried_decoded_and_then_as_sent() {
    let api = "[[resources]]\nidentifier = \"api\"\nname = \"API\"\nsecret = \"plus+percent%41\"\n";
    let server = Server::library("default", api).await;
    let ask = async |secret: &str| {
        let header = basic("api", secret);
        server.post_as("/oauth/introspect", &header, &[("token", "x")]).await
    };
    for secret in ["plus+percent%41", "plus%2Bpercent%2541"] {
        assert_eq!(ask(secret).await.status, 200, "{secret}");
    }
    assert_eq!(ask("plus percentA").await.refusal(), "401 invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_and_an_unknown_app_get_the_same_answer() {
    let server = server().await;
    let sample = server.client("sample", REDIRECT_URI);
    let wrong = sample.clone().with_secret("guessed").client_credentials(&[]).await;
    insta::assert_snapshot!(wrong.shown(), @r#"
    401
    content-type: application/json
    cache-control: no-store
    pragma: no-cache

    {"error":"invalid_client","error_description":"Client authentication failed"}
    "#);
    let unknown = server.client("nobody", REDIRECT_URI).client_credentials(&[]).await;
    assert_eq!(unknown.shown(), wrong.shown());
    let by_basic = sample
        .clone()
        .with_secret("guessed")
        .by_basic()
        .client_credentials(&[])
        .await;
    insta::assert_snapshot!(by_basic.shown(), @r#"
    401
    content-type: application/json
    www-authenticate: Basic realm="OAuth"
    cache-control: no-store
    pragma: no-cache

    {"error":"invalid_client","error_description":"Client authentication failed"}
    "#);
    let cut = sample.with_secret(&SECRET[..42]).client_credentials(&[]).await;
    assert_eq!(cut.refusal(), "401 invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_ways_at_once_are_refused() {
    let server = server().await;
    let header = basic("sample", SECRET);
    let both = [GRANT[0], ("client_id", "sample"), ("client_secret", SECRET)];
    let answer = server.post_as("/oauth/token", &header, &both).await;
    insta::assert_snapshot!(answer.shown(), @r#"
    400
    content-type: application/json
    cache-control: no-store
    pragma: no-cache

    {"error":"invalid_request","error_description":"Client credentials were sent in more than one way"}
    "#);
    let another = [GRANT[0], ("client_id", "other")];
    assert_eq!(
        server.post_as("/oauth/token", &header, &another).await.refusal(),
        "400 invalid_request"
    );
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("authorization", header.as_str()),
        ("authorization", header.as_str()),
    ];
    let twice = server
        .post_raw("/oauth/token", &headers, "grant_type=client_credentials")
        .await;
    assert_eq!(twice.refusal(), "400 invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_without_a_pair_is_refused() {
    let server = server().await;
    for header in [
        "Basic",
        "Basic ",
        "Basic !!!",
        &format!("Basic {}", STANDARD.encode("no colon")),
        &format!("Basic {}", STANDARD.encode(b"\xff\xfe:\xff")),
    ] {
        let answer = server.post_as("/oauth/token", header, &GRANT).await;
        assert_eq!(answer.refusal(), "401 invalid_client", "{header}");
        assert!(answer.header("www-authenticate").starts_with("Basic"), "{header}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confidential_app_must_authenticate() {
    let server = server().await;
    for pairs in [
        &[GRANT[0]][..],
        &[GRANT[0], ("client_id", "sample")],
        &[GRANT[0], ("client_id", "sample"), ("client_secret", "")],
        &[GRANT[0], ("client_secret", SECRET)],
    ] {
        assert_eq!(
            server.post("/oauth/token", pairs).await.refusal(),
            "401 invalid_client",
            "{pairs:?}"
        );
    }
    let answer = server.post_as("/oauth/token", &basic("sample", ""), &GRANT).await;
    assert_eq!(answer.refusal(), "401 invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_app_has_no_secret_and_no_token_of_its_own() {
    let server = server().await;
    let native = server.client("native", "http://127.0.0.1:1/callback");
    assert_eq!(native.client_credentials(&[]).await.refusal(), "401 invalid_client");
    let alone = native.clone().public().client_credentials(&[]).await;
    assert_eq!(alone.refusal(), "400 unauthorized_client");
    // Libraries send an empty secret for a public app.
    let empty = server.post_as("/oauth/token", &basic("native", ""), &GRANT).await;
    assert_eq!(empty.refusal(), "400 unauthorized_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsupported_grant_type_and_a_forbidden_one_get_different_errors() {
    let server = server().await;
    let codes = server.client("codes", "https://codes.example/callback");
    assert_eq!(codes.client_credentials(&[]).await.refusal(), "400 unauthorized_client");
    assert_eq!(codes.refresh("hp_rt_x").await.refusal(), "400 unauthorized_client");
    for unknown in [
        "password",
        "urn:ietf:params:oauth:grant-type:device_code",
        "CLIENT_CREDENTIALS",
        "x y",
    ] {
        let answer = codes.token(&[("grant_type", unknown)]).await;
        assert_eq!(answer.refusal(), "400 unsupported_grant_type", "{unknown}");
    }
    assert_eq!(codes.token(&[]).await.refusal(), "400 invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_may_not_refresh_gets_no_refresh_token() {
    let server = server().await;
    let john = server.browser_of(crate::harness::JOHN).await;
    let codes = server.client("codes", "https://codes.example/callback");
    let tokens = codes.connect(&john).await;
    assert_eq!(tokens.refresh, "");
    assert_eq!(server.identity(&tokens.access).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn client_credentials_give_the_apps_scopes_and_no_refresh_token() {
    let server = server().await;
    let sample = server.client("sample", REDIRECT_URI);
    let answer = sample.client_credentials(&[("scope", "read write")]).await;
    insta::assert_snapshot!(answer.shown(), @r#"
    200
    content-type: application/json
    cache-control: no-store
    pragma: no-cache

    {"access_token":"hp_at_…","token_type":"Bearer","expires_in":3600,"scope":"read write"}
    "#);
    assert_eq!(sample.client_credentials(&[]).await.json()["scope"], "profile");
    assert_eq!(
        sample.client_credentials(&[("scope", "nonsense")]).await.refusal(),
        "400 invalid_scope"
    );
    let described = sample.introspect(&answer.tokens().access).await.json();
    assert_eq!(described["active"], true);
    assert!(described.get("sub").is_none() && described.get("username").is_none());
}

/// Secrets imported from other servers may be short: they are hashed like passwords, and remembered after the first
/// success.
#[tokio::test(flavor = "multi_thread")]
async fn a_short_declared_secret_works_each_time_and_a_wrong_one_never() {
    let app = "[[apps]]\nname = \"Old\"\nclient_id = \"old\"\nclient_secret = \"456def\"\n";
    let server = Server::library("default", app).await;
    let old = server.client("old", "").with_secret("456def");
    for _ in 0..3 {
        assert_eq!(old.client_credentials(&[]).await.status, 200);
        let wrong = old.clone().with_secret("456deg").client_credentials(&[]).await;
        assert_eq!(wrong.refusal(), "401 invalid_client");
    }
    let answers = old.token_at_once(&GRANT, 32).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
}

/// RFC 6749 §5.2: a client that used the header gets 401 with a challenge, unless the preset's original answers 400.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_a_401_for_basic_has_a_challenge() {
    for preset in hallpass::config::preset_names() {
        let server = Server::library(preset, APPS).await;
        let sample = server.client("sample", REDIRECT_URI).with_secret("guessed").by_basic();
        for answer in [
            sample.refresh("hp_rt_x").await,
            sample.revoke("hp_rt_x").await,
            sample.introspect("x").await,
        ] {
            let challenged = !answer.header("www-authenticate").is_empty();
            assert_eq!(answer.status == 401, challenged, "{preset} {answer:?}");
        }
    }
}

/// Half of all base64 secrets have a `+`. Clients that encode only the id send it unencoded.
#[tokio::test(flavor = "multi_thread")]
async fn an_encoded_id_with_a_raw_secret_is_accepted() {
    let app = "[[apps]]\nname = \"Plus\"\nclient_id = \"plus/one\"\nclient_secret = \"a+b/c=of-more-than-forty-three-characters-in-all\"\n";
    let server = Server::library("default", app).await;
    for id in ["plus%2Fone", "plus/one"] {
        let header = basic(id, "a+b/c=of-more-than-forty-three-characters-in-all");
        let answer = server.post_as("/oauth/token", &header, &GRANT).await;
        assert_eq!(answer.status, 200, "{id} {}", answer.body);
    }
}

/// `curl -u https://api.example.com:SECRET`: RFC 7617 allows no colon in an id, but a resource's identifier is a URL.
#[tokio::test(flavor = "multi_thread")]
async fn an_identifier_with_colons_authenticates_unencoded() {
    const MADE: &str = "made-by-us-with-as-much-chance-as-256-bits-have";
    let resource = |identifier: &str, secret: &str| {
        format!("[[resources]]\nidentifier = {identifier:?}\nname = \"API\"\nsecret = {secret:?}\n")
    };
    let api = [
        resource("https://api.example.com", MADE),
        resource("https://api.example.com:8443/v1", "chosen:with:colons"),
        resource("urn:example:api", "chosen+%41"),
    ]
    .concat();
    let server = Server::library("default", &api).await;
    let ask = async |text: &str, body: &[(&str, &str)]| {
        let header = format!("Basic {}", STANDARD.encode(text));
        let pairs = [&[("token", "x")], body].concat();
        server.post_as("/oauth/introspect", &header, &pairs).await
    };
    let first = format!("https://api.example.com:{MADE}");
    for text in [
        first.as_str(),
        "https://api.example.com:8443/v1:chosen:with:colons",
        "urn:example:api:chosen+%41",
        "urn%3Aexample%3Aapi:chosen%2B%2541",
        "urn%3Aexample%3Aapi:chosen+%41",
    ] {
        assert_eq!(ask(text, &[]).await.status, 200, "{text}");
    }
    // The same client ID in the body is not a second way to authenticate; another id is.
    let named = [("client_id", "https://api.example.com")];
    assert_eq!(ask(&first, &named).await.status, 200);
    assert_eq!(
        ask("urn:example:api:chosen+%41", &named).await.refusal(),
        "400 invalid_request"
    );
    let unknown = ask("https://nobody.example:guessed", &[]).await;
    assert_eq!(unknown.refusal(), "401 invalid_client");
    for text in [
        "https://api.example.com:guessed",
        "https://api.example.com:8443/v1:chosen:with",
        "urn:example:api:chosen A",
        "https:guessed",
    ] {
        assert_eq!(ask(text, &[]).await.shown(), unknown.shown(), "{text}");
    }
}
