//! Expiry as part of normal writes: each commit also treats a few rows that are due, so there is no cleaning job.
//!
//! A commit that inserts grants treats more, so that deletions keep up with inserts. Each noun has the statements that
//! delete its rows.

/// How many rows of each kind one commit treats.
pub(crate) const ROWS: usize = 32;

/// Whether any row is due: a look at the first entry of six indexes, with which most commits end. If it asked for any row
/// that is due, PostgreSQL would expect many and read the whole table, once it plans without the moment.
pub(crate) const ANY_DUE: &str = "SELECT 1 WHERE (SELECT MIN(check_at) FROM grants) <= $1 \
     OR (SELECT MIN(expires) FROM sessions) <= $1 OR (SELECT MIN(expires) FROM changes) <= $1 \
     OR (SELECT MIN(expires) FROM secrets) <= $1 \
     OR (SELECT MIN(ended_at) FROM memberships WHERE ended_at IS NOT NULL) <= $2 \
     OR (SELECT MIN(happened) FROM audit_events) <= $3";
