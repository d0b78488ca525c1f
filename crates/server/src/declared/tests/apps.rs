//! Declared apps.

use super::*;

#[tokio::test]
async fn an_app_is_live_with_its_secret_as_declared() {
    let world = World::started(WORLD).await;
    let app = world.app("planner").await;
    assert_eq!((app.status, app.reach, app.owner), (AppStatus::Live, Reach::Own, None));
    assert_eq!(app.redirect_uris[0].as_str(), "https://planner.example.com/callback");
    assert_eq!((&app.scopes, &app.grant_types), (&None, &None));
    match &app.secrets[0].hash {
        SecretHash::Argon2(phc) => assert!(passwords::verify("456def", phc)),
        SecretHash::Sha256(_) => panic!("a short secret as a plain digest"),
    }
    let resource = world.store.resource("https://api.example.com").await.unwrap().unwrap();
    assert!(matches!(resource.secret, Some(SecretHash::Argon2(_))));
}

#[tokio::test]
async fn a_long_secret_is_kept_as_a_digest() {
    let long = WORLD.replace("456def", &"x".repeat(43));
    let world = World::started(&long).await;
    assert!(matches!(
        world.app("planner").await.secrets[0].hash,
        SecretHash::Sha256(_)
    ));
}

#[tokio::test]
async fn the_default_product_is_an_apps_where_it_names_none() {
    let products = "[defaults]\nproduct = \"Basic\"\n[products.Basic]\nscopes = [\"profile\"]\n[products.Other]\nscopes = [\"profile\"]\n";
    let scopes = "[scopes.profile]\ntitle = \"t\"\ndefault = true\n";
    let other = "[[apps]]\nname = \"O\"\nclient_id = \"other\"\ntype = \"public\"\nproducts = [\"Other\"]\n";
    let world = World::started(&[products, scopes, WORLD, other].concat()).await;
    assert_eq!(world.app("planner").await.products.unwrap(), ["Basic"]);
    assert_eq!(world.app("other").await.products.unwrap(), ["Other"]);
}

#[tokio::test]
async fn an_app_handed_to_another_owner_loses_its_grants() {
    use crate::store::model::{ActsAs, GrantId, NewGrant};
    let world = World::started(WORLD).await;
    let (app, ada) = (world.app("planner").await, world.user("ada@example.com").await);
    let grant = NewGrant {
        acts_as: ActsAs::Person,
        id: GrantId(random::uuid(NOW)),
        app: app.id,
        user: ada.id,
        organization: app.organization,
        scopes: hallpass_wire::Scopes::default(),
        redirect_uri: None,
        code_challenge: None,
        salt: [0; 16],
        key: 1,
        created: NOW,
        code_expires: Instant(NOW.0 + 60_000),
    };
    let id = world.store.insert_grant(grant).await.unwrap().id;
    world.start(&WORLD.replace("name = \"Planner\"", "name = \"P\"")).await;
    assert_eq!(world.store.grant(id).await.unwrap().unwrap().state, GrantState::Pending);

    world
        .start(&WORLD.replace("name = \"Planner\"", "name = \"P\"\norganization = \"library\""))
        .await;

    assert_eq!(world.store.grant(id).await.unwrap().unwrap().state, GrantState::Ended);
}

#[tokio::test]
async fn a_declared_app_belongs_to_the_owner_that_is_named_and_else_to_the_operator() {
    let owned = WORLD.replace(
        "client_id = \"planner\"",
        "client_id = \"planner\"\nowner = \"ADA@example.com\"",
    );
    let world = World::started(WORLD).await;
    assert_eq!(world.app("planner").await.owner, None);
    world.start(&owned).await;
    let ada = world.user("ada@example.com").await.id;
    assert_eq!(world.app("planner").await.owner, Some(ada));
    // What changed since stays, until the declaration says something new.
    let given = AppUpdate {
        owner: Some(None),
        ..AppUpdate::default()
    };
    world
        .store
        .update_app(world.app("planner").await.id, given, NOW)
        .await
        .unwrap();
    world.start(&owned).await;
    assert_eq!(world.app("planner").await.owner, None);
    world.start(WORLD).await;
    world.start(&owned).await;
    assert_eq!(world.app("planner").await.owner, Some(ada));
    world.start(WORLD).await;
    assert_eq!(world.app("planner").await.owner, None);
}

#[tokio::test]
async fn a_declared_app_of_a_developer_is_made_with_its_owner() {
    let owned = WORLD.replace(
        "client_id = \"planner\"",
        "client_id = \"planner\"\nowner = \"ben@example.com\"",
    );
    let world = World::started(&owned).await;
    assert_eq!(
        world.app("planner").await.owner,
        Some(world.user("ben@example.com").await.id)
    );
}

#[tokio::test]
async fn an_empty_list_of_scopes_products_or_grant_types_is_nothing_and_none_is_all() {
    let app = |keys: &str| WORLD.replace("client_id = \"planner\"", &format!("client_id = \"planner\"\n{keys}"));
    let empty = app("scopes = []\nproducts = []\ngrant_types = []");
    let world = World::started(&empty).await;
    let planner = world.app("planner").await;
    assert!(planner.scopes.is_some_and(|scopes| scopes.is_empty()));
    assert_eq!((planner.products, planner.grant_types), (Some(vec![]), Some(vec![])));
    world.start(WORLD).await;
    let planner = world.app("planner").await;
    assert_eq!(
        (planner.scopes, planner.products, planner.grant_types),
        (None, None, None)
    );
    world.start(&empty).await;
    let planner = world.app("planner").await;
    assert!(planner.scopes.is_some_and(|scopes| scopes.is_empty()));
    assert_eq!((planner.products, planner.grant_types), (Some(vec![]), Some(vec![])));
}
