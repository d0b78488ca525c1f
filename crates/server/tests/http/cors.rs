//! Which pages of other sites may read an answer (the Fetch standard's CORS protocol, decision 35).

use crate::harness::{APPS, Answer, JOHN, MARY, REDIRECT_URI, Server, TENANTS, encoded};
use reqwest::Method;
use serde_json::json;

/// The origin of the app `sample`.
const ORIGIN: &str = "https://app.example";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn ask(server: &Server, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let url = server.at(path);
    let request = server.request(method, &url);
    let request = headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value));
    server.send(&url, request).await
}

async fn preflight(server: &Server, path: &str, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    ask(server, Method::OPTIONS, path, &headers).await
}

/// All CORS headers of an answer, and `Vary`.
fn said(answer: &Answer) -> String {
    let mut said = vec![answer.status.to_string()];
    for (name, value) in &answer.headers {
        if name.as_str().starts_with("access-control-") || name == "vary" {
            said.push(format!("{name}: {}", value.to_str().unwrap()));
        }
    }
    said[1..].sort();
    said.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_of_a_live_apps_origin_is_allowed() {
    let server = Server::library("default", APPS).await;
    let expected = "204\naccess-control-allow-headers: authorization,content-type\n\
                    access-control-allow-methods: POST\naccess-control-allow-origin: https://app.example\n\
                    access-control-expose-headers: WWW-Authenticate, Retry-After\naccess-control-max-age: 600\nvary: Origin\n\
                    vary: access-control-request-headers";
    for path in ["/oauth/token", "/oauth/token/", "/oauth/revoke"] {
        assert_eq!(said(&preflight(&server, path, ORIGIN).await), expected, "{path}");
    }
    let identity = preflight(&server, "/oauth/userinfo", ORIGIN).await;
    assert_eq!(said(&identity), expected.replace("POST", "GET, POST"));
    assert_eq!(identity.body, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_origin_of_a_deleted_app_is_another_origin() {
    let server = Server::library("default", APPS).await;
    let before = preflight(&server, "/oauth/token", ORIGIN).await;
    assert_eq!(before.header("access-control-allow-origin"), ORIGIN);
    let apps = server.operator(Method::GET, "/apps", None).await.json();
    for app in apps["apps"].as_array().unwrap() {
        let path = format!("/apps/{}", app["client_id"].as_str().unwrap());
        assert_eq!(server.operator(Method::DELETE, &path, None).await.status, 200);
    }
    let after = preflight(&server, "/oauth/token", ORIGIN).await;
    assert_eq!(said(&after), "405\nvary: Origin");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_origin_gets_the_ordinary_answer() {
    let server = Server::library("default", APPS).await;
    let ordinary = ask(&server, Method::OPTIONS, "/oauth/token", &[]).await;
    assert_eq!(
        (ordinary.status, said(&ordinary)),
        (405, "405\nvary: Origin".to_owned())
    );
    for origin in [
        "https://evil.example",
        "http://app.example",
        "https://app.example:8443",
        "https://app.example.evil.example",
        "https://APP.example",
        "https://app.example/",
        "null",
        "*",
        "com.example.native",
        // The native app's redirect URI is `http://127.0.0.1/callback`, with any port.
        "http://127.0.0.1:51004",
        "http://localhost",
        "",
    ] {
        let refused = preflight(&server, "/oauth/token", origin).await;
        assert_eq!(
            (refused.shown(), said(&refused)),
            (ordinary.shown(), said(&ordinary)),
            "{origin}"
        );
    }
    assert_eq!(preflight(&server, "/oauth/token", "http://127.0.0.1").await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apps_page_may_read_tokens_and_errors() {
    let server = Server::library("default", APPS).await;
    let mary = server.browser_of(MARY).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&mary).await;
    let readable = format!(
        "access-control-allow-origin: {ORIGIN}\naccess-control-expose-headers: WWW-Authenticate, Retry-After\nvary: Origin"
    );
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh.as_str()),
        ("client_id", "sample"),
        ("client_secret", crate::harness::SECRET),
    ];
    let from = ("origin", ORIGIN);
    let answer = server.post_raw("/oauth/token", &[FORM, from], encoded(&refresh)).await;
    assert_eq!(said(&answer), format!("200\n{readable}"));
    let access = answer.tokens().access;

    let nonsense = server.post_raw("/oauth/token", &[FORM, from], "grant_type=x").await;
    assert_eq!(said(&nonsense), format!("400\n{readable}"));
    let unknown = server
        .post_raw(
            "/oauth/token",
            &[FORM, from],
            "grant_type=refresh_token&client_id=nobody",
        )
        .await;
    assert_eq!(said(&unknown), format!("401\n{readable}"));
    let large = server
        .post_raw("/oauth/revoke", &[FORM, from], "x".repeat(70_000))
        .await;
    assert_eq!(said(&large), format!("413\n{readable}"));
    let wrong_method = ask(&server, Method::GET, "/oauth/token", &[from]).await;
    assert_eq!(said(&wrong_method), format!("405\n{readable}"));

    let bearer = format!("Bearer {access}");
    for (authorization, status) in [(bearer.as_str(), 200), ("Bearer nonsense", 401)] {
        let headers = [from, ("authorization", authorization)];
        let answer = ask(&server, Method::GET, "/oauth/userinfo", &headers).await;
        assert_eq!(said(&answer), format!("{status}\n{readable}"));
    }
    let foreign = ask(
        &server,
        Method::GET,
        "/oauth/userinfo",
        &[("origin", "https://evil.example"), ("authorization", &bearer)],
    )
    .await;
    assert_eq!(
        said(&foreign),
        "200\nvary: Origin",
        "answered, and the browser keeps it from the page"
    );
}

/// The answer to a request without `Origin` differs from the one with it, so caches need `Vary`.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_depends_on_the_origin_has_vary() {
    let server = Server::library("default", APPS).await;
    for path in ["/oauth/token", "/oauth/revoke", "/oauth/userinfo"] {
        assert_eq!(
            ask(&server, Method::GET, path, &[]).await.header("vary"),
            "Origin",
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_origin_may_read_the_metadata() {
    let server = Server::library("default", APPS).await;
    let path = "/.well-known/oauth-authorization-server";
    let answer = ask(&server, Method::GET, path, &[("origin", "https://any.example")]).await;
    assert_eq!(said(&answer), "200\naccess-control-allow-origin: *");
    let asked = preflight(&server, path, "https://any.example").await;
    assert_eq!(
        said(&asked),
        "204\naccess-control-allow-headers: authorization,content-type\naccess-control-allow-methods: GET, HEAD\n\
         access-control-allow-origin: *\naccess-control-max-age: 600\nvary: access-control-request-headers"
    );
}

/// The Fetch standard, CORS-unsafe request-header names: a page may send headers that the preflight allows by name. `*`
/// does not cover `Authorization`. Tracing libraries add headers to every request of a page.
#[tokio::test(flavor = "multi_thread")]
async fn the_headers_that_a_preflight_asks_for_are_allowed() {
    let server = Server::library("default", APPS).await;
    let allowed = async |path: &str, asked: &[&str]| {
        let mut headers = vec![("origin", ORIGIN), ("access-control-request-method", "POST")];
        headers.extend(asked.iter().map(|list| ("access-control-request-headers", *list)));
        let answer = ask(&server, Method::OPTIONS, path, &headers).await;
        assert_eq!(answer.status, 204, "{path} {asked:?}");
        assert_eq!(answer.header("access-control-allow-credentials"), "", "{path}");
        answer.header("access-control-allow-headers").to_owned()
    };
    for path in [
        "/oauth/token",
        "/oauth/revoke",
        "/oauth/userinfo",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/openapi.json",
    ] {
        for list in [
            "baggage,sentry-trace",
            "traceparent",
            "dpop",
            "mcp-protocol-version",
            "authorization, content-type",
            "authorization",
        ] {
            assert_eq!(allowed(path, &[list]).await, list, "{path}");
        }
        let long = "x".repeat(1025);
        for malformed in [&["a b"][..], &["a,,b"], &["a:b"], &[""], &[&long], &["a", "b"], &[]] {
            assert_eq!(allowed(path, malformed).await, "Authorization, Content-Type", "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_origin_may_read_introspection_health_or_pages() {
    let server = Server::library("default", APPS).await;
    for path in [
        "/oauth/introspect",
        "/oauth/authorize",
        "/health/ready",
        "/login",
        "/developer",
        "/nothing",
    ] {
        let asked = preflight(&server, path, ORIGIN).await;
        assert!(asked.status >= 400, "{path}: {}", asked.status);
        let answer = ask(&server, Method::GET, path, &[("origin", ORIGIN)]).await;
        for answer in [asked, answer] {
            let told = said(&answer);
            assert!(!told.contains("access-control"), "{path}: {told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_is_added_and_removed_with_its_app_at_once() {
    let server = Server::binary("default", TENANTS).await;
    let allowed = async |origin: &str| preflight(&server, "/oauth/token", origin).await.status == 204;
    let acme = "https://acme.example";
    assert!(allowed(acme).await && !allowed("https://crew.example").await);
    let moved = "https://moved.example";
    let change = async |uris: &[&str]| {
        let changes = json!({ "redirect_uris": uris });
        let changed = server
            .operator(Method::PATCH, "/apps/acme-reports", Some(changes))
            .await;
        assert_eq!(changed.status, 200, "{}", changed.body);
    };
    change(&["https://acme.example/other", "https://moved.example/cb"]).await;
    assert!(allowed(acme).await && allowed(moved).await);
    change(&["https://moved.example/cb"]).await;
    assert!(!allowed(acme).await && allowed(moved).await);

    let john = server.browser_of(JOHN).await;
    let page = john.open("/developer/apps/new").await;
    let typed = [
        ("name", "Crew"),
        ("organization", "acme"),
        ("type", "public"),
        ("redirect_uris", "https://crew.example/cb"),
    ];
    let made = john.submit(&page, &page.form("redirect_uris"), &typed).await;
    assert_eq!(made.status, 200, "{}", made.text());
    assert!(allowed("https://crew.example").await);
    let crew = format!("/apps/{}", made.by_id("client-id").expect("the client ID"));
    let deleted = server.operator(Method::DELETE, &crew, None).await;
    assert_eq!(deleted.status, 200, "{}", deleted.body);
    assert!(!allowed("https://crew.example").await);
    let left = server.sql("SELECT COUNT(*) FROM app_origins WHERE origin = 'https://crew.example'");
    assert_eq!(left, "0");
}

/// Decision 42: `paused` keeps a client from deleting its tokens, so its page must be able to read it.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_apps_page_may_read_that_it_is_paused() {
    let server = Server::library("default", APPS).await;
    let mary = server.browser_of(MARY).await;
    let tokens = server.client("sample", REDIRECT_URI).connect(&mary).await;
    let refresh = encoded(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh.as_str()),
        ("client_id", "sample"),
        ("client_secret", crate::harness::SECRET),
    ]);
    for path in ["/apps/sample", "/organizations/default"] {
        let set = async |verb| {
            let changed = server.operator(Method::POST, &format!("{path}/{verb}"), None).await;
            assert_eq!(changed.status, 200, "{path} {}", changed.body);
        };
        set("suspend").await;
        assert_eq!(preflight(&server, "/oauth/token", ORIGIN).await.status, 204, "{path}");
        let sent = [FORM, ("origin", ORIGIN)];
        let answer = server.post_raw("/oauth/token", &sent, refresh.clone()).await;
        assert_eq!(answer.refusal(), "400 access_denied", "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), ORIGIN, "{path}");
        let text = answer.json()["error_description"].to_string();
        assert!(text.contains("paused: "), "{path} {text}");
        set("resume").await;
    }
}

/// The origin of a WebView is not a redirect URI, so the operator lists it for the app.
#[tokio::test(flavor = "multi_thread")]
async fn a_listed_origin_is_allowed_as_long_as_it_is_listed() {
    let declared = |origins: &str| {
        format!(
            "[server]\npublic_url = \"http://localhost:8123\"\n[[apps]]\nname = \"Mobile\"\nclient_id = \"mobile\"\n\
             type = \"public\"\nredirect_uris = [\"com.example.mobile:/cb\"]\norigins = [{origins}]\n"
        )
    };
    let (capacitor, ionic) = ("capacitor://localhost", "ionic://localhost");
    let mut server = Server::library("default", &declared(r#""capacitor://localhost", "https://localhost""#)).await;
    let allowed = async |server: &Server, origin: &str| preflight(server, "/oauth/token", origin).await.status == 204;
    assert!(allowed(&server, capacitor).await && allowed(&server, "https://localhost").await);
    for other in [
        ionic,
        "capacitor://localhost:1",
        "capacitor://other",
        "http://localhost",
    ] {
        assert!(!allowed(&server, other).await, "{other}");
    }
    // The redirect URIs change; listed origins stay, even if an origin was both.
    for (uri, both) in [("https://localhost/cb", true), ("https://mobile.example/cb", false)] {
        let changes = json!({ "redirect_uris": [uri] });
        let changed = server.operator(Method::PATCH, "/apps/mobile", Some(changes)).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        assert!(allowed(&server, capacitor).await && allowed(&server, "https://localhost").await);
        assert_eq!(allowed(&server, "https://mobile.example").await, !both);
    }
    server.declare(&declared(r#""ionic://localhost""#));
    server.restart().await;
    assert!(allowed(&server, ionic).await && !allowed(&server, capacitor).await);
}
