//! The statements. Each function is one operation inside a transaction.

use super::super::{
    Change, Connection, FIRST_FOR, LeaseRequest, NewEvent, Owner, Put, Row, SignIn, State, StoredEvent, Summary, Taken,
};
use crate::random;
use rusqlite::types::Type;
use rusqlite::{Connection as Database, Error, OptionalExtension as _, Result, params};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::time::Duration;

/// The version of the tables.
const VERSION: i64 = 1;

/// SQLite's own clock, in milliseconds: the machine's.
const NOW: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS keeper_vault (version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS keeper_connections (
    provider TEXT NOT NULL, reference TEXT NOT NULL, sealed BLOB NOT NULL,
    state TEXT NOT NULL, reason TEXT, since INTEGER NOT NULL, expires_at INTEGER,
    due_at INTEGER NOT NULL, asked_at INTEGER,
    fence INTEGER NOT NULL, lease_owner BLOB, lease_until INTEGER NOT NULL,
    PRIMARY KEY (provider, reference));
CREATE INDEX IF NOT EXISTS keeper_due ON keeper_connections (provider, due_at);
CREATE INDEX IF NOT EXISTS keeper_asked ON keeper_connections (provider, asked_at) WHERE asked_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS keeper_sign_ins (state BLOB PRIMARY KEY, sealed BLOB NOT NULL, expires_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS keeper_sign_ins_over ON keeper_sign_ins (expires_at);
CREATE TABLE IF NOT EXISTS keeper_events (
    provider TEXT NOT NULL, reference TEXT NOT NULL, kind TEXT NOT NULL, id BLOB NOT NULL,
    reason TEXT, at INTEGER NOT NULL, ends_at INTEGER, taken_until INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (provider, reference, kind));
CREATE TABLE IF NOT EXISTS keeper_clocks (provider TEXT PRIMARY KEY, skew INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS keeper_events_id ON keeper_events (id);";

const COLUMNS: &str =
    "provider, reference, sealed, state, reason, since, expires_at, due_at, asked_at, fence, lease_owner, lease_until";

/// Rows whose state this version knows. A later one may write other words, and such a row must stop no other.
const KNOWN: &str = "state IN ('ready', 'paused', 'needs_user')";

/// Whether the tables are there as this version makes them. To find out takes no lock.
pub(super) fn is_current(database: &Database) -> Result<bool> {
    let mut made = database.prepare("SELECT 1 FROM sqlite_schema WHERE name GLOB 'keeper_*'")?;
    let made = made.query_map([], |_| Ok(()))?.count();
    Ok(made >= TABLES.matches("CREATE ").count() && counts_tries(database)? && version(database)? == Some(VERSION))
}

fn counts_tries(database: &Database) -> Result<bool> {
    let counts = "SELECT EXISTS (SELECT 1 FROM pragma_table_info('keeper_events') WHERE name = 'tries')";
    database.query_row(counts, [], |row| row.get(0))
}

fn version(database: &Database) -> Result<Option<i64>> {
    let sql = "SELECT version FROM keeper_vault";
    database.query_row(sql, [], |row| row.get(0)).optional()
}

pub(super) fn create(database: &Database) -> Result<()> {
    database.execute_batch(TABLES)?;
    if !counts_tries(database)? {
        // Made before the tries were counted.
        database.execute_batch("ALTER TABLE keeper_events ADD COLUMN tries INTEGER NOT NULL DEFAULT 0")?;
    }
    match version(database)? {
        Some(VERSION) => Ok(()),
        None => database
            .execute("INSERT INTO keeper_vault VALUES (?1)", [VERSION])
            .map(drop),
        Some(other) => Err(unknown(0, &format!("version {other}, which a newer keeper made"))),
    }
}

fn row_of(row: &rusqlite::Row<'_>) -> Result<Row> {
    let state: String = row.get(3)?;
    Ok(Row {
        connection: name(row)?,
        sealed: row.get(2)?,
        summary: Summary {
            state: State::of(&state).ok_or_else(|| unknown_state(&state))?,
            reason: row.get(4)?,
            since: row.get(5)?,
            expires_at: row.get(6)?,
        },
        due_at: row.get(7)?,
        asked_at: row.get(8)?,
        fence: row.get(9)?,
    })
}

/// The connection that the first two columns name.
fn name(row: &rusqlite::Row<'_>) -> Result<Connection> {
    let (provider, reference): (String, String) = (row.get(0)?, row.get(1)?);
    Connection::new(&provider, &reference).map_err(|_| unknown(0, &provider))
}

/// A state that a later version wrote.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UnknownState(String);

fn unknown_state(word: &str) -> Error {
    Error::FromSqlConversionFailure(3, Type::Text, Box::new(UnknownState(word.to_owned())))
}

fn unknown(column: usize, word: &str) -> Error {
    Error::FromSqlConversionFailure(column, Type::Text, format!("not a known word: {word}").into())
}

pub(super) fn read(database: &Database, connection: &Connection) -> Result<Option<Row>> {
    let sql = format!("SELECT {COLUMNS} FROM keeper_connections WHERE provider = ?1 AND reference = ?2");
    database
        .prepare_cached(&sql)?
        .query_row([connection.provider(), connection.reference()], row_of)
        .optional()
}

pub(super) fn put(database: &Database, put: &Put) -> Result<bool> {
    let sql = format!(
        "INSERT INTO keeper_connections ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, NULL, 1, NULL, 0)
         ON CONFLICT (provider, reference) DO UPDATE SET
            sealed = ?3, state = ?4, reason = ?5, since = ?6, expires_at = ?7, due_at = ?8, asked_at = NULL,
            fence = fence + 1, lease_owner = NULL, lease_until = 0
         WHERE ?9"
    );
    let (connection, summary) = (&put.connection, &put.summary);
    let written = database.prepare_cached(&sql)?.execute(params![
        connection.provider(),
        connection.reference(),
        put.sealed,
        summary.state.word(),
        summary.reason,
        summary.since,
        summary.expires_at,
        put.due_at,
        put.replace,
    ])?;
    if written == 1 {
        tell(database, connection, put.event.as_ref())?;
    }
    Ok(written == 1)
}

/// Takes a lease, unless another holder has one. One that ends much later than a new one would was taken before the clock was
/// set back, and is over.
pub(super) fn take(database: &Database, connection: &Connection, lease: LeaseRequest) -> Result<Taken> {
    let Some(mut row) = read(database, connection)? else {
        return Ok(Taken::Missing);
    };
    let sql = format!(
        "UPDATE keeper_connections SET fence = fence + 1, lease_owner = ?1, lease_until = {NOW} + ?2,
            asked_at = COALESCE(asked_at, ?3), due_at = ?4
         WHERE provider = ?5 AND reference = ?6 AND (lease_owner = ?1 OR lease_until NOT BETWEEN {NOW} + 1 AND {NOW} + 2 * ?2)"
    );
    let taken = database.prepare_cached(&sql)?.execute(params![
        lease.owner,
        millis(lease.span),
        lease.asked_at,
        lease.retry_at,
        connection.provider(),
        connection.reference(),
    ])?;
    row.fence += 1;
    Ok(if taken == 1 { Taken::Leased(row) } else { Taken::Held })
}

/// The statement for connections that are due and that nobody leases: those that were asked about lately, or the others.
fn due_sql(lately: bool) -> String {
    let (asked, order) = match lately {
        true => ("asked_at >= ?5", "asked_at"),
        false => ("(asked_at IS NULL OR asked_at < ?5)", "due_at"),
    };
    format!(
        "SELECT provider, reference FROM keeper_connections
         WHERE provider = ?1 AND {asked} AND due_at <= ?2 AND {KNOWN} AND lease_until NOT BETWEEN {NOW} + 1 AND {NOW} + 2 * ?3
         ORDER BY {order} LIMIT ?4"
    )
}

/// Connections that are due and that nobody leases, in the order of [`super::super::Vault::claim`].
pub(super) fn due(
    database: &Database,
    provider: &str,
    due_by: i64,
    lease: LeaseRequest,
    limit: usize,
) -> Result<Vec<Connection>> {
    let first_from = lease.asked_at.saturating_sub(FIRST_FOR);
    let mut due = Vec::new();
    for lately in [true, false] {
        let left = i64::try_from(limit - due.len()).unwrap_or(i64::MAX);
        let mut statement = database.prepare_cached(&due_sql(lately))?;
        let values = params![provider, due_by, millis(lease.span), left, first_from];
        for connection in statement.query_map(values, name)? {
            due.push(connection?);
        }
        if due.len() >= limit {
            break;
        }
    }
    Ok(due)
}

pub(super) fn write(database: &Database, change: &Change) -> Result<bool> {
    let connection = &change.connection;
    let lease = "provider = ?1 AND reference = ?2 AND fence = ?3 AND lease_owner = ?4";
    let free = "due_at = ?5, asked_at = ?6, lease_owner = NULL, lease_until = 0";
    let (provider, reference) = (connection.provider(), connection.reference());
    let written = match &change.record {
        None => {
            let sql = format!("UPDATE keeper_connections SET {free} WHERE {lease}");
            let owner = change.owner;
            let values = params![provider, reference, change.fence, owner, change.due_at, change.asked_at];
            database.prepare_cached(&sql)?.execute(values)?
        }
        Some((sealed, summary)) => {
            let sql = format!(
                "UPDATE keeper_connections SET {free},
                    sealed = ?7, state = ?8, reason = ?9, since = ?10, expires_at = ?11 WHERE {lease}"
            );
            database.prepare_cached(&sql)?.execute(params![
                provider,
                reference,
                change.fence,
                change.owner,
                change.due_at,
                change.asked_at,
                sealed,
                summary.state.word(),
                summary.reason,
                summary.since,
                summary.expires_at,
            ])?
        }
    };
    if written == 1 {
        tell(database, connection, change.event.as_ref())?;
    }
    Ok(written == 1)
}

pub(super) fn remove(database: &Database, connection: &Connection, fence: i64, owner: Owner) -> Result<bool> {
    let lease = "DELETE FROM keeper_connections
         WHERE provider = ?1 AND reference = ?2 AND fence = ?3 AND lease_owner = ?4";
    let (provider, reference) = (connection.provider(), connection.reference());
    let removed = database.execute(lease, params![provider, reference, fence, owner])?;
    forget_events(database, connection, removed)
}

pub(super) fn remove_unknown(database: &Database, connection: &Connection) -> Result<bool> {
    let sql = format!("DELETE FROM keeper_connections WHERE provider = ?1 AND reference = ?2 AND NOT {KNOWN}");
    let removed = database.execute(&sql, [connection.provider(), connection.reference()])?;
    forget_events(database, connection, removed)
}

/// Deletes the events of a connection that was removed. Returns whether it was.
fn forget_events(database: &Database, connection: &Connection, removed: usize) -> Result<bool> {
    if removed == 1 {
        let events = "DELETE FROM keeper_events WHERE provider = ?1 AND reference = ?2";
        database.execute(events, [connection.provider(), connection.reference()])?;
    }
    Ok(removed == 1)
}

pub(super) fn count_unknown(database: &Database) -> Result<usize> {
    let sql = format!("SELECT count(*) FROM keeper_connections WHERE NOT {KNOWN}");
    let count: i64 = database.query_row(&sql, [], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

pub(super) fn list(database: &Database, after: Option<&Connection>, limit: usize) -> Result<Vec<Row>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let sql = format!(
        "SELECT {COLUMNS} FROM keeper_connections WHERE (provider, reference) > (?1, ?2) AND {KNOWN}
         ORDER BY provider, reference LIMIT ?3"
    );
    let (provider, reference) = after.map_or(("", ""), |after| (after.provider(), after.reference()));
    let mut statement = database.prepare_cached(&sql)?;
    let found = statement.query_map(params![provider, reference, limit], row_of)?;
    found.collect()
}

/// One search of the key for each provider, so that the rows of others cost nothing.
pub(super) fn list_of(
    database: &Database,
    providers: &BTreeSet<String>,
    after: Option<&Connection>,
    limit: usize,
) -> Result<Vec<Row>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM keeper_connections WHERE provider = ?1 AND reference > ?2 AND {KNOWN}
         ORDER BY reference LIMIT ?3"
    );
    let mut statement = database.prepare_cached(&sql)?;
    let mut rows = Vec::new();
    for provider in providers {
        let from = match after.map(|after| (after.provider().cmp(provider), after.reference())) {
            Some((Ordering::Greater, _)) => continue,
            Some((Ordering::Equal, reference)) => reference,
            Some((Ordering::Less, _)) | None => "",
        };
        let left = i64::try_from(limit - rows.len()).unwrap_or(i64::MAX);
        for row in statement.query_map(params![provider, from, left], row_of)? {
            rows.push(row?);
        }
        if rows.len() >= limit {
            break;
        }
    }
    Ok(rows)
}

pub(super) fn begin(database: &Database, sign_in: &SignIn, now: i64) -> Result<()> {
    let over = "DELETE FROM keeper_sign_ins WHERE state IN
        (SELECT state FROM keeper_sign_ins WHERE expires_at <= ?1 ORDER BY expires_at LIMIT 16)";
    database.execute(over, [now])?;
    let sql = "INSERT INTO keeper_sign_ins VALUES (?1, ?2, ?3)";
    let values = params![sign_in.state, sign_in.sealed, sign_in.expires_at];
    database.execute(sql, values).map(drop)
}

pub(super) fn begun(database: &Database, state: [u8; 32]) -> Result<Option<SignIn>> {
    let sql = "SELECT sealed, expires_at FROM keeper_sign_ins WHERE state = ?1";
    let found = database.query_row(sql, [state], |row| {
        Ok(SignIn {
            state,
            sealed: row.get(0)?,
            expires_at: row.get(1)?,
        })
    });
    found.optional()
}

pub(super) fn spend(database: &Database, state: [u8; 32]) -> Result<bool> {
    let removed = database.execute("DELETE FROM keeper_sign_ins WHERE state = ?1", [state])?;
    Ok(removed == 1)
}

fn tell(database: &Database, connection: &Connection, event: Option<&NewEvent>) -> Result<()> {
    let Some(event) = event else { return Ok(()) };
    let id: [u8; 16] = random::bytes();
    let sql = "INSERT OR REPLACE INTO keeper_events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0)";
    let values = params![
        connection.provider(),
        connection.reference(),
        event.kind,
        id,
        event.reason,
        event.at,
        event.ends_at,
    ];
    database.prepare_cached(sql)?.execute(values).map(drop)
}

/// The oldest free event. What happened to a connection is told in order: while a reader has one event, the later ones wait.
fn next_id() -> String {
    format!(
        "SELECT id FROM keeper_events AS first WHERE taken_until <= {NOW} AND NOT EXISTS (
            SELECT 1 FROM keeper_events AS older WHERE older.provider = first.provider
            AND older.reference = first.reference AND older.rowid < first.rowid)
         ORDER BY rowid LIMIT 1"
    )
}

pub(super) fn has_event(database: &Database) -> Result<bool> {
    let sql = format!("SELECT EXISTS ({})", next_id());
    database.prepare_cached(&sql)?.query_row([], |row| row.get(0))
}

pub(super) fn next_event(database: &Database, span: Duration) -> Result<Option<StoredEvent>> {
    let sql = format!(
        "UPDATE keeper_events SET taken_until = {NOW} + ?1 WHERE id = ({})
         RETURNING provider, reference, id, kind, reason, at, ends_at, tries",
        next_id()
    );
    let event = |row: &rusqlite::Row<'_>| {
        Ok(StoredEvent {
            connection: name(row)?,
            id: row.get(2)?,
            event: NewEvent {
                kind: row.get(3)?,
                reason: row.get(4)?,
                at: row.get(5)?,
                ends_at: row.get(6)?,
            },
            tries: row.get(7)?,
        })
    };
    database.query_row(&sql, [millis(span)], event).optional()
}

