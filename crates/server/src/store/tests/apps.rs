//! Apps and their secrets.

use super::*;

#[tokio::test]
async fn an_app_is_found_by_id_and_by_client_id() {
    let Fixture {
        database: _database,
        store,
    } = Fixture::new().await;
    let app = App {
        owner: Some(UserId(uuid(200))),
        scopes: Some(Scopes::parse("b a").unwrap()),
        grant_types: Some(vec![GrantType::AuthorizationCode]),
        secrets: vec![
            secret(1),
            AppSecret {
                hash: SecretHash::Argon2("$argon2id$…".to_owned()),
                ..secret(2)
            },
        ],
        ..app(100, "123abc")
    };
    store.create_app(app.clone()).await.unwrap();
    assert_eq!(store.app(app.id).await.unwrap().as_ref(), Some(&app));
    assert_eq!(store.app_by_client_id("123abc").await.unwrap().as_ref(), Some(&app));
    assert_eq!(store.app_by_client_id("123ABC").await.unwrap(), None);
    assert_eq!(store.app(AppId(uuid(1))).await.unwrap(), None);
    let without_secrets = App { secrets: vec![], ..app };
    assert_eq!(
        store.listed_apps(Some(300)).await,
        std::slice::from_ref(&without_secrets)
    );
    assert_eq!(store.listed_apps(None).await, [without_secrets]);
    assert_eq!(store.listed_apps(Some(301)).await, []);
}

#[tokio::test]
async fn a_client_id_is_one_apps() {
    let Fixture {
        database: _database,
        store,
    } = Fixture::new().await;
    store.create_app(app(100, "one")).await.unwrap();
    let twin = store
        .create_app(App {
            id: AppId(uuid(101)),
            ..app(101, "one")
        })
        .await;
    assert!(matches!(twin, Err(StoreError::Taken(_))), "{twin:?}");
    assert_eq!(store.app(AppId(uuid(101))).await.unwrap(), None);
}

#[tokio::test]
async fn an_update_changes_what_it_names() {
    let Fixture {
        database: _database,
        store,
    } = Fixture::new().await;
    let before = app(100, "one");
    store.create_app(before.clone()).await.unwrap();
    let id = before.id;
    store.update_app(id, AppUpdate::default(), NOW).await.unwrap();
    assert_eq!(store.app(id).await.unwrap().as_ref(), Some(&before));
    let update = AppUpdate {
        name: Some("New".to_owned()),
        client_type: Some(ClientType::Public),
        reach: Some(Reach::Partner),
        acts_as: Some(ActsAs::Organization),
        status: Some(AppStatus::Suspended),
        redirect_uris: Some(vec![]),
        scopes: Some(Some(Scopes::parse("a").unwrap())),
        products: Some(Some(vec![])),
        grant_types: Some(Some(vec![GrantType::ClientCredentials])),
        organization: None,
        owner: Some(Some(UserId(uuid(200)))),
        trusted: Some(true),
        localhost_any_port: Some(true),
    };
    store.update_app(id, update, NOW).await.unwrap();
    let after = App {
        name: "New".to_owned(),
        client_type: ClientType::Public,
        reach: Reach::Partner,
        acts_as: ActsAs::Organization,
        status: AppStatus::Suspended,
        redirect_uris: vec![],
        scopes: Some(Scopes::parse("a").unwrap()),
        products: Some(vec![]),
        grant_types: Some(vec![GrantType::ClientCredentials]),
        owner: Some(UserId(uuid(200))),
        trusted: true,
        localhost_any_port: true,
        ..before
    };
    assert_eq!(store.app(id).await.unwrap(), Some(after));
    let all = AppUpdate {
        owner: Some(None),
        scopes: Some(None),
        grant_types: Some(None),
        products: Some(None),
        ..AppUpdate::default()
    };
    store.update_app(id, all, NOW).await.unwrap();
    let after = store.app(id).await.unwrap().unwrap();
    assert_eq!(
        (after.scopes, after.grant_types, after.owner, after.products),
        (None, None, None, None)
    );
    let absent = store.update_app(AppId(uuid(1)), AppUpdate::default(), NOW).await;
    assert_eq!(absent, Err(StoreError::Conflict));
}

