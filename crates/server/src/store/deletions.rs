//! Deletions of apps, people and organizations.
//!
//! The row is deleted in the first commit, and from then on everything that depends on it is refused. Its grants end in
//! that commit and, if there are many, in the following ones. After a crash between two commits the remaining grants are
//! refused all the same; the sweep ends them (`grants/due.rs`).

use super::engine::writer::work::{Ends, Write};
use super::model::NewChange;
use super::rows::first;
use super::value::{Row, Statement, Value};
use super::{Result, Store};

/// What a deletion would end. Each number is counted up to [`Store::MOST_COUNTED`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Toll {
    /// Live grants.
    pub grants: u32,
    /// Secrets of the app.
    pub secrets: u32,
    /// Memberships of the person, or in the organization.
    pub memberships: u32,
    /// Apps that belong to the person, or to the organization.
    pub apps: u32,
}

impl Store {
    /// The most rows that are counted.
    pub const MOST_COUNTED: u32 = 10_000;

    pub(super) async fn delete(&self, statements: Vec<Statement>, announce: Vec<NewChange>, ends: Ends) -> Result<()> {
        let write = Write {
            statements,
            announce,
            ends: Some(ends),
            ..Write::default()
        };
        self.write_with(write).await.map(drop)
    }

    pub(super) async fn count(&self, sql: &'static str, of: impl Into<Value>) -> Result<u32> {
        let rows = self.scan(sql, vec![of.into(), Self::MOST_COUNTED.into()]).await?;
        Ok(first(rows, Row::take)?.unwrap_or(0))
    }
}

/// Deletes the record of which declared values of an object were applied.
pub(crate) fn forget(kind: &str, name: &str) -> Statement {
    Statement::new(FORGET, vec![kind.into(), name.into()])
}

const FORGET: &str = "DELETE FROM declared WHERE kind = $1 AND name = $2";
