//! Checks the authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3) before a person is asked.
//!
//! The order of the checks matters. Until client and redirect URI are known to belong together, nothing may be redirected
//! (§4.1.2.1). After that, every fault is reported to the app.

use super::interaction::Interaction;
use crate::config::GrantType;
use crate::directory::Client;
use crate::oauth::refusal::{Reason, Refusal, RequestReason};
use crate::oauth::scopes::{grantable_scopes, known_scopes};
use crate::serve::hallpass::Hallpass;
use crate::store::model::ClientType;
use hallpass_wire::pkce::CodeChallenge;
use hallpass_wire::public_error::{AuthorizeFault, ClientFault, GrantTypeFault};
use hallpass_wire::{ErrorCode, Parameters, PublicError, RedirectUri, Scopes};
use std::sync::Arc;

/// The parameters of an authorization request that are known here: each may come once (RFC 6749 §3.1). `resource`, which may
/// repeat (RFC 8707 §2), is not among them yet.
pub const PARAMETERS: [&str; 15] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
    "prompt",
    "max_age",
    "login_hint",
    "ui_locales",
    "acr_values",
];

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

/// A request that a person may be asked about.
pub struct AuthorizationRequest {
    /// The app.
    pub client: Arc<Client>,
    /// The target of the answer.
    pub target: Target,
    /// The requested scopes.
    pub scopes: Scopes,
    /// The S256 challenge, if one was sent.
    pub challenge: Option<CodeChallenge>,
    /// How the app wants the person to be asked.
    pub interaction: Interaction,
}

/// The target of the answer to an authorization request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// The redirect URI; `None`: the code is shown on a page to copy.
    pub uri: Option<String>,
    /// Whether the request named it. If so, the token request must name it too (RFC 6749 §4.1.3).
    pub named: bool,
    /// `state` as sent, returned byte for byte.
    pub state: Option<String>,
}

/// Why a person is not asked about a request.
pub enum AuthorizationProblem {
    /// Shown on our own page: nothing may be redirected.
    Fatal(Refusal),
    /// Reported to the app: client and redirect URI are good.
    OfApp(Arc<Client>, Target, Refusal),
}

impl<R: Into<Refusal>> From<R> for AuthorizationProblem {
    fn from(reason: R) -> Self {
        Self::Fatal(reason.into())
    }
}

/// Checks the parameters of an authorization request.
///
/// # Errors
/// The fault, and whether the person or the app gets it.
pub async fn judge(hallpass: &Hallpass, query: &Parameters<'_>) -> Result<AuthorizationRequest, AuthorizationProblem> {
    check_fault(query, "client_id")?;
    let client_id = query
        .get("client_id")
        .ok_or(RequestReason::MissingParameter("client_id"))?;
    let client = hallpass
        .directory
        .client(client_id)
        .await
        .map_err(Refusal::from)?
        .ok_or(AuthorizeReason::UnknownClient)?;
    // Shown to the person and not reported to the app: nobody is sent to a suspended app.
    client.check_live()?;
    check_fault(query, "redirect_uri")?;
    let target = target(hallpass, &client, query)?;
    match judge_rest(hallpass, &client, query) {
        Ok((scopes, challenge, interaction)) => Ok(AuthorizationRequest {
            client,
            target,
            scopes,
            challenge,
            interaction,
        }),
        Err(refusal) => Err(AuthorizationProblem::OfApp(client, target, refusal)),
    }
}

/// If a parameter comes twice, neither value counts.
fn check_fault(query: &Parameters<'_>, name: &str) -> Result<(), RequestReason> {
    match query.faults().iter().find(|fault| fault.name() == name) {
        Some(fault) => Err(RequestReason::Parameter(*fault)),
        None => Ok(()),
    }
}

/// RFC 6749 §3.1.2.3: the redirect URI of the request, if it is registered. If none was sent, the only registered one.
fn target(hallpass: &Hallpass, client: &Client, query: &Parameters<'_>) -> Result<Target, AuthorizeReason> {
    let state = query.get("state").map(str::to_owned);
    let registered = &client.app.redirect_uris;
    if let Some(sent) = query.get("redirect_uri") {
        let known = registered.iter().any(|uri| admits(client, uri, sent));
        let target = Target {
            uri: Some(sent.to_owned()),
            named: true,
            state,
        };
        return if known {
            Ok(target)
        } else {
            Err(AuthorizeReason::RedirectUriUnregistered)
        };
    }
    match registered.as_slice() {
        [only] => Ok(Target {
            uri: Some(only.as_str().to_owned()),
            named: false,
            state,
        }),
        [] if shows_code(hallpass, client) => Ok(Target {
            uri: None,
            named: false,
            state,
        }),
        [] => Err(AuthorizeReason::RedirectUriAbsent),
        _ => Err(AuthorizeReason::RedirectUriAmbiguous),
    }
}

