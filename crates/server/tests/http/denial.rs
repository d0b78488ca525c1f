//! "Don't allow" on a form that was allowed before. A person gets there with the browser's back button.

use crate::harness::{APPS, Answer, Browser, JOHN, Landing, MARY, REDIRECT_URI, Server};
use reqwest::Method;
use serde_json::Value;
use std::time::Duration;

const CONNECTED: &str = "Sample App already has access";

async fn allowed(mary: &Browser<'_>, server: &Server) -> (Answer, String) {
    let sample = server.client("sample", REDIRECT_URI);
    let page = mary.authorize(&sample.query(&[("state", "s1")])).await.consent();
    let code = mary.decide(&page, "allow").await.callback().code().to_owned();
    (page, code)
}

/// State and reason of each grant.
fn grants(server: &Server) -> Vec<(String, Value)> {
    let listed = server.command(&["grant", "list"]);
    let grants = listed["grants"].as_array().unwrap().iter();
    grants
        .map(|grant| (grant["state"].as_str().unwrap().to_owned(), grant["reason"].clone()))
        .collect()
}

/// The ends of grants in the audit log.
async fn ends(server: &Server) -> Vec<Value> {
    let listed = server.operator(Method::GET, "/audit", None).await.json();
    let events = listed["events"].as_array().unwrap().iter();
    events
        .filter(|event| event["action"] == "grant_ended")
        .cloned()
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_after_allowing_ends_the_grant_whose_code_is_not_redeemed() {
    let server = Server::library("default", APPS).await;
    let mary = server.browser_of(MARY).await;
    let (page, code) = allowed(&mary, &server).await;
    // A second denial finds nothing more to end.
    for _ in 0..2 {
        let callback = mary.decide(&page, "deny").await.callback();
        assert_eq!(callback.get("error"), "access_denied");
    }
    let sample = server.client("sample", REDIRECT_URI);
    assert_eq!(sample.redeem(&code).await.refusal(), "400 invalid_grant");
    assert_eq!(grants(&server), [("ended".to_owned(), Value::from("by_person"))]);
    let ends = ends(&server).await;
    assert_eq!(ends.len(), 1, "{ends:?}");
    assert_eq!(
        (&ends[0]["user"], &ends[0]["client_id"], &ends[0]["detail"]["reason"]),
        (&MARY.email.into(), &"sample".into(), &"by_person".into())
    );
    assert!(ends[0]["actor"].as_str().unwrap().starts_with("user:"), "{ends:?}");
    // The denial is final: the form counts once.
    let done = mary.decide(&page, "allow").await;
    assert!(!matches!(done, Landing::App(_)), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_says_that_the_app_is_connected_once_it_has_redeemed_the_code() {
    let server = Server::library("default", APPS).await;
    let mary = server.browser_of(MARY).await;
    let (page, code) = allowed(&mary, &server).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.redeem(&code).await.tokens();
    let answer = mary.decide(&page, "deny").await.page();
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains(CONNECTED), "{}", answer.text());
    assert!(answer.body.contains("href=\"/account/apps\""), "{}", answer.body);
    // The link back reports the denial to the app (RFC 6749 §4.1.2.1).
    let mut links = answer.body.split("href=\"").filter_map(|rest| rest.split('"').next());
    let back = links.find(|link| link.starts_with(REDIRECT_URI)).expect("a link back");
    assert!(back.contains("?error=access_denied"), "{back}");
    assert!(back.contains("state=s1"), "{back}");
    assert!(answer.text().contains("Back to Sample App"), "{}", answer.text());
    assert_eq!(sample.refresh(&tokens.refresh).await.status, 200);
    assert_eq!(ends(&server).await, Vec::<Value>::new());
    // Once the access is ended, the form denies like any other.
    let apps = mary.open("/account/apps").await;
    mary.submit(&apps, &apps.form("end"), &[("end", "1")]).await;
    let callback = mary.decide(&page, "deny").await.callback();
    assert_eq!(callback.get("error"), "access_denied");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_same_form_in_the_same_session_can_take_back_a_grant() {
    let server = Server::library("default", APPS).await;
    let mary = server.browser_of(MARY).await;
    let sample = server.client("sample", REDIRECT_URI);
    let (page, _) = allowed(&mary, &server).await;
    // Another person, the same person in another browser, and another form.
    for person in [JOHN, MARY] {
        server.browser_of(person).await.decide(&page, "deny").await.consent();
    }
    server.browser().decide(&page, "deny").await.login();
    let other = mary.authorize(&sample.query(&[])).await.consent();
    assert_eq!(
        mary.decide(&other, "deny").await.callback().get("error"),
        "access_denied"
    );
    // The form itself, once it is too old.
    let (old, _) = allowed(&mary, &server).await;
    server.advance(Duration::from_secs(31 * 60));
    mary.decide(&old, "deny").await.consent();
    assert_eq!(ends(&server).await, Vec::<Value>::new());
    assert!(grants(&server).iter().all(|(_, reason)| reason != "by_person"));
}

/// After racing clicks there is no grant that the app was told it does not have.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_redeemed_and_denied_at_once_has_one_outcome() {
    let server = Server::library("default", APPS).await;
    let mary = server.browser_of(MARY).await;
    let sample = server.client("sample", REDIRECT_URI);
    for _ in 0..8 {
        let (page, code) = allowed(&mary, &server).await;
        let (answer, denied) = tokio::join!(sample.redeem(&code), mary.decide(&page, "deny"));
        match denied {
            Landing::App(callback) => {
                assert_eq!(callback.get("error"), "access_denied");
                assert_eq!(answer.refusal(), "400 invalid_grant");
            }
            Landing::Page(page) => {
                assert!(page.text().contains(CONNECTED), "{}", page.text());
                assert_eq!(answer.status, 200, "{}", answer.body);
            }
            other => panic!("{other:?}"),
        }
    }
}
