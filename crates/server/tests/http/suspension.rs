//! What an operator stops is refused at once, and goes on where it is resumed (DESIGN §5: a check of a token looks at the
//! status of its app, person and organization).

use crate::harness::{APPS, Browser, Client, JOHN, MARY, Person, REDIRECT_URI, Server, TENANTS, Tokens};

const MAX: Person = Person {
    email: "max@example.com",
    password: "only a member of it",
};

async fn is_logged_in(browser: &Browser<'_>) -> bool {
    let forms = browser.open("/account").await.forms();
    forms.iter().all(|form| !form.has("password"))
}

async fn assert_inactive(client: &Client<'_>, tokens: &Tokens) {
    for token in [&tokens.access, &tokens.refresh] {
        assert_eq!(client.introspect(token).await.json()["active"], false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_app_gets_nothing_and_nobody_is_sent_to_it() {
    let server = Server::binary("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let (tokens, own) = (
        sample.connect(&john).await,
        sample.client_credentials(&[]).await.tokens(),
    );
    let page = john.authorize(&sample.query(&[])).await.consent();
    let code = sample.code(&john, &[]).await;

    server.command(&["app", "suspend", "sample"]);
    assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
    for answer in [
        sample.refresh(&tokens.refresh).await,
        sample.redeem(&code).await,
        sample.client_credentials(&[]).await,
        sample.introspect(&own.access).await,
    ] {
        assert_eq!(answer.refusal(), "401 invalid_client");
    }
    let api = server.client(crate::harness::RESOURCE, "");
    for token in [&tokens.access, &own.access] {
        assert_eq!(api.introspect(token).await.json()["active"], false);
    }
    for browser in [&john, &server.browser()] {
        let refused = browser.authorize(&sample.query(&[])).await.page();
        assert_eq!((refused.status, refused.header("location")), (400, ""));
    }
    assert_eq!(john.decide(&page, "allow").await.page().status, 400);

    server.command(&["app", "resume", "sample"]);
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    assert_eq!(sample.refresh(&tokens.refresh).await.status, 200);
    assert_eq!(sample.redeem(&code).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_person_is_signed_out_and_their_apps_are_refused() {
    let server = Server::binary("default", APPS).await;
    let (john, mary) = (server.browser_of(JOHN).await, server.browser_of(MARY).await);
    let sample = server.client("sample", REDIRECT_URI);
    let (of_john, of_mary) = (sample.connect(&john).await, sample.connect(&mary).await);
    let code = sample.code(&john, &[]).await;

    server.command(&["user", "suspend", JOHN.email]);
    assert!(!is_logged_in(&john).await);
    assert_eq!(server.identity(&of_john.access).await.refusal(), "401 invalid_token");
    assert_inactive(&sample, &of_john).await;
    assert_eq!(sample.refresh(&of_john.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(sample.redeem(&code).await.refusal(), "400 invalid_grant");
    let (refused, unknown) = (
        server.browser().log_in(JOHN).await,
        server
            .browser()
            .log_in(Person {
                email: "nobody@example.com",
                ..JOHN
            })
            .await,
    );
    assert_eq!((refused.status, refused.text()), (401, unknown.text()));
    assert!(is_logged_in(&mary).await);
    assert_eq!(server.identity(&of_mary.access).await.status, 200);

    server.command(&["user", "resume", JOHN.email]);
    assert_eq!(sample.refresh(&of_john.refresh).await.status, 200);
    assert!(is_logged_in(&server.browser_of(JOHN).await).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_organization_gives_no_data_and_its_apps_work_nowhere() {
    let server = Server::binary("default", TENANTS).await;
    let (john, mary) = (server.browser_of(JOHN).await, server.browser_of(MARY).await);
    let acme = server.client("acme-reports", "https://acme.example/callback");
    let partner = server.client("partner-sync", "https://partner.example/callback");
    let (of_acme, of_partner) = (acme.connect(&john).await, partner.connect(&john).await);
    let elsewhere = partner.connect(&mary).await;
    let code = partner.code(&john, &[]).await;

    server.command(&["org", "suspend", "acme"]);
    for tokens in [&of_acme, &of_partner] {
        assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
    }
    assert_eq!(acme.refresh(&of_acme.refresh).await.refusal(), "401 invalid_client");
    assert_eq!(
        partner.refresh(&of_partner.refresh).await.refusal(),
        "400 invalid_grant"
    );
    assert_eq!(partner.redeem(&code).await.refusal(), "400 invalid_grant");
    assert_inactive(&partner, &of_partner).await;
    assert_eq!(server.identity(&elsewhere.access).await.status, 200);

    server.command(&["org", "resume", "acme"]);
    assert_eq!(server.identity(&of_acme.access).await.status, 200);
    assert_eq!(partner.refresh(&of_partner.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_an_organization_takes_their_grants_along() {
    let server = Server::binary("default", TENANTS).await;
    let (john, max) = (server.browser_of(JOHN).await, server.browser_of(MAX).await);
    let acme = server.client("acme-reports", "https://acme.example/callback");
    let (of_john, of_max) = (acme.connect(&john).await, acme.connect(&max).await);
    let code = acme.code(&max, &[]).await;

    server.command(&["org", "remove-member", "acme", MAX.email]);
    assert_eq!(server.identity(&of_max.access).await.refusal(), "401 invalid_token");
    assert_eq!(acme.refresh(&of_max.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(acme.redeem(&code).await.refusal(), "400 invalid_grant");
    assert_inactive(&acme, &of_max).await;
    assert_eq!(max.authorize(&acme.query(&[])).await.page().status, 403);
    assert_eq!(server.identity(&of_john.access).await.status, 200);

    // Coming back is no way to get them back.
    server.command(&["org", "set-member", "acme", MAX.email, "member"]);
    assert_eq!(acme.refresh(&of_max.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(server.identity(&acme.connect(&max).await.access).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_is_no_longer_a_developer_manages_nothing_more() {
    let server = Server::binary("default", TENANTS).await;
    let mary = server.browser_of(MARY).await;
    let page = mary.open("/developer/apps/globex-trials").await;
    server.command(&["org", "set-member", "globex", MARY.email, "member"]);
    let refused = mary.submit(&page, &page.form("reset"), &[("reset", "now")]).await;
    assert_eq!(refused.status, 404, "{}", refused.text());
    assert_eq!(mary.open("/developer/apps/globex-trials").await.status, 404);
    let globex = server.client("globex-trials", "");
    assert_eq!(globex.client_credentials(&[]).await.status, 200);
}
