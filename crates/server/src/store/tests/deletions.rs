//! Deletions: what stands on the row ends with it, also where a crash comes between two commits.

use super::*;
use crate::store::Toll;
use std::sync::{Arc, Mutex};

const ADA: UserId = UserId(uuid::Uuid::from_u128(200));
const APP: AppId = AppId(uuid::Uuid::from_u128(100));
const LIBRARY: OrganizationId = OrganizationId(uuid::Uuid::from_u128(300));

impl Fixture {
    async fn standing(&self, id: u128) -> (GrantState, Option<EndReason>) {
        let grant = self.store.grant(grant_id(id)).await.unwrap().unwrap();
        (grant.state, grant.reason)
    }

    async fn ada(&self) -> User {
        self.store.user(ADA).await.unwrap().unwrap()
    }

    async fn planner(&self) -> App {
        self.store.app(APP).await.unwrap().unwrap()
    }

    fn count(&self, table: &str) -> i64 {
        self.sql(&format!("SELECT COUNT(*) FROM {table}")).parse().unwrap()
    }

    async fn declare(&self, kind: &str, name: &str, field: &str) {
        let value = Declared {
            kind: kind.to_owned(),
            name: name.to_owned(),
            field: field.to_owned(),
            digest: [1; 32],
        };
        self.store.set_declared(vec![value]).await.unwrap();
    }
}

const fn ended(reason: EndReason) -> (GrantState, Option<EndReason>) {
    (GrantState::Ended, Some(reason))
}

#[tokio::test]
async fn an_app_goes_with_its_secrets_its_grants_and_what_was_declared_of_it() {
    let fixture = Fixture::new().await.with_people().await;
    fixture.active(1).await;
    fixture.pending(2).await;
    fixture.declare("app", "planner", "name").await;
    fixture.declare("app", "other", "name").await;
    let toll = Toll {
        grants: 2,
        secrets: 1,
        ..Toll::default()
    };
    assert_eq!(fixture.store.toll_of_app(APP).await, Ok(toll));
    let planner = fixture.planner().await;
    let origin = Origin::parse("capacitor://localhost").unwrap();
    fixture.store.name_origins(APP, &[origin], NOW).await.unwrap();
    assert!(fixture.count("app_origins") >= 2);
    fixture.store.delete_app(&planner, NOW).await.unwrap();
    assert_eq!(fixture.store.app(APP).await.unwrap(), None);
    for id in [1, 2] {
        assert_eq!(fixture.standing(id).await, ended(EndReason::AppDeleted));
    }
    assert_eq!((fixture.count("secrets"), fixture.count("declared")), (0, 1));
    assert_eq!(fixture.count("app_origins"), 0);
    assert!(fixture.feed().await.contains(&(ChangeKind::App, 0)));
    assert_eq!(fixture.store.delete_app(&planner, NOW).await, Err(StoreError::Conflict));
}

#[tokio::test]
async fn a_person_goes_with_sessions_memberships_and_grants_and_their_apps_stay() {
    let fixture = Fixture::new().await.with_people().await;
    let store = &fixture.store;
    fixture.active(1).await;
    let owner = AppUpdate {
        owner: Some(Some(ADA)),
        ..AppUpdate::default()
    };
    store.update_app(APP, owner, NOW).await.unwrap();
    let session = Session {
        kind: SessionKind::Own,
        request: None,
        id: SessionId([1; 32]),
        user: ADA,
        created: NOW,
        expires: NOW.after(DAY),
    };
    store.create_session(session, Some(PASSWORD), " place").await.unwrap();
    fixture.declare("user", "ada@example.com", "name").await;
    fixture
        .declare("organization", "library", "member:ada@example.com")
        .await;
    fixture.declare("organization", "library", "name").await;
    let toll = Toll {
        grants: 1,
        memberships: 1,
        apps: 1,
        ..Toll::default()
    };
    assert_eq!(store.toll_of_user(ADA).await, Ok(toll));
    let ada = fixture.ada().await;
    store.delete_user(&ada, None, NOW).await.unwrap();
    assert_eq!(store.user(ADA).await.unwrap(), None);
    assert_eq!(fixture.standing(1).await, ended(EndReason::PersonDeleted));
    assert_eq!(fixture.planner().await.owner, None);
    for (table, left) in [
        ("sessions", 0),
        ("memberships", 0),
        ("declared", 1),
        ("deleted_subjects", 1),
    ] {
        assert_eq!(fixture.count(table), left, "{table}");
    }
    let next = store.create_user(new_user(201, "ada@example.com")).await.unwrap();
    assert_eq!(next.number, ada.number + 1, "no number is given twice");
}

