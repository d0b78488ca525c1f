//! The audit log.

use super::*;

#[tokio::test]
async fn every_change_leaves_an_event_without_a_secret() {
    let world = World::started().await;
    let made = world.post("/apps", json!({"name": "Desk"})).await;
    world.post("/apps/planner/secret", json!({"reset": "now"})).await;
    world.post("/apps/planner/suspend", json!({})).await;
    world.post("/users/ada@example.com/suspend", json!({})).await;
    world
        .post(
            "/users",
            json!({"email": "b@example.com", "name": "B", "password": "correct horse"}),
        )
        .await;
    let events = world.events().await;
    let actions: Vec<_> = events.iter().map(|event| event.action.as_str()).collect();
    // Made in one millisecond of a clock that stands still, they have no order.
    for action in [
        "app_created",
        "app_secret_reset",
        "app_suspended",
        "user_suspended",
        "user_created",
    ] {
        assert!(actions.contains(&action), "{action} is not among {actions:?}");
    }
    let operator = format!("operator:{}", fs::metadata(world.socket()).unwrap().uid());
    for event in &events {
        assert_eq!(event.actor, operator);
        assert_eq!((event.at, &event.source), (Instant(NOW), &None));
    }
    let log = format!("{events:?}");
    assert!(!log.contains(made["client_secret"].as_str().unwrap()) && !log.contains("correct horse"));
}

#[tokio::test]
async fn an_event_shows_what_was_changed_before_and_after() {
    let world = World::started().await;
    let changes = json!({"name": "Diary", "reach": "own", "redirect_uris": ["https://diary.example.com/"]});
    let (status, _) = world.call(Method::PATCH, "/apps/planner", Some(changes)).await;
    assert_eq!(status, 200);
    world.post("/organizations/library/suspend", json!({})).await;
    let member = "/organizations/library/members/ada@example.com";
    world.call(Method::PUT, member, Some(json!({"role": "member"}))).await;
    let made = world
        .post("/organizations", json!({"slug": "museum", "name": "Museum"}))
        .await;
    let events = world.events().await;
    let shown = |action: &str| {
        let mut of = events.iter().filter(|event| event.action == action);
        let event = of.next().unwrap_or_else(|| panic!("no {action} in {events:?}"));
        assert!(of.next().is_none());
        let value = |text: &Option<String>| {
            text.as_deref()
                .map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
        };
        (value(&event.before), value(&event.after))
    };
    assert_eq!(
        shown("app_changed"),
        (
            json!({"name": "Planner", "redirect_uris": ["https://planner.example.com/callback"]}),
            json!({"name": "Diary", "redirect_uris": ["https://diary.example.com/"]})
        )
    );
    assert_eq!(
        shown("organization_suspended"),
        (json!({"status": "active"}), json!({"status": "suspended"}))
    );
    assert_eq!(
        shown("member_set"),
        (json!({"role": "owner"}), json!({"role": "member"}))
    );
    let museum = json!({"slug": "museum", "name": "Museum", "kind": "live", "hidden": false, "status": "active"});
    assert_eq!(shown("organization_created"), (Value::Null, museum));
    let organization = events.iter().find(|event| event.action == "organization_created");
    assert_eq!(
        organization.unwrap().organization.unwrap().to_string(),
        made["id"].as_str().unwrap()
    );
}
