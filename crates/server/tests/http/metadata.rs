//! The metadata document (RFC 8414), the paths of endpoints and health.

use crate::harness::{APPS, Answer, JOHN, REDIRECT_URI, Server};
use reqwest::Method;
use url::Url;

#[tokio::test(flavor = "multi_thread")]
async fn the_document_describes_the_server() {
    let server = Server::library("default", APPS).await;
    let answer = server.get("/.well-known/oauth-authorization-server").await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let document = serde_json::to_string_pretty(&answer.json()).unwrap();
    insta::assert_snapshot!(document.replace(&server.issuer, "<server>"), @r#"
    {
      "issuer": "<server>",
      "authorization_endpoint": "<server>/oauth/authorize",
      "token_endpoint": "<server>/oauth/token",
      "introspection_endpoint": "<server>/oauth/introspect",
      "revocation_endpoint": "<server>/oauth/revoke",
      "userinfo_endpoint": "<server>/oauth/userinfo",
      "scopes_supported": [
        "profile",
        "read",
        "write"
      ],
      "response_types_supported": [
        "code"
      ],
      "response_modes_supported": [
        "query"
      ],
      "grant_types_supported": [
        "authorization_code",
        "refresh_token",
        "client_credentials"
      ],
      "token_endpoint_auth_methods_supported": [
        "client_secret_basic",
        "client_secret_post",
        "none"
      ],
      "introspection_endpoint_auth_methods_supported": [
        "client_secret_basic",
        "client_secret_post"
      ],
      "revocation_endpoint_auth_methods_supported": [
        "client_secret_basic",
        "client_secret_post",
        "none"
      ],
      "code_challenge_methods_supported": [
        "S256"
      ],
      "authorization_response_iss_parameter_supported": true,
      "refresh_token_expiration_types_supported": [
        "authorization",
        "token_timeout"
      ],
      "ui_locales_supported": [
        "en",
        "nl"
      ]
    }
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_at_each_path_that_clients_try() {
    let server = Server::library("default", APPS).await;
    let document = server.get("/.well-known/oauth-authorization-server").await.body;
    let slashed = server.get("/.well-known/oauth-authorization-server/").await;
    assert_eq!((slashed.status, slashed.body), (200, document));
}

/// Spring's issuer-uri, and others, take the document there for an OpenID provider's, and fail without `jwks_uri`.
#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_openid_configuration_in_any_form() {
    let declared = format!("[server]\npublic_url = \"https://example.com/auth/x\"\n{APPS}");
    let server = Server::library("default", &declared).await;
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/",
        "/.well-known/openid-configuration/auth/x",
        "/auth/x/.well-known/openid-configuration",
    ] {
        let answer = asked(&server, Method::GET, path).await;
        assert_eq!(answer.refusal(), "404 not_found", "{path}");
        assert_eq!(answer.header("content-type"), "application/json", "{path}");
        // A page of another site tries the other document only if it can see the 404.
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
    }
}

