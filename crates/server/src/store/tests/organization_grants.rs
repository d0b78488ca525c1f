//! Grants of an organization (decision 83): they are the organization's, whatever becomes of who set them up.

use super::*;

const ACME: OrganizationId = OrganizationId(uuid_of(300));
const ADA: UserId = UserId(uuid_of(200));
const BEN: UserId = UserId(uuid_of(201));

const fn uuid_of(id: u128) -> Uuid {
    Uuid::from_u128(id)
}

impl Fixture {
    /// The same with two owners of the organization.
    async fn with_owners(self) -> Self {
        let fixture = self.with_app().await;
        for (id, email) in [(200, "ada@example.com"), (201, "ben@example.com")] {
            let owner = NewUser {
                memberships: vec![role(Role::Owner)],
                ..new_user(id, email)
            };
            fixture.store.create_user(owner).await.unwrap();
        }
        fixture
    }

    async fn own(&self, grant: NewGrant) -> Grant {
        let grant = NewGrant {
            acts_as: ActsAs::Organization,
            ..grant
        };
        let id = grant.id;
        let pending = self.store.insert_grant(grant).await.unwrap();
        let change = Redeem {
            id,
            ..never_expiring(0)
        };
        self.store.redeem(&pending, change).await.unwrap().unwrap().grant
    }

    async fn listed(&self) -> Vec<OrganizationGrant> {
        let page = self.store.organization_grants(ACME, None, ALL).await.unwrap();
        page.items
    }

    async fn ownership(&self) -> Ownership {
        self.store.ownership(ACME).await.unwrap().unwrap()
    }

    async fn is_active(&self, id: u128) -> bool {
        let grant = self.store.grant(grant_id(id)).await.unwrap().unwrap();
        grant.state == GrantState::Active
    }
}

fn role(role: Role) -> Membership {
    Membership {
        organization: ACME,
        role,
    }
}

#[tokio::test]
async fn the_list_names_who_set_each_up_and_says_who_left() {
    let fixture = Fixture::new().await.with_owners().await;
    for id in 1..=3 {
        fixture.own(new_grant(id)).await;
    }
    let of_ben = NewGrant {
        user: BEN,
        ..new_grant(4)
    };
    fixture.own(of_ben).await;
    // Neither a person's own grant nor another organization's is in the list.
    fixture.active(5).await;
    let elsewhere = NewGrant {
        organization: OrganizationId(uuid(301)),
        ..new_grant(6)
    };
    fixture.own(elsewhere).await;
    let first = fixture.store.organization_grants(ACME, None, 3).await.unwrap();
    let ids: Vec<_> = first.items.iter().map(|one| one.grant.id).collect();
    assert_eq!(ids, [grant_id(4), grant_id(3), grant_id(2)]);
    let rest = fixture.store.organization_grants(ACME, first.next, 3).await.unwrap();
    assert_eq!((rest.items.len(), rest.next), (1, None));
    assert_eq!(rest.items[0].grant.acts_as, ActsAs::Organization);
    fixture.store.remove_membership(BEN, ACME, NOW).await.unwrap();
    let ada = fixture.store.user(ADA).await.unwrap().unwrap();
    fixture.store.delete_user(&ada, None, NOW).await.unwrap();
    let set_up: Vec<_> = fixture.listed().await.into_iter().map(|one| one.set_up_by).collect();
    assert_eq!(set_up[0].as_ref().map(|by| by.is_member), Some(false));
    assert_eq!(set_up[1..], [None, None, None]);
}

#[tokio::test]
async fn only_an_owner_of_the_organization_takes_over_and_only_what_was_shown() {
    let fixture = Fixture::new().await.with_owners().await;
    let grant = fixture.own(new_grant(1)).await;
    let persons = fixture.active(2).await;
    for other in [role(Role::Developer), role(Role::Member)] {
        fixture.store.add_membership(BEN, other, NOW).await.unwrap();
        let refused = fixture.store.take_over(&grant, BEN).await;
        assert_eq!(refused, Err(StoreError::Conflict));
    }
    fixture.store.add_membership(BEN, role(Role::Owner), NOW).await.unwrap();
    fixture.store.remove_membership(BEN, ACME, NOW).await.unwrap();
    assert_eq!(fixture.store.take_over(&grant, BEN).await, Err(StoreError::Conflict));
    fixture.store.add_membership(BEN, role(Role::Owner), NOW).await.unwrap();
    assert_eq!(fixture.store.take_over(&persons, BEN).await, Err(StoreError::Conflict));
    let elsewhere = Grant {
        organization: OrganizationId(uuid(301)),
        ..grant.clone()
    };
    assert_eq!(
        fixture.store.take_over(&elsewhere, BEN).await,
        Err(StoreError::Conflict)
    );
    fixture.store.take_over(&grant, BEN).await.unwrap();
    assert_eq!(fixture.store.grant(grant_id(1)).await.unwrap().unwrap().user, BEN);
    // The second of two owners who press the button is told.
    assert_eq!(fixture.store.take_over(&grant, BEN).await, Err(StoreError::Conflict));
    fixture.store.end(grant_id(1), EndReason::ByPerson, NOW).await.unwrap();
    let taken = Grant { user: BEN, ..grant };
    assert_eq!(fixture.store.take_over(&taken, ADA).await, Err(StoreError::Conflict));
}

