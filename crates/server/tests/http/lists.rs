//! Lists come in pages, counts are counted by the database, and an answer repeats only the beginning of what was sent.

use crate::harness::{APPS, Server};
use http::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_the_admin_api_repeats_the_beginning_of_what_was_sent() {
    let server = Server::library("default", APPS).await;
    let long = "\u{1}".repeat(9_000);
    for body in [
        json!({ "name": "Crew", "redirect_uris": [long] }),
        json!({ "name": "Crew", "scopes": [long] }),
        json!({ "name": "Crew", long.clone(): 1 }),
        json!({ "name": "Crew", "organization": long }),
    ] {
        let answer = server.operator(Method::POST, "/apps", Some(body)).await;
        assert!(matches!(answer.status, 400 | 404), "{}", answer.status);
        assert!(answer.body.len() < 7_000, "{}", answer.body.len());
        assert!(answer.body.contains('…'), "{}", answer.body);
    }
}
