//! Consent: a person allows or denies an app.
//!
//! The form carries the id of the grant to come. Allowing inserts that grant or finds it: a second POST shows the same code
//! while it can be redeemed, and makes nothing. One for another organization is asked again. A denial after it ends the grant
//! while its code is not redeemed.

use super::judged::{judge_again, log_refused, place, site};
use super::prompt;
use super::shown::{Question, Shown};
use crate::config::Lifetime;
use crate::http::respond::{Response, unchanged};
use crate::oauth::Refusal;
use crate::oauth::authorize::request::{AuthorizationRequest, AuthorizeReason};
use crate::organizations::memberships;
use crate::random;
use crate::serve::hallpass::Hallpass;
use crate::store::model::{
    AuditAction, ClientType, EndReason, Grant, GrantId, NewGrant, Organization, OrganizationId, State as Life, Status,
    User,
};
use crate::tokens::proofs::{Kind, Proof};
use crate::web::account::overview::organization_choices;
use crate::web::state::{Opened, Purpose};
use crate::web::view::{Again, AlreadyConnected, Back, CodeCopy, Consent, ConsentDone, Denied, ErrorKind, Until};
use crate::web::{Form, Kept, Post, Visit};
use hallpass_wire::redirect_uri::Destination;
use http::header;
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// Asks for consent to a request that was judged.
///
/// # Errors
/// If the database is away.
pub async fn ask(visit: &Visit, user: &User, request: &AuthorizationRequest, query: &str) -> Result<Response, Refusal> {
    put(visit, user, request, query, Reason::First).await
}

/// Why the question is put.
enum Reason<'f> {
    /// For the first time.
    First,
    /// Once more, though it was answered by this form. What was chosen there stays chosen.
    Again(Again, Option<&'f Form>),
    /// No organization was chosen, or one that is no choice.
    NoOrganization,
}

async fn put(
    visit: &Visit,
    user: &User,
    request: &AuthorizationRequest,
    query: &str,
    reason: Reason<'_>,
) -> Result<Response, Refusal> {
    let organizations = choices(&visit.hallpass, user, request).await?;
    if organizations.is_empty() {
        return Ok(nowhere(visit, request, query));
    }
    let owner = owner(&visit.hallpass, request).await?;
    let question = Question {
        request,
        owner: owner.as_deref(),
        organizations: &organizations,
    };
    Ok(page(visit, user, query, &question, &reason))
}

fn page(visit: &Visit, user: &User, query: &str, question: &Question<'_>, reason: &Reason<'_>) -> Response {
    let Question {
        request,
        owner,
        organizations,
    } = *question;
    let id = visit.hallpass.new_grant_id(user.id, request.client.app.id, visit.now);
    let blob = visit.seal(Purpose::Consent, &question.encode(visit, id, query));
    let parts = question.parts(visit);
    let app = &request.client.app;
    let only = organizations
        .first()
        .filter(|one| organizations.len() == 1 && !one.hidden);
    let (action, switch) = (visit.address("/consent"), visit.address("/switch"));
    let (status, again, form) = match reason {
        Reason::First => (200, None, None),
        Reason::Again(again, form) => (200, Some(again), *form),
        Reason::NoOrganization => (400, None, None),
    };
    visit.render(status, |frame| {
        Consent {
            action: &action,
            blob: &blob,
            parts: &parts,
            again,
            app_name: &app.name,
            app_owner: owner,
            reviewed: app.trusted,
            destination: request.target.uri.as_deref().and_then(Destination::of),
            code_is_useless: app.trusted && app.client_type == ClientType::Confidential && request.challenge.is_some(),
            person_name: &user.name,
            person_email: &user.label(),
            organizations: &organization_choices(organizations),
            organization: form.and_then(|form| form.get("organization")),
            organization_missing: matches!(reason, Reason::NoOrganization),
            show_organization: only.map(|one| one.name.as_str()),
            until: until(&visit.hallpass),
            scopes: &visit.scope_lines(&request.scopes),
            pass: &pass_number(id.0),
            switch_account: &switch,
        }
        .render(frame)
    })
}

