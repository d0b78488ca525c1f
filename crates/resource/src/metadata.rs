//! The API's own metadata (RFC 9728): clients find the authorization server by it.

use hallpass_wire::Scopes;
use http::Uri;
use serde_json::json;

/// The metadata of an API.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProtectedResource {
    resource: String,
    scopes: Scopes,
    name: Option<String>,
    documentation: Option<String>,
}

impl ProtectedResource {
    /// The metadata of the API with this identifier: an `https` URL without a fragment, the `resource` of RFC 8707.
    #[must_use]
    pub fn new(resource: &str) -> Self {
        Self {
            resource: resource.to_owned(),
            scopes: Scopes::default(),
            name: None,
            documentation: None,
        }
    }

    /// The scopes that clients may ask for.
    #[must_use]
    pub fn scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = scopes;
        self
    }

    /// A name for people.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// The address of a page for developers.
    #[must_use]
    pub fn documentation(mut self, url: &str) -> Self {
        self.documentation = Some(url.to_owned());
        self
    }

    /// Address, path and JSON. `None` if the identifier is no URL that can have metadata (RFC 9728 §3).
    pub(crate) fn publish(&self, issuer: &str) -> Option<Published> {
        let uri: Uri = self.resource.parse().ok()?;
        let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
        let quoted = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        if self.resource.contains('#') || !self.resource.bytes().all(quoted) {
            return None;
        }
        // §3.1: the well-known path goes between host and path, and a query stays behind. A slash that follows the host goes; the
        // slash at the end of a path stays, so that two identifiers have two addresses.
        let own = match uri.path() {
            "/" => "",
            own => own,
        };
        let path = format!("/.well-known/oauth-protected-resource{own}");
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let mut document = json!({
            "resource": self.resource,
            "authorization_servers": [issuer],
            "bearer_methods_supported": ["header"],
        });
        if !self.scopes.is_empty() {
            document["scopes_supported"] = self.scopes.iter().map(ToString::to_string).collect();
        }
        for (name, value) in [
            ("resource_name", &self.name),
            ("resource_documentation", &self.documentation),
        ] {
            if let Some(value) = value {
                document[name] = json!(value);
            }
        }
        Some(Published {
            url: format!("{scheme}://{authority}{path}{query}"),
            path,
            json: document.to_string(),
        })
    }
}

/// Metadata, ready to be served.
pub(crate) struct Published {
    pub(crate) url: String,
    /// Without the query, which no router takes for a part of a path.
    pub(crate) path: String,
    pub(crate) json: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(resource: &str) -> Option<(String, String)> {
        let published = ProtectedResource::new(resource).publish("https://id.example")?;
        Some((published.url, published.path))
    }

    #[test]
    fn the_well_known_path_stands_between_host_and_path() {
        for (resource, url) in [
            (
                "https://api.example",
                "https://api.example/.well-known/oauth-protected-resource",
            ),
            (
                "https://api.example/",
                "https://api.example/.well-known/oauth-protected-resource",
            ),
            (
                "https://api.example/v2",
                "https://api.example/.well-known/oauth-protected-resource/v2",
            ),
            (
                "https://api.example/v2?a=b",
                "https://api.example/.well-known/oauth-protected-resource/v2?a=b",
            ),
            (
                "https://api.example/v2/",
                "https://api.example/.well-known/oauth-protected-resource/v2/",
            ),
            (
                "https://api.example/?a=b",
                "https://api.example/.well-known/oauth-protected-resource?a=b",
            ),
            (
                "https://api.example?a=b/",
                "https://api.example/.well-known/oauth-protected-resource?a=b/",
            ),
        ] {
            let (found, path) = published(resource).unwrap();
            assert_eq!(found, url);
            let served = url.strip_prefix("https://api.example").unwrap();
            assert_eq!(path, served.split('?').next().unwrap());
        }
        for resource in [
            "api.example",
            "/v2",
            "https://api.example/#a",
            "https://api.example/\"",
            "urn:api",
        ] {
            assert!(published(resource).is_none(), "{resource}");
        }
    }

    #[test]
    fn the_document_has_the_members_of_rfc_9728() {
        let resource = ProtectedResource::new("https://api.example")
            .scopes(Scopes::parse("a b").unwrap())
            .name("Orders")
            .documentation("https://docs.example");
        let document: serde_json::Value =
            serde_json::from_str(&resource.publish("https://id.example").unwrap().json).unwrap();
        assert_eq!(
            document,
            json!({
                "resource": "https://api.example",
                "authorization_servers": ["https://id.example"],
                "bearer_methods_supported": ["header"],
                "scopes_supported": ["a", "b"],
                "resource_name": "Orders",
                "resource_documentation": "https://docs.example",
            })
        );
    }
}
