//! The sign-in form. A page that needs a person shows this form instead. The form carries, sealed, the place to continue at.

use super::to_site::ask_site_for_page;
use crate::http::respond::{Response, unchanged};
use crate::web::Visit;
use crate::web::onward::{Kept, Onward};
use crate::web::state::Purpose;
use crate::web::view::{Interrupted, Login, LoginError};

/// The sign-in form, instead of the page that needs a person. `place` is the place to continue at.
pub(crate) fn form(visit: &Visit, place: &str, app: Option<&str>) -> Response {
    match site_of(visit, place) {
        Some(response) => response,
        None => show(visit, 200, &Onward::to(place), app, &FailedSignIn::default()),
    }
}

/// The way to the site, for the pages of people whom it signs in. The other pages are for developers and operators, who may
/// have a password here.
fn site_of(visit: &Visit, place: &str) -> Option<Response> {
    let of_people = ["/account", "/organizations"]
        .iter()
        .any(|page| place.starts_with(page));
    let of_people = of_people && visit.parts.uri.path() != "/login";
    of_people.then(|| ask_site_for_page(visit, place)).flatten()
}

/// The sign-in form as the answer to a form whose session had ended. `place` is the place to continue at.
pub(crate) fn interrupted(visit: &Visit, place: &str, app: Option<&str>, kept: Kept) -> Response {
    let and = if place.contains('?') { '&' } else { '?' };
    let said = format!("{place}{and}notice={NOTHING_DONE}");
    match site_of(visit, &said) {
        Some(response) => unchanged(response),
        None => unchanged(show(
            visit,
            200,
            &Onward::back(place, kept),
            app,
            &FailedSignIn::default(),
        )),
    }
}

/// The value of `notice` with which a page says that a form did nothing.
pub(in crate::web) const NOTHING_DONE: &str = "nothing-done";

/// The attempt before, which the form repeats.
#[derive(Default)]
pub(super) struct FailedSignIn<'a> {
    pub(super) username: &'a str,
    pub(super) error: Option<LoginError<'a>>,
}

/// Renders the sign-in form.
pub(super) fn show(
    visit: &Visit,
    status: u16,
    onward: &Onward,
    app: Option<&str>,
    attempt: &FailedSignIn<'_>,
) -> Response {
    let (action, blob) = (
        visit.address("/login"),
        visit.seal(Purpose::Login, onward.encode().as_bytes()),
    );
    let interrupted = onward.kept.as_ref().map(|kept| match kept.has_typed() {
        true => Interrupted::Kept,
        false => Interrupted::NothingDone,
    });
    let site = visit.hallpass.config.handover.as_ref().map(|config| {
        let place = match onward.place.as_str() {
            place if place.starts_with("/developer") => place,
            _ => "/account",
        };
        let mut query = form_urlencoded::Serializer::new(String::new());
        let query = query.append_pair("place", place).finish();
        (
            visit.address(&format!("/handover/begin?{query}")),
            site_name(&config.url),
        )
    });
    visit.render(status, |frame| {
        Login {
            site: site.as_ref().map(|(href, name)| (href.as_str(), name.as_str())),
            action: &action,
            blob: &blob,
            app_name: app,
            username: attempt.username,
            error: attempt.error,
            interrupted,
        }
        .render(frame)
    })
}

/// The host of the site, as its button names it.
fn site_name(url: &str) -> String {
    let host = url::Url::parse(url)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned));
    let host = host.unwrap_or_default();
    host.strip_prefix("www.").unwrap_or(&host).to_owned()
}