/// Who made the app: its organization, or, where organizations are hidden, the developer who registered it.
async fn owner(hallpass: &Hallpass, request: &AuthorizationRequest) -> Result<Option<String>, Refusal> {
    let organization = &request.client.organization;
    if !organization.hidden {
        return Ok(Some(organization.name.clone()));
    }
    let Some(developer) = request.client.app.owner else {
        return Ok(None);
    };
    let developer = hallpass.directory.user(developer).await?;
    Ok(developer.map(|developer| developer.name.clone()))
}

/// `POST /consent`.
pub async fn decide(Post { visit, form }: Post) -> Result<Response, Response> {
    let (opened, shown) = carried(&visit, &form)?;
    let mut request = judge_again(&visit, &shown.query).await?;
    let Some(user) = &visit.user else {
        let (place, app) = (place(&visit.hallpass, &shown.query), request.client.app.name.as_str());
        return Ok(prompt::interrupted(&visit, &place, Some(app), Kept::default()));
    };
    let failed = |refusal| visit.failed(refusal);
    // Another tab, another person or a long pause: the question is put again to the person who is signed in now.
    if !opened.fits {
        let chosen = opened.own.then_some(&form);
        let asked = put(
            &visit,
            user,
            &request,
            &shown.query,
            Reason::Again(Again::Stale, chosen),
        )
        .await;
        return asked.map(unchanged).map_err(failed);
    }
    // Nobody gives more than the page showed, nor more than is asked for now.
    let wanted = request.scopes.clone();
    request.scopes = wanted.intersection(&shown.scopes);
    match form.get("decision") {
        Some("allow") => count(&visit, user, &request)?,
        Some("deny") => return deny(&visit, user, &request, shown.id).await.map_err(failed),
        _ => return Err(visit.error(400, ErrorKind::BadForm)),
    }
    let reason = match allow(&visit, user, &request, &shown, &form).await.map_err(failed)? {
        Ok(response) => return Ok(response),
        Err(reason) => reason,
    };
    if let Reason::Again(..) = reason {
        request.scopes = wanted;
    }
    let asked = put(&visit, user, &request, &shown.query, reason).await;
    asked.map(unchanged).map_err(failed)
}

/// `POST /switch`: "not you?". The session ends, and the same request is put to whoever signs in next.
pub async fn switch(Post { mut visit, form }: Post) -> Result<Response, Response> {
    let (own, place) = match visit.open(Purpose::Switch, &form) {
        Some(opened) => (opened.own, String::from_utf8_lossy(&opened.payload).into_owned()),
        None => {
            let (opened, shown) = carried(&visit, &form)?;
            (opened.own, place(&visit.hallpass, &shown.query))
        }
    };
    // Where another tab signed in meanwhile, or the form is another browser's, the page says who is here now.
    if own {
        visit.sign_out().await.map_err(|refusal| visit.failed(refusal))?;
    }
    Ok(visit.go(&visit.address(&place)))
}

/// What the page carried to its form.
#[expect(clippy::result_large_err, reason = "the error is the answer")]
fn carried(visit: &Visit, form: &Form) -> Result<(Opened, Shown), Response> {
    let parts = || {
        let opened = visit.open(Purpose::Consent, form)?;
        let shown = Shown::decode(&opened.payload)?;
        Some((opened, shown))
    };
    parts().ok_or_else(|| visit.error(400, ErrorKind::Stale))
}

/// Counts that the person allows the app; `Err` is the page for whoever did so too often.
#[expect(clippy::result_large_err, reason = "the error is the answer")]
fn count(visit: &Visit, user: &User, request: &AuthorizationRequest) -> Result<(), Response> {
    let app = &request.client.app;
    let counted = visit.hallpass.consents.count(user.id, app.id, visit.now);
    counted.map_err(|wait| {
        tracing::info!(client_id = app.client_id, user = %user.id, "a person allowed an app too often");
        let mut response = visit.error(429, ErrorKind::AllowedTooOften { app: &app.name });
        let seconds = wait.as_secs() + 1;
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        response
    })
}

