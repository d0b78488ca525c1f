//! Names by which people would mistake an app for another (UTS 39, decision 39), and redirect URIs that an app may register
//! beyond those of the RFC.

use crate::harness::{Answer, Browser, JOHN, Person, REDIRECT_URI, Server, TENANTS};
use reqwest::Method;
use serde_json::json;

const MAX: Person = Person {
    email: "max@example.com",
    password: "only a member of it",
};

/// Acme, where John and Max register apps. The operator trusts neither.
fn world() -> String {
    TENANTS.replace("max@example.com:member", "max@example.com:developer")
}

async fn register(browser: &Browser<'_>, name: &str, more: &[(&str, &str)]) -> Answer {
    let page = browser.open("/developer/apps/new?organization=acme").await;
    let mut typed = vec![("name", name), ("organization", "acme")];
    typed.extend(more);
    if more.iter().all(|(field, _)| *field != "redirect_uris") {
        typed.push(("redirect_uris", REDIRECT_URI));
    }
    browser.submit(&page, &page.form("redirect_uris"), &typed).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_invisible_characters_or_no_letter_is_refused() {
    let server = Server::library("default", &world()).await;
    let max = server.browser_of(MAX).await;
    for (name, why) in [
        ("Crew\u{3164}", "character that cannot be seen: U+3164"),
        ("\u{2800}", "character that cannot be seen: U+2800"),
        ("Cr\u{ad}ew", "character that cannot be seen: U+00AD"),
        ("Cr\u{200d}ew", "character that cannot be seen: U+200D"),
        ("Crew\u{e0061}", "character that cannot be seen: U+E0061"),
        ("\u{202e}werC", "character that cannot be seen: U+202E"),
        ("\u{301}\u{308}", "an accent that stands on no letter"),
        ("...", "needs at least one letter or digit"),
    ] {
        let page = register(&max, name, &[]).await;
        assert_eq!(page.status, 400, "{name:?}");
        let text = page.text().replace(['\u{2068}', '\u{2069}'], "");
        assert!(text.contains(why), "{text}");
    }
}

/// The page also shows the owner of an app: an organization or a developer.
#[tokio::test(flavor = "multi_thread")]
async fn the_api_refuses_invisible_characters_in_a_name_and_names_them() {
    let server = Server::library("default", &world()).await;
    let made = server
        .operator(Method::POST, "/apps", Some(json!({ "name": "Crew" })))
        .await;
    let app = format!("/apps/{}", made.json()["client_id"].as_str().expect("the client ID"));
    for (name, why) in [
        ("Crew\u{3164}", "invisible character U+3164"),
        ("\u{301}", "mark that stands on no letter"),
        ("...", "no letter and no digit"),
    ] {
        for (method, path, wanted) in [
            (Method::POST, "/apps", json!({ "name": name })),
            (Method::PATCH, &app, json!({ "name": name })),
            (Method::POST, "/organizations", json!({ "slug": "crew", "name": name })),
            (
                Method::POST,
                "/users",
                json!({ "email": "crew@example.com", "name": name }),
            ),
        ] {
            let refused = server.operator(method, path, Some(wanted)).await;
            assert_eq!(refused.status, 400, "{path} {}", refused.body);
            assert!(refused.body.contains(why), "{path} {}", refused.body);
        }
    }
}

/// A declared name is the operator's own choice (decision 39), and is applied again when it changes.
#[tokio::test(flavor = "multi_thread")]
async fn declared_apps_keep_their_names_schemes_and_ports() {
    let declared = |any: bool| {
        format!(
            "[portal]\nschemes = [\"cursor\"]\n{}[[apps]]\nname = \"Hallpass\"\norganization = \"acme\"\nclient_id = \"desk\"\n\
             type = \"public\"\nredirect_uris = [\"cursor:/callback\", \"http://localhost/callback\"]\n\
             localhost_any_port = {any}\n",
            world()
        )
    };
    let mut server = Server::library("default", &declared(false)).await;
    for (any, local) in [(false, 400), (true, 200), (false, 400)] {
        server.declare(&declared(any));
        server.restart().await;
        for (uri, status) in [("cursor:/callback", 200), ("http://localhost:49152/callback", local)] {
            let desk = server.client("desk", uri).public();
            let path = format!("/oauth/authorize?{}", desk.query(&[]));
            let page = server.browser().open(&path).await;
            assert_eq!(page.status, status, "{any} {uri}: {}", page.text());
        }
    }
}

/// Decision 61: at most 50 redirect URIs per app.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_has_at_most_fifty_redirect_uris() {
    let server = Server::library("default", &world()).await;
    let uris = |count: usize| -> Vec<_> {
        let uris = (0..count).map(|number| format!("https://crew.example/{number}"));
        uris.collect()
    };
    let create = |count| json!({ "name": format!("Crew {count}"), "redirect_uris": uris(count) });
    let refused = server.operator(Method::POST, "/apps", Some(create(51))).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.body.contains("at most 50"), "{}", refused.body);
    let made = server.operator(Method::POST, "/apps", Some(create(50))).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let app = format!("/apps/{}", made.json()["client_id"].as_str().expect("the client ID"));
    for (count, status) in [(51, 400), (50, 200)] {
        let changes = json!({ "redirect_uris": uris(count) });
        let changed = server.operator(Method::PATCH, &app, Some(changes)).await;
        assert_eq!(changed.status, status, "{}", changed.body);
    }
    let max = server.browser_of(MAX).await;
    for (count, status) in [(51, 400), (50, 200)] {
        let typed = uris(count).join("\n");
        let page = register(&max, "Pages", &[("redirect_uris", &typed)]).await;
        assert_eq!(page.status, status, "{}", page.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_looks_like_the_brand_or_anothers_app_is_refused() {
    let server = Server::library("default", &world()).await;
    let max = server.browser_of(MAX).await;
    // The brand, a declared app of the organization, and an app for everybody.
    for (name, why) in [
        ("HaIlpass", "looks like the name of this site"),
        ("Hallpаss", "looks like the name of this site"),
        ("Acme Rероrts", "looks like the name of another app"),
        ("ACME  REPORTS", "looks like the name of another app"),
        ("Partner-Sync", "looks like the name of another app"),
        ("Partner—Sync", "looks like the name of another app"),
        ("Acme Reports™", "looks like the name of another app"),
        ("Hallpass ✓", "looks like the name of this site"),
    ] {
        let page = register(&max, name, &[]).await;
        assert_eq!(page.status, 400, "{name}");
        assert!(page.text().contains(why), "{}", page.text());
        assert_eq!(page.form("redirect_uris").value("name"), name);
    }
    let brand = server
        .operator(Method::POST, "/apps", Some(json!({ "name": "HaIlpass" })))
        .await;
    assert_eq!(brand.status, 409, "{}", brand.body);
    // An app of an organization that shares no person with this one is no conflict.
    assert_eq!(register(&max, "Globex Trials", &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_not_renamed_to_look_like_anothers() {
    let server = Server::library("default", &world()).await;
    let max = server.browser_of(MAX).await;
    let made = register(&max, "Crew", &[]).await;
    let id = made.by_id("client-id").expect("the client ID");
    let rename = async |app: &str, changes| {
        let path = format!("/apps/{app}");
        server.operator(Method::PATCH, &path, Some(changes)).await
    };
    for (app, name) in [("acme-reports", "CREW"), (&id, "Acme Rероrts"), (&id, "HaIlpass")] {
        let refused = rename(app, json!({ "name": name })).await;
        assert_eq!(refused.status, 409, "{name} {}", refused.body);
        assert!(refused.body.contains("name: it looks like"), "{}", refused.body);
    }
    // An app for everybody is also shown to the people of Globex, who have an app with this name.
    assert_eq!(rename(&id, json!({ "name": "Globex trials" })).await.status, 200);
    assert_eq!(rename(&id, json!({ "reach": "partner" })).await.status, 409);
    assert_eq!(rename("acme-reports", json!({ "name": "CREW" })).await.status, 200);
    let refused = rename(&id, json!({ "name": "Crew" })).await;
    assert_eq!(refused.status, 409, "{}", refused.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_developers_own_apps_may_have_one_name() {
    let server = Server::library("default", &world()).await;
    let max = server.browser_of(MAX).await;
    assert_eq!(register(&max, "Crew", &[]).await.status, 200);
    assert_eq!(register(&max, "Crew", &[]).await.status, 200);
    let john = server.browser_of(JOHN).await;
    assert_eq!(register(&john, "Crew", &[]).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheme_without_a_dot_is_for_public_apps_of_the_operators_list() {
    let listed = format!("[portal]\nschemes = [\"cursor\"]\n{}", world());
    let server = Server::library("default", &listed).await;
    let max = server.browser_of(MAX).await;
    let uri = "cursor://anysphere.cursor/callback";
    let attempt = async |name, uri, kind| {
        let more = [("redirect_uris", uri), ("type", kind)];
        register(&max, name, &more).await
    };
    assert_eq!(attempt("One", uri, "confidential").await.status, 400);
    assert_eq!(attempt("Two", "vscode://x/callback", "public").await.status, 400);
    assert_eq!(attempt("Three", "javascript:evil()", "public").await.status, 400);
    let made = attempt("Four", uri, "public").await;
    let id = made.by_id("client-id").expect("the client ID");
    let four = server.client(&id, uri).public();
    let page = max.authorize(&four.query(&[])).await.consent();
    assert!(
        page.text().contains("starts with cursor: and is no website"),
        "{}",
        page.text()
    );
    let callback = max.decide(&page, "allow").await.callback();
    assert!(
        callback.address.starts_with(&format!("{uri}?code=")),
        "{}",
        callback.address
    );
    assert_eq!(four.redeem(callback.code()).await.status, 200);
    for (kind, status) in [("public", 201), ("confidential", 400)] {
        let wanted = json!({ "name": format!("By API {kind}"), "type": kind, "redirect_uris": [uri] });
        let made = server.operator(Method::POST, "/apps", Some(wanted)).await;
        assert_eq!(made.status, status, "{}", made.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_developer_may_admit_any_port_of_localhost_for_a_public_app() {
    let server = Server::library("default", &world()).await;
    let max = server.browser_of(MAX).await;
    let uri = ("redirect_uris", "http://localhost/callback");
    let any = ("localhost_any_port", "true");
    let refused = register(&max, "Desk", &[uri, any, ("type", "confidential")]).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.text().contains("may accept any port of http://localhost"),
        "{}",
        refused.text()
    );
    for (name, more, status) in [("Desk", vec![any], 200), ("Tablet", vec![], 400)] {
        let typed = [&[uri, ("type", "public")], more.as_slice()].concat();
        let made = register(&max, name, &typed).await;
        assert_eq!(made.text().contains("with any port"), status == 200, "{}", made.text());
        let id = made.by_id("client-id").expect("the client ID");
        let desk = server.client(&id, "http://localhost:49152/callback").public();
        let path = format!("/oauth/authorize?{}", desk.query(&[]));
        let page = max.open(&path).await;
        assert_eq!(page.status, status, "{name}: {}", page.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_may_admit_any_port_of_localhost_for_a_public_app() {
    let server = Server::library("default", &world()).await;
    let max = server.browser_of(MAX).await;
    let wanted = |kind: &str, any: bool| {
        json!({
            "name": format!("Desk {kind} {any}"), "organization": "acme", "type": kind,
            "redirect_uris": ["http://localhost/callback"], "localhost_any_port": any,
        })
    };
    let refused = server
        .operator(Method::POST, "/apps", Some(wanted("confidential", true)))
        .await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    let made = server
        .operator(Method::POST, "/apps", Some(wanted("public", false)))
        .await;
    let id = made.json()["client_id"].as_str().expect("the client ID").to_owned();
    let sent = "http://localhost:49152/callback";
    let desk = server.client(&id, sent).public();
    assert_eq!(
        max.authorize(&desk.query(&[])).await.page().status,
        400,
        "off by default"
    );
    let changes = json!({ "localhost_any_port": true });
    let changed = server
        .operator(Method::PATCH, &format!("/apps/{id}"), Some(changes))
        .await;
    assert_eq!(changed.json()["localhost_any_port"], true);
    let page = max.authorize(&desk.query(&[])).await.consent();
    assert!(
        page.text().contains("The answer goes to a program on the device"),
        "{}",
        page.text()
    );
    let callback = max.decide(&page, "allow").await.callback();
    assert!(
        callback.address.starts_with(&format!("{sent}?code=")),
        "{}",
        callback.address
    );
}
