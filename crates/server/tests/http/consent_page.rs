//! The consent page distinguishes apps: it shows who made the app, whether the operator reviewed it, and where the answer
//! goes (RFC 8252 §8.1 and §8.6).

use crate::harness::{APPS, Answer, JOHN, Landing, MARY, REDIRECT_URI, Server, TENANTS};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

const MIXED: &str = r#"
[[apps]]
name = "Mixed"
client_id = "mixed"
type = "public"
redirect_uris = [
    "https://mixed.example/cb",
    "http://127.0.0.1/cb",
    "https://mixed.localhost/cb",
    "com.example.mixed:/cb",
    "com.example.mixed://accounts.bank.example/cb",
    "https.bank.example:/cb",
]
"#;

/// A server of the operator's own, on this machine.
const LOCAL: &str = r#"
[[apps]]
name = "Local App"
client_id = "local"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["http://127.0.0.1:9000/cb"]
"#;

async fn page(server: &Server, uri: &str) -> String {
    let mary = server.browser_of(MARY).await;
    let mixed = server.client("mixed", uri).public();
    mary.authorize(&mixed.query(&[])).await.consent().text()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_names_the_website_that_the_answer_goes_to() {
    let server = Server::library("default", &format!("{APPS}{MIXED}")).await;
    let text = page(&server, "https://mixed.example/cb").await;
    assert!(text.contains("You go back to mixed.example"), "{text}");
    assert!(!text.contains("on the device"), "{text}");
}

/// The warning depends on the redirect URI of this request, not on the app's other URIs.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_this_device_carries_a_warning() {
    let server = Server::library("default", &format!("{APPS}{MIXED}")).await;
    for uri in ["http://127.0.0.1:49152/cb", "https://mixed.localhost/cb"] {
        let text = page(&server, uri).await;
        assert!(text.contains("The answer goes to a program on the device"), "{text}");
        assert!(text.contains("You go back to a program on this device"), "{text}");
    }
}

