//! Every address of the server, on one page.
//!
//! The endpoints that machines call are matched first, by hand: their paths are configuration and they are hot. The rest are
//! pages, behind a router. Both forms of every path are answered, with and without a trailing slash.

use crate::serve::hallpass::Hallpass;
use crate::web::account::{connected_apps, overview};
use crate::web::developer::{apps, new_app, secrets};
use crate::web::landing;
use crate::web::organization::settings;
use crate::web::sign_in::{consent, login};
use axum::Router;
use axum::routing::{get, post};
use std::sync::Arc;

/// What a path leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Endpoint {
    /// RFC 6749 §3.1.
    Authorize,
    /// RFC 6749 §3.2.
    Token,
    /// RFC 7662.
    Introspect,
    /// RFC 7009.
    Revoke,
    /// Who the resource owner is.
    Identity,
    /// RFC 8414.
    Metadata,
    /// OpenID Connect Discovery 1.0 §4: there is no such document here.
    OpenIdConfiguration,
    /// OpenAPI 3.1.
    OpenApi,
    /// Whether the process lives.
    Live,
    /// Whether it can serve.
    Ready,
    /// A page.
    Page,
}

/// What a path leads to, and how it reads below the public address or the API's. A proxy may take their paths off or leave
/// them on, so both are answered; where that leaves a choice, an endpoint comes before a page.
#[must_use]
pub fn locate<'p>(hallpass: &Hallpass, path: &'p str) -> (Endpoint, &'p str) {
    let below = || {
        let bases = hallpass.bases.iter();
        bases.filter_map(|base| path.strip_prefix(base.as_str()).filter(|rest| is_path(rest)))
    };
    let endpoints = below().chain([path]).map(|path| (endpoint(hallpass, path), path));
    let mut found = endpoints.filter(|(endpoint, _)| *endpoint != Endpoint::Page);
    let page = || (Endpoint::Page, below().find(|path| is_page(path)).unwrap_or(path));
    found.next().unwrap_or_else(page)
}

/// Whether what is left of a path is one, and not the rest of a longer name.
fn is_path(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

fn endpoint(hallpass: &Hallpass, path: &str) -> Endpoint {
    let paths = &hallpass.config.paths;
    let is = |configured: &str| bare(configured) == bare(path);
    if is(&paths.token) {
        Endpoint::Token
    } else if is(&paths.introspect) {
        Endpoint::Introspect
    } else if is(&paths.identity) {
        Endpoint::Identity
    } else if is(&paths.revoke) {
        Endpoint::Revoke
    } else if is(&paths.authorize) {
        Endpoint::Authorize
    } else {
        fixed(hallpass, bare(path))
    }
}

fn fixed(hallpass: &Hallpass, path: &str) -> Endpoint {
    match path {
        "/openapi.json" => Endpoint::OpenApi,
        "/health/live" => Endpoint::Live,
        "/health/ready" => Endpoint::Ready,
        _ => well_known(hallpass, path).unwrap_or(Endpoint::Page),
    }
}

/// Clients look for metadata in three places: at the root, in front of the issuer's path (RFC 8414 §3.1) and behind it, where
/// OpenID Connect Discovery 1.0 §4.1 puts its own document.
fn well_known(hallpass: &Hallpass, path: &str) -> Option<Endpoint> {
    let rest = path.strip_prefix("/.well-known/")?;
    let inserted = |name: &str| rest.strip_prefix(name).is_some_and(|rest| rest == hallpass.base);
    let is = |name: &str| rest == name || inserted(name);
    if is("oauth-authorization-server") {
        Some(Endpoint::Metadata)
    } else {
        is("openid-configuration").then_some(Endpoint::OpenIdConfiguration)
    }
}

/// What the paths of [`pages`] begin with.
const PAGES: [&str; 9] = [
    "",
    "assets",
    "login",
    "logout",
    "consent",
    "switch",
    "account",
    "organizations",
    "developer",
];

/// The pages.
pub fn pages(hallpass: Arc<Hallpass>) -> Router {
    Router::new()
        .route("/", get(landing::landing))
        .route("/assets/{name}", get(landing::assets))
        .route("/login", get(login::page).post(login::sign_in))
        .route("/logout", post(login::sign_out))
        .route("/consent", post(consent::decide))
        .route("/switch", post(consent::switch))
        .route("/account", get(overview::page))
        .route("/account/apps", get(connected_apps::page).post(connected_apps::end))
        .route("/organizations/{slug}", get(settings::page))
        .route("/developer", get(apps::list))
        .route("/developer/apps/new", get(new_app::page).post(new_app::create))
        .route("/developer/apps/{client_id}", get(apps::page))
        .route("/developer/apps/{client_id}/secret", post(secrets::make))
        .route("/developer/apps/{client_id}/secret/end", post(secrets::end))
        .fallback(landing::not_found)
        .method_not_allowed_fallback(landing::method_not_allowed)
        .with_state(hallpass)
}

/// Whether a page may stand at `path`, by its first part. Where the public address ends in such a name, a path that a proxy
/// shortened would else be shortened again.
fn is_page(path: &str) -> bool {
    let first = path.split('/').nth(1).unwrap_or_default();
    PAGES.contains(&first)
}

/// A path without its trailing slash.
#[must_use]
pub fn bare(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page whose name is missing here would not be found below a public address of that name.
    #[test]
    fn every_page_begins_with_a_name_of_the_list() {
        let source = include_str!("dispatch.rs");
        let routes: Vec<&str> = source
            .split(".route(\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .filter(|path| path.starts_with('/'))
            .collect();
        assert!(routes.len() > 10, "{routes:?}");
        for path in routes {
            assert!(is_page(path), "{path}");
        }
    }
}
