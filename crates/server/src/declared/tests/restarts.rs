//! What a second start does, with the same declarations or with others.

use super::*;
use crate::store::model::ActsAs;

#[tokio::test]
async fn a_resource_that_is_left_out_asks_no_more_and_comes_back_as_declared() {
    let world = World::started(WORLD).await;
    let (before, rest) = WORLD.split_once("[[resources]]").unwrap();
    let after = rest.find("[[").map_or("", |next| &rest[next..]);
    world.start(&format!("{before}{after}")).await;
    assert_eq!(world.store.resources().await.unwrap(), []);
    world.start(WORLD).await;
    let resource = world.store.resource("https://api.example.com").await.unwrap().unwrap();
    assert_eq!(resource.name, "API");
    assert!(resource.secret.is_some());
}

#[tokio::test]
async fn a_restart_with_the_same_configuration_writes_nothing() {
    let world = World::started(WORLD).await;
    let before = (world.changes().await, world.declared().await);
    let (ada, app) = (world.user("ada@example.com").await, world.app("planner").await);
    world.start(WORLD).await;
    assert_eq!((world.changes().await, world.declared().await), before);
    // A hash made again would have another salt.
    assert_eq!(world.user("ada@example.com").await, ada);
    assert_eq!(world.app("planner").await, app);
}

#[tokio::test]
async fn a_later_reset_or_suspension_wins_over_a_restart() {
    let world = World::started(WORLD).await;
    let (ada, app) = (world.user("ada@example.com").await, world.app("planner").await);
    let reset = UserUpdate {
        password: Some(Some(passwords::hash("battery staple", random::bytes()))),
        ..UserUpdate::default()
    };
    world.store.update_user(ada.id, reset, NOW).await.unwrap();
    let suspended = AppUpdate {
        status: Some(AppStatus::Suspended),
        reach: Some(Reach::Partner),
        ..AppUpdate::default()
    };
    world.store.update_app(app.id, suspended, NOW).await.unwrap();
    let (_, secret) = crate::apps::secrets::make(NOW);
    world.store.set_secret(app.id, secret, Others::End, NOW).await.unwrap();
    let (ada, app) = (world.user("ada@example.com").await, world.app("planner").await);

    world.start(WORLD).await;

    assert_eq!(world.user("ada@example.com").await, ada);
    assert_eq!(world.app("planner").await, app);
}

#[tokio::test]
async fn a_changed_value_is_applied_and_nothing_beside_it() {
    let world = World::started(WORLD).await;
    let app = world.app("planner").await;
    let renamed = AppUpdate {
        name: Some("Renamed by hand".to_owned()),
        ..AppUpdate::default()
    };
    world.store.update_app(app.id, renamed, NOW).await.unwrap();
    let ada = world.user("ada@example.com").await.password;

    world
        .start(
            &WORLD
                .replace("456def", "another")
                .replace("\"The Library\"", "\"Library\""),
        )
        .await;

    let now = world.app("planner").await;
    assert_eq!(now.name, "Renamed by hand");
    assert_eq!(now.secrets.len(), 1);
    assert_ne!(now.secrets[0].hash, app.secrets[0].hash);
    assert_eq!(world.user("ada@example.com").await.password, ada);
    assert_eq!(
        world.store.organization_by_slug("library").await.unwrap().unwrap().name,
        "Library"
    );
}

#[tokio::test]
async fn what_is_no_longer_declared_stays() {
    let world = World::started(WORLD).await;
    world.start(&without("client_id = \"planner\"")).await;
    assert_eq!(world.app("planner").await.status, AppStatus::Live);
    world.start(&without("slug = \"library\"")).await;
    assert_eq!(world.roles("ben@example.com").await.len(), 2);
}

#[tokio::test]
async fn what_is_there_already_is_made_like_its_first_declaration() {
    let world = World::started(&without("client_id = \"planner\"")).await;
    let default = world.store.organization_by_slug("default").await.unwrap().unwrap();
    let app = App {
        acts_as: ActsAs::Person,
        id: crate::store::model::AppId(random::uuid(NOW)),
        client_id: "planner".to_owned(),
        name: "Made on the pages".to_owned(),
        organization: default.id,
        owner: None,
        client_type: crate::store::model::ClientType::Public,
        reach: Reach::Own,
        status: AppStatus::Draft,
        redirect_uris: Vec::new(),
        scopes: None,
        products: None,
        grant_types: None,
        trusted: false,
        localhost_any_port: false,
        created: NOW,
        secrets: Vec::new(),
        unknown: None,
    };
    world.store.create_app(app.clone()).await.unwrap();
    let suspended = OrganizationUpdate {
        status: Some(Status::Suspended),
        ..OrganizationUpdate::default()
    };
    world
        .store
        .update_organization(default.id, suspended, NOW)
        .await
        .unwrap();

    world.start(WORLD).await;

    let now = world.app("planner").await;
    assert_eq!((now.id, now.status), (app.id, AppStatus::Live));
    assert_eq!(
        (now.name.as_str(), now.redirect_uris.len(), now.secrets.len()),
        ("Planner", 1, 1)
    );
    let default = world.store.organization(default.id).await.unwrap().unwrap();
    assert_eq!(default.status, Status::Suspended);
}
