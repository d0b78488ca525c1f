//! Every address of a page, behind a router. The paths of endpoints that machines call are in [`crate::http::endpoints`].

use crate::accounts;
use crate::accounts::handover::endpoint;
use crate::serve::hallpass::Hallpass;
use crate::web::account::{connected_apps, overview};
use crate::web::developer::{apps, change_app, delete_app, new_app, secrets};
use crate::web::landing;
use crate::web::organization::{grant_change, settings};
use crate::web::sign_in::{consent, handover, login};
use axum::Router;
use axum::routing::{get, post};
use std::sync::Arc;

/// The router of the pages. Each first part of a path is in [`PAGES`](crate::http::endpoints::PAGES) (a test checks it).
pub(crate) fn pages(hallpass: Arc<Hallpass>) -> Router {
    Router::new()
        .route("/", get(landing::landing))
        .route("/assets/{name}", get(landing::assets))
        .route("/login", get(login::page).post(login::sign_in))
        .route("/logout", post(login::sign_out))
        .route("/consent", get(handover::consent).post(consent::decide))
        .route("/handover", get(endpoint::show).post(endpoint::accept))
        .route("/handover/begin", get(handover::begin))
        .route("/handover/return", get(handover::arrive))
        .route("/switch", post(consent::switch))
        .route("/account", get(overview::page))
        .route("/account/apps", get(connected_apps::page).post(connected_apps::end))
        .route("/organizations/{slug}", get(settings::page).post(grant_change::change))
        .route("/developer", get(apps::list))
        .route("/developer/apps/new", get(new_app::page).post(new_app::create))
        .route("/developer/apps/{client_id}", get(apps::page))
        .route(
            "/developer/apps/{client_id}/change",
            get(change_app::page).post(change_app::change),
        )
        .route(
            "/developer/apps/{client_id}/delete",
            get(delete_app::page).post(delete_app::delete),
        )
        .route("/developer/apps/{client_id}/secret", post(secrets::make))
        .route("/developer/apps/{client_id}/secret/end", post(secrets::end))
        .merge(accounts::handover::routes(&hallpass))
        .fallback(landing::not_found)
        .method_not_allowed_fallback(landing::method_not_allowed)
        .with_state(hallpass)
}

#[cfg(test)]
mod tests {
    use crate::http::endpoints::PAGES;

    /// A page whose name is missing there is not found below a public address that ends in that name, and the configuration
    /// could give its address to an endpoint.
    #[test]
    fn every_page_begins_with_a_name_of_the_list() {
        let source = include_str!("routes.rs");
        let routes: Vec<&str> = source
            .split(".route(\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .filter(|path| path.starts_with('/'))
            .collect();
        assert!(routes.len() > 10, "{routes:?}");
        for path in routes {
            let first = path.split('/').nth(1).unwrap();
            assert!(path == "/" || PAGES.contains(&first), "{path}");
        }
    }
}
