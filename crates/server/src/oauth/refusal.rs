//! Why a request is refused: the exact reasons, for logs and for the app's owner.
//!
//! An answer says what it may reveal ([`Refusal::public`]), in the words of a dialect. `docs/reasons.md` lists every reason by
//! its word ([`Refusal::word`]).

use crate::accounts::limits::TooManyFailures;
use crate::store::StoreError;
use crate::tokens::sealed::LONGEST_SCOPES;
use hallpass_wire::public_error::{
    AccessFault, AuthorizeFault, ClientFault, CodeFault, GrantTypeFault, RefreshFault, RequestFault, ScopeFault,
    Trouble,
};
use hallpass_wire::{ErrorCode, ParameterError, Pause, PublicError, Scope, Scopes};

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
    #[error("{0}")]
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
    /// What an answer may reveal of it.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "one line a reason, to be read as a table")]
    pub fn public(&self) -> PublicError {
        match self {
            Self::MethodNotAllowed { sent, allowed } => PublicError::Request(RequestFault::Method {
                sent: sent.clone(),
                allowed,
            }),
            Self::MediaType(sent) => PublicError::Request(RequestFault::MediaType(sent.clone())),
            Self::TooLarge => PublicError::Request(RequestFault::TooLarge),
            Self::Parameter(fault) => PublicError::Request(RequestFault::Parameter(*fault)),
            Self::Malformed(detail) => PublicError::Request(RequestFault::Malformed(detail)),
            Self::MissingParameter(name) => PublicError::Request(RequestFault::Missing(name)),
            Self::Busy | Self::NoRoom | Self::Unavailable => PublicError::Trouble(Trouble::Busy),
            Self::Internal => PublicError::Trouble(Trouble::Failed),
            Self::TooManyFailures(TooManyFailures { seconds }) => PublicError::Trouble(Trouble::Wait(*seconds)),
            Self::NoClientCredentials => PublicError::Client(ClientFault::NotNamed),
            Self::MalformedBasic => PublicError::Client(ClientFault::Malformed),
            Self::TwoAuthentications => PublicError::Client(ClientFault::Twice),
            Self::UnknownClient => PublicError::Client(ClientFault::Unknown),
            Self::WrongSecret | Self::SecretOfPublicClient => PublicError::Client(ClientFault::WrongSecret),
            Self::SecretMissing => PublicError::Client(ClientFault::SecretMissing),
            Self::UnsupportedGrantType(name) => PublicError::GrantType(GrantTypeFault::NotOffered(name.clone())),
            Self::GrantTypeNotAllowed(name) => PublicError::GrantType(GrantTypeFault::NotAllowed(name)),
            Self::UnknownCode => PublicError::Code(CodeFault::Unknown),
            Self::ForeignCode => PublicError::Code(CodeFault::Foreign),
            Self::CodeExpired => PublicError::Code(CodeFault::Expired),
            Self::CodeReplayed => PublicError::Code(CodeFault::Spent("The code was used before")),
            Self::CodeRevoked => PublicError::Code(CodeFault::Spent("The grant of this code has ended")),
            Self::RedirectUriMismatch => PublicError::Code(CodeFault::RedirectUri),
            Self::VerifierMissing => PublicError::Code(CodeFault::VerifierMissing),
            Self::VerifierMalformed => PublicError::Code(CodeFault::VerifierMalformed),
            Self::VerifierMismatch => PublicError::Code(CodeFault::VerifierMismatch),
            Self::VerifierUnexpected => PublicError::Code(CodeFault::VerifierUnexpected),
            Self::UnknownRefreshToken => PublicError::Refresh(RefreshFault::Unknown),
            Self::ForeignRefreshToken | Self::ForeignAccessToken => PublicError::Refresh(RefreshFault::Foreign),
            Self::RefreshTokenExpired => PublicError::Refresh(RefreshFault::Expired),
            Self::RefreshTokenReused => PublicError::Refresh(RefreshFault::Spent(
                "The refresh token was used before, so its grant has ended",
            )),
            Self::DeviceCopied => PublicError::Refresh(RefreshFault::Spent(
                "Two devices use this refresh token, so its grant has ended",
            )),
            Self::RefreshTokenRevoked => {
                PublicError::Refresh(RefreshFault::Spent("The grant of this refresh token has ended"))
            }
            Self::RefreshTokenFromTheFuture => PublicError::Refresh(RefreshFault::Spent(
                "The refresh token is newer than the data of this server",
            )),
            Self::ResourceOwnerGone => {
                PublicError::Plain(ErrorCode::InvalidGrant, "The person who gave this grant was deleted")
            }
            Self::Paused(pause) => PublicError::Paused(*pause),
            Self::ScopeMalformed => PublicError::Scope(ScopeFault::Malformed),
            Self::UnknownScope(scope) => PublicError::Scope(ScopeFault::Unknown(scope.clone())),
            Self::ScopeBeyondClient(scope) => PublicError::Scope(ScopeFault::BeyondClient(scope.clone())),
            Self::ClientWithoutScopes => PublicError::Plain(
                ErrorCode::InvalidScope,
                "This app has no scopes: choose some where it is registered",
            ),
            Self::ScopeBeyondGrant(scope) => PublicError::Scope(ScopeFault::BeyondGrant(scope.clone())),
            Self::ScopeMissing => PublicError::Scope(ScopeFault::Missing),
            Self::ScopesLost => PublicError::Plain(
                ErrorCode::InvalidScope,
                "This app may no longer have any scope of the grant",
            ),
            Self::ScopesTooLong(length) => PublicError::Scope(ScopeFault::TooLong {
                length: *length,
                longest: LONGEST_SCOPES,
            }),
            Self::RedirectUriUnregistered => PublicError::Authorize(AuthorizeFault::UriUnregistered),
            Self::RedirectUriAmbiguous => PublicError::Authorize(AuthorizeFault::UriAmbiguous),
            Self::RedirectUriAbsent => PublicError::Authorize(AuthorizeFault::UriAbsent),
            Self::ResponseTypeMissing => PublicError::Authorize(AuthorizeFault::ResponseTypeMissing),
            Self::UnsupportedResponseType(name) => PublicError::Authorize(AuthorizeFault::ResponseType(name.clone())),
            Self::UnsupportedResponseMode(_) => {
                PublicError::Plain(ErrorCode::InvalidRequest, "The response_mode must be query")
            }
            Self::RequestObject => {
                PublicError::Plain(ErrorCode::RequestNotSupported, "The parameter request is not supported")
            }
            Self::RequestObjectUri => PublicError::Plain(
                ErrorCode::RequestUriNotSupported,
                "The parameter request_uri is not supported",
            ),
            Self::ChallengeMissing => PublicError::Authorize(AuthorizeFault::ChallengeMissing),
            Self::ChallengeMalformed => PublicError::Authorize(AuthorizeFault::ChallengeMalformed),
            Self::ChallengeMethod => PublicError::Authorize(AuthorizeFault::ChallengeMethod),
            Self::Denied => PublicError::Authorize(AuthorizeFault::Denied),
            Self::NoOrganization => PublicError::Plain(ErrorCode::AccessDenied, "The request was denied"),
            Self::NoToken => PublicError::Access(AccessFault::Absent),
            Self::MalformedBearer => PublicError::Access(AccessFault::Malformed),
            Self::InvalidToken => PublicError::Access(AccessFault::Invalid),
            Self::TokenExpired => PublicError::Access(AccessFault::Expired),
            Self::TokenRevoked => PublicError::Access(AccessFault::Revoked),
            Self::InsufficientScope(scopes) => PublicError::Access(AccessFault::Scopes(scopes.clone())),
            Self::NoResourceOwner => PublicError::Access(AccessFault::NoPerson),
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
