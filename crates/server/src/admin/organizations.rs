//! Organizations and their members.

use super::deletion::Deletion;
use super::failure::Failure;
use super::request::{self, AdminResult, Created, Json, Query};
use super::{find, moment};
use crate::apps::registration::{ExternalOrganizationId, Slug};
use crate::audit::Who;
use crate::http::paging::{Cursor, List, PageQuery};
use crate::organizations::MOST_MEMBERSHIPS;
use crate::random;
use crate::serve::hallpass::Hallpass;
use crate::store::StoreError;
use crate::store::model::{
    AuditAction, AuditEvent, Member, Membership, Organization, OrganizationId, OrganizationKind, OrganizationUpdate,
    Role, Status, UserId,
};
use axum::Extension;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// The number of members in the answer about one organization.
const SHOWN: u32 = 100;

/// A new organization.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOrganization {
    slug: String,
    /// If left out: the slug.
    name: Option<String>,
    kind: Option<OrganizationKind>,
    /// The site's own id of it.
    external_id: Option<String>,
}

/// The changes to an organization. Members that are left out stay.
#[derive(Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OrganizationChanges {
    name: Option<String>,
    kind: Option<OrganizationKind>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRole {
    role: Role,
}

/// An organization, as answers show it.
#[derive(Serialize, ToSchema)]
#[schema(as = Organization)]
pub(super) struct OrganizationView {
    id: OrganizationId,
    slug: String,
    /// The site's own id of it. Null if the operator made it.
    external_id: Option<String>,
    name: String,
    kind: OrganizationKind,
    hidden: bool,
    status: Status,
    #[schema(format = DateTime)]
    created: String,
    /// The unknown word because of which it counts as suspended.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
    /// The first members. Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<Vec<MemberView>>,
    /// If there are more members, the `after` for their list.
    #[serde(skip_serializing_if = "Option::is_none")]
    more_members_after: Option<Cursor>,
}

/// A page of organizations.
#[derive(Serialize, ToSchema)]
pub(super) struct Organizations {
    organizations: Vec<OrganizationView>,
    /// Null on the last page.
    #[schema(required)]
    next: Option<Cursor>,
}

/// A page of members.
#[derive(Serialize, ToSchema)]
pub(super) struct Members {
    members: Vec<MemberView>,
    /// Null on the last page.
    #[schema(required)]
    next: Option<Cursor>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Member)]
struct MemberView {
    id: UserId,
    email: String,
    name: String,
    role: String,
}

/// Lists organizations by slug.
#[utoipa::path(get, path = "/organizations", operation_id = "list_organizations", params(PageQuery))]
pub(super) async fn list(
    State(hallpass): State<Arc<Hallpass>>,
    Query(asked): Query<PageQuery>,
) -> AdminResult<Organizations> {
    let list = List::named("organizations");
    let after: String = list.key(asked.after.as_ref())?.unwrap_or_default();
    let found = hallpass.store.organizations(&after, asked.limit.get()).await?;
    let (organizations, next) = list.shown(found, view);
    Ok(Json(Organizations { organizations, next }))
}

/// Lists the members of an organization, oldest first.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/members",
    operation_id = "list_members",
    params(PageQuery)
)]
pub(super) async fn members(
    State(hallpass): State<Arc<Hallpass>>,
    Path(name): Path<String>,
    Query(asked): Query<PageQuery>,
) -> AdminResult<Members> {
    let organization = find::organization(&hallpass, &name).await?.id;
    let list = members_of(organization);
    let after = list.key(asked.after.as_ref())?.map(|id: Uuid| UserId(id));
    let limit = asked.limit.get();
    let found = hallpass.store.members(organization, after, limit).await?;
    let (members, next) = list.shown(found, member_view);
    Ok(Json(Members { members, next }))
}

fn members_of(organization: OrganizationId) -> List {
    List::of("members", organization)
}

/// Shows an organization with its first members.
#[utoipa::path(get, path = "/organizations/{organization}", operation_id = "show_organization")]
pub(super) async fn show(
    State(hallpass): State<Arc<Hallpass>>,
    Path(name): Path<String>,
) -> AdminResult<OrganizationView> {
    shown(&hallpass, &name).await.map(Json)
}

