//! Attacks on the handover that involve more than one answer.

use super::{authorize, server, server_with};
use crate::harness::{Landing, REDIRECT_URI, SITE_SECRET, Site, ann, parameter};
use serde_json::json;
use std::time::Duration;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn subjects_and_names_inject_nothing() {
    let server = server().await;
    let site = Site::new(&server);
    for (number, subject) in [
        "../../admin",
        "a%2Fb%00",
        "\"};--",
        "'; DROP TABLE users",
        "a b",
        "<b>x</b>",
        "user:1",
        "%s%n",
        "a\\b",
    ]
    .into_iter()
    .enumerate()
    {
        let browser = server.browser();
        let name = format!("<script>alert({number})</script>\"'&");
        let organization = json!({ "id": subject, "name": name });
        let person = json!({ "subject": subject, "name": name, "organizations": [organization], "amr": ["pwd\"", "x"], "acr": "<a>" });
        let page = site.sign_in(&browser, "/account", person).await.page();
        assert_eq!(page.status, 200, "{subject}");
        assert!(
            page.text().contains(&name) && !page.body.contains("<script>alert"),
            "{subject}: {}",
            page.body
        );
        let kept = server.sql(&format!(
            "SELECT count(*) FROM users WHERE external_id = '{}'",
            subject.replace('\'', "''")
        ));
        assert_eq!(kept.trim(), "1", "{subject}");
    }
    for control in ["a\nb", "a\r\nSet-Cookie: x=y", "a\0b", "\u{1b}[31m", "ä", "a\u{202e}b"] {
        let handover = Site::request_in(&site.sent_from(&server.browser(), &authorize(&server, &[])).await);
        for member in ["subject", "name"] {
            if member == "name" && control == "ä" {
                continue;
            }
            let mut message = json!({ "handover": handover, "subject": "1" });
            message[member] = control.into();
            assert_eq!(site.post(&message).await.status, 422, "{member} {control:?}");
        }
    }
}

/// What the site sends is bounded however many send it at once, and nobody else is refused for long.
#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_in_numbers_find_no_room_and_the_server_goes_on() {
    let server = server().await;
    let body = format!("{{\"handover\":\"x\",\"name\":\"{}\"}}", "x".repeat(1024 * 1024 - 64));
    let mut requests = JoinSet::new();
    for _ in 0..48 {
        let url = server.at("/handover");
        let request = server
            .request(reqwest::Method::POST, &url)
            .bearer_auth(SITE_SECRET)
            .body(body.clone());
        requests.spawn(async move { request.send().await.map(|answer| answer.status().as_u16()) });
    }
    // A connection may be cut before the whole body is sent; an answer is one of these.
    for status in requests.join_all().await.into_iter().flatten() {
        assert!([422, 503].contains(&status), "{status}");
    }
    let (site, browser) = (Site::new(&server), server.browser());
    site.sign_in(&browser, &authorize(&server, &[]), ann()).await.consent();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_ends_with_its_key() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let sent = site.sent_from(&browser, &authorize(&server, &[])).await;
    let keys = server.command(&["key", "list", "--json"]);
    let keys = keys["keys"].as_array().unwrap();
    let page = keys
        .iter()
        .find(|key| key["purpose"] == "page")
        .expect("a key for pages");
    server.command(&["key", "revoke", &page["id"].to_string(), "--yes", "--json"]);
    let answer = site
        .post(&json!({ "handover": Site::request_in(&sent), "subject": "1" }))
        .await;
    assert_eq!(answer.json()["state"], "unknown");
    // A new request works with the key that replaced it.
    site.sign_in(&browser, &authorize(&server, &[]), ann()).await.consent();
}

/// The next person at a shared computer signs in at the site as themselves, and never gets the pages of the last one.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_person_at_a_shared_computer_is_themselves() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let page = site.sign_in(&browser, &authorize(&server, &[]), ann()).await.consent();
    let callback = browser.decide(&page, "allow").await.callback();
    server
        .client("sample", REDIRECT_URI)
        .redeem(callback.code())
        .await
        .tokens();
    let before = browser.session_cookie();
    let bob = json!({ "subject": "8", "name": "Bob" });
    let page = site
        .sign_in(&browser, &authorize(&server, &[]), bob.clone())
        .await
        .consent();
    assert!(
        page.text().contains("Bob") && !page.text().contains("Ann"),
        "{}",
        page.text()
    );
    let apps = browser.open("/account/apps").await;
    assert!(!apps.text().contains("Sample App"), "{}", apps.text());
    // Ann's session ended: her cookie opens nothing.
    let other = server.browser();
    other.set_cookies(&format!("{}={}", before.0, before.1));
    site.sent_from(&other, "/account").await;
    // After a while the site is asked again, whoever sits there.
    server.advance(Duration::from_secs(601));
    site.sent_from(&browser, "/account/apps").await;
}

