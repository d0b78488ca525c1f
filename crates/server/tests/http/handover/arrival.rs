//! The return from the site: once, within a minute, in the browser that began.

use super::{authorize, server};
use crate::harness::{Landing, Site, ann};
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn another_browser_spends_the_answer_and_signs_nobody_in() {
    let server = server().await;
    let site = Site::new(&server);
    let (attacker, victim) = (server.browser(), server.browser());
    let sent = site.sent_from(&attacker, &authorize(&server, &[])).await;
    // The victim is signed in at the site and opens the attacker's link there.
    let back = site.accept(&Site::request_in(&sent), ann()).await;
    for cookies in [false, true] {
        if cookies {
            victim.open("/login").await;
        }
        let page = Landing::of(victim.open(&back).await).page();
        assert!(page.text().contains("begun in another browser"), "{}", page.text());
        assert!(page.text().contains("nothing happened"), "{}", page.text());
        assert_eq!((page.status, page.header("referrer-policy")), (400, "no-referrer"));
    }
    assert!(!victim.cookies().contains("hallpass="), "{}", victim.cookies());
    // For the attacker it is spent as well.
    let page = Landing::of(attacker.open(&back).await).page();
    assert!(page.text().contains("This sign-in was used already"), "{}", page.text());
    let again = site
        .post(&json!({ "handover": Site::request_in(&sent), "subject": "4711" }))
        .await;
    assert_eq!(again.json()["state"], "spent");
    let events = server.sql("SELECT actor, action FROM audit_events WHERE action LIKE 'sign%'");
    assert_eq!(events.matches("sign_in_refused").count(), 1, "{events}");
    assert!(!events.contains("signed_in"), "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_works_once_and_for_a_minute() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let sent = site.sent_from(&browser, &authorize(&server, &[])).await;
    let back = site.accept(&Site::request_in(&sent), ann()).await;
    server.advance(Duration::from_secs(60));
    let page = Landing::of(browser.open(&back).await).page();
    assert!(
        page.text().contains("This link does not work any more"),
        "{}",
        page.text()
    );
    assert!(
        page.body.contains("/handover/begin?handover="),
        "it offers to start again: {}",
        page.body
    );
    // The site may answer again, within the hour.
    let back = site.accept(&Site::request_in(&sent), ann()).await;
    let consent = Landing::of(browser.open(&back).await).consent();
    // Back and reload lead on.
    assert_eq!(Landing::of(browser.open(&back).await).consent().status, 200);
    let form = consent.forms().into_iter().find(|form| form.action == "/logout");
    assert!(form.is_none(), "the consent page has no sign-out");
    let other = server.browser();
    other.set_cookies(&browser.cookies().replace("hallpass", "hallpass-x"));
    let page = Landing::of(other.open(&back).await).page();
    assert!(page.text().contains("nothing happened"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn head_spends_nothing() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let sent = site.sent_from(&browser, &authorize(&server, &[])).await;
    let back = site.accept(&Site::request_in(&sent), ann()).await;
    let url = server.at(&back);
    for cookies in ["", &browser.cookies()] {
        let head = server.request(reqwest::Method::HEAD, &url).header("cookie", cookies);
        let answer = server.send(&url, head).await;
        assert_eq!((answer.status, answer.header("location")), (200, ""));
    }
    Landing::of(browser.open(&back).await).consent();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_message_gets_the_same_address_and_another_replaces_it() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let sent = site.sent_from(&browser, &authorize(&server, &[])).await;
    let request = Site::request_in(&sent);
    let first = site.accept(&request, ann()).await;
    server.advance(Duration::from_secs(59));
    assert_eq!(site.accept(&request, ann()).await, first);
    let second = site.accept(&request, json!({ "subject": "8", "name": "Bob" })).await;
    assert_ne!(first, second);
    let page = Landing::of(browser.open(&first).await).page();
    assert!(
        page.text().contains("This link does not work any more"),
        "{}",
        page.text()
    );
    let page = Landing::of(browser.open(&second).await).consent();
    assert!(page.text().contains("Bob"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_value_spends_nothing() {
    let server = server().await;
    let (site, browser, stranger) = (Site::new(&server), server.browser(), server.browser());
    let sent = site.sent_from(&browser, &authorize(&server, &[])).await;
    let request = Site::request_in(&sent);
    let back = site.accept(&request, ann()).await;
    for value in ["", "AAAA", &"A".repeat(43)] {
        let guessed = format!("/handover/return?handover={request}&value={value}");
        stranger.open(&guessed).await;
        let page = Landing::of(browser.open(&guessed).await).page();
        assert!(
            page.text().contains("This link does not work any more"),
            "{}",
            page.text()
        );
    }
    Landing::of(browser.open(&back).await).consent();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_state_is_said_to_the_site_and_on_our_page() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let sent = site.sent_from(&browser, &authorize(&server, &[("state", "s")])).await;
    let request = Site::request_in(&sent);
    let told = async |handover: &str| {
        let answer = site.post(&json!({ "handover": handover, "subject": "4711" })).await;
        let page = Landing::of(browser.open(&site.path_of(&answer)).await).page();
        (answer.json()["state"].as_str().unwrap().to_owned(), page.text())
    };
    for foreign in [
        "",
        "AAAA",
        "%00",
        &request[1..],
        &format!("{request}AAAA"),
        &"A".repeat(3_000),
    ] {
        let (state, text) = match foreign {
            "" => continue,
            foreign => told(foreign).await,
        };
        assert_eq!(state, "unknown");
        assert!(text.contains("does not belong to a sign-in here"), "{text}");
    }
    let other = super::server().await;
    let elsewhere = Site::new(&other)
        .sent_from(&other.browser(), &authorize(&other, &[]))
        .await;
    assert_eq!(told(&Site::request_in(&elsewhere)).await.0, "unknown");
    server.advance(Duration::from_secs(3_600));
    let (state, text) = told(&request).await;
    assert_eq!(state, "expired");
    assert!(
        text.contains("That took too long") && text.contains("Start again"),
        "{text}"
    );
}

/// A sign-in that did not keep to what was asked for stays so, however often its address is opened.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_sign_in_is_not_good_enough_after_a_reload() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    site.sign_in(&browser, &authorize(&server, &[]), ann()).await.consent();
    let old = || {
        let mut person = ann();
        person["auth_time"] = 1_767_220_000.into();
        person
    };
    for more in [[("prompt", "login")], [("prompt", "select_account")]] {
        let sent = site.sent_from(&browser, &authorize(&server, &more)).await;
        let request = Site::request_in(&sent);
        let back = site.accept(&request, old()).await;
        for address in [back.clone(), back, format!("/handover/return?handover={request}")] {
            let page = Landing::of(browser.open(&address).await).page();
            assert!(page.text().contains("You are still signed in there"), "{}", page.text());
            assert!(!page.url.as_str().contains("value="), "{}", page.url);
        }
        let page = Landing::of(browser.open(&format!("/consent?handover={request}")).await).page();
        assert!(page.text().contains("You are no longer signed in"), "{}", page.text());
        // To begin again asks for the same.
        let again = site
            .sent_from(&browser, &format!("/handover/begin?handover={request}"))
            .await;
        assert_eq!(crate::harness::parameter(&again, "after"), "1767225600");
        let back = site.accept(&Site::request_in(&again), old()).await;
        let page = Landing::of(browser.open(&back).await).page();
        assert!(page.text().contains("You are still signed in there"), "{}", page.text());
    }
    let max_age = authorize(&server, &[("max_age", "60"), ("state", "s"), ("login_hint", "ann")]);
    let sent = site.sent_from(&browser, &max_age).await;
    let request = Site::request_in(&sent);
    let back = site.accept(&request, old()).await;
    for _ in 0..2 {
        let callback = Landing::of(browser.open(&back).await).callback();
        assert_eq!((callback.get("error"), callback.get("state")), ("login_required", "s"));
    }
    let again = site
        .sent_from(&browser, &format!("/handover/begin?handover={request}"))
        .await;
    assert_eq!(crate::harness::parameter(&again, "login_hint"), "ann");
    let back = site.accept(&Site::request_in(&again), old()).await;
    assert_eq!(
        Landing::of(browser.open(&back).await).callback().get("error"),
        "login_required"
    );
}

/// The consent page of a sign-in that another browser spoiled does not open by an older session of the same person.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_another_browser_spent_opens_nothing() {
    let server = server().await;
    let (site, browser, other) = (Site::new(&server), server.browser(), server.browser());
    site.sign_in(&browser, &authorize(&server, &[]), ann()).await.consent();
    server.advance(Duration::from_secs(1));
    let sent = site.sent_from(&browser, &authorize(&server, &[])).await;
    let back = site.accept(&Site::request_in(&sent), ann()).await;
    other.open(&back).await;
    let page = Landing::of(browser.open(&back).await).page();
    assert!(page.text().contains("This sign-in was used already"), "{}", page.text());
}

/// What the page asked for holds for the sign-in that follows a consent page whose session ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_consent_page_remembers_what_was_asked_for() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let fresh = || {
        let mut person = ann();
        person["auth_time"] = 1_767_225_600.into();
        person
    };
    let page = site
        .sign_in(&browser, &authorize(&server, &[("max_age", "60")]), fresh())
        .await
        .consent();
    assert_eq!(
        site.call("POST", "/handover/people/4711/sign-out", None).await.status,
        204
    );
    let sent = browser.decide(&page, "allow").await.callback();
    assert_eq!(sent.get("after"), "1767225540", "{}", sent.address);
    let back = site
        .accept(sent.get("handover"), json!({ "subject": "4711", "auth_time": 1 }))
        .await;
    assert_eq!(
        Landing::of(browser.open(&back).await).callback().get("error"),
        "login_required"
    );
}

/// A sign-out by the site reaches an answer that is on its way.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_from_before_a_sign_out_is_worthless() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let sent = site.sent_from(&browser, "/account").await;
    let back = site.accept(&Site::request_in(&sent), ann()).await;
    assert_eq!(
        site.call("POST", "/handover/people/4711/sign-out", None).await.status,
        204
    );
    let page = Landing::of(browser.open(&back).await).page();
    assert!(page.text().contains("This sign-in was used already"), "{}", page.text());
    server.advance(Duration::from_secs(1));
    site.sign_in(&browser, "/account", ann()).await.page();
}
