//! `/forward-auth`: a proxy asks about each request of an API. `tests/proxies` has nginx and Caddy before a backend.
//!
//! The holes that other software of this kind had are tests here, each by its advisory.

use crate::harness::{Answer, JOHN, MARY, REDIRECT_URI, Server, TENANTS};
use reqwest::Method;
use std::time::Duration;

const SECRET: &str = "a-secret-of-the-proxy-with-at-least-32-bytes";

const API: &str = r#"
[forward_auth]
trusted_proxies = ["127.0.0.1"]
[scopes.read]
title = "Read your orders"
endpoints = ["GET /orders", "GET /orders/{id}"]
[scopes.write]
title = "Change your orders"
endpoints = ["POST /orders", "PUT /orders/{id}"]
[scopes.export]
title = "Export everything"
endpoints = ["GET /orders/export", "GET /orders/report.csv"]
[[apps]]
name = "Sample App"
client_id = "sample"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://app.example/callback"]
"#;

/// Identity headers, in the order of the guide.
const IDENTITY: [&str; 6] = [
    "hallpass-subject",
    "hallpass-client-id",
    "hallpass-acts-as",
    "hallpass-scope",
    "hallpass-organization",
    "hallpass-environment",
];

/// Asks about a call as a proxy would, with these headers more.
async fn ask(server: &Server, token: &str, call: &str, more: &[(&str, &str)]) -> Answer {
    let (method, uri) = call.split_once(' ').unwrap();
    let mut headers = vec![("x-forwarded-method", method), ("x-forwarded-uri", uri)];
    headers.extend(more);
    raw(server, token, &headers).await
}

async fn raw(server: &Server, token: &str, headers: &[(&str, &str)]) -> Answer {
    let url = server.at("/forward-auth");
    let mut request = server.request(Method::GET, &url);
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = server.send(&url, request).await;
    if answer.status != 200 {
        for name in IDENTITY {
            assert_eq!(answer.header(name), "", "a refusal names nobody");
        }
    }
    assert_eq!(answer.header("set-cookie"), "", "no cookies");
    answer
}

async fn reader(server: &Server) -> String {
    let sample = server.client("sample", REDIRECT_URI);
    sample.client_credentials(&[("scope", "read")]).await.tokens().access
}

