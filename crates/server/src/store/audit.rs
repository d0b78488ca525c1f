//! The audit log. An event is appended in the commit of the change that it records, is never changed, and is deleted by
//! the sweep when it has been kept long enough.

use super::model::{AuditCursor, AuditEvent, AuditEventId, AuditFilter, GrantId, ListPage, ListedEvent};
use super::rows::{first, more_than, page};
use super::value::{Row, Value};
use super::{Result, Store};
use std::time::Duration;
use uuid::Uuid;

impl Store {
    /// The same store, whose next change appends this event in its commit: either both are there or neither. A change
    /// that does nothing, such as the end of an ended grant, appends nothing.
    #[must_use]
    pub fn recording(&self, event: impl Into<Option<AuditEvent>>) -> Self {
        Self {
            inner: self.inner.clone(),
            event: event.into().map(Box::new),
        }
    }

    /// The same store without the event, for follow-up changes.
    pub(super) fn unrecorded(&self) -> Self {
        let (inner, event) = (self.inner.clone(), None);
        Self { inner, event }
    }

    /// Appends an event without a change.
    pub async fn append_audit(&self, event: AuditEvent) -> Result<()> {
        self.recording(event).write(vec![]).await
    }

    /// Sets how long events are kept.
    pub fn keep_audit_for(&self, kept: Duration) {
        self.inner.bounds.keep_audit_for(kept);
    }

    /// The event with this id.
    pub async fn audit_event(&self, id: AuditEventId) -> Result<Option<ListedEvent>> {
        first(self.read(EVENT, &[id.into()]).await?, |row| {
            row.take::<Value>()?;
            listed_event(row)
        })
    }

    /// A page of the log. An index of app, user or organization gives the order.
    pub async fn listed_events(&self, filter: AuditFilter) -> Result<ListPage<ListedEvent, AuditEventId>> {
        let (ascending, cursor) = match filter.from {
            AuditCursor::Newest => (false, AuditEventId(Uuid::max())),
            AuditCursor::Before(id) => (false, id),
            AuditCursor::After(id) => (true, id),
        };
        let (user, organization) = (filter.user, filter.organization);
        let (newest, oldest, mut params) = match (filter.app, user, organization) {
            (Some(app), ..) => {
                let params = vec![app.into(), user.into(), organization.into()];
                (NEWEST_OF_APP, OLDEST_OF_APP, params)
            }
            (None, Some(user), _) => (NEWEST_OF_USER, OLDEST_OF_USER, vec![user.into(), organization.into()]),
            (None, None, Some(organization)) => (
                NEWEST_OF_ORGANIZATION,
                OLDEST_OF_ORGANIZATION,
                vec![organization.into()],
            ),
            (None, None, None) => (NEWEST, OLDEST, vec![]),
        };
        params.extend([cursor.into(), more_than(filter.limit)]);
        let sql = if ascending { oldest } else { newest };
        page(self.scan(sql, params).await?, filter.limit, listed_event)
    }
}

/// An event.
pub(super) const INSERT: &str = "INSERT INTO audit_events (id, happened, actor, action, app_id, user_id, organization_id, \
     grant_id, source, before, after, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

/// The values of [`INSERT`].
pub(super) fn insert_params(event: &AuditEvent) -> Vec<Value> {
    vec![
        event.id.into(),
        event.at.into(),
        event.actor.as_str().into(),
        event.action.as_str().into(),
        event.app.into(),
        event.user.into(),
        event.organization.into(),
        event.grant.into(),
        event.source.as_deref().into(),
        event.before.as_deref().into(),
        event.after.as_deref().into(),
        event.detail.as_deref().into(),
    ]
}

/// An event about a grant. The row of the grant has app, user and organization.
pub(super) const INSERT_OF_GRANT: &str = "INSERT INTO audit_events (id, happened, actor, action, source, before, after, \
     detail, app_id, user_id, organization_id, grant_id) \
     SELECT $1, $2, $3, $4, $5, $6, $7, $8, app_id, user_id, organization_id, id FROM grants WHERE id = $9";

