//! The developer portal: third parties register apps, and see their credentials. Who may do what is in `permission`.

pub mod apps;
pub mod new_app;
pub mod organizations;
pub mod permission;
pub mod secrets;

use crate::pages::Visit;
use crate::store::model::{AppId, ListedApp, Page};
use crate::view::{AppLine, Pages};
use uuid::Uuid;

/// How many lines a page of a list has.
pub const PAGE: u32 = 50;

/// An app as lists show it.
#[must_use]
pub fn app_line(listed: &ListedApp) -> AppLine<'_> {
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

/// The key of the last line of the page before, from the address. What is no key begins at the beginning.
#[must_use]
pub fn key(visit: &Visit, name: &'static str) -> Option<Uuid> {
    Uuid::try_parse(visit.query(&[name]).get(name)?).ok()
}

/// Links to the other pages of a list of apps at this place.
#[must_use]
pub fn pages(visit: &Visit, place: &str, page: &Page<ListedApp, AppId>) -> Pages {
    let and = if place.contains('?') { '&' } else { '?' };
    let next = page.next.map(|key| visit.address(&format!("{place}{and}before={key}")));
    let first = key(visit, "before").map(|_| visit.address(place));
    Pages { first, next }
}
