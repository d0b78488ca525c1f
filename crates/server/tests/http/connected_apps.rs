//! Connected apps (decision 1): the button ends all access at once, and only the person's own.

use crate::harness::{APPS, Answer, Browser, JOHN, MARY, REDIRECT_URI, Server};
use std::time::Duration;

async fn end(browser: &Browser<'_>) -> Answer {
    let page = browser.open("/account/apps").await;
    browser.submit(&page, &page.form("end"), &[("end", "1")]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn ending_refuses_access_refresh_and_code_at_once() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let first = sample.connect(&john).await;
    let second = sample.refresh(&first.refresh).await.tokens();
    let another = sample.connect(&john).await;
    let code = sample.code(&john, &[]).await;
    let page = end(&john).await;
    assert_eq!(page.status, 200);
    for tokens in [&first, &second, &another] {
        assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
        assert_eq!(sample.introspect(&tokens.access).await.json()["active"], false);
        assert_eq!(sample.refresh(&tokens.refresh).await.refusal(), "400 invalid_grant");
    }
    assert_eq!(sample.redeem(&code).await.refusal(), "400 invalid_grant");
    assert!(page.forms().iter().all(|form| !form.has("end")));
}

/// A code that was not redeemed yet gives access as well.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_with_an_unredeemed_code_can_be_ended() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    sample.connect(&john).await;
    let code = sample.code(&john, &[]).await;
    end(&john).await;
    assert_eq!(sample.redeem(&code).await.refusal(), "400 invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_stays_listed_and_can_be_ended_when_its_access_token_has_expired() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    server.advance(Duration::from_secs(3 * 3600));
    end(&john).await;
    assert_eq!(sample.refresh(&tokens.refresh).await.refusal(), "400 invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_app_scopes_and_date_of_each_connection() {
    let server = Server::library("default", APPS).await;
    let mary = server.browser_of(MARY).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect_with(&mary, &[("scope", "read")]).await;
    let before = mary.open("/account/apps").await.text();
    for expected in ["Sample App", "since 1 Jan 2026", "Read your things"] {
        assert!(before.contains(expected), "{expected}: {before}");
    }
    assert!(!before.contains("Change your things"));
    server.advance(Duration::from_secs(600));
    server.identity(&tokens.access).await;
    server.advance(Duration::from_secs(120));
    let after = mary.open("/account/apps").await.text();
    assert!(after.contains("last used 2 minutes ago"), "{after}");
    let ended = end(&mary).await.text();
    assert!(ended.contains("Sample App has no access any more"), "{ended}");
    assert!(ended.contains("by you"), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ending_one_app_leaves_the_others_and_other_people() {
    let server = Server::library("default", APPS).await;
    let (john, mary) = (server.browser_of(JOHN).await, server.browser_of(MARY).await);
    let sample = server.client("sample", REDIRECT_URI);
    let other = server.client("other", "https://other.example/callback");
    let of_john = (sample.connect(&john).await, other.connect(&john).await);
    let of_mary = sample.connect(&mary).await;
    let page = john.open("/account/apps").await;
    let sample_form = page
        .body
        .split("<article")
        .position(|article| article.contains("Sample App"))
        .expect("the app is listed");
    let forms: Vec<_> = page.forms().into_iter().filter(|form| form.has("end")).collect();
    john.submit(&page, &forms[sample_form - 1], &[("end", "1")]).await;
    assert_eq!(server.identity(&of_john.0.access).await.status, 401);
    assert_eq!(server.identity(&of_john.1.access).await.status, 200);
    assert_eq!(server.identity(&of_mary.access).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_persons_access_cannot_be_ended() {
    let server = Server::library("default", APPS).await;
    let (john, mary) = (server.browser_of(JOHN).await, server.browser_of(MARY).await);
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    sample.connect(&mary).await;
    let of_john = john.open("/account/apps").await;
    let of_mary = mary.open("/account/apps").await;
    let (john_form, mary_form) = (of_john.form("end"), of_mary.form("end"));
    // John's form in Mary's browser, her own state in his form, and a browser where nobody is signed in.
    mary.submit(&of_john, &john_form, &[("end", "1")]).await;
    let mixed = [("end", "1"), ("state", mary_form.value("state"))];
    server.browser().submit(&of_john, &john_form, &[("end", "1")]).await;
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    mary.submit(&of_john, &john_form, &mixed).await;
    assert_eq!(server.identity(&tokens.access).await.status, 200, "hers ended, not his");
    assert_eq!(sample.refresh(&tokens.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_from_another_site_or_a_stale_one_ends_nothing() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let tokens = server.client("sample", REDIRECT_URI).connect(&john).await;
    let page = john.open("/account/apps").await;
    let form = page.form("end");
    for origin in ["https://evil.example", "null"] {
        let answer = john.submit_from(&page, &form, &[("end", "1")], Some(origin)).await;
        assert_eq!(answer.status, 403);
    }
    john.submit_from(&page, &form, &[("end", "1"), ("state", "AAAA")], None)
        .await;
    john.submit(&page, &form, &[]).await;
    server.advance(Duration::from_secs(31 * 60));
    john.submit(&page, &form, &[("end", "1")]).await;
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    end(&john).await;
    assert_eq!(server.identity(&tokens.access).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_app_may_be_connected_again() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let before = sample.connect(&john).await;
    end(&john).await;
    let after = sample.connect(&john).await;
    assert_eq!(server.identity(&after.access).await.status, 200);
    assert_eq!(server.identity(&before.access).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_ended_by_a_replay_is_shown_to_the_person() {
    let server = Server::library("default", APPS).await;
    let mary = server.browser_of(MARY).await;
    let sample = server.client("sample", REDIRECT_URI);
    let code = sample.code(&mary, &[]).await;
    sample.redeem(&code).await;
    sample.redeem(&code).await;
    let first = sample.connect(&mary).await;
    let second = sample.refresh(&first.refresh).await.tokens();
    sample.refresh(&second.refresh).await;
    sample.refresh(&first.refresh).await;
    let text = mary.open("/account/apps").await.text();
    assert!(text.contains("because its code was used a second time"), "{text}");
    assert!(text.contains("because an old refresh token was used again"), "{text}");
}
