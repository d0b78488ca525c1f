//! The way to the site that signs people in.

use super::judged::{judge_again, refused};
use crate::accounts::handover::request::AFTER;
use crate::accounts::handover::{Asks, HandoverRequest};
use crate::config;
use crate::http::respond;
use crate::http::respond::Response;
use crate::oauth::authorize::reason::AuthorizeReason;
use crate::oauth::authorize::request::{AuthorizationProblem, AuthorizationRequest, PARAMETERS};
use crate::time::Instant;
use crate::web::Visit;
use hallpass_wire::Parameters;
use http::{HeaderValue, header};

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
    let wanted = HandoverRequest {
        after: request.interaction.after(visit.now),
        ..HandoverRequest::of_query(visit.browser_hash(), query, visit.now)
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
    let names = [&PARAMETERS[..], &[AFTER]].concat();
    let query = Parameters::read(query.as_bytes(), &names);
    let before = HandoverRequest::of_query(visit.browser_hash(), &query, visit.now);
    let wanted = HandoverRequest {
        after: after.map(|after| after.0.div_euclid(1_000)).or(before.after),
        ..before
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
pub(super) fn leave(visit: &Visit, config: &config::Handover, wanted: &HandoverRequest) -> Option<Response> {
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

/// The address of such an answer holds what must not reach another site (RFC 9700 §4.2.4).
pub(super) fn without_referrer(mut response: Response) -> Response {
    respond::no_store(&mut response);
    let none = HeaderValue::from_static("no-referrer");
    response.headers_mut().insert(header::REFERRER_POLICY, none);
    response
}
