//! `/handover/people/…`: what happens to a person at the site later.

mod access;
mod export;
mod grants;
mod narrowed;
mod organizations;
mod person;
mod state;

use super::{authorize, server, server_with};
use crate::harness::{Answer, Browser, Client, REDIRECT_URI, Server, Site, Tokens, ann};
use serde_json::{Value, json};

/// The path of a subject without characters that need encoding.
fn path(subject: &str, rest: &str) -> String {
    format!("/handover/people/{subject}{rest}")
}

/// Whether the answer is the one to a call that did what it says.
fn is_done(answer: &Answer) -> bool {
    answer.status == 204 && answer.body.is_empty()
}

fn sample(server: &Server) -> Client<'_> {
    server.client("sample", REDIRECT_URI)
}

/// Ann signs in at the site and allows the app `sample` to read and to write.
async fn connected(server: &Server, browser: &Browser<'_>) -> Tokens {
    connected_as(server, browser, ann()).await
}

/// The same for any person.
async fn connected_as(server: &Server, browser: &Browser<'_>, person: Value) -> Tokens {
    let address = authorize(server, &[("scope", "read write")]);
    let page = Site::new(server).sign_in(browser, &address, person).await.consent();
    let callback = browser.decide(&page, "allow").await.callback();
    sample(server).redeem(callback.code()).await.tokens()
}

/// The grants in the first page of Ann's list.
async fn grants(server: &Server) -> Vec<Value> {
    let answer = Site::new(server).call("GET", &path("4711", "/grants"), None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["grants"].as_array().cloned().unwrap_or_default()
}

/// The path of Ann's only grant.
async fn only_grant(server: &Server) -> String {
    let grants = grants(server).await;
    assert_eq!(grants.len(), 1, "{grants:?}");
    path("4711", &format!("/grants/{}", grants[0]["id"].as_str().unwrap()))
}

/// The events that the site caused, the oldest first.
fn events(server: &Server) -> Vec<String> {
    let events = server
        .sql("SELECT action FROM audit_events WHERE actor = 'site' AND source IS NOT NULL ORDER BY happened, action");
    events.split_whitespace().map(str::to_owned).collect()
}

fn moment(number: i64) -> Value {
    // The clock of a test begins at 2026-01-01T00:00:00Z.
    json!(1_767_225_600_000_i64 + number)
}
