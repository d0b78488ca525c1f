//! Authorization server metadata (RFC 8414), as served and as read by clients.

use serde::{Deserialize, Serialize};

/// The document at `/.well-known/oauth-authorization-server`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Metadata {
    /// The issuer identifier: an address without query and fragment, compared as text.
    pub issuer: String,
    /// RFC 6749 §3.1.
    pub authorization_endpoint: String,
    /// RFC 6749 §3.2.
    pub token_endpoint: String,
    /// RFC 7662.
    pub introspection_endpoint: String,
    /// RFC 7009.
    pub revocation_endpoint: String,
    /// Who the resource owner is: the identity endpoint.
    pub userinfo_endpoint: String,
    /// The scope catalogue.
    pub scopes_supported: Vec<String>,
    /// Always `code`.
    pub response_types_supported: Vec<String>,
    /// Always `query`.
    pub response_modes_supported: Vec<String>,
    /// The grant types offered.
    pub grant_types_supported: Vec<String>,
    /// How clients authenticate at the token endpoint.
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// How callers authenticate at the introspection endpoint.
    pub introspection_endpoint_auth_methods_supported: Vec<String>,
    /// How clients authenticate at the revocation endpoint.
    pub revocation_endpoint_auth_methods_supported: Vec<String>,
    /// Always `S256` (RFC 7636).
    pub code_challenge_methods_supported: Vec<String>,
    /// RFC 9207 §3.
    pub authorization_response_iss_parameter_supported: bool,
    /// Languages of the pages (BCP 47).
    pub ui_locales_supported: Vec<String>,
}
