//! What people typed.

use super::*;
use crate::store::numbering::SETBACK;

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
            Secret {
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
        store.apps_of(OrganizationId(uuid(300))).await.unwrap(),
        std::slice::from_ref(&without_secrets)
    );
    assert_eq!(store.apps().await.unwrap(), [without_secrets]);
    assert_eq!(store.apps_of(OrganizationId(uuid(301))).await.unwrap(), []);
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
    assert_eq!(fixture.store.apps_of_developer(owner).await.unwrap().len(), 3);
    let stranger = App {
        owner: Some(UserId(uuid(201))),
        ..app(120, "120")
    };
    let absent = fixture.store.register_app(stranger, 3).await;
    assert_eq!(absent, Err(StoreError::Conflict), "there is no such person");
}

#[tokio::test]
async fn a_developers_apps_are_those_they_own_and_those_whose_team_they_are_in() {
    let fixture = Fixture::new().await;
    let (owner, other) = (UserId(uuid(200)), UserId(uuid(201)));
    for (id, of) in [(100, Some(owner)), (101, Some(other)), (102, None)] {
        let made = App {
            owner: of,
            ..app(id, &id.to_string())
        };
        fixture.store.create_app(made).await.unwrap();
    }
    let bytes = |id: u128| fixture.database.bytes(uuid(id).as_bytes());
    for app in [100, 101] {
        fixture.sql(&format!(
            "INSERT INTO app_team VALUES ({}, {}, 0)",
            bytes(app),
            bytes(200)
        ));
    }
    let ids = async |user| -> Vec<u128> {
        let apps = fixture.store.apps_of_developer(user).await.unwrap();
        let mut ids: Vec<u128> = apps.iter().map(|app| app.id.0.as_u128()).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!((ids(owner).await, ids(other).await), (vec![100, 101], vec![101]));
    let team = async |user| fixture.store.is_in_team(AppId(uuid(101)), user).await.unwrap();
    assert_eq!((team(owner).await, team(other).await), (true, false));
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
    let expiring = Secret {
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

#[tokio::test]
async fn people_are_numbered_and_found_in_any_case() {
    let Fixture {
        database: _database,
        store,
    } = Fixture::new().await;
    let membership = Membership {
        organization: OrganizationId(uuid(300)),
        role: Role::Developer,
    };
    let ada = NewUser {
        memberships: vec![membership],
        ..new_user(200, "Ada@Example.com")
    };
    let ada = store.create_user(ada).await.unwrap();
    let bob = store.create_user(new_user(201, "bob@example.com")).await.unwrap();
    assert_eq!((ada.number, bob.number), (1, 2));
    assert_eq!(
        (ada.email.as_deref(), &ada.memberships[..]),
        (Some("ada@example.com"), &[membership][..])
    );
    assert_eq!(
        store.user_by_email("ADA@example.COM").await.unwrap().as_ref(),
        Some(&ada)
    );
    assert_eq!(store.user(ada.id).await.unwrap().as_ref(), Some(&ada));
    assert_eq!(store.user_by_email("eve@example.com").await.unwrap(), None);
    let twin = store.create_user(new_user(202, "BOB@example.com")).await;
    assert!(matches!(twin, Err(StoreError::Taken(_))));
    let third = store.create_user(new_user(203, "eve@example.com")).await.unwrap();
    assert_eq!(third.number, 3, "a refused one takes no number");
    let everybody: Vec<_> = store.users().await.unwrap().iter().map(|user| user.number).collect();
    assert_eq!(everybody, [1, 2, 3]);
}

/// A site's person has no login, and their address is nobody's name.
fn site_user(id: u128, external_id: &str) -> NewUser {
    NewUser {
        email: None,
        external_id: Some(external_id.to_owned()),
        contact_email: Some("Ada@Site.example".to_owned()),
        password: None,
        ..new_user(id, "")
    }
}

#[tokio::test]
async fn a_person_of_a_site_is_found_by_its_id_byte_for_byte() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let ada = store.create_user(site_user(200, "Ada/7")).await.unwrap();
    store.create_user(site_user(201, "ada/7")).await.unwrap();
    assert_eq!(store.user_by_external_id("Ada/7").await.unwrap().as_ref(), Some(&ada));
    assert_eq!(store.user_by_external_id("ADA/7").await.unwrap(), None);
    assert_eq!(store.user_by_email("ada@site.example").await.unwrap(), None);
    let names = (ada.subject(), ada.address(), ada.label());
    assert_eq!(
        names,
        ("Ada/7".to_owned(), Some("Ada@Site.example"), "Ada@Site.example".into())
    );
    let nameless = User {
        contact_email: None,
        ..ada.clone()
    };
    assert_eq!((nameless.address(), nameless.label()), (None, "Ada/7".into()));
    let twin = store.create_user(site_user(202, "Ada/7")).await;
    assert!(matches!(twin, Err(StoreError::Taken(_))), "{twin:?}");
    let everybody = store.users().await.unwrap();
    assert_eq!(everybody.iter().map(|user| user.number).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn a_sites_id_in_the_form_of_anothers_subject_is_refused() {
    let fixture = Fixture::new().await;
    let own = fixture
        .store
        .create_user(new_user(200, "ada@example.com"))
        .await
        .unwrap();
    let thief = fixture.store.create_user(site_user(201, &own.subject())).await;
    assert_eq!(thief, Err(StoreError::Conflict));
    let other = site_user(202, &uuid(7).to_string());
    assert_eq!(fixture.store.create_user(other).await.unwrap().number, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn registrations_at_once_get_a_number_each() {
    let fixture = Fixture::new().await;
    let other = match fixture.database.is_postgres() {
        true => opened(&fixture.database).await,
        false => fixture.store.clone(),
    };
    let made = (0..40).map(|id| {
        let store = if id % 2 == 0 { &fixture.store } else { &other };
        store.create_user(new_user(200 + id, &format!("{id}@example.com")))
    });
    let made = futures_util::future::join_all(made).await;
    let mut numbers: Vec<_> = made.into_iter().map(|user| user.unwrap().number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_number_is_never_given_again() {
    let fixture = Fixture::new().await;
    for id in 0..3 {
        let user = new_user(200 + id, &format!("{id}@example.com"));
        fixture.store.create_user(user).await.unwrap();
    }
    fixture.sql("DELETE FROM users WHERE number = 3");
    let next = fixture
        .store
        .create_user(new_user(210, "next@example.com"))
        .await
        .unwrap();
    assert_eq!(next.number, 4);
    let fixture = fixture.restarted().await;
    fixture.sql("DELETE FROM users");
    let next = fixture
        .store
        .create_user(new_user(211, "last@example.com"))
        .await
        .unwrap();
    assert_eq!(next.number, 5);
}

#[tokio::test]
async fn a_person_is_changed_field_by_field() {
    let Fixture {
        database: _database,
        store,
    } = Fixture::new().await;
    let before = store.create_user(new_user(200, "ada@example.com")).await.unwrap();
    store.update_user(before.id, UserUpdate::default(), NOW).await.unwrap();
    assert_eq!(store.user(before.id).await.unwrap().as_ref(), Some(&before));
    let update = UserUpdate {
        name: Some("Grace".to_owned()),
        password: Some(None),
        locale: Some(Some("fr".to_owned())),
        admin: Some(true),
        developer: Some(true),
    };
    store.update_user(before.id, update, NOW).await.unwrap();
    let after = User {
        name: "Grace".to_owned(),
        password: None,
        locale: Some("fr".to_owned()),
        admin: true,
        developer: true,
        ..before
    };
    assert_eq!(store.user(after.id).await.unwrap(), Some(after));
    let absent = store.update_user(UserId(uuid(1)), UserUpdate::default(), NOW).await;
    assert_eq!(absent, Err(StoreError::Conflict));
}

#[tokio::test]
async fn who_leaves_an_organization_is_no_member_and_the_grants_given_there_stay() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let (user, organization) = (UserId(uuid(200)), OrganizationId(uuid(300)));
    store.create_user(new_user(200, "ada@example.com")).await.unwrap();
    store
        .add_membership(
            user,
            Membership {
                organization,
                role: Role::Member,
            },
            NOW,
        )
        .await
        .unwrap();
    store
        .add_membership(
            user,
            Membership {
                organization,
                role: Role::Owner,
            },
            NOW,
        )
        .await
        .unwrap();
    let members = store.members_of(organization).await.unwrap();
    assert_eq!(
        members.iter().map(|one| (one.user, one.role)).collect::<Vec<_>>(),
        [(user, Some(Role::Owner))]
    );
    fixture.active(1).await;
    store.remove_membership(user, organization, NOW).await.unwrap();
    assert_eq!(store.user(user).await.unwrap().unwrap().memberships, []);
    let found = store.user_by_email("ada@example.com").await.unwrap().unwrap();
    assert_eq!(found.memberships, []);
    assert_eq!(store.members_of(organization).await.unwrap(), []);
    let grant = store.grant(grant_id(1)).await.unwrap().unwrap();
    assert_eq!(grant.state, State::Active);
    // Leaving twice does not count the thirty days anew.
    store
        .remove_membership(user, organization, NOW.after(DAY))
        .await
        .unwrap();
    assert_eq!(fixture.sql("SELECT ended_at FROM memberships"), NOW.0.to_string());

    let role = Role::Member;
    let back = Membership { organization, role };
    store.add_membership(user, back, NOW.after(DAY)).await.unwrap();
    assert_eq!(store.user(user).await.unwrap().unwrap().memberships, [back]);
}

#[tokio::test]
async fn organizations_are_kept() {
    let Fixture {
        database: _database,
        store,
    } = Fixture::new().await;
    let acme = Organization {
        kind: OrganizationKind::Sandbox,
        hidden: true,
        ..organization(300, "acme")
    };
    store.create_organization(acme.clone()).await.unwrap();
    store.create_organization(organization(301, "aaa")).await.unwrap();
    assert_eq!(store.organization(acme.id).await.unwrap().as_ref(), Some(&acme));
    assert_eq!(store.organization_by_slug("acme").await.unwrap().as_ref(), Some(&acme));
    let slugs: Vec<_> = store
        .organizations()
        .await
        .unwrap()
        .into_iter()
        .map(|one| one.slug)
        .collect();
    assert_eq!(slugs, ["aaa", "acme"]);
    let update = OrganizationUpdate {
        name: Some("Acme".to_owned()),
        kind: Some(OrganizationKind::Live),
        hidden: Some(false),
        status: Some(Status::Suspended),
    };
    store.update_organization(acme.id, update, NOW).await.unwrap();
    let after = store.organization(acme.id).await.unwrap().unwrap();
    assert_eq!(
        (after.name.as_str(), after.kind, after.hidden),
        ("Acme", OrganizationKind::Live, false)
    );
    assert_eq!(after.status, Status::Suspended);
}

#[tokio::test]
async fn resources_are_put() {
    let Fixture {
        database: _database,
        store,
    } = Fixture::new().await;
    let resource = Resource {
        identifier: "https://api.example".to_owned(),
        name: "API".to_owned(),
        secret: Some(SecretHash::Sha256([1; 32])),
        scopes: Some(Scopes::parse("a").unwrap()),
        created: NOW,
    };
    store.put_resource(resource.clone(), NOW).await.unwrap();
    assert_eq!(
        store.resource("https://api.example").await.unwrap().as_ref(),
        Some(&resource)
    );
    let other = Resource {
        secret: None,
        scopes: None,
        ..resource
    };
    store.put_resource(other.clone(), NOW).await.unwrap();
    assert_eq!(store.resources().await.unwrap(), [other]);
    assert_eq!(store.resource("https://other.example").await.unwrap(), None);
}

#[tokio::test]
async fn a_session_counts_until_it_expires_or_is_deleted() {
    let Fixture {
        database: _database,
        store,
    } = Fixture::new().await;
    let user = UserId(uuid(200));
    let session = |id: u8| Session {
        id: SessionId([id; 32]),
        user,
        created: NOW,
        expires: NOW.after(DAY),
    };
    for id in 1..=3 {
        store.create_session(session(id)).await.unwrap();
    }
    let found = async |id: u8, at| store.session(SessionId([id; 32]), at).await.unwrap();
    assert_eq!(found(1, NOW).await, Some(session(1)));
    assert_eq!(found(1, NOW.after(DAY)).await, None);
    store.delete_session(SessionId([1; 32])).await.unwrap();
    assert_eq!(found(1, NOW).await, None);
    assert_eq!(found(2, NOW).await, Some(session(2)));
    store.delete_sessions_of(user).await.unwrap();
    assert_eq!((found(2, NOW).await, found(3, NOW).await), (None, None));
}

#[tokio::test]
async fn keys_events_and_declared_values_survive_a_restart() {
    let fixture = Fixture::new().await;
    let key = |id| Key {
        id,
        purpose: "proof".to_owned(),
        sealed: vec![1, 2, 3],
        created: NOW,
        active_from: NOW.after(DAY),
    };
    fixture.store.create_key(key(2)).await.unwrap();
    fixture.store.create_key(key(1)).await.unwrap();
    assert!(matches!(
        fixture.store.create_key(key(1)).await,
        Err(StoreError::Taken(_))
    ));
    let event = |id| AuditEvent {
        id: AuditEventId(uuid(id)),
        at: NOW,
        actor: "operator".to_owned(),
        action: "grant_ended".to_owned(),
        app: Some(AppId(uuid(100))),
        user: Some(UserId(uuid(200))),
        organization: None,
        grant: Some(grant_id(1)),
        source: Some("203.0.113.9".to_owned()),
        before: None,
        after: Some("{\"a\":1}".to_owned()),
        detail: Some("{}".to_owned()),
    };
    let last = AuditFilter {
        limit: 1,
        ..AuditFilter::default()
    };
    fixture.store.append_audit(event(1)).await.unwrap();
    fixture.store.append_audit(event(2)).await.unwrap();
    let declared = |field: &str, digest| Declared {
        kind: "app".to_owned(),
        name: "one".to_owned(),
        field: field.to_owned(),
        digest: [digest; 32],
    };
    fixture
        .store
        .set_declared(vec![declared("name", 1), declared("secret", 2)])
        .await
        .unwrap();
    fixture.store.set_declared(vec![declared("name", 3)]).await.unwrap();

    let store = fixture.restarted().await;
    assert_eq!(store.store.keys().await.unwrap(), [key(1), key(2)]);
    assert_eq!(store.store.audit_events(last).await.unwrap(), [event(2)]);
    assert_eq!(
        store.store.declared().await.unwrap(),
        [declared("name", 3), declared("secret", 2)]
    );
}

#[tokio::test]
async fn the_longest_access_lifetime_is_remembered() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.store.keep_longest_access(2 * DAY).await.unwrap(), 2 * DAY);
    let fixture = fixture.restarted().await;
    assert_eq!(fixture.store.keep_longest_access(DAY).await.unwrap(), 2 * DAY);
    fixture.active(1).await;
    fixture.store.end(grant_id(1), EndReason::ByPerson, NOW).await.unwrap();
    let changes = fixture.store.changes(NOW).await.unwrap();
    assert_eq!(changes[0].expires, NOW.after(2 * DAY + SETBACK));
}

#[tokio::test]
async fn connections_have_names() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    store.create_organization(organization(300, "acme")).await.unwrap();
    store.create_organization(organization(301, "zoo")).await.unwrap();
    store.create_app(app(100, "one")).await.unwrap();
    fixture.active(1).await;
    fixture.active(2).await;
    fixture.pending(3).await;
    let elsewhere = NewGrant {
        organization: OrganizationId(uuid(301)),
        ..new_grant(4)
    };
    store.insert_grant(elsewhere).await.unwrap();
    redeem_row(store, redeem(4)).await.unwrap();
    store.end(grant_id(1), EndReason::ByPerson, NOW).await.unwrap();

    let user = UserId(uuid(200));
    let connections = store.connections(user).await.unwrap();
    let facts: Vec<_> = connections
        .iter()
        .map(|one| {
            (
                one.grant.id,
                one.app_name.as_str(),
                one.app_owner.as_str(),
                one.organization_slug.as_str(),
            )
        })
        .collect();
    assert_eq!(
        facts,
        [
            (grant_id(2), "App one", "ACME", "acme"),
            (grant_id(4), "App one", "ACME", "zoo")
        ]
    );
    assert_eq!(
        (
            connections[1].organization_name.as_str(),
            connections[1].organization_hidden
        ),
        ("ZOO", false)
    );
    let ended = store.ended_connections(user, 5).await.unwrap();
    assert_eq!(ended.iter().map(|one| one.grant.id).collect::<Vec<_>>(), [grant_id(1)]);
    assert_eq!(store.connections(UserId(uuid(201))).await.unwrap(), []);
}

/// PostgreSQL's texts have no NUL: what is asked for with one is not there, and that is no failure.
#[tokio::test]
async fn nothing_is_called_by_a_name_with_a_nul_in_it() {
    let Fixture {
        database: _database,
        store,
    } = Fixture::new().await;
    store.create_app(app(100, "one")).await.unwrap();
    store.create_user(new_user(1, "ada@example.com")).await.unwrap();
    for name in ["\0", "one\0", "ada@example.com\0"] {
        assert_eq!(store.app_by_client_id(name).await.unwrap(), None);
        assert_eq!(store.user_by_email(name).await.unwrap(), None);
        assert_eq!(store.organization_by_slug(name).await.unwrap(), None);
        assert_eq!(store.resource(name).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_person_has_at_most_so_many_sessions_and_the_newest_stays() {
    let fixture = Fixture::new().await;
    let session = |number: u8| Session {
        id: SessionId([number; 32]),
        user: UserId(uuid(200)),
        // By a clock that is turned back the last one is the oldest.
        created: if number == 104 {
            NOW
        } else {
            Instant(NOW.0 + i64::from(number))
        },
        expires: NOW.after(DAY),
    };
    for number in 1..=104 {
        fixture.store.create_session(session(number)).await.unwrap();
    }
    let other = Session {
        user: UserId(uuid(201)),
        ..session(200)
    };
    fixture.store.create_session(other).await.unwrap();
    assert_eq!(fixture.sql("SELECT count(*) FROM sessions"), "101");
    for (number, there) in [(4, false), (5, true), (104, true), (200, true)] {
        let found = fixture.store.session(SessionId([number; 32]), NOW).await.unwrap();
        assert_eq!(found.is_some(), there, "{number}");
    }
}
