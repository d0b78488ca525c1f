//! Checks the authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3) before a person is asked.
//!
//! The order of the checks matters. Until client and redirect URI are known to belong together, nothing may be redirected
//! (§4.1.2.1). After that, every fault is reported to the app.

use super::interaction::Interaction;
use super::reason::AuthorizeReason;
use crate::config::GrantType;
use crate::directory::Client;
use crate::oauth::refusal::{Refusal, RequestReason};
use crate::oauth::scopes::{grantable_scopes, known_scopes};
use crate::serve::hallpass::Hallpass;
use crate::store::model::ClientType;
use hallpass_wire::pkce::CodeChallenge;
use hallpass_wire::{Parameters, RedirectUri, Scopes};
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
