//! Developers, members and tokens of one organization used in another (every endpoint has a negative test; API-3).

use crate::harness::{Answer, Browser, JOHN, MARY, Person, REDIRECT_URI, RESOURCE, Server, TENANTS};

const API: &str = r#"
[[resources]]
identifier = "https://api.example"
name = "The API"
secret = "a-secret-of-43-characters-as-hallpass-makes"
"#;
const PARTNER: &str = "https://partner.example/callback";

/// In a suspended organization nobody can register apps or create secrets for its apps.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_organization_gets_no_app_and_no_secret() {
    let server = Server::library("default", TENANTS).await;
    let john = server.browser_of(JOHN).await;
    let app = john.open("/developer/apps/acme-reports").await;
    let new = john.open("/developer/apps/new").await;
    assert_eq!(new.form("redirect_uris").value("organization"), "acme");
    server.command(&["org", "suspend", "acme"]);
    let reset = john.submit(&app, &app.form("reset"), &[("reset", "now")]).await;
    assert_eq!(reset.status, 404, "{}", reset.text());
    let typed = [
        ("name", "Sneaky"),
        ("redirect_uris", REDIRECT_URI),
        ("organization", "acme"),
    ];
    let refused = john.submit(&new, &new.form("redirect_uris"), &typed).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    let offered = john.open("/developer/apps/new").await;
    assert_ne!(offered.form("redirect_uris").value("organization"), "acme");
    server.command(&["org", "resume", "acme"]);
    let acme = server.client("acme-reports", "");
    assert_eq!(acme.client_credentials(&[]).await.status, 200);
    assert!(!john.open("/developer").await.text().contains("Sneaky"));
}

/// The status and the text of a page, without the parts that differ each time.
fn read(answer: &Answer) -> (u16, String) {
    (answer.status, answer.text())
}

/// Another organization's app and settings get exactly the answer for missing ones, for every request and every spelling.
#[tokio::test(flavor = "multi_thread")]
async fn objects_of_another_organization_answer_as_missing_ones() {
    let server = Server::library("default", TENANTS).await;
    let mary = server.browser_of(MARY).await;
    let unknown = read(&mary.open("/developer/apps/nothing").await);
    assert_eq!(unknown.0, 404);
    for path in [
        "/developer/apps/acme-reports",
        "/developer/apps/acme-reports/",
        "/developer/apps/acme%2Dreports",
        "/developer/apps/acme-reports?organization=globex",
        "/developer/apps/globex-trials/../acme-reports",
        "/developer/apps/globex-trials%2f..%2facme-reports",
        "/organizations/acme",
        "/organizations/acme/",
        "/organizations/acme?tab=api",
        "/organizations/%61cme",
        "/organizations/globex/../acme",
        "/organizations/default",
        "/organizations/nowhere",
    ] {
        assert_eq!(read(&mary.open(path).await), unknown, "{path}");
    }
    // Also with the form of her own app.
    let own = mary.open("/developer/apps/globex-trials").await;
    let mut answers = Vec::new();
    for target in [
        "acme-reports",
        "nothing",
        "partner-sync/../acme-reports",
        "acme%2dreports",
    ] {
        let mut form = own.form("reset");
        form.action = form.action.replace("globex-trials", target);
        form.fields.push(("client_id".to_owned(), "globex-trials".to_owned()));
        form.fields.push(("organization".to_owned(), "globex".to_owned()));
        answers.push(read(&mary.submit(&own, &form, &[("reset", "now")]).await));
    }
    assert!(answers.iter().all(|answer| *answer == unknown), "{answers:?}");
    for app in ["acme-reports", "globex-trials"] {
        assert_eq!(
            server.client(app, "").client_credentials(&[]).await.status,
            200,
            "{app}"
        );
    }
}

/// Another organization is refused with the same words as one that does not exist.
#[tokio::test(flavor = "multi_thread")]
async fn registering_for_another_organization_is_refused_as_for_a_missing_one() {
    let server = Server::library("default", TENANTS).await;
    let (john, mary) = (server.browser_of(JOHN).await, server.browser_of(MARY).await);
    let page = mary.open("/developer/apps/new").await;
    let mut refusals = Vec::new();
    for organization in ["acme", "nowhere", "default", "ACME", "globex "] {
        let typed = [
            ("name", "Sneaky"),
            ("redirect_uris", REDIRECT_URI),
            ("organization", organization),
        ];
        refusals.push(read(&mary.submit(&page, &page.form("redirect_uris"), &typed).await));
    }
    assert!(refusals.iter().all(|refusal| *refusal == refusals[0]), "{refusals:?}");
    assert_eq!(refusals[0].0, 400);
    for browser in [&john, &mary] {
        assert!(!browser.open("/developer").await.text().contains("Sneaky"));
    }
}

async fn organization_of(server: &Server, token: &str) -> String {
    let told = server.client(RESOURCE, "").introspect(token).await.json();
    format!("{} {}", told["organization"], told["environment"])
}

