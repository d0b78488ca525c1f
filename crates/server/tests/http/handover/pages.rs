//! The pages of a person whom the site signed in.

use super::{authorize, server, server_with};
use crate::harness::{JOHN, Landing, Site, ann};
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_about_the_account_ask_the_site() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let page = site.sign_in(&browser, "/account/apps?after=1", ann()).await.page();
    assert_eq!(page.url.path(), "/account/apps");
    assert_eq!(browser.open("/account").await.status, 200);
    assert_eq!(browser.open("/developer").await.status, 200);
    server.advance(Duration::from_secs(600));
    site.sent_from(&browser, "/account").await;
    Landing::of(browser.open("/developer").await).login();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_can_still_be_sent_after_the_session() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let consent = site.sign_in(&browser, &authorize(&server, &[]), ann()).await.consent();
    server.advance(Duration::from_secs(15 * 60));
    let callback = browser.decide(&consent, "allow").await.callback();
    server
        .client("sample", crate::harness::REDIRECT_URI)
        .redeem(callback.code())
        .await
        .tokens();
    // The page about connected apps: after the form's own time nothing is done, and the page says so.
    let page = site.sign_in(&browser, "/account/apps", ann()).await.page();
    server.advance(Duration::from_secs(3_600));
    let form = page.form("end");
    let sent = Landing::of(browser.submit(&page, &form, &[("end", "1")]).await).callback();
    let back = site.accept(sent.get("handover"), ann()).await;
    let page = Landing::of(browser.open(&back).await).page();
    assert!(page.text().contains("Nothing was done"), "{}", page.text());
    assert!(
        page.forms().iter().any(|form| form.has("end")),
        "the app is still connected"
    );
}

/// The page of an organization's own grants comes back on the same tab.
#[tokio::test(flavor = "multi_thread")]
async fn an_organizations_form_comes_back_to_its_tab_after_the_session() {
    let server = server_with(ROBOT).await;
    let (site, browser) = (Site::new(&server), server.browser());
    let mut owner = ann();
    owner["organization"] = json!({ "id": "10", "name": "Bakery", "role": "owner" });
    let robot = server.client("robot", "https://robot.example/callback");
    let address = format!("/oauth/authorize?{}", robot.query(&[("scope", "read")]));
    let consent = site.sign_in(&browser, &address, owner.clone()).await.consent();
    let callback = browser.decide(&consent, "allow").await.callback();
    robot.redeem(callback.code()).await.tokens();
    let slug = server.sql("SELECT slug FROM organizations WHERE external_id = '10'");
    let place = format!("/organizations/{}?tab=apps", slug.trim());
    let page = browser.open(&place).await;
    server.advance(Duration::from_secs(3_600));
    let form = page.form("end");
    let sent = Landing::of(browser.submit(&page, &form, &[("end", "1")]).await).callback();
    let back = site.accept(sent.get("handover"), owner).await;
    let page = Landing::of(browser.open(&back).await).page();
    assert!(page.text().contains("Nothing was done"), "{}", page.text());
    assert!(page.forms().iter().any(|form| form.has("end")), "{}", page.text());
}

const ROBOT: &str = r#"
[[apps]]
name = "Robot"
client_id = "robot"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://robot.example/callback"]
reach = "partner"
acts_as = "organization"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn own_accounts_have_their_form_with_a_button_to_the_site() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    for page in ["/login", "/developer"] {
        let login = Landing::of(browser.open(page).await).login();
        assert!(
            login.text().contains("Sign in with your account at example.com"),
            "{}",
            login.text()
        );
    }
    let login = Landing::of(browser.open("/developer").await).login();
    let begin = "/handover/begin?place=%2Fdeveloper";
    assert!(login.body.contains(begin), "{}", login.body);
    let page = site.sign_in(&browser, begin, ann()).await.page();
    assert_eq!(page.url.path(), "/developer");
    // Own people open their pages by password.
    let john = server.browser_of(JOHN).await;
    assert_eq!(john.open("/account").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_leads_nowhere_else() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    for place in [
        "https://evil.example/",
        "//evil.example/account",
        "/account/../logout",
        "/accounts",
        "/oauth/authorize",
        "/account\\@evil.example",
        "/login",
        "",
    ] {
        let begin = format!("/handover/begin?{}", crate::harness::encoded(&[("place", place)]));
        let page = site.sign_in(&browser, &begin, ann()).await.page();
        assert_eq!(page.url.path(), "/account", "{place}");
        let sign_out = page
            .forms()
            .into_iter()
            .find(|form| form.action == "/logout")
            .expect("signed in");
        browser.submit(&page, &sign_out, &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_out_goes_on_at_the_site() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let page = site.sign_in(&browser, "/account", ann()).await.page();
    let sign_out = page
        .forms()
        .into_iter()
        .find(|form| form.action == "/logout")
        .expect("a sign-out");
    let left = Landing::of(browser.submit(&page, &sign_out, &[]).await).callback();
    assert_eq!(left.address, "https://www.example.com/logout");
    site.sent_from(&browser, "/account").await;
    // Own people stay here.
    let john = server.browser_of(JOHN).await;
    let page = john.open("/account").await;
    let sign_out = page
        .forms()
        .into_iter()
        .find(|form| form.action == "/logout")
        .expect("a sign-out");
    assert_eq!(john.submit(&page, &sign_out, &[]).await.url.path(), "/");
}
