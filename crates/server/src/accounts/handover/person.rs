//! `/handover/people/{subject}`: what happens to a person at the site, told from server to server.

use super::authentication::{Site, authenticate};
use super::endpoint::read;
use super::failure::Failure;
use super::message::Described;
use super::people::{Attempts, Effect, effect};
use crate::audit::Who;
use crate::declared::declared_name;
use crate::http::respond;
use crate::http::respond::Response;
use crate::serve::hallpass::Hallpass;
use crate::store::model::{AuditAction, Organization, Role, SiteRecord, Status, SuspendedBy, User};
use crate::time::Instant;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts as _, Path, State};
use http::Request;
use http::request::Parts;
use serde_json::{Value, json};
use std::sync::Arc;

/// The parts of a path, percent-decoded once. They are looked at after the secret.
pub(super) type Named<T> = Result<Path<T>, PathRejection>;

/// An authenticated call of the site.
pub(super) struct Call<'h> {
    pub(super) site: Site<'h>,
    pub(super) parts: Parts,
    pub(super) body: Body,
    pub(super) who: Who,
    pub(super) now: Instant,
}

impl<'h> Call<'h> {
    /// # Errors
    /// If the secret or the source is not the site's.
    pub(super) fn of(hallpass: &'h Hallpass, request: Request<Body>) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let site = authenticate(hallpass, &parts)?;
        let who = Who::site(site.source);
        let now = hallpass.now();
        Ok(Self {
            site,
            parts,
            body,
            who,
            now,
        })
    }
}

/// An authenticated call about a person whom the site signed in before.
pub(super) struct AboutPerson {
    pub(super) hallpass: Arc<Hallpass>,
    pub(super) parts: Parts,
    who: Who,
    pub(super) now: Instant,
    pub(super) user: User,
}

impl FromRequest<Arc<Hallpass>> for AboutPerson {
    type Rejection = Failure;

    async fn from_request(request: Request<Body>, hallpass: &Arc<Hallpass>) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let named = Path::<String>::from_request_parts(&mut parts, hallpass).await;
        let Call { parts, who, now, .. } = Call::of(hallpass, Request::from_parts(parts, body))?;
        Ok(Self {
            user: found(hallpass, &part(named)?).await?,
            hallpass: hallpass.clone(),
            parts,
            who,
            now,
        })
    }
}

/// `GET /handover/people/{subject}`.
pub(super) async fn show(AboutPerson { hallpass, user, .. }: AboutPerson) -> Result<Response, Failure> {
    shown(&hallpass, 200, &user).await
}

/// `PUT /handover/people/{subject}`: makes or changes a person.
pub(super) async fn put(
    State(hallpass): State<Arc<Hallpass>>,
    named: Named<String>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let Call {
        site,
        parts,
        body,
        who,
        now,
    } = Call::of(&hallpass, request)?;
    let body = read(&hallpass, &parts, body).await?;
    let subject = part(named).map_err(|_| Failure::member("subject", "expected printable ASCII characters"))?;
    let described = Described::parse(&body, &subject, now)?;
    let mut attempts = Attempts::default();
    loop {
        let change = match effect(&hallpass, site.config, &described, (&who, now)).await? {
            Effect::Change(change, _) => change,
            Effect::Operator => return Err(operator()),
            Effect::Stale(Some(_)) => {
                return Err(Failure::conflict(
                    "`as_of` is older than the person's last change: nothing was changed",
                ));
            }
            Effect::Stale(None) => {
                return Err(Failure::conflict(
                    "`as_of` is older than the person's deletion: nobody was made",
                ));
            }
        };
        let status = if change.new.is_some() { 201 } else { 200 };
        match hallpass.store.apply_site_change(*change).await {
            Err(error) if attempts.again(&error) => {}
            applied => {
                applied?;
                return shown(&hallpass, status, &found(&hallpass, &subject).await?).await;
            }
        }
    }
}

/// `DELETE /handover/people/{subject}`: the person's grants and sessions end.
pub(super) async fn delete(
    State(hallpass): State<Arc<Hallpass>>,
    named: Named<String>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let Call { who, now, .. } = Call::of(&hallpass, request)?;
    let subject = part(named)?;
    let store = &hallpass.store;
    let mut attempts = Attempts::default();
    loop {
        let Some(user) = store.user_by_external_id(&subject).await? else {
            return if store.is_deleted_again(&subject, now).await? {
                Ok(respond::empty(204))
            } else {
                Err(nobody())
            };
        };
        let user = allowed(user)?;
        let declared = declared_name(&hallpass.config, &user);
        let event = who.did(AuditAction::UserDeleted, now).user(user.id).before(&user);
        let store = store.recording(event);
        match store.delete_site_person(&user, declared.as_deref(), now).await {
            Err(error) if attempts.again(&error) => {}
            deleted => {
                deleted?;
                return Ok(respond::empty(204));
            }
        }
    }
}

/// `POST /handover/people/{subject}/suspend`: the person is signed out, and their grants are paused.
pub(super) async fn suspend(
    AboutPerson {
        hallpass,
        who,
        now,
        user,
        ..
    }: AboutPerson,
) -> Result<Response, Failure> {
    let event = who.did(AuditAction::UserSuspended, now).user(user.id);
    let event = event.change(&user, &suspension(&user, Status::Suspended));
    let store = hallpass.store.recording(event.if_different());
    store.suspend_user(user.id, SuspendedBy::Site, now).await?;
    Ok(respond::empty(204))
}

