//! The audit log: appended to, never changed.

use super::model::AuditEvent;
use super::value::{Row, Statement};
use super::{Result, Store, readable};

impl Store {
    /// Appends an event.
    pub async fn append_audit(&self, event: AuditEvent) -> Result<()> {
        let params = vec![
            event.id.into(),
            event.at.into(),
            event.actor.into(),
            event.action.into(),
            event.app.into(),
            event.user.into(),
            event.organization.into(),
            event.grant.into(),
            event.detail.into(),
        ];
        self.write(vec![Statement::new(INSERT, params).expect_one()]).await
    }

    /// The last events, the newest first.
    pub async fn audit_events(&self, limit: u32) -> Result<Vec<AuditEvent>> {
        Ok(readable(self.scan(LAST, vec![limit.into()]).await?, event_of))
    }
}

const INSERT: &str = "INSERT INTO audit_events (id, happened, actor, action, app_id, user_id, organization_id, grant_id, detail) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const LAST: &str = "SELECT id, happened, actor, action, app_id, user_id, organization_id, grant_id, detail \
     FROM audit_events ORDER BY id DESC LIMIT $1";

fn event_of(row: &mut Row) -> Result<AuditEvent> {
    Ok(AuditEvent {
        id: row.take()?,
        at: row.take()?,
        actor: row.take()?,
        action: row.take()?,
        app: row.take()?,
        user: row.take()?,
        organization: row.take()?,
        grant: row.take()?,
        detail: row.take()?,
    })
}
