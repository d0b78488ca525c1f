//! Signing in at the site ([`crate::accounts::handover`]): the return from there ([`super::to_site`] is the way), and the
//! consent page after it.

use super::consent;
use super::judged::{judge_again, log_refused, refused, site};
use super::to_site::{ask_site_again, ask_site_for_page, leave, without_referrer};
use crate::accounts::handover::endpoint::ARRIVES_WITHIN;
use crate::accounts::handover::request::AppRequest;
use crate::accounts::handover::{Asks, HandoverRequest, Opened, fits};
use crate::config;
use crate::http::respond;
use crate::http::respond::Response;
use crate::oauth::Refusal;
use crate::oauth::authorize::reason::AuthorizeReason;
use crate::oauth::authorize::request::AuthorizationProblem;
use crate::store::StoreError;
use crate::store::model::{Acceptance, Accepted, AuditAction, SiteRefusal, Status, User};
use crate::time::Instant;
use crate::web::Visit;
use crate::web::view::{Back, ErrorKind, SiteReturn, SiteReturnKind};
use http::Method;

/// The difference between the site's clock and ours that is not held against anybody, in seconds.
const ALLOWANCE: i64 = 30;

/// `GET /handover/begin`: with `place`, a button of our own sign-in form; with `handover`, the same sign-in once more.
pub(crate) async fn begin(visit: Visit) -> Response {
    let query = visit.query(&["place", "handover"]);
    let Some(config) = &visit.hallpass.config.handover else {
        return visit.error(404, ErrorKind::NotFound);
    };
    if let Some(handover) = query.get("handover") {
        let before = HandoverRequest::open(&visit.hallpass.keys, visit.now, handover);
        return match before {
            Opened::Fresh(request) | Opened::Expired(request) => ask_once_more(&visit, config, &request).await,
            Opened::Unknown => stopped(&visit, 400, SiteReturnKind::Unknown, None),
        };
    }
    let place = query.get("place").unwrap_or("/account").to_owned();
    match ask_site_for_page(&visit, &place) {
        Some(response) => response,
        None => visit.go(&visit.address("/account")),
    }
}

async fn ask_once_more(visit: &Visit, config: &config::Handover, request: &HandoverRequest) -> Response {
    match &request.asks {
        Asks::App(app) => {
            let asked = ask_site_again(visit, config, &request.query(app), None).await;
            asked.unwrap_or_else(|response| response)
        }
        Asks::Pages(place) => {
            let again = leave(visit, config, &request.again(visit.browser_hash(), visit.now));
            again.unwrap_or_else(|| visit.go(&visit.address(place)))
        }
    }
}

/// `GET /handover/return`: the browser comes back from the site. With the value it takes effect, once, and leads to an address
/// without the value. A GET changes something here, because the site answers with a redirect.
pub(crate) async fn arrive(mut visit: Visit) -> Response {
    if visit.hallpass.config.handover.is_none() {
        return visit.error(404, ErrorKind::NotFound);
    }
    // Prefetchers and link previews send HEAD, and must not spend anything.
    if visit.parts.method == Method::HEAD {
        return without_referrer(visit.finished(respond::empty(200)));
    }
    let query = visit.query(&["handover", "value"]);
    let text = |name| query.get(name).unwrap_or_default().to_owned();
    let (handover, value) = (text("handover"), text("value"));
    let arrived = match value.as_str() {
        "" => told_again(&visit, &handover).await,
        value => taken(&mut visit, &handover, value).await,
    };
    without_referrer(arrived.unwrap_or_else(|response| response))
}

/// Takes the answer of the site that the value belongs to.
async fn taken(visit: &mut Visit, handover: &str, value: &str) -> Result<Response, Response> {
    let without_value = visit.go(&visit.address(&format!("/handover/return?handover={handover}")));
    let Opened::Fresh(request) = HandoverRequest::open(&visit.hallpass.keys, visit.now, handover) else {
        return Err(without_value);
    };
    let found = acceptance(visit, &request).await?;
    let Some(found) = found.filter(|found| fits(&visit.hallpass.keys, found, value)) else {
        return Err(without_value);
    };
    if !visit.is_of_browser(&request.browser) {
        brought_elsewhere(visit, &found).await?;
        return Err(without_value);
    }
    if visit.is_begun_by(&found) {
        return Ok(onward(visit, &request, handover));
    }
    let is_late = found.accepted.after(ARRIVES_WITHIN) <= visit.now;
    if is_late || found.spent.is_some() {
        return Err(without_value);
    }
    if let Ok(accepted) = &found.outcome
        && is_fresh(&request, accepted, visit.now)
        && let Some(user) = active(visit, accepted).await?
    {
        match visit.begin_handed_over(&found, accepted, &user).await {
            Ok(()) => return Ok(onward(visit, &request, handover)),
            // Another request spent it at the same moment, or the person was suspended or signed out meanwhile.
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(visit.failed(error)),
        }
    }
    spend(visit, &found).await?;
    Err(without_value)
}

