//! Requests whose `Host` is not the server's (docs/decisions/0055).

use crate::harness::{APPS, Answer, Demo, JOHN, REDIRECT_URI, SECRET, Server, encoded};
use reqwest::Method;
use url::Url;

const PAGES: [&str; 8] = [
    "/",
    "/login",
    "/login/",
    "/account",
    "/developer",
    "/nowhere",
    "/oauth/authorize",
    "/oauth/authorize/?client_id=sample",
];

async fn get(server: &Server, path: &str, host: &str) -> Answer {
    let url = server.at(path);
    server
        .send(&url, server.request(Method::GET, &url).header("host", host))
        .await
}

async fn sign_in_at(server: &Server, host: &str, origin: &str) -> Answer {
    let browser = server.browser();
    let page = get(server, "/login", host).await;
    let cookie = page.header("set-cookie").split(';').next().unwrap().to_owned();
    let typed = [("username", JOHN.email), ("password", JOHN.password)];
    let pairs = page.form("password").filled(&typed);
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    browser.set_cookies(&cookie);
    let url = server.at("/login");
    let request = server.request(Method::POST, &url).header("host", host);
    let request = request.header("origin", origin).header("cookie", cookie);
    server.send(&url, request.body(body)).await
}

/// Any site can point its name to 127.0.0.1 (DNS rebinding), so an operator must configure the name of a server elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn without_public_url_pages_are_served_on_this_computer_only() {
    let server = Server::library("default", APPS).await;
    let port = server.port();
    for host in [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        format!("10.0.0.5:{port}"),
        "localhost:1".to_owned(),
        "127.0.0.1".to_owned(),
        format!("localhost.evil.example:{port}"),
    ] {
        for path in PAGES {
            let page = get(&server, path, &host).await;
            assert_eq!((page.status, page.header("set-cookie")), (421, ""), "{host}{path}");
            let text = page.text();
            assert!(text.contains(&format!("opened at {host}, ")), "{text}");
            assert!(text.contains(&server.issuer) && text.contains("public_url"), "{text}");
            let others = page.body.replace(&server.issuer, "");
            assert!(!others.contains(&format!("//{host}")), "no address is built from it");
        }
        let form = [
            ("host", host.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        assert_eq!(server.post_raw("/login", &form, "").await.status, 421, "{host}");
    }
    for host in ["localhost", "127.0.0.1", "[::1]", "LocalHost"] {
        let host = format!("{host}:{port}");
        for path in PAGES {
            assert_ne!(get(&server, path, &host).await.status, 421, "{host}{path}");
        }
    }
}

/// Redirects stay on the host that the browser used: they contain no host.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_works_across_the_names_of_this_computer() {
    let server = Server::library("default", APPS).await;
    let port = server.port();
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        let host = format!("{host}:{port}");
        let answer = sign_in_at(&server, &host, &format!("http://{host}")).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/account"), "{host}");
    }
}

