//! People.

use super::*;

#[tokio::test]
async fn a_person_is_made_with_a_password_that_is_told_or_chosen() {
    let world = World::started().await;
    let made = world
        .post(
            "/users",
            json!({"email": "Ben@example.com", "name": "Ben", "locale": "nl"}),
        )
        .await;
    assert_eq!(
        (&made["number"], &made["email"]),
        (&json!(2), &json!("ben@example.com"))
    );
    assert_eq!(
        made["memberships"],
        json!([{"organization": "default", "role": "member"}])
    );
    let hash = async |email: &str| {
        world
            .store
            .user_by_email(email)
            .await
            .unwrap()
            .unwrap()
            .password
            .unwrap()
    };
    assert!(passwords::verify(
        made["password"].as_str().unwrap(),
        &hash("ben@example.com").await
    ));

    let chosen = json!({"email": "cy@example.com", "name": "Cy", "password": "correct horse", "role": "member"});
    let made = world.post("/users", chosen).await;
    assert_eq!(
        (&made["password"], &made["memberships"][0]["role"]),
        (&Value::Null, &json!("member"))
    );
    assert!(passwords::verify("correct horse", &hash("cy@example.com").await));

    let (_, set) = world.call(Method::PUT, "/users/cy@example.com/password", None).await;
    assert!(passwords::verify(
        set["password"].as_str().unwrap(),
        &hash("cy@example.com").await
    ));
    let body = json!({"password": "battery staple"});
    let (_, set) = world
        .call(Method::PUT, "/users/CY@example.com/password", Some(body))
        .await;
    assert_eq!(set["password"], Value::Null);
    assert!(passwords::verify("battery staple", &hash("cy@example.com").await));
    let short = Some(json!({"password": "short"}));
    assert_eq!(
        world
            .refused(Method::PUT, "/users/cy@example.com/password", short)
            .await
            .0,
        400
    );
    assert_eq!(world.get("/users").await["users"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_person_is_named_a_developer_and_is_no_longer() {
    let world = World::started().await;
    assert_eq!(world.get("/users/ada@example.com").await["developer"], json!(false));
    for developer in [true, false] {
        let body = Some(json!({ "developer": developer }));
        let (status, shown) = world.call(Method::PATCH, "/users/ada@example.com", body).await;
        assert_eq!((status, &shown["developer"]), (200, &json!(developer)));
        assert_eq!(world.user("ada@example.com").await.developer, developer);
    }
    let events = world.events().await.into_iter();
    let events = events.filter(|event| event.action == "user_changed");
    let mut changes: Vec<_> = events.map(|event| (event.before, event.after)).collect();
    changes.sort();
    let told = |developer: bool| Some(format!("{{\"developer\":{developer}}}"));
    assert_eq!(changes, [(told(false), told(true)), (told(true), told(false))]);
    let nothing = world.refused(Method::PATCH, "/users/ada@example.com", None).await;
    assert_eq!((nothing.0, nothing.1.as_str()), (400, "invalid_request"));
    let nobody = Some(json!({"developer": true}));
    assert_eq!(
        world
            .refused(Method::PATCH, "/users/nobody@example.com", nobody)
            .await
            .0,
        404
    );
    let made = json!({"email": "dev@example.com", "name": "Dev", "developer": true});
    assert_eq!(world.post("/users", made).await["developer"], json!(true));
}

#[tokio::test]
async fn a_new_password_and_a_suspension_end_every_session() {
    use crate::store::model::{Session, SessionId, SessionKind};
    let world = World::started().await;
    let ada = async || world.store.user_by_email("ada@example.com").await.unwrap().unwrap();
    let user = ada().await.id;
    let session = Session {
        kind: SessionKind::Own,
        request: None,
        id: SessionId([7; 32]),
        user,
        created: Instant(NOW),
        expires: Instant(NOW + 60_000),
    };
    for (method, path) in [(Method::PUT, "password"), (Method::POST, "suspend")] {
        let password = ada().await.password;
        world
            .store
            .create_session(session, password.as_deref(), " place")
            .await
            .unwrap();
        let (status, _) = world
            .call(method, &format!("/users/ada@example.com/{path}"), None)
            .await;
        assert_eq!(status, 200);
        assert!(world.store.session(session.id, Instant(NOW)).await.unwrap().is_none());
    }
    assert_eq!(world.get("/users/ada@example.com").await["status"], "suspended");
    assert_eq!(
        world.post("/users/ada@example.com/resume", json!({})).await["status"],
        "active"
    );
}

#[tokio::test]
async fn persons_are_named_in_persian_and_sinhala() {
    let world = World::started().await;
    for (email, name) in [("a@example.com", "می\u{200c}خواهم"), ("b@example.com", "ශ්\u{200d}රී")] {
        let made = world.post("/users", json!({ "email": email, "name": name })).await;
        assert_eq!(made["name"], name);
    }
    let hidden = json!({ "email": "c@example.com", "name": "A\u{200d}da" });
    assert_eq!(world.refused(Method::POST, "/users", Some(hidden)).await.0, 400);
}