/// API-3: a person's token is always for an organization in which the person is a member, whatever the request says.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_only_for_an_organization_of_the_person() {
    let server = Server::library("default", &format!("{TENANTS}{API}")).await;
    let mary = server.browser_of(MARY).await;
    let partner = server.client("partner-sync", PARTNER);
    for more in [
        &[][..],
        &[("organization", "acme")],
        &[
            ("resource", "https://api.example"),
            ("audience", "acme"),
            ("tenant", "acme"),
        ],
    ] {
        let page = mary.authorize(&partner.query(more)).await.consent();
        let form = page.form("decision");
        let typed = [("decision", "allow"), ("organization", "acme")];
        let refused = mary.submit(&page, &form, &typed).await;
        assert_eq!((refused.status, refused.header("location")), (400, ""), "{more:?}");
        let code = mary.decide(&page, "allow").await.callback().code().to_owned();
        let redemption = [&partner.redemption(&code)[..], &[("organization", "acme")]].concat();
        let tokens = partner.token(&redemption).await.tokens();
        assert_eq!(organization_of(&server, &tokens.access).await, "\"globex\" \"sandbox\"");
        let next = partner
            .refresh_with(&tokens.refresh, &[("organization", "acme")])
            .await
            .tokens();
        assert_eq!(organization_of(&server, &next.access).await, "\"globex\" \"sandbox\"");
    }
    // She cannot connect an app of the other organization.
    let acme = server.client("acme-reports", "https://acme.example/callback");
    for more in [&[][..], &[("organization", "globex")]] {
        assert_eq!(mary.authorize(&acme.query(more)).await.page().status, 403);
    }
}

async fn connected_in(browser: &Browser<'_>, server: &Server, organization: &str) -> String {
    let partner = server.client("partner-sync", PARTNER);
    let page = browser.authorize(&partner.query(&[])).await.consent();
    let typed = [("decision", "allow"), ("organization", organization)];
    let answer = browser.submit(&page, &page.form("decision"), &typed).await;
    let code = answer.header("location").split("code=").nth(1).unwrap();
    partner.redeem(code.split('&').next().unwrap()).await.tokens().access
}

/// One person, one app, two organizations: an end in one does not affect the other, and a token stays with its
/// organization.
#[tokio::test(flavor = "multi_thread")]
async fn a_partner_apps_grants_of_two_organizations_are_separate() {
    let two = TENANTS.replace("members = [\"mary@", "members = [\"max@example.com:member\", \"mary@");
    let server = Server::library("default", &format!("{two}{API}")).await;
    let max = server
        .browser_of(Person {
            email: "max@example.com",
            password: "only a member of it",
        })
        .await;
    let acme = connected_in(&max, &server, "acme").await;
    let globex = connected_in(&max, &server, "globex").await;
    assert_eq!(organization_of(&server, &acme).await, "\"acme\" \"live\"");
    assert_eq!(organization_of(&server, &globex).await, "\"globex\" \"sandbox\"");
    server.command(&["org", "remove-member", "acme", "max@example.com"]);
    assert_eq!(server.identity(&acme).await.status, 401);
    assert_eq!(server.identity(&globex).await.status, 200);
    server.command(&["org", "suspend", "globex"]);
    assert_eq!(server.identity(&globex).await.status, 401);
}

/// Mass assignment: a developer can set the fields of the form, and nothing else (the operator sets reach).
#[tokio::test(flavor = "multi_thread")]
async fn fields_that_the_form_does_not_have_are_ignored() {
    let server = Server::library("default", TENANTS).await;
    let mary = server.browser_of(MARY).await;
    let page = mary.open("/developer/apps/new").await;
    let typed = [
        ("name", "Oven"),
        ("redirect_uris", REDIRECT_URI),
        ("reach", "partner"),
        ("status", "suspended"),
        ("client_id", "chosen"),
        ("client_secret", "chosen-by-mary-and-long-enough-to-be-taken-for-one"),
        ("secret", "chosen"),
        ("owner", "1"),
        ("organization_id", "1"),
        ("products", "Everything"),
        ("grant_types", "password"),
        ("dialect", "apigee"),
        ("admin", "true"),
        ("id", "00000000-0000-7000-8000-000000000000"),
    ];
    let made = mary.submit(&page, &page.form("redirect_uris"), &typed).await;
    let id = made.by_id("client-id").unwrap();
    assert_ne!(id, "chosen");
    let app = server.command(&["app", "show", &id]);
    assert_eq!(app["reach"], "own", "{app}");
    assert_eq!(app["status"], "live", "{app}");
    assert_eq!(app["organization"], "globex", "{app}");
    assert_eq!(app["type"], "confidential", "{app}");
    let shown = app.to_string();
    assert!(!shown.contains("Everything") && !shown.contains("password"), "{shown}");
    let chosen = server
        .client(&id, "")
        .with_secret("chosen-by-mary-and-long-enough-to-be-taken-for-one");
    assert_eq!(chosen.client_credentials(&[]).await.status, 401);
}

/// The browser's pages have no administrator: operator actions are possible on the socket only.
#[tokio::test(flavor = "multi_thread")]
async fn no_operator_action_is_possible_at_the_public_address() {
    let server = Server::library("default", TENANTS).await;
    let john = server.browser_of(JOHN).await;
    for path in [
        "/admin",
        "/admin/api/v1/apps",
        "/admin/api/v1/users",
        "/admin/api/v1/organizations/acme",
        "/api/v1/apps",
        "/%61dmin/api/v1/apps",
        "/metrics",
    ] {
        let url = server.at(path);
        for method in [reqwest::Method::GET, reqwest::Method::POST] {
            let request = server.request(method, &url).header("cookie", john.cookies());
            assert_eq!(server.send(&url, request).await.status, 404, "{path}");
        }
    }
}
