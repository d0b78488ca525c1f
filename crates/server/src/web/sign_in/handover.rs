//! Signing in at the site ([`crate::accounts::handover`]): the way there, the return, and the consent page after it.

use super::consent;
use super::judged::{judge_again, log_refused, refused, site};
use crate::accounts::handover::endpoint::ARRIVES_WITHIN;
use crate::accounts::handover::request::AppRequest;
use crate::accounts::handover::{Asks, HandoverRequest, Opened, fits};
use crate::config;
use crate::http::respond;
use crate::http::respond::Response;
use crate::oauth::Refusal;
use crate::oauth::authorize::request::{AuthorizationProblem, AuthorizationRequest, AuthorizeReason, PARAMETERS};
use crate::store::StoreError;
use crate::store::model::{Acceptance, Accepted, AuditAction, SiteRefusal, Status, User};
use crate::time::Instant;
use crate::web::Visit;
use crate::web::view::{Back, SiteReturn, SiteReturnKind};
use hallpass_wire::Parameters;
use http::{HeaderValue, Method, header};

/// The difference between the site's clock and ours that is not held against anybody, in seconds.
const ALLOWANCE: i64 = 30;
/// The first parts of the pages that a sign-in at the site may lead to.
const PAGES: [&str; 3] = ["/account", "/organizations", "/developer"];

/// Sends the browser to the site with an authorization request that was judged.
///
/// # Errors
/// The answer to give instead, if the request is too long.
#[expect(clippy::result_large_err, reason = "the error is the answer")]
pub(super) fn ask_site(
    visit: &Visit,
    config: &config::Handover,
    request: &AuthorizationRequest,
    query: &Parameters<'_>,
) -> Result<Response, Response> {
    let text = |name| query.get(name).map(str::to_owned);
    let wanted = HandoverRequest {
        after: request.interaction.after(visit.now),
        login_hint: text("login_hint"),
        acr_values: text("acr_values"),
        ui_locales: text("ui_locales"),
        ..HandoverRequest::new(visit.browser_hash(), Asks::App(AppRequest::of(query)), visit.now)
    };
    leave(visit, config, &wanted).ok_or_else(|| {
        let reason = AuthorizeReason::TooLongForHandover.into();
        refused(
            visit,
            AuthorizationProblem::OfApp(request.client.clone(), request.target.clone(), reason),
        )
    })
}

/// Sends the browser to the site once more with the authorization request of a consent page. `after`: the person must have
/// signed in since this moment, because they want to be somebody else.
///
/// # Errors
/// The answer to give instead.
pub(super) async fn ask_site_again(
    visit: &Visit,
    config: &config::Handover,
    query: &str,
    after: Option<Instant>,
) -> Result<Response, Response> {
    let request = judge_again(visit, query).await?;
    let query = Parameters::read(query.as_bytes(), &PARAMETERS);
    let wanted = HandoverRequest {
        after: after.map(|after| after.0.div_euclid(1_000)),
        ..HandoverRequest::new(visit.browser_hash(), Asks::App(AppRequest::of(&query)), visit.now)
    };
    leave(visit, config, &wanted).ok_or_else(|| {
        let reason = AuthorizeReason::TooLongForHandover.into();
        refused(
            visit,
            AuthorizationProblem::OfApp(request.client.clone(), request.target.clone(), reason),
        )
    })
}

/// Sends the browser to the site, to open one of the person's own pages. `None` if the site signs nobody in, or the page is
/// none of these.
pub(in crate::web) fn ask_site_for_page(visit: &Visit, place: &str) -> Option<Response> {
    let config = visit.hallpass.config.handover.as_ref()?;
    let place = own_page(place)?;
    let wanted = HandoverRequest::new(visit.browser_hash(), Asks::Pages(place.to_owned()), visit.now);
    // A place too long for the site to keep leads to the overview.
    leave(visit, config, &wanted).or_else(|| {
        let wanted = HandoverRequest::new(visit.browser_hash(), Asks::Pages("/account".to_owned()), visit.now);
        leave(visit, config, &wanted)
    })
}