#[tokio::test]
async fn the_site_s_id_of_a_deleted_person_leaves_a_tombstone() {
    let fixture = Fixture::new().await;
    let of_site = NewUser {
        email: None,
        external_id: Some("4711".to_owned()),
        password: None,
        ..new_user(200, "")
    };
    let ada = fixture.store.create_user(of_site).await.unwrap();
    fixture.declare("user", "ada@example.com", "external_id").await;
    fixture
        .store
        .delete_user(&ada, Some("ada@example.com"), NOW)
        .await
        .unwrap();
    let tombstone = fixture.sql("SELECT external_id || ' ' || deleted || ' ' || as_of FROM deleted_subjects");
    assert_eq!(tombstone, format!("4711 {now} {now}", now = NOW.0));
    assert_eq!(fixture.count("declared"), 0);
}

#[tokio::test]
async fn nobody_new_gets_the_subject_of_a_deleted_person() {
    let fixture = Fixture::new().await;
    let of_site = |id: u128, external_id: &str| NewUser {
        email: None,
        external_id: Some(external_id.to_owned()),
        password: None,
        ..new_user(id, "")
    };
    let ada = fixture.store.create_user(of_site(200, "4711")).await.unwrap();
    let ben = fixture
        .store
        .create_user(new_user(201, "ben@example.com"))
        .await
        .unwrap();
    for user in [&ada, &ben] {
        fixture.store.delete_user(user, None, NOW).await.unwrap();
        let subject = user.subject();
        assert_eq!(fixture.store.is_deleted_subject(&subject).await, Ok(true));
        let refused = fixture.store.create_user(of_site(202, &subject)).await;
        assert_eq!(refused, Err(StoreError::Conflict), "{subject}");
    }
    assert_eq!(fixture.store.is_deleted_subject("4712").await, Ok(false));
    fixture.store.create_user(of_site(203, "4712")).await.unwrap();
    fixture
        .store
        .create_user(new_user(204, "ben@example.com"))
        .await
        .unwrap();
}

#[tokio::test]
async fn who_operates_the_server_is_not_deleted() {
    let fixture = Fixture::new().await.with_people().await;
    let ada = fixture.ada().await;
    let admin = UserUpdate {
        admin: Some(true),
        ..UserUpdate::default()
    };
    fixture.store.update_user(ADA, admin, NOW).await.unwrap();
    assert_eq!(
        fixture.store.delete_user(&ada, None, NOW).await,
        Err(StoreError::Conflict)
    );
    assert_eq!(fixture.ada().await.memberships.len(), 1);
}

#[tokio::test]
async fn an_organization_goes_with_memberships_and_grants_once_it_owns_no_app() {
    let fixture = Fixture::new().await.with_people().await;
    let store = &fixture.store;
    fixture.active(1).await;
    let library = store.organization(LIBRARY).await.unwrap().unwrap();
    let refused = store.delete_organization(&library, NOW).await;
    assert_eq!(refused, Err(StoreError::Conflict));
    assert_eq!(fixture.standing(1).await.0, GrantState::Active);
    fixture.sql("DELETE FROM apps");
    let toll = Toll {
        grants: 1,
        memberships: 1,
        ..Toll::default()
    };
    assert_eq!(store.toll_of_organization(LIBRARY).await, Ok(toll));
    store.delete_organization(&library, NOW).await.unwrap();
    assert_eq!(store.organization(LIBRARY).await.unwrap(), None);
    assert_eq!(fixture.ada().await.memberships, []);
    assert_eq!(fixture.standing(1).await, ended(EndReason::OrganizationDeleted));
}

/// As a crash leaves it that comes after the first of many commits.
#[tokio::test]
async fn the_sweep_ends_grants_whose_app_person_or_organization_is_gone() {
    for (table, reason) in [
        ("apps", EndReason::AppDeleted),
        ("users", EndReason::PersonDeleted),
        ("organizations", EndReason::OrganizationDeleted),
    ] {
        let fixture = Fixture::new().await.with_people().await;
        let never = never_expiring(1);
        fixture.pending(1).await;
        fixture.redeem(never).await.unwrap();
        fixture.sql(&format!("DELETE FROM {table}"));
        let later = NOW.after(31 * DAY);
        fixture
            .store
            .end(grant_id(9), EndReason::ByPerson, later)
            .await
            .unwrap();
        assert_eq!(fixture.standing(1).await, ended(reason), "{table}");
    }
}

