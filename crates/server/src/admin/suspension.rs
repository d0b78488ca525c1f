//! Suspends and resumes apps, people and organizations. Grants stay, and work again after `resume` (decision 42).

use super::app_view::{self, AppView};
use super::failure::Failure;
use super::organizations::{self, OrganizationView};
use super::request::{AdminResult, Json};
use super::users::{self, UserView};
use super::{apps, find};
use crate::audit::Who;
use crate::serve::hallpass::Hallpass;
use crate::store::model::{AppStatus, AppUpdate, AuditAction, OrganizationUpdate, Status, SuspendedBy, User};
use axum::Extension;
use axum::extract::{Path, State};
use serde_json::{Value, json};
use std::sync::Arc;

/// Suspends an app: its tokens are refused, and it gets no new ones.
#[utoipa::path(post, path = "/apps/{app}/suspend", operation_id = "suspend_app")]
pub(super) async fn suspend_app(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> AdminResult<AppView> {
    set_app(&hallpass, &who, &name, Status::Suspended).await
}

/// Resumes a suspended app.
#[utoipa::path(post, path = "/apps/{app}/resume", operation_id = "resume_app")]
pub(super) async fn resume_app(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> AdminResult<AppView> {
    set_app(&hallpass, &who, &name, Status::Active).await
}

/// Suspends a person: they are signed out everywhere, and the tokens that they gave are refused.
#[utoipa::path(post, path = "/users/{user}/suspend", operation_id = "suspend_user")]
pub(super) async fn suspend_user(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> AdminResult<UserView> {
    set_user(&hallpass, &who, &name, Status::Suspended).await
}

/// Resumes a suspended person. Only the site can lift a suspension by the site.
#[utoipa::path(post, path = "/users/{user}/resume", operation_id = "resume_user")]
pub(super) async fn resume_user(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> AdminResult<UserView> {
    set_user(&hallpass, &who, &name, Status::Active).await
}

/// Suspends an organization: tokens for its data and those of its apps are refused.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/suspend",
    operation_id = "suspend_organization"
)]
pub(super) async fn suspend_organization(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> AdminResult<OrganizationView> {
    set_organization(&hallpass, &who, &name, Status::Suspended).await
}

/// Resumes a suspended organization.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/resume",
    operation_id = "resume_organization"
)]
pub(super) async fn resume_organization(
    State(hallpass): State<Arc<Hallpass>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> AdminResult<OrganizationView> {
    set_organization(&hallpass, &who, &name, Status::Active).await
}

async fn set_app(hallpass: &Hallpass, who: &Who, name: &str, status: Status) -> AdminResult<AppView> {
    let now = hallpass.now();
    let (status, action) = match status {
        Status::Active => (AppStatus::Live, AuditAction::AppResumed),
        Status::Suspended => (AppStatus::Suspended, AuditAction::AppSuspended),
    };
    let app = find::app(hallpass, name).await?;
    let update = AppUpdate {
        status: Some(status),
        ..AppUpdate::default()
    };
    apps::update_app(hallpass, &app, update, who.did(action, now)).await?;
    app_view::shown(hallpass, now, name, None).await.map(Json)
}

/// Only the site can lift a suspension by the site.
async fn set_user(hallpass: &Hallpass, who: &Who, name: &str, status: Status) -> AdminResult<UserView> {
    let now = hallpass.now();
    let user = find::user(hallpass, name).await?;
    if status == Status::Active && user.suspended_by == Some(SuspendedBy::Site) {
        let text = format!("the site suspended {name:?}, and it is the site that resumes them");
        return Err(Failure::conflict(text));
    }
    let by = SuspendedBy::Operator;
    let recording = |action| {
        let event = who.did(action, now).user(user.id);
        hallpass
            .store
            .recording(event.change(&user, &suspension(&user, status)).if_different())
    };
    match status {
        Status::Suspended => {
            let store = recording(AuditAction::UserSuspended);
            store.suspend_user(user.id, by, now).await?;
        }
        Status::Active => {
            let store = recording(AuditAction::UserResumed);
            store.resume_user(user.id, by, now).await?;
        }
    }
    users::shown(hallpass, user.id, None).await.map(Json)
}

/// A person's status after the operator suspends or resumes them, as the audit log has it. A suspension by the site stays.
fn suspension(user: &User, status: Status) -> Value {
    let by_site = matches!(user.suspended_by, Some(SuspendedBy::Site | SuspendedBy::Both));
    let site = user.status == Status::Suspended && by_site;
    match (status, site) {
        (Status::Suspended, true) => json!({ "status": Status::Suspended, "suspended_by": SuspendedBy::Both }),
        (Status::Suspended, false) => json!({ "status": Status::Suspended, "suspended_by": SuspendedBy::Operator }),
        (Status::Active, true) => json!({ "status": Status::Suspended, "suspended_by": SuspendedBy::Site }),
        (Status::Active, false) => json!({ "status": Status::Active, "suspended_by": null }),
    }
}

async fn set_organization(hallpass: &Hallpass, who: &Who, name: &str, status: Status) -> AdminResult<OrganizationView> {
    let action = match status {
        Status::Active => AuditAction::OrganizationResumed,
        Status::Suspended => AuditAction::OrganizationSuspended,
    };
    let update = OrganizationUpdate {
        status: Some(status),
        ..OrganizationUpdate::default()
    };
    let event = who.did(action, hallpass.now());
    organizations::update_organization(hallpass, name, update, event)
        .await
        .map(Json)
}
