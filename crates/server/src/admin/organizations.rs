//! Organizations and their members.

use super::deletion::Deletion;
use super::failure::Failure;
use super::request::{self, Answer, body, json, key, limit, page, query};
use super::{find, moment};
use crate::apps::registration::Slug;
use crate::audit::Who;
use crate::random;
use crate::serve::hallpass::Hallpass;
use crate::store::StoreError;
use crate::store::model::{
    AuditAction, AuditEvent, Member, Membership, Organization, OrganizationId, OrganizationKind, OrganizationUpdate,
    Role, Status, UserId,
};
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// The number of members in the answer about one organization.
const SHOWN: u32 = 100;

/// A new organization.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOrganization {
    slug: String,
    /// If left out: the slug.
    name: Option<String>,
    kind: Option<OrganizationKind>,
}

/// The changes to an organization. Members that are left out stay.
#[derive(Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    name: Option<String>,
    kind: Option<OrganizationKind>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRole {
    role: Role,
}

/// An organization, as answers show it.
#[derive(Serialize)]
struct OrganizationView {
    id: OrganizationId,
    slug: String,
    name: String,
    kind: OrganizationKind,
    hidden: bool,
    status: Status,
    created: String,
    /// The unknown word because of which it counts as suspended.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
    /// The first members. Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<Vec<MemberView>>,
    /// If there are more members, the `after` for their list.
    #[serde(skip_serializing_if = "Option::is_none")]
    more_members_after: Option<UserId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    /// The last key of the previous page.
    after: Option<String>,
    limit: Option<String>,
}

#[derive(Serialize)]
struct MemberView {
    id: UserId,
    email: String,
    name: String,
    role: String,
}

/// `GET /organizations`: by slug.
pub(super) async fn list(State(hallpass): State<Arc<Hallpass>>, RawQuery(sent): RawQuery) -> Answer {
    let filter: Filter = query(sent.as_deref())?;
    let (after, limit) = (filter.after.unwrap_or_default(), limit(filter.limit.as_deref())?);
    let found = hallpass.store.organizations(&after, limit).await?;
    let views: Vec<_> = found.items.into_iter().map(view).collect();
    page("organizations", &views, found.next)
}

/// `GET /organizations/{organization}/members`, oldest first.
pub(super) async fn members(
    State(hallpass): State<Arc<Hallpass>>,
    Path(name): Path<String>,
    RawQuery(sent): RawQuery,
) -> Answer {
    let filter: Filter = query(sent.as_deref())?;
    let after = key("after", filter.after.as_deref())?.map(UserId);
    let limit = limit(filter.limit.as_deref())?;
    let organization = find::organization(&hallpass, &name).await?;
    let found = hallpass.store.members(organization.id, after, limit).await?;
    let views: Vec<_> = found.items.into_iter().map(member_view).collect();
    page("members", &views, found.next.map(|id| id.to_string()))
}

/// `GET /organizations/{organization}`.
pub(super) async fn show(State(hallpass): State<Arc<Hallpass>>, Path(name): Path<String>) -> Answer {
    shown(&hallpass, 200, &name).await
}

/// `POST /organizations`.
pub(super) async fn create(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    sent: Body,
) -> Answer {
    let now = hallpass.now();
    let wanted: NewOrganization = body(sent).await?;
    let slug = Slug::parse(&wanted.slug).map_err(|error| Failure::invalid(format!("slug: {error}")))?;
    let slug = String::from(slug);
    let name = wanted.name.as_deref().unwrap_or(&slug);
    let organization = Organization {
        id: OrganizationId(random::uuid(now)),
        slug: slug.clone(),
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
            let text = format!("there is an organization {slug:?} already");
            return Err(Failure::taken(text));
        }
        made => made?,
    }
    shown(&hallpass, 201, &slug).await
}

/// `PATCH /organizations/{organization}`.
pub(super) async fn change(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    sent: Body,
) -> Answer {
    let changes: Changes = body(sent).await?;
    if changes == Changes::default() {
        return Err(Failure::invalid("nothing is to be changed: name `name` or `kind`"));
    }
    let update = OrganizationUpdate {
        name: changes.name.as_deref().map(request::name).transpose()?,
        kind: changes.kind,
        ..OrganizationUpdate::default()
    };
    let event = who.did(AuditAction::OrganizationChanged, hallpass.now());
    update_organization(&hallpass, &name, update, event).await
}

/// `GET /organizations/{organization}/deletion`: what the deletion would end.
pub(super) async fn deletion(State(hallpass): State<Arc<Hallpass>>, Path(name): Path<String>) -> Answer {
    let organization = find::organization(&hallpass, &name).await?;
    json(200, &judged(&hallpass, &organization).await?)
}

/// `DELETE /organizations/{organization}`: its memberships and the grants that its people gave there end.
pub(super) async fn delete(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Answer {
    let now = hallpass.now();
    let organization = find::organization(&hallpass, &name).await?;
    let deletion = judged(&hallpass, &organization).await?;
    let event = who.did(AuditAction::OrganizationDeleted, now);
    let event = event.organization(organization.id).before(&organization);
    let store = hallpass.store.recording(event);
    store.delete_organization(&organization, now).await?;
    json(200, &deletion.done())
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

/// `PUT /organizations/{organization}/members/{user}`: adds a member, or changes the role of one.
pub(super) async fn set_member(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path((name, email)): Path<(String, String)>,
    sent: Body,
) -> Answer {
    let now = hallpass.now();
    let NewRole { role } = body(sent).await?;
    let organization = find::organization(&hallpass, &name).await?;
    check_role(&organization, role)?;
    let organization = organization.id;
    let user = find::user(&hallpass, &email).await?;
    let event = who.did(AuditAction::MemberSet, now).member(&user, organization);
    let event = event.after(&json!({ "role": role }));
    let store = hallpass.store.recording(event.if_different());
    let membership = Membership { organization, role };
    store.add_membership(user.id, membership, now).await?;
    shown(&hallpass, 200, &name).await
}

/// `DELETE /organizations/{organization}/members/{user}`: the grants that the person gave there are paused, and end after 30
/// days.
pub(super) async fn remove_member(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path((name, email)): Path<(String, String)>,
) -> Answer {
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
    shown(&hallpass, 200, &name).await
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
) -> Answer {
    let now = event.at;
    let organization = find::organization(hallpass, name).await?;
    let event = event.organization(organization.id).change(&organization, &update);
    let store = hallpass.store.recording(event.if_different());
    store.update_organization(organization.id, update, now).await?;
    shown(hallpass, 200, name).await
}

/// The organization as it is now.
async fn shown(hallpass: &Hallpass, status: u16, name: &str) -> Answer {
    let organization = find::organization(hallpass, name).await?;
    let found = hallpass.store.members(organization.id, None, SHOWN).await?;
    let view = OrganizationView {
        members: Some(found.items.into_iter().map(member_view).collect()),
        more_members_after: found.next,
        ..view(organization)
    };
    json(status, &view)
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
