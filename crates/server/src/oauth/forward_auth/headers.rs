//! The headers that name who calls, and those that no client may send.

use super::ForwardReason;
use super::proxy::SECRET;
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
const OTHER_REQUESTS: [&str; 7] = [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
    "script-name",
    "x-script-name",
];

/// Refuses a header that a backend could believe instead of ours, or that would make another request of this one. Backends of
/// CGI's kind read `Hallpass_Subject` as `Hallpass-Subject`, and gunicorn takes the path's beginning from `SCRIPT_NAME`. So no
/// header may have a name of other characters than letters, digits and hyphens.
pub(super) fn check(name: &HeaderName) -> Result<(), ForwardReason> {
    let text = name.as_str();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_ours = text.starts_with("hallpass-") && *name != SECRET;
    match !is_ours && text.bytes().all(is_plain) && !OTHER_REQUESTS.contains(&text) {
        true => Ok(()),
        false => Err(ForwardReason::Header(text.to_owned())),
    }
}