async fn acceptance(visit: &Visit, request: &HandoverRequest) -> Result<Option<Acceptance>, Response> {
    let found = visit.hallpass.store.acceptance(request.hash).await;
    found.map_err(|error| visit.failed(error))
}

/// The person, if the site may sign them in.
async fn active(visit: &Visit, accepted: &Accepted) -> Result<Option<User>, Response> {
    let user = visit.hallpass.store.user(accepted.user).await;
    let user = user.map_err(|error| visit.failed(error))?;
    Ok(user.filter(|user| user.status == Status::Active && !user.admin))
}

/// Spends an answer whose value came from another browser than the one that began. An attacker may have begun the sign-in and
/// sent the link to a victim, so nobody can use the answer any more.
async fn brought_elsewhere(visit: &Visit, found: &Acceptance) -> Result<(), Response> {
    if found.spent.is_some() {
        return Ok(());
    }
    let event = visit.who_is_unknown().did(AuditAction::SignInRefused, visit.now);
    let event = event.detail(&serde_json::json!({ "reason": "other_browser" }));
    let event = match &found.outcome {
        Ok(accepted) => event.user(accepted.user),
        Err(_) => event,
    };
    let spent = visit.hallpass.store.recording(event).spend(found, visit.now).await;
    spent.map_err(|error| visit.failed(error))?;
    tracing::info!(source = %visit.source(), "refused the return from the site: the sign-in began in another browser");
    Ok(())
}

/// Says what became of a sign-in. Changes nothing.
async fn told_again(visit: &Visit, handover: &str) -> Result<Response, Response> {
    let request = match HandoverRequest::open(&visit.hallpass.keys, visit.now, handover) {
        Opened::Fresh(request) => request,
        Opened::Expired(_) => return Err(stopped(visit, 400, SiteReturnKind::Expired, Some(handover))),
        Opened::Unknown => return Err(stopped(visit, 400, SiteReturnKind::Unknown, None)),
    };
    if !visit.is_of_browser(&request.browser) {
        return Err(elsewhere(visit));
    }
    let found = acceptance(visit, &request).await?;
    let Some(found) = found.filter(|found| found.spent.is_some()) else {
        return Err(stopped(visit, 400, SiteReturnKind::Late, Some(handover)));
    };
    if visit.is_begun_by(&found) {
        return Ok(onward(visit, &request, handover));
    }
    let accepted = match &found.outcome {
        Ok(accepted) => accepted,
        Err(refusal) => return refused_by_site(visit, &request, &found, *refusal).await,
    };
    let Some(user) = active(visit, accepted).await? else {
        return Err(suspended(visit, &request).await);
    };
    if !is_fresh(&request, accepted, found.spent.unwrap_or(visit.now)) {
        return Err(still_signed_in(visit, &request, handover, &user).await);
    }
    Err(stopped(visit, 400, SiteReturnKind::Spent, Some(handover)))
}

/// The page for a sign-in that began in another browser.
fn elsewhere(visit: &Visit) -> Response {
    let own = visit.hallpass.issuer.clone();
    let kind = match visit.brought_cookies() {
        true => SiteReturnKind::OtherBrowser,
        false => SiteReturnKind::NoCookies { own: &own },
    };
    stopped(visit, 400, kind, None)
}

/// Where a sign-in leads to.
fn onward(visit: &Visit, request: &HandoverRequest, handover: &str) -> Response {
    match &request.asks {
        Asks::App(_) => visit.go(&visit.address(&format!("/consent?handover={handover}"))),
        Asks::Pages(place) => visit.go(&visit.address(place)),
    }
}

/// Whether the person signed in at the site since the moment that was asked for. Nothing said is not fresh.
fn is_fresh(request: &HandoverRequest, accepted: &Accepted, now: Instant) -> bool {
    let Some(after) = request.after else { return true };
    let latest = now.0.div_euclid(1_000) + ALLOWANCE;
    accepted.auth_time.is_some_and(|moment| {
        let seconds = moment.0.div_euclid(1_000);
        seconds >= after - ALLOWANCE && seconds <= latest
    })
}

async fn spend(visit: &Visit, found: &Acceptance) -> Result<(), Response> {
    let spent = visit.hallpass.store.spend(found, visit.now).await;
    spent.map(drop).map_err(|error| visit.failed(error))
}

/// The site answered with an older sign-in than the one that was asked for.
async fn still_signed_in(visit: &Visit, request: &HandoverRequest, handover: &str, user: &User) -> Response {
    if let Asks::App(app) = &request.asks
        && app.max_age
    {
        return told(visit, app, AuthorizeReason::LoginRequired.into()).await;
    }
    let kind = SiteReturnKind::StillSignedIn { person: &user.name };
    let config = visit.hallpass.config.handover.as_ref();
    let page = SiteReturn {
        sign_out: config.and_then(|config| config.sign_out.as_deref()),
        ..page_of(400, kind)
    };
    let again = again(visit, handover);
    rendered(
        visit,
        &SiteReturn {
            again: Some(&again),
            ..page
        },
    )
}

