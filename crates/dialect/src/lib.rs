//! How OAuth answers look: one protocol inside, five ways to write its answers.
//!
//! The clients of an API were written for one kind of server. A dialect renders answers as that server does, to the byte. It
//! decides nothing, and of a refusal it sees only what an answer may reveal ([`PublicError`]).

mod answer;
mod apigee;
mod challenge;
mod django;
mod json;
mod name;
mod oauth2_server_php;
mod passport;
mod standard;

pub use answer::RenderedResponse;
pub use name::DialectName;

use hallpass_wire::public_error::{AccessFault, RequestFault, Trouble};
use hallpass_wire::{ErrorCode, PublicError, Scopes};
use http::header::{ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use std::borrow::Cow;
use std::fmt::Display;

/// A dialect with its options.
#[derive(Clone, Debug)]
pub struct Dialect {
    /// The server that is imitated.
    pub name: DialectName,
    /// Adds a `message` member to the refusals of protected resources.
    pub refusal_message: bool,
    /// Adds a member with an empty name and an empty value to token answers of [`DialectName::Apigee`].
    pub empty_member: bool,
}

/// The data of a token answer (RFC 6749 §5.1). It does not print: it holds tokens.
#[derive(Clone)]
pub struct TokenAnswer<'a> {
    /// The access token.
    pub access_token: &'a str,
    /// Remaining lifetime of the access token in seconds.
    pub expires_in: i64,
    /// The scopes of the access token.
    pub scopes: &'a Scopes,
    /// Absent for client_credentials and where the app may not refresh.
    pub refresh: Option<RefreshAnswer<'a>>,
    /// When the access token was issued, in milliseconds since the epoch.
    pub issued_at_ms: i64,
    /// How often this grant was refreshed.
    pub refresh_count: u32,
    /// The app that gets the answer.
    pub client: ClientFacts<'a>,
}

/// The refresh token of an answer. It does not print.
#[derive(Clone)]
pub struct RefreshAnswer<'a> {
    /// The refresh token.
    pub token: &'a str,
    /// Remaining lifetime in seconds; `None` where it does not expire.
    pub expires_in: Option<i64>,
    /// Its end and the end of the grant, as the draft on refresh token expiration counts them.
    pub life: RefreshLife,
    /// When it was issued, in milliseconds since the epoch.
    pub issued_at_ms: i64,
}

/// Seconds until a refresh token and its grant end; `None` where there is no fixed end
/// (draft-ietf-oauth-refresh-token-expiration-03 §6.1).
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct RefreshLife {
    /// `refresh_token_timeout`: how long the app may keep the token without refreshing. Never longer than the grant.
    pub token: Option<i64>,
    /// `authorization_expires_in`: how long the person's permission lasts, however often the app refreshes.
    pub grant: Option<i64>,
}

/// The app, as token answers describe it.
#[derive(Clone)]
pub struct ClientFacts<'a> {
    /// The client ID.
    pub client_id: &'a str,
    /// The app's id, which apigee calls `application_name`. Rendered only where it appears.
    pub id: &'a dyn Display,
    /// The API products that it is subscribed to.
    pub products: &'a [String],
    /// The slug of the organization that owns it.
    pub organization: &'a str,
    /// The address of the developer who owns it; empty where it was declared.
    pub developer_email: &'a str,
}

/// What introspection tells an app of its own token (RFC 7662 §2.2).
#[derive(Clone, Debug)]
pub struct Introspection<'a> {
    /// The scopes of the token.
    pub scopes: &'a Scopes,
    /// The app that it was issued to.
    pub client_id: &'a str,
    /// The person's name or address; absent for client_credentials.
    pub username: Option<Cow<'a, str>>,
    /// The subject of the person, or of the organization whose grant it is. A token of the app itself has none: a client ID
    /// could be a person's subject.
    pub subject: Option<String>,
    /// Who set up the grant of an organization.
    pub set_up_by: Option<SetUpBy<'a>>,
    /// When it was issued, in seconds since the epoch.
    pub issued_at: i64,
    /// When it ends, in seconds since the epoch; `None` where it does not.
    pub expires: Option<i64>,
    /// `Bearer` for an access token; absent for a refresh token.
    pub token_type: Option<&'static str>,
    /// The issuer identifier.
    pub issuer: &'a str,
    /// Organization and environment, for callers that are resources.
    pub tenant: Option<Tenant<'a>>,
}

/// The person who set up the grant of an organization.
#[derive(Clone, Debug)]
pub struct SetUpBy<'a> {
    /// The person's name or address.
    pub username: Cow<'a, str>,
    /// The person's subject.
    pub subject: String,
}

