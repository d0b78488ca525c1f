//! The part of a refusal that an answer may reveal.
//!
//! A server has many private reasons. Each maps to one of these values, and the code that renders answers sees nothing
//! else. The set is closed: it has the cases for which at least one kind of server has its own words. A reason that only
//! the RFC's error code describes is [`PublicError::Plain`], so a new reason needs no new variant.

use crate::{ErrorCode, ParameterError, Scope, Scopes};
use std::fmt;

/// A refusal, as far as the client may know it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PublicError {
    /// The request is malformed.
    Request(RequestFault),
    /// The server cannot answer now.
    Trouble(Trouble),
    /// The client did not authenticate.
    Client(ClientFault),
    /// The grant type is not available.
    GrantType(GrantTypeFault),
    /// The authorization code is refused.
    Code(CodeFault),
    /// The refresh token, or the token to revoke, is refused.
    Refresh(RefreshFault),
    /// The scopes are not available.
    Scope(ScopeFault),
    /// The authorization request is faulty, or was denied.
    Authorize(AuthorizeFault),
    /// A protected resource refused the access token.
    Access(AccessFault),
    /// The grant or the app may not act now. Nothing has ended.
    Paused(Pause),
    /// Any other error: the code, and a sentence for an authenticated client.
    Plain(ErrorCode, &'static str),
}

/// Faults of the request itself, at any endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RequestFault {
    /// The method is not served here (RFC 9110 §15.5.6).
    Method {
        /// The method of the request.
        sent: String,
        /// The methods that the endpoint accepts, as in `Allow`.
        allowed: &'static str,
    },
    /// The body has another media type than that of a form. The text names the type.
    MediaType(String),
    /// The body or the parameters are larger than any client needs.
    TooLarge,
    /// A known parameter is repeated, too long or not text.
    Parameter(ParameterError),
    /// The request is truncated, or not valid HTTP. The text says how.
    Malformed(&'static str),
    /// A required parameter is absent or empty.
    Missing(&'static str),
}

/// Faults of the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// The same request may succeed in a moment.
    Busy,
    /// A defect of the server. The log has the details.
    Failed,
    /// Too many attempts failed before. The number is the seconds to wait.
    Wait(u64),
}

/// Faults of client authentication (RFC 6749 §2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientFault {
    /// No credentials were sent.
    NotNamed,
    /// The Authorization header is not a Basic pair of id and secret.
    Malformed,
    /// Credentials were sent in more than one way.
    Twice,
    /// The client ID is unknown.
    Unknown,
    /// The secret is not that of the client.
    WrongSecret,
    /// The client must authenticate, but sent only its id.
    SecretMissing,
}

/// Faults of the grant type (RFC 6749 §5.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GrantTypeFault {
    /// The server does not offer the grant type. The text names it.
    NotOffered(String),
    /// This client may not use the grant type. The text names it.
    NotAllowed(&'static str),
}

/// Faults of an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CodeFault {
    /// The server never issued the code.
    Unknown,
    /// The code was issued to another client.
    Foreign,
    /// The code has expired.
    Expired,
    /// The code was redeemed, or its grant has ended. The text says which.
    Spent(&'static str),
    /// The redirect URI is not that of the authorization request.
    RedirectUri,
    /// The authorization request had a challenge, but the redemption has no verifier.
    VerifierMissing,
    /// The verifier is not 43 to 128 unreserved characters.
    VerifierMalformed,
    /// The verifier does not match the challenge.
    VerifierMismatch,
    /// The redemption has a verifier, but the authorization request had no challenge.
    VerifierUnexpected,
}

/// Faults of a refresh token, or of a token to revoke (RFC 6749 §6, RFC 7009 §2.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefreshFault {
    /// The server never issued the token.
    Unknown,
    /// The token was issued to another client.
    Foreign,
    /// The token has expired.
    Expired,
    /// The token was used before, or its grant has ended. The text says which.
    Spent(&'static str),
}

/// Faults of the scopes (RFC 6749 §3.3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScopeFault {
    /// The text is not a list of scope tokens.
    Malformed,
    /// The server has no such scope.
    Unknown(Scope),
    /// The client may not request this scope.
    BeyondClient(Scope),
    /// The grant does not have this scope (RFC 6749 §6).
    BeyondGrant(Scope),
    /// No scope was requested, and there is no default.
    Missing,
    /// The scopes are longer than an access token can hold.
    TooLong {
        /// The length of the scopes, in characters.
        length: usize,
        /// The allowed length, in characters.
        longest: usize,
    },
}

