//! Consent: a person allows or denies an app.
//!
//! The form carries the id of the future grant. To allow inserts that grant, or finds it: a second POST creates nothing, and
//! shows the same code as long as it can be redeemed. If the second POST names another organization, the person is asked again.
//! If it denies, the grant ends, unless its code is already redeemed.

use super::choices::{belonging, choices, nowhere};
use super::judged::{judge_again, log_refused, place, site};
use super::prompt;
use super::shown::{Question, ShownConsent};
use super::to_site::ask_site_again;
use crate::config::Lifetime;
use crate::http::respond::{Response, unchanged};
use crate::oauth::Refusal;
use crate::oauth::authorize::reason::AuthorizeReason;
use crate::oauth::authorize::request::AuthorizationRequest;
use crate::random;
use crate::serve::hallpass::Hallpass;
use crate::store::ORGANIZATION_GRANTS;
use crate::store::model::{
    ActsAs, AuditAction, ClientType, EndReason, Grant, GrantId, GrantState as Life, NewGrant, Organization,
    OrganizationId, User,
};
use crate::tokens::proofs::{Proof, ProofKind};
use crate::web::account::overview::organization_choices;
use crate::web::allowance::wait_for;
use crate::web::state::{Opened, Purpose};
use crate::web::view::{Again, AlreadyConnected, Back, CodeCopy, Consent, ConsentDone, Denied, ErrorKind, Until};
use crate::web::{Form, Kept, Post, Visit};
use hallpass_wire::redirect_uri::Destination;
use http::header;
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// After how many seconds a person may try again while older servers run.
const NOT_YET_SECONDS: u32 = 60;

/// Asks for consent to a checked request.
///
/// # Errors
/// If the database is away.
pub(crate) async fn ask(
    visit: &Visit,
    user: &User,
    request: &AuthorizationRequest,
    query: &str,
) -> Result<Response, Refusal> {
    put(visit, user, request, query, AskReason::First(None)).await
}

/// The same with the organization in which the person works now, which is preselected.
///
/// # Errors
/// If the database is away.
pub(super) async fn ask_in(
    visit: &Visit,
    user: &User,
    request: &AuthorizationRequest,
    query: &str,
    organization: Option<OrganizationId>,
) -> Result<Response, Refusal> {
    put(visit, user, request, query, AskReason::First(organization)).await
}

/// Why the person is asked.
enum AskReason<'f> {
    /// For the first time. The organization is preselected.
    First(Option<OrganizationId>),
    /// Again, although this form was an answer. Its choices stay selected.
    Again(Again, Option<&'f Form>),
    /// The form names no organization, or one that the person cannot choose.
    NoOrganization,
}

async fn put(
    visit: &Visit,
    user: &User,
    request: &AuthorizationRequest,
    query: &str,
    reason: AskReason<'_>,
) -> Result<Response, Refusal> {
    let belongs = belonging(&visit.hallpass, user, request).await?;
    let organizations = choices(request, &belongs);
    if organizations.is_empty() {
        return Ok(nowhere(visit, user, request, query, &belongs));
    }
    if !may_be_written(visit, request) {
        return Ok(not_yet(visit));
    }
    let owner = visit.hallpass.directory.publisher(&request.client).await?;
    let question = Question {
        request,
        owner: owner.as_deref(),
        organizations: &organizations,
    };
    Ok(page(visit, user, query, &question, &reason))
}

fn page(visit: &Visit, user: &User, query: &str, question: &Question<'_>, reason: &AskReason<'_>) -> Response {
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
    let (status, again, chosen) = match reason {
        AskReason::First(chosen) => {
            let chosen = organizations.iter().find(|one| Some(one.id) == *chosen);
            (200, None, chosen.map(|one| one.slug.as_str()))
        }
        AskReason::Again(again, form) => (200, Some(again), form.and_then(|form| form.get("organization"))),
        AskReason::NoOrganization => (400, None, None),
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
            of_organization: app.acts_as == ActsAs::Organization,
            destination: request.target.uri.as_deref().and_then(Destination::of),
            code_is_useless: app.trusted && app.client_type == ClientType::Confidential && request.challenge.is_some(),
            person_name: &user.name,
            person_email: &user.label(),
            organizations: &organization_choices(organizations),
            organization: chosen,
            organization_missing: matches!(reason, AskReason::NoOrganization),
            show_organization: only.map(|one| one.name.as_str()),
            until: until(&visit.hallpass),
            scopes: &visit.scope_lines(&request.scopes),
            pass: &pass_number(id.0),
            switch_account: &switch,
        }
        .render(frame)
    })
}