#[tokio::test]
async fn the_moment_is_kept_at_which_an_owner_leaves_in_any_way() {
    let fixture = Fixture::new().await.with_owners().await;
    assert_eq!(
        fixture.ownership().await,
        Ownership {
            is_owned: true,
            until: None
        }
    );
    let later = |days: u32| NOW.after(days * DAY);
    fixture
        .store
        .add_membership(BEN, role(Role::Owner), later(1))
        .await
        .unwrap();
    assert_eq!(fixture.ownership().await.until, None);
    fixture
        .store
        .add_membership(BEN, role(Role::Member), later(2))
        .await
        .unwrap();
    let after = fixture.ownership().await;
    assert_eq!((after.is_owned, after.until), (true, Some(later(2))));
    // A member who leaves is no owner who leaves.
    fixture.store.remove_membership(BEN, ACME, later(3)).await.unwrap();
    assert_eq!(fixture.ownership().await.until, Some(later(2)));
    fixture.store.remove_membership(ADA, ACME, later(4)).await.unwrap();
    let after = fixture.ownership().await;
    assert_eq!((after.is_owned, after.until), (false, Some(later(4))));
    fixture
        .store
        .add_membership(ADA, role(Role::Owner), later(5))
        .await
        .unwrap();
    assert!(fixture.ownership().await.is_owned);
    let ada = fixture.store.user(ADA).await.unwrap().unwrap();
    fixture.store.delete_user(&ada, None, later(6)).await.unwrap();
    let after = fixture.ownership().await;
    assert_eq!((after.is_owned, after.until), (false, Some(later(6))));
    assert_eq!(fixture.store.ownership(OrganizationId(uuid(999))).await.unwrap(), None);
}

#[tokio::test]
async fn it_ends_with_the_organization_though_nobody_is_left_there() {
    let fixture = Fixture::new().await.with_owners().await;
    fixture.own(new_grant(1)).await;
    for user in [ADA, BEN] {
        let user = fixture.store.user(user).await.unwrap().unwrap();
        fixture.store.delete_user(&user, None, NOW).await.unwrap();
    }
    assert!(fixture.is_active(1).await);
    let moved = AppUpdate {
        organization: Some(OrganizationId(uuid(301))),
        ..AppUpdate::default()
    };
    let acme = fixture.store.organization(ACME).await.unwrap().unwrap();
    assert_eq!(fixture.store.toll_of_organization(ACME).await.unwrap().grants, 1);
    // The app belongs to it, so it moves first; that ends its grants too.
    fixture.store.update_app(AppId(uuid(100)), moved, NOW).await.unwrap();
    fixture.own(new_grant(2)).await;
    fixture.store.delete_organization(&acme, NOW).await.unwrap();
    let ended = fixture.store.grant(grant_id(2)).await.unwrap().unwrap();
    assert_eq!(ended.reason, Some(EndReason::OrganizationDeleted));
}

#[tokio::test]
async fn a_persons_lists_and_limits_leave_it_out() {
    let fixture = Fixture::new().await.with_owners().await;
    let (store, app) = (&fixture.store, AppId(uuid(100)));
    fixture.own(new_grant(1)).await;
    fixture.active(2).await;
    let connections = store.connections(ADA, None, ALL).await.unwrap();
    assert_eq!(connections.items.len(), 1);
    let ended = store.end_all(ADA, app, None, EndReason::ByPerson, NOW).await.unwrap();
    assert_eq!(ended, [grant_id(2)]);
    let newcomer = fixture.active(3).await;
    let in_acme = store
        .end_all(ADA, app, Some(ACME), EndReason::ByPerson, NOW)
        .await
        .unwrap();
    assert_eq!(in_acme, [grant_id(3)]);
    store.end(grant_id(2), EndReason::ByPerson, NOW).await.unwrap();
    assert_eq!(store.ended_connections(ADA, ALL).await.unwrap().len(), 2);
    assert_eq!(store.longest_idle(&newcomer, 1).await.unwrap(), []);
    // What a person set up counts by itself in each organization.
    let elsewhere = NewGrant {
        organization: OrganizationId(uuid(301)),
        ..new_grant(4)
    };
    fixture.own(elsewhere).await;
    let second = fixture.own(new_grant(5)).await;
    assert_eq!(store.longest_idle(&second, 2).await.unwrap(), []);
    assert_eq!(store.longest_idle(&second, 1).await.unwrap(), [grant_id(1)]);
    assert!(fixture.is_active(1).await && fixture.is_active(4).await);
}
