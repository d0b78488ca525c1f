//! Who is calling (RFC 6749 §2.3, RFC 7009 §2.1, RFC 7662 §2.1).
//!
//! Basic and body are taken, never both; a public client names itself and proves nothing here, PKCE does that.
//!
//! Failures are limited (`limits.rs`), secrets are not: one with 256 bits is compared before anything is asked, so the right
//! one always gets in, at no cost. Only before a secret that could be guessed, and after a failure, are the limits asked.

use super::{FormRequest, Refusal};
use crate::app::Hallpass;
use crate::directory::Client;
use crate::limits::{Account, Attempt};
use crate::passwords::Busy;
use crate::store::model::{ClientType, Resource, Secret, SecretHash};
use crate::time::Instant;
use aws_lc_rs::digest;
use hallpass_wire::client_credentials::{ClientCredentials, basic};
use hallpass_wire::{ErrorCode, Parameters};
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
        Presented::Secret(readings) => {
            let mut trial = Trial::new(hallpass, request, &readings, now);
            let found = trial.client(&readings).await;
            trial.judged(found)
        }
        Presented::Id(id) => {
            // The same reason as for a known confidential app: a client id cannot be probed.
            let client = hallpass.client(&id).await?.ok_or(Refusal::SecretMissing)?;
            if client.app.client_type == ClientType::Confidential {
                return Err(Refusal::SecretMissing);
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
    let Presented::Secret(readings) = presented(request.headers, body)? else {
        return Err(Refusal::SecretMissing);
    };
    let mut trial = Trial::new(hallpass, request, &readings, now);
    let found = trial.caller(&readings).await;
    match trial.judged(found)? {
        // An empty secret in a Basic header names a public client, and proves nothing.
        Caller::Client(client) if client.app.client_type == ClientType::Public => Err(Refusal::SecretMissing),
        caller => Ok(caller),
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

/// The secret of one request, tried under the limits on failures.
struct Trial<'a> {
    hallpass: &'a Hallpass,
    request: &'a FormRequest<'a>,
    /// Whom the first reading names. The second one adds an account only for an id with a percent sign or a plus.
    account: &'a str,
    now: Instant,
    /// Taken before the first secret that could be guessed, or to count the failure.
    attempt: Option<Attempt<'a>>,
}

impl<'a> Trial<'a> {
    fn new(
        hallpass: &'a Hallpass,
        request: &'a FormRequest<'a>,
        readings: &'a [ClientCredentials],
        now: Instant,
    ) -> Self {
        let account = readings.first().map(|reading| reading.client_id.as_str());
        Self {
            hallpass,
            request,
            account: account.unwrap_or_default(),
            now,
            attempt: None,
        }
    }

    async fn caller(&mut self, readings: &[ClientCredentials]) -> Result<Caller, Refusal> {
        let resources = self.hallpass.resources().await?;
        let mut named = false;
        for reading in readings {
            let found = resources
                .iter()
                .find(|resource| resource.identifier == reading.client_id);
            let Some(resource) = found else { continue };
            if let Some(hash) = &resource.secret
                && self.fits(hash, &reading.client_secret).await?
            {
                return Ok(Caller::Resource(Arc::clone(resource)));
            }
            named = true;
        }
        if named {
            return Err(Refusal::WrongSecret);
        }
        self.client(readings).await.map(Caller::Client)
    }

    async fn client(&mut self, readings: &[ClientCredentials]) -> Result<Arc<Client>, Refusal> {
        let mut refusal = Refusal::UnknownClient;
        for reading in readings {
            let Some(client) = self.hallpass.client(&reading.client_id).await? else {
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
            if self.has_secret(&client, &reading.client_secret).await? {
                return Ok(client);
            }
            refusal = Refusal::WrongSecret;
        }
        Err(refusal)
    }

    async fn has_secret(&mut self, client: &Client, presented: &str) -> Result<bool, Refusal> {
        let now = self.now;
        // Those that cost nothing first: beside one that was chosen, a made one gets in all the same.
        for chosen in [false, true] {
            let kind = |secret: &&Secret| matches!(secret.hash, SecretHash::Argon2(_)) == chosen;
            for secret in client
                .app
                .secrets
                .iter()
                .filter(kind)
                .filter(|secret| secret.is_live(now))
            {
                if self.fits(&secret.hash, presented).await? {
                    self.hallpass.store.touch_secret(secret.id, now);
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    async fn fits(&mut self, hash: &SecretHash, presented: &str) -> Result<bool, Refusal> {
        match hash {
            SecretHash::Sha256(expected) => {
                let found = digest::digest(&digest::SHA256, presented.as_bytes());
                Ok(found.as_ref().ct_eq(expected).into())
            }
            SecretHash::Argon2(phc) => {
                self.begin()?;
                let (pool, remembered) = (&self.hallpass.clients, &self.hallpass.remembered);
                let verified = Box::pin(remembered.verify(pool, presented, phc)).await;
                verified.map_err(|Busy| Refusal::Busy)
            }
        }
    }

    /// Asks the limits, once a request.
    fn begin(&mut self) -> Result<(), Refusal> {
        if self.attempt.is_none() {
            let source = self.hallpass.proxies.source(self.request.peer, self.request.headers);
            let limits = &self.hallpass.limits;
            self.attempt = Some(limits.attempt(Account::Client(self.account), source, self.now)?);
        }
        Ok(())
    }

    /// Counts what was found. Away or busy is neither success nor failure.
    fn judged<T>(mut self, found: Result<T, Refusal>) -> Result<T, Refusal> {
        let failed = found.as_ref().err().map(Refusal::code);
        if failed.is_some_and(|code| code != ErrorCode::InvalidClient) {
            return found;
        }
        if failed.is_some() {
            self.begin()?;
        }
        if let Some(attempt) = self.attempt.take() {
            attempt.judged(failed.is_none(), self.now);
        }
        found
    }
}
