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
pub mod refresh_token;
pub mod refusal;
pub mod revocation;
pub mod token;

pub use refusal::Refusal;

use crate::dialect::Scheme;
use crate::source::Peer;
use http::{HeaderMap, header};

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
        let media_type = self.headers.get(header::CONTENT_TYPE).map(http::HeaderValue::as_bytes);
        // Some clients send no type with the right body; only another type is wrong.
        let form = b"application/x-www-form-urlencoded";
        if media_type.is_some_and(|found| {
            !found
                .get(..form.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(form))
        }) {
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
