//! Resources, sessions, keys and whatever else has a name.

use super::*;
use crate::store::feed::numbering::SETBACK;

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
    } = Fixture::new().await.with_people().await;
    let user = UserId(uuid(200));
    let session = |id: u8| Session {
        kind: SessionKind::Own,
        request: None,
        id: SessionId([id; 32]),
        user,
        created: NOW,
        expires: NOW.after(DAY),
    };
    for id in 1..=3 {
        store
            .create_session(session(id), Some(PASSWORD), " place")
            .await
            .unwrap();
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
    let connections = store.connections(user, None, ALL).await.unwrap().items;
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
    assert_eq!(store.connections(UserId(uuid(201)), None, ALL).await.unwrap().items, []);
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

/// A sign-in that checked the password before it was changed, or before the person was suspended, would outlive both.
#[tokio::test]
async fn a_session_begins_only_while_what_was_checked_holds() {
    let fixture = Fixture::new().await.with_people().await;
    let (store, user) = (&fixture.store, UserId(uuid(200)));
    let begin = async |id: u8, password| {
        let session = Session {
            kind: SessionKind::Own,
            request: None,
            id: SessionId([id; 32]),
            user,
            created: NOW,
            expires: NOW.after(DAY),
        };
        let begun = store.create_session(session, password, " place").await;
        assert_eq!(
            store.session(session.id, NOW).await.unwrap().is_some(),
            begun.is_ok(),
            "{begun:?}"
        );
        begun
    };
    let changed = |password: &str| UserUpdate {
        password: Some(Some(password.to_owned())),
        ..UserUpdate::default()
    };
    begin(1, Some(PASSWORD)).await.unwrap();
    store.update_user(user, changed("first"), NOW).await.unwrap();
    for before in [Some(PASSWORD), None] {
        assert!(matches!(begin(2, before).await, Err(StoreError::Conflict)));
    }
    begin(3, Some("first")).await.unwrap();
    store.update_user(user, changed("second"), NOW).await.unwrap();
    assert!(matches!(begin(4, Some("first")).await, Err(StoreError::Conflict)));
    fixture.sql("UPDATE users SET status = 'suspended'");
    assert!(matches!(begin(5, Some("second")).await, Err(StoreError::Conflict)));
    fixture.sql("UPDATE users SET status = 'active'");
    begin(6, Some("second")).await.unwrap();
    fixture.sql("DELETE FROM users");
    assert!(matches!(begin(7, Some("second")).await, Err(StoreError::Conflict)));
}

/// Whichever comes first: no session is left of the password before.
#[tokio::test]
async fn a_session_that_races_a_new_password_does_not_outlive_it() {
    let fixture = Fixture::new().await.with_people().await;
    let (store, user) = (&fixture.store, UserId(uuid(200)));
    let mut password = Some(PASSWORD.to_owned());
    for round in 0..20 {
        let id = SessionId([round; 32]);
        let session = Session {
            kind: SessionKind::Own,
            request: None,
            id,
            user,
            created: NOW,
            expires: NOW.after(DAY),
        };
        let next = format!("{round}");
        let update = UserUpdate {
            password: Some(Some(next.clone())),
            ..UserUpdate::default()
        };
        let (begun, updated) = tokio::join!(
            store.create_session(session, password.as_deref(), " place"),
            store.update_user(user, update, NOW)
        );
        assert!(matches!(begun, Ok(()) | Err(StoreError::Conflict)), "{begun:?}");
        updated.unwrap();
        assert_eq!(store.session(id, NOW).await.unwrap(), None, "{begun:?}");
        password = Some(next);
    }
}

#[tokio::test]
async fn a_person_has_eight_places_and_the_longest_unused_goes_first() {
    let fixture = Fixture::new().await.with_people().await;
    let user = fixture.store.user(UserId(uuid(200))).await.unwrap().unwrap();
    let email = user.email.as_deref().unwrap();
    let places = async || fixture.store.places_of(email).await.unwrap();
    assert_eq!(places().await, Some((user.id, String::new())));
    for (number, place) in (1..=9).chain([1, 9]).enumerate() {
        let session = Session {
            kind: SessionKind::Own,
            request: None,
            id: SessionId([u8::try_from(number).unwrap(); 32]),
            user: user.id,
            created: NOW,
            expires: NOW.after(DAY),
        };
        let place = format!(" place-{place:05}");
        let created = fixture.store.create_session(session, Some(PASSWORD), &place).await;
        created.unwrap();
    }
    let expected: String = [9, 1, 8, 7, 6, 5, 4, 3]
        .map(|place| format!(" place-{place:05}"))
        .concat();
    assert_eq!(places().await, Some((user.id, expected)));
    assert_eq!(fixture.store.places_of("nobody@example.com").await.unwrap(), None);
}

/// From before addresses had one spelling: who is stored under another is found with their places.
#[tokio::test]
async fn the_places_of_an_address_in_another_spelling_are_found() {
    let fixture = Fixture::new().await.with_people().await;
    let jose = new_user(201, "jos\u{e9}@example.com");
    let user = fixture.store.create_user(jose).await.unwrap();
    fixture.sql("UPDATE users SET email = 'jose\u{301}@example.com', places = ' somewhere' WHERE email = 'jos\u{e9}@example.com'");
    let found = fixture.store.places_of("Jose\u{301}@example.com").await.unwrap();
    assert_eq!(found, Some((user.id, " somewhere".to_owned())));
}

#[tokio::test]
async fn sessions_that_are_postponed_end_later() {
    let fixture = Fixture::new().await.with_people().await;
    let session = Session {
        kind: SessionKind::Own,
        request: None,
        id: SessionId([1; 32]),
        user: UserId(uuid(200)),
        created: NOW,
        expires: NOW.after(DAY),
    };
    let store = &fixture.store;
    store.create_session(session, Some(PASSWORD), " place").await.unwrap();
    store.postpone_sessions(DAY).await.unwrap();
    let found = async |at| {
        store
            .session(SessionId([1; 32]), at)
            .await
            .unwrap()
            .map(|found| found.expires)
    };
    assert_eq!(found(NOW.after(DAY)).await, Some(NOW.after(DAY).after(DAY)));
    assert_eq!(found(NOW.after(DAY).after(DAY)).await, None);
}

#[tokio::test]
async fn a_person_has_at_most_so_many_sessions_and_the_newest_stays() {
    let fixture = Fixture::new().await.with_people().await;
    let bob = new_user(201, "bob@example.com");
    fixture.store.create_user(bob).await.unwrap();
    let session = |number: u8| Session {
        kind: SessionKind::Own,
        request: None,
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
        fixture
            .store
            .create_session(session(number), Some(PASSWORD), " place")
            .await
            .unwrap();
    }
    let other = Session {
        kind: SessionKind::Own,
        request: None,
        user: UserId(uuid(201)),
        ..session(200)
    };
    fixture
        .store
        .create_session(other, Some(PASSWORD), " place")
        .await
        .unwrap();
    assert_eq!(fixture.sql("SELECT count(*) FROM sessions"), "101");
    for (number, there) in [(4, false), (5, true), (104, true), (200, true)] {
        let found = fixture.store.session(SessionId([number; 32]), NOW).await.unwrap();
        assert_eq!(found.is_some(), there, "{number}");
    }
}
