//! The sign-in form. A page that needs a person shows this form instead. The form carries, sealed, the place to continue at.

use crate::http::respond::{Response, unchanged};
use crate::web::Visit;
use crate::web::onward::{Kept, Onward};
use crate::web::state::Purpose;
use crate::web::view::{Interrupted, Login, LoginError};

/// The sign-in form, instead of the page that needs a person. `place` is the place to continue at.
pub fn form(visit: &Visit, place: &str, app: Option<&str>) -> Response {
    show(visit, 200, &Onward::to(place), app, &FailedSignIn::default())
}

/// The sign-in form as the answer to a form whose session had ended. `place` is the place to continue at.
pub fn interrupted(visit: &Visit, place: &str, app: Option<&str>, kept: Kept) -> Response {
    unchanged(show(
        visit,
        200,
        &Onward::back(place, kept),
        app,
        &FailedSignIn::default(),
    ))
}

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
    visit.render(status, |frame| {
        Login {
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
