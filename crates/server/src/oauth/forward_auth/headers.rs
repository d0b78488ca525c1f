//! The headers that name who calls, and those that no client may send.

use super::ForwardReason;
use http::HeaderName;

/// The headers by which a backend learns who calls: subject, app, kind of the subject, scopes, organization, environment.
pub(crate) const IDENTITY: [HeaderName; 6] = [
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
    let plain: String = text
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .collect();
    let is_ours = IDENTITY.iter().any(|name| name.as_str() == plain);
    match is_ours || OTHER_REQUESTS.contains(&plain.as_str()) {
        true => Err(ForwardReason::Header(text.to_owned())),
        false => Ok(()),
    }
}
