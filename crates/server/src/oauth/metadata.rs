//! The metadata document (RFC 8414). The same is served for all three well-known forms that clients try.

use crate::app::Hallpass;
use crate::config::GrantType;
use crate::respond::{self, Response};
use crate::view::Locale;
use hallpass_wire::metadata::Metadata;
use http::{HeaderValue, header};

/// Answers with the document.
#[must_use]
pub fn metadata(hallpass: &Hallpass) -> Response {
    let body = serde_json::to_vec(&document(hallpass)).unwrap_or_default();
    let mut response = respond::bytes(200, "application/json", body);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}

fn document(hallpass: &Hallpass) -> Metadata {
    let config = &hallpass.config;
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let api = |path: &str| format!("{}{path}", hallpass.api_url);
    Metadata {
        issuer: hallpass.issuer.clone(),
        authorization_endpoint: format!("{}{}", hallpass.issuer, config.paths.authorize),
        token_endpoint: api(&config.paths.token),
        introspection_endpoint: api(&config.paths.introspect),
        revocation_endpoint: api(&config.paths.revoke),
        userinfo_endpoint: api(&config.paths.identity),
        scopes_supported: config.scopes.keys().map(ToString::to_string).collect(),
        response_types_supported: words(&["code"]),
        response_modes_supported: words(&["query"]),
        grant_types_supported: config
            .wire
            .grant_types
            .iter()
            .map(|kind: &GrantType| kind.as_str().to_owned())
            .collect(),
        token_endpoint_auth_methods_supported: words(&["client_secret_basic", "client_secret_post", "none"]),
        introspection_endpoint_auth_methods_supported: words(&["client_secret_basic", "client_secret_post"]),
        revocation_endpoint_auth_methods_supported: words(&["client_secret_basic", "client_secret_post", "none"]),
        code_challenge_methods_supported: words(&["S256"]),
        authorization_response_iss_parameter_supported: true,
        ui_locales_supported: Locale::ALL.iter().map(|locale| locale.tag().to_owned()).collect(),
    }
}