/// Sends the person back without access. Where the same form allowed it before, that grant ends while the app has not
/// redeemed its code; a grant that is in use ends on the connected-apps page alone.
async fn deny(visit: &Visit, user: &User, request: &AuthorizationRequest, id: GrantId) -> Result<Response, Refusal> {
    let app_name = request.client.app.name.as_str();
    let before = take_back(visit, user, id).await?;
    let refusal = AuthorizeReason::Denied.into();
    log_refused(&refusal);
    let address = request.target.with_refusal(&visit.hallpass, &refusal);
    if before == Before::Active {
        return Ok(unchanged(already_connected(visit, request, address.as_deref())));
    }
    let response = match address {
        Some(address) => visit.go(&address),
        None => visit.render(200, |frame| Denied { app_name }.render(frame)),
    };
    Ok(match before {
        Before::Pending => response,
        Before::Nothing | Before::Active => unchanged(response),
    })
}

/// Says that the app has access. The person reads it before the app hears of the denial, so the way back is a link.
fn already_connected(visit: &Visit, request: &AuthorizationRequest, address: Option<&str>) -> Response {
    let app_name = request.client.app.name.as_str();
    let site = address.and_then(|href| site(&request.client, href));
    let back = address.map(|href| Back {
        href,
        app: app_name,
        site: site.as_deref(),
    });
    visit.render(200, |frame| AlreadyConnected { app_name, back }.render(frame))
}

/// What the same form had given before it was denied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing that is left.
    Nothing,
    /// A grant whose code was not redeemed: it is ended.
    Pending,
    /// A grant that the app uses.
    Active,
}

async fn take_back(visit: &Visit, user: &User, id: GrantId) -> Result<Before, Refusal> {
    let store = &visit.hallpass.store;
    let (reason, now) = (EndReason::ByPerson, visit.now);
    let state = async || Ok::<_, Refusal>(store.grant(id).await?.map(|grant| grant.state));
    let mut found = state().await?;
    // Most forms are answered once, and need no write.
    if found == Some(Life::Pending) {
        let recording = store.recording(visit.who(user).ended(reason, now));
        if recording.end_pending(id, reason, now).await? {
            return Ok(Before::Pending);
        }
        found = state().await?;
    }
    Ok(match found {
        Some(Life::Active) => Before::Active,
        Some(Life::Pending | Life::Ended) | None => Before::Nothing,
    })
}

/// The organization that the form names, or the only one there is.
fn chosen<'a>(form: &Form, organizations: &'a [Arc<Organization>]) -> Option<&'a Organization> {
    let chosen = match (form.get("organization"), organizations) {
        (Some(slug), all) => all.iter().find(|one| one.slug == slug),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    chosen.map(Arc::as_ref)
}

/// Gives the app what the person allows, or says why the question has to be put once more.
async fn allow<'f>(
    visit: &Visit,
    user: &User,
    request: &AuthorizationRequest,
    shown: &Shown,
    form: &'f Form,
) -> Result<Result<Response, Reason<'f>>, Refusal> {
    let organizations = choices(&visit.hallpass, user, request).await?;
    let owner = owner(&visit.hallpass, request).await?;
    let question = Question {
        request,
        owner: owner.as_deref(),
        organizations: &organizations,
    };
    let again = |again| Ok(Err(Reason::Again(again, Some(form))));
    if let Some(parts) = shown.changed(visit, &question, form.get("parts")) {
        return again(Again::Changed(parts));
    }
    // So many grants ended since the page was shown that this one would be taken for one of them.
    let revoked = &visit.hallpass.revoked;
    if revoked.has_ended(user.id, request.client.app.id, shown.id) {
        return again(Again::Ended);
    }
    let Some(organization) = chosen(form, &organizations) else {
        return Ok(Err(Reason::NoOrganization));
    };
    match give(visit, user, request, shown.id, organization.id).await? {
        Some(response) => Ok(Ok(response)),
        None => again(Again::Answered),
    }
}

