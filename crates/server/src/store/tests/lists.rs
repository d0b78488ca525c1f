//! Lists: their pages, their order, and that an index leads to each.

use super::*;
use crate::store::apps::lists::{MANAGED, STATEMENTS};
use crate::store::organizations::ORGANIZATIONS;
use crate::store::organizations::memberships::{MEMBERS, ORGANIZATIONS_OF};
use crate::store::people::USERS;
use crate::store::{Connected, Manager};

const DEFAULT: &str = "default";

impl Fixture {
    /// Organizations 300 `library`, 301 `museum` and 302 `default`, which is hidden where so said.
    async fn organizations(&self, hidden: bool) {
        for (id, slug) in [(300, "library"), (301, "museum")] {
            self.store.create_organization(organization(id, slug)).await.unwrap();
        }
        let default = Organization {
            hidden,
            ..organization(302, DEFAULT)
        };
        self.store.create_organization(default).await.unwrap();
    }

    async fn person(&self, id: u128, roles: &[(u128, Role)]) {
        let memberships = roles.iter().map(|(organization, role)| Membership {
            organization: OrganizationId(uuid(*organization)),
            role: *role,
        });
        let person = NewUser {
            memberships: memberships.collect(),
            ..new_user(id, &format!("{id}@example.com"))
        };
        self.store.create_user(person).await.unwrap();
    }

    async fn app_of(&self, id: u128, organization: u128, owner: Option<u128>) {
        let made = App {
            organization: OrganizationId(uuid(organization)),
            owner: owner.map(|id| UserId(uuid(id))),
            ..app(id, &id.to_string())
        };
        self.store.create_app(made).await.unwrap();
    }

    /// Two at a time, as pages of the portal are read.
    async fn managed(&self, user: u128, organization: Option<u128>) -> Vec<u128> {
        let by = Manager {
            user: UserId(uuid(user)),
            organization: organization.map(|id| OrganizationId(uuid(id))),
            default: DEFAULT,
        };
        let (mut found, mut before) = (vec![], None);
        loop {
            let page = self.store.managed_apps(by, before, 2).await.unwrap();
            assert!(page.items.len() <= 2);
            found.extend(page.items.iter().map(|one| one.app.id.0.as_u128()));
            before = page.next;
            if before.is_none() {
                return found;
            }
        }
    }
}

/// As `apps/permission.rs` says of one app.
#[tokio::test]
async fn a_person_manages_their_own_apps_those_of_their_teams_and_those_of_organizations_they_own() {
    for hidden in [true, false] {
        let fixture = Fixture::new().await;
        fixture.organizations(hidden).await;
        fixture.person(200, &[(300, Role::Owner), (302, Role::Member)]).await;
        fixture
            .person(201, &[(300, Role::Developer), (301, Role::Member), (302, Role::Owner)])
            .await;
        fixture.person(202, &[]).await;
        for (id, organization, owner) in [
            (100, 300, None),
            (101, 300, Some(201)),
            (102, 300, Some(200)),
            (103, 301, Some(201)),
            (104, 302, Some(200)),
            (105, 302, Some(201)),
            (106, 301, Some(202)),
            (107, 302, None),
        ] {
            fixture.app_of(id, organization, owner).await;
        }
        let bytes = |id: u128| fixture.database.bytes(uuid(id).as_bytes());
        for (app, person) in [(100, 201), (106, 201), (107, 200), (101, 201)] {
            let row = format!("INSERT INTO app_team VALUES ({}, {}, 0)", bytes(app), bytes(person));
            fixture.sql(&row);
        }
        let all_of_default: &[u128] = if hidden {
            &[105, 101, 100]
        } else {
            &[107, 105, 104, 101, 100]
        };
        assert_eq!(fixture.managed(200, None).await, [107, 104, 102, 101, 100], "an owner");
        assert_eq!(fixture.managed(201, None).await, all_of_default, "a developer");
        assert_eq!(fixture.managed(202, None).await, [] as [u128; 0], "in no organization");
        assert_eq!(fixture.managed(200, Some(300)).await, [102, 101, 100]);
        assert_eq!(fixture.managed(201, Some(300)).await, [101, 100]);
        let id = bytes(201);
        fixture.sql(&format!("UPDATE memberships SET ended_at = 1 WHERE user_id = {id}"));
        assert_eq!(fixture.managed(201, None).await, [] as [u128; 0], "who left");
        fixture.sql(&format!(
            "UPDATE memberships SET ended_at = NULL, role = 'auditor' WHERE user_id = {id}"
        ));
        assert_eq!(
            fixture.managed(201, None).await,
            [] as [u128; 0],
            "a role that is unknown"
        );
    }
}