/// Creates an organization.
#[utoipa::path(post, path = "/organizations", operation_id = "create_organization")]
pub(super) async fn create(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Json(wanted): Json<NewOrganization>,
) -> Result<Created<OrganizationView>, Failure> {
    let now = hallpass.now();
    let slug = Slug::parse(&wanted.slug).map_err(|error| Failure::invalid(format!("slug: {error}")))?;
    let slug = String::from(slug);
    let name = wanted.name.as_deref().unwrap_or(&slug);
    let external_id = wanted.external_id.as_deref().map(ExternalOrganizationId::parse);
    let external_id = external_id
        .transpose()
        .map_err(|error| Failure::invalid(format!("external_id: {error}")))?
        .map(String::from);
    let organization = Organization {
        id: OrganizationId(random::uuid(now)),
        slug: slug.clone(),
        external_id,
        name: request::name(name)?,
        kind: wanted.kind.unwrap_or(OrganizationKind::Live),
        hidden: false,
        status: Status::Active,
        created: now,
        unknown: None,
    };
    let event = who.did(AuditAction::OrganizationCreated, now);
    let event = event.organization(organization.id).after(&organization);
    match hallpass.store.recording(event).create_organization(organization).await {
        Err(StoreError::Taken(_)) => {
            let text = format!("there is an organization {slug:?} already, or one with this external_id");
            return Err(Failure::taken(text));
        }
        Err(StoreError::Conflict) => {
            let text = "another organization has this slug as its external_id, or this external_id as its slug: APIs could not \
                        tell them apart";
            return Err(Failure::taken(text.to_owned()));
        }
        made => made?,
    }
    shown(&hallpass, &slug).await.map(Created)
}

/// Changes an organization.
#[utoipa::path(patch, path = "/organizations/{organization}", operation_id = "change_organization")]
pub(super) async fn change(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Json(changes): Json<OrganizationChanges>,
) -> AdminResult<OrganizationView> {
    if changes == OrganizationChanges::default() {
        return Err(Failure::invalid("nothing is to be changed: name `name` or `kind`"));
    }
    let update = OrganizationUpdate {
        name: changes.name.as_deref().map(request::name).transpose()?,
        kind: changes.kind,
        ..OrganizationUpdate::default()
    };
    let event = who.did(AuditAction::OrganizationChanged, hallpass.now());
    update_organization(&hallpass, &name, update, event).await.map(Json)
}

/// Shows what the deletion of an organization would end.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/deletion",
    operation_id = "foresee_organization_deletion"
)]
pub(super) async fn deletion(State(hallpass): State<Arc<Hallpass>>, Path(name): Path<String>) -> AdminResult<Deletion> {
    let organization = find::organization(&hallpass, &name).await?;
    Ok(Json(judged(&hallpass, &organization).await?))
}

