//! Origins whose pages may read answers (the Fetch standard's CORS protocol): those of redirect URIs and those that the
//! configuration names for an app.
//!
//! Both are rows of one table, so that a check of an origin is one point read. A configured origin has [`NAMED`] before
//! it: a change of the redirect URIs replaces only the rows without it, even if an origin is both.

use super::{SAME_APP, changed};
use crate::store::model::AppId;
use crate::store::rows::{all, first};
use crate::store::value::{Row, Statement, Value};
use crate::store::{Result, Store};
use crate::time::Instant;
use hallpass_wire::{Origin, RedirectUri};
use std::collections::BTreeSet;

/// What stands before a named origin in its row. No origin has a space.
const NAMED: &str = "named ";

/// How many apps one commit of [`Store::fill_origins`] treats.
const FILLED_AT_ONCE: usize = 100;

impl Store {
    /// An app with this origin. A suspended app counts: its page must be able to read why it is refused.
    pub async fn app_of_origin(&self, origin: &str) -> Result<Option<AppId>> {
        let params = [origin.into(), named(origin)];
        first(self.read(OF_AN_APP, &params).await?, Row::take)
    }

    /// The origins of an app; none if there is no such app.
    pub async fn origins_of(&self, id: AppId) -> Result<BTreeSet<String>> {
        let rows = self.origin_rows(id).await?.into_iter();
        let origins = rows.map(|row| row.strip_prefix(NAMED).map(str::to_owned).unwrap_or(row));
        Ok(origins.collect())
    }

    /// The origins that are named for an app.
    pub async fn named_origins(&self, id: AppId) -> Result<BTreeSet<String>> {
        let rows = self.origin_rows(id).await?;
        let named = rows.iter().filter_map(|row| row.strip_prefix(NAMED));
        Ok(named.map(str::to_owned).collect())
    }

    async fn origin_rows(&self, id: AppId) -> Result<Vec<String>> {
        all(self.read(OF_APP, &[id.into()]).await?, Row::take)
    }

    /// Replaces the origins that are named for an app. [`StoreError::Conflict`](crate::store::StoreError::Conflict): there is
    /// no such app.
    pub async fn name_origins(&self, id: AppId, origins: &[Origin], now: Instant) -> Result<()> {
        let mut statements = vec![
            Statement::new(SAME_APP, vec![id.into()]).expect_one(),
            Statement::new(DELETE_NAMED, vec![id.into()]),
        ];
        statements.extend(origins.iter().map(|origin| insert(id, named(origin.as_str()))));
        self.write_announcing(statements, changed(id, now)).await
    }

    /// Adds the origins of redirect URIs, once, for apps that were registered before this table was used.
    pub async fn fill_origins(&self) -> Result<()> {
        let filled: Option<i64> = first(self.read(FILLED, &[]).await?, Row::take)?;
        if filled.is_some() {
            return Ok(());
        }
        let rows = self.scan(REDIRECT_URIS, vec![]).await?;
        // An app that cannot be read has none.
        let apps = rows.into_iter().filter_map(|mut row| uris_of(&mut row).ok());
        let apps: Vec<Vec<Statement>> = apps.map(|(id, uris)| filling(id, &uris)).collect();
        for some in apps.chunks(FILLED_AT_ONCE) {
            self.write(some.concat()).await?;
        }
        self.write(vec![Statement::new(NOW_FILLED, vec![])]).await
    }
}

fn uris_of(row: &mut Row) -> Result<(AppId, Vec<RedirectUri>)> {
    Ok((row.take()?, row.take()?))
}

/// The statements that write the origins of a new app.
pub(crate) fn first_origins(id: AppId, redirect_uris: &[RedirectUri]) -> Vec<Statement> {
    let origins = origins_of(redirect_uris).into_iter();
    origins.map(|origin| insert(id, origin.into())).collect()
}

/// The statements that give an app the origins of other redirect URIs.
pub(crate) fn moved_origins(id: AppId, redirect_uris: &[RedirectUri]) -> Vec<Statement> {
    let mut statements = vec![Statement::new(DELETE_OF_URIS, vec![id.into()])];
    statements.extend(first_origins(id, redirect_uris));
    statements
}

/// The statements that add the origins of the redirect URIs, if these have not changed: another server may change them.
/// The row of the app is locked first, so that the condition is checked after such a change.
pub(crate) fn filling(id: AppId, redirect_uris: &[RedirectUri]) -> Vec<Statement> {
    let origins = origins_of(redirect_uris);
    if origins.is_empty() {
        return Vec::new();
    }
    let fill = |origin: String| Statement::new(FILL, vec![origin.into(), id.into(), redirect_uris.into()]);
    let mut statements = vec![Statement::new(SAME_APP, vec![id.into()])];
    statements.extend(origins.into_iter().map(fill));
    statements
}

fn origins_of(redirect_uris: &[RedirectUri]) -> BTreeSet<String> {
    redirect_uris.iter().filter_map(RedirectUri::origin).collect()
}

fn named(origin: &str) -> Value {
    Value::from(format!("{NAMED}{origin}"))
}

fn insert(id: AppId, row: Value) -> Statement {
    Statement::new(INSERT, vec![row, id.into()])
}

const OF_AN_APP: &str = "SELECT apps.id FROM app_origins JOIN apps ON apps.id = app_origins.app_id \
     WHERE app_origins.origin IN ($1, $2) LIMIT 1";

const OF_APP: &str = "SELECT origin FROM app_origins WHERE app_id = $1 ORDER BY origin";

const DELETE_NAMED: &str = "DELETE FROM app_origins WHERE app_id = $1 AND substr(origin, 1, 6) = 'named '";

const DELETE_OF_URIS: &str = "DELETE FROM app_origins WHERE app_id = $1 AND substr(origin, 1, 6) <> 'named '";

const INSERT: &str = "INSERT INTO app_origins (origin, app_id) VALUES ($1, $2) ON CONFLICT (origin, app_id) DO NOTHING";

const FILL: &str = "INSERT INTO app_origins (origin, app_id) SELECT $1, id FROM apps WHERE id = $2 AND redirect_uris = $3 \
     ON CONFLICT (origin, app_id) DO NOTHING";

const REDIRECT_URIS: &str = "SELECT id, redirect_uris FROM apps ORDER BY id";

const FILLED: &str = "SELECT value FROM settings WHERE name = 'origins_filled'";

const NOW_FILLED: &str =
    "INSERT INTO settings (name, value) VALUES ('origins_filled', 1) ON CONFLICT (name) DO NOTHING";

/// For the test that plans it on both engines.
#[cfg(test)]
pub(crate) const POINT_READ: &str = OF_AN_APP;