/// The organization that a token acts in.
#[derive(Clone, Debug)]
pub struct Tenant<'a> {
    /// Its slug.
    pub organization: &'a str,
    /// `live` or `sandbox`.
    pub environment: &'static str,
    /// The API that the token is meant for.
    pub audience: &'a str,
}

/// The scheme of the request's Authorization header: a challenge names the same one (RFC 6749 §5.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// There is no such header.
    None,
    /// RFC 7617.
    Basic,
    /// RFC 6750.
    Bearer,
    /// Any other scheme.
    Other,
}

/// An error of the authorization endpoint that is never redirected. The server shows it on a page of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fatal {
    /// HTTP status.
    pub status: u16,
    /// The dialect's error code.
    pub error: &'static str,
    /// The dialect's public description.
    pub description: String,
}

impl Dialect {
    /// The RFCs and nothing else.
    pub const STANDARD: Self = Self {
        name: DialectName::Standard,
        refusal_message: false,
        empty_member: false,
    };

    /// Whether token answers name the app's developer.
    #[must_use]
    pub fn names_developers(&self) -> bool {
        self.name == DialectName::Apigee
    }

    /// A successful token answer.
    #[must_use]
    pub fn token(&self, answer: &TokenAnswer<'_>) -> RenderedResponse {
        match self.name {
            DialectName::Standard => standard::token(answer),
            DialectName::Oauth2ServerPhp => oauth2_server_php::token(answer),
            DialectName::Passport => passport::token(answer),
            DialectName::Django => django::token(answer),
            DialectName::Apigee => apigee::token(answer, self.empty_member),
        }
    }

    /// A refusal of the token or revocation endpoint.
    #[must_use]
    pub fn token_refusal(&self, refusal: &PublicError, scheme: Scheme) -> RenderedResponse {
        let response = match self.name {
            DialectName::Standard => standard::token_refusal(refusal, scheme),
            DialectName::Oauth2ServerPhp => oauth2_server_php::token_refusal(refusal),
            DialectName::Passport => passport::token_refusal(refusal, scheme),
            DialectName::Django => django::token_refusal(refusal),
            DialectName::Apigee => apigee::token_refusal(refusal),
        };
        challenged_by_basic(with_http_headers(refusal, response), scheme)
    }

    /// An introspection answer; `None` is inactive (RFC 7662 §2.2). A token with a tenant has the RFC's members in every
    /// dialect: the originals' members are for apps, not for resources.
    #[must_use]
    pub fn introspection(&self, token: Option<&Introspection<'_>>) -> RenderedResponse {
        let for_resource = token.is_some_and(|token| token.tenant.is_some());
        match self.name {
            DialectName::Django if !for_resource => django::introspection(token),
            _ => standard::introspection(token),
        }
    }

    /// A refusal of the introspection endpoint.
    #[must_use]
    pub fn introspection_refusal(&self, refusal: &PublicError, scheme: Scheme) -> RenderedResponse {
        let response = match self.name {
            DialectName::Oauth2ServerPhp => oauth2_server_php::introspection_refusal(refusal),
            DialectName::Django => django::introspection_refusal(refusal),
            _ => return self.token_refusal(refusal, scheme),
        };
        with_http_headers(refusal, response)
    }

    /// A successful revocation (RFC 7009 §2.2).
    #[must_use]
    pub fn revocation(&self) -> RenderedResponse {
        match self.name {
            DialectName::Oauth2ServerPhp => oauth2_server_php::revocation(),
            DialectName::Django => django::revocation(),
            _ => standard::revocation(),
        }
    }

    /// Status, code and description of an error page of the authorization endpoint.
    #[must_use]
    pub fn fatal(&self, refusal: &PublicError) -> Fatal {
        match self.name {
            DialectName::Standard => standard::fatal(refusal),
            DialectName::Oauth2ServerPhp => oauth2_server_php::fatal(refusal),
            DialectName::Passport => passport::fatal(refusal),
            DialectName::Django => django::fatal(refusal),
            DialectName::Apigee => apigee::fatal(refusal),
        }
    }

    /// The query of an error redirect, in order, with `state` if one was sent (RFC 6749 §4.1.2.1).
    #[must_use]
    pub fn redirect_refusal(&self, refusal: &PublicError, state: Option<&str>) -> Vec<(&'static str, String)> {
        match self.name {
            DialectName::Standard => standard::redirect_refusal(refusal, state),
            DialectName::Oauth2ServerPhp => oauth2_server_php::redirect_refusal(refusal, state),
            DialectName::Passport => passport::redirect_refusal(refusal, state),
            DialectName::Django => django::redirect_refusal(refusal, state),
            DialectName::Apigee => apigee::redirect_refusal(refusal, state),
        }
    }

