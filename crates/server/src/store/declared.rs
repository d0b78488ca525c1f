//! Declared values that were applied. Each is applied once for each change of the configuration, so that a later reset or
//! suspension is not undone by a restart.

use super::model::Declared;
use super::rows::all;
use super::value::{Row, Statement};
use super::{Result, Store};

impl Store {
    /// All declared values that were applied.
    pub async fn declared(&self) -> Result<Vec<Declared>> {
        all(self.scan(DECLARED, vec![]).await?, declared_of)
    }

    /// Records that these values were applied.
    pub async fn set_declared(&self, values: Vec<Declared>) -> Result<()> {
        let put = |value: Declared| {
            let params = vec![
                value.kind.into(),
                value.name.into(),
                value.field.into(),
                value.digest.into(),
            ];
            Statement::new(PUT, params).expect_one()
        };
        self.write(values.into_iter().map(put).collect()).await
    }
}

const DECLARED: &str = "SELECT kind, name, field, digest FROM declared ORDER BY kind, name, field";

const PUT: &str = "INSERT INTO declared (kind, name, field, digest) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (kind, name, field) DO UPDATE SET digest = excluded.digest";

fn declared_of(row: &mut Row) -> Result<Declared> {
    Ok(Declared {
        kind: row.take()?,
        name: row.take()?,
        field: row.take()?,
        digest: row.take()?,
    })
}
