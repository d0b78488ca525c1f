//! The protective headers of every page.

use crate::harness::{APPS, Answer, JOHN, MARY, Person, REDIRECT_URI, Server, TENANTS};

/// Asserts that a page has all of them, and no inline script or style.
pub(crate) fn assert_protected(page: &Answer, name: &str) {
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'"), "{name}: {policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{name}: {policy}");
    assert!(policy.contains("base-uri 'none'"), "{name}: {policy}");
    assert!(!policy.contains("unsafe"), "{name}: {policy}");
    // `form-action` would apply to the whole chain of redirects after a consent.
    assert!(!policy.contains("form-action"), "{name}: {policy}");
    assert_eq!(page.header("referrer-policy"), "same-origin", "{name}");
    assert_eq!(page.header("x-content-type-options"), "nosniff", "{name}");
    assert_eq!(page.header("cache-control"), "no-store", "{name}");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{name}");
    assert_no_inline(&page.body, name);
}

fn assert_no_inline(html: &str, name: &str) {
    assert!(!html.contains("<style"), "{name}: an inline style sheet");
    for tag in html.split('<').skip(1).filter_map(|piece| piece.split('>').next()) {
        let attributes: Vec<&str> = tag.split_ascii_whitespace().skip(1).collect();
        assert!(
            !tag.starts_with("script") || tag.contains("src="),
            "{name}: an inline script: {tag}"
        );
        let inline = attributes
            .iter()
            .any(|part| part.starts_with("style=") || part.starts_with("on"));
        assert!(!inline, "{name}: {tag}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_a_person_is_protected() {
    let server = Server::library("default", &format!("{APPS}{TENANTS}")).await;
    let nobody = server.browser();
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    sample.connect(&john).await;
    for path in ["/", "/login", "/account", "/developer", "/nowhere"] {
        assert_protected(&nobody.open(path).await, path);
    }
    for path in [
        "/",
        "/account",
        "/account/apps",
        "/organizations/acme",
        "/organizations/acme?tab=api",
        "/organizations/nowhere",
        "/developer",
        "/developer/apps/new",
        "/developer/apps/sample",
        "/developer/apps/sample/change",
        "/developer/apps/sample/delete",
        "/developer/apps/nothing",
    ] {
        assert_protected(&john.open(path).await, path);
    }
    let consent = john.authorize(&sample.query(&[])).await.consent();
    assert_protected(&consent, "consent");
    assert_protected(&nobody.authorize(&sample.query(&[])).await.login(), "login for an app");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_a_page_is_protected() {
    let server = Server::library("default", &format!("{APPS}{TENANTS}")).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    assert_protected(&john.authorize("client_id=nobody").await.page(), "unknown app");
    let globex = server.client("globex-trials", "https://globex.example/callback");
    assert_protected(&john.authorize(&globex.query(&[])).await.page(), "not a member");

    let consent = john.authorize(&sample.query(&[])).await.consent();
    let form = consent.form("decision");
    let foreign = john
        .submit_from(&consent, &form, &[("decision", "allow")], Some("null"))
        .await;
    assert_protected(&foreign, "foreign");
    assert_protected(&john.submit(&consent, &form, &[("state", "AAAA")]).await, "stale");
    assert_protected(&john.submit(&consent, &form, &[]).await, "no decision");
    let large = "x".repeat(70_000);
    assert_protected(&john.submit(&consent, &form, &[("x", &large)]).await, "too large");
    let code = john.decide(&consent, "allow").await.callback().code().to_owned();
    sample.redeem(&code).await;
    assert_protected(&john.decide(&consent, "allow").await.page(), "done");

    let wrong = server
        .browser()
        .log_in(Person {
            password: "wrong",
            ..MARY
        })
        .await;
    assert_protected(&wrong, "wrong password");
    let by_post = server.post("/account", &[]).await;
    assert_eq!(by_post.status, 405);
    assert_protected(&by_post, "method");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_an_app_without_a_redirect_uri_are_protected() {
    let app = "[[apps]]\nname = \"Desk\"\nclient_id = \"desk\"\nclient_secret = \"a-secret-of-43-characters-as-hallpass-makes\"\n";
    let server = Server::library("apicbase", app).await;
    let john = server.browser_of(JOHN).await;
    let desk = server.client("desk", "");
    let page = john.authorize(&desk.query(&[])).await.consent();
    assert_protected(&john.decide(&page, "allow").await.page(), "code copy");
    let page = john.authorize(&desk.query(&[])).await.consent();
    assert_protected(&john.decide(&page, "deny").await.page(), "denied");
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_are_kept_for_ever_and_named_by_their_content() {
    let server = Server::library("default", "").await;
    let page = server.browser().open("/").await;
    let links: Vec<&str> = page
        .body
        .split("href=\"")
        .skip(1)
        .filter_map(|piece| piece.split('"').next())
        .filter(|link| link.starts_with("/assets/"))
        .collect();
    assert!(links.len() >= 2, "{links:?}");
    for link in links {
        let asset = server.get(link).await;
        assert_eq!(asset.status, 200, "{link}");
        assert!(asset.header("cache-control").contains("immutable"));
        assert_eq!(asset.header("x-content-type-options"), "nosniff");
        assert_eq!(asset.header("set-cookie"), "");
    }
    assert_eq!(server.get("/assets/look-00000000.css").await.status, 404);
}

/// Apps open sign-in and consent in a separate window and watch it (`window.opener`). No other page may be watched.
#[tokio::test(flavor = "multi_thread")]
async fn only_authorization_pages_stay_connected_to_their_opener() {
    let server = Server::library("default", &format!("{APPS}{TENANTS}")).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let policy = |page: &Answer| page.header("cross-origin-opener-policy").to_owned();
    for path in [
        "/account",
        "/account/apps",
        "/organizations/acme",
        "/developer",
        "/developer/apps/new",
        "/developer/apps/nothing",
    ] {
        assert_eq!(policy(&john.open(path).await), "same-origin", "{path}");
    }
    let consent = john.authorize(&sample.query(&[])).await.consent();
    let login = server.browser().authorize(&sample.query(&[])).await.login();
    let error = john.open("/oauth/authorize?client_id=nobody").await;
    let refused = john
        .submit_from(&consent, &consent.form("decision"), &[], Some("null"))
        .await;
    for page in [&consent, &login, &error, &refused] {
        assert_eq!(policy(page), "", "{}", page.url);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_https_pages_have_strict_transport_security() {
    for (address, kept) in [
        ("https://id.example.com", "max-age=31536000"),
        ("http://id.example.com", ""),
    ] {
        let declared = format!("[server]\npublic_url = \"{address}\"\n{APPS}");
        let server = Server::library("default", &declared).await;
        for path in ["/", "/login", "/account", "/oauth/authorize"] {
            let page = server.browser().open(path).await;
            assert_eq!(page.header("strict-transport-security"), kept, "{address}{path}");
        }
    }
}
