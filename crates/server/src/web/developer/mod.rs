//! The developer portal: third parties register apps, and see their credentials. Who may do what is in `permission`.

pub(crate) mod apps;
pub(crate) mod change_app;
pub(crate) mod delete_app;
pub(crate) mod fields;
pub(crate) mod new_app;
pub(crate) mod secrets;

use crate::http::respond::Response;
use crate::store::model::{AppId, ListPage, ListedApp};
use crate::web::Visit;
use crate::web::view::{AppLine, ErrorKind, Pages};
use uuid::Uuid;

/// How many lines a page of a list has.
pub(crate) const PAGE: u32 = 50;

/// An app as lists show it.
#[must_use]
pub(crate) fn app_line(listed: &ListedApp) -> AppLine<'_> {
    let app = &listed.app;
    let organization = listed.organization.as_ref().filter(|one| !one.hidden);
    AppLine {
        client_id: &app.client_id,
        name: &app.name,
        organization: organization.map(|one| one.name.as_str()),
        status: app.status,
        created: app.created.0,
    }
}

/// The key of the last line of the page before, from the address; `None` on the first page of the list at `place`.
///
/// # Errors
/// The answer to give instead, where the address names no key: as in the admin API, none is passed over.
#[expect(clippy::result_large_err, reason = "the error is the answer")]
pub(crate) fn key(visit: &Visit, name: &'static str, place: &str) -> Result<Option<Uuid>, Response> {
    let query = visit.query(&[name]);
    let key = query.get(name).map(Uuid::try_parse).transpose();
    match key {
        Ok(key) if query.faults().is_empty() => Ok(key),
        _ => {
            let first = visit.address(place);
            Err(visit.error(400, ErrorKind::NoSuchPart { first: &first }))
        }
    }
}

/// Links to the other pages of a list of apps at this place, on the page whose key is `before`.
#[must_use]
pub(crate) fn pages(visit: &Visit, place: &str, before: Option<AppId>, page: &ListPage<ListedApp, AppId>) -> Pages {
    let and = if place.contains('?') { '&' } else { '?' };
    let next = page.next.map(|key| visit.address(&format!("{place}{and}before={key}")));
    let first = before.map(|_| visit.address(place));
    Pages { first, next }
}
