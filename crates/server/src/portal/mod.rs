//! The developer portal: third parties register apps, and see their credentials. Who may do what is in `permission`.

pub mod apps;
pub mod new_app;
pub mod organizations;
pub mod permission;
pub mod secrets;

use crate::store::model::{App, Organization};
use crate::view::AppLine;

/// An app as lists show it.
#[must_use]
pub fn app_line<'a>(app: &'a App, organization: &'a Organization) -> AppLine<'a> {
    AppLine {
        client_id: &app.client_id,
        name: &app.name,
        organization: (!organization.hidden).then_some(organization.name.as_str()),
        status: app.status,
        created: app.created.0,
    }
}