/// `None`: the same form came before, for another organization. Its code would open that one.
async fn give(
    visit: &Visit,
    user: &User,
    request: &AuthorizationRequest,
    id: GrantId,
    organization: OrganizationId,
) -> Result<Option<Response>, Refusal> {
    let hallpass = &visit.hallpass;
    let grant = NewGrant {
        id,
        app: request.client.app.id,
        user: user.id,
        organization,
        scopes: request.scopes.clone(),
        redirect_uri: request.target.uri.clone().filter(|_| request.target.named),
        code_challenge: request.challenge.map(|challenge| challenge.0),
        salt: random::bytes(),
        key: hallpass.keys.ring().proof_id(visit.now),
        created: visit.now,
        code_expires: visit.now.after(hallpass.config.tokens.code),
    };
    let event = visit.who(user).did(AuditAction::GrantCreated, visit.now);
    let event = event.after(&json!({ "scopes": grant.scopes }));
    let grant = hallpass.store.recording(event).insert_grant(grant).await?;
    if grant.organization != organization {
        return Ok(None);
    }
    if let Err(error) = hallpass.make_room(&grant, visit.now).await {
        tracing::warn!(%error, "rows beyond the limit stay until the next consent");
    }
    hand_over(visit, request, &grant).map(Some)
}

fn hand_over(visit: &Visit, request: &AuthorizationRequest, grant: &Grant) -> Result<Response, Refusal> {
    let hallpass = &visit.hallpass;
    let app_name = request.client.app.name.as_str();
    let ring = hallpass.keys.ring();
    let counts = grant.state == Life::Pending && visit.now < grant.code_expires;
    // The key of the code is gone where it was revoked since.
    let Some(key) = ring.proof_by_id(grant.key).filter(|_| counts) else {
        return Ok(visit.render(200, |frame| ConsentDone { app_name }.render(frame)));
    };
    let code = Proof::derive(Kind::Code, key, &grant.salt, grant.id.0, 0).token();
    if let Some(address) = request.target.with_code(&code, &hallpass.issuer) {
        return Ok(visit.go(&address));
    }
    let expires = grant.code_expires.since(visit.now).as_secs();
    Ok(visit.render(200, |frame| {
        CodeCopy {
            app_name,
            code: &code,
            expires,
        }
        .render(frame)
    }))
}

/// The organizations in which this person may connect this app. A hidden default one is nobody's choice where there is
/// another.
async fn choices(
    hallpass: &Hallpass,
    user: &User,
    request: &AuthorizationRequest,
) -> Result<Vec<Arc<Organization>>, Refusal> {
    let belongs = memberships(hallpass, user).await?.into_iter();
    let mut found: Vec<_> = belongs
        .map(|(organization, _)| organization)
        .filter(|one| request.client.reaches(one.id) && one.status == Status::Active)
        .collect();
    if found.iter().any(|one| !one.hidden) {
        found.retain(|one| !one.hidden);
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// There is no organization in which this person could connect this app. The app is told if the person goes back to it.
fn nowhere(visit: &Visit, request: &AuthorizationRequest, query: &str) -> Response {
    let refusal = AuthorizeReason::NoOrganization.into();
    log_refused(&refusal);
    let (app, owner) = (request.client.app.name.as_str(), &request.client.organization);
    let address = request.target.with_refusal(&visit.hallpass, &refusal);
    let site = address.as_deref().and_then(|href| site(&request.client, href));
    let back = address.as_deref().map(|href| Back {
        href,
        app,
        site: site.as_deref(),
    });
    let kind = if request.client.reaches(owner.id) && !owner.hidden {
        let organization = owner.name.as_str();
        ErrorKind::NotAMember { app, organization }
    } else {
        ErrorKind::NoOrganization
    };
    visit.wrong_account(kind, back, &place(&visit.hallpass, query))
}

fn until(hallpass: &Hallpass) -> Until {
    let tokens = &hallpass.config.tokens;
    let by_age = match tokens.refresh {
        Lifetime::Never => None,
        Lifetime::For(lifetime) => Some(lifetime),
    };
    let unused = [by_age, tokens.refresh_idle].into_iter().flatten().min();
    Until {
        unused: unused.map(|span| span.as_secs()),
        at_most: tokens.refresh_absolute.map(|span| span.as_secs()),
    }
}

/// A short number for people to name this pass by; it says nothing.
fn pass_number(id: Uuid) -> String {
    let digits = id.simple().to_string().to_uppercase();
    format!("{}-{}", &digits[24..28], &digits[28..])
}
