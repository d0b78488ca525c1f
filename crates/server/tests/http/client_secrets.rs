//! Two live secrets per app: the secret is replaced without an outage. The page and the command show the last
//! use.

use crate::harness::{Answer, Browser, Client, JOHN, MARY, Server, TENANTS};
use std::time::Duration;

/// An app with a chosen secret, which is too short to be stored as a digest.
const CHOSEN: &str = r#"
[[apps]]
name = "Planner"
owner = "john@doe.com"
client_id = "planner"
client_secret = "456def"
redirect_uris = ["https://planner.example/callback"]
"#;
const PLANNER: &str = "/developer/apps/planner";

/// A server some time after its declared secrets were created: lists are sorted by creation.
async fn a_moment_later(declared: &str) -> Server {
    let server = Server::library("default", declared).await;
    server.advance(Duration::from_secs(1));
    server
}

async fn press(browser: &Browser<'_>, path: &str, button: &str, value: &str) -> Answer {
    let page = browser.open(path).await;
    browser.submit(&page, &page.form(button), &[(button, value)]).await
}

fn shown(page: &Answer) -> String {
    assert_eq!(page.status, 200, "{}", page.text());
    page.by_id("fresh-secret").expect("the secret")
}

/// The number of forms that end a secret.
fn ends(page: &Answer) -> usize {
    page.forms().iter().filter(|form| form.has("end")).count()
}

