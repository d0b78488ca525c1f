//! The audit log: an event is there if its change is, and for as long as it is kept.

use super::*;
use crate::audit::Who;

impl Fixture {
    async fn events(&self, filter: AuditFilter) -> Vec<AuditEvent> {
        let limit = if filter.limit == 0 { 100 } else { filter.limit };
        self.store.audit_events(AuditFilter { limit, ..filter }).await.unwrap()
    }

    /// The words of all events.
    async fn actions(&self) -> Vec<String> {
        let events = self.events(AuditFilter::default()).await.into_iter();
        events.map(|event| event.action).collect()
    }
}

fn event(id: u128) -> AuditEvent {
    AuditEvent {
        id: AuditEventId(uuid(id)),
        ..Who::server().did(AuditAction::AppChanged, NOW)
    }
}

#[tokio::test]
async fn an_end_is_recorded_once_with_whose_grant_it_was() {
    let fixture = Fixture::new().await;
    let grant = fixture.active(1).await;
    let (who, reason) = (Who::app("one", [203, 0, 113, 9].into()), EndReason::CodeReplayed);
    for first in [true, false] {
        let store = fixture.store.recording(who.ended(reason, NOW));
        assert_eq!(store.end(grant.id, reason, NOW).await, Ok(first));
    }
    let events = fixture.events(AuditFilter::default()).await;
    let [event] = events.as_slice() else {
        panic!("{events:?}")
    };
    let expected = AuditEvent {
        id: event.id,
        ..who.ended(reason, NOW).grant(&grant)
    };
    assert_eq!(*event, expected);
    assert_eq!(
        (event.actor.as_str(), event.source.as_deref(), event.detail.as_deref()),
        ("app:one", Some("203.0.113.9"), Some(r#"{"reason":"code_replayed"}"#))
    );
}

#[tokio::test]
async fn a_consent_is_recorded_once_however_often_its_form_comes() {
    let fixture = Fixture::new().await;
    let who = Who::user(UserId(uuid(200)), [203, 0, 113, 9].into());
    for _ in 0..2 {
        let store = fixture.store.recording(who.did(AuditAction::GrantCreated, NOW));
        store.insert_grant(new_grant(1)).await.unwrap();
    }
    let events = fixture.events(AuditFilter::default()).await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(
        (events[0].grant, events[0].app, events[0].user, events[0].organization),
        (
            Some(grant_id(1)),
            Some(AppId(uuid(100))),
            Some(UserId(uuid(200))),
            Some(OrganizationId(uuid(300)))
        )
    );
}

#[tokio::test]
async fn a_change_that_is_refused_is_not_recorded() {
    let fixture = Fixture::new().await;
    let store = fixture.store.recording(event(1));
    store.create_app(app(100, "one")).await.unwrap();
    let store = fixture.store.recording(event(2));
    let twin = store.create_app(app(101, "one")).await;
    assert!(matches!(twin, Err(StoreError::Taken(_))), "{twin:?}");
    let gone = store.update_app(AppId(uuid(7)), AppUpdate::default(), NOW).await;
    assert_eq!(gone, Err(StoreError::Conflict));
    assert_eq!(fixture.actions().await.len(), 1);
}

/// The other way round: an event that cannot be appended undoes its change.
#[tokio::test]
async fn a_change_that_cannot_be_recorded_is_not_made() {
    let fixture = Fixture::new().await;
    fixture.active(1).await;
    fixture.store.append_audit(event(1)).await.unwrap();
    let store = fixture.store.recording(event(1));
    assert!(store.create_app(app(100, "one")).await.is_err());
    assert_eq!(fixture.store.app(AppId(uuid(100))).await.unwrap(), None);
    assert!(store.end(grant_id(1), EndReason::ByPerson, NOW).await.is_err());
    let grant = fixture.store.grant(grant_id(1)).await.unwrap().unwrap();
    assert_eq!(grant.state, GrantState::Active);
}

#[tokio::test]
async fn a_click_that_ends_nothing_is_not_recorded() {
    let fixture = Fixture::new().await;
    fixture.active(1).await;
    fixture.active(2).await;
    let (user, app) = (UserId(uuid(200)), AppId(uuid(100)));
    for ended in [2, 0] {
        let store = fixture.store.recording(Who::server().ended(EndReason::ByPerson, NOW));
        let found = store.end_all(user, app, None, EndReason::ByPerson, NOW).await.unwrap();
        assert_eq!(found.len(), ended);
    }
    assert_eq!(fixture.actions().await, ["grant_ended"]);
}

#[tokio::test]
async fn a_change_that_takes_no_event_along_is_refused() {
    let fixture = Fixture::new().await;
    let grant = fixture.active(1).await;
    let store = fixture.store.recording(event(1));
    let rotated = store.rotate(&grant, rotate(1, 1)).await;
    assert!(matches!(rotated, Err(StoreError::Unfit(_))), "{rotated:?}");
}

#[tokio::test]
async fn pages_follow_each_other_in_both_directions_whatever_is_asked_for() {
    let fixture = Fixture::new().await;
    let (one, other) = (AppId(uuid(100)), AppId(uuid(101)));
    let (ada, ben) = (UserId(uuid(200)), UserId(uuid(201)));
    let library = OrganizationId(uuid(300));
    for id in 1..=12 {
        let event = AuditEvent {
            app: Some(if id % 2 == 0 { one } else { other }),
            user: Some(if id % 3 == 0 { ada } else { ben }),
            organization: (id > 2).then_some(library),
            ..event(id)
        };
        fixture.store.append_audit(event).await.unwrap();
    }
    let ids = async |filter: AuditFilter| -> Vec<u128> {
        let events = fixture.events(filter).await.into_iter();
        events.map(|event| event.id.0.as_u128()).collect()
    };
    let all = AuditFilter::default();
    let (of_one, of_ada) = (Some(one), Some(ada));
    let of_library = Some(library);
    let filters: [(AuditFilter, &[u128]); 6] = [
        (all, &[12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (AuditFilter { app: of_one, ..all }, &[12, 10, 8, 6, 4, 2]),
        (AuditFilter { user: of_ada, ..all }, &[12, 9, 6, 3]),
        (
            AuditFilter {
                organization: of_library,
                ..all
            },
            &[12, 11, 10, 9, 8, 7, 6, 5, 4, 3],
        ),
        (
            AuditFilter {
                app: of_one,
                user: of_ada,
                ..all
            },
            &[12, 6],
        ),
        (
            AuditFilter {
                app: of_one,
                organization: of_library,
                ..all
            },
            &[12, 10, 8, 6, 4],
        ),
    ];
    for (filter, expected) in filters {
        assert_eq!(ids(filter).await, expected, "{filter:?}");
        let before = |id| AuditCursor::Before(AuditEventId(uuid(id)));
        let after = |id| AuditCursor::After(AuditEventId(uuid(id)));
        let limit = 2;
        let below: Vec<_> = expected.iter().copied().filter(|id| *id < 10).take(2).collect();
        let from = before(10);
        assert_eq!(ids(AuditFilter { from, limit, ..filter }).await, below, "{filter:?}");
        let above: Vec<_> = expected.iter().rev().copied().filter(|id| *id > 3).take(2).collect();
        let from = after(3);
        assert_eq!(ids(AuditFilter { from, limit, ..filter }).await, above, "{filter:?}");
    }
}

#[tokio::test]
async fn events_go_once_they_were_kept_long_enough_a_few_with_each_commit() {
    let fixture = Fixture::new().await;
    for id in 1..=70 {
        fixture.store.append_audit(event(id)).await.unwrap();
    }
    let count = || -> i64 { fixture.sql("SELECT COUNT(*) FROM audit_events").parse().unwrap() };
    let write_at = async |now| {
        fixture
            .store
            .end(grant_id(999), EndReason::ByPerson, now)
            .await
            .unwrap();
        count()
    };
    assert_eq!(
        write_at(NOW.after(1000 * DAY)).await,
        70,
        "nobody said how long they are kept"
    );
    fixture.store.keep_audit_for(400 * DAY);
    assert_eq!(write_at(Instant(NOW.after(400 * DAY).0 - 1)).await, 70);
    assert_eq!(write_at(NOW.after(400 * DAY)).await, 38);
    assert_eq!(write_at(NOW.after(400 * DAY)).await, 6);
    assert_eq!(write_at(NOW.after(400 * DAY)).await, 0);
}
