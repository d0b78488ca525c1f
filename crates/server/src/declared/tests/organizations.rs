//! Declared organizations and their members.

use super::*;

#[tokio::test]
async fn everybody_develops_for_the_default_organization() {
    let world = World::started(WORLD).await;
    let default = world.store.organization_by_slug("default").await.unwrap().unwrap();
    assert!(default.hidden);
    assert_eq!(
        world.roles("ada@example.com").await,
        [("default".to_owned(), Role::Member)]
    );
    let library = world.store.organization_by_slug("library").await.unwrap().unwrap();
    assert!(!library.hidden);
    assert_eq!(library.kind, OrganizationKind::Sandbox);
    let both = [
        ("default".to_owned(), Role::Member),
        ("library".to_owned(), Role::Owner),
    ];
    assert_eq!(world.roles("ben@example.com").await, both);
}

#[tokio::test]
async fn the_default_organization_is_there_without_any_declaration() {
    let world = World::started("").await;
    let slugs = world.store.organizations("", 10).await.unwrap().items;
    assert_eq!(slugs.len(), 1);
    assert_eq!(slugs[0].slug, "default");
}

#[tokio::test]
async fn a_declared_default_organization_names_roles_of_its_own() {
    let declared = "[defaults]\norganization = \"house\"\n".to_owned()
        + WORLD
        + "[[organizations]]\nslug = \"house\"\nname = \"House\"\nmembers = [\"ada@example.com:member\"]\n";
    let world = World::started(&declared).await;
    let house = world.store.organization_by_slug("house").await.unwrap().unwrap();
    assert_eq!((house.name.as_str(), house.hidden), ("House", false));
    assert_eq!(
        world.roles("ada@example.com").await,
        [("house".to_owned(), Role::Member)]
    );
    assert_eq!(world.app("planner").await.organization, house.id);
}

#[tokio::test]
async fn a_person_who_is_no_longer_named_leaves_the_organization() {
    let world = World::started(WORLD).await;
    let nobody = WORLD.replace("members = [\"ben@example.com:owner\"]\n", "");
    world.start(&nobody).await;
    assert_eq!(
        world.roles("ben@example.com").await,
        [("default".to_owned(), Role::Member)]
    );
    let before = world.changes().await;
    world.start(&nobody).await;
    assert_eq!(world.changes().await, before);
    world.start(WORLD).await;
    assert_eq!(world.roles("ben@example.com").await.len(), 2);
}

#[tokio::test]
async fn a_membership_ended_by_hand_stays_ended() {
    let world = World::started(WORLD).await;
    let (ben, library) = (
        world.user("ben@example.com").await.id,
        world.store.organization_by_slug("library").await.unwrap().unwrap().id,
    );
    world.store.remove_membership(ben, library, NOW).await.unwrap();
    world.start(WORLD).await;
    assert_eq!(world.roles("ben@example.com").await.len(), 1);
    world
        .start(&WORLD.replace("ben@example.com:owner", "ben@example.com:member"))
        .await;
    assert_eq!(
        world.roles("ben@example.com").await[1],
        ("library".to_owned(), Role::Member)
    );
}
