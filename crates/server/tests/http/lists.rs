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

/// A list of the admin API: its address, the member with the objects, and the member that tells objects apart.
type Listed = (&'static str, &'static str, &'static str);

const LISTS: [Listed; 13] = [
    ("/apps", "apps", "client_id"),
    ("/apps?organization=default", "apps", "client_id"),
    ("/apps/sample/secrets", "secrets", "id"),
    ("/users", "users", "number"),
    ("/organizations", "organizations", "slug"),
    ("/organizations/default/members", "members", "id"),
    ("/grants", "grants", "id"),
    ("/grants?user=john%40doe.com", "grants", "id"),
    ("/grants?app=sample", "grants", "id"),
    ("/keys", "keys", "id"),
    ("/audit", "events", "id"),
    ("/audit?app=sample", "events", "id"),
    ("/audit?since=00000000-0000-0000-0000-000000000000", "events", "id"),
];

/// A server with at least two objects in each of [`LISTS`].
async fn with_objects() -> Server {
    let server = Server::library("default", &format!("{TENANTS}\n{APPS}")).await;
    let john = server.browser_of(JOHN).await;
    for _ in 0..3 {
        server.client("sample", REDIRECT_URI).connect(&john).await;
    }
    let added = server.operator(Method::POST, "/apps/sample/secrets", None).await;
    assert_eq!(added.status, 201, "{}", added.body);
    server
}

/// The address with more parameters.
fn with(path: &str, more: &str) -> String {
    let and = if path.contains('?') { '&' } else { '?' };
    format!("{path}{and}{more}")
}

fn keys(page: &Value, (path, name, key): Listed) -> Vec<Value> {
    let objects = page[name].as_array();
    let objects = objects.unwrap_or_else(|| panic!("{path}: {page}"));
    objects.iter().map(|one| one[key].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_of_the_admin_api_is_read_page_by_page() {
    let server = with_objects().await;
    for list in LISTS {
        let path = list.0;
        let whole = server.operator(Method::GET, path, None).await.json();
        assert!(keys(&whole, list).len() >= 2, "{path}: {whole}");
        assert_eq!(whole["next"], Value::Null, "{path}");
        let (mut found, mut after) = (vec![], String::new());
        loop {
            let page = with(path, &format!("limit=1{after}"));
            let page = server.operator(Method::GET, &page, None).await.json();
            assert_eq!(keys(&page, list).len(), 1, "{path}: {page}");
            found.extend(keys(&page, list));
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(found, keys(&whole, list), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_from_1_to_1000_objects() {
    let server = with_objects().await;
    for (path, ..) in LISTS {
        for wrong in ["0", "-1", "1001", "99999999999999999999", "x", ""] {
            let path = with(path, &format!("limit={wrong}"));
            let refused = server.operator(Method::GET, &path, None).await;
            assert_eq!(refused.status, 400, "{path}: {}", refused.body);
            assert!(
                refused.body.contains("limit: expected a number from 1 to 1000"),
                "{path}: {}",
                refused.body
            );
        }
        let most = server.operator(Method::GET, &with(path, "limit=1000"), None).await;
        assert_eq!(most.status, 200, "{path}");
    }
}

/// A cursor of another list would skip objects without an error.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_refuses_a_cursor_that_it_did_not_make() {
    let server = with_objects().await;
    let cursor = async |path: &str| {
        let page = server.operator(Method::GET, &with(path, "limit=1"), None).await.json();
        page["next"]
            .as_str()
            .unwrap_or_else(|| panic!("{path}: {page}"))
            .to_owned()
    };
    let mut cursors = vec![(
        "/organizations/acme/members",
        cursor("/organizations/acme/members").await,
    )];
    for (path, ..) in LISTS {
        cursors.push((path, cursor(path).await));
    }
    // A filter does not make another list, but `since` makes another order.
    let order = |path: &str| match path.split_once('?') {
        Some((path, query)) if query.starts_with("since") => format!("{path} since"),
        Some((path, _)) => path.to_owned(),
        None => path.to_owned(),
    };
    for (path, ..) in LISTS {
        for (from, cursor) in &cursors {
            let answer = with(path, &format!("after={cursor}"));
            let answer = server.operator(Method::GET, &answer, None).await;
            let expected = if order(from) == order(path) { 200 } else { 400 };
            assert_eq!(
                answer.status, expected,
                "{path} after a page of {from}: {}",
                answer.body
            );
        }
        for junk in ["nonsense", "", "org-0000", "7", "01890a5d-ac96-774b-bcce-b302099a8057"] {
            let answer = server
                .operator(Method::GET, &with(path, &format!("after={junk}")), None)
                .await;
            let expected = json!({
                "error": "invalid_request",
                "message": "after: expected the `next` of a page of this list"
            });
            assert_eq!((answer.status, answer.json()), (400, expected), "{path} {junk}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_deleted_between_two_pages_hides_no_other() {
    let server = with_objects().await;
    for (number, name) in ["amy", "bob", "cem", "dan"].into_iter().enumerate() {
        let email = format!("{name}@example.com");
        let person = json!({ "email": email, "name": name });
        let app = json!({ "name": format!("Tool {number}"), "organization": "acme" });
        let organization = json!({ "slug": format!("org-{name}") });
        for (path, body) in [("/users", person), ("/apps", app), ("/organizations", organization)] {
            let made = server.operator(Method::POST, path, Some(body)).await;
            assert_eq!(made.status, 201, "{}", made.body);
        }
        let member = format!("/organizations/acme/members/{email}");
        let body = Some(json!({ "role": "member" }));
        assert_eq!(server.operator(Method::PUT, &member, body).await.status, 200);
    }
    let members = "/organizations/acme/members";
    for list in [
        (members, "members", "email"),
        ("/users", "users", "email"),
        ("/apps?organization=acme", "apps", "client_id"),
        ("/organizations", "organizations", "slug"),
    ] {
        let path = list.0;
        let whole = keys(&server.operator(Method::GET, path, None).await.json(), list);
        // The objects made above are the last four.
        let begin = whole.len() - 4;
        let page = with(path, &format!("limit={}", begin + 1));
        let first = server.operator(Method::GET, &page, None).await.json();
        assert_eq!(keys(&first, list), whole[..=begin], "{path}");
        for gone in [&whole[begin], &whole[begin + 1]] {
            let address = format!("{}/{}", path.split('?').next().unwrap(), gone.as_str().unwrap());
            let deleted = server.operator(Method::DELETE, &address, None).await;
            assert_eq!(deleted.status, 200, "{address}: {}", deleted.body);
        }
        let rest = with(path, &format!("after={}", first["next"].as_str().unwrap()));
        let rest = server.operator(Method::GET, &rest, None).await.json();
        assert_eq!(keys(&rest, list), whole[begin + 2..], "{path}");
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
    assert_eq!(part["organizations"].as_array().unwrap().len(), 2);
    let next = part["next"].as_str().unwrap();
    let rest = server.command(&["org", "list", "--limit", "1", "--after", next]);
    assert_eq!(rest["organizations"][0]["slug"], "org-0001");
    assert_eq!(server.command(&["key", "list"])["next"], Value::Null);
}
