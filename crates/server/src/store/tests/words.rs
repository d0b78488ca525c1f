//! Words that a later version writes (decision 46): each disables the row that carries it, and nothing else.

use super::*;

/// A row and its neighbour of the same kind, which stays as it was.
const ODD: u128 = 500;
const OTHER: u128 = 501;

#[tokio::test]
async fn an_app_with_a_word_that_is_unknown_is_suspended_and_the_others_are_listed() {
    for (column, text, shown) in [
        ("status", "'archived'", "archived"),
        ("client_type", "'attested'", "attested"),
        ("reach", "'everywhere'", "everywhere"),
        (
            "grant_types",
            "'[\"refresh_token\",\"device_code\"]'",
            "[\"refresh_token\",\"device_code\"]",
        ),
        ("scopes", "'a  \"b'", "a  \"b"),
        ("products", "'{}'", "{}"),
        ("redirect_uris", "'nowhere'", "nowhere"),
        ("acts_as", "'department'", "department"),
        ("review", "'pending'", "pending"),
        ("dialect", "'django'", "django"),
    ] {
        let fixture = Fixture::new().await;
        let store = &fixture.store;
        for id in [ODD, OTHER] {
            store.create_app(app(id, &id.to_string())).await.unwrap();
        }
        let id = fixture.database.bytes(uuid(ODD).as_bytes());
        fixture.sql(&format!("UPDATE apps SET {column} = {text} WHERE id = {id}"));
        let odd = store.app(AppId(uuid(ODD))).await.unwrap().unwrap();
        let word = shown.to_owned();
        assert_eq!(
            (odd.status, odd.unknown),
            (AppStatus::Suspended, Some(Box::new(UnknownWord { column, word })))
        );
        assert_eq!(
            store.app_by_client_id("500").await.unwrap().unwrap().status,
            AppStatus::Suspended
        );
        for listed in [store.listed_apps(None).await, store.listed_apps(Some(300)).await] {
            let standing: Vec<_> = listed.iter().map(|app| (app.id.0.as_u128(), app.status)).collect();
            assert_eq!(
                standing,
                [(ODD, AppStatus::Suspended), (OTHER, AppStatus::Live)],
                "{column}"
            );
        }
        // Another change leaves the word to the version that wrote it.
        let renamed = AppUpdate {
            name: Some("Renamed".to_owned()),
            ..AppUpdate::default()
        };
        store.update_app(AppId(uuid(ODD)), renamed, NOW).await.unwrap();
        let kept = fixture.sql(&format!("SELECT {column} FROM apps WHERE id = {id}"));
        assert_eq!(kept, shown);
    }
}

#[tokio::test]
async fn a_person_or_organization_with_a_word_that_is_unknown_is_suspended() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    for (id, email) in [(ODD, "odd@example.com"), (OTHER, "other@example.com")] {
        store.create_user(new_user(id, email)).await.unwrap();
    }
    fixture.sql("UPDATE users SET status = 'locked' WHERE email = 'odd@example.com'");
    let users = store.users(None, ALL).await.unwrap().items;
    let standing: Vec<_> = users.iter().map(|user| (user.status, user.unknown.is_some())).collect();
    assert_eq!(standing, [(Status::Suspended, true), (Status::Active, false)]);
    assert_eq!(
        store.user(UserId(uuid(ODD))).await.unwrap().unwrap().status,
        Status::Suspended
    );

    for (column, word) in [
        ("status", "closing"),
        ("kind", "template"),
        ("partner_apps", "approved"),
    ] {
        let slugs = [format!("{}-odd", &column[..1]), format!("{}-other", &column[..1])];
        for (slug, id) in slugs.iter().zip([600, 700]) {
            let id = id + u128::from(column.as_bytes()[0]);
            store.create_organization(organization(id, slug)).await.unwrap();
        }
        fixture.sql(&format!(
            "UPDATE organizations SET {column} = '{word}' WHERE slug = '{}'",
            slugs[0]
        ));
        let odd = store.organization_by_slug(&slugs[0]).await.unwrap().unwrap();
        assert_eq!(
            (odd.status, odd.unknown.unwrap().to_string()),
            (Status::Suspended, format!("{column} {word:?}"))
        );
        let other = store.organization_by_slug(&slugs[1]).await.unwrap().unwrap();
        assert_eq!((other.status, other.unknown), (Status::Active, None));
    }
    assert_eq!(store.organizations("", ALL).await.unwrap().items.len(), 6);
}

#[tokio::test]
async fn a_role_that_is_unknown_gives_no_rights_and_is_listed() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let (user, organization) = (UserId(uuid(200)), OrganizationId(uuid(300)));
    let role = Role::Owner;
    let elsewhere = Membership {
        organization: OrganizationId(uuid(301)),
        role,
    };
    let memberships = vec![Membership { organization, role }, elsewhere];
    store
        .create_user(NewUser {
            memberships,
            ..new_user(200, "ada@example.com")
        })
        .await
        .unwrap();
    let id = fixture.database.bytes(uuid(300).as_bytes());
    fixture.sql(&format!(
        "UPDATE memberships SET role = 'auditor' WHERE organization_id = {id}"
    ));
    assert_eq!(store.user(user).await.unwrap().unwrap().memberships, [elsewhere]);
    let by_email = store.user_by_email("ada@example.com").await.unwrap().unwrap();
    assert_eq!(by_email.memberships, [elsewhere]);
    let word = "auditor".to_owned();
    let members = store.members(organization, None, ALL).await.unwrap().items;
    let listed: Vec<_> = members.into_iter().map(|one| (one.user, one.role, one.word)).collect();
    assert_eq!(listed, [(user, None, word)]);
}

