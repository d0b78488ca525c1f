//! The subject of tokens (decision 45): a person's id at the site, if the site gave one; a token of the app itself has none.

use crate::harness::{Browser, JOHN, MARY, RESOURCE, Server, TENANTS};
use reqwest::Method;
use serde_json::json;

/// People of the site, an API, and an issuer that does not change with the port.
fn world() -> String {
    format!(
        "[server]\npublic_url = \"http://id.example\"\n{TENANTS}\n\
         [[resources]]\nidentifier = {RESOURCE:?}\nname = \"The API\"\nsecret = \"a-secret-of-43-characters-as-hallpass-makes\"\n\
         [[apps]]\nname = \"Own\"\norganization = \"acme\"\nclient_id = \"own\"\n\
         client_secret = \"a-secret-of-43-characters-as-hallpass-makes\"\n"
    )
    .replace("", "")
}

/// Makes John a person of the site, as a site that signs him in would.
async fn handed_over(server: &mut Server, contact: Option<&str>) {
    let contact = contact.map_or("NULL".to_owned(), |address| format!("'{address}'"));
    server.sql(&format!(
        "UPDATE users SET email = NULL, password = NULL, external_id = 'site 7', contact_email = {contact} \
         WHERE email = '{}'",
        JOHN.email
    ));
    server.restart().await;
}

async fn back<'s>(server: &'s Server, cookies: &str) -> Browser<'s> {
    let john = server.browser();
    john.set_cookies(cookies);
    john
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_a_site_is_its_subject_and_needs_no_login_address() {
    let mut server = Server::library("default", &world()).await;
    let (cookies, tokens) = {
        let john = server.browser_of(JOHN).await;
        let reports = server.client("acme-reports", "https://acme.example/callback");
        let tokens = reports.connect(&john).await;
        (john.cookies(), tokens)
    };
    handed_over(&mut server, Some("John@Site.example")).await;
    let reports = server.client("acme-reports", "https://acme.example/callback");
    for caller in [&reports, &server.client(RESOURCE, "")] {
        let told = caller.introspect(&tokens.access).await.json();
        assert_eq!(
            (&told["sub"], &told["username"]),
            (&"site 7".into(), &"John@Site.example".into())
        );
    }
    let refresh = reports.introspect(&tokens.refresh).await.json();
    assert_eq!(refresh["sub"], "site 7");
    let identity = server.identity(&tokens.access).await.json();
    assert_eq!(
        (&identity["sub"], &identity["email"]),
        (&"site 7".into(), &"John@Site.example".into())
    );
    let john = back(&server, &cookies).await;
    for page in ["/account", "/organizations/acme"] {
        let page = john.open(page).await;
        assert!(
            page.status == 200 && page.text().contains("John@Site.example"),
            "{}",
            page.shown()
        );
    }
    let query = reports.query(&[]);
    assert!(
        john.authorize(&query)
            .await
            .consent()
            .text()
            .contains("John@Site.example")
    );
    assert_eq!(reports.refresh(&tokens.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_an_address_is_shown_with_the_sites_id() {
    let mut server = Server::library("default", &world()).await;
    let (cookies, tokens) = {
        let john = server.browser_of(JOHN).await;
        let reports = server.client("acme-reports", "https://acme.example/callback");
        let tokens = reports.connect(&john).await;
        (john.cookies(), tokens)
    };
    handed_over(&mut server, None).await;
    let reports = server.client("acme-reports", "https://acme.example/callback");
    let told = reports.introspect(&tokens.access).await.json();
    assert_eq!((&told["sub"], &told["username"]), (&"site 7".into(), &"site 7".into()));
    assert_eq!(
        server.identity(&tokens.access).await.json()["email"],
        serde_json::Value::Null
    );
    let john = back(&server, &cookies).await;
    assert!(!john.open("/account").await.text().contains("E\u{2011}mail"));
    assert!(john.open("/organizations/acme").await.text().contains("site 7"));
    // In every output for the operator.
    let listed = server.command(&["user", "list"]);
    let site = listed["users"]
        .as_array()
        .unwrap()
        .iter()
        .find(|user| user["external_id"] == "site 7");
    assert!(site.unwrap()["email"].is_null(), "{listed}");
    assert_eq!(server.command(&["user", "show", "site 7"])["name"], "John Doe");
    let grants = server.command(&["grant", "list", "--user", "site 7"]);
    assert_eq!(grants["grants"][0]["user"], "site 7");
    let members = server.command(&["org", "show", "acme"])["members"].to_string();
    assert!(members.contains("\"site 7\""), "{members}");
    let refused = server
        .operator(Method::PUT, "/users/site%207/password", Some(json!({})))
        .await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    let mary = server.command(&["user", "show", MARY.email]);
    assert_eq!(mary["email"], MARY.email);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apps_own_token_has_no_subject() {
    let server = Server::library("default", &world()).await;
    let own = server.client("own", "");
    let access = own.client_credentials(&[]).await.tokens().access;
    for caller in [&own, &server.client(RESOURCE, "")] {
        let told = caller.introspect(&access).await.json();
        assert_eq!(told["active"], true);
        assert!(told.get("sub").is_none() && told.get("username").is_none(), "{told}");
    }
}
