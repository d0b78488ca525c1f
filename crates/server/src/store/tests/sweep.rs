//! What is due goes as part of other writes.

use super::*;
use crate::store::feed::numbering::SETBACK;
use std::sync::{Arc, Mutex};

impl Fixture {
    /// Any write at this moment, so that what is due is treated.
    async fn write_at(&self, now: Instant) {
        self.store
            .end(grant_id(999_999), EndReason::ByPerson, now)
            .await
            .unwrap();
    }

    async fn state(&self, id: u128) -> Option<GrantState> {
        self.store.grant(grant_id(id)).await.unwrap().map(|grant| grant.state)
    }
}

#[tokio::test]
async fn a_code_never_redeemed_goes_ten_minutes_after_it_ran_out() {
    let fixture = Fixture::new().await;
    let gone = fixture.pending(1).await.code_expires.after(Duration::from_secs(600));
    fixture.write_at(Instant(gone.0 - 1)).await;
    assert_eq!(fixture.state(1).await, Some(GrantState::Pending));
    fixture.write_at(gone).await;
    assert_eq!(fixture.state(1).await, None);
}

#[tokio::test]
async fn what_a_spent_code_was_bound_to_goes_ten_minutes_after_the_code_ran_out() {
    let fixture = Fixture::new().await.with_people().await;
    let gone = fixture.active(1).await.code_expires.after(Duration::from_secs(600));
    let kept = async || {
        let grant = fixture.store.grant(grant_id(1)).await.unwrap().unwrap();
        assert_eq!((grant.state, grant.generation), (GrantState::Active, 1));
        (grant.redirect_uri.is_some(), grant.code_challenge.is_some())
    };
    fixture.write_at(Instant(gone.0 - 1)).await;
    assert_eq!(kept().await, (true, true));
    fixture.write_at(gone).await;
    assert_eq!(kept().await, (false, false));
}

#[tokio::test]
async fn a_grant_expires_with_its_refresh_token_and_goes_thirty_days_later() {
    let fixture = Fixture::new().await.with_people().await;
    fixture.active(1).await;
    fixture.rotate(rotate(1, 1)).await.unwrap();
    fixture.write_at(NOW.after(DAY)).await;
    assert_eq!(
        fixture.state(1).await,
        Some(GrantState::Active),
        "the rotation gave it another day"
    );
    fixture.write_at(NOW.after(2 * DAY)).await;
    let grant = fixture.store.grant(grant_id(1)).await.unwrap().unwrap();
    assert_eq!(
        (grant.state, grant.reason),
        (GrantState::Ended, Some(EndReason::Expired))
    );
    fixture.write_at(NOW.after(31 * DAY)).await;
    assert_eq!(fixture.state(1).await, Some(GrantState::Ended));
    fixture.write_at(NOW.after(32 * DAY)).await;
    assert_eq!(fixture.state(1).await, None);
}

#[tokio::test]
async fn an_absolute_bound_ends_a_grant_whose_token_never_expires() {
    let fixture = Fixture::new().await.with_people().await;
    fixture.pending(1).await;
    fixture.pending(2).await;
    let never = never_expiring(1);
    let bound = Redeem {
        expires: None,
        ends: Some(NOW.after(DAY)),
        ..redeem(2)
    };
    fixture.redeem(never).await.unwrap();
    fixture.redeem(bound).await.unwrap();
    fixture.write_at(NOW.after(DAY)).await;
    assert_eq!(
        (fixture.state(1).await, fixture.state(2).await),
        (Some(GrantState::Active), Some(GrantState::Ended))
    );
    fixture.write_at(NOW.after(365 * DAY)).await;
    assert_eq!(
        (fixture.state(1).await, fixture.state(2).await),
        (Some(GrantState::Active), None)
    );
}

#[tokio::test]
async fn a_commit_treats_a_bounded_number_of_rows() {
    let fixture = Fixture::new().await;
    for id in 1..=40 {
        fixture.pending(id).await;
    }
    fixture.write_at(NOW.after(DAY)).await;
    assert_eq!(fixture.grants_of(200).await, 8);
    fixture.write_at(NOW.after(DAY)).await;
    assert_eq!(fixture.grants_of(200).await, 0);
}