/// The port of a loopback address is free for native apps, which are public clients (RFC 9700 §2.1, RFC 8252 §8.4).
fn admits(client: &Client, registered: &RedirectUri, sent: &str) -> bool {
    match client.app.client_type {
        ClientType::Public => registered.admits(sent, client.app.localhost_any_port),
        ClientType::Confidential => registered.as_str() == sent,
    }
}

/// API-5: only the code of a confidential app may be shown, because such a code is worthless without the secret.
fn shows_code(hallpass: &Hallpass, client: &Client) -> bool {
    hallpass.config.wire.code_page && client.app.client_type == ClientType::Confidential
}

type AskedAccess = (Scopes, Option<CodeChallenge>, Interaction);

fn judge_rest(hallpass: &Hallpass, client: &Client, query: &Parameters<'_>) -> Result<AskedAccess, Refusal> {
    if let Some(fault) = query.faults().first() {
        return Err(RequestReason::Parameter(*fault).into());
    }
    // A client that signs a request expects the signed parameters to count, not the ones beside them (RFC 9101 §6.3).
    if query.get("request").is_some() {
        return Err(AuthorizeReason::RequestObject.into());
    }
    if query.get("request_uri").is_some() {
        return Err(AuthorizeReason::RequestObjectUri.into());
    }
    // The app expects the answer in another way than this server sends it.
    if let Some(mode) = query.get("response_mode").filter(|mode| *mode != "query") {
        return Err(AuthorizeReason::UnsupportedResponseMode(mode.chars().take(24).collect()).into());
    }
    match query.get("response_type") {
        Some("code") => {}
        Some(other) => return Err(AuthorizeReason::UnsupportedResponseType(other.chars().take(24).collect()).into()),
        None => return Err(AuthorizeReason::ResponseTypeMissing.into()),
    }
    if !client.may_use(GrantType::AuthorizationCode) {
        let name = GrantType::AuthorizationCode.as_str();
        return Err(AuthorizeReason::GrantTypeNotAllowed(name).into());
    }
    let asked = query
        .get("scope")
        .map(|text| known_scopes(hallpass, text))
        .transpose()?;
    let scopes = grantable_scopes(hallpass, asked, client)?;
    Ok((scopes, challenge(hallpass, client, query)?, Interaction::of(query)?))
}

fn challenge(
    hallpass: &Hallpass,
    client: &Client,
    query: &Parameters<'_>,
) -> Result<Option<CodeChallenge>, AuthorizeReason> {
    let (sent, method) = (query.get("code_challenge"), query.get("code_challenge_method"));
    let Some(sent) = sent else {
        let demanded = hallpass.config.wire.require_pkce || client.app.client_type == ClientType::Public;
        return if demanded || method.is_some() {
            Err(AuthorizeReason::ChallengeMissing)
        } else {
            Ok(None)
        };
    };
    // No method means `plain` (RFC 7636 §4.3), which protects nothing.
    if method != Some("S256") {
        return Err(AuthorizeReason::ChallengeMethod);
    }
    CodeChallenge::parse(sent)
        .map(Some)
        .ok_or(AuthorizeReason::ChallengeMalformed)
}

impl Target {
    /// The address that gives the code to the app (RFC 6749 §4.1.2, RFC 9207 §2); `None` where there is no redirect URI.
    #[must_use]
    pub fn with_code(&self, code: &str, issuer: &str) -> Option<String> {
        let mut pairs = vec![("code", code)];
        pairs.extend(self.state.as_deref().map(|state| ("state", state)));
        pairs.push(("iss", issuer));
        self.uri
            .as_deref()
            .map(|uri| hallpass_wire::redirect_uri::with_query(uri, &pairs))
    }

    /// The address that reports a refusal to the app, in the dialect's words.
    #[must_use]
    pub fn with_refusal(&self, hallpass: &Hallpass, refusal: &Refusal) -> Option<String> {
        let told = hallpass
            .dialect
            .redirect_refusal(&refusal.public(), self.state.as_deref());
        let mut pairs: Vec<(&str, &str)> = told.iter().map(|(name, value)| (*name, value.as_str())).collect();
        pairs.push(("iss", &hallpass.issuer));
        self.uri
            .as_deref()
            .map(|uri| hallpass_wire::redirect_uri::with_query(uri, &pairs))
    }
}
