//! The operator lists, shows and ends grants.

use super::failure::Failure;
use super::request::{AdminResult, Json, Query};
use super::{find, moment};
use crate::audit::Who;
use crate::http::paging::{Cursor, Limit, List};
use crate::serve::hallpass::Hallpass;
use crate::store::if_readable;
use crate::store::model::{ActsAs, EndReason, GrantFilter, GrantId, GrantState as Life, ListedGrant};
use axum::Extension;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Only grants of this person: login address, id of the site, or id.
    user: Option<String>,
    /// Only grants for this app: its client id or id.
    app: Option<String>,
    /// Only grants in this organization: its slug or id.
    organization: Option<String>,
    /// Only grants in this state.
    #[param(inline)]
    state: Option<Life>,
    /// The largest number of objects in the answer.
    #[serde(default)]
    #[param(inline, required = false)]
    limit: Limit,
    /// The `next` of the page before.
    #[param(inline)]
    after: Option<Cursor>,
}

/// A page of grants.
#[derive(Serialize, ToSchema)]
pub(super) struct Grants {
    grants: Vec<GrantView>,
    /// Null on the last page.
    #[schema(required)]
    next: Option<Cursor>,
}

/// A grant, as answers show it.
#[derive(Serialize, ToSchema)]
#[schema(as = Grant)]
pub(super) struct GrantView {
    id: GrantId,
    user: String,
    app: String,
    app_name: String,
    organization: String,
    /// Whose the grant is: the person's, or the organization's, in which case the person set it up.
    acts_as: ActsAs,
    state: Life,
    scopes: Vec<String>,
    refreshes: u32,
    #[schema(format = DateTime)]
    created: String,
    #[schema(required, format = DateTime)]
    last_used: Option<String>,
    #[schema(required, format = DateTime)]
    expires: Option<String>,
    #[schema(required, format = DateTime)]
    ended: Option<String>,
    #[schema(required)]
    reason: Option<EndReason>,
    /// Why it may not act.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
}

/// Lists grants, newest first.
#[utoipa::path(get, path = "/grants", operation_id = "list_grants", params(Filter))]
pub(super) async fn list(State(hallpass): State<Arc<Hallpass>>, Query(filter): Query<Filter>) -> AdminResult<Grants> {
    let list = List::named("grants");
    let after = list.key(filter.after.as_ref())?.map(|id: Uuid| GrantId(id));
    let filter = judged(&hallpass, filter, after).await?;
    let found = hallpass.store.listed_grants(filter).await?;
    let (grants, next) = list.shown(found, |listed| view(&hallpass, listed));
    Ok(Json(Grants { grants, next }))
}

/// Shows a grant.
#[utoipa::path(get, path = "/grants/{grant}", operation_id = "show_grant")]
pub(super) async fn show(State(hallpass): State<Arc<Hallpass>>, Path(name): Path<String>) -> AdminResult<GrantView> {
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
    Ok(Json(view(&hallpass, listed)))
}

/// Ends a grant.
///
/// Code, refresh and access tokens stop working at once. A grant that has ended stays as it is.
#[utoipa::path(post, path = "/grants/{grant}/end", operation_id = "end_grant")]
pub(super) async fn end(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> AdminResult<GrantView> {
    let now = hallpass.now();
    let grant = find::grant(&hallpass, &name).await?;
    let reason = EndReason::ByOperator;
    let store = hallpass.store.recording(who.ended(reason, now));
    store.end(grant.id, reason, now).await?;
    show(State(hallpass), Path(name)).await
}

async fn judged(hallpass: &Hallpass, filter: Filter, after: Option<GrantId>) -> Result<GrantFilter, Failure> {
    let mut judged = GrantFilter {
        after,
        limit: filter.limit.get(),
        state: filter.state,
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
        acts_as: grant.acts_as,
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
