//! A person leaves an organization of the site.

use super::*;
use reqwest::Method;

const PARTNER: &str = r#"
[[organizations]]
slug = "acme"
name = "Acme Kitchens"
[[apps]]
name = "Partner Sync"
client_id = "partner"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://partner.example/callback"]
reach = "partner"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_an_organization_has_their_grants_there_paused() {
    let server = server_with(PARTNER).await;
    let (site, browser) = (Site::new(&server), server.browser());
    let partner = server.client("partner", "https://partner.example/callback");
    let mut person = ann();
    person["organization"] = json!({ "id": "10/a", "name": "Bakery", "role": "owner" });
    let address = format!("/oauth/authorize?{}", partner.query(&[("scope", "read")]));
    let page = site.sign_in(&browser, &address, person).await.consent();
    let callback = browser.decide(&page, "allow").await.callback();
    let tokens = partner.redeem(callback.code()).await.tokens();
    let listed = grants(&server).await;
    assert_eq!(listed[0]["organization"], json!({ "id": "10/a", "name": "Bakery" }));
    let shown = site.call("GET", &path("4711", ""), None).await.json();
    assert_eq!(
        shown["organizations"],
        json!([{ "id": "10/a", "name": "Bakery", "role": "owner" }])
    );

    let there = path("4711", "/organizations/10%2Fa");
    assert!(is_done(&site.call("DELETE", &there, None).await));
    assert_eq!(server.identity(&tokens.access).await.status, 401);
    assert_eq!(grants(&server).await[0]["state"], "paused");
    assert!(
        is_done(&site.call("DELETE", &there, None).await),
        "also the second time"
    );
    assert_eq!(
        events(&server)
            .iter()
            .filter(|event| *event == "member_removed")
            .count(),
        1
    );
    // The person comes back, and so do the grants.
    let back = json!({ "organization": { "id": "10/a" } });
    assert_eq!(site.call("PUT", &path("4711", ""), Some(&back)).await.status, 200);
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    // The whole list, without it.
    let elsewhere = json!({ "organizations": [{ "id": "11" }] });
    assert_eq!(site.call("PUT", &path("4711", ""), Some(&elsewhere)).await.status, 200);
    assert_eq!(server.identity(&tokens.access).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_of_the_operator_are_not_the_sites() {
    let server = server_with(PARTNER).await;
    let site = Site::new(&server);
    let tokens = connected(&server, &server.browser()).await;
    for unknown in ["acme", "12", "%FF", "default%2F"] {
        let answer = site
            .call("DELETE", &path("4711", &format!("/organizations/{unknown}")), None)
            .await;
        assert_eq!(answer.refusal(), "404 not_found", "{unknown}");
    }
    assert_eq!(
        site.call("DELETE", &path("4712", "/organizations/default"), None)
            .await
            .status,
        404
    );
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    // The default organization excepted.
    assert_eq!(
        grants(&server).await[0]["organization"],
        Value::Null,
        "nobody sees that it is there"
    );
    assert!(is_done(
        &site.call("DELETE", &path("4711", "/organizations/default"), None).await
    ));
    assert_eq!(server.identity(&tokens.access).await.status, 401);
    assert_eq!(grants(&server).await[0]["state"], "paused");
}

/// Decision 60: pages and answers name all organizations of a person, so there is a largest number of them.
#[tokio::test(flavor = "multi_thread")]
async fn the_operator_adds_nobody_to_a_thousand_and_first_organization() {
    let server = server_with(PARTNER).await;
    let (site, browser) = (Site::new(&server), server.browser());
    site.sign_in(&browser, "/account", ann()).await.page();
    let all: Vec<_> = (0..1_000).map(|id| json!({ "id": id.to_string() })).collect();
    let described = json!({ "organizations": all });
    assert_eq!(site.call("PUT", &path("4711", ""), Some(&described)).await.status, 200);
    let slug = server.sql("SELECT slug FROM organizations WHERE external_id = '7'");
    let member = |slug: &str| format!("/organizations/{}/members/4711", slug.trim());
    let put = async |slug: &str| {
        let role = Some(json!({ "role": "developer" }));
        server.operator(Method::PUT, &member(slug), role).await
    };
    let refused = put("acme").await;
    assert_eq!(refused.refusal(), "409 conflict");
    assert!(refused.body.contains("at most 1000 organizations"), "{}", refused.body);
    // The role in one of them can be changed, and another one has room after the person left one.
    assert_eq!(put(&slug).await.status, 200);
    assert_eq!(server.operator(Method::DELETE, &member(&slug), None).await.status, 200);
    assert_eq!(put("acme").await.status, 200);
}
