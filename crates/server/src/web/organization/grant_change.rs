//! What an owner does with a grant of the organization: ends it, takes it over, or leaves it fewer permissions.

use super::settings::{self, list_of};
use crate::http::respond::{Response, unchanged};
use crate::oauth::Refusal;
use crate::organizations::role_in;
use crate::store::StoreError;
use crate::store::model::{ActsAs, AuditAction, EndReason, Grant, GrantId, GrantState, Organization, Role, User};
use crate::web::allowance;
use crate::web::sign_in::prompt;
use crate::web::state::Purpose;
use crate::web::view::{ErrorKind, GrantsDone, Notice};
use crate::web::{Form, Kept, Post, SignedIn, Visit};
use hallpass_wire::Scopes;
use serde_json::json;
use uuid::Uuid;

/// What the person asks for.
enum Wish {
    End,
    TakeOver,
    /// To leave the grant only these scopes.
    Narrow(Scopes),
}

/// `POST /organizations/{slug}`: an owner ends a grant of the organization, takes it over, or leaves it fewer scopes.
pub(crate) async fn change(Post { visit, form }: Post) -> Result<Response, Response> {
    let opened = visit.open_returned(Purpose::OrganizationGrant, &form);
    let Some(user) = visit.user.clone() else {
        return Ok(prompt::interrupted(&visit, &list_of(&visit), None, Kept::default()));
    };
    if !opened.as_ref().is_some_and(|opened| opened.fits) {
        let mut visit = visit;
        visit.notice = Some(Notice::of(opened.is_some()));
        let visit = visit.with_navigation().await?;
        return settings::page_of_grants(SignedIn { visit, user }).await.map(unchanged);
    }
    let organization = owned(&visit, &user).await?;
    let (Some(id), Some(wish)) = (named(&form), wish(&form)) else {
        return Err(visit.error(400, ErrorKind::BadForm));
    };
    let found = find(&visit, &organization, id)
        .await
        .map_err(|refusal| visit.failed(refusal))?;
    let Some(grant) = found else {
        return Ok(unchanged(to_list(&visit, GrantsDone::Gone)));
    };
    let done = match wish {
        Wish::End => end(&visit, &user, &grant).await,
        Wish::TakeOver if grant.user == user.id => Ok(GrantsDone::TakenOver),
        Wish::TakeOver => {
            allowance::count_or_refuse(&visit, &user)?;
            take_over(&visit, &user, &grant).await
        }
        Wish::Narrow(scopes) => narrow(&visit, &user, &grant, &scopes).await,
    };
    match done {
        Ok(done) => Ok(to_list(&visit, done)),
        // Another owner, or the app, was faster.
        Err(StoreError::Conflict) => Ok(unchanged(to_list(&visit, GrantsDone::Gone))),
        Err(error) => Err(visit.failed(error)),
    }
}

/// The organization of the page, if the person owns it.
async fn owned(visit: &Visit, user: &User) -> Result<Organization, Response> {
    let organization = settings::organization(visit, user).await?;
    match role_in(user, &organization) {
        Some(Role::Owner) => Ok(organization),
        _ => Err(visit.wrong_account(ErrorKind::Forbidden, None, &list_of(visit))),
    }
}

fn named(form: &Form) -> Option<GrantId> {
    Uuid::parse_str(form.get("grant")?).ok().map(GrantId)
}

fn wish(form: &Form) -> Option<Wish> {
    if form.has("end") {
        return Some(Wish::End);
    }
    if form.has("take_over") {
        return Some(Wish::TakeOver);
    }
    let names: Vec<_> = form.all("scope").map(str::to_owned).collect();
    let scopes = Scopes::parse(&names.join(" ")).ok()?;
    form.has("narrow").then_some(Wish::Narrow(scopes))
}

/// The active grant of this organization with this id.
async fn find(visit: &Visit, organization: &Organization, id: GrantId) -> Result<Option<Grant>, Refusal> {
    let found = visit.hallpass.store.grant(id).await?;
    Ok(found.filter(|grant| {
        let own = grant.organization == organization.id && grant.acts_as == ActsAs::Organization;
        own && grant.state == GrantState::Active && grant.unknown.is_none()
    }))
}

async fn end(visit: &Visit, user: &User, grant: &Grant) -> Result<GrantsDone, StoreError> {
    let (reason, now) = (EndReason::ByPerson, visit.now);
    let store = visit.hallpass.store.recording(visit.who(user).ended(reason, now));
    if !store.end(grant.id, reason, now).await? {
        // Another server may have ended it a moment ago. The page must not say so before the memory of this server knows.
        visit.hallpass.feed.newest().await?;
    }
    Ok(GrantsDone::Ended)
}

async fn take_over(visit: &Visit, user: &User, grant: &Grant) -> Result<GrantsDone, StoreError> {
    let event = visit.who(user).did(AuditAction::GrantTakenOver, visit.now).grant(grant);
    let event = event
        .before(&json!({ "set_up_by": grant.user }))
        .after(&json!({ "set_up_by": user.id }));
    visit.hallpass.store.recording(event).take_over(grant, user.id).await?;
    Ok(GrantsDone::TakenOver)
}

async fn narrow(visit: &Visit, user: &User, grant: &Grant, chosen: &Scopes) -> Result<GrantsDone, StoreError> {
    let scopes = grant.scopes.intersection(chosen);
    if scopes.is_empty() {
        return Ok(GrantsDone::NoneLeft);
    }
    if scopes == grant.scopes {
        return Ok(GrantsDone::Narrowed);
    }
    visit.hallpass.leave_only(&visit.who(user), grant, &scopes).await?;
    Ok(GrantsDone::Narrowed)
}

fn to_list(visit: &Visit, done: GrantsDone) -> Response {
    let word = match done {
        GrantsDone::Ended => "ended",
        GrantsDone::TakenOver => "taken-over",
        GrantsDone::Narrowed => "narrowed",
        GrantsDone::Gone => "gone",
        GrantsDone::NoneLeft => "none-left",
    };
    visit.go(&visit.address(&format!("{}&done={word}", list_of(visit))))
}
