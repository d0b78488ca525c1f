//! People, organizations, and who belongs where.

use super::*;

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
    let everybody: Vec<_> = store
        .users(None, ALL)
        .await
        .unwrap()
        .items
        .iter()
        .map(|user| user.number)
        .collect();
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
    let everybody = store.users(None, ALL).await.unwrap().items;
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
    let members = store.members(organization, None, ALL).await.unwrap().items;
    assert_eq!(
        members.iter().map(|one| (one.user, one.role)).collect::<Vec<_>>(),
        [(user, Some(Role::Owner))]
    );
    fixture.active(1).await;
    store.remove_membership(user, organization, NOW).await.unwrap();
    assert_eq!(store.user(user).await.unwrap().unwrap().memberships, []);
    let found = store.user_by_email("ada@example.com").await.unwrap().unwrap();
    assert_eq!(found.memberships, []);
    assert_eq!(store.members(organization, None, ALL).await.unwrap().items, []);
    let grant = store.grant(grant_id(1)).await.unwrap().unwrap();
    assert_eq!(grant.state, GrantState::Active);
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
        .organizations("", ALL)
        .await
        .unwrap()
        .items
        .into_iter()
        .map(|one| one.slug)
        .collect();
    assert_eq!(slugs, ["aaa", "acme"]);
    let update = OrganizationUpdate {
        name: Some("Acme".to_owned()),
        kind: Some(OrganizationKind::Live),
        hidden: Some(false),
        status: Some(Status::Suspended),
        external_id: Some("42".to_owned()),
    };
    store.update_organization(acme.id, update, NOW).await.unwrap();
    let after = store.organization(acme.id).await.unwrap().unwrap();
    assert_eq!(
        (after.name.as_str(), after.kind, after.hidden),
        ("Acme", OrganizationKind::Live, false)
    );
    assert_eq!(after.status, Status::Suspended);
    assert_eq!(after.external_id.as_deref(), Some("42"));
    // Once it has one, it stays.
    let other = OrganizationUpdate {
        external_id: Some("43".to_owned()),
        ..OrganizationUpdate::default()
    };
    store.update_organization(acme.id, other, NOW).await.unwrap();
    let found = store.organization_by_external_id("42").await.unwrap();
    assert_eq!(found.map(|one| one.id), Some(acme.id));
    // No slug is the external_id of another organization, and no external_id its slug.
    let alike = [
        organization(302, "42"),
        Organization {
            external_id: Some("aaa".to_owned()),
            ..organization(303, "bbb")
        },
    ];
    for organization in alike {
        let made = store.create_organization(organization).await;
        assert_eq!(made, Err(StoreError::Conflict));
    }
    let own = Organization {
        external_id: Some("ccc".to_owned()),
        ..organization(304, "ccc")
    };
    store.create_organization(own).await.unwrap();
}
