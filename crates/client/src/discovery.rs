//! Finds the metadata of an authorization server by its issuer identifier (RFC 8414, OpenID Connect Discovery 1.0).

use bytes::Bytes;
use hallpass_wire::metadata::Metadata;
use http::Request;
use http::header::ACCEPT;

use crate::http::{HttpClient, HttpError};
use crate::provider::Provider;

/// Why there is no metadata.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// The issuer is not an absolute URL without query and fragment (RFC 8414 §2).
    #[error("`{0}` is not an issuer: an https URL without query and fragment")]
    Issuer(String),
    /// A document names another issuer (RFC 8414 §3.3), which would make a mix-up possible.
    #[error("the server at {url} names itself {found:?}: write `issuer = {found:?}`")]
    OtherIssuer {
        /// Where the document was.
        url: String,
        /// The issuer in it.
        found: String,
    },
    /// None of the well-known addresses has a document that can be read.
    #[error("no metadata at {tried}")]
    NotFound {
        /// The addresses, separated by commas, and the status or fault of each.
        tried: String,
    },
    /// The server cannot be reached.
    #[error("{url}: {error}")]
    Http {
        /// What was asked for.
        url: String,
        /// Why there is no answer.
        error: HttpError,
    },
}

/// Asks for the metadata of `issuer`: at the address of RFC 8414 §3.1, with the well-known part behind the path as some
/// servers have it, and at both addresses of OpenID Connect.
///
/// # Errors
/// See [`DiscoveryError`].
pub async fn discover(http: &HttpClient, issuer: &str) -> Result<Metadata, DiscoveryError> {
    let mut tried = Vec::new();
    let mut other_issuer = None;
    for url in well_known(issuer)? {
        match fetch(http, &url).await? {
            Ok(metadata) if metadata.issuer == issuer => return Ok(metadata),
            Ok(metadata) => {
                let found = metadata.issuer;
                other_issuer.get_or_insert(DiscoveryError::OtherIssuer { url, found });
            }
            Err(reason) => tried.push(format!("{url} ({reason})")),
        }
    }
    let tried = tried.join(", ");
    Err(other_issuer.unwrap_or(DiscoveryError::NotFound { tried }))
}

/// The document at `url`, or what is there instead.
async fn fetch(http: &HttpClient, url: &str) -> Result<Result<Metadata, String>, DiscoveryError> {
    let request = Request::get(url).header(ACCEPT, "application/json").body(Bytes::new());
    let Ok(request) = request else {
        return Err(DiscoveryError::Issuer(url.to_owned()));
    };
    let answer = match http.send(request).await {
        Ok(answer) => answer,
        // The server was reached, and this is no metadata: for instance the page with which it says that nothing is here.
        Err(error @ HttpError::TooLarge { .. }) => return Ok(Err(error.to_string())),
        Err(error) => {
            let url = url.to_owned();
            return Err(DiscoveryError::Http { url, error });
        }
    };
    if answer.status() != 200 {
        return Ok(Err(format!("status {}", answer.status().as_u16())));
    }
    Ok(serde_json::from_slice(answer.body()).map_err(|error| error.to_string()))
}

