//! The operator's changes, for the record.

use crate::app::Hallpass;
use crate::random;
use crate::store::model::{AppId, AuditEvent, AuditEventId, GrantId, OrganizationId, UserId};
use crate::time::Instant;
use serde_json::Value;

/// What was done, and to what.
#[derive(Default)]
pub(super) struct Event {
    pub(super) action: &'static str,
    pub(super) app: Option<AppId>,
    pub(super) user: Option<UserId>,
    pub(super) organization: Option<OrganizationId>,
    pub(super) grant: Option<GrantId>,
    /// Never a secret.
    pub(super) detail: Option<Value>,
}

/// Appends an event. The change is made by then: an answer that said otherwise because of the log would be wrong, and would
/// lose a secret that is shown only once.
pub(super) async fn record(hallpass: &Hallpass, now: Instant, event: Event) {
    let action = event.action;
    let event = AuditEvent {
        id: AuditEventId(random::uuid(now)),
        at: now,
        actor: "operator".to_owned(),
        action: action.to_owned(),
        app: event.app,
        user: event.user,
        organization: event.organization,
        grant: event.grant,
        detail: event.detail.map(|detail| detail.to_string()),
    };
    if let Err(error) = hallpass.store.append_audit(event).await {
        tracing::error!(%error, action, "an event is missing in the audit log");
    }
}
