//! `GET /handover/people/{subject}/export`: everything that is kept about a person, for their request to see it.

use super::failure::Failure;
use super::grants::{locale, view as grant_view};
use super::person::{AboutPerson, view};
use crate::http::respond;
use crate::http::respond::Response;
use crate::serve::hallpass::Hallpass;
use crate::store::model::{AuditCursor, AuditFilter, GrantFilter, KeptMembership, ListedEvent, User};
use crate::time::Instant;
use crate::web::view::Locale;
use serde_json::{Value, json};

/// The most grants and the most events.
const MOST: u32 = 1_000;

/// `GET /handover/people/{subject}/export`.
pub(super) async fn export(about: AboutPerson) -> Result<Response, Failure> {
    let AboutPerson {
        hallpass,
        parts,
        now,
        user,
        ..
    } = about;
    let store = &hallpass.store;
    let record = store.site_record(&user.subject()).await?;
    let mut person = view(&user, record, &[]);
    person["id"] = json!(user.id);
    person["number"] = user.number.into();
    person["developer"] = user.developer.into();
    let memberships = store.kept_memberships(user.id).await?;
    person["organizations"] = memberships.iter().map(membership).collect();
    let (grants, more_grants) = grants(&hallpass, &user, locale(&parts)).await?;
    let (events, more_events) = events(&hallpass, &user).await?;
    let sessions = store.kept_sessions(user.id).await?;
    let sign_ins = store.kept_sign_ins(user.id).await?;
    let apps = store.kept_apps(user.id).await?;
    let body = json!({
        "exported": now.rfc3339(),
        "person": person,
        "sessions": sessions.iter().map(|session| json!({
            "kind": session.kind,
            "created": session.created.rfc3339(),
            "expires": session.expires.rfc3339(),
            "auth_time": session.auth_time.map(Instant::rfc3339),
        })).collect::<Value>(),
        "sign_ins": sign_ins.iter().map(|sign_in| json!({
            "accepted": sign_in.accepted.rfc3339(),
            "arrived": sign_in.spent.map(Instant::rfc3339),
            "auth_time": sign_in.auth_time.map(Instant::rfc3339),
            "acr": sign_in.acr,
            "amr": sign_in.amr,
        })).collect::<Value>(),
        "grants": grants,
        "apps": apps.iter().map(|app| json!({
            "client_id": app.client_id,
            "name": app.name,
            "role": if app.owned { "owner" } else { "team" },
        })).collect::<Value>(),
        "events": events,
        "complete": !more_grants && !more_events,
    });
    Ok(respond::json(200, body.to_string()))
}

fn membership(membership: &KeptMembership) -> Value {
    json!({
        "id": membership.external_id.as_ref().unwrap_or(&membership.slug),
        "name": membership.name,
        "role": membership.role,
        "ended": membership.ended.map(Instant::rfc3339),
    })
}

/// The grants, with those that ended and those of an organization that this person set up. Whether there are more.
async fn grants(hallpass: &Hallpass, user: &User, locale: Locale) -> Result<(Vec<Value>, bool), Failure> {
    let filter = GrantFilter {
        user: Some(user.id),
        limit: MOST,
        ..GrantFilter::default()
    };
    let page = hallpass.store.listed_grants(filter).await?;
    let mut grants = Vec::with_capacity(page.items.len());
    for listed in page.items {
        let grant = &listed.grant;
        if let Some(mut shown) = grant_view(hallpass, user, grant, locale).await? {
            shown["ended"] = grant.ended_at.map(Instant::rfc3339).into();
            shown["reason"] = json!(grant.reason);
            grants.push(shown);
        }
    }
    Ok((grants, page.next.is_some()))
}

/// The events of the audit log about the person, the newest first. Whether there are more.
async fn events(hallpass: &Hallpass, user: &User) -> Result<(Vec<Value>, bool), Failure> {
    let filter = AuditFilter {
        app: None,
        user: Some(user.id),
        organization: None,
        from: AuditCursor::Newest,
        limit: MOST,
    };
    let page = hallpass.store.listed_events(filter).await?;
    Ok((page.items.iter().map(event).collect(), page.next.is_some()))
}

fn event(listed: &ListedEvent) -> Value {
    let event = &listed.event;
    let members = |text: &Option<String>| -> Value {
        let text = text.as_deref().unwrap_or("null");
        serde_json::from_str(text).unwrap_or_default()
    };
    json!({
        "at": event.at.rfc3339(),
        "actor": event.actor,
        "action": event.action,
        "client_id": listed.client_id,
        "source": event.source,
        "before": members(&event.before),
        "after": members(&event.after),
        "detail": members(&event.detail),
    })
}