/// Faults of an authorization request (RFC 6749 §4.1.2.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AuthorizeFault {
    /// The redirect URI is not registered for the client.
    UriUnregistered,
    /// No redirect URI was sent, and the client has several.
    UriAmbiguous,
    /// No redirect URI was sent, and the client has none.
    UriAbsent,
    /// `response_type` is absent.
    ResponseTypeMissing,
    /// The response type is not offered. The text names it.
    ResponseType(String),
    /// A challenge is required.
    ChallengeMissing,
    /// The challenge is not 32 bytes of base64url.
    ChallengeMalformed,
    /// The challenge method is not `S256`.
    ChallengeMethod,
    /// The person denied the request.
    Denied,
}

/// Faults of an access token at a protected resource (RFC 6750 §3.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccessFault {
    /// No token was sent.
    Absent,
    /// The Authorization header is not `Bearer` with one token.
    Malformed,
    /// The server never issued the token.
    Invalid,
    /// The token has expired.
    Expired,
    /// The token was revoked.
    Revoked,
    /// The token lacks these scopes.
    Scopes(Scopes),
    /// The endpoint returns a person's data, and the token belongs to no person.
    NoPerson,
}

/// Why a grant may not act now although it has not ended. Clients read these words, so they never change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pause {
    /// The app or the organization that owns it is suspended, or the app is a draft.
    AppSuspended,
    /// The person is suspended.
    PersonSuspended,
    /// The person left the organization.
    NotAMember,
    /// The organization is suspended, or its people may not connect this app.
    OrganizationPolicy,
}

impl PublicError {
    /// The error code of the RFCs for this refusal.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Request(_) | Self::Client(ClientFault::Twice) | Self::Access(AccessFault::Malformed) => {
                ErrorCode::InvalidRequest
            }
            Self::Trouble(Trouble::Failed) => ErrorCode::ServerError,
            // RFC 6749 has no code for this case. Clients would take `invalid_client` literally and give up, although the
            // secret may be right.
            Self::Trouble(Trouble::Busy | Trouble::Wait(_)) => ErrorCode::TemporarilyUnavailable,
            Self::Client(_) => ErrorCode::InvalidClient,
            Self::GrantType(GrantTypeFault::NotOffered(_)) => ErrorCode::UnsupportedGrantType,
            Self::GrantType(GrantTypeFault::NotAllowed(_)) => ErrorCode::UnauthorizedClient,
            Self::Code(_) | Self::Refresh(_) => ErrorCode::InvalidGrant,
            Self::Scope(_) => ErrorCode::InvalidScope,
            Self::Authorize(AuthorizeFault::ResponseType(_)) => ErrorCode::UnsupportedResponseType,
            Self::Authorize(AuthorizeFault::Denied) | Self::Paused(_) => ErrorCode::AccessDenied,
            Self::Authorize(_) => ErrorCode::InvalidRequest,
            // The token is valid, and another token of the same kind would fail as well: it lacks a privilege (RFC 6750
            // §3.1).
            Self::Access(AccessFault::Scopes(_) | AccessFault::NoPerson) => ErrorCode::InsufficientScope,
            Self::Access(_) => ErrorCode::InvalidToken,
            Self::Plain(code, _) => *code,
        }
    }
}

impl Pause {
    /// All reasons.
    pub const ALL: [Self; 4] = [
        Self::AppSuspended,
        Self::PersonSuspended,
        Self::NotAMember,
        Self::OrganizationPolicy,
    ];

    /// The word after `paused:`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::AppSuspended => "app_suspended",
            Self::PersonSuspended => "person_suspended",
            Self::NotAMember => "not_a_member",
            Self::OrganizationPolicy => "organization_policy",
        }
    }

    /// The `error_description`, the same in every kind of answer.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::AppSuspended => "paused: app_suspended",
            Self::PersonSuspended => "paused: person_suspended",
            Self::NotAMember => "paused: not_a_member",
            Self::OrganizationPolicy => "paused: organization_policy",
        }
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.description())
    }
}