#[tokio::test]
async fn the_pages_of_a_list_hold_each_line_once() {
    let fixture = Fixture::new().await;
    fixture.organizations(true).await;
    let store = &fixture.store;
    for id in 0..5 {
        fixture.person(200 + id, &[(300, Role::Member)]).await;
        fixture.app_of(100 + id, 300, Some(200)).await;
    }
    // A row that cannot be read does not hide those after it.
    fixture.sql("UPDATE apps SET redirect_uris = '!', trusted = 7 WHERE client_id = '101'");
    let (mut apps, mut people, mut members) = (vec![], vec![], vec![]);
    let (mut after, mut person, mut member) = (Some(String::new()), None, None);
    while let Some(key) = after {
        let page = store.apps(None, &key, 2).await.unwrap();
        apps.extend(page.items.into_iter().map(|one| one.app.client_id));
        after = page.next;
    }
    loop {
        let page = store.users(person, 2).await.unwrap();
        people.extend(page.items.into_iter().map(|one| one.number));
        person = page.next;
        let page = store.members(OrganizationId(uuid(300)), member, 2).await.unwrap();
        members.extend(page.items.into_iter().map(|one| one.label));
        member = page.next;
        if person.is_none() {
            break;
        }
    }
    assert_eq!((people, member), (vec![1, 2, 3, 4, 5], None));
    assert!(
        apps == ["100", "102", "103", "104"] || apps == ["100", "101", "102", "103", "104"],
        "{apps:?}"
    );
    let expected: Vec<_> = (200..205).map(|id| format!("{id}@example.com")).collect();
    assert_eq!(members, expected);
    let two = store.organizations("default", 1).await.unwrap();
    assert_eq!(
        (two.items[0].slug.as_str(), two.next.as_deref()),
        ("library", Some("library"))
    );
    let listed = store.apps(Some(OrganizationId(uuid(300))), "103", 9).await.unwrap();
    let (one, name) = (&listed.items[0], listed.items[0].organization.as_ref().unwrap());
    assert_eq!(
        (one.app.client_id.as_str(), one.owner.as_deref()),
        ("104", Some("200@example.com"))
    );
    assert_eq!((name.slug.as_str(), name.hidden, listed.next), ("library", false, None));
}

#[tokio::test]
async fn connections_come_in_pages_of_apps_and_an_app_is_on_one_page() {
    let fixture = Fixture::new().await.with_people().await;
    for id in 101..105 {
        fixture.app_of(id, 300, None).await;
    }
    for (grant, app) in [(1, 100), (2, 100), (3, 102), (4, 103), (5, 104), (6, 104), (7, 103)] {
        let of = NewGrant {
            app: AppId(uuid(app)),
            ..new_grant(grant)
        };
        fixture.store.insert_grant(of).await.unwrap();
        let redeemed = Redeem {
            app: AppId(uuid(app)),
            ..redeem(grant)
        };
        fixture.redeem(redeemed).await.unwrap().unwrap();
    }
    let mut pages = vec![];
    let mut after = None;
    loop {
        let page = fixture.store.connections(UserId(uuid(200)), after, 2).await.unwrap();
        let mut ids: Vec<_> = page.items.iter().map(|one| one.grant.id.0.as_u128()).collect();
        ids.sort_unstable();
        pages.push(ids);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, [vec![1, 2, 3], vec![4, 5, 6, 7]]);
}