#[tokio::test]
async fn products_are_kept_as_bounds_none_or_names() {
    let fixture = Fixture::new().await;
    for (number, products) in [None, Some(vec![]), Some(vec!["Basic".to_owned()])]
        .into_iter()
        .enumerate()
    {
        let id = 100 + number as u128;
        let made = App {
            products,
            ..app(id, &id.to_string())
        };
        fixture.store.create_app(made.clone()).await.unwrap();
        assert_eq!(fixture.store.app(made.id).await.unwrap(), Some(made));
    }
}

#[tokio::test]
async fn a_developer_owns_so_many_apps_and_no_more_however_many_forms_come_at_once() {
    let fixture = Fixture::new().await;
    let owner = UserId(uuid(200));
    fixture
        .store
        .create_user(new_user(200, "dev@example.com"))
        .await
        .unwrap();
    let owned = |id: u128| App {
        owner: Some(owner),
        ..app(id, &id.to_string())
    };
    // The operator's do not count.
    fixture.store.create_app(app(99, "operators")).await.unwrap();
    // Two servers, where the database is one of several.
    let other = match fixture.store.is_shared() {
        true => opened(&fixture.database).await,
        false => fixture.store.clone(),
    };
    let registrations = (100..108).map(|id| {
        let store = if id % 2 == 0 { &fixture.store } else { &other };
        store.register_app(owned(id), 3)
    });
    let results = futures_util::future::join_all(registrations).await;
    let made = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(made, 3, "{results:?}");
    assert!(
        results
            .iter()
            .flat_map(|result| result.as_ref().err())
            .all(|error| *error == StoreError::Conflict)
    );
    assert_eq!(fixture.store.count_owned_apps(owner, 100).await.unwrap(), 3);
    assert_eq!(fixture.store.count_owned_apps(owner, 2).await.unwrap(), 2);
    let stranger = App {
        owner: Some(UserId(uuid(201))),
        ..app(120, "120")
    };
    let absent = fixture.store.register_app(stranger, 3).await;
    assert_eq!(absent, Err(StoreError::Conflict), "there is no such person");
}

#[tokio::test]
async fn an_app_that_changes_hands_loses_its_grants() {
    let fixture = Fixture::new().await;
    fixture.store.create_app(app(100, "one")).await.unwrap();
    fixture.active(1).await;
    let moved = AppUpdate {
        organization: Some(OrganizationId(uuid(301))),
        ..AppUpdate::default()
    };
    let ended = fixture.store.update_app(AppId(uuid(100)), moved, NOW).await.unwrap();
    assert_eq!(ended, [grant_id(1)]);
    let reason = fixture.store.grant(grant_id(1)).await.unwrap().unwrap().reason;
    assert_eq!(reason, Some(EndReason::AppChanged));
}