#[tokio::test]
async fn a_grant_of_an_organization_does_not_hang_on_who_set_it_up() {
    let fixture = Fixture::new().await.with_people().await;
    let never = never_expiring(1);
    fixture.pending(1).await;
    fixture.redeem(never).await.unwrap();
    fixture.sql("UPDATE grants SET acts_as = 'organization'");
    let ada = fixture.ada().await;
    fixture.store.delete_user(&ada, None, NOW).await.unwrap();
    let later = NOW.after(31 * DAY);
    fixture
        .store
        .end(grant_id(9), EndReason::ByPerson, later)
        .await
        .unwrap();
    assert_eq!(fixture.standing(1).await, (GrantState::Active, None));
}

/// Hundreds of grants end in several commits. A deleted app is gone from the first on; one that changes hands goes to its new
/// owner with the last, so that a crash between leaves it none.
#[tokio::test]
async fn a_deletion_comes_before_the_ends_and_a_change_of_hands_after_them() {
    for deleted in [true, false] {
        let fixture = Fixture::new().await.with_people().await;
        for id in 1..=1100 {
            fixture.pending(id).await;
        }
        let told = Arc::new(Mutex::new(Vec::new()));
        let listener = told.clone();
        fixture.store.on_change(move |changes| {
            let kinds = changes.iter().map(|change| change.kind);
            listener.lock().unwrap().push(kinds.collect::<Vec<_>>());
        });
        let commits = if deleted {
            let planner = fixture.planner().await;
            fixture.store.delete_app(&planner, NOW).await.unwrap();
            3
        } else {
            let moved = AppUpdate {
                organization: Some(OrganizationId(uuid(301))),
                ..AppUpdate::default()
            };
            let found = fixture.store.update_app(APP, moved, NOW).await.unwrap();
            assert_eq!(found.len(), 1100);
            4
        };
        let told = told.lock().unwrap();
        assert_eq!(told.len(), commits, "{deleted}");
        let with_app: Vec<bool> = told.iter().map(|kinds| kinds.contains(&ChangeKind::App)).collect();
        let place = if deleted { 0 } else { commits - 1 };
        assert_eq!(with_app.iter().position(|has| *has), Some(place), "{with_app:?}");
        let ends = told.iter().flatten().filter(|kind| **kind == ChangeKind::Grant);
        assert_eq!(ends.count(), 1100);
    }
}

#[tokio::test]
async fn each_lifts_only_its_own_suspension() {
    use SuspendedBy::{Both, Operator, Site};
    let fixture = Fixture::new().await.with_people().await;
    let store = &fixture.store;
    let standing = async || {
        let ada = fixture.ada().await;
        (ada.status, ada.suspended_by)
    };
    store.suspend_user(ADA, Site, NOW).await.unwrap();
    assert_eq!(standing().await, (Status::Suspended, Some(Site)));
    assert_eq!(store.resume_user(ADA, Operator, NOW).await, Err(StoreError::Conflict));
    store.suspend_user(ADA, Operator, NOW).await.unwrap();
    assert_eq!(standing().await, (Status::Suspended, Some(Both)));
    store.resume_user(ADA, Operator, NOW).await.unwrap();
    assert_eq!(standing().await, (Status::Suspended, Some(Site)));
    store.resume_user(ADA, Site, NOW).await.unwrap();
    assert_eq!(standing().await, (Status::Active, None));
    store.resume_user(ADA, Site, NOW).await.unwrap();
    // A server of an older version named nobody.
    fixture.sql("UPDATE users SET status = 'suspended'");
    assert_eq!(store.resume_user(ADA, Site, NOW).await, Err(StoreError::Conflict));
    store.resume_user(ADA, Operator, NOW).await.unwrap();
    assert_eq!(standing().await, (Status::Active, None));
    // An older server resumes without taking the name away.
    store.suspend_user(ADA, Operator, NOW).await.unwrap();
    store.suspend_user(ADA, Site, NOW).await.unwrap();
    fixture.sql("UPDATE users SET status = 'active'");
    assert_eq!(standing().await, (Status::Active, None));
    store.resume_user(ADA, Operator, NOW).await.unwrap();
    assert_eq!(standing().await, (Status::Active, None));
    store.suspend_user(ADA, Site, NOW).await.unwrap();
    fixture.sql("UPDATE users SET status = 'active'");
    store.suspend_user(ADA, Operator, NOW).await.unwrap();
    assert_eq!(standing().await, (Status::Suspended, Some(Operator)));
}
