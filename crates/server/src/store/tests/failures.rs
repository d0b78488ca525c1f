//! A database that fails or was edited by hand: an error of the right kind, and it recovers by itself.

use super::*;
use crate::store::engine::writer::work::Work;

pub(super) fn is_unavailable<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable(_)))
}

#[tokio::test]
async fn a_panic_of_the_writer_reaches_no_caller_as_silence() {
    let fixture = Fixture::new().await;
    fixture.active(1).await;
    let (panicked, other) = tokio::join!(fixture.store.change(Work::Panic), fixture.rotate(rotate(1, 1)));
    assert!(is_unavailable(&panicked));
    // In the same commit it failed too, in a later one it did not: either way there was an answer.
    let generation = fixture.store.grant(grant_id(1)).await.unwrap().unwrap().generation;
    assert_eq!(generation, if other.is_ok() { 2 } else { 1 });
    assert!(fixture.rotate(rotate(1, generation)).await.unwrap().changed);
}

#[tokio::test]
async fn a_listener_that_panics_stops_nothing() {
    let fixture = Fixture::new().await;
    fixture.store.on_change(|_| panic!("a listener's defect"));
    fixture.active(1).await;
    assert!(fixture.store.end(grant_id(1), EndReason::ByPerson, NOW).await.unwrap());
    fixture.active(2).await;
}

#[tokio::test]
async fn a_row_that_cannot_be_is_a_typed_error_and_no_one_elses() {
    let fixture = Fixture::new().await;
    let short = fixture.database.bytes(&[0]);
    let impossible = [
        ("generation", "-1"),
        ("generation", "0"),
        ("salt", &short),
        ("previous", "9"),
        ("confirmed", "2"),
    ];
    // Its columns take anything.
    let untyped = [("confirmed", "'yes'"), ("expires", "1.5e300")];
    let untyped = untyped.iter().filter(|_| !fixture.database.is_postgres());
    let other = fixture.database.bytes(grant_id(2).0.as_bytes());
    for (column, value) in impossible.iter().chain(untyped) {
        fixture.active(1).await;
        fixture.active(2).await;
        fixture.sql(&format!(
            "UPDATE grants SET {column} = {value}; DELETE FROM grants WHERE id = {other}"
        ));
        let grant = fixture.store.grant(grant_id(1)).await;
        assert!(
            matches!(grant, Err(StoreError::Corrupt(_))),
            "{column} = {value}: {grant:?}"
        );
        let (inserted, fine) = tokio::join!(
            fixture.store.insert_grant(new_grant(1)),
            fixture.store.insert_grant(new_grant(2))
        );
        assert!(matches!(inserted, Err(StoreError::Corrupt(_))), "{column} = {value}");
        assert!(fine.is_ok(), "{column} = {value}");
        fixture.sql("DELETE FROM grants");
    }
}

#[tokio::test]
async fn a_conflict_undoes_its_own_write_and_no_other() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    store.create_organization(organization(300, "acme")).await.unwrap();
    let twin = organization(301, "acme");
    let update = OrganizationUpdate {
        name: Some("Acme".to_owned()),
        ..OrganizationUpdate::default()
    };
    let id = OrganizationId(uuid(300));
    let (taken, updated, conflict) = tokio::join!(
        store.create_organization(twin),
        store.update_organization(id, update.clone(), NOW),
        store.update_organization(OrganizationId(uuid(999)), update, NOW)
    );
    assert!(matches!(taken, Err(StoreError::Taken(_))));
    assert_eq!(conflict, Err(StoreError::Conflict));
    updated.unwrap();
    assert_eq!(store.organization(id).await.unwrap().unwrap().name, "Acme");
    let numbers: Vec<_> = store
        .changes(NOW)
        .await
        .unwrap()
        .iter()
        .map(|change| change.number)
        .collect();
    assert_eq!(numbers, [1, 2], "what was undone has no number in the feed");
}

#[tokio::test]
async fn a_write_that_fails_in_its_second_statement_leaves_nothing_of_its_first() {
    let fixture = Fixture::new().await;
    fixture.store.create_app(app(100, "one")).await.unwrap();
    let same_secret = App {
        secrets: vec![secret(1100)],
        ..app(101, "two")
    };
    let taken = fixture.store.create_app(same_secret).await;
    assert!(matches!(taken, Err(StoreError::Taken(_))), "{taken:?}");
    assert_eq!(fixture.store.app(AppId(uuid(101))).await.unwrap(), None);
}

#[tokio::test]
async fn a_grant_type_that_nobody_knows_disables_the_app() {
    let fixture = Fixture::new().await;
    fixture.store.create_app(app(100, "one")).await.unwrap();
    for kept in [r#"["password"]"#, r#"["Refresh_Token"]"#, "refresh_token", "[7]"] {
        fixture.sql(&format!("UPDATE apps SET grant_types = '{kept}'"));
        let read = fixture.store.app(AppId(uuid(100))).await.unwrap().unwrap();
        assert_eq!(read.status, AppStatus::Suspended, "{kept}");
        assert_eq!(read.unknown.unwrap().to_string(), format!("grant_types {kept:?}"));
    }
}

#[tokio::test]
async fn what_was_undone_is_not_told() {
    let fixture = Fixture::new().await;
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let listener = std::sync::Arc::clone(&told);
    fixture
        .store
        .on_change(move |changes| listener.lock().unwrap().extend_from_slice(changes));
    fixture.store.create_app(app(100, "one")).await.unwrap();
    fixture.active(1).await;
    fixture.sql(&format!("UPDATE grants SET id = {}", fixture.database.bytes(&[0])));
    let moved = AppUpdate {
        organization: Some(OrganizationId(uuid(301))),
        ..AppUpdate::default()
    };
    let corrupt = fixture.store.update_app(AppId(uuid(100)), moved, NOW).await;
    assert!(matches!(corrupt, Err(StoreError::Corrupt(_))), "{corrupt:?}");
    let app = fixture.store.app(AppId(uuid(100))).await.unwrap().unwrap();
    assert_eq!(app.organization, OrganizationId(uuid(300)));
    fixture.store.revoke_token([1; 16], NOW.after(DAY), NOW).await.unwrap();
    let told = told.lock().unwrap().clone();
    assert_eq!(told.len(), 2);
    assert_eq!(told, fixture.store.changes(NOW).await.unwrap());
}

/// A commit whose outcome nobody knows: here somebody else makes the end that failed. Asked again it is found done, and the
/// revoked set must know of it.
#[tokio::test]
async fn an_end_that_was_made_although_it_failed_is_told() {
    let fixture = Fixture::new().await;
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let listener = std::sync::Arc::clone(&told);
    fixture
        .store
        .on_change(move |changes| listener.lock().unwrap().extend_from_slice(changes));
    fixture.active(1).await;
    fixture.store.revoke_token([1; 16], NOW.after(DAY), NOW).await.unwrap();
    told.lock().unwrap().clear();
    assert!(is_unavailable(&fixture.store.change(Work::Panic).await));
    fixture.sql(
        "UPDATE grants SET state = 2, ended_at = 1, reason = 'by_app'; INSERT INTO changes (node, number, happened, expires, \
         kind, subject, value) SELECT changes.node, 2, 1, 9000000000000, 'grant', grants.id, 0 FROM changes, grants",
    );
    assert!(!fixture.store.end(grant_id(1), EndReason::ByPerson, NOW).await.unwrap());
    let told = told.lock().unwrap();
    assert!(told.iter().any(|change| change.kind == ChangeKind::Grant), "{told:?}");
}
