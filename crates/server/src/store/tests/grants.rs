//! The life of a grant, statement by statement.

use super::*;
use crate::store::feed::numbering::SETBACK;

#[tokio::test]
async fn a_code_is_redeemed_once() {
    let fixture = Fixture::new().await;
    let pending = fixture.pending(1).await;
    assert_eq!((pending.state, pending.generation), (GrantState::Pending, 0));
    assert_eq!(pending.redirect_uri.as_deref(), Some("https://app.example/cb"));
    assert_eq!(pending.scopes.to_string(), "sales library");
    assert_eq!(pending.code_challenge, Some([7; 32]));

    let active = fixture.redeem(redeem(1)).await.unwrap().unwrap();
    assert_eq!(
        (active.state, active.generation, active.previous),
        (GrantState::Active, 1, None)
    );
    assert_eq!((active.rotated_at, active.expires), (NOW, Some(NOW.after(DAY))));
    assert_eq!((active.repeats, active.source, active.confirmed), (0, None, false));
    assert_eq!(fixture.store.grant(grant_id(1)).await.unwrap(), Some(active));

    assert_eq!(fixture.redeem(redeem(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_code_is_not_redeemed_late_or_by_another_app() {
    let fixture = Fixture::new().await;
    let pending = fixture.pending(1).await;
    let late = Redeem {
        now: pending.code_expires,
        ..redeem(1)
    };
    assert_eq!(fixture.redeem(late).await.unwrap(), None);
    let foreign = Redeem {
        app: AppId(uuid(101)),
        ..redeem(1)
    };
    assert_eq!(fixture.redeem(foreign).await.unwrap(), None);
    assert_eq!(fixture.store.grant(grant_id(1)).await.unwrap(), Some(pending));
}

#[tokio::test]
async fn a_second_insert_finds_the_first() {
    let fixture = Fixture::new().await;
    let active = fixture.active(1).await;
    let again = NewGrant {
        scopes: Scopes::parse("other").unwrap(),
        ..new_grant(1)
    };
    assert_eq!(fixture.store.insert_grant(again).await.unwrap(), active);
}

#[tokio::test]
async fn a_rotation_moves_the_grant_on_and_remembers_what_was_proved() {
    let fixture = Fixture::new().await;
    fixture.active(1).await;
    let rotated = fixture.rotate(Rotate { key: 5, ..rotate(1, 1) }).await.unwrap();
    assert!(rotated.changed);
    let grant = rotated.grant;
    assert_eq!((grant.generation, grant.previous), (2, Some(1)));
    assert_eq!((grant.key, grant.previous_key), (5, Some(1)));
    assert_eq!(
        (grant.rotated_at, grant.expires),
        (rotate(1, 1).now, Some(NOW.after(2 * DAY)))
    );
    assert_eq!(fixture.store.grant(grant_id(1)).await.unwrap(), Some(grant));
    assert_eq!(fixture.feed().await, []);
}

/// A second use of the code is judged by it until then.
#[tokio::test]
async fn what_a_code_was_bound_to_stays_until_the_first_rotation() {
    let fixture = Fixture::new().await;
    let redeemed = fixture.active(1).await;
    assert_eq!(redeemed.redirect_uri.as_deref(), Some("https://app.example/cb"));
    assert_eq!(redeemed.code_challenge, Some([7; 32]));
    let rotated = fixture.rotate(rotate(1, 1)).await.unwrap().grant;
    assert_eq!((&rotated.redirect_uri, rotated.code_challenge), (&None, None));
    assert_eq!(fixture.store.grant(grant_id(1)).await.unwrap(), Some(rotated));
}

#[tokio::test]
async fn a_rotation_takes_count_and_source_along() {
    let fixture = Fixture::new().await;
    fixture.active(1).await;
    let counted = |repeats| Rotate {
        repeats,
        source: [6; 8],
        ..rotate(1, 1)
    };
    let rotated = fixture.rotate(counted(2)).await.unwrap().grant;
    assert_eq!((rotated.repeats, rotated.source), (2, Some([6; 8])));
    assert_eq!(fixture.store.grant(grant_id(1)).await.unwrap(), Some(rotated));
    let replaced = Rotate {
        presented: 1,
        ..rotate(1, 2)
    };
    let replaced = fixture.rotate(replaced).await.unwrap().grant;
    assert_eq!((replaced.repeats, replaced.source), (0, Some([4; 8])));
    assert_eq!(fixture.store.grant(grant_id(1)).await.unwrap(), Some(replaced));
}

#[tokio::test]
async fn a_copied_device_is_marked_once_and_no_rotation_takes_that_back() {
    let fixture = Fixture::new().await;
    fixture.active(1).await;
    assert!(fixture.store.mark_copied(grant_id(1)).await.unwrap());
    assert!(!fixture.store.mark_copied(grant_id(1)).await.unwrap());
    let rotated = fixture.rotate(rotate(1, 1)).await.unwrap().grant;
    assert_eq!(rotated.repeats, 3);
    assert_eq!(fixture.store.grant(grant_id(1)).await.unwrap(), Some(rotated));
    fixture.pending(2).await;
    assert!(!fixture.store.mark_copied(grant_id(2)).await.unwrap());
    assert!(!fixture.store.mark_copied(grant_id(9)).await.unwrap());
}

#[tokio::test]
async fn a_rotation_that_finds_another_state_changes_nothing() {
    let fixture = Fixture::new().await;
    fixture.active(1).await;
    let grant = fixture.rotate(rotate(1, 1)).await.unwrap().grant;
    let other_previous = Rotate {
        expect_previous: None,
        ..rotate(1, 2)
    };
    for stale in [rotate(1, 1), rotate(1, 3), other_previous] {
        let answer = fixture.rotate(stale).await.unwrap();
        assert_eq!(
            answer,
            Rotated {
                changed: false,
                grant: grant.clone()
            }
        );
    }
    let gone = fixture.rotate(rotate(2, 1)).await;
    assert_eq!(gone, Err(crate::store::StoreError::Conflict));
}

#[tokio::test]
async fn a_lost_successor_is_replaced_and_the_feed_says_that_it_is_void() {
    let fixture = Fixture::new().await;
    fixture.active(1).await;
    fixture.rotate(Rotate { key: 5, ..rotate(1, 1) }).await.unwrap();
    let replace = Rotate {
        presented: 1,
        key: 6,
        ..rotate(1, 2)
    };
    let replaced = fixture.rotate(replace).await.unwrap();
    assert!(replaced.changed);
    assert_eq!((replaced.grant.generation, replaced.grant.previous), (3, Some(1)));
    assert_eq!(
        (replaced.grant.key, replaced.grant.previous_key),
        (6, Some(1)),
        "the key of what was proved stays"
    );
    assert_eq!(fixture.feed().await, [(ChangeKind::Generation, 2)]);
}

#[tokio::test]
async fn a_successor_that_was_seen_is_not_replaced() {
    let fixture = Fixture::new().await;
    fixture.active(1).await;
    fixture.rotate(rotate(1, 1)).await.unwrap();
    fixture.store.touch(grant_id(1), 2, NOW);
    fixture.store.flush().await.unwrap();
    let answer = fixture
        .rotate(Rotate {
            presented: 1,
            ..rotate(1, 2)
        })
        .await
        .unwrap();
    assert!(!answer.changed && answer.grant.confirmed);
    assert_eq!(fixture.feed().await, []);
}

#[tokio::test]
async fn a_use_is_known_at_once_and_written_by_a_flush() {
    let fixture = Fixture::new().await.with_people().await;
    fixture.active(1).await;
    let later = NOW.after(DAY / 2);
    fixture.store.touch(grant_id(1), 1, later);
    assert!(fixture.store.seen(grant_id(1), 1));
    let grant = fixture.store.grant(grant_id(1)).await.unwrap().unwrap();
    assert_eq!((grant.confirmed, grant.last_used), (true, Some(later)), "from memory");

    fixture.store.flush().await.unwrap();
    let fixture = fixture.restarted().await;
    assert!(!fixture.store.seen(grant_id(1), 1));
    let grant = fixture.store.grant(grant_id(1)).await.unwrap().unwrap();
    assert_eq!((grant.confirmed, grant.last_used), (true, Some(later)));

    fixture.rotate(rotate(1, 1)).await.unwrap();
    fixture.store.touch(grant_id(1), 1, later.after(DAY));
    fixture.store.flush().await.unwrap();
    let grant = fixture.store.grant(grant_id(1)).await.unwrap().unwrap();
    assert!(!grant.confirmed, "a use of the generation before confirms nothing");
    assert_eq!(grant.last_used, Some(later.after(DAY)));
}

#[tokio::test]
async fn what_was_used_is_written_when_the_store_is_dropped() {
    let fixture = Fixture::new().await;
    fixture.active(1).await;
    fixture.store.touch(grant_id(1), 1, NOW.after(DAY));
    let grant = fixture
        .restarted()
        .await
        .store
        .grant(grant_id(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(grant.last_used, Some(NOW.after(DAY)));
}

#[tokio::test]
async fn an_end_is_in_the_feed_once_with_its_reason() {
    let fixture = Fixture::new().await;
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let listener = std::sync::Arc::clone(&told);
    fixture
        .store
        .on_change(move |changes| listener.lock().unwrap().extend_from_slice(changes));
    fixture.store.keep_longest_access(DAY).await.unwrap();
    fixture.active(1).await;

    assert!(
        fixture
            .store
            .end(grant_id(1), EndReason::RefreshReused, NOW)
            .await
            .unwrap()
    );
    assert!(!fixture.store.end(grant_id(1), EndReason::ByPerson, NOW).await.unwrap());
    assert!(!fixture.store.end(grant_id(9), EndReason::ByPerson, NOW).await.unwrap());

    let grant = fixture.store.grant(grant_id(1)).await.unwrap().unwrap();
    assert_eq!(
        (grant.state, grant.reason),
        (GrantState::Ended, Some(EndReason::RefreshReused))
    );
    assert_eq!(grant.ended_at, Some(NOW));
    assert!(!fixture.rotate(rotate(1, 1)).await.unwrap().changed);

    let changes = fixture.store.changes(NOW).await.unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].subject, grant_id(1).0.as_bytes());
    assert_eq!(
        (changes[0].kind, changes[0].expires),
        (ChangeKind::Grant, NOW.after(DAY + SETBACK))
    );
    // On PostgreSQL memory is told again where a grant had ended: another server may have ended it.
    let told = told.lock().unwrap().clone();
    assert_eq!(told.first(), changes.first());
    assert!(told.iter().all(|change| change.subject == changes[0].subject));
    assert_eq!(fixture.store.changes(NOW.after(DAY + SETBACK)).await.unwrap(), []);
}

#[tokio::test]
async fn a_revoked_token_and_a_new_run_are_in_the_feed() {
    let fixture = Fixture::new().await;
    fixture.store.revoke_token([3; 16], NOW.after(DAY), NOW).await.unwrap();
    let fixture = fixture.restarted().await;
    fixture.store.revoke_token([4; 16], NOW.after(DAY), NOW).await.unwrap();
    let changes = fixture.store.changes(NOW).await.unwrap();
    let mut serials: Vec<_> = changes
        .iter()
        .map(|change| (change.subject.clone(), change.number))
        .collect();
    serials.sort();
    assert_eq!(serials, [(vec![3; 16], 1), (vec![4; 16], 1)]);
    assert_ne!(changes[0].node, changes[1].node);
}

#[tokio::test]
async fn many_end_together() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let (user, app, organization) = (UserId(uuid(200)), AppId(uuid(100)), OrganizationId(uuid(300)));
    for id in 1..=6 {
        fixture.active(id).await;
    }
    let elsewhere = NewGrant {
        organization: OrganizationId(uuid(301)),
        ..new_grant(7)
    };
    store.insert_grant(elsewhere).await.unwrap();
    let another_app = NewGrant {
        app: AppId(uuid(101)),
        ..new_grant(8)
    };
    store.insert_grant(another_app).await.unwrap();
    let another_user = NewGrant {
        user: UserId(uuid(201)),
        ..new_grant(9)
    };
    store.insert_grant(another_user).await.unwrap();

    let ids = |range: std::ops::RangeInclusive<u128>| range.map(grant_id).collect::<Vec<_>>();
    let reason = EndReason::ByPerson;
    let none = store
        .end_all(user, app, Some(OrganizationId(uuid(999))), reason, NOW)
        .await
        .unwrap();
    assert_eq!(none, []);
    assert_eq!(
        store.end_all(user, app, Some(organization), reason, NOW).await.unwrap(),
        ids(1..=6)
    );
    assert_eq!(store.end_all(user, app, None, reason, NOW).await.unwrap(), ids(7..=7));
    assert_eq!(store.end_all(user, app, None, reason, NOW).await.unwrap(), []);
    assert_eq!(fixture.feed().await.len(), 7);
}

#[tokio::test]
async fn more_grants_than_one_commit_takes_end_too() {
    let fixture = Fixture::new().await;
    let inserts = (1..=1203).map(|id| {
        let store = fixture.store.clone();
        tokio::spawn(async move { store.insert_grant(new_grant(id)).await.unwrap() })
    });
    for insert in inserts.collect::<Vec<_>>() {
        insert.await.unwrap();
    }
    let (user, app) = (UserId(uuid(200)), AppId(uuid(100)));
    let ended = fixture
        .store
        .end_all(user, app, None, EndReason::ByPerson, NOW)
        .await
        .unwrap();
    assert_eq!(ended.len(), 1203);
    assert_eq!(fixture.feed().await.len(), 1203);
}

#[tokio::test]
async fn a_redemption_tells_whether_there_may_be_too_many() {
    let fixture = Fixture::new().await;
    for (id, crowded) in [(1, false), (2, false), (3, true)] {
        let pending = fixture.pending(id).await;
        let change = Redeem { keep: 2, ..redeem(id) };
        let redeemed = fixture.store.redeem(&pending, change).await.unwrap().unwrap();
        assert_eq!(redeemed.crowded, crowded, "{id}");
    }
}

#[tokio::test]
async fn the_longest_idle_are_those_beyond_what_is_kept() {
    let fixture = Fixture::new().await;
    for id in 1..=4 {
        fixture.active(id).await;
    }
    fixture.rotate(rotate(1, 1)).await.unwrap();
    let newcomer = async |id| fixture.store.grant(grant_id(id)).await.unwrap().unwrap();
    let idle = async |id, keep| fixture.store.longest_idle(&newcomer(id).await, keep).await.unwrap();
    assert_eq!(idle(4, 2).await, [grant_id(3), grant_id(2)], "1 was used last");
    assert_eq!(idle(2, 2).await, [grant_id(4), grant_id(3)], "who comes stays");
    assert_eq!(idle(4, 4).await, []);
}

/// A grant of another person for another app.
fn of_others(id: u128) -> NewGrant {
    NewGrant {
        user: UserId(uuid(201)),
        app: AppId(uuid(101)),
        ..new_grant(id)
    }
}

async fn list(fixture: &Fixture, filter: GrantFilter) -> Vec<u128> {
    let grants = fixture.store.grants(filter).await.unwrap();
    grants.iter().map(|grant| grant.id.0.as_u128()).collect()
}

#[tokio::test]
async fn grants_are_listed_by_what_is_asked() {
    let fixture = Fixture::new().await;
    fixture.active(1).await;
    fixture.pending(2).await;
    fixture.store.insert_grant(of_others(3)).await.unwrap();
    let base = GrantFilter {
        limit: 10,
        ..GrantFilter::default()
    };
    assert_eq!(list(&fixture, base).await, [3, 2, 1]);
    assert_eq!(list(&fixture, GrantFilter { limit: 1, ..base }).await, [3]);
    assert_eq!(
        list(
            &fixture,
            GrantFilter {
                state: Some(GrantState::Pending),
                ..base
            }
        )
        .await,
        [3, 2]
    );
    assert_eq!(
        list(
            &fixture,
            GrantFilter {
                organization: Some(OrganizationId(uuid(1))),
                ..base
            }
        )
        .await,
        []
    );
}

#[tokio::test]
async fn grants_of_a_person_or_an_app_are_listed_by_the_rest() {
    let fixture = Fixture::new().await;
    fixture.active(1).await;
    fixture.pending(2).await;
    fixture.store.insert_grant(of_others(3)).await.unwrap();
    let base = GrantFilter {
        limit: 10,
        ..GrantFilter::default()
    };
    let of_user = GrantFilter {
        user: Some(UserId(uuid(200))),
        ..base
    };
    assert_eq!(list(&fixture, of_user).await, [2, 1]);
    assert_eq!(
        list(
            &fixture,
            GrantFilter {
                app: Some(AppId(uuid(101))),
                ..of_user
            }
        )
        .await,
        []
    );
    let of_app = GrantFilter {
        app: Some(AppId(uuid(101))),
        ..base
    };
    assert_eq!(list(&fixture, of_app).await, [3]);
    assert_eq!(
        list(
            &fixture,
            GrantFilter {
                state: Some(GrantState::Active),
                ..of_app
            }
        )
        .await,
        []
    );
    assert_eq!(fixture.grants_of(200).await, 2);
}
