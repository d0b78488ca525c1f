//! Who is calling (RFC 6749 §2.3, RFC 7009 §2.1, RFC 7662 §2.1).
//!
//! Basic and body are taken, never both; a public client names itself and proves nothing here, PKCE does that.

use super::Refusal;
use crate::app::Hallpass;
use crate::directory::Client;
use crate::passwords::Busy;
use crate::store::model::{ClientType, Resource, SecretHash};
use crate::time::Instant;
use aws_lc_rs::digest;
use hallpass_wire::Parameters;
use hallpass_wire::client_credentials::{ClientCredentials, basic};
use http::{HeaderMap, header};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// What a request presents.
enum Presented {
    /// One or two ways to read an id with a secret.
    Secret(Vec<ClientCredentials>),
    /// An id alone.
    Id(String),
}

/// Who asks at the introspection endpoint.
pub enum Caller {
    /// An app, about its own tokens.
    Client(Arc<Client>),
    /// An API, about tokens meant for it.
    Resource(Resource),
}

/// Authenticates the client of a token or revocation request.
///
/// # Errors
/// The exact reason; on the wire they are one.
pub async fn authenticate(
    hallpass: &Hallpass,
    headers: &HeaderMap,
    body: &Parameters<'_>,
    now: Instant,
) -> Result<Arc<Client>, Refusal> {
    let client = match presented(headers, body)? {
        Presented::Secret(readings) => by_secret(hallpass, &readings, now).await?,
        Presented::Id(id) => {
            // The same reason as for a known confidential app: a client id cannot be probed.
            let client = hallpass.client(&id).await?.ok_or(Refusal::SecretMissing)?;
            if client.app.client_type == ClientType::Confidential {
                return Err(Refusal::SecretMissing);
            }
            client
        }
    };
    if client.is_live() {
        Ok(client)
    } else {
        Err(Refusal::ClientNotLive)
    }
}

/// Authenticates the caller of introspection: a confidential app or an API with its credentials. Public clients cannot ask.
///
/// # Errors
/// The exact reason.
pub async fn authenticate_caller(
    hallpass: &Hallpass,
    headers: &HeaderMap,
    body: &Parameters<'_>,
    now: Instant,
) -> Result<Caller, Refusal> {
    let Presented::Secret(readings) = presented(headers, body)? else {
        return Err(Refusal::SecretMissing);
    };
    let resources = hallpass.resources().await?;
    let mut named = false;
    for reading in &readings {
        let found = resources
            .iter()
            .find(|resource| resource.identifier == reading.client_id);
        let Some(resource) = found else { continue };
        if is_resource(hallpass, resource, &reading.client_secret).await? {
            return Ok(Caller::Resource(resource.clone()));
        }
        named = true;
    }
    if named {
        return Err(Refusal::WrongSecret);
    }
    let client = by_secret(hallpass, &readings, now).await?;
    // An empty secret in a Basic header names a public client, and proves nothing.
    if client.app.client_type == ClientType::Public {
        return Err(Refusal::SecretMissing);
    }
    if client.is_live() {
        Ok(Caller::Client(client))
    } else {
        Err(Refusal::ClientNotLive)
    }
}

fn presented(headers: &HeaderMap, body: &Parameters<'_>) -> Result<Presented, Refusal> {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let header = match sent.next() {
        Some(value) => value.to_str().map_err(|_| Refusal::MalformedBasic)?,
        None => "",
    };
    if sent.next().is_some() {
        return Err(Refusal::TwoAuthentications);
    }
    let readings = basic(header).map_err(|_| Refusal::MalformedBasic)?;
    let (id, secret) = (body.get("client_id"), body.get("client_secret"));
    if !readings.is_empty() {
        let other = id.is_some_and(|id| readings.iter().all(|reading| reading.client_id != id));
        if secret.is_some() || other {
            return Err(Refusal::TwoAuthentications);
        }
        return Ok(Presented::Secret(readings));
    }
    match (id, secret) {
        (Some(id), Some(secret)) => Ok(Presented::Secret(vec![ClientCredentials {
            client_id: id.to_owned(),
            client_secret: secret.to_owned(),
        }])),
        (Some(id), None) => Ok(Presented::Id(id.to_owned())),
        (None, _) => Err(Refusal::NoClientCredentials),
    }
}

async fn by_secret(hallpass: &Hallpass, readings: &[ClientCredentials], now: Instant) -> Result<Arc<Client>, Refusal> {
    let mut refusal = Refusal::UnknownClient;
    for reading in readings {
        let Some(client) = hallpass.client(&reading.client_id).await? else {
            continue;
        };
        if client.app.client_type == ClientType::Public {
            // Libraries send an empty secret in a Basic header for a public client: that is none.
            if reading.client_secret.is_empty() {
                return Ok(client);
            }
            refusal = Refusal::SecretOfPublicClient;
            continue;
        }
        if has_secret(hallpass, &client, &reading.client_secret, now).await? {
            return Ok(client);
        }
        refusal = Refusal::WrongSecret;
    }
    Err(refusal)
}

async fn has_secret(hallpass: &Hallpass, client: &Client, presented: &str, now: Instant) -> Result<bool, Refusal> {
    for secret in client.app.secrets.iter().filter(|secret| secret.is_live(now)) {
        if matches(hallpass, &secret.hash, presented).await? {
            hallpass.store.touch_secret(secret.id, now);
            return Ok(true);
        }
    }
    Ok(false)
}

async fn is_resource(hallpass: &Hallpass, resource: &Resource, presented: &str) -> Result<bool, Refusal> {
    match &resource.secret {
        Some(hash) => matches(hallpass, hash, presented).await,
        None => Ok(false),
    }
}

async fn matches(hallpass: &Hallpass, hash: &SecretHash, presented: &str) -> Result<bool, Refusal> {
    match hash {
        SecretHash::Sha256(expected) => {
            let found = digest::digest(&digest::SHA256, presented.as_bytes());
            Ok(found.as_ref().ct_eq(expected).into())
        }
        SecretHash::Argon2(phc) => {
            let verified = hallpass.remembered.verify(&hallpass.clients, presented, phc).await;
            verified.map_err(|Busy| Refusal::Busy)
        }
    }
}
