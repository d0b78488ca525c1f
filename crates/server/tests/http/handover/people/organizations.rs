//! A person leaves an organization of the site.

use super::*;

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
