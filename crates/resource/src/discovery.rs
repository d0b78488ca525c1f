//! Where the endpoints of the authorization server are (RFC 8414, or OpenID Connect Discovery).

use crate::document::{Ages, Document};
use crate::refused::Unavailable;
use crate::upstream::Upstream;
use http::Uri;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Metadata seldom changes, and a server that is away for a day has other worries.
const AGES: Ages = Ages {
    fresh: Duration::from_secs(60 * 60),
    usable: Duration::from_secs(24 * 60 * 60),
    pause: Duration::from_secs(1),
};

/// The endpoints that a resource server needs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Endpoints {
    pub(crate) introspection: Option<String>,
    pub(crate) jwks: Option<String>,
}

/// Finds the endpoints. A clone shares what was found.
#[derive(Clone)]
pub(crate) struct Discovery {
    document: Document<Endpoints>,
}

impl Discovery {
    pub(crate) fn new() -> Self {
        Self {
            document: Document::new("metadata", AGES),
        }
    }

    pub(crate) async fn endpoints(&self, upstream: &Arc<Upstream>) -> Result<Arc<Endpoints>, Unavailable> {
        let request = || fetch(upstream.clone());
        self.document.get(&upstream.clock, request).await
    }
}

/// Asks at the places in the order of RFC 8414 §5 and of the Model Context Protocol. A document that cannot be used is passed
/// over: some servers answer every address with something.
async fn fetch(upstream: Arc<Upstream>) -> Result<Endpoints, Unavailable> {
    let mut last = Unavailable::new("the issuer is no URL");
    let mut unusable = None;
    for place in places(&upstream.issuer) {
        match upstream.get(&place).await {
            Ok(body) => match read(&body, &upstream.issuer) {
                Ok(endpoints) => return Ok(endpoints),
                Err(reason) => unusable = Some(format!("the metadata at {place} cannot be used: {reason}")),
            },
            Err(error) => last = error,
        }
    }
    Err(unusable.map_or(last, Unavailable::new))
}

/// The addresses of the metadata of an issuer.
fn places(issuer: &str) -> Vec<String> {
    let Ok(uri) = issuer.parse::<Uri>() else {
        return Vec::new();
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Vec::new();
    };
    let path = uri.path().trim_end_matches('/');
    let root = format!("{scheme}://{authority}/.well-known");
    let mut places = vec![
        format!("{root}/oauth-authorization-server{path}"),
        format!("{root}/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        for name in ["openid-configuration", "oauth-authorization-server"] {
            places.push(format!("{scheme}://{authority}{path}/.well-known/{name}"));
        }
    }
    places
}

/// Reads metadata. RFC 8414 §3.3: the issuer must be the one that was asked for, character by character.
fn read(body: &[u8], issuer: &str) -> Result<Endpoints, String> {
    let document: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
    match text("issuer") {
        Some(named) if named == issuer => {}
        named => return Err(format!("its issuer is {named:?}, and not {issuer:?}")),
    }
    Ok(Endpoints {
        introspection: text("introspection_endpoint"),
        jwks: text("jwks_uri"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_looked_for_at_the_root_inserted_and_appended() {
        assert_eq!(
            places("https://id.example/tenant/"),
            [
                "https://id.example/.well-known/oauth-authorization-server/tenant",
                "https://id.example/.well-known/openid-configuration/tenant",
                "https://id.example/tenant/.well-known/openid-configuration",
                "https://id.example/tenant/.well-known/oauth-authorization-server",
            ]
        );
        assert_eq!(places("https://id.example").len(), 2);
        assert!(places("id.example").is_empty());
    }

    #[test]
    fn metadata_of_another_issuer_is_refused() {
        let body = br#"{"issuer":"https://id.example","jwks_uri":"https://id.example/jwks"}"#;
        let endpoints = read(body, "https://id.example").unwrap();
        assert_eq!(endpoints.jwks.as_deref(), Some("https://id.example/jwks"));
        assert_eq!(endpoints.introspection, None);
        for issuer in ["https://id.example/", "https://ID.example", "https://other.example"] {
            assert!(read(body, issuer).is_err(), "{issuer}");
        }
        assert!(read(b"[]", "https://id.example").is_err());
        assert!(read(b"{", "https://id.example").is_err());
    }
}