pub(super) fn keep_event(database: &Database, id: [u8; 16], span: Duration, tries: u32) -> Result<bool> {
    let sql = format!("UPDATE keeper_events SET taken_until = {NOW} + ?1, tries = tries + ?2 WHERE id = ?3");
    Ok(database.execute(&sql, params![millis(span), tries, id])? == 1)
}

pub(super) fn event_done(database: &Database, id: [u8; 16]) -> Result<()> {
    database
        .execute("DELETE FROM keeper_events WHERE id = ?1", [id])
        .map(drop)
}

pub(super) fn now(database: &Database) -> Result<i64> {
    database.query_row(&format!("SELECT {NOW}"), [], |row| row.get(0))
}

pub(super) fn skews(database: &Database) -> Result<Vec<(String, i64)>> {
    let mut statement = database.prepare_cached("SELECT provider, skew FROM keeper_clocks")?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    found.collect()
}

pub(super) fn set_skew(database: &Database, provider: &str, skew: i64) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO keeper_clocks VALUES (?1, ?2)";
    database.execute(sql, params![provider, skew]).map(drop)
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_searches_by_an_index_and_sorts_nothing() {
        let database = Database::open_in_memory().unwrap();
        create(&database).unwrap();
        for (lately, index) in [(true, "keeper_asked"), (false, "keeper_due")] {
            let sql = format!("EXPLAIN QUERY PLAN {}", due_sql(lately));
            let mut statement = database.prepare(&sql).unwrap();
            let steps = statement.query_map(params!["a", 1, 2, 3, 4], |row| row.get(3)).unwrap();
            let steps: Vec<String> = steps.map(Result::unwrap).collect();
            assert_eq!(steps.len(), 1, "{steps:?}");
            assert!(steps[0].starts_with("SEARCH") && steps[0].contains(index), "{steps:?}");
        }
    }
}