/// `POST /consent`.
pub(crate) async fn decide(Post { visit, form }: Post) -> Result<Response, Response> {
    let (opened, shown) = carried(&visit, &form)?;
    let mut request = judge_again(&visit, &shown.query).await?;
    let Some(user) = &visit.user else {
        if let Some(config) = &visit.hallpass.config.handover {
            return ask_site_again(&visit, config, &shown.query, None).await.map(unchanged);
        }
        let (place, app) = (place(&visit.hallpass, &shown.query), request.client.app.name.as_str());
        return Ok(prompt::interrupted(&visit, &place, Some(app), Kept::default()));
    };
    let failed = |refusal| visit.failed(refusal);
    // The site says who the person is, for each request anew.
    if let (Some(config), false) = (&visit.hallpass.config.handover, opened.fits) {
        return ask_site_again(&visit, config, &shown.query, None).await.map(unchanged);
    }
    // Another tab, another person or a long pause: ask the person who is signed in now again.
    if !opened.fits {
        let chosen = opened.own.then_some(&form);
        let asked = put(
            &visit,
            user,
            &request,
            &shown.query,
            AskReason::Again(Again::Stale, chosen),
        )
        .await;
        return asked.map(unchanged).map_err(failed);
    }
    // Grant only scopes that the page showed and that are still requested.
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
    if let AskReason::Again(..) = reason {
        request.scopes = wanted;
    }
    let asked = put(&visit, user, &request, &shown.query, reason).await;
    asked.map(unchanged).map_err(failed)
}

/// `POST /switch`: "not you?". The session ends, and the next person who signs in is asked about the same request.
pub(crate) async fn switch(Post { mut visit, form }: Post) -> Result<Response, Response> {
    let (own, place) = match visit.open(Purpose::Switch, &form) {
        Some(opened) => (opened.own, String::from_utf8_lossy(&opened.payload).into_owned()),
        None => {
            let (opened, shown) = carried(&visit, &form)?;
            (opened.own, place(&visit.hallpass, &shown.query))
        }
    };
    // If another tab signed in meanwhile, or the form is from another browser, keep the session: the page shows its person.
    if own {
        visit.sign_out().await.map_err(|refusal| visit.failed(refusal))?;
    }
    let query = place.strip_prefix(&format!("{}?", visit.hallpass.config.paths.authorize));
    if let (Some(config), Some(query)) = (&visit.hallpass.config.handover, query) {
        return ask_site_again(&visit, config, query, Some(visit.now)).await;
    }
    Ok(visit.go(&visit.address(&place)))
}

/// The state that the page gave to its form.
#[expect(clippy::result_large_err, reason = "the error is the answer")]
fn carried(visit: &Visit, form: &Form) -> Result<(Opened, ShownConsent), Response> {
    let parts = || {
        let opened = visit.open(Purpose::Consent, form)?;
        let shown = ShownConsent::decode(&opened.payload)?;
        Some((opened, shown))
    };
    parts().ok_or_else(|| visit.error(400, ErrorKind::Stale))
}

/// Counts one approval of the app by the person. `Err` is the page for a person who approved too often.
#[expect(clippy::result_large_err, reason = "the error is the answer")]
fn count(visit: &Visit, user: &User, request: &AuthorizationRequest) -> Result<(), Response> {
    let app = &request.client.app;
    let counted = visit.hallpass.consents.count((user.id, app.id), visit.now);
    counted.map_err(|wait| {
        tracing::info!(client_id = app.client_id, user = %user.id, "a person allowed an app too often");
        wait_for(visit.error(429, ErrorKind::AllowedTooOften { app: &app.name }), wait)
    })
}

/// Sends the person back without access. If the same form allowed the app before and the app has not redeemed the code, that
/// grant ends. A grant that is in use can be ended only on the connected-apps page.
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