#[tokio::test]
async fn a_grant_with_a_word_that_is_unknown_is_read_and_the_others_are_listed() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let user = UserId(uuid(200));
    store.create_app(app(100, "app")).await.unwrap();
    store.create_organization(organization(300, "acme")).await.unwrap();
    for id in [1, 2, 3] {
        fixture.active(id).await;
    }
    let set = |column: &str, value: &str| {
        let id = fixture.database.bytes(uuid(2).as_bytes());
        fixture.sql(&format!("UPDATE grants SET {column} = {value} WHERE id = {id}"));
    };
    for (column, value, back) in [
        ("acts_as", "'department'", "NULL"),
        ("resource", "'https://api.example'", "NULL"),
        ("scopes", "'\"'", "'sales'"),
        ("state", "7", "1"),
    ] {
        set(column, value);
        let odd = store.grant(grant_id(2)).await.unwrap().unwrap();
        assert_eq!(odd.unknown.unwrap().column, column);
        assert_eq!(odd.state == GrantState::Ended, column == "state");
        assert_eq!(fixture.grants_of(200).await, 3);
        assert!(
            store.connections(user, None, ALL).await.unwrap().items.len() >= 2,
            "{column}"
        );
        set(column, back);
    }
    store.end(grant_id(2), EndReason::ByPerson, NOW).await.unwrap();
    set("reason", "'device_lost'");
    let ended = store.grant(grant_id(2)).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.reason), (GrantState::Ended, None));
    assert_eq!(ended.unknown.unwrap().to_string(), "reason \"device_lost\"");
    assert_eq!(store.ended_connections(user, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_sweep_leaves_a_state_that_is_unknown_alone() {
    let fixture = Fixture::new().await;
    fixture.active(1).await;
    let id = fixture.database.bytes(uuid(1).as_bytes());
    fixture.sql(&format!("UPDATE grants SET state = 7, check_at = 0 WHERE id = {id}"));
    fixture.pending(2).await;
    fixture.store.flush().await.unwrap();
    let late = NewGrant {
        created: NOW.after(DAY),
        ..new_grant(3)
    };
    fixture.store.insert_grant(late).await.unwrap();
    assert_eq!(fixture.sql(&format!("SELECT state FROM grants WHERE id = {id}")), "7");
    assert_ne!(
        fixture.sql(&format!("SELECT check_at FROM grants WHERE id = {id}")),
        "0",
        "it is due later"
    );
}

#[tokio::test]
async fn a_resource_with_a_word_that_is_unknown_cannot_authenticate() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    for identifier in ["odd", "other"] {
        let resource = Resource {
            identifier: identifier.to_owned(),
            name: "API".to_owned(),
            secret: Some(SecretHash::Sha256([identifier.len().try_into().unwrap(); 32])),
            scopes: None,
            created: NOW,
        };
        store.put_resource(resource, NOW).await.unwrap();
    }
    for (column, value) in [("environment", "'sandbox'"), ("scopes", "'\"'")] {
        fixture.sql(&format!(
            "UPDATE resources SET {column} = {value} WHERE identifier = 'odd'"
        ));
        let listed = store.resources().await.unwrap();
        let standing: Vec<_> = listed
            .iter()
            .map(|one| (one.identifier.as_str(), one.secret.is_some()))
            .collect();
        assert_eq!(standing, [("odd", false), ("other", true)]);
        fixture.sql("UPDATE resources SET environment = NULL WHERE identifier = 'odd'");
    }
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_does_not_count_and_the_others_do() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    store
        .create_app(App {
            secrets: vec![secret(1), secret(2)],
            ..app(100, "app")
        })
        .await
        .unwrap();
    let id = fixture.database.bytes(uuid(1).as_bytes());
    fixture.sql(&format!("UPDATE secrets SET sha256 = NULL WHERE id = {id}"));
    let found = store.app(AppId(uuid(100))).await.unwrap().unwrap();
    assert_eq!((found.status, found.secrets), (AppStatus::Live, vec![secret(2)]));
}

#[tokio::test]
async fn a_session_of_an_unknown_kind_opens_nothing() {
    let fixture = Fixture::new().await.with_people().await;
    let session = Session {
        kind: SessionKind::Own,
        request: None,
        id: SessionId([1; 32]),
        user: UserId(uuid(200)),
        created: NOW,
        expires: NOW.after(DAY),
    };
    fixture
        .store
        .create_session(session, Some(PASSWORD), " place")
        .await
        .unwrap();
    fixture.sql("UPDATE sessions SET kind = 'passkey'");
    assert_eq!(fixture.store.session(session.id, NOW).await.unwrap(), None);
    fixture.sql("UPDATE sessions SET kind = 'own'");
    assert_eq!(fixture.store.session(session.id, NOW).await.unwrap(), Some(session));
}

#[tokio::test]
async fn a_change_of_an_unknown_kind_has_everything_read_anew() {
    let fixture = Fixture::new().await;
    fixture.store.revoke_token([1; 16], NOW.after(DAY), NOW).await.unwrap();
    fixture.sql("UPDATE changes SET kind = 'ceiling'");
    assert_eq!(fixture.feed().await, [(ChangeKind::Unknown, 0)]);
}
