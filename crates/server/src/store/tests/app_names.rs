//! Names that look alike: who is refused, and that of two at once one is.

use super::races::MANY;
use super::*;

/// Person `id`, a member of these organizations.
async fn person(store: &Store, id: u128, organizations: &[u128]) {
    let memberships = organizations.iter().map(|organization| Membership {
        organization: OrganizationId(uuid(*organization)),
        role: Role::Developer,
    });
    let user = NewUser {
        memberships: memberships.collect(),
        ..new_user(id, &format!("{id}@example.com"))
    };
    store.create_user(user).await.unwrap();
}

/// An app of person `owner` in `organization`.
fn named(id: u128, name: &str, owner: u128, organization: u128) -> App {
    App {
        name: name.to_owned(),
        owner: Some(UserId(uuid(owner))),
        organization: OrganizationId(uuid(organization)),
        reach: Reach::Own,
        ..app(id, &format!("app-{id}"))
    }
}

/// Organizations 301 and 302 share person 3, 303 shares nobody; the persons 1, 2 and 4 are in one each.
async fn world() -> Fixture {
    let fixture = Fixture::new().await;
    for id in [301, 302, 303] {
        let slug = format!("organization-{id}");
        fixture
            .store
            .create_organization(organization(id, &slug))
            .await
            .unwrap();
    }
    person(&fixture.store, 1, &[301]).await;
    person(&fixture.store, 2, &[302]).await;
    person(&fixture.store, 3, &[301, 302]).await;
    person(&fixture.store, 4, &[303]).await;
    let first = named(100, "Acme Reports", 1, 301);
    fixture.store.create_distinct_app(first).await.unwrap();
    fixture
}

/// Asks before and in the write; both must say the same.
async fn is_refused(store: &Store, app: App) -> bool {
    let found = store.has_look_alike(&app).await.unwrap();
    match store.create_distinct_app(app).await {
        Ok(()) => assert!(!found),
        Err(error) => {
            assert_eq!(error, StoreError::Conflict);
            assert!(found);
        }
    }
    found
}

#[tokio::test]
async fn a_look_alike_of_somebody_elses_app_is_refused_where_people_can_meet_both() {
    let Fixture { store, .. } = &world().await;
    for (refused, app) in [
        (true, named(101, "Acme Rероrts", 3, 301)),
        (true, named(102, "ACME  reports.", 3, 301)),
        (true, named(103, "Acme Reports", 2, 302)),
        (false, named(104, "Acme Reports", 4, 303)),
        (false, named(105, "Acme Reports", 1, 301)),
        (false, named(106, "Acme Report", 3, 301)),
    ] {
        assert_eq!(is_refused(store, app.clone()).await, refused, "{app:?}");
    }
    let for_all = App {
        reach: Reach::Partner,
        ..named(107, "Acme Reports", 4, 303)
    };
    assert!(is_refused(store, for_all).await);
    let operators = App {
        owner: None,
        ..named(108, "Acme Reports", 1, 301)
    };
    assert!(is_refused(store, operators.clone()).await);
    // The operator's own declaration is not asked.
    store.create_app(operators).await.unwrap();
}

#[tokio::test]
async fn a_renamed_app_gives_its_old_name_free_and_takes_no_other() {
    let Fixture { store, .. } = &world().await;
    let other = named(101, "Other", 3, 301);
    store.create_distinct_app(other.clone()).await.unwrap();
    let rename = |name: &str| AppUpdate {
        name: Some(name.to_owned()),
        ..AppUpdate::default()
    };
    let refused = store.update_distinct_app(&other, rename("Acme Reports"), NOW).await;
    assert_eq!(refused, Err(StoreError::Conflict));
    assert_eq!(store.app(other.id).await.unwrap().unwrap().name, "Other");
    store
        .update_distinct_app(&other, rename("Quite Another"), NOW)
        .await
        .unwrap();
    assert!(!is_refused(store, named(102, "Other", 1, 301)).await);
    assert!(is_refused(store, named(103, "quite another", 1, 301)).await);
    // Reach is what makes the same people be asked.
    let far = named(104, "Acme Reports", 4, 303);
    store.create_distinct_app(far.clone()).await.unwrap();
    let for_all = AppUpdate {
        reach: Some(Reach::Partner),
        ..AppUpdate::default()
    };
    assert_eq!(
        store.update_distinct_app(&far, for_all, NOW).await,
        Err(StoreError::Conflict)
    );
}

#[tokio::test]
async fn names_of_apps_that_an_older_server_registered_count_after_the_next_start() {
    let fixture = world().await;
    fixture.sql("UPDATE apps SET name_key = NULL, name_key_lower = NULL");
    let same = named(101, "Acme Reports", 3, 301);
    assert!(!fixture.store.has_look_alike(&same).await.unwrap());
    fixture.store.complete_name_keys().await.unwrap();
    assert!(fixture.store.has_look_alike(&same).await.unwrap());
}

/// On PostgreSQL from two servers.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_look_alikes_at_once_one_is_registered() {
    let fixture = world().await;
    let other = match fixture.database.is_postgres() {
        true => opened(&fixture.database).await,
        false => fixture.store.clone(),
    };
    for round in 0..5 {
        let tasks = (0..MANY as u128).map(|number| {
            let store = if number % 2 == 0 { &fixture.store } else { &other };
            let (store, id) = (store.clone(), 1000 + round * 100 + number);
            let owner = 10_000 + number;
            let app = named(id, &format!("Crew {round}"), owner, 301);
            tokio::spawn(async move { store.create_distinct_app(app).await })
        });
        let mut registered = 0;
        for task in tasks.collect::<Vec<_>>() {
            match task.await.unwrap() {
                Ok(()) => registered += 1,
                Err(error) => assert_eq!(error, StoreError::Conflict),
            }
        }
        assert_eq!(registered, 1);
    }
}
