//! The apps that a person connected, on a page of the site.

use super::*;
use crate::harness::SITE_SECRET;
use reqwest::Method;
use std::collections::BTreeSet;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_listed_as_a_page_of_the_site_needs_it() {
    let more = r#"
[scopes.export]
title = { en = "Export your things", nl = "Je spullen exporteren" }
description = { en = "All of them.", nl = "Allemaal." }
"#;
    let server = server_with(more).await;
    let (site, browser) = (Site::new(&server), server.browser());
    let page = site
        .sign_in(&browser, &authorize(&server, &[("scope", "read export")]), ann())
        .await
        .consent();
    let callback = browser.decide(&page, "allow").await.callback();
    let pending = grants(&server).await;
    assert_eq!(
        (pending.len(), &pending[0]["state"], &pending[0]["last_used"]),
        (1, &json!("pending"), &Value::Null)
    );
    server.advance(Duration::from_secs(5));
    let tokens = sample(&server).redeem(callback.code()).await.tokens();
    let expected = json!([{
        "id": pending[0]["id"],
        "app": {
            "client_id": "sample",
            "name": "Sample App",
            "uri": null,
            "logo_uri": null,
            "publisher": "John Doe",
            "reviewed": true,
        },
        "organization": null,
        "scopes": [
            { "name": "read", "title": "Read your things", "description": null },
            { "name": "export", "title": "Export your things", "description": "All of them." },
        ],
        "state": "active",
        "since": "2026-01-01T00:00:00.000Z",
        "last_used": "2026-01-01T00:00:05.000Z",
        "ends_at": null,
    }]);
    let mut listed = Value::from(grants(&server).await);
    assert!(listed[0]["ends_at"].is_null() || listed[0]["ends_at"].is_string());
    listed[0]["ends_at"] = Value::Null;
    assert_eq!(listed, expected);
    // In the language that the site asks for.
    let url = server.at(&path("4711", "/grants"));
    let request = server.request(Method::GET, &url).bearer_auth(SITE_SECRET);
    let dutch = server
        .send(&url, request.header("accept-language", "nl-BE"))
        .await
        .json();
    let scopes = dutch["grants"][0]["scopes"].as_array().unwrap();
    let export = scopes.iter().find(|scope| scope["name"] == "export").unwrap();
    assert_eq!(
        (&export["title"], &export["description"]),
        (&json!("Je spullen exporteren"), &json!("Allemaal."))
    );
    // The app is suspended.
    server.command(&["app", "suspend", "sample", "--json"]);
    assert_eq!(grants(&server).await[0]["state"], "paused");
    server.command(&["app", "resume", "sample", "--json"]);
    // The app gives its token back.
    assert_eq!(sample(&server).revoke(&tokens.refresh).await.status, 200);
    assert_eq!(grants(&server).await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_expired_is_no_grant() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let page = site.sign_in(&browser, &authorize(&server, &[]), ann()).await.consent();
    browser.decide(&page, "allow").await.callback();
    let there = only_grant(&server).await;
    server.advance(Duration::from_secs(601));
    assert_eq!(grants(&server).await, Vec::<Value>::new());
    let narrowed = site
        .call("PATCH", &there, Some(&json!({ "scopes": ["profile"] })))
        .await;
    assert_eq!(narrowed.refusal(), "404 not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_site_ends_a_grant() {
    let server = server().await;
    let site = Site::new(&server);
    let tokens = connected(&server, &server.browser()).await;
    let there = only_grant(&server).await;
    assert!(is_done(&site.call("DELETE", &there, None).await));
    assert_eq!(server.identity(&tokens.access).await.status, 401);
    assert_eq!(
        sample(&server).refresh(&tokens.refresh).await.refusal(),
        "400 invalid_grant"
    );
    assert_eq!(grants(&server).await, Vec::<Value>::new());
    assert!(
        is_done(&site.call("DELETE", &there, None).await),
        "also the second time"
    );
    assert_eq!(
        events(&server).iter().filter(|event| *event == "grant_ended").count(),
        1
    );
    let narrowed = site.call("PATCH", &there, Some(&json!({ "scopes": ["read"] }))).await;
    assert_eq!(narrowed.refusal(), "404 not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_of_other_people_are_not_there() {
    let server = server().await;
    let site = Site::new(&server);
    let tokens = connected(&server, &server.browser()).await;
    let id = grants(&server).await[0]["id"].as_str().unwrap().to_owned();
    site.call("PUT", &path("4712", ""), Some(&json!({ "name": "Ben" })))
        .await;
    let own = server.command(&["grant", "list", "--json"])["grants"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for (subject, grant) in [
        ("4712", id.as_str()),
        ("0815", &id),
        ("4711", "x"),
        ("4711", "0198d2a0-0000-7000-8000-000000000001"),
    ] {
        for (method, body) in [("DELETE", None), ("PATCH", Some(json!({ "scopes": ["read"] })))] {
            let answer = site
                .call(method, &path(subject, &format!("/grants/{grant}")), body.as_ref())
                .await;
            assert_eq!(answer.refusal(), "404 not_found", "{method} {subject} {grant}");
        }
    }
    assert_eq!(own, id);
    // A grant of an organization is nobody's own.
    server.sql("UPDATE grants SET acts_as = 'organization'");
    assert_eq!(grants(&server).await, Vec::<Value>::new());
    for (method, body) in [("DELETE", None), ("PATCH", Some(json!({ "scopes": ["read"] })))] {
        let answer = site
            .call(method, &path("4711", &format!("/grants/{id}")), body.as_ref())
            .await;
        assert_eq!(answer.refusal(), "404 not_found", "{method}");
    }
    server.sql("UPDATE grants SET acts_as = NULL");
    assert_eq!(server.identity(&tokens.access).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_has_pages() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    for _ in 0..5 {
        connected(&server, &browser).await;
        server.advance(Duration::from_secs(1));
    }
    let get = async |query: &str| site.call("GET", &path("4711", &format!("/grants{query}")), None).await;
    let (mut seen, mut after, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = get(&format!("?limit=2{after}")).await.json();
        let grants = page["grants"].as_array().unwrap();
        seen.extend(
            grants
                .iter()
                .map(|grant| (grant["since"].to_string(), grant["id"].to_string())),
        );
        pages += 1;
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!((seen.len(), pages), (5, 3));
    assert!(seen.is_sorted_by(|a, b| a > b), "the newest first: {seen:?}");
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 5);
    for (query, field) in [
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?limit=x", "limit"),
        ("?after=x", "after"),
    ] {
        let answer = get(query).await;
        assert_eq!(
            (answer.status, &answer.json()["field"]),
            (422, &json!(field)),
            "{query}"
        );
    }
}