/// `POST /handover/people/{subject}/resume`. A suspension by the operator stays.
pub(super) async fn resume(
    AboutPerson {
        hallpass,
        who,
        now,
        user,
        ..
    }: AboutPerson,
) -> Result<Response, Failure> {
    if matches!(user.suspended_by, Some(SuspendedBy::Site | SuspendedBy::Both)) {
        let event = who.did(AuditAction::UserResumed, now).user(user.id);
        let event = event.change(&user, &suspension(&user, Status::Active));
        let store = hallpass.store.recording(event.if_different());
        store.resume_user(user.id, SuspendedBy::Site, now).await?;
    }
    Ok(respond::empty(204))
}

/// `POST /handover/people/{subject}/sign-out`: ends the person's sessions. Their grants stay.
pub(super) async fn sign_out(
    AboutPerson {
        hallpass,
        who,
        now,
        user,
        ..
    }: AboutPerson,
) -> Result<Response, Failure> {
    let store = hallpass
        .store
        .recording(who.did(AuditAction::SignedOut, now).user(user.id));
    store.sign_out_everywhere(user.id, now).await?;
    Ok(respond::empty(204))
}

/// `DELETE /handover/people/{subject}/organizations/{id}`: the person's grants there are paused, and end after 30 days.
pub(super) async fn leave(
    State(hallpass): State<Arc<Hallpass>>,
    named: Named<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let Call { who, now, .. } = Call::of(&hallpass, request)?;
    let (subject, id) = part(named)?;
    let user = found(&hallpass, &subject).await?;
    let organization = organization(&hallpass, &id).await?;
    let mut memberships = user.memberships.iter();
    // A call that is repeated finds nothing to end.
    if memberships.any(|membership| membership.organization == organization.id) {
        let event = who.did(AuditAction::MemberRemoved, now);
        let store = hallpass.store.recording(event.member(&user, organization.id));
        store.leave_by_site(user.id, organization.id, now).await?;
    }
    Ok(respond::empty(204))
}

/// The decoded parts of a path.
pub(super) fn part<T>(named: Named<T>) -> Result<T, Failure> {
    match named {
        Ok(Path(part)) => Ok(part),
        // Not UTF-8, so no name of anything.
        Err(_) => Err(nobody()),
    }
}

/// The person of the site with this subject.
pub(super) async fn found(hallpass: &Hallpass, subject: &str) -> Result<User, Failure> {
    let user = hallpass.store.user_by_external_id(subject).await?;
    allowed(user.ok_or_else(nobody)?)
}

/// The site has no say over people who operate the server.
fn allowed(user: User) -> Result<User, Failure> {
    if user.admin { Err(operator()) } else { Ok(user) }
}

fn operator() -> Failure {
    Failure::forbidden("this person operates the server: the site has no say over them")
}

fn nobody() -> Failure {
    Failure::not_found("there is no such person")
}

/// An organization of the site, or the default one.
async fn organization(hallpass: &Hallpass, id: &str) -> Result<Organization, Failure> {
    let store = &hallpass.store;
    if let Some(found) = store.organization_by_external_id(id).await? {
        return Ok(found);
    }
    let default = if *id == *hallpass.config.defaults.organization {
        store.organization_by_slug(id).await?
    } else {
        None
    };
    default.ok_or_else(|| Failure::not_found("the site has no such organization"))
}

/// A person's status after the site suspends or resumes them, as the audit log has it. A suspension by the operator stays.
fn suspension(user: &User, status: Status) -> Value {
    let by_operator = user.status == Status::Suspended && user.suspended_by != Some(SuspendedBy::Site);
    match (status, by_operator) {
        (Status::Suspended, true) => json!({ "status": Status::Suspended, "suspended_by": SuspendedBy::Both }),
        (Status::Suspended, false) => json!({ "status": Status::Suspended, "suspended_by": SuspendedBy::Site }),
        (Status::Active, true) => json!({ "status": Status::Suspended, "suspended_by": SuspendedBy::Operator }),
        (Status::Active, false) => json!({ "status": Status::Active, "suspended_by": null }),
    }
}

async fn shown(hallpass: &Hallpass, status: u16, user: &User) -> Result<Response, Failure> {
    let record = hallpass.store.site_record(&user.subject()).await?;
    let organizations = hallpass.store.organizations_of(user.id).await?;
    let body = view(user, record, &organizations);
    Ok(respond::json(status, body.to_string()))
}

/// A person in the members by which the site describes them.
pub(super) fn view(user: &User, record: Option<SiteRecord>, organizations: &[(Organization, Role)]) -> Value {
    let organizations = organizations.iter().filter(|(organization, _)| !organization.hidden);
    let organizations = organizations
        .map(|(organization, role)| json!({ "id": id_of(organization), "name": organization.name, "role": role }));
    json!({
        "subject": user.external_id,
        "email": user.contact_email,
        "email_verified": record.is_some_and(|record| record.email_verified),
        "name": user.name,
        "locale": user.locale,
        "organizations": organizations.collect::<Value>(),
        "status": user.status,
        "suspended_by": user.suspended_by,
        "created": user.created.rfc3339(),
        "as_of": record.and_then(|record| record.as_of).map(|as_of| as_of.0),
    })
}

/// The site's own id of an organization. One that the operator made has its name in addresses.
pub(super) fn id_of(organization: &Organization) -> &str {
    organization.external_id.as_deref().unwrap_or(&organization.slug)
}
