//! Who is calling (RFC 6749 §2.3, RFC 7009 §2.1, RFC 7662 §2.1).
//!
//! Basic and body are taken, never both; a public client names itself and proves nothing here, PKCE does that.
//!
//! Failures are limited (`accounts/limits/`), secrets are not: one with 256 bits is compared before anything is asked, so the right
//! one always gets in, at no cost. Only before a secret that could be guessed, and after a failure, are the limits asked.
//!
//! Where any secret was chosen by somebody, each guess that is refused costs one verification, whatever it names: an app or API
//! with a chosen secret, one with a made secret, or nothing. Time does not tell whose secret is worth guessing (decision 64).

pub mod secret;

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
pub enum ClientReason {
    /// Neither header nor body name a client.
    #[error("no client credentials were sent")]
    NoClientCredentials,
    /// A Basic header that is not a pair of id and secret.
    #[error("the Authorization header is not a Basic pair of client id and secret")]
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

/// What a request presents.
enum Presented {
    /// An id with a secret.
    Secret(Sent),
    /// An id alone.
    Id(String),
}

/// Who asks at the introspection endpoint.
pub enum Caller {
    /// An app, about its own tokens.
    Client(Arc<Client>),
    /// An API, about tokens meant for it.
    Resource(Arc<Resource>),
}

/// Authenticates the client of a token or revocation request, suspended or not (decision 42).
///
/// # Errors
/// The exact reason; on the wire they are one.
pub async fn authenticate(
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
            // The same reason as for a known confidential app: a client id cannot be probed.
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
pub async fn authenticate_caller(
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
