//! Grants: looked at and ended by the operator.

use super::failure::Failure;
use super::request::{Answer, json, query};
use super::{find, moment};
use crate::app::Hallpass;
use crate::audit::Who;
use crate::store::if_readable;
use crate::store::model::{EndReason, Grant, GrantFilter, GrantId, State as Life};
use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many are listed where nothing is said, and at most.
const USUAL: u32 = 100;
const MOST: u32 = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    user: Option<String>,
    app: Option<String>,
    organization: Option<String>,
    state: Option<String>,
    limit: Option<String>,
}

/// A grant as it is told of.
#[derive(Serialize)]
struct GrantView {
    id: GrantId,
    user: String,
    app: String,
    app_name: String,
    organization: String,
    state: Life,
    scopes: Vec<String>,
    refreshes: u32,
    created: String,
    last_used: Option<String>,
    expires: Option<String>,
    ended: Option<String>,
    reason: Option<EndReason>,
    /// Why it may not act.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
}

/// `GET /grants`: the newest first.
pub(super) async fn list(State(hallpass): State<Arc<Hallpass>>, RawQuery(sent): RawQuery) -> Answer {
    let filter = judged(&hallpass, query(sent.as_deref())?).await?;
    let mut views = Vec::new();
    for grant in hallpass.store.grants(filter).await? {
        views.push(view(&hallpass, grant).await?);
    }
    json(200, &BTreeMap::from([("grants", views)]))
}

/// `GET /grants/{grant}`.
pub(super) async fn show(State(hallpass): State<Arc<Hallpass>>, Path(name): Path<String>) -> Answer {
    let grant = find::grant(&hallpass, &name).await?;
    json(200, &view(&hallpass, grant).await?)
}

/// `POST /grants/{grant}/end`: code, refresh and access tokens are over at once. One that has ended stays as it is.
pub(super) async fn end(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Answer {
    let now = hallpass.now();
    let grant = find::grant(&hallpass, &name).await?;
    let reason = EndReason::ByOperator;
    let store = hallpass.store.recording(who.ended(reason, now));
    store.end(grant.id, reason, now).await?;
    show(State(hallpass), Path(name)).await
}

async fn judged(hallpass: &Hallpass, filter: Filter) -> Result<GrantFilter, Failure> {
    let mut judged = GrantFilter {
        limit: filter.limit.as_deref().map_or(Ok(USUAL), limit)?,
        state: filter.state.as_deref().map(state).transpose()?,
        ..GrantFilter::default()
    };
    if let Some(name) = filter.user {
        judged.user = Some(find::user(hallpass, &name).await?.id);
    }
    if let Some(name) = filter.app {
        judged.app = Some(find::app(hallpass, &name).await?.id);
    }
    if let Some(name) = filter.organization {
        judged.organization = Some(find::organization(hallpass, &name).await?.id);
    }
    Ok(judged)
}

fn limit(text: &str) -> Result<u32, Failure> {
    let number = text.parse().ok().filter(|number| (1..=MOST).contains(number));
    number.ok_or_else(|| Failure::invalid(format!("limit: expected a number from 1 to {MOST}")))
}

fn state(text: &str) -> Result<Life, Failure> {
    match text {
        "pending" => Ok(Life::Pending),
        "active" => Ok(Life::Active),
        "ended" => Ok(Life::Ended),
        _ => Err(Failure::invalid("state: expected pending, active or ended")),
    }
}

async fn view(hallpass: &Hallpass, mut grant: Grant) -> Result<GrantView, Failure> {
    // Its row is told when its token comes.
    if grant.state != Life::Ended && hallpass.keys.ring().is_revoked(grant.key) {
        (grant.state, grant.reason) = (Life::Ended, Some(EndReason::KeyRevoked));
    }
    // What is gone is told by its id: a list does not fail for one row.
    let user = if_readable(hallpass.user(grant.user).await)?;
    let client = if_readable(hallpass.client_by_id(grant.app).await)?;
    let organization = if_readable(hallpass.organization(grant.organization).await)?;
    let app = client.as_ref().map(|client| &client.app);
    Ok(GrantView {
        id: grant.id,
        user: user.map_or_else(|| grant.user.to_string(), |user| user.label().into_owned()),
        app: app.map_or_else(|| grant.app.to_string(), |app| app.client_id.clone()),
        app_name: app.map(|app| app.name.clone()).unwrap_or_default(),
        organization: organization.map_or_else(|| grant.organization.to_string(), |one| one.slug.clone()),
        state: grant.state,
        scopes: grant.scopes.iter().map(ToString::to_string).collect(),
        refreshes: grant.generation.saturating_sub(1),
        created: moment::text(grant.created),
        last_used: grant.last_used.map(moment::text),
        expires: grant.expires.map(moment::text),
        ended: grant.ended_at.map(moment::text),
        reason: grant.reason,
        unknown: grant.unknown.map(|unknown| unknown.to_string()),
    })
}
