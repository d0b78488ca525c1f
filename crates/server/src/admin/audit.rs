//! The audit log, read in pages.

use super::failure::Failure;
use super::request::{Answer, json, limit, query};
use super::{find, moment};
use crate::serve::hallpass::Hallpass;
use crate::store::model::{AuditCursor, AuditEventId, AuditFilter, ListedEvent};
use axum::extract::{Path, RawQuery, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    app: Option<String>,
    user: Option<String>,
    organization: Option<String>,
    /// Only events older than this one, newest first.
    before: Option<String>,
    /// Only events newer than this one, oldest first.
    after: Option<String>,
    limit: Option<String>,
}

/// An event, with the present names. For a deleted object only the id is left.
#[derive(Serialize)]
struct EventView {
    id: AuditEventId,
    at: String,
    actor: String,
    action: String,
    app_id: Option<Uuid>,
    client_id: Option<String>,
    user_id: Option<Uuid>,
    user: Option<String>,
    organization_id: Option<Uuid>,
    organization: Option<String>,
    grant_id: Option<Uuid>,
    source: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
    detail: Option<Value>,
}

/// A page of events.
#[derive(Serialize)]
struct Page {
    events: Vec<EventView>,
    /// The key of the next page, in the same direction. Null if this page is not full.
    next: Option<AuditEventId>,
}

/// `GET /audit`: the newest first; with `after`, the oldest first.
pub(super) async fn list(State(hallpass): State<Arc<Hallpass>>, RawQuery(sent): RawQuery) -> Answer {
    let filter = judged(&hallpass, query(sent.as_deref())?).await?;
    let limit = filter.limit as usize;
    let listed = hallpass.store.listed_events(filter).await?.into_iter();
    let events: Vec<_> = listed.map(view).collect();
    let next = events.last().filter(|_| events.len() == limit).map(|event| event.id);
    json(200, &Page { events, next })
}

/// `GET /audit/{event}`.
pub(super) async fn show(State(hallpass): State<Arc<Hallpass>>, Path(name): Path<String>) -> Answer {
    let found = match Uuid::try_parse(&name) {
        Ok(id) => hallpass.store.audit_event(AuditEventId(id)).await?,
        Err(_) => None,
    };
    let event = found.ok_or_else(|| Failure::not_found(format!("there is no event {name:?}")))?;
    json(200, &view(event))
}

async fn judged(hallpass: &Hallpass, filter: Filter) -> Result<AuditFilter, Failure> {
    let from = match (filter.before, filter.after) {
        (None, None) => AuditCursor::Newest,
        (Some(before), None) => AuditCursor::Before(event("before", &before)?),
        (None, Some(after)) => AuditCursor::After(event("after", &after)?),
        (Some(_), Some(_)) => return Err(Failure::invalid("give `before` or `after`, not both")),
    };
    let mut judged = AuditFilter {
        from,
        limit: limit(filter.limit.as_deref())?,
        ..AuditFilter::default()
    };
    if let Some(name) = filter.app {
        judged.app = Some(find::app_id(hallpass, &name).await?);
    }
    if let Some(name) = filter.user {
        judged.user = Some(find::user_id(hallpass, &name).await?);
    }
    if let Some(name) = filter.organization {
        judged.organization = Some(find::organization_id(hallpass, &name).await?);
    }
    Ok(judged)
}

fn event(name: &str, text: &str) -> Result<AuditEventId, Failure> {
    let id = Uuid::try_parse(text).map(AuditEventId);
    id.map_err(|_| Failure::invalid(format!("{name}: expected the id of an event")))
}

fn view(listed: ListedEvent) -> EventView {
    let ListedEvent {
        event,
        client_id,
        user,
        organization,
    } = listed;
    EventView {
        id: event.id,
        at: moment::text(event.at),
        actor: event.actor,
        action: event.action,
        app_id: event.app.map(|id| id.0),
        client_id,
        user_id: event.user.map(|id| id.0),
        user,
        organization_id: event.organization.map(|id| id.0),
        organization,
        grant_id: event.grant.map(|id| id.0),
        source: event.source,
        before: event.before.as_deref().and_then(object),
        after: event.after.as_deref().and_then(object),
        detail: event.detail.as_deref().and_then(object),
    }
}

fn object(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}