    /// A refusal of a protected resource (RFC 6750 §3).
    #[must_use]
    pub fn resource_refusal(&self, refusal: &PublicError) -> RenderedResponse {
        let response = match self.name {
            DialectName::Standard => standard::resource_refusal(refusal, self.refusal_message),
            DialectName::Oauth2ServerPhp => oauth2_server_php::resource_refusal(refusal, self.refusal_message),
            // Laravel's whole answer is a message.
            DialectName::Passport => passport::resource_refusal(refusal),
            DialectName::Django => django::resource_refusal(refusal, self.refusal_message),
            DialectName::Apigee => apigee::resource_refusal(refusal, self.refusal_message),
        };
        challenged_as_bearer(with_http_headers(refusal, response), refusal)
    }
}

/// The status of an error, unless the dialect has one of its own.
fn http_status(refusal: &PublicError) -> u16 {
    match refusal {
        PublicError::Request(RequestFault::Method { .. }) => 405,
        PublicError::Request(RequestFault::TooLarge) => 413,
        PublicError::Trouble(Trouble::Wait(_)) => 429,
        other => other.code().status(),
    }
}

/// Adds the headers that HTTP requires in every dialect: `Allow` (RFC 9110 §15.5.6) and `Retry-After` (§10.2.3).
fn with_http_headers(refusal: &PublicError, mut response: RenderedResponse) -> RenderedResponse {
    let headers = response.headers_mut();
    match refusal {
        PublicError::Request(RequestFault::Method { allowed, .. }) => {
            headers.entry(ALLOW).or_insert(HeaderValue::from_static(allowed));
        }
        PublicError::Trouble(Trouble::Busy) => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        PublicError::Trouble(Trouble::Wait(seconds)) => {
            headers.insert(RETRY_AFTER, HeaderValue::from(*seconds));
        }
        _ => {}
    }
    response
}

/// Adds a challenge to a 401 if the client used the Authorization header, even if the original sends none (RFC 6749 §5.2,
/// RFC 9110 §15.5.2).
fn challenged_by_basic(mut response: RenderedResponse, scheme: Scheme) -> RenderedResponse {
    if response.status() == 401 && scheme != Scheme::None && !response.headers().contains_key(WWW_AUTHENTICATE) {
        answer::set(&mut response, WWW_AUTHENTICATE, "Basic realm=\"OAuth\"");
    }
    response
}

/// Adds the challenge of a protected resource, even if the original sends none (RFC 6750 §3, RFC 9110 §15.5.2).
fn challenged_as_bearer(mut response: RenderedResponse, refusal: &PublicError) -> RenderedResponse {
    let status = response.status().as_u16();
    if !matches!(status, 400 | 401 | 403) || response.headers().contains_key(WWW_AUTHENTICATE) {
        return response;
    }
    let code = match status {
        401 => ErrorCode::InvalidToken,
        _ => resource_code(refusal),
    };
    let scopes;
    let mut parameters = vec![("realm", "api")];
    if *refusal != PublicError::Access(AccessFault::Absent) {
        parameters.push(("error", code.as_str()));
    }
    if let PublicError::Access(AccessFault::Scopes(asked)) = refusal {
        scopes = asked.to_string();
        parameters.push(("scope", &scopes));
    }
    let value = challenge::bearer(", ", &parameters);
    answer::set(&mut response, WWW_AUTHENTICATE, &value);
    response
}

/// The code of an error at a protected resource: RFC 6750 §3.1 has three. If the app or the person may no longer act, the token
/// is invalid "for other reasons".
fn resource_code(refusal: &PublicError) -> ErrorCode {
    match refusal.code() {
        ErrorCode::InvalidRequest
        | ErrorCode::UnsupportedGrantType
        | ErrorCode::UnsupportedResponseType
        | ErrorCode::RequestNotSupported
        | ErrorCode::RequestUriNotSupported => ErrorCode::InvalidRequest,
        ErrorCode::InvalidToken
        | ErrorCode::InvalidClient
        | ErrorCode::InvalidGrant
        | ErrorCode::UnauthorizedClient
        | ErrorCode::InvalidScope
        | ErrorCode::AccessDenied
        | ErrorCode::LoginRequired
        | ErrorCode::ConsentRequired => ErrorCode::InvalidToken,
        ErrorCode::InsufficientScope => ErrorCode::InsufficientScope,
        ErrorCode::ServerError => ErrorCode::ServerError,
        ErrorCode::TemporarilyUnavailable => ErrorCode::TemporarilyUnavailable,
    }
}

#[cfg(test)]
mod tests;
