//! What an answer may reveal about a refusal.
//!
//! A server has many private reasons; each maps to one of these values, and renderers of answers see nothing else. The set is
//! closed: it has what at least one kind of server words in its own way. A reason that only the RFC's code describes is
//! [`PublicError::Plain`], so a new reason adds no variant.

use crate::{ErrorCode, ParameterError, Scope, Scopes};
use std::fmt;

/// A refusal as the client may learn of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PublicError {
    /// The request itself is wrong.
    Request(RequestFault),
    /// The server cannot answer now.
    Trouble(Trouble),
    /// The client did not authenticate.
    Client(ClientFault),
    /// The grant type is not to be had.
    GrantType(GrantTypeFault),
    /// The authorization code is no good.
    Code(CodeFault),
    /// The refresh token, or a token to revoke, is no good.
    Refresh(RefreshFault),
    /// The scopes are not to be had.
    Scope(ScopeFault),
    /// The authorization request is wrong, or was denied.
    Authorize(AuthorizeFault),
    /// A protected resource refused the access token.
    Access(AccessFault),
    /// The grant, or the app itself, may not act now. Nothing has ended.
    Paused(Pause),
    /// Anything else: the code, and a sentence for a client that has authenticated.
    Plain(ErrorCode, &'static str),
}

/// Faults of the request itself, at any endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RequestFault {
    /// The method is not served here (RFC 9110 §15.5.6).
    Method {
        /// The method of the request.
        sent: String,
        /// The methods that are served, as `Allow` lists them.
        allowed: &'static str,
    },
    /// The body has another media type than a form; the text names it.
    MediaType(String),
    /// The body or the parameters are larger than any client needs.
    TooLarge,
    /// A known parameter is repeated, too long or not text.
    Parameter(ParameterError),
    /// The request breaks off, or HTTP does not allow it; the text says how.
    Malformed(&'static str),
    /// A required parameter is absent or empty.
    Missing(&'static str),
}

/// Faults of the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// The same request may succeed in a moment.
    Busy,
    /// A defect; the log has the detail.
    Failed,
    /// Too many attempts failed before: try again after so many seconds.
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
    /// The client id is unknown.
    Unknown,
    /// The secret does not fit the client.
    WrongSecret,
    /// The client must authenticate and sent only its id.
    SecretMissing,
}

/// Faults of the grant type (RFC 6749 §5.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GrantTypeFault {
    /// The server does not offer it; the text names it.
    NotOffered(String),
    /// This client may not use it; the text names it.
    NotAllowed(&'static str),
}

/// Faults of an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CodeFault {
    /// The server never issued it.
    Unknown,
    /// Another client got it.
    Foreign,
    /// It was not redeemed in time.
    Expired,
    /// It was redeemed, or its grant has ended; the text says which.
    Spent(&'static str),
    /// The redirect URI is not that of the authorization request.
    RedirectUri,
    /// There was a challenge, and no verifier came.
    VerifierMissing,
    /// The verifier is not 43 to 128 unreserved characters.
    VerifierMalformed,
    /// The verifier does not fit the challenge.
    VerifierMismatch,
    /// A verifier came without a challenge before.
    VerifierUnexpected,
}

/// Faults of a refresh token, or of a token to revoke (RFC 6749 §6, RFC 7009 §2.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefreshFault {
    /// The server never issued it.
    Unknown,
    /// Another client got it.
    Foreign,
    /// Its lifetime is over.
    Expired,
    /// It was used before, or its grant has ended; the text says which.
    Spent(&'static str),
}

/// Faults of the scopes (RFC 6749 §3.3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScopeFault {
    /// Not a list of scope tokens.
    Malformed,
    /// The server has no such scope.
    Unknown(Scope),
    /// The client may not ask for it.
    BeyondClient(Scope),
    /// The grant does not have it (RFC 6749 §6).
    BeyondGrant(Scope),
    /// None was asked for, and there is no default.
    Missing,
    /// More scopes than an access token has room for.
    TooLong {
        /// Characters of the scopes.
        length: usize,
        /// Characters that fit.
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
    /// The response type is not offered; the text names it.
    ResponseType(String),
    /// A challenge is required.
    ChallengeMissing,
    /// The challenge is not 32 bytes of base64url.
    ChallengeMalformed,
    /// The challenge method is not `S256`.
    ChallengeMethod,
    /// The person said no.
    Denied,
}

/// Faults of an access token at a protected resource (RFC 6750 §3.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccessFault {
    /// No token was sent.
    Absent,
    /// The Authorization header is not `Bearer` with one token.
    Malformed,
    /// The server never issued it.
    Invalid,
    /// Its lifetime is over.
    Expired,
    /// It was revoked.
    Revoked,
    /// It lacks these scopes.
    Scopes(Scopes),
    /// The endpoint speaks of a person, and the token acts for none.
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
    /// The code that the RFCs have for it.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Request(_) | Self::Client(ClientFault::Twice) | Self::Access(AccessFault::Malformed) => {
                ErrorCode::InvalidRequest
            }
            Self::Trouble(Trouble::Failed) => ErrorCode::ServerError,
            // RFC 6749 has no code for it. `invalid_client` would be believed: clients give up on it, and the secret may be right.
            Self::Trouble(Trouble::Busy | Trouble::Wait(_)) => ErrorCode::TemporarilyUnavailable,
            Self::Client(_) => ErrorCode::InvalidClient,
            Self::GrantType(GrantTypeFault::NotOffered(_)) => ErrorCode::UnsupportedGrantType,
            Self::GrantType(GrantTypeFault::NotAllowed(_)) => ErrorCode::UnauthorizedClient,
            Self::Code(_) | Self::Refresh(_) => ErrorCode::InvalidGrant,
            Self::Scope(_) => ErrorCode::InvalidScope,
            Self::Authorize(AuthorizeFault::ResponseType(_)) => ErrorCode::UnsupportedResponseType,
            Self::Authorize(AuthorizeFault::Denied) | Self::Paused(_) => ErrorCode::AccessDenied,
            Self::Authorize(_) => ErrorCode::InvalidRequest,
            // The token is valid and another of its kind would fail as well: it lacks a privilege (RFC 6750 §3.1).
            Self::Access(AccessFault::Scopes(_) | AccessFault::NoPerson) => ErrorCode::InsufficientScope,
            Self::Access(_) => ErrorCode::InvalidToken,
            Self::Plain(code, _) => *code,
        }
    }
}

impl Pause {
    /// Every reason.
    pub const ALL: [Self; 4] = [
        Self::AppSuspended,
        Self::PersonSuspended,
        Self::NotAMember,
        Self::OrganizationPolicy,
    ];

    /// The word behind `paused:`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::AppSuspended => "app_suspended",
            Self::PersonSuspended => "person_suspended",
            Self::NotAMember => "not_a_member",
            Self::OrganizationPolicy => "organization_policy",
        }
    }

    /// The `error_description`, whoever renders it.
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
