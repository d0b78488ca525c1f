//! Fills PostgreSQL with COPY in its binary format. Rows are written frozen, as after a vacuum. Indexes other than the
//! primary key are created after the rows, which is several times faster.

use super::Generated;
use crate::Outcome;
use crate::flow::CHALLENGE_BYTES;
use crate::postgres::Postgres;
use crate::world::REDIRECT_URI;
use std::pin::pin;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Transaction};

/// Writes all people and grants.
pub(super) async fn fill(database: &Postgres, generated: &Generated) -> Outcome {
    let mut client = database.client().await?;
    people(&mut client, generated).await?;
    let indexes = client
        .query(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = 'grants' \
             AND indexname NOT IN (SELECT conname FROM pg_constraint)",
            &[],
        )
        .await?;
    let transaction = client.transaction().await?;
    // FREEZE requires a table that was emptied in the same transaction.
    transaction.batch_execute("TRUNCATE grants").await?;
    for index in &indexes {
        let name: &str = index.try_get(0)?;
        transaction.batch_execute(&format!("DROP INDEX {name}")).await?;
    }
    grants(&transaction, generated).await?;
    transaction.commit().await?;
    client.batch_execute("SET maintenance_work_mem = '1GB'").await?;
    for index in &indexes {
        client.batch_execute(index.try_get(1)?).await?;
    }
    for last in ["VACUUM (ANALYZE) users, memberships", "ANALYZE grants", "CHECKPOINT"] {
        client.batch_execute(last).await?;
    }
    Ok(())
}

async fn people(client: &mut Client, generated: &Generated) -> Outcome {
    let organization = one(client, "SELECT id FROM organizations").await?;
    let transaction = client.transaction().await?;
    let into = "COPY users (id, number, email, name, admin, status, created) FROM STDIN (FORMAT binary)";
    let types = [
        Type::BYTEA,
        Type::INT8,
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
        Type::TEXT,
        Type::INT8,
    ];
    let mut writer = pin!(BinaryCopyInWriter::new(transaction.copy_in(into).await?, &types));
    for user in generated.all_users() {
        let id = user.id.as_bytes().as_slice();
        let row: [&(dyn ToSql + Sync); 7] = [
            &id,
            &user.number,
            &user.email,
            &user.name,
            &0_i64,
            &"active",
            &generated.start.0,
        ];
        writer.as_mut().write(&row).await?;
    }
    writer.finish().await?;
    let into = "COPY memberships (user_id, organization_id, role) FROM STDIN (FORMAT binary)";
    let types = [Type::BYTEA, Type::BYTEA, Type::TEXT];
    let mut writer = pin!(BinaryCopyInWriter::new(transaction.copy_in(into).await?, &types));
    for user in generated.all_users() {
        let row: [&(dyn ToSql + Sync); 3] = [&user.id.as_bytes().as_slice(), &organization, &"member"];
        writer.as_mut().write(&row).await?;
    }
    writer.finish().await?;
    Ok(transaction.commit().await?)
}

/// The columns of a grant that are not null in one of the two kinds, with their types.
const COLUMNS: [(&str, Type); 19] = [
    ("id", Type::BYTEA),
    ("app_id", Type::BYTEA),
    ("user_id", Type::BYTEA),
    ("organization_id", Type::BYTEA),
    ("state", Type::INT8),
    ("scopes", Type::TEXT),
    ("redirect_uri", Type::TEXT),
    ("code_challenge", Type::BYTEA),
    ("salt", Type::BYTEA),
    ("proof_key", Type::INT8),
    ("previous_key", Type::INT8),
    ("generation", Type::INT8),
    ("confirmed", Type::INT8),
    ("rotated_at", Type::INT8),
    ("created", Type::INT8),
    ("code_expires", Type::INT8),
    ("expires", Type::INT8),
    ("last_used", Type::INT8),
    ("check_at", Type::INT8),
];

async fn grants(transaction: &Transaction<'_>, generated: &Generated) -> Outcome {
    let client = transaction.client();
    let app = one(client, "SELECT id FROM apps").await?;
    let organization = one(client, "SELECT id FROM organizations").await?;
    let (now, key) = (generated.start.0, i64::from(generated.key_id));
    let (code, expires) = (generated.code_expires().0, generated.expires().0);
    let (names, types): (Vec<&str>, Vec<Type>) = COLUMNS.into_iter().unzip();
    let into = format!("COPY grants ({}) FROM STDIN (FORMAT binary, FREEZE)", names.join(", "));
    let mut writer = pin!(BinaryCopyInWriter::new(transaction.copy_in(&into).await?, &types));
    for grant in generated.all_grants() {
        let active = grant.active;
        let row: [&(dyn ToSql + Sync); COLUMNS.len()] = [
            &grant.id.as_bytes().as_slice(),
            &app,
            &grant.user.as_bytes().as_slice(),
            &organization,
            &i64::from(active),
            &"read",
            &(!active).then_some(REDIRECT_URI),
            &(!active).then_some(CHALLENGE_BYTES.as_slice()),
            &grant.salt.as_slice(),
            &key,
            &active.then_some(key),
            &i64::from(active),
            &i64::from(active),
            &now,
            &now,
            &code,
            &active.then_some(expires),
            &active.then_some(now),
            &(if active { expires } else { code }),
        ];
        writer.as_mut().write(&row).await?;
    }
    writer.finish().await?;
    Ok(())
}

async fn one(client: &Client, query: &str) -> Outcome<Vec<u8>> {
    Ok(client.query_one(query, &[]).await?.try_get(0)?)
}