#[tokio::test]
async fn a_grant_that_cannot_be_read_holds_up_no_other() {
    let fixture = Fixture::new().await;
    fixture.pending(1).await;
    fixture.pending(2).await;
    let id = fixture.database.bytes(grant_id(1).0.as_bytes());
    fixture.sql(&format!("UPDATE grants SET state = 7, check_at = 0 WHERE id = {id}"));
    fixture.write_at(NOW.after(DAY)).await;
    assert_eq!(fixture.state(2).await, None);
    let check = fixture.sql("SELECT check_at FROM grants");
    assert_eq!(check, NOW.after(31 * DAY).0.to_string());
}

#[tokio::test]
async fn an_expired_secret_goes() {
    let fixture = Fixture::new().await;
    let expiring = AppSecret {
        expires: Some(NOW.after(DAY)),
        ..secret(1)
    };
    let app = App {
        secrets: vec![expiring, secret(2)],
        ..app(100, "one")
    };
    fixture.store.create_app(app).await.unwrap();
    let left = async || {
        fixture
            .store
            .app(AppId(uuid(100)))
            .await
            .unwrap()
            .unwrap()
            .secrets
            .len()
    };
    fixture.write_at(Instant(NOW.after(DAY).0 - 1)).await;
    assert_eq!(left().await, 2);
    fixture.write_at(NOW.after(DAY)).await;
    assert_eq!(left().await, 1);
}

#[tokio::test]
async fn sessions_and_feed_entries_go_when_they_expire() {
    const REVOKED: &str = "changes WHERE kind = 'token'";
    let fixture = Fixture::new().await.with_people().await;
    let id = SessionId([1; 32]);
    let session = Session {
        kind: SessionKind::Own,
        request: None,
        id,
        user: UserId(uuid(200)),
        created: NOW,
        expires: NOW.after(DAY),
    };
    fixture
        .store
        .create_session(session, Some(PASSWORD), " place")
        .await
        .unwrap();
    fixture.store.revoke_token([1; 16], NOW.after(DAY), NOW).await.unwrap();
    let count = |table: &str| -> i64 { fixture.sql(&format!("SELECT COUNT(*) FROM {table}")).parse().unwrap() };
    fixture.write_at(NOW).await;
    assert_eq!((count("sessions"), count(REVOKED)), (1, 1));
    fixture.write_at(NOW.after(DAY)).await;
    assert_eq!((count("sessions"), count(REVOKED)), (0, 1));
    fixture.write_at(NOW.after(DAY + SETBACK)).await;
    assert_eq!((count("sessions"), count(REVOKED)), (0, 0));
}

const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

impl Fixture {
    /// A member of the organization of [`new_grant`] with a grant there that does not expire, who leaves now.
    async fn left(&self, user: u128, grant: u128) -> (UserId, Membership) {
        let organization = OrganizationId(uuid(300));
        let membership = Membership {
            organization,
            role: Role::Member,
        };
        let person = NewUser {
            memberships: vec![membership],
            ..new_user(user, &format!("{user}@example.com"))
        };
        self.store.create_user(person).await.unwrap();
        let of_user = NewGrant {
            user: UserId(uuid(user)),
            ..new_grant(grant)
        };
        self.store.insert_grant(of_user).await.unwrap();
        let never = never_expiring(grant);
        self.redeem(never).await.unwrap().unwrap();
        let user = UserId(uuid(user));
        self.store.remove_membership(user, organization, NOW).await.unwrap();
        (user, membership)
    }

    fn memberships(&self) -> String {
        self.sql("SELECT COUNT(*) FROM memberships")
    }
}

#[tokio::test]
async fn the_grants_of_a_membership_end_thirty_days_after_it() {
    let fixture = Fixture::new().await.with_app().await;
    fixture.left(200, 1).await;
    let elsewhere = NewGrant {
        organization: OrganizationId(uuid(301)),
        ..new_grant(2)
    };
    fixture.store.insert_grant(elsewhere).await.unwrap();
    let never = never_expiring(2);
    fixture.redeem(never).await.unwrap();

    fixture.write_at(Instant(NOW.after(MONTH).0 - 1)).await;
    fixture.write_at(Instant(NOW.after(MONTH).0 - 1)).await;
    assert_eq!(fixture.state(1).await, Some(GrantState::Active));
    fixture.write_at(NOW.after(MONTH)).await;
    fixture.write_at(NOW.after(MONTH)).await;
    let grant = fixture.store.grant(grant_id(1)).await.unwrap().unwrap();
    assert_eq!(
        (grant.state, grant.reason),
        (GrantState::Ended, Some(EndReason::MembershipEnded))
    );
    assert_eq!(
        fixture.state(2).await,
        Some(GrantState::Active),
        "given in another organization"
    );
    // A long-lived access token of it must not come back to life with the person.
    let changes = fixture.store.changes(NOW).await.unwrap();
    let told = changes.iter().filter(|change| change.kind == ChangeKind::Grant);
    assert_eq!(told.count(), 1);
    assert_eq!(fixture.memberships(), "0");
}

