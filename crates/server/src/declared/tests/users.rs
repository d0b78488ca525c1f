//! Declared people.

use super::*;

#[tokio::test]
async fn people_get_numbers_in_the_order_of_declaration() {
    let world = World::started(WORLD).await;
    let (ada, ben) = (world.user("ada@example.com").await, world.user("ben@example.com").await);
    assert_eq!((ada.number, ben.number), (1, 2));
    assert_eq!(
        (ada.name.as_str(), ada.locale.as_deref(), ada.admin),
        ("Ada", Some("nl"), true)
    );
    assert_eq!((ben.password, ben.locale, ben.admin), (None, None, false));
    assert!(world.password_is("ada@example.com", "correct horse").await);
}

/// Ben is the site's.
fn with_external_id(id: &str) -> String {
    WORLD.replace("name = \"Ben\"", &format!("name = \"Ben\"\nexternal_id = {id:?}"))
}

#[tokio::test]
async fn a_person_of_the_site_has_its_id_and_no_login() {
    let world = World::started(&with_external_id("Site/7")).await;
    let ben = world.store.user_by_external_id("Site/7").await.unwrap().unwrap();
    assert_eq!(
        (ben.email.as_deref(), ben.contact_email.as_deref()),
        (None, Some("ben@example.com"))
    );
    assert_eq!((ben.number, ben.memberships.len()), (2, 2));
    assert_eq!(world.store.user_by_email("ben@example.com").await.unwrap(), None);
    let renamed = with_external_id("Site/7")
        .replace("\"Ben\"", "\"Benjamin\"")
        .replace(":owner", ":member");
    world.start(&renamed).await;
    let after = world.store.user_by_external_id("Site/7").await.unwrap().unwrap();
    assert_eq!((after.id, after.name.as_str()), (ben.id, "Benjamin"));
    assert!(
        after
            .memberships
            .iter()
            .any(|membership| membership.role == Role::Member)
    );
}

#[tokio::test]
async fn the_external_id_of_a_person_is_fixed_once_they_are_made() {
    let fixed = |outcome: Result<(), DeclaredError>| {
        let error = outcome.unwrap_err();
        assert!(
            matches!(&error, DeclaredError::ExternalIdFixed(email) if email == "ben@example.com"),
            "{error}"
        );
    };
    let own = World::started(WORLD).await;
    fixed(own.try_start(&with_external_id("Site/7")).await);
    assert_eq!(own.user("ben@example.com").await.external_id, None);
    let site = World::started(&with_external_id("Site/7")).await;
    fixed(site.try_start(&with_external_id("Site/8")).await);
    fixed(site.try_start(WORLD).await);
    assert_eq!(site.store.users(None, 10).await.unwrap().items.len(), 2);
}

#[tokio::test]
async fn a_changed_password_is_the_new_one_and_ends_sessions() {
    use crate::store::model::{Session, SessionId, SessionKind};
    let world = World::started(WORLD).await;
    let session = Session {
        kind: SessionKind::Own,
        request: None,
        id: SessionId([7; 32]),
        user: world.user("ada@example.com").await.id,
        created: NOW,
        expires: Instant(NOW.0 + 1_000),
    };
    let password = world.user("ada@example.com").await.password;
    world
        .store
        .create_session(session, password.as_deref(), " place")
        .await
        .unwrap();
    world.start(WORLD).await;
    assert!(world.store.session(session.id, NOW).await.unwrap().is_some());

    world.start(&WORLD.replace("correct horse", "battery staple")).await;

    assert!(world.password_is("ada@example.com", "battery staple").await);
    assert!(world.store.session(session.id, NOW).await.unwrap().is_none());
}

#[tokio::test]
async fn a_password_that_is_no_longer_declared_stays() {
    let world = World::started(WORLD).await;
    world.start(&WORLD.replace("password = \"correct horse\"\n", "")).await;
    assert!(world.password_is("ada@example.com", "correct horse").await);
    // Declared once more it is still the value that was applied.
    let before = world.user("ada@example.com").await;
    world.start(WORLD).await;
    assert_eq!(world.user("ada@example.com").await, before);
}

#[tokio::test]
async fn people_are_developers_by_their_declaration_or_by_what_was_said_since() {
    let world = World::started(WORLD).await;
    assert!(!world.user("ada@example.com").await.developer);
    let named = UserUpdate {
        developer: Some(true),
        ..UserUpdate::default()
    };
    let ada = world.user("ada@example.com").await.id;
    world.store.update_user(ada, named, NOW).await.unwrap();
    world.start(WORLD).await;
    assert!(
        world.user("ada@example.com").await.developer,
        "a restart changes nothing"
    );
    let developer = WORLD.replace("name = \"Ben\"", "name = \"Ben\"\ndeveloper = true");
    world.start(&developer).await;
    assert!(world.user("ben@example.com").await.developer);
    world.start(WORLD).await;
    assert!(!world.user("ben@example.com").await.developer);
}
