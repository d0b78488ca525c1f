//! Secrets of an app.

use super::*;

#[tokio::test]
async fn a_reset_secret_replaces_the_others_at_once_or_after_an_overlap() {
    let world = World::started().await;
    assert!(world.authenticated("planner", "456def").await);
    world.clock.fetch_add(1_000, Ordering::SeqCst);
    let overlap = world.post("/apps/planner/secret", json!({"reset": "overlap"})).await;
    let second = overlap["client_secret"].as_str().unwrap();
    assert!(world.authenticated("planner", "456def").await);
    assert!(world.authenticated("planner", second).await);
    assert_eq!(overlap["secrets"][0]["expires"], "2023-11-15T22:13:21.000Z");
    let now = world.post("/apps/planner/secret", json!({"reset": "now"})).await;
    assert!(!world.authenticated("planner", "456def").await);
    assert!(!world.authenticated("planner", second).await);
    assert!(
        world
            .authenticated("planner", now["client_secret"].as_str().unwrap())
            .await
    );
}

#[tokio::test]
async fn an_app_has_at_most_two_live_secrets_and_keeps_one() {
    let world = World::started().await;
    let declared = world.get("/apps/planner/secrets").await["secrets"][0].clone();
    assert_eq!(declared["hint"], Value::Null);
    let address = |secret: &Value| format!("/apps/planner/secrets/{}", secret["id"].as_str().unwrap());
    let (status, code, message) = world.refused(Method::DELETE, &address(&declared), None).await;
    assert_eq!((status, code.as_str()), (409, "conflict"));
    assert!(message.contains("add another first"), "{message}");

    let added = world.post("/apps/planner/secrets", json!({})).await;
    assert_eq!(added["secrets"].as_array().unwrap().len(), 2);
    for (path, wanted) in [("secrets", json!({})), ("secret", json!({"reset": "overlap"}))] {
        let path = format!("/apps/planner/{path}");
        let (status, _, message) = world.refused(Method::POST, &path, Some(wanted)).await;
        assert!(
            status == 409 && message.contains("two live secrets"),
            "{status} {message}"
        );
    }
    let (status, left) = world.call(Method::DELETE, &address(&declared), None).await;
    assert_eq!((status, left["secrets"].as_array().unwrap().len()), (200, 1));
    let (status, code, _) = world.refused(Method::DELETE, &address(&declared), None).await;
    assert_eq!((status, code.as_str()), (404, "not_found"));
    let actions: Vec<_> = world.events().await.into_iter().map(|event| event.action).collect();
    assert_eq!(actions.len(), 2, "{actions:?}");
    assert!(actions.contains(&"app_secret_added".to_owned()) && actions.contains(&"app_secret_ended".to_owned()));
}
