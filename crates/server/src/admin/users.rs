//! The operator creates, changes and suspends people, and sets passwords.

use super::deletion::Deletion;
use super::failure::Failure;
use super::organizations::check_role;
use super::request::{self, AdminResult, Created, Json, Query, nullable};
use super::{find, moment};
use crate::accounts::spelling;
use crate::apps::registration::Email;
use crate::audit::Who;
use crate::config::{Secret, language_tag, typeable};
use crate::declared::declared_name;
use crate::http::paging::{Cursor, List, PageQuery};
use crate::random;
use crate::serve::hallpass::Hallpass;
use crate::store::StoreError;
use crate::store::model::{AuditAction, Membership, NewUser, Role, Status, SuspendedBy, User, UserId, UserUpdate};
use axum::Extension;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The shortest password that an operator may give (NIST SP 800-63B §5.1.1.2).
const SHORTEST_PASSWORD: usize = 8;
/// The longest, in bytes.
const LONGEST_PASSWORD: usize = 1024;
/// The length of a made password: it cannot be guessed and can still be typed.
const MADE_PASSWORD: usize = 20;

/// A new person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewUser)]
pub(super) struct NewPerson {
    email: String,
    /// If left out: the part of the address before the @.
    name: Option<String>,
    /// If left out, a password is made and shown.
    password: Option<String>,
    locale: Option<String>,
    #[serde(default)]
    admin: bool,
    #[serde(default)]
    developer: bool,
    /// The role in the default organization. If left out: member, as for declared people.
    role: Option<Role>,
}

/// The changes to a person. Members that are left out stay.
#[derive(Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserChanges {
    name: Option<String>,
    /// Null: the language of the browser.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    locale: Option<Option<String>>,
    admin: Option<bool>,
    developer: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    /// If left out, a password is made and shown.
    password: Option<String>,
}

/// A person, as answers show them.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub(super) struct UserView {
    id: UserId,
    number: i64,
    /// The login. Null if the site signs the person in.
    #[schema(required)]
    email: Option<String>,
    #[schema(required)]
    external_id: Option<String>,
    #[schema(required)]
    contact_email: Option<String>,
    name: String,
    #[schema(required)]
    locale: Option<String>,
    admin: bool,
    /// Whether they may register apps, which are trusted.
    developer: bool,
    status: Status,
    /// Who suspended them: `operator`, `site` or `both`.
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended_by: Option<SuspendedBy>,
    #[schema(format = DateTime)]
    created: String,
    /// The unknown word because of which they count as suspended.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
    /// Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    memberships: Option<Vec<MembershipView>>,
    /// A made password, which is shown only once.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Membership)]
struct MembershipView {
    organization: String,
    role: Role,
}

/// A password that was chosen, or made and must be shown.
struct Password {
    text: Secret,
    made: bool,
}

/// A page of people.
#[derive(Serialize, ToSchema)]
pub(super) struct Users {
    users: Vec<UserView>,
    /// Null on the last page.
    #[schema(required)]
    next: Option<Cursor>,
}

/// Lists people by number.
#[utoipa::path(get, path = "/users", operation_id = "list_users", params(PageQuery))]
pub(super) async fn list(State(hallpass): State<Arc<Hallpass>>, Query(asked): Query<PageQuery>) -> AdminResult<Users> {
    let list = List::named("users");
    let after = list.key(asked.after.as_ref())?;
    let found = hallpass.store.users(after, asked.limit.get()).await?;
    let (users, next) = list.shown(found, view);
    Ok(Json(Users { users, next }))
}

/// Shows a person with their memberships.
#[utoipa::path(get, path = "/users/{user}", operation_id = "show_user")]
pub(super) async fn show(State(hallpass): State<Arc<Hallpass>>, Path(name): Path<String>) -> AdminResult<UserView> {
    let user = find::user(&hallpass, &name).await?;
    shown(&hallpass, user.id, None).await.map(Json)
}

/// Creates a person.
#[utoipa::path(post, path = "/users", operation_id = "create_user")]
pub(super) async fn create(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Json(wanted): Json<NewPerson>,
) -> Result<Created<UserView>, Failure> {
    let now = hallpass.now();
    let email = String::from(Email::parse(&wanted.email).map_err(|error| Failure::invalid(error.to_string()))?);
    let before_at = email.split('@').next().unwrap_or_default();
    let name = request::name(wanted.name.as_deref().unwrap_or(before_at))?;
    if let Some(locale) = &wanted.locale {
        language_tag(locale).map_err(Failure::invalid)?;
    }
    let password = Password::of(wanted.password)?;
    let organization = find::organization(&hallpass, &hallpass.config.defaults.organization).await?;
    let role = wanted.role.unwrap_or(Role::Member);
    check_role(&organization, role)?;
    let hash = hallpass.people.hash(password.text.expose(), random::bytes()).await?;
    let user = NewUser {
        id: UserId(random::uuid(now)),
        email: Some(email.clone()),
        external_id: None,
        contact_email: None,
        name,
        password: Some(hash),
        locale: wanted.locale,
        admin: wanted.admin,
        developer: wanted.developer,
        created: now,
        memberships: vec![Membership {
            organization: organization.id,
            role,
        }],
    };
    let event = who.did(AuditAction::UserCreated, now).user(user.id).after(&user);
    let user = match hallpass.store.recording(event).create_user(user).await {
        Err(StoreError::Taken(_)) => {
            let text = format!("there is a user {email:?} already");
            return Err(Failure::taken(text));
        }
        made => made?,
    };
    shown(&hallpass, user.id, password.told()).await.map(Created)
}

