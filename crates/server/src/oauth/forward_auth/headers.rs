//! The headers that name who calls, and those that no client may send.

use super::ForwardReason;
use http::HeaderName;

/// The headers by which a backend learns who calls: subject, app, kind of the subject, scopes, organization, environment.
pub(crate) static IDENTITY: [HeaderName; 6] = [
    HeaderName::from_static("hallpass-subject"),
    HeaderName::from_static("hallpass-client-id"),
    HeaderName::from_static("hallpass-acts-as"),
    HeaderName::from_static("hallpass-scope"),
    HeaderName::from_static("hallpass-organization"),
    HeaderName::from_static("hallpass-environment"),
];

/// Headers by which some backends take another method or path than those of the request.
const OTHER_REQUESTS: [&str; 5] = [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
];

/// Refuses a header that a backend could believe instead of ours, or that would make another request of this one. Backends of
/// CGI's kind read `Hallpass_Subject` as `Hallpass-Subject`, so every other character counts as a hyphen.
pub(super) fn check(name: &HeaderName) -> Result<(), ForwardReason> {
    let text = name.as_str();
    // A cheap test first: nearly every header begins otherwise.
    if !text.starts_with("hallpass") && !text.starts_with('x') {
        return Ok(());
    }
    let ours = IDENTITY.iter().map(HeaderName::as_str);
    let mut refused = ours.chain(OTHER_REQUESTS);
    match refused.any(|name| passes_for(text, name)) {
        true => Err(ForwardReason::Header(text.to_owned())),
        false => Ok(()),
    }
}

/// Whether a backend may take the name that was sent for `name`.
fn passes_for(sent: &str, name: &str) -> bool {
    let read_as = |byte: u8| if byte.is_ascii_alphanumeric() { byte } else { b'-' };
    sent.len() == name.len() && sent.bytes().map(read_as).eq(name.bytes())
}
