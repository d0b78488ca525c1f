//! The operator lists, shows and ends grants.

use super::failure::Failure;
use super::request::{Answer, json, key, limit, page, query};
use super::{find, moment};
use crate::audit::Who;
use crate::serve::hallpass::Hallpass;
use crate::store::if_readable;
use crate::store::model::{EndReason, GrantFilter, GrantId, GrantState as Life, ListedGrant};
use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    user: Option<String>,
    app: Option<String>,
    organization: Option<String>,
    state: Option<String>,
    /// The last grant of the previous page.
    after: Option<String>,
    limit: Option<String>,
}

/// A grant, as answers show it.
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

/// `GET /grants`: newest first.
pub(super) async fn list(State(hallpass): State<Arc<Hallpass>>, RawQuery(sent): RawQuery) -> Answer {
    let filter = judged(&hallpass, query(sent.as_deref())?).await?;
    let found = hallpass.store.listed_grants(filter).await?;
    let listed = found.items.into_iter();
    let views: Vec<_> = listed.map(|listed| view(&hallpass, listed)).collect();
    page("grants", &views, found.next.map(|id| id.to_string()))
}

/// `GET /grants/{grant}`.
pub(super) async fn show(State(hallpass): State<Arc<Hallpass>>, Path(name): Path<String>) -> Answer {
    let grant = find::grant(&hallpass, &name).await?;
    // What is gone is told by its id.
    let user = if_readable(hallpass.directory.user(grant.user).await)?;
    let client = if_readable(hallpass.directory.client_by_id(grant.app).await)?;
    let organization = if_readable(hallpass.directory.organization(grant.organization).await)?;
    let listed = ListedGrant {
        grant,
        user: user.map(|user| user.label().into_owned()),
        client_id: client.as_ref().map(|client| client.app.client_id.clone()),
        app_name: client.map(|client| client.app.name.clone()),
        organization: organization.map(|one| one.slug.clone()),
    };
    json(200, &view(&hallpass, listed))
}

/// `POST /grants/{grant}/end`: code, refresh and access tokens stop working at once. A grant that has ended stays as it is.
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
        after: key("after", filter.after.as_deref())?.map(GrantId),
        limit: limit(filter.limit.as_deref())?,
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

fn state(text: &str) -> Result<Life, Failure> {
    match text {
        "pending" => Ok(Life::Pending),
        "active" => Ok(Life::Active),
        "ended" => Ok(Life::Ended),
        _ => Err(Failure::invalid("state: expected pending, active or ended")),
    }
}

fn view(hallpass: &Hallpass, listed: ListedGrant) -> GrantView {
    let ListedGrant {
        mut grant,
        user,
        client_id,
        app_name,
        organization,
    } = listed;
    // Its row is told when its token comes.
    if grant.state != Life::Ended && hallpass.keys.ring().is_revoked(grant.key) {
        (grant.state, grant.reason) = (Life::Ended, Some(EndReason::KeyRevoked));
    }
    GrantView {
        id: grant.id,
        user: user.unwrap_or_else(|| grant.user.to_string()),
        app: client_id.unwrap_or_else(|| grant.app.to_string()),
        app_name: app_name.unwrap_or_default(),
        organization: organization.unwrap_or_else(|| grant.organization.to_string()),
        state: grant.state,
        scopes: grant.scopes.iter().map(ToString::to_string).collect(),
        refreshes: grant.generation.saturating_sub(1),
        created: moment::text(grant.created),
        last_used: grant.last_used.map(moment::text),
        expires: grant.expires.map(moment::text),
        ended: grant.ended_at.map(moment::text),
        reason: grant.reason,
        unknown: grant.unknown.map(|unknown| unknown.to_string()),
    }
}