#[tokio::test]
async fn a_new_secret_ends_the_others_now_or_later() {
    let Fixture {
        database: _database,
        store,
    } = Fixture::new().await;
    let id = AppId(uuid(100));
    store.create_app(app(100, "one")).await.unwrap();
    let hashes = async || -> Vec<_> {
        let secrets = store.app(id).await.unwrap().unwrap().secrets;
        secrets
            .into_iter()
            .map(|secret| (secret.id.0.as_u128(), secret.expires))
            .collect()
    };
    let soon = NOW.after(DAY);
    store
        .set_secret(id, secret(2000), Others::EndAt(soon), NOW)
        .await
        .unwrap();
    assert_eq!(hashes().await, [(1100, Some(soon)), (2000, None)]);
    for others in [Others::Keep, Others::EndAt(soon)] {
        let third = store.set_secret(id, secret(3000), others, Instant(soon.0 - 1)).await;
        assert_eq!(third, Err(StoreError::Conflict), "{others:?}");
    }
    assert_eq!(
        hashes().await,
        [(1100, Some(soon)), (2000, None)],
        "nothing of it was done"
    );
    store.set_secret(id, secret(4000), Others::Keep, soon).await.unwrap();
    assert_eq!(
        hashes().await,
        [(2000, None), (4000, None)],
        "what expired does not count, and is gone"
    );
    store.set_secret(id, secret(5000), Others::End, NOW).await.unwrap();
    assert_eq!(hashes().await, [(5000, None)]);
    let absent = store.set_secret(AppId(uuid(1)), secret(6000), Others::End, NOW).await;
    assert_eq!(absent, Err(StoreError::Conflict));
}

#[tokio::test]
async fn an_overlap_never_grows() {
    let Fixture {
        database: _database,
        store,
    } = Fixture::new().await;
    let expiring = AppSecret {
        expires: Some(NOW.after(DAY)),
        ..secret(1)
    };
    let made = App {
        secrets: vec![expiring],
        ..app(100, "one")
    };
    store.create_app(made).await.unwrap();
    let later = Others::EndAt(NOW.after(2 * DAY));
    store.set_secret(AppId(uuid(100)), secret(2), later, NOW).await.unwrap();
    let secrets = store.app(AppId(uuid(100))).await.unwrap().unwrap().secrets;
    assert_eq!(secrets[0].expires, Some(NOW.after(DAY)));
}

#[tokio::test]
async fn a_secret_ends_alone_and_the_last_that_lasts_not_at_all() {
    let Fixture {
        database: _database,
        store,
    } = Fixture::new().await;
    let id = AppId(uuid(100));
    store.create_app(app(100, "one")).await.unwrap();
    store.create_app(app(101, "two")).await.unwrap();
    let end = async |secret: u128| store.end_secret(id, SecretId(uuid(secret)), NOW).await;
    assert_eq!(end(1100).await, Err(StoreError::Conflict), "the only one");
    let soon = Others::EndAt(NOW.after(DAY));
    store.set_secret(id, secret(2000), soon, NOW).await.unwrap();
    assert_eq!(end(2000).await, Err(StoreError::Conflict), "the other expires");
    assert_eq!(end(1101).await, Err(StoreError::Conflict), "another app's");
    assert_eq!(end(1100).await, Ok(()));
    assert_eq!(end(1100).await, Err(StoreError::Conflict), "it is gone");
    store.set_secret(id, secret(3000), Others::Keep, NOW).await.unwrap();
    assert_eq!(end(2000).await, Ok(()));
    let secrets = store.app(id).await.unwrap().unwrap().secrets;
    assert_eq!(secrets, [secret(3000)]);
}

#[tokio::test]
async fn a_secrets_use_is_known_at_once() {
    let Fixture {
        database: _database,
        store,
    } = Fixture::new().await;
    store.create_app(app(100, "one")).await.unwrap();
    store.touch_secret(SecretId(uuid(1100)), NOW);
    let secrets = store.app(AppId(uuid(100))).await.unwrap().unwrap().secrets;
    assert_eq!(secrets[0].last_used, Some(NOW));
}

#[tokio::test]
async fn a_secrets_use_is_written_down() {
    let fixture = Fixture::new().await;
    fixture.store.create_app(app(100, "one")).await.unwrap();
    fixture.store.touch_secret(SecretId(uuid(1100)), NOW);
    fixture.store.flush().await.unwrap();
    let Fixture {
        database: _database,
        store,
    } = fixture.restarted().await;
    let secrets = store.app(AppId(uuid(100))).await.unwrap().unwrap().secrets;
    assert_eq!(secrets[0].last_used, Some(NOW));
}