async fn suspended(visit: &Visit, request: &HandoverRequest) -> Response {
    match &request.asks {
        Asks::App(app) => told(visit, app, AuthorizeReason::PersonSuspended.into()).await,
        Asks::Pages(_) => stopped(visit, 403, SiteReturnKind::Suspended, None),
    }
}

/// The site signed nobody in. Its words are shown first; without words, the app is told at once.
async fn refused_by_site(
    visit: &Visit,
    request: &HandoverRequest,
    found: &Acceptance,
    refusal: SiteRefusal,
) -> Result<Response, Response> {
    let Asks::App(app) = &request.asks else {
        let page = SiteReturn {
            message: found.message.as_deref(),
            ..page_of(403, SiteReturnKind::Refused)
        };
        return Err(rendered(visit, &page));
    };
    let reason: Refusal = match refusal {
        SiteRefusal::AccessDenied => AuthorizeReason::RefusedBySite.into(),
        SiteRefusal::LoginRequired => AuthorizeReason::LoginRequired.into(),
    };
    let Some(message) = &found.message else {
        return Err(told(visit, app, reason).await);
    };
    let request = judge_again(visit, &app.query()).await?;
    log_refused(&reason);
    let address = request.target.with_refusal(&visit.hallpass, &reason);
    let site = address.as_deref().and_then(|address| site(&request.client, address));
    let back = address.as_deref().map(|href| Back {
        href,
        app: &request.client.app.name,
        site: site.as_deref(),
    });
    let page = SiteReturn {
        message: Some(message),
        back,
        ..page_of(403, SiteReturnKind::Refused)
    };
    Err(rendered(visit, &page))
}

/// Tells the app why it gets no code.
async fn told(visit: &Visit, app: &AppRequest, reason: Refusal) -> Response {
    match judge_again(visit, &app.query()).await {
        Ok(request) => {
            let mut response = refused(
                visit,
                AuthorizationProblem::OfApp(request.client, request.target, reason),
            );
            if response.status() == http::StatusCode::FOUND {
                *response.status_mut() = http::StatusCode::SEE_OTHER;
            }
            response
        }
        Err(response) => response,
    }
}

/// `GET /consent?handover=…`: the consent page of the request with which the person was sent to the site.
pub(crate) async fn consent(visit: Visit) -> Result<Response, Response> {
    if visit.hallpass.config.handover.is_none() {
        return Err(visit.error(404, ErrorKind::NotFound));
    }
    let query = visit.query(&["handover"]);
    let handover = query.get("handover").unwrap_or_default();
    let request = match HandoverRequest::open(&visit.hallpass.keys, visit.now, handover) {
        Opened::Fresh(request) => request,
        Opened::Expired(_) => return Err(stopped(&visit, 400, SiteReturnKind::Expired, Some(handover))),
        Opened::Unknown => return Err(stopped(&visit, 400, SiteReturnKind::Unknown, None)),
    };
    let Asks::App(app) = &request.asks else {
        return Err(stopped(&visit, 400, SiteReturnKind::Unknown, None));
    };
    if !visit.is_of_browser(&request.browser) {
        return Err(elsewhere(&visit));
    }
    let found = acceptance(&visit, &request)
        .await?
        .filter(|found| visit.is_begun_by(found));
    let accepted = found.and_then(|found| found.outcome.ok());
    let (Some(accepted), Some(user)) = (accepted, visit.user.clone()) else {
        return Err(stopped(&visit, 400, SiteReturnKind::Ended, Some(handover)));
    };
    let query = request.query(app);
    let judged = judge_again(&visit, &query).await?;
    let asked = consent::ask_in(&visit, &user, &judged, &query, accepted.organization).await;
    asked.map_err(|refusal| visit.failed(refusal))
}

/// The page that says why the person cannot go on, with the way to begin anew.
fn stopped(visit: &Visit, status: u16, kind: SiteReturnKind<'_>, handover: Option<&str>) -> Response {
    let again = handover.map(|handover| again(visit, handover));
    let page = SiteReturn {
        again: again.as_deref(),
        ..page_of(status, kind)
    };
    rendered(visit, &page)
}

/// The address at which the same sign-in begins anew, with the same demands.
fn again(visit: &Visit, handover: &str) -> String {
    visit.address(&format!("/handover/begin?handover={handover}"))
}

fn page_of(status: u16, kind: SiteReturnKind<'_>) -> SiteReturn<'_> {
    SiteReturn {
        status,
        kind,
        message: None,
        back: None,
        again: None,
        sign_out: None,
    }
}

fn rendered(visit: &Visit, page: &SiteReturn<'_>) -> Response {
    visit.render(page.status, |frame| page.render(frame))
}
