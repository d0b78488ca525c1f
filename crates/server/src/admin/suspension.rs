//! `POST …/suspend` and `POST …/resume` of apps, people and organizations. Grants stay, and work again after `resume`
//! (decision 42).

use super::failure::Failure;
use super::request::Answer;
use super::{app_view, apps, find, organizations, users};
use crate::audit::Who;
use crate::serve::hallpass::Hallpass;
use crate::store::model::{AppStatus, AppUpdate, AuditAction, OrganizationUpdate, Status, SuspendedBy, User};
use axum::Extension;
use axum::extract::{Path, State};
use axum::routing::{MethodRouter, post};
use serde_json::{Value, json};
use std::sync::Arc;

/// An object that can be suspended and resumed.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Its tokens are refused, and it gets no new ones.
    App,
    /// They are signed out everywhere, and the tokens that they gave are refused.
    User,
    /// Tokens for its data and those of its apps are refused.
    Organization,
}

/// The handler of `suspend`.
pub(super) fn suspend(kind: Kind) -> MethodRouter<Arc<Hallpass>> {
    set(kind, Status::Suspended)
}

/// The handler of `resume`.
pub(super) fn resume(kind: Kind) -> MethodRouter<Arc<Hallpass>> {
    set(kind, Status::Active)
}

fn set(kind: Kind, status: Status) -> MethodRouter<Arc<Hallpass>> {
    post(
        async move |State(hallpass): State<Arc<Hallpass>>, Extension(who): Extension<Who>, Path(name): Path<String>| {
            match kind {
                Kind::App => set_app(&hallpass, &who, &name, status).await,
                Kind::User => set_user(&hallpass, &who, &name, status).await,
                Kind::Organization => set_organization(&hallpass, &who, &name, status).await,
            }
        },
    )
}

async fn set_app(hallpass: &Hallpass, who: &Who, name: &str, status: Status) -> Answer {
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
    app_view::shown(hallpass, now, 200, name, None).await
}

/// Only the site can lift a suspension by the site.
async fn set_user(hallpass: &Hallpass, who: &Who, name: &str, status: Status) -> Answer {
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
    users::shown(hallpass, 200, user.id, None).await
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

async fn set_organization(hallpass: &Hallpass, who: &Who, name: &str, status: Status) -> Answer {
    let action = match status {
        Status::Active => AuditAction::OrganizationResumed,
        Status::Suspended => AuditAction::OrganizationSuspended,
    };
    let update = OrganizationUpdate {
        status: Some(status),
        ..OrganizationUpdate::default()
    };
    organizations::update_organization(hallpass, name, update, who.did(action, hallpass.now())).await
}
