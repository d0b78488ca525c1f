//! Apps.

use super::*;

#[tokio::test]
async fn an_app_is_made_and_its_secret_told_once() {
    let world = World::started().await;
    let made = world
        .post(
            "/apps",
            json!({"name": "Desk", "redirect_uris": ["https://desk.example.com/cb"]}),
        )
        .await;
    let (id, secret) = (
        made["client_id"].as_str().unwrap(),
        made["client_secret"].as_str().unwrap(),
    );
    assert!(world.authenticated(id, secret).await);
    assert_eq!(
        (&made["organization"], &made["status"], &made["reach"]),
        (&json!("default"), &json!("live"), &json!("own"))
    );
    assert_eq!(made["created"], "2023-11-14T22:13:20.000Z");
    let shown = world.get(&format!("/apps/{id}")).await;
    assert_eq!(shown["client_secret"], Value::Null);
    assert_eq!(shown["secrets"][0]["hint"].as_str().unwrap(), &secret[39..]);
    assert_eq!(
        world.get(&format!("/apps/{}", made["id"].as_str().unwrap())).await,
        shown
    );
    let all = world.get("/apps").await;
    let mut names: Vec<_> = all["apps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|app| app["name"].as_str().unwrap())
        .collect();
    // Apps come in the order of their client ids, and one of them was drawn.
    names.sort_unstable();
    assert_eq!(names, ["Desk", "Planner"]);
    assert_eq!(
        world.get("/apps?organization=library").await["apps"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert!(!all.to_string().contains(secret));
}

#[tokio::test]
async fn a_public_app_has_no_secret() {
    let world = World::started().await;
    let made = world
        .post(
            "/apps",
            json!({"name": "Phone", "type": "public", "redirect_uris": ["com.example:/cb"]}),
        )
        .await;
    assert_eq!((&made["client_secret"], &made["secrets"]), (&Value::Null, &json!([])));
    let path = format!("/apps/{}/secret", made["client_id"].as_str().unwrap());
    let (status, code, _) = world.refused(Method::POST, &path, Some(json!({"reset": "now"}))).await;
    assert_eq!((status, code.as_str()), (409, "conflict"));
}

#[tokio::test]
async fn a_suspended_app_authenticates_and_is_paused_until_it_is_resumed() {
    let world = World::started().await;
    assert!(!world.is_paused("planner", "456def").await);
    assert_eq!(
        world.post("/apps/planner/suspend", json!({})).await["status"],
        "suspended"
    );
    assert!(world.is_paused("planner", "456def").await);
    assert!(world.authenticated("planner", "456def").await);
    assert_eq!(world.post("/apps/planner/resume", json!({})).await["status"], "live");
    assert!(!world.is_paused("planner", "456def").await);
}

#[tokio::test]
async fn an_apps_name_reach_and_redirect_uris_change() {
    let world = World::started().await;
    let changes = json!({"name": "Diary", "reach": "partner", "redirect_uris": ["https://diary.example.com/"]});
    let (status, app) = world.call(Method::PATCH, "/apps/planner", Some(changes.clone())).await;
    assert_eq!(status, 200);
    for (name, value) in changes.as_object().unwrap() {
        assert_eq!(&app[name], value);
    }
    let (status, _, message) = world.refused(Method::PATCH, "/apps/planner", Some(json!({}))).await;
    assert_eq!(status, 400, "{message}");
}

#[tokio::test]
async fn what_an_app_cannot_be_is_said() {
    let world = World::started().await;
    for (body, about) in [
        (json!({}), "name"),
        (json!({"name": " "}), "name"),
        (json!({"name": "A", "nam": "B"}), "nam"),
        (
            json!({"name": "A", "redirect_uris": ["http://example.com/"]}),
            "redirect_uris",
        ),
        (
            json!({"name": "A", "redirect_uris": ["https://a.example/", "https://a.example/"]}),
            "twice",
        ),
        (json!({"name": "A", "scopes": ["nothing"]}), "scopes"),
        (json!({"name": "A", "products": ["nothing"]}), "products"),
        (json!({"name": "A", "grant_types": ["password"]}), "grant_types"),
        (json!({"name": "A", "reach": "all"}), "partner"),
    ] {
        let (status, code, message) = world.refused(Method::POST, "/apps", Some(body.clone())).await;
        assert_eq!((status, code.as_str()), (400, "invalid_request"), "{body}");
        assert!(message.contains(about), "{body}: {message}");
    }
    assert_eq!(world.get("/apps").await["apps"].as_array().unwrap().len(), 1);
}

/// Decision 38: an empty selection means nothing. What is left out is kept by name, so that nothing is added to it later.
#[tokio::test]
async fn an_apps_scopes_are_kept_by_name_and_none_is_none() {
    let world = World::started().await;
    let made = world.post("/apps", json!({"name": "All"})).await;
    assert_eq!(made["scopes"], json!(["profile"]));
    let all = world.store.app_by_client_id(made["client_id"].as_str().unwrap()).await;
    assert_eq!(all.unwrap().unwrap().scopes.unwrap().to_string(), "profile");
    let nothing = json!({"name": "None", "scopes": [], "products": [], "grant_types": []});
    let made = world.post("/apps", nothing).await;
    assert_eq!(
        (&made["scopes"], &made["products"], &made["grant_types"]),
        (&json!([]), &json!([]), &json!([]))
    );
    let none = world.store.app_by_client_id(made["client_id"].as_str().unwrap()).await;
    let none = none.unwrap().unwrap();
    assert!(none.scopes.unwrap().is_empty());
    assert_eq!((none.products, none.grant_types), (Some(vec![]), Some(vec![])));
    // A declared app without scopes has the catalogue, and is shown so.
    assert_eq!(world.get("/apps/planner").await["scopes"], json!(["profile"]));
}

#[tokio::test]
async fn an_apps_name_has_the_length_that_pages_take() {
    let world = World::started().await;
    let named = |length: usize| json!({ "name": "x".repeat(length) });
    let app = world.post("/apps", named(100)).await;
    for length in [101, 201, 40_000] {
        let refused = world.refused(Method::POST, "/apps", Some(named(length))).await;
        assert_eq!(refused.0, 400);
        assert!(refused.2.contains("at most 100 characters"), "{}", refused.2);
    }
    // A longer one of before stays good.
    let id = app["client_id"].as_str().unwrap();
    let path = format!("/apps/{id}");
    let name = "x".repeat(150);
    let longer = format!("UPDATE apps SET name = '{name}' WHERE client_id = '{id}'");
    world.database.sql(&longer).unwrap();
    assert_eq!(world.refused(Method::PATCH, &path, Some(named(101))).await.0, 400);
    let mut change = named(150);
    change["reach"] = json!("partner");
    let (status, changed) = world.call(Method::PATCH, &path, Some(change)).await;
    assert_eq!((status, changed["name"].as_str()), (200, Some(name.as_str())));
}
