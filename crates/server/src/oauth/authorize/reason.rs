//! Why an authorization request gives no code.

use crate::oauth::refusal::Reason;
use hallpass_wire::public_error::{AuthorizeFault, ClientFault, GrantTypeFault};
use hallpass_wire::{ErrorCode, PublicError};

/// Why an authorization request gives no code (RFC 6749 §4.1.2.1).
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AuthorizeReason {
    /// No app has this client ID.
    #[error("no app has this client ID")]
    UnknownClient,
    /// The app may not use this grant type.
    #[error("this app may not use the grant type {0}")]
    GrantTypeNotAllowed(&'static str),
    /// The redirect URI is not registered for this app.
    #[error("the redirect URI is not registered for this app")]
    RedirectUriUnregistered,
    /// No redirect URI was sent, and the app has several.
    #[error("the app has several redirect URIs and the request names none")]
    RedirectUriAmbiguous,
    /// No redirect URI was sent, and the app has none.
    #[error("the app has no redirect URI")]
    RedirectUriAbsent,
    /// `response_type` is absent.
    #[error("the parameter response_type is missing")]
    ResponseTypeMissing,
    /// `response_type` is not `code`.
    #[error("the response type {0:?} is not offered")]
    UnsupportedResponseType(String),
    /// `response_mode` is not `query`, the only one that is offered (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).
    #[error("the response mode {0:?} is not offered")]
    UnsupportedResponseMode(String),
    /// A request object by value (RFC 9101 §5.1). Its parameters would replace those beside it.
    #[error("request objects are not taken: send the parameters themselves")]
    RequestObject,
    /// A request object by reference (RFC 9101 §5.2). The server fetches nothing for a stranger.
    #[error("request objects are not fetched: send the parameters themselves")]
    RequestObjectUri,
    /// PKCE is required, and no challenge was sent.
    #[error("the code challenge is missing")]
    ChallengeMissing,
    /// The challenge is not 32 bytes of base64url.
    #[error("the code challenge is malformed")]
    ChallengeMalformed,
    /// The method is not `S256`. An absent method means `plain` (RFC 7636 §4.3).
    #[error("the code challenge method must be S256")]
    ChallengeMethod,
    /// `prompt=none` comes with other words (OpenID Connect Core 1.0 §3.1.2.1).
    #[error("prompt has none beside other words")]
    PromptNoneWithOthers,
    /// `max_age` is not a number of seconds.
    #[error("max_age is not a number of seconds")]
    MaxAgeMalformed,
    /// No page may be shown, and nobody is signed in; or the sign-in is older than the app allows.
    #[error("the person must sign in")]
    LoginRequired,
    /// No page may be shown, and consent is always asked for.
    #[error("the person must be asked")]
    ConsentRequired,
    /// The request does not fit into the address with which the site is asked to sign the person in.
    #[error("the request is too long for the sign-in handover")]
    TooLongForHandover,
    /// The site signs nobody in.
    #[error("the site refused the sign-in")]
    RefusedBySite,
    /// The app acts for organizations, and the person owns none in which it may be connected.
    #[error("only an owner of the organization may allow this app")]
    NotAnOwner,
    /// The person is suspended.
    #[error("the person is suspended")]
    PersonSuspended,
    /// The person denied the access.
    #[error("the person denied the request")]
    Denied,
    /// The app works only with organizations that this person is not in.
    #[error(
        "the person is in none of the organizations that this app works with; `reach = \"partner\"` of the app admits all"
    )]
    NoOrganization,
}

impl Reason for AuthorizeReason {
    fn word(&self) -> &'static str {
        match self {
            Self::UnknownClient => "unknown_client",
            Self::GrantTypeNotAllowed(_) => "grant_type_not_allowed",
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
            Self::PromptNoneWithOthers => "prompt_none_with_others",
            Self::MaxAgeMalformed => "max_age_malformed",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::TooLongForHandover => "too_long_for_handover",
            Self::RefusedBySite => "refused_by_site",
            Self::PersonSuspended => "sign_in_suspended",
            Self::Denied => "denied",
            Self::NoOrganization => "no_organization",
            Self::NotAnOwner => "not_an_owner",
        }
    }

    fn public(&self) -> PublicError {
        let plain = PublicError::Plain;
        PublicError::Authorize(match self {
            Self::UnknownClient => return PublicError::Client(ClientFault::Unknown),
            Self::GrantTypeNotAllowed(name) => return PublicError::GrantType(GrantTypeFault::NotAllowed(name)),
            Self::RedirectUriUnregistered => AuthorizeFault::UriUnregistered,
            Self::RedirectUriAmbiguous => AuthorizeFault::UriAmbiguous,
            Self::RedirectUriAbsent => AuthorizeFault::UriAbsent,
            Self::ResponseTypeMissing => AuthorizeFault::ResponseTypeMissing,
            Self::UnsupportedResponseType(name) => AuthorizeFault::ResponseType(name.clone()),
            Self::UnsupportedResponseMode(_) => {
                return plain(ErrorCode::InvalidRequest, "The response_mode must be query");
            }
            Self::RequestObject => {
                return plain(ErrorCode::RequestNotSupported, "The parameter request is not supported");
            }
            Self::RequestObjectUri => {
                return plain(
                    ErrorCode::RequestUriNotSupported,
                    "The parameter request_uri is not supported",
                );
            }
            Self::ChallengeMissing => AuthorizeFault::ChallengeMissing,
            Self::ChallengeMalformed => AuthorizeFault::ChallengeMalformed,
            Self::ChallengeMethod => AuthorizeFault::ChallengeMethod,
            Self::PromptNoneWithOthers => {
                return plain(ErrorCode::InvalidRequest, "The prompt none must stand alone");
            }
            Self::MaxAgeMalformed => {
                return plain(ErrorCode::InvalidRequest, "The max_age must be a number of seconds");
            }
            Self::LoginRequired => return plain(ErrorCode::LoginRequired, "The person must sign in"),
            Self::ConsentRequired => return plain(ErrorCode::ConsentRequired, "The person must be asked"),
            Self::TooLongForHandover => {
                return plain(
                    ErrorCode::InvalidRequest,
                    "The request is too long for the sign-in handover",
                );
            }
            Self::RefusedBySite | Self::PersonSuspended => {
                return plain(ErrorCode::AccessDenied, "The request was denied");
            }
            Self::Denied => AuthorizeFault::Denied,
            Self::NoOrganization | Self::NotAnOwner => return plain(ErrorCode::AccessDenied, "The request was denied"),
        })
    }
}
