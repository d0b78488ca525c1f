//! Refuses changes of a person who makes very many (decision 61).

use super::Visit;
use super::view::ErrorKind;
use crate::http::respond::Response;
use crate::store::model::User;
use http::header;
use std::time::Duration;

/// Counts one change that leaves an event in the audit log and ends no access. To be called before the change is written.
///
/// # Errors
/// How long the person has to wait, if there were too many.
pub(crate) fn count(visit: &Visit, user: &User) -> Result<(), Duration> {
    let counted = visit.hallpass.changes.count(user.id, visit.now);
    counted.inspect_err(|_| {
        let path = visit.parts.uri.path();
        tracing::info!(user = %user.id, path, "a person made too many changes: this one is refused");
    })
}

/// The same for a form without typed text. `Err` is the page for a person who made too many changes.
#[expect(clippy::result_large_err, reason = "the error is the answer")]
pub(crate) fn count_or_refuse(visit: &Visit, user: &User) -> Result<(), Response> {
    count(visit, user).map_err(|wait| wait_for(visit.error(429, ErrorKind::ChangedTooOften), wait))
}

/// The response with the time after which the same request may succeed.
pub(crate) fn wait_for(mut response: Response, wait: Duration) -> Response {
    let seconds = wait.as_secs() + 1;
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}
