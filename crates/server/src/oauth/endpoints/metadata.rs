//! The metadata document (RFC 8414). The same document is served at the root, in front of the issuer's path and behind it.

use crate::config::{DialectName, GrantType};
use crate::http::respond;
use crate::http::respond::Response;
use crate::serve::hallpass::Hallpass;
use crate::web::view::Locale;
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

/// Answers 404 at the address of OpenID Connect Discovery. A document without `jwks_uri`, `subject_types_supported` and signing
/// algorithms is not that of an OpenID provider (§3), and libraries fail if they find one. After a 404 they try that of RFC
/// 8414. The answer is JSON and not a page, because programs call this address.
#[must_use]
pub fn no_openid_configuration() -> Response {
    let body = r#"{"error":"not_found","error_description":"This server is no OpenID provider; its metadata is at /.well-known/oauth-authorization-server"}"#;
    respond::json(404, body)
}

fn document(hallpass: &Hallpass) -> Metadata {
    let config = &hallpass.config;
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let address = |member| hallpass.address(member);
    Metadata {
        issuer: hallpass.issuer.clone(),
        authorization_endpoint: address("authorization_endpoint"),
        token_endpoint: address("token_endpoint"),
        introspection_endpoint: address("introspection_endpoint"),
        revocation_endpoint: address("revocation_endpoint"),
        userinfo_endpoint: address("userinfo_endpoint"),
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
        refresh_token_expiration_types_supported: match config.wire.dialect {
            DialectName::Standard => words(&["authorization", "token_timeout"]),
            _ => Vec::new(),
        },
        ui_locales_supported: Locale::ALL.iter().map(|locale| locale.tag().to_owned()).collect(),
    }
}