/// Says that the app already has access. The person must read this before the app gets the denial, so the way back is a link.
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

/// What the same form had granted before the denial.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing, or a grant that has ended.
    Nothing,
    /// A grant whose code was not redeemed. It ends now.
    Pending,
    /// A grant that the app uses.
    Active,
}

async fn take_back(visit: &Visit, user: &User, id: GrantId) -> Result<Before, Refusal> {
    let store = &visit.hallpass.store;
    let (reason, now) = (EndReason::ByPerson, visit.now);
    let state = async || Ok::<_, Refusal>(store.grant(id).await?.map(|grant| grant.state));
    let mut found = state().await?;
    // Most forms are answered once. They need no write.
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

/// Grants what the person allows, or returns why the person must be asked again.
async fn allow<'f>(
    visit: &Visit,
    user: &User,
    request: &AuthorizationRequest,
    shown: &ShownConsent,
    form: &'f Form,
) -> Result<Result<Response, AskReason<'f>>, Refusal> {
    let belongs = belonging(&visit.hallpass, user, request).await?;
    let organizations = choices(request, &belongs);
    if !may_be_written(visit, request) {
        return Ok(Ok(unchanged(not_yet(visit))));
    }
    let owner = visit.hallpass.directory.publisher(&request.client).await?;
    let question = Question {
        request,
        owner: owner.as_deref(),
        organizations: &organizations,
    };
    let again = |again| Ok(Err(AskReason::Again(again, Some(form))));
    if let Some(parts) = shown.changed(visit, &question, form.get("parts")) {
        return again(Again::Changed(parts));
    }
    // So many grants have ended since the page was shown that a recall covers the id of this one.
    let revoked = &visit.hallpass.revoked;
    if revoked.has_ended(user.id, request.client.app.id, shown.id) {
        return again(Again::Ended);
    }
    let Some(organization) = chosen(form, &organizations) else {
        return Ok(Err(AskReason::NoOrganization));
    };
    match give(visit, user, request, shown.id, organization.id).await? {
        Some(response) => Ok(Ok(response)),
        None => again(Again::Answered),
    }
}

/// `None` if the same form came before for another organization. The code of that grant would open the other organization.
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
        acts_as: request.client.app.acts_as,
        scopes: request.scopes.clone(),
        redirect_uri: request.target.uri.clone().filter(|_| request.target.named),
        code_challenge: request.challenge.map(|challenge| challenge.0),
        salt: random::bytes(),
        key: hallpass.keys.ring().proof_id(visit.now),
        created: visit.now,
        code_expires: visit.now.after(hallpass.config.tokens.code),
    };
    let event = visit.who(user).did(AuditAction::GrantCreated, visit.now);
    let event = match grant.acts_as {
        ActsAs::Person => event.after(&json!({ "scopes": grant.scopes })),
        ActsAs::Organization => event.after(&json!({ "scopes": grant.scopes, "acts_as": grant.acts_as })),
    };
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
    // The key of the code may have been revoked since then.
    let Some(key) = ring.proof_by_id(grant.key).filter(|_| counts) else {
        return Ok(visit.render(200, |frame| ConsentDone { app_name }.render(frame)));
    };
    let code = Proof::derive(ProofKind::Code, key, &grant.salt, grant.id.0, 0).token();
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

/// Whether every server understands the grant that an allowance would write.
fn may_be_written(visit: &Visit, request: &AuthorizationRequest) -> bool {
    request.client.app.acts_as == ActsAs::Person || visit.hallpass.feed.all_read(ORGANIZATION_GRANTS)
}

/// The page while servers of an older version run beside this one. Their heartbeats count for a day after they were stopped.
fn not_yet(visit: &Visit) -> Response {
    tracing::warn!(
        "a grant of an organization was not written: a server that ran in the last day does not understand it"
    );
    let mut response = visit.error(503, ErrorKind::NotYet);
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, NOT_YET_SECONDS.into());
    response
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

/// A short number by which people can name this pass. It has no other meaning.
fn pass_number(id: Uuid) -> String {
    let digits = id.simple().to_string().to_uppercase();
    format!("{}-{}", &digits[24..28], &digits[28..])
}