/// The values of [`INSERT_OF_GRANT`].
pub(super) fn insert_of_grant_params(grant: GrantId, event: &AuditEvent) -> Vec<Value> {
    let mut params = own_params(Some(event)).to_vec();
    params.insert(1, event.at.into());
    params.push(grant.into());
    params
}

/// Id, actor, action, source, before, after and detail: what an event about a grant has beside the moment and the grant's row.
/// All NULL where there is no event.
pub(super) fn own_params(event: Option<&AuditEvent>) -> [Value; 7] {
    let Some(event) = event else {
        return std::array::from_fn(|_| Value::Null);
    };
    [
        event.id.into(),
        event.actor.as_str().into(),
        event.action.as_str().into(),
        event.source.as_deref().into(),
        event.before.as_deref().into(),
        event.after.as_deref().into(),
        event.detail.as_deref().into(),
    ]
}

macro_rules! select_event {
    ($rest:literal) => {
        concat!(
            "SELECT e.id, e.id, e.happened, e.actor, e.action, e.app_id, e.user_id, e.organization_id, e.grant_id, e.source, e.before, ",
            "e.after, e.detail, apps.client_id, ",
            "COALESCE(users.email, users.contact_email, users.external_id, CAST(users.number AS TEXT)), organizations.slug ",
            "FROM audit_events AS e LEFT JOIN apps ON apps.id = e.app_id LEFT JOIN users ON users.id = e.user_id ",
            "LEFT JOIN organizations ON organizations.id = e.organization_id WHERE ",
            $rest
        )
    };
}

const EVENT: &str = select_event!("e.id = $1");

// Each list twice: the newest first, the oldest first. PostgreSQL learns a parameter's type where it first meets it, so the
// column comes first.

const NEWEST: &str = select_event!("e.id < $1 ORDER BY e.id DESC LIMIT $2");
const OLDEST: &str = select_event!("e.id > $1 ORDER BY e.id LIMIT $2");

const NEWEST_OF_APP: &str = select_event!(
    "e.app_id = $1 AND (e.user_id = $2 OR $2 IS NULL) AND (e.organization_id = $3 OR $3 IS NULL) AND e.id < $4 ORDER BY e.id DESC LIMIT $5"
);
const OLDEST_OF_APP: &str = select_event!(
    "e.app_id = $1 AND (e.user_id = $2 OR $2 IS NULL) AND (e.organization_id = $3 OR $3 IS NULL) AND e.id > $4 ORDER BY e.id LIMIT $5"
);

const NEWEST_OF_USER: &str = select_event!(
    "e.user_id = $1 AND (e.organization_id = $2 OR $2 IS NULL) AND e.id < $3 ORDER BY e.id DESC LIMIT $4"
);
const OLDEST_OF_USER: &str =
    select_event!("e.user_id = $1 AND (e.organization_id = $2 OR $2 IS NULL) AND e.id > $3 ORDER BY e.id LIMIT $4");

const NEWEST_OF_ORGANIZATION: &str = select_event!("e.organization_id = $1 AND e.id < $2 ORDER BY e.id DESC LIMIT $3");
const OLDEST_OF_ORGANIZATION: &str = select_event!("e.organization_id = $1 AND e.id > $2 ORDER BY e.id LIMIT $3");

fn listed_event(row: &mut Row) -> Result<ListedEvent> {
    Ok(ListedEvent {
        event: event_of(row)?,
        client_id: row.take()?,
        user: row.take()?,
        organization: row.take()?,
    })
}

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
        source: row.take()?,
        before: row.take()?,
        after: row.take()?,
        detail: row.take()?,
    })
}

pub(crate) const DELETE_EXPIRED: &str = "DELETE FROM audit_events WHERE id IN \
     (SELECT id FROM audit_events WHERE happened <= $1 ORDER BY happened LIMIT $2)";
pub(crate) const DELETE_EXPIRED_ON_POSTGRES: &str = "DELETE FROM audit_events WHERE id IN \
     (SELECT id FROM audit_events WHERE happened <= $1 ORDER BY happened LIMIT $2 FOR UPDATE SKIP LOCKED)";
