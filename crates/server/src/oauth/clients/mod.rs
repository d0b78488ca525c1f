//! Client authentication (RFC 6749 §2.3, RFC 7009 §2.1, RFC 7662 §2.1).
//!
//! Credentials come by Basic or in the body, never both. A public client sends only its id; it proves itself later, by PKCE.
//!
//! Failures are limited (`accounts/limits/`). A secret with 256 bits is compared before the limits are checked, so the right
//! secret always succeeds, and the comparison is cheap. The limits are checked only before a secret that could be guessed, and
//! after a failure.
//!
//! If any secret was chosen by a person, each refused guess costs one verification, whatever it names: an app or API with a
//! chosen secret, one with a random secret, or nothing. So the time does not show whose secret is worth guessing (decision 64).

pub(crate) mod secret;

use crate::directory::Client;
use crate::oauth::endpoints::FormRequest;
use crate::oauth::refusal::{Reason, Refusal};
use crate::serve::hallpass::Hallpass;
use crate::store::model::{ClientType, Resource};
use crate::time::Instant;
use hallpass_wire::client_credentials::Basic;
use hallpass_wire::public_error::ClientFault;
use hallpass_wire::{Parameters, PublicError};
use http::{HeaderMap, header};
use secret::{SecretReason, Sent, Trial};
use std::sync::Arc;

/// Why it is not clear how the client authenticates (RFC 6749 §2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum ClientReason {
    /// Neither the header nor the body names a client.
    #[error("no client credentials were sent")]
    NoClientCredentials,
    /// The Basic header is not a pair of id and secret.
    #[error("the Authorization header is not a Basic pair of client ID and secret")]
    MalformedBasic,
    /// More than one way to authenticate in one request (RFC 6749 §2.3).
    #[error("client credentials were sent in the header and in the body")]
    TwoAuthentications,
}

impl Reason for ClientReason {
    fn word(&self) -> &'static str {
        match self {
            Self::NoClientCredentials => "no_client_credentials",
            Self::MalformedBasic => "malformed_basic",
            Self::TwoAuthentications => "two_authentications",
        }
    }

    fn public(&self) -> PublicError {
        PublicError::Client(match self {
            Self::NoClientCredentials => ClientFault::NotNamed,
            Self::MalformedBasic => ClientFault::Malformed,
            Self::TwoAuthentications => ClientFault::Twice,
        })
    }
}

/// The credentials of a request.
enum Presented {
    /// An id with a secret.
    Secret(Sent),
    /// Only an id.
    Id(String),
}

/// The caller of the introspection endpoint.
pub(crate) enum Caller {
    /// An app, which may ask about its own tokens.
    Client(Arc<Client>),
    /// An API, which may ask about tokens meant for it.
    Resource(Arc<Resource>),
}

/// Authenticates the client of a token or revocation request, suspended or not (decision 42).
///
/// # Errors
/// The exact reason. The answer is the same for all of them.
pub(crate) async fn authenticate(
    hallpass: &Hallpass,
    request: &FormRequest<'_>,
    body: &Parameters<'_>,
    now: Instant,
) -> Result<Arc<Client>, Refusal> {
    match presented(request.headers, body)? {
        Presented::Secret(sent) => {
            let mut trial = Trial::new(hallpass, request, &sent, now);
            let found = trial.client().await;
            Ok(trial.judged(found).await?)
        }
        Presented::Id(id) => {
            // The same reason as for a known confidential app, so that nobody can probe for client IDs.
            let client = hallpass
                .directory
                .client(&id)
                .await?
                .ok_or(SecretReason::SecretMissing)?;
            if client.app.client_type == ClientType::Confidential {
                return Err(SecretReason::SecretMissing.into());
            }
            Ok(client)
        }
    }
}

/// Authenticates the caller of introspection: a confidential app or an API with its credentials. Public clients cannot ask.
///
/// # Errors
/// The exact reason.
pub(crate) async fn authenticate_caller(
    hallpass: &Hallpass,
    request: &FormRequest<'_>,
    body: &Parameters<'_>,
    now: Instant,
) -> Result<Caller, Refusal> {
    let Presented::Secret(sent) = presented(request.headers, body)? else {
        return Err(SecretReason::SecretMissing.into());
    };
    let mut trial = Trial::new(hallpass, request, &sent, now);
    trial.guesses += sent.readings_as_a_whole();
    let found = trial.caller().await;
    Ok(trial.judged(found).await?)
}

/// Authenticates an API by its Basic credentials. Nobody else may call.
///
/// # Errors
/// The exact reason. An app's own credentials prove nothing here.
pub(crate) async fn authenticate_resource(
    hallpass: &Hallpass,
    request: &FormRequest<'_>,
    now: Instant,
) -> Result<Arc<Resource>, Refusal> {
    match authenticate_caller(hallpass, request, &Parameters::default(), now).await? {
        Caller::Resource(resource) => Ok(resource),
        Caller::Client(_) => Err(SecretReason::UnknownClient.into()),
    }
}

fn presented(headers: &HeaderMap, body: &Parameters<'_>) -> Result<Presented, ClientReason> {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let header = match sent.next() {
        Some(value) => value.to_str().map_err(|_| ClientReason::MalformedBasic)?,
        None => "",
    };
    if sent.next().is_some() {
        return Err(ClientReason::TwoAuthentications);
    }
    let header = Basic::parse(header).map_err(|_| ClientReason::MalformedBasic)?;
    let (id, secret) = (body.get("client_id"), body.get("client_secret"));
    if let Some(header) = header {
        let sent = Sent::by_header(header);
        let other = id.is_some_and(|id| sent.secrets_of(id).next().is_none());
        if secret.is_some() || other {
            return Err(ClientReason::TwoAuthentications);
        }
        return Ok(Presented::Secret(sent));
    }
    match (id, secret) {
        (Some(id), Some(secret)) => Ok(Presented::Secret(Sent::by_body(id, secret))),
        (Some(id), None) => Ok(Presented::Id(id.to_owned())),
        (None, _) => Err(ClientReason::NoClientCredentials),
    }
}