async fn accepted(client: &Client<'_>, secret: &str) -> bool {
    let answer = client.clone().with_secret(secret).client_credentials(&[]).await;
    assert!(matches!(answer.status, 200 | 401), "{answer:?}");
    answer.status == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_secret_works_beside_the_first_until_that_is_ended() {
    let server = a_moment_later(CHOSEN).await;
    let (john, planner) = (server.browser_of(JOHN).await, server.client("planner", ""));
    assert!(accepted(&planner, "456def").await);
    let second = shown(&press(&john, PLANNER, "add", "1").await);
    server.advance(Duration::from_secs(30 * 24 * 3600));
    assert!(accepted(&planner, "456def").await && accepted(&planner, &second).await);

    let john = server.browser_of(JOHN).await;
    let page = john.open(PLANNER).await;
    assert_eq!(ends(&page), 2);
    assert!(!page.body.contains(&second), "it was shown once");
    // The newest secret is first. The last form belongs to the declared secret.
    let form = page.forms().into_iter().rfind(|form| form.has("end")).unwrap();
    let answer = john.submit_only(&page, &form, &[("end", "1")]).await;
    let place = format!("{PLANNER}?done=secret-ended");
    assert_eq!((answer.status, answer.header("location")), (303, place.as_str()));
    assert!(
        !accepted(&planner, "456def").await,
        "at once, though it was remembered as fitting"
    );
    assert!(accepted(&planner, &second).await);
    assert_eq!(
        ends(&john.open(PLANNER).await),
        0,
        "the only one is not ended, it is replaced"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_secret_is_refused_and_changes_nothing() {
    let server = a_moment_later(CHOSEN).await;
    let (john, planner) = (server.browser_of(JOHN).await, server.client("planner", ""));
    let before = john.open(PLANNER).await;
    let second = shown(&press(&john, PLANNER, "add", "1").await);
    let full = john.open(PLANNER).await;
    assert!(!full.body.contains("name=\"add\"") && !full.body.contains("value=\"overlap\""));
    // The form of the old page, with the state of the current page.
    let (form, now) = (before.form("reset"), full.form("reset"));
    for (button, value) in [("add", "1"), ("reset", "overlap")] {
        let typed = [(button, value), ("state", now.value("state"))];
        let refused = john.submit(&before, &form, &typed).await;
        assert_eq!(refused.status, 409);
        assert!(
            refused.text().contains("werken twee geheimen"),
            "John reads Dutch: {}",
            refused.text()
        );
        assert_eq!(refused.by_id("fresh-secret"), None);
    }
    assert!(accepted(&planner, "456def").await && accepted(&planner, &second).await);
    shown(&press(&john, PLANNER, "reset", "now").await);
    assert!(!accepted(&planner, "456def").await && !accepted(&planner, &second).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_form_sent_many_times_creates_one_secret() {
    let server = a_moment_later(CHOSEN).await;
    let john = server.browser_of(JOHN).await;
    let page = john.open(PLANNER).await;
    let answers = john.submit_at_once(&page, &page.form("add"), &[("add", "1")], 8).await;
    let made = answers.iter().filter(|answer| answer.by_id("fresh-secret").is_some());
    assert_eq!(made.count(), 1);
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 303)));
    assert_eq!(ends(&john.open(PLANNER).await), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_the_last_use_of_a_secret() {
    let server = a_moment_later(&CHOSEN.replace("john@doe.com", MARY.email)).await;
    let mary = server.browser_of(MARY).await;
    let planner = server.client("planner", "");
    shown(&press(&mary, PLANNER, "add", "1").await);
    let text = mary.open(PLANNER).await.text();
    assert_eq!(text.matches("never used").count(), 2, "{text}");
    assert!(accepted(&planner, "456def").await);
    server.advance(Duration::from_secs(5 * 60));
    let text = mary.open(PLANNER).await.text();
    assert!(text.contains("5 minutes ago"), "{text}");
    assert_eq!(text.matches("never used").count(), 1, "{text}");
    assert!(!accepted(&planner, "wrong").await);
    let again = mary.open(PLANNER).await.text();
    assert!(again.contains("5 minutes ago"), "a wrong one is no use: {again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_secret_cannot_be_ended_but_an_overlap_can() {
    let server = a_moment_later(CHOSEN).await;
    let (john, planner) = (server.browser_of(JOHN).await, server.client("planner", ""));
    let second = shown(&press(&john, PLANNER, "add", "1").await);
    let both = john.open(PLANNER).await;
    let forms: Vec<_> = both.forms().into_iter().filter(|form| form.has("end")).collect();
    john.submit(&both, &forms[1], &[("end", "1")]).await;
    let refused = john.submit(&both, &forms[0], &[("end", "1")]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("niet beëindigd"), "{}", refused.text());
    assert!(accepted(&planner, &second).await);
    // Ending a secret twice is no error.
    assert_eq!(john.submit_only(&both, &forms[1], &[("end", "1")]).await.status, 303);

    let third = shown(&press(&john, PLANNER, "reset", "overlap").await);
    assert_eq!(ends(&john.open(PLANNER).await), 1);
    press(&john, PLANNER, "end", "1").await;
    assert!(!accepted(&planner, &second).await && accepted(&planner, &third).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_apps_manager_can_end_a_secret() {
    let server = a_moment_later(TENANTS).await;
    let (john, mary) = (server.browser_of(JOHN).await, server.browser_of(MARY).await);
    let path = "/developer/apps/acme-reports";
    let second = shown(&press(&john, path, "add", "1").await);
    let page = john.open(path).await;
    let form = page.form("end");
    let end = [("end", "1")];
    let foreign = john.submit_from(&page, &form, &end, Some("https://evil.example")).await;
    assert_eq!(foreign.status, 403);
    john.submit(&page, &form, &[("end", "1"), ("state", "AAAA")]).await;
    // A state for ending a secret cannot create one.
    let new = john.open("/developer/apps/new").await;
    let typed = [
        ("name", "Sneaky"),
        ("organization", "acme"),
        ("redirect_uris", "https://sneaky.example/"),
        ("state", form.value("state")),
    ];
    let made = john.submit(&new, &new.form("redirect_uris"), &typed).await;
    assert_eq!((made.status, made.by_id("client-id")), (400, None));
    mary.submit(&page, &form, &end).await;
    // Her own form, sent to the URL of the other app.
    let own = "/developer/apps/globex-trials";
    shown(&press(&mary, own, "add", "1").await);
    let page_of_hers = mary.open(own).await;
    let mut form_of_hers = page_of_hers.form("end");
    form_of_hers.action = form_of_hers.action.replace("globex-trials", "acme-reports");
    assert_eq!(mary.submit(&page_of_hers, &form_of_hers, &end).await.status, 404);
    // His own form, too late.
    server.advance(Duration::from_secs(31 * 60));
    john.submit(&page, &form, &end).await;
    assert!(accepted(&server.client("acme-reports", ""), &second).await);
    assert_eq!(ends(&john.open(path).await), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_listed_added_and_ended_by_command() {
    let server = Server::binary("default", CHOSEN).await;
    let planner = server.client("planner", "");
    assert!(accepted(&planner, "456def").await);
    let list = || server.command(&["app", "secret", "list", "planner"])["secrets"].clone();
    let declared = list()[0].clone();
    assert!(declared["hint"].is_null(), "four characters of six would be too many");
    assert!(
        declared["last_used"].is_string() && declared["expires"].is_null(),
        "{declared}"
    );

    let added = server.command(&["app", "secret", "add", "planner"]);
    let second = added["client_secret"].as_str().unwrap().to_owned();
    assert!(accepted(&planner, "456def").await && accepted(&planner, &second).await);
    assert_eq!(list().as_array().unwrap().len(), 2);
    assert_eq!(list()[1]["hint"].as_str().unwrap(), &second[39..]);

    let id = declared["id"].as_str().unwrap();
    let left = server.command(&["app", "secret", "end", "planner", id]);
    assert_eq!(left["secrets"].as_array().unwrap().len(), 1);
    assert!(!accepted(&planner, "456def").await && accepted(&planner, &second).await);
    server.command(&["app", "secret", "add", "planner"]);
    server.command(&["app", "secret", "end", "planner", &second[39..]]);
    assert!(!accepted(&planner, &second).await);
}
