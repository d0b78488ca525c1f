//! What pauses and ends a grant of an organization, and what does not.

use super::{DORA, OLGA, connected, grants, robot, world};
use crate::harness::{Answer, Client, Tokens};
use serde_json::json;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn pause(answer: &Answer) -> String {
    assert_eq!(answer.refusal(), "400 access_denied", "{answer:?}");
    answer.json()["error_description"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

async fn refreshed(client: &Client<'_>, tokens: &Tokens) -> Tokens {
    client.refresh(&tokens.refresh).await.tokens()
}

async fn assert_paused(client: &Client<'_>, tokens: &Tokens, why: &str) {
    assert_eq!(pause(&client.refresh(&tokens.refresh).await), format!("paused: {why}"));
    for token in [&tokens.access, &tokens.refresh] {
        assert_eq!(client.introspect(token).await.json()["active"], false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_outlives_suspension_departure_and_deletion_of_who_set_it_up() {
    let server = world().await;
    let tokens = connected(&server).await;
    let robot = robot(&server);
    server.command(&["user", "suspend", "olga@example.com"]);
    let tokens = refreshed(&robot, &tokens).await;
    assert_eq!(robot.introspect(&tokens.access).await.json()["active"], true);
    server.command(&["user", "resume", "olga@example.com"]);
    server.command(&["org", "remove-member", "acme", "olga@example.com"]);
    let tokens = refreshed(&robot, &tokens).await;
    // Grants of a membership end when it has been gone for 30 days.
    let mut tokens = tokens;
    for _ in 0..4 {
        server.advance(10 * DAY);
        tokens = refreshed(&robot, &tokens).await;
    }
    assert_eq!(robot.introspect(&tokens.access).await.json()["active"], true);
    server.command(&["user", "delete", "olga@example.com", "--yes"]);
    for _ in 0..4 {
        server.advance(10 * DAY);
        tokens = refreshed(&robot, &tokens).await;
    }
    let told = robot.introspect(&tokens.access).await.json();
    assert_eq!((&told["active"], told.get("set_up_by")), (&json!(true), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_days_without_an_owner_pause_it_until_there_is_one() {
    let server = world().await;
    let mut tokens = connected(&server).await;
    let robot = robot(&server);
    // One leaves, one is deleted a day later: the last one counts.
    server.command(&["org", "remove-member", "acme", "owen@example.com"]);
    server.advance(DAY);
    tokens = refreshed(&robot, &tokens).await;
    server.command(&["user", "delete", "olga@example.com", "--yes"]);
    for _ in 0..2 {
        server.advance(13 * DAY);
        tokens = refreshed(&robot, &tokens).await;
    }
    server.advance(4 * DAY - Duration::from_secs(60));
    tokens = refreshed(&robot, &tokens).await;
    assert_eq!(robot.introspect(&tokens.access).await.json()["active"], true);
    server.advance(Duration::from_secs(60));
    assert_paused(&robot, &tokens, "organization_policy").await;
    server.command(&["org", "set-member", "acme", "dora@example.com", "owner"]);
    assert_eq!(robot.introspect(&tokens.access).await.json()["active"], true);
    refreshed(&robot, &tokens).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_gets_another_role_leaves_the_organization_without_one() {
    let server = world().await;
    let mut tokens = connected(&server).await;
    let robot = robot(&server);
    for (person, role) in [("olga@example.com", "developer"), ("owen@example.com", "member")] {
        server.command(&["org", "set-member", "acme", person, role]);
    }
    for _ in 0..2 {
        server.advance(13 * DAY);
        tokens = refreshed(&robot, &tokens).await;
    }
    server.advance(4 * DAY);
    assert_paused(&robot, &tokens, "organization_policy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_paused_with_the_organization_and_with_the_app() {
    let server = world().await;
    let tokens = connected(&server).await;
    let robot = robot(&server);
    for (suspend, resume, why) in [
        (
            ["org", "suspend", "acme"],
            ["org", "resume", "acme"],
            "organization_policy",
        ),
        (["app", "suspend", "robot"], ["app", "resume", "robot"], "app_suspended"),
        (
            ["app", "change", "robot"],
            ["app", "change", "robot"],
            "organization_policy",
        ),
    ] {
        let with = |words: [&'static str; 3], reach: &'static str| match words[1] {
            "change" => [words.to_vec(), vec!["--reach", reach]].concat(),
            _ => words.to_vec(),
        };
        server.command(&with(suspend, "own"));
        assert_paused(&robot, &tokens, why).await;
        server.command(&with(resume, "partner"));
        assert_eq!(robot.introspect(&tokens.access).await.json()["active"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_with_the_organization_or_the_app() {
    let server = world().await;
    let tokens = connected(&server).await;
    let robot = robot(&server);
    for person in ["olga@example.com", "owen@example.com"] {
        server.command(&["user", "delete", person, "--yes"]);
    }
    // The app `own` belongs to Acme.
    server.command(&["app", "delete", "own", "--yes"]);
    server.command(&["org", "delete", "acme", "--yes"]);
    assert_eq!(robot.refresh(&tokens.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(robot.introspect(&tokens.access).await.json()["active"], false);
    let ended = server.command(&["grant", "list"]);
    assert_eq!(ended["grants"][0]["reason"], "organization_deleted");

    let server = world().await;
    connected(&server).await;
    server.command(&["app", "delete", "robot", "--yes"]);
    let ended = server.command(&["grant", "list"]);
    assert_eq!(ended["grants"][0]["reason"], "app_deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_persons_own_page_neither_shows_nor_ends_it() {
    let server = world().await;
    connected(&server).await;
    let olga = server.browser_of(OLGA).await;
    let planner = server.client("planner", "https://planner.example/callback");
    planner.connect(&olga).await;
    let page = olga.open("/account/apps").await;
    assert!(
        page.text().contains("Planner") && !page.text().contains("Robot"),
        "{}",
        page.text()
    );
    // The form names another app: nothing of the organization ends.
    let listed = grants(&server);
    let own = listed.iter().find(|grant| grant["acts_as"] == "organization").unwrap();
    let app = server.command(&["app", "show", "robot"])["id"]
        .as_str()
        .unwrap()
        .to_owned();
    olga.submit(&page, &page.form("end"), &[("end", "1"), ("app", &app)])
        .await;
    assert_eq!(grants(&server).len(), 2);
    olga.submit(&page, &page.form("end"), &[("end", "1")]).await;
    assert_eq!(grants(&server), std::slice::from_ref(own));
    let page = olga.open("/account/apps").await;
    assert!(!page.text().contains("Robot"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_counts_the_grants_of_each_organization_by_themselves() {
    let limit = "[tokens]\ngrants_per_user_and_app = 2\n";
    let server = crate::harness::Server::library("default", &format!("{limit}{}", super::WORLD)).await;
    server.command(&["org", "set-member", "globex", "olga@example.com", "owner"]);
    let olga = server.browser_of(OLGA).await;
    let robot = robot(&server);
    let connect = async |organization: &str| {
        let page = olga.authorize(&robot.query(&[])).await.consent();
        let choice = [("decision", "allow"), ("organization", organization)];
        let answer = olga.submit_only(&page, &page.form("decision"), &choice).await;
        let code = crate::harness::Landing::of(answer).callback().code().to_owned();
        robot.redeem(&code).await.tokens()
    };
    let first = connect("acme").await;
    for _ in 0..2 {
        server.advance(Duration::from_secs(1));
        connect("globex").await;
    }
    connect("acme").await;
    assert_eq!(grants(&server).len(), 4);
    assert_eq!(robot.introspect(&first.access).await.json()["active"], true);
    server.advance(Duration::from_secs(1));
    connect("globex").await;
    assert_eq!(grants(&server).len(), 4);
    assert_eq!(robot.introspect(&first.access).await.json()["active"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_moved_to_another_organization_takes_none_along() {
    let server = world().await;
    let tokens = connected(&server).await;
    server.command(&["app", "change", "robot", "--organization", "acme", "--yes"]);
    assert_eq!(
        robot(&server).refresh(&tokens.refresh).await.refusal(),
        "400 invalid_grant"
    );
    let dora = server.browser_of(DORA).await;
    assert_eq!(dora.open("/organizations/acme?tab=apps").await.status, 200);
}
