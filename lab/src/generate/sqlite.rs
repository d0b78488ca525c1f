//! Fills SQLite in one transaction without a journal. Indexes are created after the rows.

use super::Generated;
use crate::Outcome;
use crate::flow::CHALLENGE_BYTES;
use crate::world::REDIRECT_URI;
use rusqlite::{Connection, params};
use std::path::Path;

/// Writes all people and grants.
pub(super) fn fill(database: &Path, generated: &Generated) -> Outcome {
    let mut database = Connection::open(database)?;
    database.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000;
         DROP INDEX grants_user_app; DROP INDEX grants_app; DROP INDEX grants_check;",
    )?;
    rows(&mut database, generated)?;
    database.execute_batch(
        "CREATE INDEX grants_user_app ON grants (user_id, app_id);
         CREATE INDEX grants_app ON grants (app_id, id);
         CREATE INDEX grants_check ON grants (check_at);
         PRAGMA journal_mode = WAL;",
    )?;
    Ok(())
}

fn rows(database: &mut Connection, generated: &Generated) -> Outcome {
    let app: Vec<u8> = database.query_row("SELECT id FROM apps", [], |row| row.get(0))?;
    let organization: Vec<u8> = database.query_row("SELECT id FROM organizations", [], |row| row.get(0))?;
    let (now, key) = (generated.start, generated.key_id);
    let (code, expires) = (generated.code_expires(), generated.expires());
    let transaction = database.transaction()?;
    let mut insert = transaction.prepare(
        "INSERT INTO users (id, number, email, name, admin, status, created) VALUES (?1, ?2, ?3, ?4, 0, 'active', ?5)",
    )?;
    let mut member =
        transaction.prepare("INSERT INTO memberships (user_id, organization_id, role) VALUES (?1, ?2, 'member')")?;
    for user in generated.all_users() {
        insert.execute(params![user.id.as_bytes(), user.number, user.email, user.name, now.0])?;
        member.execute(params![user.id.as_bytes(), organization])?;
    }
    drop((insert, member));
    let mut insert = transaction.prepare(
        "INSERT INTO grants (id, app_id, user_id, organization_id, state, scopes, redirect_uri, code_challenge, salt,
         proof_key, previous_key, generation, confirmed, rotated_at, created, code_expires, expires, last_used, check_at)
         VALUES (?1, ?2, ?3, ?4, ?5, 'read', ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12, ?12, ?13, ?14, ?15, ?16)",
    )?;
    for grant in generated.all_grants() {
        let active = grant.active;
        insert.execute(params![
            grant.id.as_bytes(),
            app,
            grant.user.as_bytes(),
            organization,
            i64::from(active),
            (!active).then_some(REDIRECT_URI),
            (!active).then_some(CHALLENGE_BYTES),
            grant.salt,
            key,
            active.then_some(key),
            i64::from(active),
            now.0,
            code.0,
            active.then_some(expires.0),
            active.then_some(now.0),
            if active { expires.0 } else { code.0 },
        ])?;
    }
    drop(insert);
    transaction.commit()?;
    Ok(())
}
