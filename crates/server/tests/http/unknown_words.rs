//! Two versions side by side (decision 46): a stored word that only the later version knows disables the object that has it,
//! and nothing else.

use crate::harness::{APPS, JOHN, MARY, REDIRECT_URI, RESOURCE, Server, TENANTS};

/// The issuer must not change with the port. A restart reads cached objects again.
fn world(apps: &str) -> String {
    format!("[server]\npublic_url = \"http://id.example\"\n{apps}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_with_an_unknown_word_is_paused_and_no_other() {
    let mut server = Server::library("default", &world(APPS)).await;
    let (odd, fine, cookies) = {
        let john = server.browser_of(JOHN).await;
        let odd = server.client("sample", REDIRECT_URI).connect(&john).await;
        let fine = server
            .client("other", "https://other.example/callback")
            .connect(&john)
            .await;
        (odd, fine, john.cookies())
    };
    for (column, word, before) in [("acts_as", "department", "person"), ("status", "archived", "live")] {
        server.sql(&format!(
            "UPDATE apps SET {column} = '{word}' WHERE client_id = 'sample'"
        ));
        server.restart().await;
        let (sample, other) = (
            server.client("sample", REDIRECT_URI),
            server.client("other", "https://other.example/callback"),
        );
        for answer in [sample.refresh(&odd.refresh).await, sample.client_credentials(&[]).await] {
            assert_eq!(answer.refusal(), "400 access_denied", "{column}");
            assert_eq!(answer.json()["error_description"], "paused: app_suspended");
        }
        let api = server.client(RESOURCE, "");
        assert_eq!(api.introspect(&odd.access).await.json()["active"], false);
        assert_eq!(api.introspect(&fine.access).await.json()["active"], true);
        assert_eq!(other.client_credentials(&[]).await.status, 200);
        let john = server.browser();
        john.set_cookies(&cookies);
        for page in ["/account/apps", "/developer"] {
            assert_eq!(john.open(page).await.status, 200, "{column} {page}");
        }
        let listed = server.command(&["app", "list"]);
        let listed = listed["apps"].as_array().unwrap();
        let of = |id: &str| listed.iter().find(|app| app["client_id"] == id).unwrap();
        assert_eq!(of("sample")["status"], "suspended");
        assert_eq!(of("sample")["unknown"], format!("{column} {word:?}"));
        assert!(of("other")["status"] == "live" && of("other").get("unknown").is_none());
        server.sql(&format!(
            "UPDATE apps SET {column} = '{before}' WHERE client_id = 'sample'"
        ));
    }
    server.restart().await;
    let sample = server.client("sample", REDIRECT_URI);
    assert_eq!(sample.refresh(&odd.refresh).await.status, 200, "nothing has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_with_an_unknown_word_is_paused_and_unchanged() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    let code = sample.code(&john, &[]).await;
    let mary = server.browser_of(MARY).await;
    let hers = sample.connect(&mary).await;
    server.sql("UPDATE grants SET acts_as = 'department' WHERE user_id = (SELECT id FROM users WHERE number = 1)");
    for answer in [sample.refresh(&tokens.refresh).await, sample.redeem(&code).await] {
        assert_eq!(answer.refusal(), "400 access_denied");
        assert_eq!(answer.json()["error_description"], "paused: organization_policy");
    }
    assert_eq!(sample.introspect(&tokens.refresh).await.json()["active"], false);
    assert_eq!(sample.refresh(&hers.refresh).await.status, 200);
    assert_eq!(john.open("/account/apps").await.status, 200);
    let listed = server.command(&["grant", "list"]);
    let odd = listed["grants"].as_array().unwrap().iter();
    let odd: Vec<_> = odd.filter_map(|grant| grant["unknown"].as_str()).collect();
    assert_eq!(odd, ["acts_as \"department\""; 2], "{listed}");
    server.sql("UPDATE grants SET acts_as = NULL");
    assert_eq!(sample.refresh(&tokens.refresh).await.status, 200);
    assert_eq!(sample.redeem(&code).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_reason_is_listed_as_it_is_stored() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    sample.revoke(&tokens.refresh).await;
    server.sql("UPDATE grants SET reason = 'device_lost'");
    assert_eq!(sample.refresh(&tokens.refresh).await.refusal(), "400 invalid_grant");
    let listed = server.command(&["grant", "list"]);
    assert_eq!(listed["grants"][0]["unknown"], "reason \"device_lost\"");
    let page = john.open("/account/apps").await;
    assert!(
        page.status == 200 && page.text().contains("Sample App"),
        "{}",
        page.shown()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn people_roles_and_organizations_with_unknown_words_have_no_rights() {
    let mut server = Server::library("default", &world(TENANTS)).await;
    let (tokens, cookies) = {
        let john = server.browser_of(JOHN).await;
        let reports = server.client("acme-reports", "https://acme.example/callback");
        (reports.connect(&john).await, john.cookies())
    };
    let acme = "(SELECT id FROM organizations WHERE slug = 'acme')";
    let john = "(SELECT id FROM users WHERE email = 'john@doe.com')";
    for (change, back, pause) in [
        (
            format!("UPDATE memberships SET role = 'auditor' WHERE user_id = {john} AND organization_id = {acme}"),
            format!("UPDATE memberships SET role = 'owner' WHERE user_id = {john} AND organization_id = {acme}"),
            "paused: not_a_member",
        ),
        (
            "UPDATE users SET status = 'locked' WHERE email = 'john@doe.com'".to_owned(),
            "UPDATE users SET status = 'active' WHERE email = 'john@doe.com'".to_owned(),
            "paused: person_suspended",
        ),
        (
            "UPDATE organizations SET status = 'closing' WHERE slug = 'acme'".to_owned(),
            "UPDATE organizations SET status = 'active' WHERE slug = 'acme'".to_owned(),
            "paused: app_suspended",
        ),
    ] {
        server.sql(&change);
        server.restart().await;
        let reports = server.client("acme-reports", "https://acme.example/callback");
        let refused = reports.refresh(&tokens.refresh).await;
        assert_eq!(refused.json()["error_description"], pause);
        for list in [
            &["user", "list"][..],
            &["org", "list"],
            &["org", "show", "acme"],
            &["app", "list"],
            &["grant", "list"],
        ] {
            server.command(list);
        }
        if pause == "paused: not_a_member" {
            let members = server.command(&["org", "show", "acme"])["members"].to_string();
            assert!(members.contains("\"role\":\"auditor\""), "{members}");
            let john = server.browser();
            john.set_cookies(&cookies);
            assert_eq!(john.open("/organizations/acme").await.status, 404);
            assert_eq!(john.open("/account").await.status, 200);
        }
        server.sql(&back);
    }
    server.restart().await;
    let reports = server.client("acme-reports", "https://acme.example/callback");
    assert_eq!(reports.refresh(&tokens.refresh).await.status, 200, "nothing has ended");
}
