//! The deletion of an app.

use super::changed;
use crate::store::deletions::{Toll, forget};
use crate::store::grants::end::ends_of_app;
use crate::store::model::{App, AppId, EndReason};
use crate::store::value::Statement;
use crate::store::{Result, Store};
use crate::time::Instant;

impl Store {
    /// What the deletion of an app would end.
    pub async fn toll_of_app(&self, id: AppId) -> Result<Toll> {
        Ok(Toll {
            grants: self.count(GRANTS_OF_APP, id).await?,
            secrets: self.count(SECRETS_OF_APP, id).await?,
            ..Toll::default()
        })
    }

    /// Deletes an app with its secrets, ends its grants, and deletes the record of its declared values: if it is
    /// still declared, the next start makes it again. [`StoreError::Conflict`](crate::store::StoreError::Conflict):
    /// there is no such app.
    pub async fn delete_app(&self, app: &App, now: Instant) -> Result<()> {
        let mut statements = vec![Statement::new(DELETE_APP, vec![app.id.into()]).expect_one()];
        let of_app = [DELETE_SECRETS, DELETE_TEAM, DELETE_ORIGINS];
        statements.extend(of_app.map(|sql| Statement::new(sql, vec![app.id.into()])));
        statements.push(forget("app", &app.client_id));
        let ends = ends_of_app(app.id, EndReason::AppDeleted, now);
        self.delete(statements, vec![changed(app.id, now)], ends).await
    }
}

/// The order makes PostgreSQL use the index, whatever the limit.
const GRANTS_OF_APP: &str = "SELECT COUNT(*) FROM (SELECT id FROM grants WHERE app_id = $1 AND state < 2 \
     ORDER BY id LIMIT $2) AS counted";

const SECRETS_OF_APP: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM secrets WHERE app_id = $1 LIMIT $2) AS counted";

const DELETE_APP: &str = "DELETE FROM apps WHERE id = $1";

const DELETE_SECRETS: &str = "DELETE FROM secrets WHERE app_id = $1";

const DELETE_TEAM: &str = "DELETE FROM app_team WHERE app_id = $1";

const DELETE_ORIGINS: &str = "DELETE FROM app_origins WHERE app_id = $1";