/// An attacker's own sign-in does not become the victim's session (login CSRF), neither through the request nor the answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_attackers_sign_in_does_not_become_the_victims() {
    let server = server().await;
    let site = Site::new(&server);
    let (attacker, victim) = (server.browser(), server.browser());
    site.sign_in(&victim, &authorize(&server, &[]), ann()).await.consent();
    let before = victim.session_cookie();
    let sent = site.sent_from(&attacker, "/account").await;
    let back = site
        .accept(&Site::request_in(&sent), json!({ "subject": "evil", "name": "Evil" }))
        .await;
    Landing::of(victim.open(&back).await).page();
    assert_eq!(
        victim.session_cookie(),
        before,
        "the victim is still signed in as before"
    );
    let page = victim.open("/account").await;
    assert!(page.text().contains("Ann Site"), "{}", page.text());
    // The consent page of the attacker's request opens in the attacker's browser alone.
    let sent = site.sent_from(&attacker, &authorize(&server, &[])).await;
    let consent = format!("/consent?handover={}", parameter(&sent, "handover"));
    let page = Landing::of(victim.open(&consent).await).page();
    assert!(page.text().contains("nothing happened"), "{}", page.text());
    let page = Landing::of(attacker.open(&consent).await).page();
    assert!(
        page.text().contains("Your sign-in has ended"),
        "not accepted yet: {}",
        page.text()
    );
}

/// A deployment that stops handing sign-ins over does not keep the sessions that the site began.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_the_site_end_with_its_section() {
    let public = "[server]\npublic_url = \"http://localhost:9\"";
    let mut server = server_with(public).await;
    let (cookies, declared) = {
        let (site, browser) = (Site::new(&server), server.browser());
        let page = site.sign_in(&browser, "/account", ann()).await.page();
        assert_eq!(page.status, 200);
        (browser.cookies(), format!("{}{public}", crate::harness::APPS))
    };
    server.declare(&declared);
    server.restart().await;
    let browser = server.browser();
    browser.set_cookies(&cookies);
    Landing::of(browser.open("/account").await).login();
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_arrivals_begin_one_session() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let sent = site.sent_from(&browser, &authorize(&server, &[])).await;
    let url = server.at(&site.accept(&Site::request_in(&sent), ann()).await);
    let mut racing = JoinSet::new();
    for _ in 0..16 {
        let request = server
            .request(reqwest::Method::GET, &url)
            .header("cookie", browser.cookies());
        racing.spawn(async move { request.send().await.expect("an answer").status().as_u16() });
    }
    let arrived = racing.join_all().await;
    assert_eq!(
        arrived.iter().filter(|status| **status == 303).count(),
        1,
        "{arrived:?}"
    );
    assert_eq!(
        server
            .sql("SELECT count(*) FROM sessions WHERE kind = 'handover'")
            .trim(),
        "1"
    );
}

/// The subject of an own account stays its own, also after the account was deleted.
#[tokio::test(flavor = "multi_thread")]
async fn the_subject_of_a_deleted_own_account_is_nobody_elses() {
    let server = server().await;
    let site = Site::new(&server);
    let own = server.command(&["user", "show", "mary@example.com", "--json"])["id"].clone();
    server.command(&["user", "delete", "mary@example.com", "--yes", "--json"]);
    let person = json!({ "subject": own, "name": "Evil" });
    let browser = server.browser();
    let callback = site
        .sign_in(&browser, &authorize(&server, &[]), person)
        .await
        .callback();
    assert_eq!(callback.get("error"), "access_denied");
    let path = format!("/handover/people/{}", own.as_str().unwrap());
    let put = site.call("PUT", &path, Some(&json!({ "name": "Evil" }))).await;
    assert_eq!(put.status, 409, "{}", put.body);
}