/// The place, if it is one of the person's own pages. A place comes from an address, so it must not lead anywhere else.
fn own_page(place: &str) -> Option<&str> {
    let path = place.split('?').next().unwrap_or_default();
    let below = |page: &str| {
        path.strip_prefix(page)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let plain = place.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    // Browsers resolve these, and would open another page.
    let climbs = path.split('/').any(|part| {
        !part.is_empty()
            && part
                .to_ascii_lowercase()
                .replace("%2e", "")
                .trim_matches('.')
                .is_empty()
    });
    (plain && !climbs && PAGES.into_iter().any(below)).then_some(place)
}

/// The redirect to the site. `None` if the request is too long.
fn leave(visit: &Visit, config: &config::Handover, wanted: &HandoverRequest) -> Option<Response> {
    let sealed = wanted.seal(&visit.hallpass.keys, visit.now)?;
    let mut address = url::Url::parse(&config.url).ok()?;
    {
        let mut query = address.query_pairs_mut();
        query.append_pair("handover", &sealed);
        if let Some(after) = wanted.after {
            query.append_pair("after", &after.to_string());
        }
        for (name, text) in [("login_hint", &wanted.login_hint), ("ui_locales", &wanted.ui_locales)] {
            if let Some(text) = text {
                query.append_pair(name, text);
            }
        }
    }
    Some(without_referrer(visit.go(address.as_str())))
}

/// `GET /handover/begin?place=…`: a button of our own sign-in form, for people of the site.
pub async fn begin(visit: Visit) -> Response {
    let query = visit.query(&["place"]);
    let place = query.get("place").unwrap_or("/account").to_owned();
    match ask_site_for_page(&visit, &place) {
        Some(response) => response,
        None => visit.go(&visit.address("/account")),
    }
}

/// `GET /handover/return`: the browser comes back from the site. A GET changes something here, because the site answers with a
/// redirect; the address works once and only in the browser that began.
pub async fn arrive(mut visit: Visit) -> Response {
    let query = visit.query(&["handover", "value"]);
    let text = |name| query.get(name).unwrap_or_default().to_owned();
    let (handover, value) = (text("handover"), text("value"));
    let arrived = arrived(&mut visit, &handover, &value).await;
    without_referrer(arrived.unwrap_or_else(|response| response))
}

async fn arrived(visit: &mut Visit, handover: &str, value: &str) -> Result<Response, Response> {
    let request = match HandoverRequest::open(&visit.hallpass.keys, visit.now, handover) {
        Opened::Fresh(request) => request,
        Opened::Expired(request) => return Err(stopped(visit, 400, SiteReturnKind::Expired, Some(&request))),
        Opened::Unknown => return Err(stopped(visit, 400, SiteReturnKind::Unknown, None)),
    };
    let found = visit.hallpass.store.acceptance(request.hash).await;
    let found = found.map_err(|error| visit.failed(error))?;
    let fits = found.filter(|found| !value.is_empty() && fits(&visit.hallpass.keys, found, value));
    // Prefetchers and link previews send HEAD, and must not spend anything.
    if visit.parts.method == Method::HEAD {
        return Ok(visit.finished(respond::empty(200)));
    }
    if !visit.is_of_browser(&request.browser) {
        return Err(elsewhere(visit, fits).await);
    }
    match fits {
        None => Err(stopped(visit, 400, SiteReturnKind::Late, Some(&request))),
        Some(found) if found.spent.is_some() => Err(spent_before(visit, &request, handover, &found)),
        Some(found) if found.accepted.after(ARRIVES_WITHIN) <= visit.now => {
            Err(stopped(visit, 400, SiteReturnKind::Late, Some(&request)))
        }
        Some(found) => match found.outcome.clone() {
            Ok(accepted) => signed_in(visit, &request, handover, &found, &accepted).await,
            Err(refusal) => refused_by_site(visit, &request, &found, refusal).await,
        },
    }
}

/// Another browser brought the address. Whoever sent it there may have begun the sign-in, and the person who opened it is
/// another one. So it is worthless for everybody from now on.
async fn elsewhere(visit: &Visit, found: Option<Acceptance>) -> Response {
    if let Some(found) = found.filter(|found| found.spent.is_none()) {
        let user = found.outcome.as_ref().ok().map(|accepted| accepted.user);
        let event = visit.who_is_unknown().did(AuditAction::SignInRefused, visit.now);
        let event = event.detail(&serde_json::json!({ "reason": "other_browser" }));
        let event = match user {
            Some(user) => event.user(user),
            None => event,
        };
        let spent = visit.hallpass.store.recording(event).spend(&found, visit.now).await;
        if let Err(error) = spent {
            return visit.failed(error);
        }
        tracing::info!(source = %visit.source(), "refused the return from the site: the sign-in began in another browser");
    }
    let own = visit.hallpass.issuer.clone();
    let kind = match visit.brought_cookies() {
        true => SiteReturnKind::OtherBrowser,
        false => SiteReturnKind::NoCookies { own: &own },
    };
    stopped(visit, 400, kind, None)
}

/// The address was used before: by Back, a second click, or a reload. The person goes on if this browser is still theirs.
fn spent_before(visit: &Visit, request: &HandoverRequest, handover: &str, found: &Acceptance) -> Response {
    let of_person = found
        .outcome
        .as_ref()
        .is_ok_and(|accepted| visit.is_handed_over(accepted.user));
    match of_person {
        true => onward(visit, request, handover),
        false => stopped(visit, 400, SiteReturnKind::Spent, Some(request)),
    }
}

/// Where a sign-in leads to.
fn onward(visit: &Visit, request: &HandoverRequest, handover: &str) -> Response {
    match &request.asks {
        Asks::App(_) => visit.go(&visit.address(&format!("/consent?handover={handover}"))),
        Asks::Pages(place) => visit.go(&visit.address(place)),
    }
}

async fn signed_in(
    visit: &mut Visit,
    request: &HandoverRequest,
    handover: &str,
    found: &Acceptance,
    accepted: &Accepted,
) -> Result<Response, Response> {
    let user = visit.hallpass.store.user(accepted.user).await;
    let user = user.map_err(|error| visit.failed(error))?;
    let Some(user) = user.filter(|user| user.status == Status::Active) else {
        spend(visit, found).await?;
        return Err(suspended(visit, request).await);
    };
    if !is_fresh(request, accepted, visit.now) {
        spend(visit, found).await?;
        return Err(still_signed_in(visit, request, &user).await);
    }
    let began = visit.begin_handed_over(found, accepted, &user).await;
    match began {
        Ok(()) => Ok(onward(visit, request, handover)),
        // Another request spent it at the same moment, or the person was suspended.
        Err(StoreError::Conflict) => Err(stopped(visit, 400, SiteReturnKind::Spent, Some(request))),
        Err(error) => Err(visit.failed(error)),
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
async fn still_signed_in(visit: &Visit, request: &HandoverRequest, user: &User) -> Response {
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
    let again = again(visit, request);
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
    spend(visit, found).await?;
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
pub async fn consent(visit: Visit) -> Result<Response, Response> {
    let query = visit.query(&["handover"]);
    let handover = query.get("handover").unwrap_or_default();
    let request = match HandoverRequest::open(&visit.hallpass.keys, visit.now, handover) {
        Opened::Fresh(request) => request,
        Opened::Expired(request) => return Err(stopped(&visit, 400, SiteReturnKind::Expired, Some(&request))),
        Opened::Unknown => return Err(stopped(&visit, 400, SiteReturnKind::Unknown, None)),
    };
    let Asks::App(app) = &request.asks else {
        return Err(stopped(&visit, 400, SiteReturnKind::Unknown, None));
    };
    if !visit.is_of_browser(&request.browser) {
        return Err(stopped(&visit, 400, SiteReturnKind::OtherBrowser, None));
    }
    let found = visit.hallpass.store.acceptance(request.hash).await;
    let found = found
        .map_err(|error| visit.failed(error))?
        .filter(|found| found.spent.is_some());
    let accepted = found
        .and_then(|found| found.outcome.ok())
        .filter(|accepted| visit.is_handed_over(accepted.user));
    let (Some(accepted), Some(user)) = (accepted, visit.user.clone()) else {
        return Err(stopped(&visit, 400, SiteReturnKind::Ended, Some(&request)));
    };
    let query = app.query();
    let request = judge_again(&visit, &query).await?;
    let asked = consent::ask_in(&visit, &user, &request, &query, accepted.organization).await;
    asked.map_err(|refusal| visit.failed(refusal))
}

/// The page that says why the person cannot go on, with the way to begin anew.
fn stopped(visit: &Visit, status: u16, kind: SiteReturnKind<'_>, request: Option<&HandoverRequest>) -> Response {
    let again = request.map(|request| again(visit, request));
    let page = SiteReturn {
        again: again.as_deref(),
        ..page_of(status, kind)
    };
    rendered(visit, &page)
}

/// The address at which the same sign-in begins anew.
fn again(visit: &Visit, request: &HandoverRequest) -> String {
    match &request.asks {
        Asks::App(app) => visit.address(&super::judged::place(&visit.hallpass, &app.query())),
        Asks::Pages(place) => visit.address(place),
    }
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

/// The address of such an answer holds what must not reach another site (RFC 9700 §4.2.4).
fn without_referrer(mut response: Response) -> Response {
    respond::no_store(&mut response);
    let none = HeaderValue::from_static("no-referrer");
    response.headers_mut().insert(header::REFERRER_POLICY, none);
    response
}
