//! Which connections are claimed first, and by which index.

use super::*;

/// Leases a connection as a process that ends at once.
async fn asked(vault: &dyn Vault, connection: &str, asked_at: i64) {
    let lease = LeaseRequest {
        asked_at,
        retry_at: asked_at + 20_000,
        ..lease(9, Duration::ZERO)
    };
    taken(vault, connection, lease).await;
}

async fn claimed(vault: &dyn Vault, now: i64, limit: usize, owner: u8) -> Vec<String> {
    let lease = LeaseRequest {
        asked_at: now,
        ..lease(owner, LONG)
    };
    let rows = vault.claim("a", now, limit, lease).await.unwrap();
    let mut names: Vec<String> = rows.iter().map(|row| row.connection.to_string()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_lost_answer_waits_behind_no_backlog_and_an_old_one_takes_its_turn() {
    let now = 10_000_000;
    for home in homes().await {
        let vault = &*home.vault;
        for number in 0..50 {
            vault.put(put(&format!("a/{number}"), 50 + number)).await.unwrap();
        }
        for (name, asked_at) in [
            ("lost", now - 20_000),
            ("later", now - 19_000),
            ("old", now - 4_000_000),
        ] {
            vault.put(put(&format!("a/{name}"), 1_000)).await.unwrap();
            asked(vault, &format!("a/{name}"), asked_at).await;
        }
        assert_eq!(claimed(vault, now, 1, 1).await, ["a/lost"]);
        assert_eq!(claimed(vault, now, 1, 2).await, ["a/0"], "the other is not due yet");
        assert_eq!(claimed(vault, now + 1_000, 3, 3).await, ["a/1", "a/2", "a/later"]);
        let rest = claimed(vault, now + 1_000, 100, 4).await;
        assert_eq!(rest.len(), 48);
        assert!(rest.contains(&"a/old".to_owned()));
        assert_eq!(claimed(vault, now + 1_000, 100, 5).await, [""; 0]);
    }
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn a_claim_in_postgresql_scans_by_the_two_indexes() {
    if !hallpass_cluster::tests_run_on_postgres() {
        return;
    }
    let schema = hallpass_cluster::Schema::new().unwrap();
    drop(PostgresVault::connect(schema.url(), None).await.unwrap());
    let (client, connection) = tokio_postgres::connect(schema.url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let rows = "INSERT INTO keeper_connections SELECT 'a', n::text, 's', 'ready', NULL, 0, 0, n,
            CASE WHEN n % 1000 = 0 THEN n END, 1, NULL, 0 FROM generate_series(1, 20000) AS n;
        ANALYZE keeper_connections";
    client.batch_execute(rows).await.unwrap();
    let explain = format!("EXPLAIN {}", super::super::postgres::CLAIM);
    let (owner, now) = ([1_u8; 16], 20_000_i64);
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 8] = [
        &"a",
        &now,
        &16_i64,
        &owner.as_slice(),
        &15_000_i64,
        &now,
        &now,
        &(now - 600),
    ];
    let plan = client.query(&explain, &values).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    for index in ["keeper_asked", "keeper_due"] {
        assert!(plan.contains(index), "{plan}");
    }
    assert!(!plan.contains("Seq Scan"), "{plan}");
}
