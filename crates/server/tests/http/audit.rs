//! The audit log records the actions of people, apps and the operator, with actor, object and source.

use crate::harness::{APPS, JOHN, REDIRECT_URI, Server};
use http::Method;
use serde_json::{Value, json};

/// The events except declarations, as actor and action, sorted by text: the clock stands still.
fn recorded(server: &Server) -> Vec<(String, String)> {
    let rows =
        server.sql("SELECT actor || ' ' || action FROM audit_events WHERE actor <> 'server' ORDER BY action, actor");
    let rows = rows.lines().filter_map(|row| row.split_once(' '));
    rows.map(|(actor, action)| (actor.to_owned(), action.to_owned()))
        .collect()
}

/// One column of the only event with this action.
fn column(server: &Server, action: &str, column: &str) -> String {
    server.sql(&format!("SELECT {column} FROM audit_events WHERE action = '{action}'"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_used_twice_is_recorded_with_the_app_that_sent_it() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let code = sample.code(&john, &[]).await;
    sample.redeem(&code).await.tokens();
    for _ in 0..2 {
        assert_eq!(sample.redeem(&code).await.refusal(), "400 invalid_grant");
    }
    let events = recorded(&server);
    let words: Vec<&str> = events.iter().map(|(_, action)| action.as_str()).collect();
    assert_eq!(words, ["grant_created", "grant_ended", "signed_in"]);
    assert!(
        events[0].0.starts_with("user:") && events[0].0 == events[2].0,
        "{events:?}"
    );
    assert_eq!(events[1].0, "app:sample");
    assert_eq!(
        column(&server, "grant_ended", "detail"),
        r#"{"reason":"code_replayed"}"#
    );
    assert_eq!(column(&server, "grant_ended", "source"), "127.0.0.1");
    let scopes: Value = serde_json::from_str(&column(&server, "grant_created", "after")).unwrap();
    assert!(scopes["scopes"].is_array(), "{scopes}");
    let of = "COUNT(*) FROM audit_events JOIN grants ON grants.id = grant_id AND grants.app_id = audit_events.app_id \
              AND grants.user_id = audit_events.user_id AND grants.organization_id = audit_events.organization_id";
    assert_eq!(server.sql(&format!("SELECT {of}")), "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reused_refresh_token_is_recorded_and_refreshes_are_not() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let first = sample.connect(&john).await;
    let second = sample.refresh(&first.refresh).await.tokens();
    let third = sample.refresh(&second.refresh).await.tokens();
    sample.refresh(&third.refresh).await.tokens();
    assert_eq!(recorded(&server).len(), 2);
    assert_eq!(sample.refresh(&first.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(
        column(&server, "grant_ended", "detail"),
        r#"{"reason":"refresh_reused"}"#
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_grant_is_recorded_with_the_actor() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let revoked = sample.connect(&john).await;
    sample.revoke(&revoked.refresh).await;
    sample.connect(&john).await;
    let page = john.open("/account/apps").await;
    let form = page.form("end");
    for _ in 0..2 {
        john.submit(&page, &form, &[("end", "1")]).await;
    }
    sample.connect(&john).await;
    let listed = server
        .operator(http::Method::GET, "/grants?state=active", None)
        .await
        .json();
    let id = listed["grants"][0]["id"].as_str().unwrap();
    for _ in 0..2 {
        server
            .operator(http::Method::POST, &format!("/grants/{id}/end"), Some(json!({})))
            .await;
    }
    let events = recorded(&server);
    let ends: Vec<&str> = events
        .iter()
        .filter(|(_, action)| action == "grant_ended")
        .map(|(actor, _)| actor.split(':').next().unwrap())
        .collect();
    assert_eq!(ends, ["app", "operator", "user"]);
}

/// Only a trusted proxy may report the source of a request.
#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_source_is_the_one_reported_by_a_trusted_proxy() {
    for (trusted, expected) in [(true, "203.0.113.9"), (false, "127.0.0.1")] {
        let proxies = if trusted {
            "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n"
        } else {
            ""
        };
        let server = Server::library("default", &format!("{proxies}{APPS}")).await;
        let browser = server.browser().at("203.0.113.9");
        browser.log_in(JOHN).await;
        assert_eq!(column(&server, "signed_in", "source"), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sign_in_is_not_recorded() {
    let server = Server::library("default", APPS).await;
    let browser = server.browser();
    let wrong = crate::harness::Person {
        password: "wrong",
        ..JOHN
    };
    browser.log_in(wrong).await;
    assert_eq!(recorded(&server), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_developers_changes_are_recorded_without_secrets() {
    let server = Server::library("default", "").await;
    let john = server.browser_of(JOHN).await;
    let page = john.open("/developer/apps/new").await;
    let typed = [("name", "Crew"), ("redirect_uris", REDIRECT_URI)];
    let form = page.form("redirect_uris");
    let page = john.submit(&page, &form, &typed).await;
    let first = page.by_id("fresh-secret").unwrap();
    let page = john.submit(&page, &page.form("add"), &[("add", "1")]).await;
    let second = page.by_id("fresh-secret").unwrap();
    let actions: Vec<_> = recorded(&server).into_iter().map(|(_, action)| action).collect();
    assert_eq!(actions, ["app_created", "app_secret_added", "signed_in"]);
    let log = server.sql("SELECT after, detail FROM audit_events");
    assert!(log.contains("Crew"), "{log}");
    for secret in [first, second] {
        assert!(
            !log.contains(&secret) && !log.contains(&secret[secret.len() - 4..]),
            "{log}"
        );
    }
    for hidden in ["argon2", "sha256", "password"] {
        assert!(!log.contains(hidden), "{hidden}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_is_recorded_before_and_after_beside_that_of_the_site() {
    let server = Server::library("default", "").await;
    let set = async |verb: &str| {
        let path = format!("/users/{}/{verb}", JOHN.email);
        assert_eq!(server.operator(Method::POST, &path, None).await.status, 200, "{verb}");
    };
    let changed = |action: &str| {
        let member = |name: &str| column(&server, action, name);
        let events = [member("before"), member("after")];
        server.sql("DELETE FROM audit_events");
        events
    };
    let active = r#"{"status":"active","suspended_by":null}"#;
    let by = |who: &str| format!(r#"{{"status":"suspended","suspended_by":"{who}"}}"#);
    set("suspend").await;
    assert_eq!(changed("user_suspended"), [active.to_owned(), by("operator")]);
    set("resume").await;
    assert_eq!(changed("user_resumed"), [by("operator"), active.to_owned()]);
    server.sql("UPDATE users SET status = 'suspended', suspended_by = 'site'");
    set("suspend").await;
    let only = |who: &str| format!(r#"{{"suspended_by":"{who}"}}"#);
    assert_eq!(changed("user_suspended"), [only("site"), only("both")]);
    set("resume").await;
    assert_eq!(changed("user_resumed"), [only("both"), only("site")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_effect_is_not_recorded() {
    let server = Server::library("default", APPS).await;
    let send = async |method: Method, path: &str, body: Option<Value>| {
        assert_eq!(server.operator(method, path, body).await.status, 200, "{path}");
    };
    let acme = json!({ "slug": "acme", "name": "Acme" });
    let made = server.operator(Method::POST, "/organizations", Some(acme)).await;
    assert_eq!(made.status, 201);
    let john = format!("/users/{}", JOHN.email);
    let app = "/apps/sample".to_owned();
    for object in [&john, &app, &"/organizations/acme".to_owned()] {
        for verb in ["suspend", "suspend", "resume", "resume"] {
            send(Method::POST, &format!("{object}/{verb}"), None).await;
        }
        for _ in 0..2 {
            send(Method::PATCH, object, Some(json!({ "name": "Another" }))).await;
        }
    }
    for _ in 0..2 {
        let member = format!("/organizations/acme/members/{}", JOHN.email);
        send(Method::PUT, &member, Some(json!({ "role": "developer" }))).await;
    }
    let mut actions: Vec<_> = recorded(&server).into_iter().map(|(_, action)| action).collect();
    actions.sort();
    assert_eq!(
        actions,
        [
            "app_changed",
            "app_resumed",
            "app_suspended",
            "member_set",
            "organization_changed",
            "organization_created",
            "organization_resumed",
            "organization_suspended",
            "user_changed",
            "user_resumed",
            "user_suspended"
        ]
    );
}

/// A declaration is recorded when it is applied, not at every start.
#[tokio::test(flavor = "multi_thread")]
async fn declared_objects_are_recorded_once_with_the_server_as_actor() {
    let mut server = Server::library("default", APPS).await;
    let count = "SELECT COUNT(*) FROM audit_events WHERE actor = 'server'";
    let before = server.sql(count);
    let kinds = server.sql("SELECT DISTINCT action FROM audit_events ORDER BY action");
    let expected = [
        "app_created",
        "member_set",
        "organization_created",
        "resource_set",
        "user_created",
    ];
    assert_eq!(kinds.lines().collect::<Vec<_>>(), expected);
    server.restart().await;
    assert_eq!(server.sql(count), before);
}
