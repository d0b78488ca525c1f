//! Statements: that PostgreSQL takes them, and which index it uses.

use super::*;
use crate::store::people::PEOPLE_ON_POSTGRES;
use crate::store::tests::schema::{statements, statements_of_postgres};
use futures_util::future::join_all;

/// The database itself says how many updates left the indexes alone. Another test's open transaction would keep old rows.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn redemptions_and_rotations_touch_no_index() {
    const GRANTS: u128 = 400;
    let (_cluster, fixture) = alone("hot", &[]).await;
    join_all((0..GRANTS).map(|id| fixture.pending(id))).await;
    // Ten at a time, from pages of their own, as chance would have it in a larger table.
    let some = |first: u128| (0..10).map(move |n| first + 40 * n);
    for first in 0..GRANTS / 10 {
        let redeemed = join_all(some(first).map(|id| fixture.redeem(redeem(id)))).await;
        assert!(redeemed.into_iter().all(|redeemed| redeemed.unwrap().is_some()));
    }
    for generation in 1..=4 {
        for first in 0..GRANTS / 10 {
            let rotated = join_all(some(first).map(|id| fixture.rotate(rotate(id, generation)))).await;
            assert!(rotated.into_iter().all(|rotated| rotated.unwrap().changed));
        }
    }
    let other = session(&fixture).await;
    // A session tells what it counted when it ends.
    let Fixture {
        store,
        database: _database,
    } = fixture;
    drop(store);
    let counted = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'grants'";
    for _ in 0..1000 {
        let row = other.query_one(counted, &[]).await.unwrap();
        let (updates, hot): (i64, i64) = (row.get(0), row.get(1));
        if updates >= 5 * i64::try_from(GRANTS).unwrap() {
            return assert!(hot * 100 >= updates * 95, "{hot} of {updates}");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the updates are never counted");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn no_index_names_a_column_that_a_rotation_changes() {
    let fixture = with_new_tables().await;
    let columns = fixture.sql(
        "SELECT string_agg(a.attname, ' ' ORDER BY a.attname) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid \
         AND a.attnum = ANY(i.indkey) WHERE i.indrelid = 'grants'::regclass AND i.indpred IS NULL AND i.indexprs IS NULL",
    );
    assert_eq!(columns, "app_id app_id check_at id id user_id");
    let room = fixture.sql("SELECT array_to_string(reloptions, ' ') FROM pg_class WHERE oid = 'grants'::regclass");
    assert_eq!(room, "fillfactor=85");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn every_statement_can_be_prepared() {
    let fixture = with_new_tables().await;
    for sql in statements().into_iter().chain(statements_of_postgres()) {
        fixture.sql(&format!("PREPARE one AS {sql}; DEALLOCATE one"));
    }
}

/// A prepared statement is soon planned without its parameters; then PostgreSQL counts on a third of all rows where a moment is
/// compared. Only an operator's lists may read all grants.
#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn no_statement_of_a_request_reads_all_grants_once_it_is_planned_for_good() {
    let fixture = with_new_tables().await;
    fixture.sql(
        "INSERT INTO grants (id, app_id, user_id, organization_id, state, scopes, salt, proof_key, generation, confirmed, \
         rotated_at, created, code_expires, check_at) SELECT decode(lpad(to_hex(n), 32, '0'), 'hex'), \
         decode(lpad(to_hex(n / 1000), 32, '0'), 'hex'), decode(lpad(to_hex(n % 2000), 32, '0'), 'hex'), '', 1, '', '', 1, 1, 1, \
         n, n, n, n FROM generate_series(1, 10000) AS n; ANALYZE grants",
    );
    let mut reading = Vec::new();
    for sql in statements().into_iter().chain(statements_of_postgres()) {
        let params = (1..=30).filter(|n| sql.contains(&format!("${n}"))).map(|_| "NULL");
        let params: Vec<&str> = params.collect();
        let params = if params.is_empty() {
            String::new()
        } else {
            format!("({})", params.join(", "))
        };
        let plan = fixture.sql(&format!(
            "SET plan_cache_mode = force_generic_plan; PREPARE one AS {sql}; EXPLAIN EXECUTE one{params}; DEALLOCATE one"
        ));
        if plan.contains("Seq Scan on grants") {
            reading.push(sql);
        }
    }
    assert_eq!(reading, Vec::<String>::new());
}

/// A thousand memberships are few pages, which PostgreSQL would rather read as a whole for each batch of people.
#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn each_persons_memberships_are_looked_up_in_the_index() {
    let fixture = with_new_tables().await;
    fixture.sql(
        "INSERT INTO users (id, number, email, name, admin, status, created) \
         SELECT decode(lpad(to_hex(n), 32, '0'), 'hex'), n, n::text, '', 0, 'active', 0 FROM generate_series(1, 1000) AS n; \
         INSERT INTO memberships (user_id, organization_id, role) SELECT id, '', 'member' FROM users; \
         ANALYZE users, memberships",
    );
    let plan = fixture.sql(&format!(
        "SET plan_cache_mode = force_generic_plan; PREPARE one AS {PEOPLE_ON_POSTGRES}; EXPLAIN EXECUTE one(NULL); DEALLOCATE one"
    ));
    assert!(!plan.contains("Seq Scan"), "{plan}");
}