/// Load balancers and proxies use addresses of their own.
#[tokio::test(flavor = "multi_thread")]
async fn machine_endpoints_answer_under_any_host() {
    for address in ["", "[server]\npublic_url = \"https://id.example.com\"\n"] {
        let server = Server::library("default", &format!("{address}{APPS}")).await;
        let stylesheet = server.browser().open("/login").await;
        let stylesheet = stylesheet
            .body
            .split('"')
            .find(|text| text.starts_with("/assets/"))
            .unwrap()
            .to_owned();
        for path in [
            "/health/live",
            "/health/ready",
            "/.well-known/oauth-authorization-server",
            "/openapi.json",
            &stylesheet,
        ] {
            let answer = get(&server, path, "10.1.2.3:9000").await;
            assert_eq!(answer.status, 200, "{path}");
            assert!(!answer.body.contains("10.1.2.3"), "{path}");
        }
        let body = encoded(&[
            ("grant_type", "client_credentials"),
            ("client_id", "sample"),
            ("client_secret", SECRET),
        ]);
        let headers = [
            ("host", "10.1.2.3:9000"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        assert_eq!(server.post_raw("/oauth/token", &headers, body).await.status, 200);
    }
}

/// On HTTP/2 the host is in `:authority`, also if the path has a slash at its end.
#[tokio::test(flavor = "multi_thread")]
async fn http_2_takes_the_host_from_authority() {
    use http_body_util::Empty;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let server = Server::library("default", APPS).await;
    let stream = TokioIo::new(server.connection().await);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
        .await
        .unwrap();
    tokio::spawn(connection);
    let port = server.port();
    for (host, refused) in [("evil.example", true), ("localhost", false), ("127.0.0.1", false)] {
        for path in ["/login", "/login/", "/oauth/authorize", "/oauth/authorize/"] {
            let request = hyper::Request::get(format!("http://{host}:{port}{path}"));
            let request = request.body(Empty::<hyper::body::Bytes>::new()).unwrap();
            let answer = sender.send_request(request).await.unwrap();
            assert_eq!(answer.status().as_u16() == 421, refused, "{host}{path}");
        }
    }
}

/// People are not refused because a proxy does not pass on the host: the browser's origin says which page they are on.
#[tokio::test(flavor = "multi_thread")]
async fn with_public_url_the_origin_decides_and_not_the_host() {
    let declared = format!("[server]\npublic_url = \"https://id.example.com\"\n{APPS}");
    let server = Server::library("default", &declared).await;
    let sample = server.client("sample", REDIRECT_URI);
    for host in ["10.0.0.5:8080", "hallpass", "evil.example"] {
        let answer = sign_in_at(&server, host, "https://id.example.com").await;
        assert_eq!((answer.status, answer.header("location")), (303, "/account"), "{host}");
        let cookie = answer.header("set-cookie");
        assert!(
            cookie.starts_with("__Host-hallpass=") && !cookie.contains("Domain"),
            "{cookie}"
        );
        let path = format!("/oauth/authorize?{}", sample.query(&[]));
        assert!(!get(&server, &path, host).await.body.contains(host), "{host}");
        // On a page opened there the form cannot work, and the answer says why.
        let answer = sign_in_at(&server, host, &format!("http://{host}")).await;
        let said = format!("sent from http://{host}, and this server is at https://id.example.com");
        assert_eq!(answer.status, 403);
        assert!(answer.text().contains(&said), "{}", answer.text());
    }
}

/// Nothing else shows an operator that a proxy changes the address.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_names_both_addresses_of_a_refused_page_and_form() {
    let server = Server::binary("default", APPS).await;
    get(&server, "/login", "evil.example").await;
    sign_in_at(&server, &format!("127.0.0.1:{}", server.port()), "http://10.0.0.5").await;
    let (log, own) = (server.log(), &server.issuer);
    let says = |line: &str, words: &[&str]| {
        let found = log.lines().find(|found| found.contains(line));
        let found = found.unwrap_or_else(|| panic!("no {line:?}: {log}"));
        assert!(words.iter().all(|word| found.contains(word)), "{words:?}: {found}");
    };
    says(
        "refused a page at an unknown host",
        &[r#"host="evil.example""#, &format!("own={own:?}"), r#"path="/login""#],
    );
    says(
        "refused a form that was opened at another address",
        &[
            r#"origin="http://10.0.0.5""#,
            &format!("host=\"127.0.0.1:{}\"", server.port()),
            &format!("public_url={own:?}"),
        ],
    );
}

/// The sample app of the demo has the same rule, page and log line.
#[tokio::test(flavor = "multi_thread")]
async fn the_demos_app_takes_forms_of_its_own_pages_only() {
    let demo = Demo::start("default").await;
    let redirect: Url = demo.redirect_uri.parse().unwrap();
    let app = redirect.origin().ascii_serialization();
    let desk: Url = format!("{app}/apps/{}", demo.client_id).parse().unwrap();
    let page = demo
        .server
        .send(&desk, demo.server.plain_request(Method::GET, &desk))
        .await;
    let cookie = page.header("set-cookie").split(';').next().unwrap().to_owned();
    let form = page
        .forms()
        .into_iter()
        .find(|form| form.action.ends_with("/connect"))
        .expect("a form");
    let url = desk.join(&form.action).unwrap();
    let sent = async |headers: &[(&str, &str)]| {
        let request = demo.server.plain_request(Method::POST, &url).form(&form.filled(&[]));
        let request = request.header("cookie", &cookie);
        let request = headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value));
        demo.server.send(&url, request).await
    };
    let (own, hidden) = (("origin", app.as_str()), ("origin", "null"));
    for headers in [&[own][..], &[hidden, ("sec-fetch-site", "same-origin")], &[]] {
        let answer = sent(headers).await;
        let location = answer.header("location");
        assert!(location.starts_with(&demo.server.issuer), "{headers:?}: {location}");
    }
    let at = format!("this app is at {app}.");
    for (headers, from) in [
        (
            &[("origin", "https://evil.example")][..],
            "sent from https://evil.example",
        ),
        (&[hidden][..], "hides where the form was sent from"),
        (
            &[hidden, ("sec-fetch-site", "cross-site")],
            "hides where the form was sent from",
        ),
    ] {
        let answer = sent(headers).await;
        assert_eq!((answer.status, answer.header("location")), (403, ""), "{headers:?}");
        let text = answer.text();
        assert!(text.contains(from) && text.contains(&at), "{headers:?}: {text}");
    }
    let log = demo.server.log();
    let refused: Vec<_> = log
        .lines()
        .filter(|line| line.contains("the sample app refused a form"))
        .collect();
    assert_eq!(refused.len(), 3, "{log}");
    for (line, origin) in refused.iter().zip(["https://evil.example", "null", "null"]) {
        let words = [format!("origin={origin:?}"), format!("own={app:?}")];
        assert!(words.iter().all(|word| line.contains(word)), "{line}");
    }
}