fn identity(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{answer:?}");
    IDENTITY.iter().map(|name| answer.header(name)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_a_scope_opens_is_let_through_with_who_calls() {
    let server = Server::library("default", API).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect_with(&john, &[("scope", "read write")]).await;
    let sub = sample.introspect(&tokens.access).await.json()["sub"]
        .as_str()
        .unwrap()
        .to_owned();
    for call in [
        "GET /orders",
        "GET /orders/17?lines=1",
        "POST /orders",
        "PUT /orders/17",
        "HEAD /orders",
    ] {
        let answer = ask(&server, &tokens.access, call, &[]).await;
        assert_eq!(
            identity(&answer),
            [sub.as_str(), "sample", "person", "read write", "default", "live"],
            "{call}"
        );
        assert_eq!((answer.body.as_str(), answer.header("cache-control")), ("", "no-store"));
    }
    let own = reader(&server).await;
    let answer = ask(&server, &own, "GET /orders", &[]).await;
    assert_eq!(
        identity(&answer),
        ["app:sample", "sample", "app", "read", "default", "live"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_organization_is_named_as_introspection_names_it() {
    let server = Server::library(
        "default",
        &format!("{TENANTS}{}", API.split("[[apps]]").next().unwrap()),
    )
    .await;
    let mary = server.browser_of(MARY).await;
    let trials = server.client("globex-trials", "https://globex.example/callback");
    let tokens = trials.connect_with(&mary, &[("scope", "read")]).await;
    let answer = ask(&server, &tokens.access, "GET /orders", &[]).await;
    assert_eq!(identity(&answer)[4..], ["globex", "sandbox"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_refused_without_the_scope_that_opens_it() {
    let server = Server::library("default", API).await;
    let token = reader(&server).await;
    for (call, scope) in [
        ("POST /orders", "write"),
        ("PUT /orders/17", "write"),
        ("GET /orders/export", "export"),
    ] {
        let answer = ask(&server, &token, call, &[]).await;
        assert_eq!(answer.refusal(), "403 insufficient_scope", "{call}");
        assert!(
            answer
                .header("www-authenticate")
                .ends_with(&format!("scope=\"{scope}\"")),
            "{answer:?}"
        );
    }
    for call in [
        "GET /customers",
        "DELETE /orders/17",
        "PUT /orders/export",
        "OPTIONS /orders",
    ] {
        let answer = ask(&server, &token, call, &[]).await;
        assert_eq!(answer.refusal(), "403 insufficient_scope", "{call}");
        assert_eq!(answer.json()["error_description"], "No scope opens this call", "{call}");
    }
}

/// HC-1: without a good token no answer says which calls there are.
#[tokio::test(flavor = "multi_thread")]
async fn hc_1_every_call_needs_a_token() {
    let server = Server::library(
        "house-check",
        &API.replace(
            "[[apps]]",
            "[[apps]]\ngrant_types = [\"authorization_code\", \"refresh_token\"]",
        ),
    )
    .await;
    for call in ["GET /orders", "GET /", "GET /nothing", "DELETE /orders/17"] {
        for token in ["", "hp_at_forged", "x"] {
            let answer = ask(&server, token, call, &[]).await;
            assert_eq!(answer.status, 401, "{call} {token}");
            assert!(
                answer.header("www-authenticate").starts_with("Bearer "),
                "{call} {token}"
            );
            assert_eq!(answer.json()["message"], "Unauthenticated.", "{call} {token}");
        }
    }
}

/// HC-8: the API gets the calls that the person allowed, and no others.
#[tokio::test(flavor = "multi_thread")]
async fn hc_8_only_what_the_person_allowed_is_let_through() {
    let server = Server::library("house-check", API).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect_with(&john, &[("scope", "read")]).await;
    assert_eq!(ask(&server, &tokens.access, "GET /orders/17", &[]).await.status, 200);
    let refused = ask(&server, &tokens.access, "POST /orders", &[]).await;
    assert_eq!(
        (refused.status, &refused.json()["message"]),
        (403, &"Invalid scope(s) provided.".into())
    );
}

/// CCH-7 and CCH-11, in the words of the preset's dialect.
#[tokio::test(flavor = "multi_thread")]
async fn cch_7_and_cch_11_the_bearer_token_opens_the_call_until_it_has_expired() {
    let server = Server::library("common-controls-hub", API).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect_with(&john, &[("scope", "read")]).await;
    assert_eq!(ask(&server, &tokens.access, "GET /orders", &[]).await.status, 200);
    server.advance(Duration::from_secs(3601));
    let expired = ask(&server, &tokens.access, "GET /orders", &[]).await;
    assert_eq!(
        (expired.status, &expired.json()["message"]),
        (401, &"The access token provided has expired".into())
    );
    assert!(
        expired.header("www-authenticate").contains("error=\"invalid_token\""),
        "{expired:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_grant_and_a_suspended_app_are_refused_at_once() {
    let server = Server::library("default", API).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect_with(&john, &[("scope", "read")]).await;
    let other = reader(&server).await;
    sample.revoke(&tokens.refresh).await;
    assert_eq!(
        ask(&server, &tokens.access, "GET /orders", &[]).await.refusal(),
        "401 invalid_token"
    );
    server.command(&["app", "suspend", "sample"]);
    assert_eq!(
        ask(&server, &other, "GET /orders", &[]).await.refusal(),
        "401 invalid_token"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_section_there_is_no_such_endpoint() {
    let server = Server::library(
        "default",
        &API.replace("[forward_auth]\ntrusted_proxies = [\"127.0.0.1\"]", ""),
    )
    .await;
    let token = reader(&server).await;
    assert_eq!(
        ask(&server, &token, "GET /orders", &[]).await.refusal(),
        "404 not_found"
    );
}

/// GHSA-7x63-xv5r-3p2x of oauth2-proxy was open by default: every caller was a trusted proxy.
#[tokio::test(flavor = "multi_thread")]
async fn default_trust_nobody_is_trusted_who_is_not_named() {
    for rules in [
        "trusted_proxies = [\"192.0.2.1\"]".to_owned(),
        format!("secret = \"{SECRET}\""),
        format!("trusted_proxies = [\"192.0.2.1\"]\nsecret = \"{SECRET}\""),
        format!("trusted_proxies = [\"127.0.0.1\"]\nsecret = \"{SECRET}\""),
    ] {
        let server = Server::library("default", &API.replace("trusted_proxies = [\"127.0.0.1\"]", &rules)).await;
        let token = reader(&server).await;
        for more in [
            &[][..],
            &[("hallpass-proxy-secret", "guessed")],
            &[("hallpass-proxy-secret", SECRET), ("hallpass-proxy-secret", "guessed")],
            &[("x-forwarded-for", "192.0.2.1"), ("x-real-ip", "192.0.2.1")],
        ] {
            let answer = ask(&server, &token, "GET /orders", more).await;
            assert_eq!(answer.refusal(), "403 invalid_request", "{rules} {more:?}");
        }
        let answer = ask(&server, &token, "GET /orders", &[("hallpass-proxy-secret", SECRET)]).await;
        let may = !rules.contains("192.0.2.1");
        assert_eq!(answer.status == 200, may, "{rules}");
    }
}

/// GHSA-7x63-xv5r-3p2x of oauth2-proxy: the client's own X-Forwarded-Uri was believed. A proxy that adds its header to the client's
/// sends two.
#[tokio::test(flavor = "multi_thread")]
async fn x_forwarded_uri_spoofing_two_values_are_none() {
    let server = Server::library("default", API).await;
    let token = reader(&server).await;
    for headers in [
        &[("x-forwarded-method", "GET")][..],
        &[("x-forwarded-uri", "/orders")],
        &[
            ("x-forwarded-method", "GET"),
            ("x-forwarded-uri", "/orders"),
            ("x-forwarded-uri", "/orders/export"),
        ],
        &[
            ("x-forwarded-method", "GET"),
            ("x-forwarded-method", "POST"),
            ("x-forwarded-uri", "/orders"),
        ],
        &[("x-forwarded-method", "GET"), ("x-original-uri", "/orders")],
        &[("x-forwarded-method", "GET"), ("x-forwarded-uri", "")],
        &[],
    ] {
        assert_eq!(
            raw(&server, &token, headers).await.refusal(),
            "403 invalid_request",
            "{headers:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_headers_that_the_configuration_names_count() {
    let named =
        "trusted_proxies = [\"127.0.0.1\"]\nmethod_header = \"X-Original-Method\"\nuri_header = \"X-Original-Uri\"";
    let server = Server::library("default", &API.replace("trusted_proxies = [\"127.0.0.1\"]", named)).await;
    let token = reader(&server).await;
    let of_proxy = [("x-original-method", "GET"), ("x-original-uri", "/orders/export")];
    let of_client = [("x-forwarded-method", "GET"), ("x-forwarded-uri", "/orders")];
    let both = [of_proxy, of_client].concat();
    assert_eq!(
        raw(&server, &token, &both).await.refusal(),
        "403 insufficient_scope",
        "the export"
    );
    assert_eq!(raw(&server, &token, &of_client).await.refusal(), "403 invalid_request");
}

/// CVE-2025-64484 of oauth2-proxy and GHSA-f59h-q822-g45g of Caddy: `Hallpass_Subject` reaches a CGI-like backend as
/// `Hallpass-Subject`. GHSA-7r4p-vjf4-gxv4 of Caddy: a header of the client stayed where the answer had none.
#[tokio::test(flavor = "multi_thread")]
async fn underscore_headers_and_identity_headers_of_the_client_are_refused() {
    let server = Server::library("default", API).await;
    let token = reader(&server).await;
    for name in [
        "hallpass-subject",
        "Hallpass_Subject",
        "HALLPASS_CLIENT_ID",
        "hallpass_client-id",
        "hallpass-acts_as",
        "Hallpass.Scope",
        "hallpass~organization",
        "Hallpass_Environment",
        "X-HTTP-Method-Override",
        "x_http_method_override",
        "X-Method-Override",
        "X-HTTP-Method",
        "X-Original-URL",
        "X_Rewrite_Url",
        "SCRIPT_NAME",
        "Script-Name",
        "X-Script-Name",
        "x_other",
        "hallpass-feed",
        "Hallpass-Roles",
    ] {
        let answer = ask(&server, &token, "GET /orders", &[(name, "admin")]).await;
        assert_eq!(answer.refusal(), "403 invalid_request", "{name}");
    }
    let harmless = [("x-request-id", "1"), ("x-other", "1"), ("hallpassport", "1")];
    assert_eq!(ask(&server, &token, "GET /orders", &harmless).await.status, 200);
}

/// A backend that takes `Upgrade: h2c` opens a tunnel through the proxy (RFC 7540 §3.2). No later request in it is checked.
#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_to_anything_but_a_websocket_is_refused() {
    let server = Server::library("default", API).await;
    let token = reader(&server).await;
    for more in [
        &[("upgrade", "h2c")][..],
        &[("upgrade", "H2C")],
        &[("upgrade", "websocket, h2c")],
        &[("upgrade", "websocket"), ("upgrade", "h2c")],
        &[("upgrade", "TLS/1.2")],
        &[("upgrade", "")],
        &[("http2-settings", "AAMA")],
    ] {
        let answer = ask(&server, &token, "GET /orders", more).await;
        assert_eq!(answer.refusal(), "403 invalid_request", "{more:?}");
    }
    for protocol in ["websocket", "WebSocket"] {
        let answer = ask(&server, &token, "GET /orders", &[("upgrade", protocol)]).await;
        assert_eq!(answer.status, 200, "{protocol}");
    }
}

/// GHSA-pxq7-h93f-9jrg of oauth2-proxy: `#` and what follows was matched, and the backend cut it off. Encoded paths, dot segments,
/// double slashes and the like do the same to others.
#[tokio::test(flavor = "multi_thread")]
async fn fragments_encoded_paths_dot_segments_and_double_slashes_are_refused() {
    let server = Server::library("default", API).await;
    let token = reader(&server).await;
    for uri in [
        "/orders/export#/../17",
        "/orders/17#",
        "/orders/%2e%2e/orders/export",
        "/orders/../orders/export",
        "/orders/./export",
        "/orders//export",
        "//orders",
        "/orders%2Fexport",
        "/orders/17%2F..%2Fexport",
        "/orders\\export",
        "/orders/..;/export",
        "/orders/export;x",
        "/orders/export%00",
        "/orders/%252e%252e/export",
        "/orders/export%3F",
        "http://api.example/orders",
        "orders",
    ] {
        let answer = ask(&server, &token, &format!("GET {uri}"), &[]).await;
        assert_eq!(answer.refusal(), "403 invalid_request", "{uri}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_formats_and_dots_do_not_make_another_call() {
    let server = Server::library("default", API).await;
    let token = reader(&server).await;
    for uri in [
        "/orders/EXPORT",
        "/ORDERS",
        "/orders/export.json",
        "/orders/export.",
        "/orders/export%20",
        "/orders/report",
        "/orders/report.json",
    ] {
        let answer = ask(&server, &token, &format!("GET {uri}"), &[]).await;
        assert_eq!(answer.refusal(), "403 insufficient_scope", "{uri}");
    }
    for call in ["get /orders", "Get /orders"] {
        let answer = ask(&server, &token, call, &[]).await;
        assert_eq!(answer.status, 403, "{call}");
    }
}

/// GHSA-5hvv-m4w4-gf6v of oauth2-proxy: health checks of load balancers, known by their User-Agent, were let through.
#[tokio::test(flavor = "multi_thread")]
async fn health_check_agents_need_a_token_like_everybody() {
    let server = Server::library("default", API).await;
    for agent in ["GoogleHC/1.0", "ELB-HealthChecker/2.0", "kube-probe/1.31", "curl/8.0"] {
        for call in ["GET /orders", "GET /ping", "GET /healthz", "GET /ready"] {
            let answer = ask(&server, "", call, &[("user-agent", agent)]).await;
            assert_eq!(answer.status, 401, "{agent} {call}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_too_long_is_invalid() {
    let server = Server::library("default", API).await;
    for length in [4096, 4097, 8001, 15_000] {
        let answer = ask(&server, &"a".repeat(length), "GET /orders", &[]).await;
        assert_eq!(answer.refusal(), "401 invalid_token", "{length}");
    }
}

/// A proxy may ask with any method and with the body of the request.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_may_ask_with_the_method_of_the_request() {
    let server = Server::library("default", API).await;
    let token = reader(&server).await;
    let url = server.at("/forward-auth");
    for method in [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
        Method::PATCH,
    ] {
        let request = server.request(method.clone(), &url).bearer_auth(&token).body("a body");
        let request = request
            .header("x-forwarded-method", "GET")
            .header("x-forwarded-uri", "/orders");
        assert_eq!(server.send(&url, request).await.status, 200, "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_and_parameters_are_no_tokens() {
    let server = Server::library("default", API).await;
    let john = server.browser_of(JOHN).await;
    let token = reader(&server).await;
    for (uri, cookie) in [
        (format!("/orders?access_token={token}"), String::new()),
        ("/orders".to_owned(), format!("access_token={token}")),
        ("/orders".to_owned(), john.cookies().to_owned()),
    ] {
        let answer = ask(&server, "", &format!("GET {uri}"), &[("cookie", &cookie)]).await;
        assert_eq!(answer.status, 401, "{uri}");
    }
    let twice = [("authorization", format!("Bearer {token}"))];
    let more: Vec<(&str, &str)> = twice.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(
        ask(&server, &token, "GET /orders", &more).await.refusal(),
        "403 invalid_request"
    );
}
