//! Organizations and their members.

use super::*;

#[tokio::test]
async fn a_suspended_organizations_apps_are_paused_until_it_is_resumed() {
    let world = World::started().await;
    assert!(!world.is_paused("planner", "456def").await);
    world.post("/organizations/library/suspend", json!({})).await;
    assert!(world.is_paused("planner", "456def").await);
    world.post("/organizations/library/resume", json!({})).await;
    assert!(!world.is_paused("planner", "456def").await);
}

/// Decision 37: the hidden default organization is nobody's own, so a role in it would do nothing.
#[tokio::test]
async fn in_the_hidden_organization_everybody_is_a_member() {
    let world = World::started().await;
    let member = "/organizations/default/members/ada@example.com";
    for role in ["owner", "developer"] {
        let (status, _, message) = world.refused(Method::PUT, member, Some(json!({ "role": role }))).await;
        assert_eq!(status, 400, "{message}");
        assert!(message.contains("`developer`"), "{message}");
        let made = json!({"email": "new@example.com", "name": "New", "role": role});
        assert_eq!(world.refused(Method::POST, "/users", Some(made)).await.0, 400);
    }
    assert_eq!(
        world.call(Method::PUT, member, Some(json!({"role": "member"}))).await.0,
        200
    );
    assert_eq!(world.refused(Method::GET, "/users/new@example.com", None).await.0, 404);
}

#[tokio::test]
async fn members_come_change_and_go_with_their_grants() {
    let world = World::started().await;
    let grant = world.granted().await;
    let made = world
        .post(
            "/organizations",
            json!({"slug": "museum", "name": "Museum", "kind": "sandbox"}),
        )
        .await;
    assert_eq!((&made["kind"], &made["members"]), (&json!("sandbox"), &json!([])));
    let member = "/organizations/museum/members/ada@example.com";
    let (_, set) = world.call(Method::PUT, member, Some(json!({"role": "member"}))).await;
    assert_eq!(set["members"][0]["role"], "member");
    let (_, set) = world.call(Method::PUT, member, Some(json!({"role": "owner"}))).await;
    assert_eq!(
        (&set["members"][0]["role"], &set["members"][0]["email"]),
        (&json!("owner"), &json!("ada@example.com"))
    );
    let (_, left) = world.call(Method::DELETE, member, None).await;
    assert_eq!(left["members"], json!([]));
    assert_eq!(world.refused(Method::DELETE, member, None).await.0, 404);
    assert_eq!(world.get(&format!("/grants/{grant}")).await["state"], "active");

    world
        .call(Method::DELETE, "/organizations/library/members/ada@example.com", None)
        .await;

    assert_eq!(world.get(&format!("/grants/{grant}")).await["state"], "active");
    let slugs = world.get("/organizations").await;
    let slugs: Vec<_> = slugs["organizations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["slug"].clone())
        .collect();
    assert_eq!(slugs, ["default", "library", "museum"]);
}
