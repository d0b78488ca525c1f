//! The organization's page: its grants, and what an owner does with them.

use super::{DORA, MAX, OLGA, OWEN, connected, grants, mary_of_globex, press, robot, world};
use crate::harness::{JOHN, Landing, Server};
use reqwest::Method;
use std::time::Duration;

const PAGE: &str = "/organizations/acme?tab=apps";

/// A column of the only event of this action.
fn event(server: &Server, action: &str, column: &str) -> String {
    server.sql(&format!("SELECT {column} FROM audit_events WHERE action = '{action}'"))
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_see_who_set_it_up_its_scopes_and_its_last_use() {
    let server = world().await;
    let tokens = connected(&server).await;
    server.advance(Duration::from_secs(600));
    robot(&server).introspect(&tokens.access).await;
    server.advance(Duration::from_secs(120));
    let owen = server.browser_of(OWEN).await;
    let text = owen.open(PAGE).await.text();
    for expected in [
        "Robot",
        "since 1 Jan 2026",
        "last used 2 minutes ago",
        "Read your things",
        "Change your things",
        "Set up by Olga Owner",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    server.command(&["org", "remove-member", "acme", "olga@example.com"]);
    let text = owen.open(PAGE).await.text();
    assert!(text.contains(", who left the organization"), "{text}");
    server.command(&["user", "delete", "olga@example.com", "--yes"]);
    let text = owen.open(PAGE).await.text();
    assert!(
        text.contains("Set up by somebody who has no account here any more"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn others_see_no_buttons_and_no_names_or_nothing() {
    let server = world().await;
    connected(&server).await;
    let dora = server.browser_of(DORA).await;
    let page = dora.open(PAGE).await;
    assert!(
        page.text().contains("Robot") && !page.text().contains("Olga"),
        "{}",
        page.text()
    );
    for button in ["end", "take_over", "narrow"] {
        assert!(page.forms().iter().all(|form| !form.has(button)), "{button}");
    }
    for person in [MAX, JOHN] {
        let browser = server.browser_of(person).await;
        assert_eq!(browser.open(PAGE).await.status, 404);
    }
    let mary = mary_of_globex(&server).await;
    assert_eq!(mary.open(PAGE).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_ends_it_at_once() {
    let server = world().await;
    let tokens = connected(&server).await;
    let owen = server.browser_of(OWEN).await;
    let page = press(&owen, "end", &[]).await;
    assert!(
        page.text().contains("The app has no access any more"),
        "{}",
        page.text()
    );
    let robot = robot(&server);
    assert_eq!(robot.refresh(&tokens.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(robot.introspect(&tokens.access).await.json()["active"], false);
    assert_eq!(event(&server, "grant_ended", "detail"), r#"{"reason":"by_person"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_takes_it_over_and_the_log_says_so() {
    let server = world().await;
    let tokens = connected(&server).await;
    let owen = server.browser_of(OWEN).await;
    let page = press(&owen, "take_over", &[]).await;
    assert!(page.text().contains("stands under your name"), "{}", page.text());
    assert!(page.text().contains("Set up by you"), "{}", page.text());
    assert!(page.forms().iter().all(|form| !form.has("take_over")));
    let [olga, owen] = ["olga", "owen"].map(|name| {
        let user = server.command(&["user", "show", &format!("{name}@example.com")]);
        format!("{{\"set_up_by\":{}}}", user["id"])
    });
    assert_eq!(event(&server, "grant_taken_over", "before"), olga);
    assert_eq!(event(&server, "grant_taken_over", "after"), owen);
    assert_eq!(robot(&server).refresh(&tokens.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_leaves_it_fewer_scopes_and_tokens_that_had_more_end() {
    let server = world().await;
    let tokens = connected(&server).await;
    let robot = robot(&server);
    let owen = server.browser_of(OWEN).await;
    let page = owen.open(PAGE).await;
    let form = page.form("narrow");
    let only = |mut form: crate::harness::Form, scopes: &[&str]| {
        form.fields.retain(|(name, _)| name != "scope");
        form.fields
            .extend(scopes.iter().map(|scope| ("scope".to_owned(), (*scope).to_owned())));
        form
    };
    let none = owen.submit(&page, &only(form.clone(), &[]), &[("narrow", "1")]).await;
    assert!(
        none.text().contains("choose at least one permission"),
        "{}",
        none.text()
    );
    // A scope that the grant does not have is not added.
    let more = owen
        .submit(&page, &only(form.clone(), &["read", "profile"]), &[("narrow", "1")])
        .await;
    assert!(
        more.text().contains("The app has only these permissions now"),
        "{}",
        more.text()
    );
    assert_eq!(grants(&server)[0]["scopes"], serde_json::json!(["read"]));
    assert_eq!(robot.introspect(&tokens.access).await.json()["active"], false);
    let fresh = robot.refresh(&tokens.refresh).await.tokens();
    let told = robot.introspect(&fresh.access).await.json();
    assert_eq!((&told["active"], &told["scope"]), (&true.into(), &"read".into()));
    // The same form once more: the scopes are gone, and nothing changes.
    owen.submit(&page, &only(form, &["read", "write"]), &[("narrow", "1")])
        .await;
    assert_eq!(grants(&server)[0]["scopes"], serde_json::json!(["read"]));
    assert_eq!(event(&server, "grant_narrowed", "before"), r#"{"scopes":"read write"}"#);
    assert_eq!(event(&server, "grant_narrowed", "after"), r#"{"scopes":"read"}"#);
}

/// Sends what the form of an owner would send, with the sender's own state and the grant of Acme.
async fn forged(server: &Server, browser: &crate::harness::Browser<'_>, path: &str, grant: &str) -> Vec<u16> {
    let page = browser.open(path).await;
    let mut seen = Vec::new();
    for button in ["end", "take_over", "narrow"] {
        let state = page
            .forms()
            .iter()
            .find(|form| form.has("grant"))
            .map(|form| form.value("state").to_owned());
        let form = crate::harness::Form {
            action: "/organizations/acme".to_owned(),
            fields: vec![
                ("state".to_owned(), state.unwrap_or_default()),
                ("grant".to_owned(), grant.to_owned()),
                ("scope".to_owned(), "read".to_owned()),
            ],
            ..page.forms()[0].clone()
        };
        seen.push(browser.submit(&page, &form, &[(button, "1")]).await.status);
    }
    assert_eq!(grants(server).len(), 1);
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_changes_it() {
    let server = world().await;
    connected(&server).await;
    let before = grants(&server)[0].clone();
    let grant = before["id"].as_str().unwrap().to_owned();
    // A developer, a member, an owner of another organization, an owner who left.
    let owen = server.browser_of(OWEN).await;
    let shown = owen.open(PAGE).await;
    server.command(&["org", "remove-member", "acme", "owen@example.com"]);
    for button in ["end", "take_over", "narrow"] {
        let refused = owen.submit(&shown, &shown.form(button), &[(button, "1")]).await;
        assert_eq!(refused.status, 404, "{button}");
    }
    for person in [DORA, MAX] {
        let browser = server.browser_of(person).await;
        forged(&server, &browser, "/account", &grant).await;
    }
    let mary = mary_of_globex(&server).await;
    robot(&server).connect(&mary).await;
    let page = mary.open("/organizations/globex?tab=apps").await;
    for button in ["end", "take_over", "narrow"] {
        let Some(form) = page.forms().into_iter().find(|form| form.has(button)) else {
            continue;
        };
        // Her own state, the other organization's grant, at her page and at the other's.
        for action in ["/organizations/globex", "/organizations/acme"] {
            let mut form = form.clone();
            form.action = action.to_owned();
            form.fields.retain(|(name, _)| name != "grant");
            form.fields.push(("grant".to_owned(), grant.clone()));
            let refused = mary.submit(&page, &form, &[(button, "1")]).await;
            match action {
                "/organizations/acme" => assert_eq!(refused.status, 404),
                _ => assert!(refused.text().contains("Nothing was changed"), "{}", refused.text()),
            }
        }
    }
    let after: Vec<_> = grants(&server)
        .into_iter()
        .filter(|one| one["id"] == before["id"])
        .collect();
    assert_eq!(after, [before]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_grant_is_not_touched_by_the_page() {
    let server = world().await;
    connected(&server).await;
    let max = server.browser_of(MAX).await;
    let planner = server.client("planner", "https://planner.example/callback");
    let page = max.authorize(&planner.query(&[])).await.consent();
    let choice = [("decision", "allow"), ("organization", "acme")];
    let answer = max.submit_only(&page, &page.form("decision"), &choice).await;
    let code = crate::harness::Landing::of(answer).callback().code().to_owned();
    let tokens = planner.redeem(&code).await.tokens();
    let listed = grants(&server);
    let persons = listed.iter().find(|one| one["acts_as"] == "person").unwrap();
    let olga = server.browser_of(OLGA).await;
    let page = olga.open(PAGE).await;
    assert!(!page.text().contains("Planner"), "{}", page.text());
    let mut form = page.form("end");
    form.fields.retain(|(name, _)| name != "grant");
    form.fields
        .push(("grant".to_owned(), persons["id"].as_str().unwrap().to_owned()));
    let refused = olga.submit(&page, &form, &[("end", "1")]).await;
    assert!(refused.text().contains("Nothing was changed"), "{}", refused.text());
    assert_eq!(planner.refresh(&tokens.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_session_does_nothing_and_says_so() {
    let server = world().await;
    connected(&server).await;
    let owen = server.browser_of(OWEN).await;
    let page = owen.open(PAGE).await;
    let form = page.form("end");
    let other = server.browser_of(OLGA).await;
    let refused = other.submit(&page, &form, &[("end", "1")]).await;
    assert!(refused.text().contains("Nothing was"), "{}", refused.text());
    // Without a session the form leads to the sign-in, and from there back to its page.
    let stranger = server.browser();
    let login = Landing::of(stranger.submit(&page, &form, &[("end", "1")]).await).login();
    let back = stranger.send_login(&login, OWEN).await;
    assert!(back.text().contains("Nothing was done"), "{}", back.text());
    assert!(back.forms().iter().any(|form| form.has("end")), "{}", back.text());
    assert_eq!(grants(&server).len(), 1);
}

/// If a page says "sign in with another account", it has a button for that, which leads back to the same page.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_became_a_developer_can_switch_accounts() {
    let server = world().await;
    connected(&server).await;
    let owen = server.browser_of(OWEN).await;
    let page = owen.open(PAGE).await;
    let role = Some(serde_json::json!({ "role": "developer" }));
    let path = "/organizations/acme/members/owen@example.com";
    assert_eq!(server.operator(Method::PUT, path, role).await.status, 200);
    let refused = owen.submit(&page, &page.form("end"), &[("end", "1")]).await;
    assert_eq!(refused.status, 403);
    assert!(
        refused.text().contains("Sign in with another account"),
        "{}",
        refused.text()
    );
    let forms = refused.forms();
    let switch = forms.iter().find(|form| form.action.ends_with("/switch"));
    let login = owen.submit(&refused, switch.expect("a button"), &[]).await;
    let back = owen.send_login(&Landing::of(login).login(), OLGA).await;
    assert_eq!(
        (back.url.path(), back.url.query()),
        ("/organizations/acme", Some("tab=apps"))
    );
    assert!(back.forms().iter().any(|form| form.has("end")), "{}", back.text());
    assert_eq!(grants(&server).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_has_pages() {
    let server = Server::library(
        "default",
        &format!("[tokens]\ngrants_per_user_and_app = 100\n{}", super::WORLD),
    )
    .await;
    let olga = server.browser_of(OLGA).await;
    let robot = robot(&server);
    for _ in 0..52 {
        robot.connect(&olga).await;
        server.advance(Duration::from_secs(60));
    }
    let count = |page: &crate::harness::Answer| page.forms().iter().filter(|form| form.has("end")).count();
    let first = olga.open(PAGE).await;
    assert_eq!(count(&first), 50);
    let before = first.body.split("tab=apps&amp;before=").nth(1);
    let before = before.or_else(|| first.body.split("tab=apps&#38;before=").nth(1));
    let key = before.and_then(|rest| rest.split('"').next()).expect("a next page");
    let second = olga.open(&format!("{PAGE}&before={key}")).await;
    assert_eq!(count(&second), 2);
    assert_eq!(olga.open(&format!("{PAGE}&before=nonsense")).await.status, 400);
}
