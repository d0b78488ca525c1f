//! The audit log, read in pages.

use super::failure::Failure;
use super::request::{AdminResult, Json, Query};
use super::{find, moment};
use crate::http::paging::{Cursor, Limit, List};
use crate::serve::hallpass::Hallpass;
use crate::store::model::{
    AppId, AuditCursor, AuditEventId, AuditFilter, GrantId, ListedEvent, OrganizationId, UserId,
};
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Only events about this app: its client id or id.
    app: Option<String>,
    /// Only events about this person: login address, id of the site, or id.
    user: Option<String>,
    /// Only events about this organization: its slug or id.
    organization: Option<String>,
    /// Only events older than the one with this id, newest first.
    #[param(format = Uuid)]
    before: Option<String>,
    /// Only events newer than the one with this id, oldest first.
    #[param(format = Uuid)]
    since: Option<String>,
    /// The largest number of objects in the answer.
    #[serde(default)]
    #[param(inline, required = false)]
    limit: Limit,
    /// The `next` of the page before.
    #[param(inline)]
    after: Option<Cursor>,
}

/// An event, with the present names. For a deleted object only the id is left.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub(super) struct EventView {
    id: AuditEventId,
    #[schema(format = DateTime)]
    at: String,
    actor: String,
    action: String,
    #[schema(required)]
    app_id: Option<AppId>,
    #[schema(required)]
    client_id: Option<String>,
    #[schema(required)]
    user_id: Option<UserId>,
    #[schema(required)]
    user: Option<String>,
    #[schema(required)]
    organization_id: Option<OrganizationId>,
    #[schema(required)]
    organization: Option<String>,
    #[schema(required)]
    grant_id: Option<GrantId>,
    #[schema(required)]
    source: Option<String>,
    #[schema(required)]
    before: Option<Value>,
    #[schema(required)]
    after: Option<Value>,
    #[schema(required)]
    detail: Option<Value>,
}

/// A page of events.
#[derive(Serialize, ToSchema)]
pub(super) struct Events {
    events: Vec<EventView>,
    /// Null on the last page.
    #[schema(required)]
    next: Option<Cursor>,
}

/// Lists events, newest first. With `since`, oldest first.
#[utoipa::path(get, path = "/audit", operation_id = "list_events", params(Filter))]
pub(super) async fn list(State(hallpass): State<Arc<Hallpass>>, Query(filter): Query<Filter>) -> AdminResult<Events> {
    // A cursor of one direction would skip events in the other one.
    let list = List::named(if filter.since.is_some() { "audit since" } else { "audit" });
    let after = list.key(filter.after.as_ref())?.map(AuditEventId);
    let filter = judged(&hallpass, filter, after).await?;
    let found = hallpass.store.listed_events(filter).await?;
    let (events, next) = list.shown(found, view);
    Ok(Json(Events { events, next }))
}

/// Shows an event.
#[utoipa::path(get, path = "/audit/{event}", operation_id = "show_event")]
pub(super) async fn show(State(hallpass): State<Arc<Hallpass>>, Path(name): Path<String>) -> AdminResult<EventView> {
    let found = match Uuid::try_parse(&name) {
        Ok(id) => hallpass.store.audit_event(AuditEventId(id)).await?,
        Err(_) => None,
    };
    let event = found.ok_or_else(|| Failure::not_found(format!("there is no event {name:?}")))?;
    Ok(Json(view(event)))
}

/// A page after the first one begins at the cursor, which is beyond `before` or `since`.
async fn judged(hallpass: &Hallpass, filter: Filter, after: Option<AuditEventId>) -> Result<AuditFilter, Failure> {
    let from = match (filter.before, filter.since) {
        (None, None) => after.map_or(AuditCursor::Newest, AuditCursor::Before),
        (Some(before), None) => {
            let before = event("before", &before)?;
            AuditCursor::Before(after.map_or(before, |after| after.min(before)))
        }
        (None, Some(since)) => {
            let since = event("since", &since)?;
            AuditCursor::After(after.map_or(since, |after| after.max(since)))
        }
        (Some(_), Some(_)) => return Err(Failure::invalid("give `before` or `since`, not both")),
    };
    let mut judged = AuditFilter {
        from,
        limit: filter.limit.get(),
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
        app_id: event.app,
        client_id,
        user_id: event.user,
        user,
        organization_id: event.organization,
        organization,
        grant_id: event.grant,
        source: event.source,
        before: event.before.as_deref().and_then(object),
        after: event.after.as_deref().and_then(object),
        detail: event.detail.as_deref().and_then(object),
    }
}

fn object(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}
