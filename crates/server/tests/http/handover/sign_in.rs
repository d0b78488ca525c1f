//! The way of a person: to the site, back, consent, token.

use super::{authorize, server, server_with};
use crate::harness::{JOHN, Landing, REDIRECT_URI, Site, ann, parameter};
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_the_site_connects_an_app() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let sent = site
        .sent_from(&browser, &authorize(&server, &[("state", "a b&c")]))
        .await;
    assert_eq!(parameter(&sent, "from"), "hallpass", "the site's own parameter stays");
    let request = Site::request_in(&sent);
    assert!(request.len() <= 2_000, "{}", request.len());
    let back = site.accept(&request, ann()).await;
    let page = Landing::of(browser.open(&back).await).consent();
    assert!(
        page.text().contains("Ann Site") && page.text().contains("ann@site.example"),
        "{}",
        page.text()
    );
    assert!(!page.url.as_str().contains("value="), "{}", page.url);
    let callback = browser.decide(&page, "allow").await.callback();
    assert_eq!(callback.get("state"), "a b&c");
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.redeem(callback.code()).await.tokens();
    assert_eq!(server.identity(&tokens.access).await.json()["sub"], "4711");
    let of_site = server.sql("SELECT action FROM audit_events WHERE actor = 'site' ORDER BY action");
    assert_eq!(
        of_site.split_whitespace().collect::<Vec<_>>(),
        ["member_set", "user_created"]
    );
    assert!(
        server
            .sql("SELECT detail FROM audit_events WHERE action = 'signed_in'")
            .contains("site")
    );
    sample.refresh(&tokens.refresh).await.tokens();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_site_is_asked_at_each_authorization_request() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    site.sign_in(&browser, &authorize(&server, &[]), ann()).await.consent();
    // A session of this browser, or an own account, does not stand in for the site.
    site.sent_from(&browser, &authorize(&server, &[])).await;
    let own = server.browser_of(JOHN).await;
    site.sent_from(&own, &authorize(&server, &[])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_sign_in_finds_the_same_person_and_updates_them() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    site.sign_in(&browser, &authorize(&server, &[]), ann()).await.consent();
    let before = server.command(&["user", "show", "4711", "--json"]);
    let renamed = json!({ "subject": "4711", "name": "Ann Other" });
    let page = site
        .sign_in(&browser, &authorize(&server, &[]), renamed)
        .await
        .consent();
    assert!(
        page.text().contains("Ann Other") && page.text().contains("ann@site.example"),
        "{}",
        page.text()
    );
    let after = server.command(&["user", "show", "4711", "--json"]);
    assert_eq!(before["id"], after["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_message_signs_in_and_changes_nothing() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    site.sign_in(&browser, &authorize(&server, &[]), ann()).await.consent();
    let stale = json!({ "subject": "4711", "name": "Ann Before", "as_of": 1_700_000_000_000_i64 });
    let page = site.sign_in(&browser, &authorize(&server, &[]), stale).await.consent();
    assert!(page.text().contains("Ann Site"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_person_is_denied_and_stays_suspended() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    site.sign_in(&browser, &authorize(&server, &[]), ann()).await.consent();
    server.command(&["user", "suspend", "4711", "--json"]);
    let callback = site
        .sign_in(&browser, &authorize(&server, &[("state", "s")]), ann())
        .await
        .callback();
    assert_eq!((callback.get("error"), callback.get("state")), ("access_denied", "s"));
    let page = site.sign_in(&browser, "/account", ann()).await.page();
    assert!(page.text().contains("Your access here is suspended"), "{}", page.text());
    assert_eq!(
        server.command(&["user", "show", "4711", "--json"])["status"],
        "suspended"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_site_refuses_with_words_or_without() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    for error in ["access_denied", "login_required"] {
        let callback = site
            .sign_in(
                &browser,
                &authorize(&server, &[("state", "s")]),
                json!({ "error": error }),
            )
            .await;
        let callback = callback.callback();
        assert_eq!((callback.get("error"), callback.get("state")), (error, "s"));
    }
    let refusal = json!({ "error": "access_denied", "message": "Children <b>cannot</b> connect apps." });
    let page = site
        .sign_in(&browser, &authorize(&server, &[("state", "s")]), refusal.clone())
        .await
        .page();
    assert!(
        page.text().contains("Children <b>cannot</b> connect apps."),
        "{}",
        page.text()
    );
    assert!(
        page.body.contains("error=access_denied") && page.body.contains("state=s"),
        "{}",
        page.body
    );
    let page = site.sign_in(&browser, "/account/apps", refusal).await.page();
    assert!(page.text().contains("Children"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_sign_in_is_asked_for_and_enforced() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let now = 1_767_225_600; // The clock of the tests.
    for more in [[("prompt", "login")], [("prompt", "select_account")]] {
        let sent = site.sent_from(&browser, &authorize(&server, &more)).await;
        assert_eq!(parameter(&sent, "after"), now.to_string());
        assert_eq!(parameter(&sent, "prompt"), "");
    }
    let with = |seconds: Option<i64>| {
        let mut person = ann();
        person["auth_time"] = seconds.into();
        person
    };
    // Nothing said, too old, in the future.
    for auth_time in [None, Some(now - 31), Some(now + 31)] {
        let page = site
            .sign_in(&browser, &authorize(&server, &[("prompt", "login")]), with(auth_time))
            .await
            .page();
        assert!(
            page.text().contains("You are still signed in there as Ann Site"),
            "{}",
            page.text()
        );
        assert!(page.body.contains("https://www.example.com/logout"), "{}", page.body);
    }
    for auth_time in [now - 30, now, now + 30] {
        site.sign_in(
            &browser,
            &authorize(&server, &[("prompt", "login")]),
            with(Some(auth_time)),
        )
        .await
        .consent();
    }
    let sent = site
        .sent_from(&browser, &authorize(&server, &[("max_age", "600")]))
        .await;
    assert_eq!(parameter(&sent, "after"), (now - 600).to_string());
    let callback = site
        .sign_in(
            &browser,
            &authorize(&server, &[("max_age", "600")]),
            with(Some(now - 700)),
        )
        .await;
    assert_eq!(callback.callback().get("error"), "login_required");
    site.sign_in(
        &browser,
        &authorize(&server, &[("max_age", "600")]),
        with(Some(now - 500)),
    )
    .await
    .consent();
    // Without a demand, any sign-in is good.
    site.sign_in(&browser, &authorize(&server, &[]), with(Some(1)))
        .await
        .consent();
}

#[tokio::test(flavor = "multi_thread")]
async fn prompt_none_never_reaches_the_site() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let none = authorize(&server, &[("prompt", "none"), ("state", "s")]);
    let asked = async || {
        Landing::of(browser.open(&none).await)
            .callback()
            .get("error")
            .to_owned()
    };
    assert_eq!(asked().await, "login_required");
    site.sign_in(&browser, &authorize(&server, &[]), ann()).await.consent();
    assert_eq!(asked().await, "consent_required");
    server.advance(Duration::from_secs(601));
    assert_eq!(asked().await, "login_required");
    let own = server.browser_of(JOHN).await;
    assert_eq!(
        Landing::of(own.open(&none).await).callback().get("error"),
        "login_required"
    );
    let both = authorize(&server, &[("prompt", "none login")]);
    assert_eq!(
        Landing::of(browser.open(&both).await).callback().get("error"),
        "invalid_request"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn prompt_none_is_answered_without_a_site_too() {
    let server = crate::harness::Server::library("default", crate::harness::APPS).await;
    let none = authorize(&server, &[("prompt", "none")]);
    let stranger = server.browser();
    assert_eq!(
        Landing::of(stranger.open(&none).await).callback().get("error"),
        "login_required"
    );
    let john = server.browser_of(JOHN).await;
    assert_eq!(
        Landing::of(john.open(&none).await).callback().get("error"),
        "consent_required"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn not_you_asks_the_site_for_another_person() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let page = site.sign_in(&browser, &authorize(&server, &[]), ann()).await.consent();
    let switch = page
        .forms()
        .into_iter()
        .find(|form| form.action == "/switch")
        .expect("not you?");
    let sent = Landing::of(browser.submit(&page, &switch, &[]).await).callback();
    assert_eq!(sent.get("after"), "1767225600", "{}", sent.address);
    let bob = json!({ "subject": "8", "name": "Bob", "auth_time": 1_767_225_601 });
    let back = site.accept(sent.get("handover"), bob).await;
    let page = Landing::of(browser.open(&back).await).consent();
    assert!(page.text().contains("Bob"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_person_in_another_tab_never_continues_as_the_last_one() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let first = site.sent_from(&browser, &authorize(&server, &[])).await;
    let first_back = site.accept(&Site::request_in(&first), ann()).await;
    let of_ann = Landing::of(browser.open(&first_back).await).consent();
    let bob = json!({ "subject": "8", "name": "Bob" });
    let of_bob = site.sign_in(&browser, &authorize(&server, &[]), bob).await.consent();
    // Ann's page leads to the site again. Nothing was granted.
    let sent = browser.decide(&of_ann, "allow").await.callback();
    assert!(
        sent.address.starts_with("https://www.example.com/connect/"),
        "{}",
        sent.address
    );
    // Her page, loaded once more, does not show Bob.
    let reloaded = browser.open(&of_ann.url[url::Position::BeforePath..]).await;
    assert!(
        reloaded.text().contains("You are no longer signed in"),
        "{}",
        reloaded.text()
    );
    let callback = browser.decide(&of_bob, "allow").await.callback();
    let tokens = server
        .client("sample", REDIRECT_URI)
        .redeem(callback.code())
        .await
        .tokens();
    assert_eq!(server.identity(&tokens.access).await.json()["sub"], "8");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_organization_of_the_moment_is_preselected() {
    let partner = r#"
[[apps]]
name = "Partner App"
client_id = "partner"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://partner.example/callback"]
reach = "partner"
"#;
    let server = server_with(partner).await;
    let (site, browser) = (Site::new(&server), server.browser());
    let path = format!(
        "/oauth/authorize?{}",
        server.client("partner", "https://partner.example/callback").query(&[])
    );
    let person = json!({ "subject": "1", "name": "Ann", "organizations": [
        { "id": "10", "name": "First Kitchen", "role": "owner" }, { "id": "20", "name": "Second Kitchen", "role": "chef" } ] });
    let page = site.sign_in(&browser, &path, person).await.consent();
    assert!(
        page.text().contains("First Kitchen") && page.text().contains("Second Kitchen"),
        "{}",
        page.text()
    );
    let working = json!({ "subject": "1", "organization": { "id": "20" } });
    let page = site.sign_in(&browser, &path, working).await.consent();
    let form = page.form("decision");
    assert!(
        page.text().contains("First Kitchen"),
        "the other one stays: {}",
        page.text()
    );
    let user = server.command(&["user", "show", "1", "--json"]);
    let roles: Vec<_> = user["memberships"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["role"].clone())
        .collect();
    assert_eq!(roles.len(), 2, "{user}");
    assert!(
        roles.contains(&json!("owner")) && roles.contains(&json!("member")),
        "{user}"
    );
    let chosen = form.value("organization");
    assert!(!chosen.is_empty(), "{form:?}");
    // The whole list ends the other membership; an empty one ends all.
    let one = json!({ "subject": "1", "organizations": [{ "id": "20" }] });
    let page = site.sign_in(&browser, &path, one).await.consent();
    assert!(!page.text().contains("First Kitchen"), "{}", page.text());
    let none = json!({ "subject": "1", "organizations": [] });
    let page = site.sign_in(&browser, &path, none).await.page();
    assert!(
        page.text().contains("You are not in an organization yet"),
        "{}",
        page.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn identity_gives_the_sites_own_number() {
    let server = server_with("[wire]\nidentity = [\"sub\", \"id\"]").await;
    let (site, sample) = (Site::new(&server), server.client("sample", REDIRECT_URI));
    for (subject, id) in [
        ("4711", json!(4711)),
        ("0", json!(0)),
        ("9007199254740991", json!(9_007_199_254_740_991_u64)),
        ("9007199254740992", json!(null)),
        ("007", json!(null)),
        ("+7", json!(null)),
        ("ann", json!(null)),
    ] {
        let browser = server.browser();
        let page = site
            .sign_in(&browser, &authorize(&server, &[]), json!({ "subject": subject }))
            .await
            .consent();
        let callback = browser.decide(&page, "allow").await.callback();
        let tokens = sample.redeem(callback.code()).await.tokens();
        let identity = server.identity(&tokens.access).await.json();
        assert_eq!(
            (&identity["sub"], &identity["id"]),
            (&json!(subject), &id),
            "{identity}"
        );
        assert_eq!(
            identity.as_object().unwrap().contains_key("id"),
            !id.is_null(),
            "{identity}"
        );
    }
}