/// Sets a password. Every browser has to sign in again.
#[utoipa::path(put, path = "/users/{user}/password", operation_id = "set_password")]
pub(super) async fn set_password(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Json(wanted): Json<NewPassword>,
) -> AdminResult<UserView> {
    let now = hallpass.now();
    let user = find::user(&hallpass, &name).await?;
    if user.external_id.is_some() {
        return Err(Failure::invalid(
            "the site signs this person in: they have no password here",
        ));
    }
    let password = Password::of(wanted.password)?;
    let hash = hallpass.people.hash(password.text.expose(), random::bytes()).await?;
    let update = UserUpdate {
        password: Some(Some(hash)),
        ..UserUpdate::default()
    };
    let event = who.did(AuditAction::UserPasswordSet, now).user(user.id);
    let store = hallpass.store.recording(event);
    store.update_user(user.id, update, now).await?;
    shown(&hallpass, user.id, password.told()).await.map(Json)
}

/// Changes a person. The apps that they registered before stay as trusted as they are.
#[utoipa::path(patch, path = "/users/{user}", operation_id = "change_user")]
pub(super) async fn change(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Json(changes): Json<UserChanges>,
) -> AdminResult<UserView> {
    let now = hallpass.now();
    if changes == UserChanges::default() {
        let members = "`name`, `locale`, `admin` or `developer`";
        return Err(Failure::invalid(format!("nothing is to be changed: name {members}")));
    }
    if let Some(Some(locale)) = &changes.locale {
        language_tag(locale).map_err(Failure::invalid)?;
    }
    let user = find::user(&hallpass, &name).await?;
    let update = UserUpdate {
        name: changes.name.as_deref().map(request::name).transpose()?,
        locale: changes.locale,
        admin: changes.admin,
        developer: changes.developer,
        ..UserUpdate::default()
    };
    let event = who.did(AuditAction::UserChanged, now).user(user.id);
    let store = hallpass.store.recording(event.change(&user, &update).if_different());
    store.update_user(user.id, update, now).await?;
    shown(&hallpass, user.id, None).await.map(Json)
}

/// Shows what the deletion of a person would end.
#[utoipa::path(get, path = "/users/{user}/deletion", operation_id = "foresee_user_deletion")]
pub(super) async fn deletion(State(hallpass): State<Arc<Hallpass>>, Path(name): Path<String>) -> AdminResult<Deletion> {
    let user = find::user(&hallpass, &name).await?;
    check_no_operator(&user)?;
    Ok(Json(Deletion::of_user(&hallpass, &user).await?))
}

/// Deletes a person.
///
/// Their grants, sessions and memberships end; their apps stay, without an owner. Nobody else gets their number.
#[utoipa::path(delete, path = "/users/{user}", operation_id = "delete_user")]
pub(super) async fn delete(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> AdminResult<Deletion> {
    let now = hallpass.now();
    let user = find::user(&hallpass, &name).await?;
    check_no_operator(&user)?;
    let deletion = Deletion::of_user(&hallpass, &user).await?;
    let declared = declared_name(&hallpass.config, &user);
    let event = who.did(AuditAction::UserDeleted, now).user(user.id).before(&user);
    let store = hallpass.store.recording(event);
    store.delete_user(&user, declared.as_deref(), now).await?;
    Ok(Json(deletion.done()))
}

/// Refuses to delete a person who operates the server, because that may be a mistake.
fn check_no_operator(user: &User) -> Result<(), Failure> {
    if user.admin {
        let text = format!("{:?} operates this server: take `admin` away first", user.label());
        return Err(Failure::conflict(text));
    }
    Ok(())
}

/// The person as they are now.
pub(super) async fn shown(hallpass: &Hallpass, id: UserId, password: Option<String>) -> Result<UserView, Failure> {
    let user = hallpass.store.user(id).await?.ok_or(StoreError::Conflict)?;
    let belongs = hallpass.store.organizations_of(id).await?.into_iter();
    let memberships = belongs.map(|(one, role)| MembershipView {
        organization: one.slug,
        role,
    });
    let memberships = Some(memberships.collect());
    Ok(UserView {
        memberships,
        password,
        ..view(user)
    })
}

fn view(user: User) -> UserView {
    UserView {
        id: user.id,
        number: user.number,
        email: user.email,
        external_id: user.external_id,
        contact_email: user.contact_email,
        name: user.name,
        locale: user.locale,
        admin: user.admin,
        developer: user.developer,
        status: user.status,
        suspended_by: user.suspended_by,
        created: moment::text(user.created),
        unknown: user.unknown.map(|unknown| unknown.to_string()),
        memberships: None,
        password: None,
    }
}

impl Password {
    fn of(chosen: Option<String>) -> Result<Self, Failure> {
        let made = chosen.is_none();
        let chosen = chosen.map(|typed| spelling::password(&typed).into_owned());
        let text = Secret::new(chosen.unwrap_or_else(|| random::alphanumeric(MADE_PASSWORD)));
        typeable(text.expose()).map_err(|fault| Failure::invalid(format!("the password cannot be used: {fault}")))?;
        let length = text.expose().chars().count();
        if length < SHORTEST_PASSWORD || text.expose().len() > LONGEST_PASSWORD {
            let text =
                format!("a password has at least {SHORTEST_PASSWORD} characters and at most {LONGEST_PASSWORD} bytes");
            return Err(Failure::invalid(text));
        }
        Ok(Self { text, made })
    }

    fn told(&self) -> Option<String> {
        self.made.then(|| self.text.expose().to_owned())
    }
}
