//! One file for each endpoint that machines call, and the form that they read.

pub(crate) mod feed;
pub(crate) mod forward_auth;
pub mod identity;
pub mod introspection;
mod kept_answer;
pub mod metadata;
pub mod openapi;
pub mod revocation;
pub mod token;

use crate::audit::Who;
use crate::directory::Client;
use crate::http::source::Peer;
use crate::oauth::refusal::RequestReason;
use crate::serve::hallpass::Hallpass;
use hallpass_dialect::Scheme;
use hallpass_wire::Parameters;
use http::{HeaderMap, HeaderValue, header};

/// The parameters of token, introspection and revocation requests that are known here: each may come once (RFC 6749 §3.2).
/// `resource`, which may repeat (RFC 8707 §2), is not among them yet, and neither is anything else that is ignored.
pub const FORM_PARAMETERS: [&str; 10] = [
    "grant_type",
    "code",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "scope",
    "client_id",
    "client_secret",
    "token",
    "token_type_hint",
];

/// A POST with a form body, read to its end: what token, introspection and revocation endpoints are handed.
pub struct FormRequest<'a> {
    /// The address at the other end of the connection.
    pub peer: Peer,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: &'a [u8],
}

impl FormRequest<'_> {
    /// The known parameters of the body.
    ///
    /// # Errors
    /// Where the body is of another type, or a known parameter has a fault.
    pub fn parameters(&self) -> Result<Parameters<'_>, RequestReason> {
        // Some clients send no type with the right body; only another type is wrong.
        let mut types = self.headers.get_all(header::CONTENT_TYPE).iter();
        let sent = types.next();
        if types.next().is_some() {
            return Err(RequestReason::MediaType("two media types".to_owned()));
        }
        if let Some(other) = sent.filter(|sent| !is_form(sent)) {
            return Err(RequestReason::MediaType(shown(other)));
        }
        let parameters = Parameters::parse(self.body, &FORM_PARAMETERS)?;
        // Read as a form, JSON is one unknown parameter: a missing `grant_type` would send the developer the wrong way.
        if parameters.iter().next().is_none() && is_json(self.body) {
            return Err(RequestReason::MediaType("JSON".to_owned()));
        }
        Ok(parameters)
    }

    /// The app that authenticated by this request, for the audit log.
    #[must_use]
    pub fn who(&self, hallpass: &Hallpass, client: &Client) -> Who {
        Who::app(&client.app.client_id, hallpass.proxies.source(self.peer, self.headers))
    }

    /// How the request authenticates, for the challenge of a refusal.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        let Some(value) = self.headers.get(header::AUTHORIZATION) else {
            return Scheme::None;
        };
        let starts = |name: &[u8]| {
            value
                .as_bytes()
                .get(..name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        if starts(b"basic") {
            Scheme::Basic
        } else if starts(b"bearer") {
            Scheme::Bearer
        } else {
            Scheme::Other
        }
    }
}

/// Parameters of the type are not read: the encoding has none, and a charset would change nothing (RFC 6749 appendix B).
fn is_form(media_type: &HeaderValue) -> bool {
    essence(media_type).eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

fn essence(media_type: &HeaderValue) -> &[u8] {
    let mut parts = media_type.as_bytes().split(|byte| *byte == b';');
    parts.next().unwrap_or_default().trim_ascii()
}

/// A media type as it is told and logged.
fn shown(media_type: &HeaderValue) -> String {
    const LONGEST: usize = 64;
    match String::from_utf8_lossy(essence(media_type)) {
        text if text.is_empty() => "an empty media type".to_owned(),
        text => text.chars().take(LONGEST).collect(),
    }
}

/// Whether a body is a JSON object, as it is or percent-encoded.
fn is_json(body: &[u8]) -> bool {
    let body = body.trim_ascii_start();
    let encoded = body.get(..6).is_some_and(|start| start.eq_ignore_ascii_case(b"%7b%22"));
    let members = body.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    encoded || members.is_some_and(|members| members.starts_with(b"\"") || members.starts_with(b"}"))
}
