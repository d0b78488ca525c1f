//! The developer portal: registering an app, seeing its secret once, resetting it.

use crate::harness::{Answer, Browser, Client, DEMO_JANE, Demo, JOHN, MARY, Person, REDIRECT_URI, Server, TENANTS};
use std::time::Duration;

const MAX: Person = Person {
    email: "max@example.com",
    password: "only a member of it",
};

async fn register(browser: &Browser<'_>, typed: &[(&str, &str)]) -> Answer {
    let page = browser.open("/developer/apps/new").await;
    browser.submit(&page, &page.form("redirect_uris"), typed).await
}

fn credentials(page: &Answer) -> (String, String) {
    assert_eq!(page.status, 200, "{}", page.text());
    let id = page.by_id("client-id").expect("the client ID");
    (id, page.by_id("fresh-secret").expect("the secret"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_app_works_at_once() {
    let server = Server::library("default", "").await;
    let john = server.browser_of(JOHN).await;
    let page = register(&john, &[("name", "Crew"), ("redirect_uris", REDIRECT_URI)]).await;
    let (id, secret) = credentials(&page);
    assert!(secret.len() >= 43, "256 bits: {secret}");
    let crew = server.client(&id, REDIRECT_URI).with_secret(&secret);
    let tokens = crew.connect(&john).await;
    assert_eq!(server.identity(&tokens.access).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_is_shown_once_and_never_stored() {
    let server = Server::library("default", "").await;
    let john = server.browser_of(JOHN).await;
    let (id, secret) = credentials(&register(&john, &[("name", "Crew"), ("redirect_uris", REDIRECT_URI)]).await);
    for path in ["/developer", "/account", &format!("/developer/apps/{id}")] {
        let page = john.open(path).await;
        assert_eq!(page.status, 200);
        assert!(!page.body.contains(&secret), "{path}");
    }
    assert!(!server.keeps(&secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_form_sent_twice_registers_one_app() {
    let server = Server::library("default", "").await;
    let john = server.browser_of(JOHN).await;
    let page = john.open("/developer/apps/new").await;
    let typed = [("name", "Crew"), ("redirect_uris", REDIRECT_URI)];
    let (id, secret) = credentials(&john.submit(&page, &page.form("redirect_uris"), &typed).await);
    let again = john.submit(&page, &page.form("redirect_uris"), &typed).await;
    assert_eq!(again.by_id("client-id").as_deref(), Some(id.as_str()));
    assert_eq!(again.by_id("fresh-secret"), None);
    assert_eq!(
        server
            .client(&id, "")
            .with_secret(&secret)
            .client_credentials(&[])
            .await
            .status,
        200
    );
    assert_eq!(
        john.open("/developer")
            .await
            .body
            .matches(&format!("/developer/apps/{id}\""))
            .count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_named_and_typed_values_are_kept() {
    let server = Server::library("default", "").await;
    let mary = server.browser_of(MARY).await;
    let uris = "https://a.example/cb, a.example/plain,https://b.example/#x\nhttp://c.example/,javascript:alert(1),myapp:/cb,https://*.d.example/,https://a.example/cb";
    let page = register(&mary, &[("name", "Crew <b>"), ("redirect_uris", uris)]).await;
    assert_eq!(page.status, 400);
    let text = page.text();
    for named in [
        "a.example/plain is not a whole address",
        "https://b.example/#x has a part after #",
        "http://c.example/ must begin with https://",
        "javascript:alert(1) has a scheme that cannot be used",
        "myapp:/cb has a scheme without a dot",
        "https://*.d.example/ has a wildcard",
        "https://a.example/cb is in the list twice",
    ] {
        assert!(text.contains(named), "{named}: {text}");
    }
    let form = page.form("redirect_uris");
    assert_eq!((form.value("name"), form.value("redirect_uris")), ("Crew <b>", uris));
    let page = mary
        .submit(&page, &form, &[("redirect_uris", "https://a.example/cb")])
        .await;
    credentials(&page);
}

/// 40 kB of faulty URLs once got an answer of 2 MB.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_full_of_faults_gets_a_short_page() {
    let server = Server::library("default", "").await;
    let mary = server.browser_of(MARY).await;
    let long = format!("{}\n", "y".repeat(30_000));
    for (uris, more) in [("x ".repeat(20_000), "19,990 more"), (long, "")] {
        let page = register(&mary, &[("name", "Crew"), ("redirect_uris", &uris)]).await;
        assert_eq!(page.status, 400);
        assert!(page.body.len() < uris.len() + 16 * 1024, "{}", page.body.len());
        assert!(page.text().contains(more));
        assert_eq!(page.form("redirect_uris").value("redirect_uris").trim(), uris.trim());
    }
    let many: String = (0..60)
        .map(|number| format!("https://a{number}.example/cb\n"))
        .collect();
    let page = register(&mary, &[("name", "Crew"), ("redirect_uris", &many)]).await;
    assert!(
        page.text().contains("https://a50.example/cb is one too many"),
        "{}",
        page.text()
    );
}

/// HC-2: redirect URIs are separated by commas and white space.
#[tokio::test(flavor = "multi_thread")]
async fn redirect_uris_are_separated_only_by_commas_and_white_space() {
    let server = Server::library("default", "").await;
    let john = server.browser_of(JOHN).await;
    let typed = |uris| [("name", "Crew"), ("redirect_uris", uris)];
    let page = register(&john, &typed("https://a.example/cb;https://b.example/cb")).await;
    assert_eq!(page.status, 400);
    assert!(page.text().contains("bevat meer adressen"), "{}", page.text());
    let page = register(
        &john,
        &typed("https://a.example/cb, https://b.example/cb\nhttps://c.example/cb"),
    )
    .await;
    let (id, _) = credentials(&page);
    let shown = john.open(&format!("/developer/apps/{id}")).await.text();
    for uri in ["a", "b", "c"].map(|name| format!("https://{name}.example/cb")) {
        assert!(shown.contains(&uri), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deceptive_name_is_refused() {
    let server = Server::library("default", "").await;
    let john = server.browser_of(JOHN).await;
    for name in ["", "   ", "a\u{202e}b", "a\u{0}b", &"x".repeat(101)] {
        let page = register(&john, &[("name", name), ("redirect_uris", REDIRECT_URI)]).await;
        assert_eq!(page.status, 400, "{name:?}");
    }
    let page = register(&john, &[("name", &"é".repeat(100)), ("redirect_uris", REDIRECT_URI)]).await;
    credentials(&page);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_app_has_no_secret() {
    let server = Server::library("default", "").await;
    let john = server.browser_of(JOHN).await;
    let uri = "com.example.crew:/callback";
    let page = register(&john, &[("name", "Crew"), ("redirect_uris", uri), ("type", "public")]).await;
    assert_eq!(page.by_id("fresh-secret"), None);
    let id = page.by_id("client-id").unwrap();
    let tokens = server.client(&id, uri).public().connect(&john).await;
    assert_eq!(server.identity(&tokens.access).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_may_request_only_the_scopes_that_its_developer_selected() {
    let scopes = "[scopes.read]\ntitle = \"Read\"\n[scopes.write]\ntitle = \"Write\"\n";
    let server = Server::library("default", scopes).await;
    let john = server.browser_of(JOHN).await;
    let page = register(
        &john,
        &[("name", "Crew"), ("redirect_uris", REDIRECT_URI), ("scope", "read")],
    )
    .await;
    let (id, secret) = credentials(&page);
    let crew = server.client(&id, REDIRECT_URI).with_secret(&secret);
    assert_eq!(crew.client_credentials(&[("scope", "read")]).await.status, 200);
    assert_eq!(
        crew.client_credentials(&[("scope", "write")]).await.refusal(),
        "400 invalid_scope"
    );
    let unknown = register(
        &john,
        &[("name", "Crew"), ("redirect_uris", REDIRECT_URI), ("scope", "nonsense")],
    )
    .await;
    assert_eq!(unknown.status, 400);
}

async fn with_app(server: &Server, browser: &Browser<'_>) -> (String, String) {
    let _ = server;
    credentials(&register(browser, &[("name", "Crew"), ("redirect_uris", REDIRECT_URI)]).await)
}

async fn reset(browser: &Browser<'_>, id: &str, how: &str) -> Answer {
    let page = browser.open(&format!("/developer/apps/{id}")).await;
    browser.submit(&page, &page.form("reset"), &[("reset", how)]).await
}

async fn accepted(client: &Client<'_>, secret: &str) -> bool {
    let answer = client.clone().with_secret(secret).client_credentials(&[]).await;
    assert!(matches!(answer.status, 200 | 401));
    answer.status == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn an_immediate_reset_ends_the_old_secret_and_no_grant() {
    let server = Server::library("default", "").await;
    let john = server.browser_of(JOHN).await;
    let (id, old) = with_app(&server, &john).await;
    let crew = server.client(&id, REDIRECT_URI);
    let tokens = crew.clone().with_secret(&old).connect(&john).await;
    let (_, new) = credentials(&reset(&john, &id, "now").await);
    assert_ne!(old, new);
    assert!(!accepted(&crew, &old).await && accepted(&crew, &new).await);
    assert_eq!(
        crew.with_secret(&new).refresh(&tokens.refresh).await.status,
        200,
        "people stay connected"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_with_overlap_keeps_both_secrets_for_a_day() {
    let server = Server::library("default", "").await;
    let john = server.browser_of(JOHN).await;
    let (id, old) = with_app(&server, &john).await;
    let crew = server.client(&id, REDIRECT_URI);
    let (_, new) = credentials(&reset(&john, &id, "overlap").await);
    assert!(accepted(&crew, &old).await && accepted(&crew, &new).await);
    server.advance(Duration::from_secs(24 * 3600 - 1));
    assert!(accepted(&crew, &old).await);
    server.advance(Duration::from_secs(1));
    assert!(!accepted(&crew, &old).await && accepted(&crew, &new).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_immediate_reset_also_ends_an_overlap() {
    let server = Server::library("default", "").await;
    let john = server.browser_of(JOHN).await;
    let (id, first) = with_app(&server, &john).await;
    let crew = server.client(&id, REDIRECT_URI);
    let (_, second) = credentials(&reset(&john, &id, "overlap").await);
    let (_, third) = credentials(&reset(&john, &id, "now").await);
    assert!(!accepted(&crew, &first).await && !accepted(&crew, &second).await && accepted(&crew, &third).await);
}

/// A double click, or a reload of the page with the secret: the new secret must not end.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_reset_sent_twice_creates_one_new_secret() {
    let server = Server::library("default", "").await;
    let john = server.browser_of(JOHN).await;
    for how in ["now", "overlap"] {
        let (id, old) = with_app(&server, &john).await;
        let page = john.open(&format!("/developer/apps/{id}")).await;
        let form = page.form("reset");
        let (_, first) = credentials(&john.submit(&page, &form, &[("reset", how)]).await);
        let again = john.submit(&page, &form, &[("reset", how)]).await;
        assert_eq!(again.by_id("fresh-secret"), None, "{how}");
        let crew = server.client(&id, REDIRECT_URI);
        assert!(accepted(&crew, &first).await, "{how}");
        assert_eq!(accepted(&crew, &old).await, how == "overlap");
        let secrets = john
            .open(&format!("/developer/apps/{id}"))
            .await
            .body
            .matches("<code translate=\"no\">…")
            .count();
        assert_eq!(secrets, if how == "now" { 1 } else { 2 }, "{how}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_from_another_site_or_a_stale_form_changes_nothing() {
    let server = Server::library("default", "").await;
    let john = server.browser_of(JOHN).await;
    let (id, old) = with_app(&server, &john).await;
    let page = john.open(&format!("/developer/apps/{id}")).await;
    let form = page.form("reset");
    let now = [("reset", "now")];
    let foreign = john.submit_from(&page, &form, &now, Some("https://evil.example")).await;
    assert_eq!(foreign.status, 403);
    john.submit(&page, &form, &[("reset", "now"), ("state", "AAAA")]).await;
    server.browser_of(MARY).await.submit(&page, &form, &now).await;
    server.advance(Duration::from_secs(31 * 60));
    let stale = john.submit(&page, &form, &now).await;
    assert_eq!(stale.by_id("fresh-secret"), None);
    assert!(accepted(&server.client(&id, REDIRECT_URI), &old).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_organizations_developer_neither_sees_nor_resets() {
    let server = Server::library("default", TENANTS).await;
    let (john, mary) = (server.browser_of(JOHN).await, server.browser_of(MARY).await);
    assert!(john.open("/developer").await.text().contains("Acme Reports"));
    assert!(!mary.open("/developer").await.text().contains("Acme Reports"));
    let nothing = mary.open("/developer/apps/nothing").await;
    for path in [
        "/developer/apps/acme-reports",
        "/organizations/acme",
        "/organizations/acme?tab=api",
    ] {
        let page = mary.open(path).await;
        assert_eq!(
            (page.status, page.text()),
            (404, nothing.text()),
            "as if it were not there: {path}"
        );
    }
    // Her own form, sent to the URL of the other app.
    let page = mary.open("/developer/apps/globex-trials").await;
    let mut form = page.form("reset");
    form.action = form.action.replace("globex-trials", "acme-reports");
    assert_eq!(mary.submit(&page, &form, &[("reset", "now")]).await.status, 404);
    let acme = server.client("acme-reports", "");
    assert_eq!(acme.client_credentials(&[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_sees_and_registers_nothing_for_the_organization() {
    let server = Server::library("default", TENANTS).await;
    let (john, max) = (server.browser_of(JOHN).await, server.browser_of(MAX).await);
    for path in [
        "/developer/apps/acme-reports",
        "/organizations/acme",
        "/organizations/acme?tab=api",
    ] {
        assert_eq!(max.open(path).await.status, 404, "{path}");
    }
    assert_eq!(max.open("/developer/apps/new").await.status, 403);
    // With the form of a person who may register.
    let page = john.open("/developer/apps/new").await;
    let typed = [
        ("name", "Sneaky"),
        ("redirect_uris", REDIRECT_URI),
        ("organization", "acme"),
    ];
    let refused = max.submit(&page, &page.form("redirect_uris"), &typed).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    for browser in [&john, &max] {
        assert!(!browser.open("/developer").await.text().contains("Sneaky"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hidden_organization_is_not_offered_beside_ones_own() {
    let server = Server::library("default", TENANTS).await;
    let mary = server.browser_of(MARY).await;
    let page = mary.open("/developer/apps/new").await;
    assert!(!page.body.contains("<select"), "one organization: nobody is asked");
    // Name and redirect URIs are enough, with the hidden fields of the page.
    let typed = [("name", "Oven"), ("redirect_uris", REDIRECT_URI)];
    let (id, _) = credentials(&mary.submit(&page, &page.form("redirect_uris"), &typed).await);
    assert!(mary.open("/organizations/globex?tab=api").await.text().contains(&id));
    let typed = [
        ("name", "Sneaky"),
        ("redirect_uris", REDIRECT_URI),
        ("organization", "default"),
    ];
    assert_eq!(register(&mary, &typed).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_registered_for_an_organization_of_ones_own_only() {
    let server = Server::library("default", TENANTS).await;
    let (john, mary) = (server.browser_of(JOHN).await, server.browser_of(MARY).await);
    for organization in ["acme", "nowhere"] {
        let typed = [
            ("name", "Sneaky"),
            ("redirect_uris", REDIRECT_URI),
            ("organization", organization),
        ];
        assert_eq!(register(&mary, &typed).await.status, 400, "{organization}");
    }
    assert!(!john.open("/developer").await.text().contains("Sneaky"));
    let typed = [
        ("name", "Oven"),
        ("redirect_uris", REDIRECT_URI),
        ("organization", "globex"),
    ];
    credentials(&register(&mary, &typed).await);
    assert!(mary.open("/organizations/globex?tab=api").await.text().contains("Oven"));
    assert!(!john.open("/developer").await.text().contains("Oven"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_registers_anything_without_a_login() {
    let server = Server::library("default", "").await;
    let john = server.browser_of(JOHN).await;
    let page = john.open("/developer/apps/new").await;
    let typed = [("name", "Crew"), ("redirect_uris", REDIRECT_URI)];
    let answer = server
        .browser()
        .submit(&page, &page.form("redirect_uris"), &typed)
        .await;
    assert!(
        answer.forms().iter().any(|form| form.has("password")),
        "{}",
        answer.text()
    );
    let foreign = john
        .submit_from(&page, &page.form("redirect_uris"), &typed, Some("https://evil.example"))
        .await;
    assert_eq!(foreign.status, 403);
    assert!(!john.open("/developer").await.text().contains("Crew"));
}

/// Decision 61: at most 100 apps per developer.
#[tokio::test(flavor = "multi_thread")]
async fn a_developer_has_at_most_100_apps_even_with_concurrent_forms() {
    let mut declared = String::new();
    for number in 1..100 {
        declared.push_str(&format!(
            "[[apps]]\nname = \"App {number}\"\nclient_id = \"app-{number}\"\ntype = \"public\"\nowner = \"john@doe.com\"\n"
        ));
    }
    let server = Server::library("default", &declared).await;
    let john = server.browser_of(JOHN).await;
    let typed = [("name", "The last"), ("redirect_uris", REDIRECT_URI)];
    // The newest app is listed first.
    server.advance(Duration::from_secs(1));
    let pages = [
        john.open("/developer/apps/new").await,
        john.open("/developer/apps/new").await,
    ];
    let mut statuses = Vec::new();
    for page in &pages {
        let answer = john.submit(page, &page.form("redirect_uris"), &typed).await;
        statuses.push(answer.status);
        if answer.status == 409 {
            assert!(answer.text().contains("Je hebt 100 apps"), "{}", answer.text());
            let form = answer.form("redirect_uris");
            assert_eq!(
                (form.value("name"), form.value("redirect_uris")),
                ("The last", REDIRECT_URI)
            );
        }
    }
    assert_eq!(statuses, [200, 409]);
    let list = john.open("/developer").await;
    assert_eq!(list.text().matches("The last").count(), 1);
    assert!(list.text().contains("Je hebt 100 apps"), "{}", list.text());
    assert!(!list.body.contains("href=\"/developer/apps/new\""));
    // The same form again shows the app that it created.
    let again = john.submit(&pages[0], &pages[0].form("redirect_uris"), &typed).await;
    assert_eq!((again.status, again.by_id("fresh-secret")), (200, None));
    // Another developer is not affected.
    let mary = server.browser_of(MARY).await;
    let typed = [("name", "The first"), ("redirect_uris", REDIRECT_URI)];
    credentials(&register(&mary, &typed).await);
}

/// Decision 37: apps of the operator's developers are trusted. A role lets people register apps, but makes none of them
/// trusted.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_trusted_if_the_operator_made_its_owner_a_developer() {
    let named = "[[users]]\nemail = \"dev@example.com\"\nname = \"Dev\"\npassword = \"a role and no more\"\n";
    let role = "[[organizations]]\nslug = \"shop\"\nname = \"Shop\"\nmembers = [\"dev@example.com:owner\"]\n";
    let server = Server::library("default", &format!("{named}{role}")).await;
    let dev = Person {
        email: "dev@example.com",
        password: "a role and no more",
    };
    let trusted = |id: &str| server.sql(&format!("SELECT trusted FROM apps WHERE client_id = '{id}'"));
    let typed = [("name", "Crew"), ("redirect_uris", REDIRECT_URI)];
    let by_role = server.browser_of(dev).await;
    let (first, _) = credentials(&register(&by_role, &typed).await);
    assert_eq!(trusted(&first), "0");
    server.command(&["user", "change", dev.email, "--developer"]);
    let (second, _) = credentials(&register(&by_role, &typed).await);
    assert_eq!((trusted(&first), trusted(&second)), ("0".to_owned(), "1".to_owned()));
    server.command(&["user", "change", dev.email, "--developer=false"]);
    let (third, _) = credentials(&register(&by_role, &typed).await);
    assert_eq!(
        (trusted(&second), trusted(&third)),
        ("1".to_owned(), "0".to_owned()),
        "decided at registration"
    );
}

/// The demo is a developer's first contact: everybody in it can register an app.
#[tokio::test(flavor = "multi_thread")]
async fn the_demos_people_are_developers() {
    for preset in [
        "default",
        "common-controls-hub",
        "connected-home",
        "house-check",
        "apicbase",
    ] {
        let demo = Demo::start(preset).await;
        let jane = demo.server.browser_of(DEMO_JANE).await;
        let typed = [("name", "Crew"), ("redirect_uris", REDIRECT_URI)];
        credentials(&register(&jane, &typed).await);
        assert!(
            !jane.open("/developer").await.text().contains("Acme Reports"),
            "{preset}"
        );
    }
}
