//! Every address of the server, on one page.
//!
//! The endpoints that machines call are matched first, by hand: their paths are configuration and they are hot. The rest are
//! pages, behind a router. Both forms of every path are answered, with and without a trailing slash.

use crate::app::Hallpass;
use crate::pages::{account, connected_apps, consent, landing, login};
use crate::portal::{apps, new_app, organizations, secrets};
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
    /// OpenAPI 3.1.
    OpenApi,
    /// Whether the process lives.
    Live,
    /// Whether it can serve.
    Ready,
    /// A page.
    Page,
}

/// What `path` leads to; the path of the public address is already taken off.
#[must_use]
pub fn endpoint(hallpass: &Hallpass, path: &str) -> Endpoint {
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
    // Clients look for the metadata in three places: in front of the issuer's path by RFC 8414 §3.1 and by the name that
    // OpenID Connect Discovery chose, and behind it.
    let inserted = path.strip_suffix(hallpass.base.as_str()).unwrap_or(path);
    match inserted {
        "/.well-known/oauth-authorization-server" | "/.well-known/openid-configuration" => Endpoint::Metadata,
        "/openapi.json" => Endpoint::OpenApi,
        "/health/live" => Endpoint::Live,
        "/health/ready" => Endpoint::Ready,
        _ => Endpoint::Page,
    }
}

/// The pages.
pub fn pages(hallpass: Arc<Hallpass>) -> Router {
    Router::new()
        .route("/", get(landing::landing))
        .route("/assets/{name}", get(landing::assets))
        .route("/login", get(login::page).post(login::sign_in))
        .route("/logout", post(login::sign_out))
        .route("/consent", post(consent::decide))
        .route("/switch", post(consent::switch))
        .route("/account", get(account::page))
        .route("/account/apps", get(connected_apps::page).post(connected_apps::end))
        .route("/organizations/{slug}", get(organizations::page))
        .route("/developer", get(apps::list))
        .route("/developer/apps/new", get(new_app::page).post(new_app::create))
        .route("/developer/apps/{client_id}", get(apps::page))
        .route("/developer/apps/{client_id}/secret", post(secrets::make))
        .route("/developer/apps/{client_id}/secret/end", post(secrets::end))
        .fallback(landing::not_found)
        .method_not_allowed_fallback(landing::method_not_allowed)
        .with_state(hallpass)
}

/// A path without its trailing slash.
#[must_use]
pub fn bare(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}
