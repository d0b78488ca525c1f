//! What a developer does to an app that is registered: change its name, redirect URIs and scopes, and delete it.

use crate::harness::{APPS, Answer, Browser, JOHN, MARY, REDIRECT_URI, Server, TENANTS};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const SAMPLE: &str = "/developer/apps/sample";
const CHANGE: &str = "/developer/apps/sample/change";
const DELETE: &str = "/developer/apps/sample/delete";
const OTHER_URI: &str = "https://crew.example/callback";

/// The declared apps, with one that Mary owns: she reads English.
fn marys() -> String {
    APPS.replace("john@doe.com", MARY.email)
}

async fn change(browser: &Browser<'_>, typed: &[(&str, &str)]) -> Answer {
    let page = browser.open(CHANGE).await;
    browser.submit(&page, &page.form("save"), typed).await
}

async fn delete(browser: &Browser<'_>) -> Answer {
    let page = browser.open(DELETE).await;
    browser.submit(&page, &page.form("delete"), &[("delete", "1")]).await
}

async fn sample(server: &Server) -> Value {
    server.operator(Method::GET, "/apps/sample", None).await.json()
}

fn audited(server: &Server, action: &str) -> String {
    server.sql(&format!(
        "SELECT before, after FROM audit_events WHERE action = '{action}' AND actor LIKE 'user:%'"
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_name_and_redirect_uri_count_at_once_and_people_stay_connected() {
    let server = Server::library("default", &marys()).await;
    let mary = server.browser_of(MARY).await;
    let client = server.client("sample", REDIRECT_URI);
    let tokens = client.connect(&mary).await;
    let page = change(&mary, &[("name", " Crew "), ("redirect_uris", OTHER_URI)]).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("The changes are saved."), "{}", page.text());
    assert!(page.text().contains("Crew") && page.text().contains(OTHER_URI));
    assert_eq!(mary.authorize(&client.query(&[])).await.page().status, 400);
    server.client("sample", OTHER_URI).code(&mary, &[]).await;
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    client.refresh(&tokens.refresh).await.tokens();
    let app = sample(&server).await;
    assert_eq!(
        (&app["name"], &app["redirect_uris"]),
        (&json!("Crew"), &json!([OTHER_URI]))
    );
    let log = audited(&server, "app_changed");
    for part in ["Sample App", REDIRECT_URI, r#""name":"Crew""#, OTHER_URI] {
        assert!(log.contains(part), "{log}");
    }
    assert!(!log.contains("scopes"), "nothing else was changed: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_changes_nothing_writes_nothing() {
    let server = Server::library("default", &marys()).await;
    let mary = server.browser_of(MARY).await;
    let before = sample(&server).await;
    assert_eq!(change(&mary, &[]).await.status, 200);
    assert_eq!(sample(&server).await, before);
    assert_eq!(audited(&server, "app_changed"), "");
    // A declared app without scopes of its own may still ask for all, those that come later too.
    assert_eq!(server.sql("SELECT scopes FROM apps WHERE client_id = 'sample'"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unticked_scope_is_refused_at_once_and_left_out_of_the_next_token() {
    let server = Server::library("default", &marys()).await;
    let mary = server.browser_of(MARY).await;
    let client = server.client("sample", REDIRECT_URI);
    let tokens = client.connect_with(&mary, &[("scope", "read write")]).await;
    assert_eq!(change(&mary, &[("scope", "read")]).await.status, 200);
    assert_eq!(server.identity(&tokens.access).await.status, 401);
    let refreshed = client.refresh(&tokens.refresh).await;
    assert_eq!(refreshed.json()["scope"], "read");
    assert_eq!(sample(&server).await["scopes"], json!(["read"]));
}

/// Decision 79: nobody vouches for what a developer makes of an app that the operator reviewed.
#[tokio::test(flavor = "multi_thread")]
async fn a_reviewed_app_that_its_developer_makes_another_of_counts_as_not_reviewed() {
    let server = Server::library("default", &marys()).await;
    let mary = server.browser_of(MARY).await;
    let reviewed_text = "The operator has reviewed this app.";
    let page = mary.open(CHANGE).await.text();
    assert!(!page.contains(reviewed_text), "apps of listed developers are trusted");
    let no_developer = json!({ "developer": false });
    let of_mary = format!("/users/{}", MARY.email);
    server.operator(Method::PATCH, &of_mary, Some(no_developer)).await;
    assert!(mary.open(CHANGE).await.text().contains(reviewed_text));
    let none: &[(&str, &str)] = &[];
    let typed: [&[(&str, &str)]; 3] = [none, &[("name", "Account Security")], &[("redirect_uris", OTHER_URI)]];
    for (typed, reviewed) in typed.into_iter().zip([true, false, false]) {
        let again = json!({ "trusted": true });
        server.operator(Method::PATCH, "/apps/sample", Some(again)).await;
        assert_eq!(change(&mary, typed).await.status, 200);
        let app = sample(&server).await;
        assert_eq!(app["trusted"], reviewed, "{typed:?}: {app}");
        let uri = app["redirect_uris"][0].as_str().unwrap();
        let asked = mary.authorize(&server.client("sample", uri).query(&[])).await.consent();
        assert_eq!(asked.text().contains("not reviewed"), !reviewed, "{typed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_app_is_not_deleted_by_its_developer() {
    let server = Server::library("default", &marys()).await;
    let mary = server.browser_of(MARY).await;
    let page = mary.open(DELETE).await;
    server.operator(Method::POST, "/apps/sample/suspend", None).await;
    assert_eq!(mary.open(DELETE).await.status, 404);
    let told = mary.submit(&page, &page.form("delete"), &[("delete", "1")]).await;
    assert_eq!(told.status, 404);
    assert_eq!(sample(&server).await["status"], "suspended");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named_as_at_registration_and_nothing_typed_is_lost() {
    let server = Server::library("default", &marys()).await;
    let mary = server.browser_of(MARY).await;
    let before = sample(&server).await;
    let typed = [
        ("name", "Other App"),
        ("redirect_uris", "http://crew.example/\nhttps://*.example/"),
        ("scope", "nonsense"),
    ];
    let page = change(&mary, &typed).await;
    assert_eq!(page.status, 400);
    for named in [
        "http://crew.example/ must begin with https://",
        "https://*.example/ has a wildcard",
        "Choose at least one of the permissions",
    ] {
        assert!(page.text().contains(named), "{named}: {}", page.text());
    }
    let form = page.form("save");
    assert_eq!(form.value("redirect_uris").trim(), typed[1].1);
    // Only the store knows other developers' names.
    let page = mary
        .submit(&page, &form, &[("redirect_uris", OTHER_URI), ("scope", "read")])
        .await;
    assert_eq!(page.status, 400);
    assert!(
        page.text().contains("looks like the name of another app"),
        "{}",
        page.text()
    );
    assert_eq!(page.form("save").value("name"), "Other App");
    for name in ["", "\u{202e}Crew", &"x".repeat(101)] {
        assert_eq!(change(&mary, &[("name", name)]).await.status, 400, "{name:?}");
    }
    assert_eq!(change(&mary, &[("redirect_uris", "")]).await.status, 400);
    assert_eq!(sample(&server).await, before);
}

/// The rules may have become stricter since: what stays is not judged again.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_app_has_already_stays_good() {
    let long = "x".repeat(150);
    let server = Server::library("default", &marys().replace("Sample App", &long)).await;
    let mary = server.browser_of(MARY).await;
    assert_eq!(change(&mary, &[("redirect_uris", OTHER_URI)]).await.status, 200);
    assert_eq!(sample(&server).await["name"], long.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_app_or_person_or_site_changes_and_deletes_nothing() {
    let server = Server::library("default", &format!("{APPS}{TENANTS}")).await;
    let (john, mary) = (server.browser_of(JOHN).await, server.browser_of(MARY).await);
    let before = sample(&server).await;
    for (field, path, typed) in [
        ("save", "change", [("name", "Sneaky"), ("redirect_uris", OTHER_URI)]),
        ("delete", "delete", [("delete", "1"), ("name", "Sneaky")]),
    ] {
        // His own form for another app of his.
        let page = john.open(&format!("/developer/apps/acme-reports/{path}")).await;
        let mut form = page.form(field);
        form.action = form.action.replace("acme-reports", "sample");
        assert_eq!(john.submit(&page, &form, &typed).await.status, 400, "{path}");
        let page = john.open(&format!("{SAMPLE}/{path}")).await;
        let form = page.form(field);
        let foreign = john
            .submit_from(&page, &form, &typed, Some("https://evil.example"))
            .await;
        assert_eq!(foreign.status, 403, "{path}");
        assert_eq!(mary.submit(&page, &form, &typed).await.status, 404, "{path}");
        john.submit(&page, &form, &[&typed[..], &[("state", "AAAA")]].concat())
            .await;
        server.advance(Duration::from_secs(31 * 60));
        john.submit(&page, &form, &typed).await;
        assert_eq!(sample(&server).await, before, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_comes_back_after_sign_in_as_it_was_typed() {
    let server = Server::library("default", &marys()).await;
    let mary = server.browser_of(MARY).await;
    let page = mary.open(CHANGE).await;
    let sign_out = page.forms().into_iter().find(|form| form.action == "/logout").unwrap();
    mary.submit(&page, &sign_out, &[]).await;
    let typed = [("name", "Crew & Co"), ("redirect_uris", OTHER_URI), ("scope", "read")];
    let login = mary.submit(&page, &page.form("save"), &typed).await;
    let back = mary.send_login(&login, MARY).await;
    assert!(back.text().contains("What you typed is here"), "{}", back.text());
    let form = back.form("save");
    assert_eq!(form.action, CHANGE);
    assert_eq!(
        (form.value("name"), form.value("redirect_uris").trim()),
        ("Crew & Co", OTHER_URI)
    );
    assert_eq!(
        sample(&server).await["name"],
        "Sample App",
        "nothing was changed by itself"
    );
    mary.submit(&back, &form, &[]).await;
    assert_eq!(sample(&server).await["name"], "Crew & Co");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_says_before_what_breaks_and_after_what_ended() {
    let server = Server::library("default", &marys()).await;
    let mary = server.browser_of(MARY).await;
    let client = server.client("sample", REDIRECT_URI);
    let tokens = client.connect(&mary).await;
    let page = mary.open(DELETE).await.text();
    for said in [
        "1 person has connected the app and is disconnected",
        "access tokens and refresh tokens stop working",
        "Its secret ends",
        "the next start of the server makes the app again",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert_eq!(server.identity(&tokens.access).await.status, 200, "nothing is done yet");
    let page = delete(&mary).await;
    assert_eq!(page.status, 200);
    for said in [
        "Sample App is deleted",
        "1 person was disconnected",
        "Its secret has ended",
    ] {
        assert!(page.text().contains(said), "{said}: {}", page.text());
    }
    assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
    assert_eq!(client.refresh(&tokens.refresh).await.refusal(), "401 invalid_client");
    assert_eq!(mary.open(SAMPLE).await.status, 404);
    let grants = server.operator(Method::GET, "/grants", None).await.json();
    assert_eq!(grants["grants"][0]["reason"], "app_deleted");
    assert!(audited(&server, "app_deleted").contains("Sample App"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_deletion_sent_twice_says_that_the_app_is_deleted() {
    let server = Server::library("default", &marys()).await;
    let mary = server.browser_of(MARY).await;
    let page = mary.open(DELETE).await;
    let form = page.form("delete");
    for _ in 0..2 {
        let told = mary.submit(&page, &form, &[("delete", "1")]).await;
        assert_eq!(told.status, 200);
        assert!(told.text().contains("Sample App is deleted"), "{}", told.text());
    }
    let events = server.sql("SELECT COUNT(*) FROM audit_events WHERE action = 'app_deleted'");
    assert_eq!(events, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secrets_are_a_table_that_says_what_the_end_of_each_breaks() {
    let server = Server::library("default", &marys()).await;
    let mary = server.browser_of(MARY).await;
    let page = mary.open(SAMPLE).await;
    assert!(page.text().contains("no other secret is permanent"), "{}", page.text());
    let page = mary.submit(&page, &page.form("add"), &[("add", "1")]).await;
    assert!(
        page.text().contains("The other secret works as before"),
        "{}",
        page.text()
    );
    let client = server.client("sample", REDIRECT_URI);
    assert_eq!(client.client_credentials(&[]).await.status, 200);
    let page = mary.open(SAMPLE).await;
    for said in ["Nothing breaks: it was never used", "Requests with it fail at once"] {
        assert!(page.text().contains(said), "{said}: {}", page.text());
    }
    let page = mary.submit(&page, &page.form("end"), &[("end", "1")]).await;
    assert!(page.text().contains("The secret has ended"), "{}", page.text());
    let page = mary.submit(&page, &page.form("reset"), &[("reset", "now")]).await;
    assert!(page.text().contains("The old secrets have ended"), "{}", page.text());
}