#[tokio::test]
async fn people_who_connected_an_app_are_counted_once_each() {
    let fixture = Fixture::new().await.with_people().await;
    let connected = async || fixture.store.people_connected(AppId(uuid(100))).await.unwrap();
    let so_many = |people, at_least| Connected { people, at_least };
    assert_eq!(connected().await, so_many(0, false));
    fixture.active(1).await;
    fixture.active(2).await;
    fixture.pending(3).await;
    let other = NewGrant {
        user: UserId(uuid(201)),
        ..new_grant(4)
    };
    fixture.store.insert_grant(other).await.unwrap();
    fixture.redeem(redeem(4)).await.unwrap().unwrap();
    assert_eq!(connected().await, so_many(2, false));
    let (ids, person) = match fixture.database.is_postgres() {
        true => ("decode(lpad(to_hex(n + 1000), 32, '0'), 'hex')", "'x'::bytea"),
        false => ("CAST(printf('%016d', n) AS BLOB)", "x'01'"),
    };
    fixture.sql(&format!(
        "INSERT INTO grants (id, app_id, user_id, organization_id, state, scopes, salt, proof_key, generation, confirmed, \
         rotated_at, created, code_expires, check_at) WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers \
         WHERE n < 10000) SELECT {ids}, app_id, {person}, organization_id, 1, '', salt, 1, 1, 1, 1, 1, 1, 9000000000000000 \
         FROM numbers JOIN grants ON grants.id = (SELECT id FROM grants ORDER BY id LIMIT 1)",
    ));
    assert_eq!(connected().await, so_many(1, true));
}

/// Decision 60: with 100,000 apps and organizations a list takes no longer than with ten. No plan may read a table as a whole or
/// sort more than a page.
#[tokio::test]
async fn an_index_leads_to_each_page_of_a_list() {
    let fixture = Fixture::on(Database::empty()).await;
    let postgres = fixture.database.is_postgres();
    if postgres {
        fixture.sql(
            "INSERT INTO organizations (id, slug, name, kind, hidden, status, created) \
             SELECT decode(lpad(to_hex(n), 32, '0'), 'hex'), n::text, '', 'live', 0, 'active', 0 FROM generate_series(1, 5000) AS n; \
             INSERT INTO users (id, number, email, name, admin, status, created) \
             SELECT decode(lpad(to_hex(n), 32, '0'), 'hex'), n, n::text, '', 0, 'active', 0 FROM generate_series(1, 5000) AS n; \
             INSERT INTO memberships (user_id, organization_id, role) SELECT u.id, o.id, 'owner' FROM users AS u \
             JOIN organizations AS o ON o.slug::bigint % 2500 = u.number % 2500; \
             INSERT INTO apps (id, client_id, name, organization_id, owner_id, client_type, reach, status, redirect_uris, products, \
             created) SELECT decode(lpad(to_hex(n), 32, '0'), 'hex'), n::text, '', decode(lpad(to_hex(n % 50), 32, '0'), 'hex'), \
             decode(lpad(to_hex(n % 5000), 32, '0'), 'hex'), 'public', 'own', 'live', '[]', '[]', 0 \
             FROM generate_series(1, 10000) AS n; ANALYZE organizations, users, memberships, apps",
        );
    }
    let managed = MANAGED[usize::from(postgres)];
    for sql in STATEMENTS
        .into_iter()
        .chain([USERS, ORGANIZATIONS, MEMBERS, ORGANIZATIONS_OF, managed])
    {
        let plan = if postgres {
            let nulls = (1..=9).filter(|n| sql.contains(&format!("${n}"))).map(|_| "NULL");
            let nulls = nulls.collect::<Vec<_>>().join(", ");
            fixture.sql(&format!(
                "SET plan_cache_mode = force_generic_plan; PREPARE one AS {sql}; EXPLAIN EXECUTE one({nulls}); DEALLOCATE one"
            ))
        } else {
            let sql = (1..=9).fold(sql.to_owned(), |sql, n| sql.replace(&format!("${n}"), "'1'"));
            fixture.sql(&format!("EXPLAIN QUERY PLAN {sql}"))
        };
        // The rows of a subquery, which an index led to.
        let plan = plan.replace("SCAN counted", "");
        assert!(!plan.contains("Seq Scan") && !plan.contains("SCAN"), "{sql}\n{plan}");
        let sorts = plan.contains("TEMP B-TREE FOR ORDER BY") || plan.contains("Sort Key");
        assert!(!sorts || sql == managed || !sql.contains("LIMIT"), "{sql}\n{plan}");
    }
}