/// The addresses, the standard one first, each once.
fn well_known(issuer: &str) -> Result<Vec<String>, DiscoveryError> {
    let refused = || DiscoveryError::Issuer(issuer.to_owned());
    if issuer.contains(['?', '#', '@']) {
        return Err(refused());
    }
    let (scheme, rest) = issuer.split_once("://").ok_or_else(refused)?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if !matches!(scheme, "https" | "http") || host.is_empty() {
        return Err(refused());
    }
    // §3.1: a terminating slash is removed before the well-known part.
    let path = path.trim_end_matches('/');
    let mut addresses = Vec::with_capacity(4);
    for name in ["oauth-authorization-server", "openid-configuration"] {
        for address in [
            format!("{scheme}://{host}/.well-known/{name}{path}"),
            format!("{scheme}://{host}{path}/.well-known/{name}"),
        ] {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
    }
    Ok(addresses)
}

impl Provider {
    /// Takes issuer and endpoints from a document. An endpoint that is set already stays: configuration wins. An https issuer has
    /// https endpoints alone (RFC 8414 §2): plain http on loopback would send the client's secret to a server of this machine.
    pub fn adopt(&mut self, metadata: &Metadata) {
        self.issuer = Some(metadata.issuer.clone());
        self.iss_required |= metadata.authorization_response_iss_parameter_supported;
        for (own, found) in [
            (&mut self.authorization_endpoint, &metadata.authorization_endpoint),
            (&mut self.token_endpoint, &metadata.token_endpoint),
            (&mut self.revocation_endpoint, &metadata.revocation_endpoint),
            (&mut self.introspection_endpoint, &metadata.introspection_endpoint),
        ] {
            if own.is_none() {
                *own = found.clone().filter(|url| is_https(url) || !is_https(&metadata.issuer));
            }
        }
    }
}

fn is_https(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn the_well_known_part_is_tried_before_and_behind_the_path() {
        let addresses = well_known("https://id.example/tenant/").unwrap();
        assert_eq!(
            addresses,
            [
                "https://id.example/.well-known/oauth-authorization-server/tenant",
                "https://id.example/tenant/.well-known/oauth-authorization-server",
                "https://id.example/.well-known/openid-configuration/tenant",
                "https://id.example/tenant/.well-known/openid-configuration",
            ]
        );
        assert_eq!(well_known("https://id.example").unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_issuer_is_refused() {
        for issuer in [
            "",
            "id.example",
            "ftp://id.example",
            "https://",
            "https://id.example?x",
            "https://a@b",
            "https://a/#",
        ] {
            assert!(matches!(well_known(issuer), Err(DiscoveryError::Issuer(_))), "{issuer}");
        }
    }

    /// A server that answers these paths with these bodies, and 404 elsewhere. `ISSUER` stands for its address.
    async fn server(paths: &'static [(&'static str, &'static str)]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let own = issuer.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let asked = head.split(' ').nth(1).unwrap();
                let found = paths.iter().find(|(path, _)| *path == asked);
                let (status, body) =
                    found.map_or((404, String::new()), |(_, body)| (200, body.replace("ISSUER", &own)));
                let length = body.len();
                let answer =
                    format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
                // The client hangs up on an answer that is too long.
                drop(stream.write_all(answer.as_bytes()).await);
            }
        });
        issuer
    }

    const TENANT: &str = r#"{"issuer":"ISSUER/tenant","authorization_endpoint":"ISSUER/a","token_endpoint":"ISSUER/t","response_types_supported":["code"]}"#;
    const OTHER: &str = r#"{"issuer":"https://evil.example","authorization_endpoint":"ISSUER/a","token_endpoint":"ISSUER/t","response_types_supported":["code"]}"#;

    async fn found(paths: &'static [(&'static str, &'static str)]) -> Result<String, DiscoveryError> {
        let http = HttpClient::builder().without_native_roots().build().unwrap();
        let issuer = server(paths).await;
        let metadata = discover(&http, &format!("{issuer}/tenant")).await?;
        Ok(metadata.token_endpoint.unwrap_or_default().replace(&issuer, ""))
    }

    #[tokio::test]
    async fn each_of_the_four_addresses_is_enough() {
        for paths in [
            &[("/.well-known/oauth-authorization-server/tenant", TENANT)],
            &[("/tenant/.well-known/oauth-authorization-server", TENANT)],
            &[("/.well-known/openid-configuration/tenant", TENANT)],
            &[("/tenant/.well-known/openid-configuration", TENANT)],
        ] {
            assert_eq!(found(paths).await.as_deref(), Ok("/t"), "{paths:?}");
        }
    }

    #[tokio::test]
    async fn the_document_of_another_issuer_is_passed_over_and_told_if_there_is_no_other() {
        let both = &[
            ("/.well-known/oauth-authorization-server/tenant", OTHER),
            ("/tenant/.well-known/openid-configuration", TENANT),
        ];
        assert_eq!(found(both).await.as_deref(), Ok("/t"));
        let wrong = found(&[("/.well-known/openid-configuration/tenant", OTHER)])
            .await
            .unwrap_err();
        assert!(
            matches!(&wrong, DiscoveryError::OtherIssuer { found, .. } if found == "https://evil.example"),
            "{wrong}"
        );
    }

    #[tokio::test]
    async fn a_page_that_is_longer_than_the_client_reads_is_passed_over() {
        let page: &str = format!("<html>{}", " ".repeat(300 * 1024)).leak();
        let first = ("/.well-known/oauth-authorization-server/tenant", page);
        let last = ("/tenant/.well-known/openid-configuration", TENANT);
        assert_eq!(found(vec![first, last].leak()).await.as_deref(), Ok("/t"));
        let error = found(vec![first].leak()).await.unwrap_err().to_string();
        assert!(
            error.contains("/tenant (the answer is longer than 262144 bytes), "),
            "{error}"
        );
    }

    #[tokio::test]
    async fn without_a_readable_document_every_address_is_named_with_its_fault() {
        let error = found(&[("/.well-known/oauth-authorization-server/tenant", "<html>")])
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("/.well-known/oauth-authorization-server/tenant (expected value at line 1"),
            "{error}"
        );
        assert_eq!(error.matches("(status 404)").count(), 3, "{error}");
    }

    #[test]
    fn a_document_fills_only_what_is_not_set() {
        let document = r#"{"issuer":"https://id.example","authorization_endpoint":"https://id.example/a","token_endpoint":"https://id.example/t","revocation_endpoint":"https://id.example/r","response_types_supported":["code"],"authorization_response_iss_parameter_supported":true}"#;
        let mut provider = Provider::new("app", crate::ClientAuth::None);
        provider.token_endpoint = Some("https://own.example/t".to_owned());
        provider.adopt(&serde_json::from_str(document).unwrap());
        assert_eq!(provider.token_endpoint.as_deref(), Some("https://own.example/t"));
        assert_eq!(provider.authorization_endpoint.as_deref(), Some("https://id.example/a"));
        assert_eq!(provider.introspection_endpoint, None);
        assert!(provider.iss_required);
    }

    #[test]
    fn an_https_issuer_has_no_endpoint_on_plain_http() {
        for (issuer, taken) in [("https://id.example", false), ("http://localhost:8080", true)] {
            let document = format!(
                r#"{{"issuer":"{issuer}","authorization_endpoint":"https://id.example/a","token_endpoint":"http://127.0.0.1:9/t","response_types_supported":["code"]}}"#
            );
            let mut provider = Provider::new("app", crate::ClientAuth::None);
            provider.adopt(&serde_json::from_str(&document).unwrap());
            assert_eq!(provider.token_endpoint.is_some(), taken, "{issuer}");
            assert!(provider.authorization_endpoint.is_some());
        }
    }
}
