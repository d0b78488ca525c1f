//! Why a request is refused: the exact reasons, for logs and for the app's owner, and the code that each has on the wire.
//!
//! The wire says what the RFC allows ([`Refusal::code`]); a dialect chooses its own words from the same reason. No status is
//! chosen anywhere else. `docs/reasons.md` lists every reason by its word ([`Refusal::word`]).

use super::standing::Pause;
use crate::accounts::limits::TooManyFailures;
use crate::store::StoreError;
use crate::tokens::sealed::LONGEST_SCOPES;
use hallpass_wire::{ErrorCode, ParameterError, Scope, Scopes};

/// An exact reason. `Display` is the private text: it never holds a token or a secret.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    // What any endpoint may find.
    /// Another method than the ones that are served here (RFC 9110 §15.5.6).
    #[error("the request method {sent} is not served here; use {allowed}")]
    MethodNotAllowed {
        /// The method of the request.
        sent: String,
        /// What is served, as `Allow` lists it.
        allowed: &'static str,
    },
    /// The body is not `application/x-www-form-urlencoded`; the text says what it is.
    #[error("the body must be application/x-www-form-urlencoded, and was sent as {0}")]
    MediaType(String),
    /// The body or the parameters are larger than any client needs.
    #[error("the request is too large")]
    TooLarge,
    /// A known parameter is repeated, oversized or no text.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// The request breaks off, or is no request that HTTP allows; the text says how.
    #[error("{0}")]
    Malformed(&'static str),
    /// A required parameter is absent or empty.
    #[error("the parameter {0} is missing")]
    MissingParameter(&'static str),
    /// The pool that hashes is full: try again.
    #[error("too many verifications are waiting")]
    Busy,
    /// The server holds as many bodies and answers as it may: try again.
    #[error("the memory for requests in flight is full")]
    NoRoom,
    /// The database is away, locked or full.
    #[error("the database is not available")]
    Unavailable,
    /// A defect of ours; the log has the detail.
    #[error("internal error")]
    Internal,

    // Client authentication (RFC 6749 §2.3).
    /// Neither header nor body name a client.
    #[error("no client credentials were sent")]
    NoClientCredentials,
    /// A Basic header that is not a pair of id and secret.
    #[error("the Authorization header is not a Basic pair of client id and secret")]
    MalformedBasic,
    /// More than one way to authenticate in one request (RFC 6749 §2.3).
    #[error("client credentials were sent in the header and in the body")]
    TwoAuthentications,
    /// No app has this client id.
    #[error("no app has this client id")]
    UnknownClient,
    /// The secret is none of the app's live ones.
    #[error("the client secret is wrong")]
    WrongSecret,
    /// A confidential app sent only its id.
    #[error("this app must authenticate with its client secret")]
    SecretMissing,
    /// A public app sent a secret; it has none.
    #[error("this app is public and has no secret")]
    SecretOfPublicClient,
    /// Too many attempts failed before: this one was not looked at, or a wrong secret is told so.
    #[error(transparent)]
    TooManyFailures(#[from] TooManyFailures),

    // The token endpoint (RFC 6749 §5.2).
    /// The preset does not offer this grant type.
    #[error("the grant type {0:?} is not offered")]
    UnsupportedGrantType(String),
    /// The app may not use this grant type.
    #[error("this app may not use the grant type {0}")]
    GrantTypeNotAllowed(&'static str),
    /// The code is not one of ours, or was tampered with.
    #[error("the code is not authentic")]
    UnknownCode,
    /// The code was issued to another app.
    #[error("the code was issued to another app")]
    ForeignCode,
    /// The code was not redeemed in time.
    #[error("the code has expired")]
    CodeExpired,
    /// The code was redeemed before. Where the request proved all that the first one did, the grant has ended (RFC 6749 §4.1.2).
    #[error("the code was used before")]
    CodeReplayed,
    /// The grant of this code ended before it was redeemed.
    #[error("the grant of this code has ended")]
    CodeRevoked,
    /// The redirect URI differs from the one of the authorization request, or is absent where that one was sent (RFC 6749 §4.1.3).
    #[error("the redirect URI is not the one that the code was asked with")]
    RedirectUriMismatch,
    /// A challenge was sent, no verifier came (RFC 7636 §4.6).
    #[error("the code verifier is missing")]
    VerifierMissing,
    /// Not 43 to 128 unreserved characters (RFC 7636 §4.1).
    #[error("the code verifier is malformed")]
    VerifierMalformed,
    /// The verifier does not answer the challenge (RFC 7636 §4.6).
    #[error("the code verifier does not match the code challenge")]
    VerifierMismatch,
    /// A verifier without a challenge: a downgrade (RFC 9700 §4.8.2).
    #[error("a code verifier was sent, but no code challenge before")]
    VerifierUnexpected,
    /// The refresh token is not one of ours, or was tampered with.
    #[error("the refresh token is not authentic")]
    UnknownRefreshToken,
    /// The refresh token was issued to another app.
    #[error("the refresh token was issued to another app")]
    ForeignRefreshToken,
    /// The access token was issued to another app; only revocation asks (RFC 7009 §2.1).
    #[error("the access token was issued to another app")]
    ForeignAccessToken,
    /// The refresh token's time is over.
    #[error("the refresh token has expired")]
    RefreshTokenExpired,
    /// An older generation came back; the grant has ended (RFC 9700 §4.14.2).
    #[error("the refresh token was used before")]
    RefreshTokenReused,
    /// Two devices use it, each within the grace of the other; the grant has ended.
    #[error("two sources use the same refresh tokens")]
    DeviceCopied,
    /// The grant ended: revoked by a person, an app, an operator.
    #[error("the grant of this refresh token has ended")]
    RefreshTokenRevoked,
    /// A generation that this database never issued: it was rolled back.
    #[error("the refresh token is newer than the database")]
    RefreshTokenFromTheFuture,
    /// The person was deleted, and with them the grant.
    #[error("the person who allowed this was deleted")]
    ResourceOwnerGone,
    /// The grant, or the app itself, may not act now. Nothing has ended.
    #[error("{}", .0.description())]
    Paused(Pause),
    /// Not a list of scope tokens (RFC 6749 §3.3).
    #[error("the scope parameter is not a list of scopes")]
    ScopeMalformed,
    /// The catalogue has no such scope.
    #[error("there is no scope {0}")]
    UnknownScope(Scope),
    /// The app may not ask for this scope.
    #[error("this app may not ask for the scope {0}")]
    ScopeBeyondClient(Scope),
    /// The app has no scope at all: none was chosen for it.
    #[error("this app has no scopes: none was chosen for it")]
    ClientWithoutScopes,
    /// More than the grant has (RFC 6749 §6).
    #[error("the grant does not have the scope {0}")]
    ScopeBeyondGrant(Scope),
    /// Nothing was asked for and there is no default that this app may have.
    #[error("no scope was asked for and none is the default")]
    ScopeMissing,
    /// The app lost every scope that the grant has.
    #[error("the app may no longer have any scope of the grant")]
    ScopesLost,
    /// More scopes than an access token has room for.
    #[error("the scopes have {0} characters, and an access token has room for {LONGEST_SCOPES}")]
    ScopesTooLong(usize),

    // The authorization endpoint (RFC 6749 §4.1.2.1).
    /// The redirect URI is not registered for this app.
    #[error("the redirect URI is not one of this app's")]
    RedirectUriUnregistered,
    /// None was sent and the app has several.
    #[error("the app has several redirect URIs and the request names none")]
    RedirectUriAmbiguous,
    /// None was sent and the app has none.
    #[error("the app has no redirect URI")]
    RedirectUriAbsent,
    /// `response_type` is absent.
    #[error("the parameter response_type is missing")]
    ResponseTypeMissing,
    /// `response_type` is not `code`.
    #[error("the response type {0:?} is not offered")]
    UnsupportedResponseType(String),
    /// `response_mode` is not `query`, the one that is offered (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).
    #[error("the response mode {0:?} is not offered")]
    UnsupportedResponseMode(String),
    /// A request object by value (RFC 9101 §5.1): its parameters would count, and not those beside it.
    #[error("request objects are not taken: send the parameters themselves")]
    RequestObject,
    /// A request object by reference (RFC 9101 §5.2). Nothing is fetched for a stranger.
    #[error("request objects are not fetched: send the parameters themselves")]
    RequestObjectUri,
    /// PKCE is required here and no challenge came.
    #[error("the code challenge is missing")]
    ChallengeMissing,
    /// The challenge is not 32 bytes of base64url.
    #[error("the code challenge is malformed")]
    ChallengeMalformed,
    /// Anything but `S256`; an absent method means `plain` (RFC 7636 §4.3).
    #[error("the code challenge method must be S256")]
    ChallengeMethod,
    /// The person said no.
    #[error("the person denied the request")]
    Denied,
    /// The app works only with organizations that this person is not in.
    #[error("the person is in none of the organizations that this app works with")]
    NoOrganization,

    // Protected resources (RFC 6750 §3.1).
    /// No token was sent.
    #[error("no access token was sent")]
    NoToken,
    /// The Authorization header is not `Bearer` with one token.
    #[error("the Authorization header is malformed")]
    MalformedBearer,
    /// Not one of ours, tampered with, or another environment's.
    #[error("the access token is not authentic")]
    InvalidToken,
    /// Its time is over.
    #[error("the access token has expired")]
    TokenExpired,
    /// Its grant ended, it was revoked or replaced, or its app or person is suspended.
    #[error("the access token was revoked")]
    TokenRevoked,
    /// Valid, but without these scopes.
    #[error("the access token lacks the scope {0}")]
    InsufficientScope(Scopes),
    /// The endpoint speaks of a person and the token has none (client_credentials).
    #[error("the access token was issued to an app, not to a person")]
    NoResourceOwner,
}

impl Refusal {
    /// The code that the RFCs have for this reason.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "one line a reason, to be read as a table")]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::MethodNotAllowed { .. }
            | Self::MediaType(_)
            | Self::TooLarge
            | Self::Parameter(_)
            | Self::Malformed(_)
            | Self::MissingParameter(_)
            | Self::TwoAuthentications
            | Self::RedirectUriUnregistered
            | Self::RedirectUriAmbiguous
            | Self::RedirectUriAbsent
            | Self::ResponseTypeMissing
            | Self::UnsupportedResponseMode(_)
            | Self::ChallengeMissing
            | Self::ChallengeMalformed
            | Self::ChallengeMethod
            | Self::MalformedBearer => ErrorCode::InvalidRequest,
            // RFC 6749 has no code for it. `invalid_client` would be believed: clients give up on it, and the secret may be right.
            Self::Busy | Self::NoRoom | Self::Unavailable | Self::TooManyFailures(_) => {
                ErrorCode::TemporarilyUnavailable
            }
            Self::Internal => ErrorCode::ServerError,
            Self::NoClientCredentials
            | Self::MalformedBasic
            | Self::UnknownClient
            | Self::WrongSecret
            | Self::SecretMissing
            | Self::SecretOfPublicClient => ErrorCode::InvalidClient,
            Self::UnsupportedGrantType(_) => ErrorCode::UnsupportedGrantType,
            Self::GrantTypeNotAllowed(_) => ErrorCode::UnauthorizedClient,
            Self::UnknownCode
            | Self::ForeignCode
            | Self::CodeExpired
            | Self::CodeReplayed
            | Self::CodeRevoked
            | Self::RedirectUriMismatch
            | Self::VerifierMissing
            | Self::VerifierMalformed
            | Self::VerifierMismatch
            | Self::VerifierUnexpected
            | Self::UnknownRefreshToken
            | Self::ForeignRefreshToken
            | Self::ForeignAccessToken
            | Self::RefreshTokenExpired
            | Self::RefreshTokenReused
            | Self::DeviceCopied
            | Self::RefreshTokenRevoked
            | Self::RefreshTokenFromTheFuture
            | Self::ResourceOwnerGone => ErrorCode::InvalidGrant,
            Self::ScopeMalformed
            | Self::UnknownScope(_)
            | Self::ScopeBeyondClient(_)
            | Self::ClientWithoutScopes
            | Self::ScopeBeyondGrant(_)
            | Self::ScopeMissing
            | Self::ScopesLost
            | Self::ScopesTooLong(_) => ErrorCode::InvalidScope,
            Self::UnsupportedResponseType(_) => ErrorCode::UnsupportedResponseType,
            Self::RequestObject => ErrorCode::RequestNotSupported,
            Self::RequestObjectUri => ErrorCode::RequestUriNotSupported,
            Self::Denied | Self::NoOrganization | Self::Paused(_) => ErrorCode::AccessDenied,
            Self::NoToken | Self::InvalidToken | Self::TokenExpired | Self::TokenRevoked => ErrorCode::InvalidToken,
            // The token is valid and another of its kind would fail as well: it lacks a privilege (RFC 6750 §3.1).
            Self::InsufficientScope(_) | Self::NoResourceOwner => ErrorCode::InsufficientScope,
        }
    }

    /// The word of this reason in `docs/reasons.md` and in the log. It never changes: people search for it.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "one line a reason, to be read as a table")]
    pub fn word(&self) -> &'static str {
        match self {
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::MediaType(_) => "media_type",
            Self::TooLarge => "too_large",
            Self::Parameter(ParameterError::Repeated(_)) => "parameter_repeated",
            Self::Parameter(ParameterError::TooLong(_)) => "parameter_too_long",
            Self::Parameter(ParameterError::NotText(_)) => "parameter_not_text",
            Self::Malformed(_) => "malformed",
            Self::MissingParameter(_) => "parameter_missing",
            Self::Busy => "busy",
            Self::NoRoom => "no_room",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
            Self::NoClientCredentials => "no_client_credentials",
            Self::MalformedBasic => "malformed_basic",
            Self::TwoAuthentications => "two_authentications",
            Self::UnknownClient => "unknown_client",
            Self::WrongSecret => "wrong_secret",
            Self::SecretMissing => "secret_missing",
            Self::SecretOfPublicClient => "secret_of_public_client",
            Self::TooManyFailures(_) => "too_many_failures",
            Self::UnsupportedGrantType(_) => "unsupported_grant_type",
            Self::GrantTypeNotAllowed(_) => "grant_type_not_allowed",
            Self::UnknownCode => "unknown_code",
            Self::ForeignCode => "foreign_code",
            Self::CodeExpired => "code_expired",
            Self::CodeReplayed => "code_replayed",
            Self::CodeRevoked => "code_revoked",
            Self::RedirectUriMismatch => "redirect_uri_mismatch",
            Self::VerifierMissing => "verifier_missing",
            Self::VerifierMalformed => "verifier_malformed",
            Self::VerifierMismatch => "verifier_mismatch",
            Self::VerifierUnexpected => "verifier_unexpected",
            Self::UnknownRefreshToken => "unknown_refresh_token",
            Self::ForeignRefreshToken => "foreign_refresh_token",
            Self::ForeignAccessToken => "foreign_access_token",
            Self::RefreshTokenExpired => "refresh_token_expired",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::DeviceCopied => "device_copied",
            Self::RefreshTokenRevoked => "refresh_token_revoked",
            Self::RefreshTokenFromTheFuture => "refresh_token_from_the_future",
            Self::ResourceOwnerGone => "resource_owner_gone",
            Self::Paused(pause) => pause.word(),
            Self::ScopeMalformed => "scope_malformed",
            Self::UnknownScope(_) => "unknown_scope",
            Self::ScopeBeyondClient(_) => "scope_beyond_client",
            Self::ClientWithoutScopes => "client_without_scopes",
            Self::ScopeBeyondGrant(_) => "scope_beyond_grant",
            Self::ScopeMissing => "scope_missing",
            Self::ScopesLost => "scopes_lost",
            Self::ScopesTooLong(_) => "scopes_too_long",
            Self::RedirectUriUnregistered => "redirect_uri_unregistered",
            Self::RedirectUriAmbiguous => "redirect_uri_ambiguous",
            Self::RedirectUriAbsent => "redirect_uri_absent",
            Self::ResponseTypeMissing => "response_type_missing",
            Self::UnsupportedResponseType(_) => "unsupported_response_type",
            Self::UnsupportedResponseMode(_) => "unsupported_response_mode",
            Self::RequestObject => "request_object",
            Self::RequestObjectUri => "request_object_uri",
            Self::ChallengeMissing => "challenge_missing",
            Self::ChallengeMalformed => "challenge_malformed",
            Self::ChallengeMethod => "challenge_method",
            Self::Denied => "denied",
            Self::NoOrganization => "no_organization",
            Self::NoToken => "no_token",
            Self::MalformedBearer => "malformed_bearer",
            Self::InvalidToken => "invalid_token",
            Self::TokenExpired => "token_expired",
            Self::TokenRevoked => "token_revoked",
            Self::InsufficientScope(_) => "insufficient_scope",
            Self::NoResourceOwner => "no_resource_owner",
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(detail) => {
                tracing::warn!(%detail, "the database is not available");
                Self::Unavailable
            }
            other => {
                tracing::error!(error = %other, "the store failed");
                Self::Internal
            }
        }
    }
}
