//! Keys.

use super::*;

#[tokio::test]
async fn keys_are_rotated_and_revoked_with_an_event_for_each() {
    let world = World::started().await;
    let next = world.post("/keys/rotate", json!({"purpose": "access"})).await;
    assert_eq!(
        next["keys"],
        json!([{"id": 5, "purpose": "access", "state": "next", "created": "2023-11-14T22:13:20.000Z",
            "active_from": "2023-11-14T22:14:20.000Z", "retires": null, "revoked": null}])
    );
    assert_eq!(world.post("/keys/rotate", json!({"purpose": "access"})).await, next);
    for _ in 0..2 {
        let revoked = world.post("/keys/1/revoke", json!({})).await;
        assert_eq!((&revoked["state"], &revoked["id"]), (&json!("revoked"), &json!(1)));
    }
    let events = world.events().await;
    let about = |action: &str| {
        let of = events.iter().filter(|event| event.action == action);
        of.map(|event| event.detail.clone().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(about("key_rotated"), [r#"{"key":5,"purpose":"access"}"#]);
    assert_eq!(about("key_revoked"), [r#"{"key":1,"purpose":"access","successor":5}"#]);
    for (path, expected) in [
        ("/keys/99/revoke", (404, "not_found")),
        ("/keys/first/revoke", (404, "not_found")),
        ("/keys/4/revoke", (409, "conflict")),
    ] {
        let (status, code, message) = world.refused(Method::POST, path, None).await;
        assert_eq!((status, code.as_str()), expected, "{message}");
    }
    for wrong in [json!({"purpose": "declared"}), json!({"purposes": "access"})] {
        let (status, code, _) = world.refused(Method::POST, "/keys/rotate", Some(wrong)).await;
        assert_eq!((status, code.as_str()), (400, "invalid_request"));
    }
}
