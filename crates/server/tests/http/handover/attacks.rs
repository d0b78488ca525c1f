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
        page.text().contains("You are no longer signed in"),
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
        racing.spawn(async move {
            request.send().await.expect("an answer").headers()["location"]
                .to_str()
                .expect("text")
                .to_owned()
        });
    }
    let arrived = racing.join_all().await;
    assert_eq!(
        arrived
            .iter()
            .filter(|address| address.starts_with("/consent?"))
            .count(),
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

/// Of two messages at once, the later word holds, whole: organizations, roles, and whether an address is verified.
#[tokio::test(flavor = "multi_thread")]
async fn of_messages_at_once_the_later_word_holds() {
    let server = server().await;
    let site = Site::new(&server);
    let base = 1_767_225_000_000_i64;
    let put = |subject: String, body: serde_json::Value| {
        let url = server.at(&format!("/handover/people/{subject}"));
        let request = server
            .request(reqwest::Method::PUT, &url)
            .bearer_auth(SITE_SECRET)
            .body(body.to_string());
        async move { request.send().await.expect("an answer").status().as_u16() }
    };
    for round in 0..12_i64 {
        let subject = format!("race-{round}");
        let at = base + round * 1_000;
        site.call(
            "PUT",
            &format!("/handover/people/{subject}"),
            Some(&json!({ "organizations": [], "email": "b@x.example", "as_of": at })),
        )
        .await;
        let first = json!({ "organizations": [{ "id": "x", "role": "owner" }], "email": "a@x.example", "email_verified": true, "as_of": at + 1 });
        let second = json!({ "organizations": [{ "id": "y" }], "email": "b@x.example", "as_of": at + 2 });
        let (one, two) = tokio::join!(
            tokio::spawn(put(subject.clone(), first)),
            tokio::spawn(put(subject.clone(), second))
        );
        assert!(
            [200, 409].contains(&one.unwrap()) && two.unwrap() == 200,
            "round {round}"
        );
        let person = site
            .call("GET", &format!("/handover/people/{subject}"), None)
            .await
            .json();
        let ids: Vec<_> = person["organizations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].clone())
            .collect();
        assert_eq!(ids, ["y"], "round {round}: {person}");
        assert_eq!(
            (&person["email"], &person["email_verified"]),
            (&json!("b@x.example"), &json!(false)),
            "{person}"
        );
    }
    // Calls without a moment all hold, in the order in which they are applied.
    let mut racing = JoinSet::new();
    for number in 0..12 {
        racing.spawn(put("race-0".to_owned(), json!({ "name": format!("Name {number}") })));
    }
    let answered = racing.join_all().await;
    assert!(
        answered.iter().all(|status| [200, 503].contains(status)),
        "{answered:?}"
    );
}

/// An older word does not bring back a membership that the site ended.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_word_does_not_undo_the_end_of_a_membership() {
    let server = server().await;
    let site = Site::new(&server);
    let now = 1_767_225_600_000_i64;
    let put = async |as_of: i64| {
        let body = json!({ "organizations": [{ "id": "x" }], "as_of": as_of });
        site.call("PUT", "/handover/people/1", Some(&body)).await.status
    };
    assert_eq!(put(now - 10_000).await, 201);
    assert_eq!(
        site.call("DELETE", "/handover/people/1/organizations/x", None)
            .await
            .status,
        204
    );
    assert_eq!(put(now - 5_000).await, 409);
    assert_eq!(put(now + 1).await, 200);
}