/// Deletes an organization: its memberships and the grants that its people gave there end.
#[utoipa::path(delete, path = "/organizations/{organization}", operation_id = "delete_organization")]
pub(super) async fn delete(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> AdminResult<Deletion> {
    let now = hallpass.now();
    let organization = find::organization(&hallpass, &name).await?;
    let deletion = judged(&hallpass, &organization).await?;
    let event = who.did(AuditAction::OrganizationDeleted, now);
    let event = event.organization(organization.id).before(&organization);
    let store = hallpass.store.recording(event);
    store.delete_organization(&organization, now).await?;
    Ok(Json(deletion.done()))
}

/// An organization that owns apps is not deleted, because nobody asked to delete these apps.
async fn judged(hallpass: &Hallpass, organization: &Organization) -> Result<Deletion, Failure> {
    if organization.slug == hallpass.config.defaults.organization {
        return Err(Failure::conflict(
            "everybody belongs to the default organization: it cannot be deleted",
        ));
    }
    let deletion = Deletion::of_organization(hallpass, organization).await?;
    if deletion.apps() > 0 {
        let slug = &organization.slug;
        let text = format!("apps belong to {slug:?}: delete them, or give them to another organization, first");
        return Err(Failure::conflict(text));
    }
    Ok(deletion)
}

/// Adds a member, or changes the role of one.
#[utoipa::path(
    put,
    path = "/organizations/{organization}/members/{user}",
    operation_id = "set_member"
)]
pub(super) async fn set_member(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path((name, email)): Path<(String, String)>,
    Json(NewRole { role }): Json<NewRole>,
) -> AdminResult<OrganizationView> {
    let now = hallpass.now();
    let organization = find::organization(&hallpass, &name).await?;
    check_role(&organization, role)?;
    let organization = organization.id;
    let user = find::user(&hallpass, &email).await?;
    let is_new = user.memberships.iter().all(|one| one.organization != organization);
    if is_new && user.memberships.len() >= MOST_MEMBERSHIPS {
        let text =
            format!("a person has at most {MOST_MEMBERSHIPS} organizations: remove {email:?} from another one first");
        return Err(Failure::conflict(text));
    }
    let event = who.did(AuditAction::MemberSet, now).member(&user, organization);
    let event = event.after(&json!({ "role": role }));
    let store = hallpass.store.recording(event.if_different());
    let membership = Membership { organization, role };
    store.add_membership(user.id, membership, now).await?;
    shown(&hallpass, &name).await.map(Json)
}

/// Removes a member. The grants that the person gave there are paused, and end after 30 days.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}/members/{user}",
    operation_id = "remove_member"
)]
pub(super) async fn remove_member(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path((name, email)): Path<(String, String)>,
) -> AdminResult<OrganizationView> {
    let now = hallpass.now();
    let organization = find::organization(&hallpass, &name).await?.id;
    let user = find::user(&hallpass, &email).await?;
    let mut memberships = user.memberships.iter();
    if !memberships.any(|membership| membership.organization == organization) {
        return Err(Failure::not_found(format!("{email:?} is no member of {name:?}")));
    }
    let event = who.did(AuditAction::MemberRemoved, now).member(&user, organization);
    let store = hallpass.store.recording(event);
    store.remove_membership(user.id, organization, now).await?;
    shown(&hallpass, &name).await.map(Json)
}

/// In the hidden default organization everybody is a member. Another role would have no effect there (decision 37).
pub(super) fn check_role(organization: &Organization, role: Role) -> Result<(), Failure> {
    if organization.hidden && role != Role::Member {
        let text = format!(
            "role: in the hidden default organization everybody is a member, not {role}; set `developer` of the person instead"
        );
        return Err(Failure::invalid(text));
    }
    Ok(())
}

pub(super) async fn update_organization(
    hallpass: &Hallpass,
    name: &str,
    update: OrganizationUpdate,
    event: AuditEvent,
) -> Result<OrganizationView, Failure> {
    let now = event.at;
    let organization = find::organization(hallpass, name).await?;
    let event = event.organization(organization.id).change(&organization, &update);
    let store = hallpass.store.recording(event.if_different());
    store.update_organization(organization.id, update, now).await?;
    shown(hallpass, name).await
}

/// The organization as it is now.
async fn shown(hallpass: &Hallpass, name: &str) -> Result<OrganizationView, Failure> {
    let organization = find::organization(hallpass, name).await?;
    let found = hallpass.store.members(organization.id, None, SHOWN).await?;
    let (members, next) = members_of(organization.id).shown(found, member_view);
    Ok(OrganizationView {
        members: Some(members),
        more_members_after: next,
        ..view(organization)
    })
}

fn member_view(member: Member) -> MemberView {
    MemberView {
        id: member.user,
        email: member.label,
        name: member.name,
        role: member.word,
    }
}

fn view(organization: Organization) -> OrganizationView {
    OrganizationView {
        id: organization.id,
        slug: organization.slug,
        external_id: organization.external_id,
        name: organization.name,
        kind: organization.kind,
        hidden: organization.hidden,
        status: organization.status,
        created: moment::text(organization.created),
        unknown: organization.unknown.map(|unknown| unknown.to_string()),
        members: None,
        more_members_after: None,
    }
}
