//! Expiry as part of running: each commit also treats a few rows that are due, so nothing has to be cleaned up.
//!
//! A commit that inserts grants treats more, so that what goes keeps up with what comes. Each noun has the statements that
//! delete its rows.

/// How many rows of each kind a commit treats.
pub(crate) const ROWS: usize = 32;

/// One look at the beginning of six indexes, which most commits end with. Asked for any row that is due, PostgreSQL would
/// count on many and read the whole table, once it plans without the moment.
pub(crate) const ANY_DUE: &str = "SELECT 1 WHERE (SELECT MIN(check_at) FROM grants) <= $1 \
     OR (SELECT MIN(expires) FROM sessions) <= $1 OR (SELECT MIN(expires) FROM changes) <= $1 \
     OR (SELECT MIN(expires) FROM secrets) <= $1 \
     OR (SELECT MIN(ended_at) FROM memberships WHERE ended_at IS NOT NULL) <= $2 \
     OR (SELECT MIN(happened) FROM audit_events) <= $3";
