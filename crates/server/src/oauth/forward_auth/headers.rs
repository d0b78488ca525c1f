//! The headers that name who calls, and those that no client may send.

use super::ForwardReason;
use super::proxy::SECRET;
use http::header::{HeaderName, HeaderValue, UPGRADE};

/// The headers by which a backend learns who calls: subject, app, kind of the subject, scopes, organization, environment.
pub(crate) static IDENTITY: [HeaderName; 6] = [
    HeaderName::from_static("hallpass-subject"),
    HeaderName::from_static("hallpass-client-id"),
    HeaderName::from_static("hallpass-acts-as"),
    HeaderName::from_static("hallpass-scope"),
    HeaderName::from_static("hallpass-organization"),
    HeaderName::from_static("hallpass-environment"),
];

/// Headers by which some backends take another method than that of the request. ASP.NET MVC reads one of them in the query too.
pub(super) const OTHER_METHODS: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

/// Headers by which some backends take another path than that of the request, or more requests after it.
const OTHER_REQUESTS: [&str; 5] = [
    "x-original-url",
    "x-rewrite-url",
    "script-name",
    "x-script-name",
    "http2-settings",
];

/// Refuses a header that a backend could believe instead of ours, or that would make another request of this one. Backends of
/// CGI's kind read `Hallpass_Subject` as `Hallpass-Subject`, and gunicorn takes the path's beginning from `SCRIPT_NAME`. So no
/// header may have a name of other characters than letters, digits and hyphens.
pub(super) fn check(name: &HeaderName, value: &HeaderValue) -> Result<(), ForwardReason> {
    let text = name.as_str();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_ours = text.starts_with("hallpass-") && *name != SECRET;
    let is_tunnel = *name == UPGRADE && !is_websocket(value);
    let is_other = OTHER_METHODS.contains(&text) || OTHER_REQUESTS.contains(&text);
    match !is_ours && !is_tunnel && !is_other && text.bytes().all(is_plain) {
        true => Ok(()),
        false => Err(ForwardReason::Header(text.to_owned())),
    }
}

/// Whether an `Upgrade` asks for nothing but a WebSocket, which carries no requests. In a connection of HTTP/2 (`h2c`) the client
/// would send requests that nobody checks.
fn is_websocket(value: &HeaderValue) -> bool {
    let protocols = value.to_str().ok();
    protocols.is_some_and(|list| list.split(',').all(|one| one.trim().eq_ignore_ascii_case("websocket")))
}