/// Without the app's secret, a code gives nothing to the program that receives it.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_the_operator_declared_with_a_secret_carries_no_such_warning() {
    let local = format!("{APPS}{LOCAL}");
    let server = Server::library("default", &local).await;
    let mary = server.browser_of(MARY).await;
    let local = server.client("local", "http://127.0.0.1:9000/cb");
    let page = mary.authorize(&local.query(&[])).await.consent();
    let text = page.text();
    assert!(text.contains("You go back to a program on this device"), "{text}");
    assert!(!text.contains("The answer goes to a program on the device"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_custom_scheme_is_never_shown_as_a_website() {
    let server = Server::library("default", &format!("{APPS}{MIXED}")).await;
    for (uri, scheme) in [
        ("com.example.mixed:/cb", "com.example.mixed:"),
        ("com.example.mixed://accounts.bank.example/cb", "com.example.mixed:"),
        ("https.bank.example:/cb", "https.bank.example:"),
    ] {
        let text = page(&server, uri).await;
        let warning = format!("through an address that starts with {scheme} and is no website");
        assert!(text.contains(&warning), "{text}");
        assert!(text.contains(&format!("the app that opens {scheme}")), "{text}");
        assert!(!text.contains("accounts.bank.example"), "{text}");
        let bare = text.replace(scheme, "");
        assert!(!bare.contains(scheme.trim_end_matches(':')), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreviewed_app_is_marked_not_reviewed() {
    let server = Server::library("default", TENANTS).await;
    // His role lets him register apps, and makes none of them reviewed.
    server.command(&["user", "change", JOHN.email, "--developer=false"]);
    let john = server.browser_of(JOHN).await;
    let form = john.open("/developer/apps/new?organization=acme").await;
    let typed = [
        ("name", "Crew"),
        ("redirect_uris", REDIRECT_URI),
        ("organization", "acme"),
    ];
    let made = john.submit(&form, &form.form("redirect_uris"), &typed).await;
    let id = made.by_id("client-id").expect("the client ID");
    let max = server.browser_of(MAX).await;
    let crew = server.client(&id, REDIRECT_URI);
    let text = max.authorize(&crew.query(&[])).await.consent().text();
    assert!(
        text.contains("by Acme Kitchens") && text.contains("not reviewed"),
        "{text}"
    );
    assert!(text.contains("Nobody at Hallpass has reviewed this app"), "{text}");
    let declared = server.client("acme-reports", "https://acme.example/callback");
    let text = max.authorize(&declared.query(&[])).await.consent().text();
    assert!(
        text.contains("by Acme Kitchens") && !text.contains("reviewed"),
        "{text}"
    );
}

/// If organizations are hidden, the developer's name tells apps apart.
#[tokio::test(flavor = "multi_thread")]
async fn the_developer_is_shown_as_owner_if_organizations_are_hidden() {
    let server = Server::library("default", APPS).await;
    let mary = server.browser_of(MARY).await;
    let form = mary.open("/developer/apps/new").await;
    let typed = [("name", "Crew"), ("redirect_uris", REDIRECT_URI)];
    let made = mary.submit(&form, &form.form("redirect_uris"), &typed).await;
    let id = made.by_id("client-id").expect("the client ID");
    let john = server.browser_of(JOHN).await;
    let crew = server.client(&id, REDIRECT_URI);
    let page = john.authorize(&crew.query(&[])).await.consent();
    // In Dutch, John's language.
    assert!(page.text().contains("van Mary Major"), "{}", page.text());
    // A declared app without an owner belongs to the operator, whose site this is.
    let declared = server.client("other", "https://other.example/callback");
    let page = john.authorize(&declared.query(&[])).await.consent();
    assert!(page.text().contains("Hallpass other.example"), "{}", page.text());
}

/// Nothing is lost: the page is shown again, with the fault beside the field.
#[tokio::test(flavor = "multi_thread")]
async fn consent_without_an_organization_shows_the_fault_beside_the_field() {
    let server = Server::library("default", TENANTS).await;
    let joined = [Method::PUT, Method::PUT].into_iter().zip(["acme", "globex"]);
    for (method, organization) in joined {
        let path = format!("/organizations/{organization}/members/max@example.com");
        let role = Some(json!({"role": "member"}));
        assert_eq!(server.operator(method, &path, role).await.status, 200);
    }
    let max = server.browser_of(MAX).await;
    let partner = server.client("partner-sync", "https://partner.example/callback");
    let mut page = max.authorize(&partner.query(&[("state", "kept")])).await.consent();
    for chosen in [&[][..], &[("organization", "")], &[("organization", "nowhere")]] {
        let typed = [&[("decision", "allow")], chosen].concat();
        page = max.submit(&page, &page.form("decision"), &typed).await;
        assert_eq!(page.status, 400);
        assert!(
            page.body
                .contains(r#"aria-invalid="true" aria-describedby="organization-why""#),
            "{}",
            page.body
        );
        assert!(
            page.text().contains("For which organization? Choose an organization"),
            "{}",
            page.text()
        );
        let why = page.by_id("organization-why");
        assert_eq!(why.as_deref(), Some("Choose the organization that this is for."));
    }
    let typed = [("decision", "allow"), ("organization", "acme")];
    let landing = Landing::of(max.submit(&page, &page.form("decision"), &typed).await);
    assert_eq!(landing.callback().get("state"), "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_consent_page_keeps_the_chosen_organization() {
    let server = Server::library("default", TENANTS).await;
    let path = "/organizations/globex/members/max@example.com";
    let role = Some(json!({"role": "member"}));
    assert_eq!(server.operator(Method::PUT, path, role).await.status, 200);
    let max = server.browser_of(MAX).await;
    let partner = server.client("partner-sync", "https://partner.example/callback");
    let page = max.authorize(&partner.query(&[])).await.consent();
    server.advance(Duration::from_secs(31 * 60));
    let typed = [("decision", "allow"), ("organization", "globex")];
    let again = max.submit(&page, &page.form("decision"), &typed).await;
    assert!(again.text().contains("this page was open too long"), "{}", again.text());
    assert_eq!(again.form("decision").value("organization"), "globex");
}

/// If a page says "sign in with another account", it has a button for that, which leads back to the same request.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_is_not_a_member_can_switch_accounts() {
    let server = Server::library("default", TENANTS).await;
    let browser = server.browser_of(MARY).await;
    let acme = server.client("acme-reports", "https://acme.example/callback");
    let page = browser.authorize(&acme.query(&[("state", "kept")])).await.page();
    assert_eq!(page.status, 403);
    assert!(page.text().contains("Sign in with another account"), "{}", page.text());
    let switch = |page: &Answer| page.forms().into_iter().find(|form| form.action.ends_with("/switch"));
    let login = browser.submit(&page, &switch(&page).expect("a button"), &[]).await;
    let consent = browser.send_login(&Landing::of(login).login(), MAX).await;
    assert_eq!(browser.decide(&consent, "allow").await.callback().get("state"), "kept");

    // The developer pages have such a button too.
    let page = server.browser_of(MAX).await.open("/developer/apps/new").await;
    assert_eq!(page.status, 403);
    assert!(switch(&page).is_some(), "{}", page.text());
    // The button of another browser's page signs nobody out.
    let john = server.browser_of(JOHN).await;
    john.submit(&page, &switch(&page).unwrap(), &[]).await;
    assert_eq!(
        john.open("/account")
            .await
            .forms()
            .iter()
            .filter(|form| form.has("password"))
            .count(),
        0
    );
}

const MAX: crate::harness::Person = crate::harness::Person {
    email: "max@example.com",
    password: "only a member of it",
};
