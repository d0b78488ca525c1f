//! Authorization server metadata (RFC 8414), for servers that write it and clients that read it.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The document at `/.well-known/oauth-authorization-server`.
///
/// A document of another server must have only the members that the RFC requires. An absent member takes the default of the
/// RFC; a list without a default is empty (§2). A written document leaves out empty lists (§3.2).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Metadata {
    /// The issuer identifier: a URL without query and fragment, compared as text.
    pub issuer: String,
    /// RFC 6749 §3.1. Required if a grant type uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<String>,
    /// RFC 6749 §3.2. Required if a grant type uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
    /// RFC 7662.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection_endpoint: Option<String>,
    /// RFC 7009.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// The identity endpoint, which names the resource owner of a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_endpoint: Option<String>,
    /// The scopes of this server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    /// `code`. Other servers may list more.
    pub response_types_supported: Vec<String>,
    /// The ways to return an authorization response, such as `query`.
    #[serde(default = "response_modes", skip_serializing_if = "Vec::is_empty")]
    pub response_modes_supported: Vec<String>,
    /// The grant types that the server supports.
    #[serde(default = "grant_types", skip_serializing_if = "Vec::is_empty")]
    pub grant_types_supported: Vec<String>,
    /// How clients authenticate at the token endpoint.
    #[serde(default = "auth_methods", skip_serializing_if = "Vec::is_empty")]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// How callers authenticate at the introspection endpoint. The RFC gives no default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub introspection_endpoint_auth_methods_supported: Vec<String>,
    /// How clients authenticate at the revocation endpoint.
    #[serde(default = "auth_methods", skip_serializing_if = "Vec::is_empty")]
    pub revocation_endpoint_auth_methods_supported: Vec<String>,
    /// The PKCE methods. An empty list means that the server does not support PKCE.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub code_challenge_methods_supported: Vec<String>,
    /// Whether authorization responses have the parameter `iss` (RFC 9207 §3).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    /// The events that end refresh tokens: `authorization`, `token_timeout` (draft-ietf-oauth-refresh-token-expiration-03
    /// §8).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refresh_token_expiration_types_supported: Vec<String>,
    /// The languages of the pages (BCP 47).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ui_locales_supported: Vec<String>,
}

impl Metadata {
    /// The endpoint that a grant type needs and that the document lacks (RFC 8414 §2).
    fn lacks(&self) -> Option<&'static str> {
        let grant_types = || self.grant_types_supported.iter().map(String::as_str);
        let authorizes = grant_types().any(|name| matches!(name, "authorization_code" | "implicit"));
        if authorizes && self.authorization_endpoint.is_none() {
            Some("authorization_endpoint")
        } else if grant_types().any(|name| name != "implicit") && self.token_endpoint.is_none() {
            Some("token_endpoint")
        } else {
            None
        }
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The derived function: `remote` made it an inherent function of the type.
        let metadata = Self::deserialize(deserializer)?;
        match metadata.lacks() {
            Some(endpoint) => Err(D::Error::missing_field(endpoint)),
            None => Ok(metadata),
        }
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

fn response_modes() -> Vec<String> {
    words(&["query", "fragment"])
}

fn grant_types() -> Vec<String> {
    words(&["authorization_code", "implicit"])
}

fn auth_methods() -> Vec<String> {
    words(&["client_secret_basic"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Metadata, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_document_with_only_the_required_members_gets_the_defaults_of_rfc_8414() {
        let read = read(
            r#"{
                "issuer": "https://id.example",
                "authorization_endpoint": "https://id.example/authorize",
                "token_endpoint": "https://id.example/token",
                "response_types_supported": ["code"],
                "jwks_uri": "https://id.example/jwks"
            }"#,
        )
        .unwrap();
        assert_eq!(read.grant_types_supported, ["authorization_code", "implicit"]);
        assert_eq!(read.response_modes_supported, ["query", "fragment"]);
        assert_eq!(read.token_endpoint_auth_methods_supported, ["client_secret_basic"]);
        assert_eq!(read.revocation_endpoint_auth_methods_supported, ["client_secret_basic"]);
        assert!(read.introspection_endpoint_auth_methods_supported.is_empty());
        assert!(read.code_challenge_methods_supported.is_empty());
        assert!(!read.authorization_response_iss_parameter_supported);
        assert_eq!((read.revocation_endpoint, read.userinfo_endpoint), (None, None));
    }

    /// RFC 8414 §2: each endpoint is required unless no supported grant type uses it.
    #[test]
    fn an_endpoint_is_required_if_a_grant_type_uses_it() {
        let document = |members: &str| {
            read(&format!(
                r#"{{"issuer":"https://id.example","response_types_supported":[]{members}}}"#
            ))
            .map(drop)
        };
        let lacks = |name: &str| Err(format!("missing field `{name}`"));
        let token = r#","token_endpoint":"https://id.example/token""#;
        let authorize = r#","authorization_endpoint":"https://id.example/authorize""#;
        let grants = |list: &str| format!(r#","grant_types_supported":[{list}]"#);
        let machines = grants(r#""client_credentials""#);
        let codes = grants(r#""authorization_code","refresh_token""#);
        let implicit = grants(r#""implicit""#);
        for (members, expected) in [
            (token.to_owned(), lacks("authorization_endpoint")),
            (authorize.to_owned(), lacks("token_endpoint")),
            (format!("{machines}{token}"), Ok(())),
            (machines, lacks("token_endpoint")),
            (format!("{codes}{token}"), lacks("authorization_endpoint")),
            (format!("{codes}{token}{authorize}"), Ok(())),
            (format!("{implicit}{authorize}"), Ok(())),
        ] {
            assert_eq!(document(&members), expected, "{members}");
        }
    }

    #[test]
    fn issuer_and_response_types_are_required() {
        let whole = r#"{"issuer":"https://id.example","response_types_supported":["code"],"authorization_endpoint":"https://id.example/authorize","token_endpoint":"https://id.example/token"}"#;
        assert!(read(whole).is_ok());
        for name in ["issuer", "response_types_supported"] {
            let error = read(&whole.replace(name, "x")).unwrap_err();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn a_list_without_elements_is_left_out() {
        let whole = r#"{"issuer":"https://id.example","token_endpoint":"https://id.example/token","response_types_supported":[],"grant_types_supported":["client_credentials"]}"#;
        let written = serde_json::to_value(read(whole).unwrap()).unwrap();
        assert_eq!(written.get("scopes_supported"), None);
        assert_eq!(written.get("authorization_endpoint"), None);
        assert_eq!(written["response_types_supported"], serde_json::json!([]));
    }
}
