//! Who may allow an app that acts for an organization.

use super::{DORA, MAX, OLGA, WORLD, connected, grants, mary_of_globex, robot, world};
use crate::harness::{JOHN, Server};
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn consent_of_an_owner_says_whose_the_access_is_and_who_else_can_end_it() {
    let server = world().await;
    let olga = server.browser_of(OLGA).await;
    let page = olga.authorize(&robot(&server).query(&[])).await.consent();
    let text = page.text();
    for expected in [
        "On behalf of Acme Kitchens",
        "This access belongs to Acme Kitchens, not to you: it stays when you leave.",
        "Every owner of Acme Kitchens can change or end it.",
        "Every owner can end this at any time",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(page.body.contains("/organizations/acme?tab=apps"), "{}", page.body);
    let planner = server.client("planner", "https://planner.example/callback");
    let of_person = olga.authorize(&planner.query(&[])).await.consent().text();
    assert!(!of_person.contains("belongs to"), "{of_person}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_or_developer_is_told_who_can_and_the_app_gets_access_denied() {
    let server = world().await;
    for person in [MAX, DORA] {
        let browser = server.browser_of(person).await;
        for (client, uri) in [
            ("robot", "https://robot.example/callback"),
            ("own", "https://own.example/callback"),
        ] {
            let client = server.client(client, uri);
            let page = browser.authorize(&client.query(&[("state", "s")])).await.page();
            assert_eq!(page.status, 403);
            let text = page.text();
            assert!(text.contains("Only an owner can allow that"), "{text}");
            assert!(text.contains("you are not an owner of Acme Kitchens"), "{text}");
            assert!(page.body.contains("error=access_denied"), "{}", page.body);
        }
    }
    assert_eq!(grants(&server), Vec::<serde_json::Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_organization_of_their_own_nobody_allows_it() {
    let server = world().await;
    // The hidden default organization has no owners, whatever its rows say.
    server.sql("UPDATE memberships SET role = 'owner' WHERE organization_id IN (SELECT id FROM organizations WHERE hidden = 1)");
    let john = server.browser_of(JOHN).await;
    let page = john.authorize(&robot(&server).query(&[])).await.page();
    assert_eq!(page.status, 403);
    assert!(page.body.contains("error=access_denied"), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_of_another_organization_is_not_offered_this_one_and_cannot_name_it() {
    let server = world().await;
    let mary = mary_of_globex(&server).await;
    let page = mary.authorize(&robot(&server).query(&[])).await.consent();
    assert!(!page.text().contains("Acme"), "{}", page.text());
    let form = page.form("decision");
    let named = [("decision", "allow"), ("organization", "acme")];
    let refused = mary.submit_only(&page, &form, &named).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert_eq!(server.command(&["grant", "list"])["grants"], json!([]));
    let own = server.client("own", "https://own.example/callback");
    assert_eq!(mary.authorize(&own.query(&[])).await.page().status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_member_of_two_organizations_offers_those_that_they_own() {
    let server = world().await;
    server.command(&["org", "set-member", "globex", "olga@example.com", "developer"]);
    let olga = server.browser_of(OLGA).await;
    let page = olga.authorize(&robot(&server).query(&[])).await.consent();
    assert!(!page.form("decision").has("organization"));
    server.command(&["org", "set-member", "globex", "olga@example.com", "owner"]);
    let page = olga.authorize(&robot(&server).query(&[])).await.consent();
    assert!(page.form("decision").has("organization"));
    assert!(
        page.text().contains("the organization that you choose"),
        "{}",
        page.text()
    );
    let planner = server.client("planner", "https://planner.example/callback");
    server.command(&["org", "set-member", "globex", "olga@example.com", "member"]);
    let page = olga.authorize(&planner.query(&[])).await.consent();
    assert!(
        page.form("decision").has("organization"),
        "a person's app is for any of them"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_the_organization_between_page_and_code_gives_nothing_away() {
    let server = world().await;
    let olga = server.browser_of(OLGA).await;
    let robot = robot(&server);
    let page = olga.authorize(&robot.query(&[])).await.consent();
    server.command(&["org", "set-member", "acme", "olga@example.com", "developer"]);
    let refused = olga.decide(&page, "allow").await.page();
    assert!(
        refused.text().contains("Nothing was decided") || refused.status == 403,
        "{}",
        refused.text()
    );
    server.command(&["org", "set-member", "acme", "olga@example.com", "owner"]);
    let code = robot.code(&olga, &[]).await;
    server.command(&["org", "remove-member", "acme", "olga@example.com"]);
    let answer = robot.redeem(&code).await;
    assert_eq!(answer.refusal(), "400 access_denied");
    assert_eq!(answer.json()["error_description"], "paused: not_a_member");
    server.command(&["org", "set-member", "acme", "olga@example.com", "owner"]);
    let tokens = robot.redeem(&code).await.tokens();
    server.command(&["org", "remove-member", "acme", "olga@example.com"]);
    assert_eq!(robot.refresh(&tokens.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_shown_for_a_person_allows_nothing_for_an_organization() {
    let server = world().await;
    let olga = server.browser_of(OLGA).await;
    let planner = server.client("planner", "https://planner.example/callback");
    let page = olga.authorize(&planner.query(&[])).await.consent();
    let before = server.command(&["app", "show", "planner"]);
    assert_eq!(before["acts_as"], "person");
    let after = server.command(&["app", "change", "planner", "--acts-as", "organization"]);
    assert_eq!(after["acts_as"], "organization");
    let again = olga.decide(&page, "allow").await.consent();
    let text = again.text();
    assert!(text.contains("Nothing was decided"), "{text}");
    assert!(text.contains("Every owner of Acme Kitchens"), "{text}");
    assert_eq!(grants(&server), Vec::<serde_json::Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_stay_as_they_were_allowed_when_the_app_changes() {
    let server = world().await;
    let tokens = connected(&server).await;
    server.command(&["app", "change", "robot", "--acts-as", "person"]);
    let told = robot(&server).introspect(&tokens.access).await.json();
    assert!(
        told["sub"].as_str().is_some_and(|sub| sub.starts_with("org_")),
        "{told}"
    );
    let max = server.browser_of(MAX).await;
    let code = robot(&server).query(&[]);
    let page = max.authorize(&code).await.consent();
    assert!(page.form("decision").has("organization"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_nobody_could_allow_is_refused_by_the_api() {
    let server = world().await;
    let app = json!({ "name": "Nobody's", "acts_as": "organization" });
    let refused = server.operator(Method::POST, "/apps", Some(app)).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.body.contains("hidden default organization"), "{}", refused.body);
    let made = server.command(&[
        "app",
        "create",
        "Somebody's",
        "--organization",
        "acme",
        "--acts-as",
        "organization",
    ]);
    assert_eq!(made["acts_as"], "organization");
    let id = made["client_id"].as_str().unwrap();
    let moved = json!({ "organization": "default" });
    let refused = server
        .operator(Method::PATCH, &format!("/apps/{id}"), Some(moved))
        .await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    let kind = json!({ "acts_as": "department" });
    let refused = server.operator(Method::PATCH, &format!("/apps/{id}"), Some(kind)).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
}

/// A server of the version before would take the grant for a person's, so none is written while one may run.
#[tokio::test(flavor = "multi_thread")]
async fn while_an_older_server_may_run_consent_says_in_a_moment() {
    let server = world().await;
    if !server.is_on_postgres() {
        return;
    }
    let olga = server.browser_of(OLGA).await;
    let robot = robot(&server);
    let page = olga.authorize(&robot.query(&[])).await.consent();
    server.sql("INSERT INTO nodes (id, beat, reads) VALUES ('\\x01', CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT), 'recall')");
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    for answer in [
        olga.decide(&page, "allow").await.page(),
        olga.authorize(&robot.query(&[])).await.page(),
    ] {
        assert_eq!((answer.status, answer.header("retry-after")), (503, "60"));
        assert!(answer.text().contains("cannot be connected yet"), "{}", answer.text());
    }
    let planner = server.client("planner", "https://planner.example/callback");
    planner.connect(&olga).await;
    server.sql("DELETE FROM nodes WHERE id = '\\x01'");
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    robot.connect(&olga).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_app_that_acts_for_organizations_is_shown_as_one() {
    let server = Server::library("default", WORLD).await;
    let olga = server.browser_of(OLGA).await;
    let page = olga.open("/developer/apps/own").await;
    assert!(page.text().contains("It acts for organizations"), "{}", page.text());
}