#[tokio::test]
async fn who_comes_back_within_thirty_days_keeps_the_grants() {
    let fixture = Fixture::new().await.with_app().await;
    let (user, membership) = fixture.left(200, 1).await;
    let back = Instant(NOW.after(MONTH).0 - 1);
    fixture.store.add_membership(user, membership, back).await.unwrap();
    for _ in 0..2 {
        fixture.write_at(NOW.after(2 * MONTH)).await;
    }
    assert_eq!(fixture.state(1).await, Some(GrantState::Active));
    assert_eq!(fixture.memberships(), "1");
}

/// A grant of an organization hangs on nobody's membership.
#[tokio::test]
async fn a_grant_of_the_organization_stays_when_who_set_it_up_is_gone() {
    let fixture = Fixture::new().await.with_app().await;
    fixture.left(200, 1).await;
    fixture.sql("UPDATE grants SET acts_as = 'organization'");
    for _ in 0..3 {
        fixture.write_at(NOW.after(MONTH)).await;
    }
    assert_eq!(fixture.state(1).await, Some(GrantState::Active));
    assert_eq!(fixture.memberships(), "0");
}

#[tokio::test]
async fn each_commit_ends_the_grants_of_one_membership() {
    let fixture = Fixture::new().await.with_app().await;
    for (user, grant) in [(200, 1), (201, 2), (202, 3)] {
        fixture.left(user, grant).await;
    }
    let ended = async || {
        let filter = GrantFilter {
            state: Some(GrantState::Ended),
            limit: 10,
            ..GrantFilter::default()
        };
        fixture.store.grants(filter).await.unwrap().len()
    };
    for expected in [1, 2, 3] {
        fixture.write_at(NOW.after(MONTH)).await;
        // Queued behind the commit that the sweep asked for.
        fixture.store.flush().await.unwrap();
        assert_eq!(ended().await, expected);
    }
    fixture.write_at(NOW.after(MONTH)).await;
    assert_eq!(fixture.memberships(), "0");
}

/// A clock that is set wrong and set right again: what was revoked stays so, for all tokens that can be there.
#[tokio::test]
async fn a_clock_that_jumps_ahead_and_back_sweeps_and_shortens_nothing() {
    let fixture = Fixture::new().await;
    fixture.store.keep_longest_access(DAY).await.unwrap();
    let steady = Arc::new(Mutex::new(NOW));
    let shown = steady.clone();
    fixture.store.sweep_by(move || *shown.lock().unwrap());
    fixture.pending(1).await;
    fixture.active(2).await;
    fixture.store.revoke_token([3; 16], NOW.after(DAY), NOW).await.unwrap();
    fixture.write_at(NOW.after(100 * DAY)).await;
    assert_eq!(fixture.state(1).await, Some(GrantState::Pending));
    assert_eq!(fixture.state(2).await, Some(GrantState::Active));
    assert_eq!(fixture.store.changes(NOW).await.unwrap().len(), 1);

    // Back again. A token of the time ahead may be there, and is not to outlive what ends it.
    fixture.store.end(grant_id(2), EndReason::ByPerson, NOW).await.unwrap();
    let changes = fixture.store.changes(NOW).await.unwrap();
    let end = changes.iter().find(|change| change.kind == ChangeKind::Grant).unwrap();
    assert_eq!(end.expires, NOW.after(101 * DAY + SETBACK));

    *steady.lock().unwrap() = NOW.after(100 * DAY);
    fixture.write_at(NOW.after(DAY + SETBACK)).await;
    assert_eq!(
        fixture.store.changes(NOW).await.unwrap().len(),
        1,
        "the write's own time bounds it too"
    );
}
