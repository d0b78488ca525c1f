//! Whether a request was made at the server's own address (docs/decisions/0055).
//!
//! For forms the browser's `Origin` decides. If `public_url` is set, `Host` is ignored, because proxies change it. If it is not
//! set, the server accepts only the names of this computer. Another name needs `public_url`, or it is an attack: any site can
//! point its name to 127.0.0.1 (DNS rebinding).

use crate::serve::hallpass::Hallpass;
use crate::web::view::ErrorKind;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use url::Url;

/// The host names of this computer.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
/// The longest address that a page or the log repeats. A host name has at most 253 characters (RFC 1035 §2.3.4).
const LONGEST: usize = 270;

/// Checks that a page was asked for at this server's host. The error is the host that was asked for, for the error page.
///
/// # Errors
/// The host, shortened, if it is not this server's.
pub(super) fn check_host(hallpass: &Hallpass, parts: &Parts) -> Result<(), String> {
    if is_own_host(hallpass, parts) {
        return Ok(());
    }
    let (seen, own) = (shown(&host(parts).unwrap_or_default()), hallpass.issuer.as_str());
    let path = parts.uri.path();
    tracing::info!(host = ?seen, own, path, "refused a page at an unknown host: set server.public_url");
    Err(seen)
}

/// A form from another site, or from a page that was opened at another address. Holds the origin that the browser named.
pub(super) struct ForeignOrigin(String);

impl ForeignOrigin {
    /// The error page for the person. It names both addresses, because nothing else shows a proxy that changes the address.
    pub(super) fn kind<'a>(&'a self, own: &'a str) -> ErrorKind<'a> {
        match self.0.as_str() {
            "null" | "" => ErrorKind::HiddenOrigin { own },
            seen => ErrorKind::ForeignOrigin { seen, own },
        }
    }
}

/// Checks that a form came from this server's own pages. If not, the log has both addresses.
///
/// # Errors
/// The origin, if it is not this server's.
pub(super) fn check_origin(hallpass: &Hallpass, parts: &Parts) -> Result<(), ForeignOrigin> {
    if is_own_origin(hallpass, parts) {
        return Ok(());
    }
    let (seen, own) = (shown_origin(&parts.headers), hallpass.issuer.as_str());
    let (host, path) = (shown(&host(parts).unwrap_or_default()), parts.uri.path());
    tracing::info!(origin = ?seen, ?host, public_url = own, path, "refused a form that was opened at another address");
    Err(ForeignOrigin(seen))
}

/// Whether the host that was asked for is this server's, as far as the server knows.
pub(super) fn is_own_host(hallpass: &Hallpass, parts: &Parts) -> bool {
    if hallpass.config.server.public_url.is_some() {
        return true;
    }
    let (Some(host), Ok(own)) = (host(parts), Url::parse(&hallpass.issuer)) else {
        // HTTP/1.0 needs no Host, and browsers do not speak it.
        return true;
    };
    is_host_of(&host, &own)
}

/// Whether the request comes from our own pages, or does not name an origin.
pub(super) fn is_own_origin(hallpass: &Hallpass, parts: &Parts) -> bool {
    comes_from(&parts.headers, &hallpass.issuer)
}

/// Whether the request comes from a page at `own`, or does not name an origin. A browser that hides the origin still says
/// whether it is the same one (Fetch Metadata).
pub(crate) fn comes_from(headers: &HeaderMap, own: &str) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    if origin == "null" {
        let site = headers.get("sec-fetch-site");
        return site.is_some_and(|site| site == "same-origin");
    }
    let Ok(own) = Url::parse(own) else {
        return false;
    };
    origin
        .to_str()
        .is_ok_and(|origin| origin == own.origin().ascii_serialization() || is_same_computer(origin, &own))
}

/// The host with its port. A host in the request line wins over the header (RFC 9112 §3.2.2). On HTTP/2 the host is always there.
fn host(parts: &Parts) -> Option<Vec<u8>> {
    let line = parts.uri.authority().map(|authority| authority.as_str().as_bytes());
    let header = || parts.headers.get(header::HOST).map(HeaderValue::as_bytes);
    line.or_else(header).map(<[u8]>::to_vec)
}

fn is_host_of(host: &[u8], own: &Url) -> bool {
    let names = match own.host_str() {
        Some(name) if LOCAL.contains(&name) => LOCAL.to_vec(),
        name => Vec::from_iter(name),
    };
    let port = own.port_or_known_default().unwrap_or_default();
    let is = |expected: &str| host.eq_ignore_ascii_case(expected.as_bytes());
    // A browser leaves the default port out.
    let bare = own.port().is_none();
    names
        .iter()
        .any(|name| is(&format!("{name}:{port}")) || bare && is(name))
}

/// People who try the server out mix `localhost` and `127.0.0.1`. Both are this computer, on the same port.
fn is_same_computer(origin: &str, own: &Url) -> bool {
    let local = |url: &Url| url.host_str().is_some_and(|name| LOCAL.contains(&name));
    let same =
        |origin: &Url| origin.scheme() == own.scheme() && origin.port_or_known_default() == own.port_or_known_default();
    Url::parse(origin).is_ok_and(|origin| local(&origin) && local(own) && same(&origin))
}

/// The origin that the browser named, shortened.
pub(crate) fn shown_origin(headers: &HeaderMap) -> String {
    let origin = headers.get(header::ORIGIN).map(HeaderValue::as_bytes);
    shown(origin.unwrap_or_default())
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_this_computer_are_one_place_and_others_are_not() {
        let is_host = |host: &str, own: &str| is_host_of(host.as_bytes(), &Url::parse(own).unwrap());
        for own in ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"] {
            for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST:8080"] {
                assert!(is_host(host, own), "{host} {own}");
            }
            for host in [
                "",
                "localhost",
                "localhost:80",
                "localhost:08080",
                "localhost.:8080",
                "127.0.0.2:8080",
                "evil.example:8080",
                "localhost:8080.evil.example",
                "evil@localhost:8080",
                "x.localhost:8080",
                "localhost:8080 ",
                "10.0.0.5:8080",
            ] {
                assert!(!is_host(host, own), "{host} {own}");
            }
        }
        assert!(is_host("localhost", "http://localhost") && is_host("localhost:80", "http://localhost"));
        assert!(is_host("10.0.0.5:8080", "http://10.0.0.5:8080"));
        assert!(!is_host("localhost:8080", "http://10.0.0.5:8080"));
    }
}
