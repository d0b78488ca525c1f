//! Lists are split into pages, counts come from the database, and an answer repeats only the beginning of a submitted text.

use crate::harness::{APPS, Answer, Browser, JOHN, REDIRECT_URI, Server, TENANTS};
use http::Method;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_admin_api_repeats_only_the_beginning_of_a_value() {
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

/// Another 60 apps of John, in the organization of [`TENANTS`] or in the default one.
fn many_apps() -> String {
    (100..160)
        .map(|number| {
            format!(
                "[[apps]]\nname = \"App {number}\"\nclient_id = \"app-{number}\"\ntype = \"public\"\nowner = \"john@doe.com\"\n\
                 redirect_uris = [\"https://app.example/{number}\"]\n"
            )
        })
        .collect()
}

/// Every page of the list at `path`, found by its links.
async fn pages(browser: &Browser<'_>, path: &str) -> Vec<Answer> {
    let mut found = vec![browser.open(path).await];
    loop {
        let last = found.last().unwrap();
        assert_eq!(last.status, 200, "{}", last.text());
        let Some(next) = next(&last.body) else { return found };
        found.push(browser.open(&next).await);
    }
}

fn next(body: &str) -> Option<String> {
    let before = body
        .split("\" rel=\"next\"")
        .next()
        .filter(|before| before.len() < body.len())?;
    Some(
        before
            .rsplit("href=\"")
            .next()?
            .replace("&#38;", "&")
            .replace("&amp;", "&"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_developers_apps_are_listed_in_pages() {
    let server = Server::library("default", &many_apps()).await;
    let john = server.browser_of(JOHN).await;
    let pages = pages(&john, "/developer").await;
    let lines: Vec<usize> = pages
        .iter()
        .map(|page| page.body.matches("<code translate=\"no\" class=\"end\">").count())
        .collect();
    assert_eq!(lines, [50, 10]);
    for number in 100..160 {
        let place = format!("/developer/apps/app-{number}\"");
        assert_eq!(
            pages.iter().filter(|page| page.body.contains(&place)).count(),
            1,
            "{number}"
        );
    }
    // The link back to the first page.
    assert!(!pages[0].text().contains("Terug naar het begin") && pages[1].text().contains("Terug naar het begin"));
}

/// Refused as in the admin API, so that nobody takes the first page for the requested one.
#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_page_position_is_refused() {
    let server = Server::library("default", TENANTS).await;
    let john = server.browser_of(JOHN).await;
    let key = "01890a5d-ac96-774b-bcce-b302099a8057";
    for (list, name) in [
        ("/developer", "before"),
        ("/account/apps", "after"),
        ("/organizations/acme", "after"),
        ("/organizations/acme?tab=api", "before"),
    ] {
        let and = if list.contains('?') { '&' } else { '?' };
        for wrong in ["junk", "%ff", "0", &key[1..], &format!("{key}&{name}={key}")] {
            let answer = john.open(&format!("{list}{and}{name}={wrong}")).await;
            assert_eq!(answer.status, 400, "{list} {wrong}");
            // In Dutch, John's language.
            assert!(
                answer.text().contains("Deze lijst heeft zo’n pagina niet"),
                "{}",
                answer.text()
            );
            let link = format!("href=\"{list}\">Terug naar het begin");
            assert!(answer.body.replace("&#38;", "&").contains(&link), "{}", answer.body);
        }
        for right in ["", key] {
            assert_eq!(
                john.open(&format!("{list}{and}{name}={right}")).await.status,
                200,
                "{list}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_and_apps_of_an_organization_are_listed_in_pages() {
    let people: String = (100..160)
        .map(|number| {
            format!(
                "[[users]]\nemail = \"p{number}@example.com\"\nname = \"P {number}\"\npassword = \"of no use here\"\n"
            )
        })
        .collect();
    let members: Vec<_> = (100..160)
        .map(|number| format!("p{number}@example.com:member"))
        .collect();
    let members = [members, vec!["john@doe.com:owner".to_owned()]].concat();
    let shop = format!("[[organizations]]\nslug = \"shop\"\nname = \"Shop\"\nmembers = {members:?}\n");
    let apps = many_apps().replace("owner =", "organization = \"shop\"\nowner =");
    let server = Server::library("default", &format!("{people}{shop}{apps}")).await;
    let john = server.browser_of(JOHN).await;
    for (path, line, expected) in [
        ("/organizations/shop", "soft end", [50, 11]),
        ("/organizations/shop?tab=api", "id=\"client-id-", [50, 10]),
    ] {
        let pages = pages(&john, path).await;
        let lines: Vec<usize> = pages.iter().map(|page| page.body.matches(line).count()).collect();
        assert_eq!(lines, expected, "{path}");
    }
    let shown = server.command(&["org", "show", "shop"]);
    assert_eq!(shown["members"].as_array().unwrap().len(), 61);
    assert!(shown.get("more_members_after").is_none());
    let part = server.command(&["org", "members", "shop", "--limit", "60"]);
    assert_eq!(part["members"].as_array().unwrap().len(), 60);
    let rest = server.command(&["org", "members", "shop", "--after", part["next"].as_str().unwrap()]);
    assert_eq!(
        (rest["members"].as_array().unwrap().len(), &rest["next"]),
        (1, &Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn connected_apps_are_listed_in_pages() {
    let server = Server::library("default", &many_apps()).await;
    let john = server.browser_of(JOHN).await;
    for number in 100..152 {
        let (id, uri) = (format!("app-{number}"), format!("https://app.example/{number}"));
        server.client(&id, &uri).public().connect(&john).await;
    }
    let pages = pages(&john, "/account/apps").await;
    let lines: Vec<usize> = pages
        .iter()
        .map(|page| page.body.matches("name=\"end\"").count())
        .collect();
    assert_eq!(lines, [50, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_the_admin_api_give_the_position_of_the_next_page() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    for _ in 0..3 {
        server.client("sample", REDIRECT_URI).connect(&john).await;
    }
    for (path, name, key) in [
        ("/apps", "apps", "client_id"),
        ("/apps?organization=default", "apps", "client_id"),
        ("/users", "users", "number"),
        ("/grants", "grants", "id"),
        ("/grants?user=john%40doe.com", "grants", "id"),
        ("/grants?app=sample", "grants", "id"),
        ("/organizations/default/members", "members", "id"),
    ] {
        let and = if path.contains('?') { '&' } else { '?' };
        let whole = server.operator(Method::GET, path, None).await.json();
        let keys = |list: &Value| -> Vec<Value> {
            list[name]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one[key].clone())
                .collect()
        };
        assert!(keys(&whole).len() >= 2, "{path}: {whole}");
        assert_eq!(whole["next"], Value::Null, "{path}");
        let (mut found, mut after) = (vec![], String::new());
        loop {
            let page = server
                .operator(Method::GET, &format!("{path}{and}limit=1{after}"), None)
                .await
                .json();
            found.extend(keys(&page));
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(found, keys(&whole), "{path}");
        for wrong in ["limit=0", "limit=1001", "limit=x"] {
            let refused = server.operator(Method::GET, &format!("{path}{and}{wrong}"), None).await;
            assert_eq!(refused.status, 400, "{path} {wrong}");
        }
    }
    for path in ["/users", "/grants", "/organizations/default/members"] {
        let refused = server
            .operator(Method::GET, &format!("{path}?after=nonsense"), None)
            .await;
        assert_eq!(
            (refused.status, refused.json()["error"].as_str()),
            (400, Some("invalid_request")),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_print_the_whole_list_or_say_that_there_is_more() {
    let more: String = (0..1_010)
        .map(|number| format!("[[organizations]]\nslug = \"org-{number:04}\"\nname = \"Org\"\n"))
        .collect();
    let server = Server::library("default", &more).await;
    let all = server.command(&["org", "list"]);
    let slugs = all["organizations"].as_array().unwrap();
    assert_eq!((slugs.len(), &all["next"]), (1_011, &Value::Null));
    assert_eq!(slugs.last().unwrap()["slug"], "org-1009");
    let part = server.command(&["org", "list", "--limit", "2"]);
    assert_eq!(
        (part["organizations"].as_array().unwrap().len(), &part["next"]),
        (2, &json!("org-0000"))
    );
    let rest = server.command(&["org", "list", "--limit", "1", "--after", "org-0000"]);
    assert_eq!(rest["organizations"][0]["slug"], "org-0001");
}