/// RFC 8414 §3.1 puts the issuer's path after the well-known name; OpenID Connect Discovery puts it before.
#[tokio::test(flavor = "multi_thread")]
async fn a_path_of_public_url_may_come_before_or_after_well_known() {
    let declared = format!("[server]\npublic_url = \"https://example.com/auth/x\"\n{APPS}");
    let server = Server::library("default", &declared).await;
    let mut documents = Vec::new();
    for address in [
        "https://example.com/.well-known/oauth-authorization-server/auth/x",
        "https://example.com/auth/x/.well-known/oauth-authorization-server",
        "https://example.com/.well-known/oauth-authorization-server",
    ] {
        let url = address.parse().unwrap();
        let answer = server.send(&url, server.request(Method::GET, &url)).await;
        assert_eq!(answer.status, 200, "{address}");
        documents.push(answer.json());
    }
    assert_eq!(documents[0]["issuer"], "https://example.com/auth/x");
    assert_eq!(documents[0]["token_endpoint"], "https://example.com/auth/x/oauth/token");
    assert!(documents.iter().all(|document| *document == documents[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_path_in_public_url_everything_works_below_it() {
    for (public_url, base) in [
        ("https://example.com/auth/x", "/auth/x"),
        ("http://127.0.0.1:8123/auth", "/auth"),
    ] {
        let declared = format!("[server]\npublic_url = \"{public_url}\"\n{APPS}");
        let server = Server::library("default", &declared).await;
        let browser = server.browser();
        let sample = server.client("sample", REDIRECT_URI);
        let login = browser.authorize(&sample.query(&[])).await.login();
        let consent = browser.send_login(&login, JOHN).await;
        let callback = browser.decide(&consent, "allow").await.callback();
        assert_eq!(callback.get("iss"), public_url);
        let tokens = sample.redeem(callback.code()).await.tokens();
        assert_eq!(server.identity(&tokens.access).await.status, 200);
        for page in [&login, &consent] {
            assert_leads_below(page, base);
        }
        for path in [
            "/",
            "/login",
            "/account",
            "/account/apps",
            "/developer",
            "/developer/apps/new",
            "/developer/apps/sample",
            "/nowhere",
        ] {
            assert_leads_below(&browser.open(path).await, base);
        }
        let apps = browser.open("/account/apps").await;
        let ended = browser.submit(&apps, &apps.form("end"), &[("end", "1")]).await;
        assert_eq!(ended.status, 200, "{}", ended.url);
        assert_leads_below(&ended, base);
        assert_eq!(server.identity(&tokens.access).await.status, 401);
    }
}

/// A proxy may keep or remove the path of `public_url` or `api_url`.
#[tokio::test(flavor = "multi_thread")]
async fn with_a_path_in_api_url_both_forms_of_a_path_are_answered() {
    for (public, api) in [
        ("https://example.com", "https://example.com/api"),
        ("https://example.com/auth", "https://example.com/auth/api"),
        ("https://example.com/auth/x", "https://api.example.com/auth"),
        ("https://example.com/auth", "https://api.example.com/auth"),
        // Names with which our own paths begin.
        ("https://example.com/oauth", "https://example.com/oauth/token"),
        ("https://example.com/account", "https://example.com/login"),
    ] {
        let declared = format!("[server]\npublic_url = \"{public}\"\napi_url = \"{api}\"\n{APPS}");
        let server = Server::library("default", &declared).await;
        let document = server.get("/.well-known/oauth-authorization-server").await.json();
        assert_eq!(document["token_endpoint"], format!("{api}/oauth/token"));
        for (member, status) in [
            ("token_endpoint", 400),
            ("introspection_endpoint", 401),
            ("revocation_endpoint", 401),
        ] {
            let announced = Url::parse(document[member].as_str().unwrap()).unwrap();
            let below = announced.path().strip_prefix(Url::parse(api).unwrap().path()).unwrap();
            for path in [announced.path(), below, &format!("{}/", announced.path())] {
                assert_eq!(asked(&server, Method::POST, path).await.status, status, "{api} {path}");
            }
        }
        let base = Url::parse(public).unwrap().path().trim_end_matches('/').to_owned();
        for page in ["/login", "/account", "/developer", "/oauth/authorize", "/openapi.json"] {
            let whole = asked(&server, Method::GET, &format!("{base}{page}")).await;
            let below = asked(&server, Method::GET, page).await;
            assert_ne!(whole.status, 404, "{public} {page}");
            assert_eq!(below.status, whole.status, "{public} {page}");
        }
        let longer = asked(&server, Method::GET, &format!("{base}/x/login")).await;
        assert_eq!(longer.status, 404, "{public}");
    }
}

/// A request for a path as a proxy passes it on, whatever the public URL is.
async fn asked(server: &Server, method: Method, path: &str) -> Answer {
    let url = server.at("").join(path).unwrap();
    server.send(&url, server.request(method, &url)).await
}

/// A proxy may remove the path, so the server also answers without it. Only the URLs in the page show where they lead.
fn assert_leads_below(page: &Answer, base: &str) {
    let below = |address: &str| address.strip_prefix(base).is_some_and(|rest| rest.starts_with('/'));
    assert!(below(page.url.path()), "{}", page.url);
    let mut seen = 0;
    for attribute in ["href=\"", "src=\"", "action=\""] {
        let values = page.body.split(attribute).skip(1);
        for link in values.filter_map(|piece| piece.split('"').next()) {
            assert!(below(link) || link.starts_with('#'), "{}: {link}", page.url);
            seen += 1;
        }
    }
    assert!(seen > 2, "{}: style sheet and icon at least", page.url);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_answers_with_and_without_a_slash_at_its_end() {
    for preset in ["default", "apicbase"] {
        let server = Server::library(preset, APPS).await;
        let john = server.browser_of(JOHN).await;
        for slash in ["", "/"] {
            for endpoint in ["token", "introspect", "revoke"] {
                let answer = server.post(&format!("/oauth/{endpoint}{slash}"), &[]).await;
                assert!(
                    matches!(answer.status, 400 | 401 | 403),
                    "{endpoint}{slash}: {}",
                    answer.status
                );
            }
            assert_eq!(server.get(&format!("/oauth/userinfo{slash}")).await.status, 401);
            let sample = server.client("sample", REDIRECT_URI);
            let page = john
                .open(&format!("/oauth/authorize{slash}?{}", sample.query(&[])))
                .await;
            assert!(page.forms().iter().any(|form| form.has("decision")), "{slash}");
            for page in [
                "/account",
                "/account/apps",
                "/developer",
                "/developer/apps/new",
                "/developer/apps/sample",
                "/health/live",
            ] {
                assert_eq!(john.open(&format!("{page}{slash}")).await.status, 200, "{page}{slash}");
            }
            assert_eq!(server.get(&format!("/login{slash}")).await.status, 200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_are_configurable() {
    let paths = "[paths]\nauthorize = \"/o/consent\"\ntoken = \"/api/v1/token/\"\nidentity = \"/me\"\n";
    let server = Server::library("default", &format!("{paths}{APPS}")).await;
    let document = server.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(
        document["authorization_endpoint"],
        format!("{}/o/consent", server.issuer)
    );
    assert_eq!(document["token_endpoint"], format!("{}/api/v1/token/", server.issuer));
    assert_eq!(server.get("/me").await.status, 401);
    assert_eq!(server.post("/api/v1/token", &[]).await.status, 400);
    assert_eq!(server.post("/oauth/token", &[]).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_answers_reveal_nothing_else() {
    let server = Server::library("default", "").await;
    insta::assert_snapshot!(server.get("/health/live").await.shown(), @r#"
    200
    content-type: application/json
    cache-control: no-store

    {"status":"live"}
    "#);
    insta::assert_snapshot!(server.get("/health/ready").await.shown(), @r#"
    200
    content-type: application/json
    cache-control: no-store

    {"status":"ready"}
    "#);
}
