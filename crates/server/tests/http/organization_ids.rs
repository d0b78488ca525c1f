//! The site's own ids of organizations, declared or given by the operator.

use crate::harness::{APPS, HANDOVER, Server, Site, ann};
use reqwest::Method;
use serde_json::json;

const ACME: &str = "[[organizations]]\nslug = \"acme\"\nname = \"Acme\"\nexternal_id = \"10\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_id_is_shown_and_the_site_finds_the_organization_by_it() {
    let server = Server::library("default", &format!("{HANDOVER}{APPS}{ACME}")).await;
    let shown = server.command(&["org", "show", "acme"]);
    assert_eq!(shown["external_id"], "10");
    let listed = server.command(&["org", "list"]);
    let ids: Vec<_> = listed["organizations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["external_id"])
        .collect();
    assert_eq!(ids, [&json!("10"), &json!(null)]);
    let browser = server.browser();
    let mut person = ann();
    person["organization"] = json!({ "id": "10", "role": "owner" });
    Site::new(&server).sign_in(&browser, "/account", person).await;
    let members = server.command(&["org", "show", "acme"])["members"].clone();
    assert_eq!(members[0]["role"], "owner", "{members}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_gives_an_id_and_no_two_organizations_share_a_name() {
    let server = Server::library("default", ACME).await;
    let made = server.command(&["org", "create", "globex", "--external-id", "Globex/7"]);
    assert_eq!(made["external_id"], "Globex/7");
    let create = async |body: serde_json::Value| server.operator(Method::POST, "/organizations", Some(body)).await;
    for (body, status) in [
        (json!({ "slug": "10" }), 409),
        (json!({ "slug": "other", "external_id": "acme" }), 409),
        (json!({ "slug": "other", "external_id": "10" }), 409),
        (json!({ "slug": "other", "external_id": "é" }), 400),
        (json!({ "slug": "other", "external_id": "" }), 400),
        (json!({ "slug": "same", "external_id": "same" }), 201),
    ] {
        let answer = create(body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_the_site_with_the_slug_of_another_organization_is_refused() {
    let server = Server::library("default", &format!("{HANDOVER}{APPS}{ACME}")).await;
    let site = Site::new(&server);
    let sent = site.sent_from(&server.browser(), "/account").await;
    let mut message = ann();
    message["handover"] = Site::request_in(&sent).into();
    message["organization"] = json!({ "id": "acme" });
    let answer = site.post(&message).await;
    assert_eq!(answer.refusal(), "422 invalid_member", "{}", answer.body);
    assert_eq!(answer.json()["field"], "organization.id");
}
