//! The protocol: one file per endpoint and per grant type, named by the RFC's word.

pub mod access;
pub mod authorization;
pub mod authorization_code;
pub mod client_authentication;
pub mod client_credentials;
pub mod identity;
pub mod introspection;
pub mod issue;
pub mod metadata;
pub mod openapi;
pub mod refresh_token;
pub mod refusal;
pub mod revocation;
pub mod standing;
pub mod token;

pub use refusal::Refusal;

use crate::dialect::Scheme;
use crate::source::Peer;
use http::{HeaderMap, HeaderValue, header};

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
    /// The parameters of the body.
    ///
    /// # Errors
    /// Where the body is of another type, or no parameter list.
    pub fn parameters(&self) -> Result<hallpass_wire::Parameters<'_>, Refusal> {
        // Some clients send no type with the right body; only another type is wrong.
        let mut types = self.headers.get_all(header::CONTENT_TYPE).iter();
        let fits = types.next().is_none_or(is_form);
        if !fits || types.next().is_some() {
            return Err(Refusal::MediaType);
        }
        hallpass_wire::Parameters::parse(self.body).map_err(|error| Refusal::Malformed(error.to_string()))
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
    let essence = media_type
        .as_bytes()
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default();
    essence
        .trim_ascii()
        .eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}
