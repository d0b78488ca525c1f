//! The authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3), judged without asking anybody.
//!
//! The checks stand in the order in which they must be made: until client and redirect URI are known to belong together,
//! nothing may be redirected (§4.1.2.1); afterwards every fault is the app's to know.

use crate::config::GrantType;
use crate::directory::Client;
use crate::oauth::Refusal;
use crate::oauth::scopes::{grantable_scopes, known_scopes};
use crate::serve::hallpass::Hallpass;
use crate::store::model::ClientType;
use hallpass_wire::pkce::CodeChallenge;
use hallpass_wire::{Parameters, RedirectUri, Scopes};
use std::sync::Arc;

/// The parameters of an authorization request that are known here: each may come once (RFC 6749 §3.1). `resource`, which may
/// repeat (RFC 8707 §2), is not among them yet.
pub const PARAMETERS: [&str; 10] = [
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
];

/// A request that may be put before a person.
pub struct AuthorizationRequest {
    /// Who asks.
    pub client: Arc<Client>,
    /// Where the answer goes.
    pub target: Target,
    /// What is asked for.
    pub scopes: Scopes,
    /// The S256 challenge, if one was sent.
    pub challenge: Option<CodeChallenge>,
}

/// Where the answer to an authorization request goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// The redirect URI; `None`: the code is shown on a page to copy.
    pub uri: Option<String>,
    /// Whether the request named it: then the token request must too (RFC 6749 §4.1.3).
    pub named: bool,
    /// `state` as sent, returned byte for byte.
    pub state: Option<String>,
}

/// Why a request is not put before a person.
pub enum Problem {
    /// Shown on our own page: nothing may be redirected.
    Fatal(Refusal),
    /// The app's to know: client and redirect URI are good.
    OfApp(Arc<Client>, Target, Refusal),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Fatal(refusal)
    }
}

/// Judges the parameters of an authorization request.
///
/// # Errors
/// What is wrong, and who is to be told.
pub async fn judge(hallpass: &Hallpass, query: &Parameters<'_>) -> Result<AuthorizationRequest, Problem> {
    check_fault(query, "client_id")?;
    let client_id = query.get("client_id").ok_or(Refusal::MissingParameter("client_id"))?;
    let client = hallpass
        .directory
        .client(client_id)
        .await
        .map_err(Refusal::from)?
        .ok_or(Refusal::UnknownClient)?;
    // Told to the person and not to the app: nobody is sent to an app that was suspended.
    client.check_live()?;
    check_fault(query, "redirect_uri")?;
    let target = target(hallpass, &client, query)?;
    match judge_rest(hallpass, &client, query) {
        Ok((scopes, challenge)) => Ok(AuthorizationRequest {
            client,
            target,
            scopes,
            challenge,
        }),
        Err(refusal) => Err(Problem::OfApp(client, target, refusal)),
    }
}

/// Of a parameter that came twice neither value counts.
fn check_fault(query: &Parameters<'_>, name: &str) -> Result<(), Refusal> {
    match query.faults().iter().find(|fault| fault.name() == name) {
        Some(fault) => Err(Refusal::Parameter(*fault)),
        None => Ok(()),
    }
}

/// RFC 6749 §3.1.2.3: the one sent if it is registered; the one registered if none was sent.
fn target(hallpass: &Hallpass, client: &Client, query: &Parameters<'_>) -> Result<Target, Refusal> {
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
            Err(Refusal::RedirectUriUnregistered)
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
        [] => Err(Refusal::RedirectUriAbsent),
        _ => Err(Refusal::RedirectUriAmbiguous),
    }
}

/// The port of a loopback address is free for native apps, which are public clients (RFC 9700 §2.1, RFC 8252 §8.4).
fn admits(client: &Client, registered: &RedirectUri, sent: &str) -> bool {
    match client.app.client_type {
        ClientType::Public => registered.admits(sent, client.app.localhost_any_port),
        ClientType::Confidential => registered.as_str() == sent,
    }
}

/// API-5: only a confidential app's code may be shown, since a code alone gives nothing without its secret.
fn shows_code(hallpass: &Hallpass, client: &Client) -> bool {
    hallpass.config.wire.code_page && client.app.client_type == ClientType::Confidential
}

type Asked = (Scopes, Option<CodeChallenge>);

fn judge_rest(hallpass: &Hallpass, client: &Client, query: &Parameters<'_>) -> Result<Asked, Refusal> {
    if let Some(fault) = query.faults().first() {
        return Err(Refusal::Parameter(*fault));
    }
    // Who signs a request wants the signed parameters to count; to go by those beside them would undo it (RFC 9101 §6.3).
    if query.get("request").is_some() {
        return Err(Refusal::RequestObject);
    }
    if query.get("request_uri").is_some() {
        return Err(Refusal::RequestObjectUri);
    }
    // The app waits for the answer by another way than the one it would come by.
    if let Some(mode) = query.get("response_mode").filter(|mode| *mode != "query") {
        return Err(Refusal::UnsupportedResponseMode(mode.chars().take(24).collect()));
    }
    match query.get("response_type") {
        Some("code") => {}
        Some(other) => return Err(Refusal::UnsupportedResponseType(other.chars().take(24).collect())),
        None => return Err(Refusal::ResponseTypeMissing),
    }
    if !client.may_use(GrantType::AuthorizationCode) {
        return Err(Refusal::GrantTypeNotAllowed(GrantType::AuthorizationCode.as_str()));
    }
    let asked = query
        .get("scope")
        .map(|text| known_scopes(hallpass, text))
        .transpose()?;
    let scopes = grantable_scopes(hallpass, asked, client)?;
    Ok((scopes, challenge(hallpass, client, query)?))
}

fn challenge(hallpass: &Hallpass, client: &Client, query: &Parameters<'_>) -> Result<Option<CodeChallenge>, Refusal> {
    let (sent, method) = (query.get("code_challenge"), query.get("code_challenge_method"));
    let Some(sent) = sent else {
        let demanded = hallpass.config.wire.require_pkce || client.app.client_type == ClientType::Public;
        return if demanded || method.is_some() {
            Err(Refusal::ChallengeMissing)
        } else {
            Ok(None)
        };
    };
    // No method means `plain` (RFC 7636 §4.3), which protects nothing.
    if method != Some("S256") {
        return Err(Refusal::ChallengeMethod);
    }
    CodeChallenge::parse(sent).map(Some).ok_or(Refusal::ChallengeMalformed)
}

impl Target {
    /// The address that tells the app of a success (RFC 6749 §4.1.2, RFC 9207 §2); `None` where there is no redirect URI.
    #[must_use]
    pub fn with_code(&self, code: &str, issuer: &str) -> Option<String> {
        let mut pairs = vec![("code", code)];
        pairs.extend(self.state.as_deref().map(|state| ("state", state)));
        pairs.push(("iss", issuer));
        self.uri
            .as_deref()
            .map(|uri| hallpass_wire::redirect_uri::with_query(uri, &pairs))
    }

    /// The address that tells the app of a refusal, in the dialect's words.
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
