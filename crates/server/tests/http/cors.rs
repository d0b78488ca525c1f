//! Which pages of other sites may read an answer (the Fetch standard's CORS protocol, DESIGN §8).

use crate::harness::{APPS, Answer, JOHN, MARY, REDIRECT_URI, Server, TENANTS, encoded};
use reqwest::Method;

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

/// Every header of the protocol that an answer has, and `Vary`.
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
    let expected = "204\naccess-control-allow-headers: Authorization, Content-Type\n\
                    access-control-allow-methods: POST\naccess-control-allow-origin: https://app.example\n\
                    access-control-expose-headers: WWW-Authenticate, Retry-After\naccess-control-max-age: 600\nvary: Origin";
    for path in ["/oauth/token", "/oauth/token/", "/oauth/revoke"] {
        assert_eq!(said(&preflight(&server, path, ORIGIN).await), expected, "{path}");
    }
    let identity = preflight(&server, "/oauth/userinfo", ORIGIN).await;
    assert_eq!(said(&identity), expected.replace("POST", "GET, POST"));
    assert_eq!(identity.body, "");
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
        // The native app's redirect URI is `http://127.0.0.1/callback`, any port.
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

/// The answer to a request without `Origin` would be another with it: a cache must know.
#[tokio::test(flavor = "multi_thread")]
async fn what_depends_on_the_origin_says_so() {
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
async fn metadata_is_for_everybody() {
    let server = Server::library("default", APPS).await;
    for path in ["/.well-known/oauth-authorization-server"] {
        let answer = ask(&server, Method::GET, path, &[("origin", "https://any.example")]).await;
        assert_eq!(said(&answer), "200\naccess-control-allow-origin: *");
        let asked = preflight(&server, path, "https://any.example").await;
        assert_eq!(
            said(&asked),
            "204\naccess-control-allow-headers: *\naccess-control-allow-methods: GET, HEAD\n\
             access-control-allow-origin: *\naccess-control-max-age: 600"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn introspection_health_and_pages_are_for_no_other_origin() {
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
async fn an_origin_comes_and_goes_with_its_app_at_once() {
    let server = Server::binary("default", TENANTS).await;
    let allowed = async |origin: &str| preflight(&server, "/oauth/token", origin).await.status == 204;
    let acme = "https://acme.example";
    assert!(allowed(acme).await && !allowed("https://crew.example").await);
    server.command(&["app", "suspend", "acme-reports"]);
    assert!(!allowed(acme).await);
    server.command(&["app", "resume", "acme-reports"]);
    assert!(allowed(acme).await);
    server.command(&["org", "suspend", "acme"]);
    assert!(!allowed(acme).await, "nor is an app live whose owner is not");
    server.command(&["org", "resume", "acme"]);
    assert!(allowed(acme).await);
    server.command(&[
        "app",
        "set",
        "acme-reports",
        "--redirect-uri",
        "https://moved.example/cb",
    ]);
    assert!(!allowed(acme).await && allowed("https://moved.example").await);

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
}
