//! Grants.

use super::*;

#[tokio::test]
async fn grants_are_listed_by_what_they_are() {
    let world = World::started().await;
    world.granted().await;
    let found = async |query: &str| {
        world.get(&format!("/grants{query}")).await["grants"]
            .as_array()
            .unwrap()
            .len()
    };
    for query in [
        "",
        "?user=ada@example.com",
        "?app=planner&state=active",
        "?organization=library&limit=1",
    ] {
        assert_eq!(found(query).await, 1, "{query}");
    }
    for query in [
        "?state=ended",
        "?organization=default",
        "?user=ada%40example.com&organization=default",
    ] {
        assert_eq!(found(query).await, 0, "{query}");
    }
    for query in ["?user=nobody", "?app=none"] {
        assert_eq!(
            world.refused(Method::GET, &format!("/grants{query}"), None).await.0,
            404
        );
    }
    for query in [
        "?state=over",
        "?limit=0",
        "?limit=10001",
        "?who=ada",
        "?app=planner&app=planner",
    ] {
        assert_eq!(
            world.refused(Method::GET, &format!("/grants{query}"), None).await.0,
            400,
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_grant_is_ended_once_and_stays_ended() {
    let world = World::started().await;
    let grant = world.granted().await.to_string();
    let ended = world.post(&format!("/grants/{grant}/end"), json!({})).await;
    assert_eq!(
        (&ended["state"], &ended["reason"]),
        (&json!("ended"), &json!("by_operator"))
    );
    assert_eq!(
        (&ended["user"], &ended["app"], &ended["organization"]),
        (&json!("ada@example.com"), &json!("planner"), &json!("library"))
    );
    assert_eq!(world.post(&format!("/grants/{grant}/end"), json!({})).await, ended);
    assert_eq!(
        world
            .events()
            .await
            .iter()
            .filter(|event| event.action == "grant_ended")
            .count(),
        1
    );
}
