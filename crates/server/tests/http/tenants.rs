//! Organizations: an organization's app works with its own people, a partner's app with everybody (API-3).

use crate::harness::{JOHN, MARY, Person, Server, TENANTS};

const MAX: Person = Person {
    email: "max@example.com",
    password: "only a member of it",
};

#[tokio::test(flavor = "multi_thread")]
async fn an_organizations_app_is_connected_by_its_members_whatever_their_role() {
    let server = Server::library("default", TENANTS).await;
    let acme = server.client("acme-reports", "https://acme.example/callback");
    for person in [JOHN, MAX] {
        let browser = server.browser_of(person).await;
        let tokens = acme.connect(&browser).await;
        assert_eq!(server.identity(&tokens.access).await.json()["email"], person.email);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_is_not_a_member_sees_a_page_and_the_app_gets_nothing() {
    let server = Server::library("default", TENANTS).await;
    let mary = server.browser_of(MARY).await;
    let acme = server.client("acme-reports", "https://acme.example/callback");
    let page = mary.authorize(&acme.query(&[])).await.page();
    assert_eq!(page.status, 403);
    assert!(
        page.text().contains("Acme Reports works only in Acme Kitchens"),
        "{}",
        page.text()
    );
    assert!(
        page.body.contains("https://acme.example/callback?error=access_denied"),
        "and there is a way back, on which the app learns of it: {}",
        page.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partners_app_is_connected_by_everybody_each_for_their_own_organization() {
    let server = Server::library("default", TENANTS).await;
    let partner = server.client("partner-sync", "https://partner.example/callback");
    for (person, organization) in [
        (JOHN, "Acme Kitchens"),
        (MAX, "Acme Kitchens"),
        (MARY, "Globex Test Kitchen"),
    ] {
        let browser = server.browser_of(person).await;
        let page = browser.authorize(&partner.query(&[])).await.consent();
        assert!(page.text().contains(organization), "{}", page.text());
        let code = browser.decide(&page, "allow").await.callback().code().to_owned();
        assert_eq!(partner.redeem(&code).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_organizations_no_page_mentions_them() {
    let server = Server::library("default", crate::harness::APPS).await;
    let mary = server.browser_of(MARY).await;
    let sample = server.client("sample", crate::harness::REDIRECT_URI);
    let consent = mary.authorize(&sample.query(&[])).await.consent();
    assert!(!consent.form("decision").has("organization"));
    sample.connect(&mary).await;
    for path in ["/account", "/account/apps", "/developer", "/developer/apps/sample"] {
        let text = mary.open(path).await.text().to_lowercase();
        assert!(
            !text.contains("organization") && !text.contains("in default"),
            "{path}: {text}"
        );
    }
    assert_eq!(mary.open("/organizations/default").await.status, 404);
}
