//! Who is calling (RFC 6749 §2.3, RFC 7009 §2.1, RFC 7662 §2.1).
//!
//! Basic and body are taken, never both; a public client names itself and proves nothing here, PKCE does that.
//!
//! Failures are limited (`accounts/limits/`), secrets are not: one with 256 bits is compared before anything is asked, so the right
//! one always gets in, at no cost. Only before a secret that could be guessed, and after a failure, are the limits asked.
//!
//! Where any secret was chosen by somebody, each guess that is refused costs one verification, whatever it names: an app or API
//! with a chosen secret, one with a made secret, or nothing. Time does not tell whose secret is worth guessing (decision 64).

use crate::accounts::limits::{Account, Attempt, Guess};
use crate::accounts::passwords;
use crate::accounts::passwords::Busy;
use crate::directory::Client;
use crate::oauth::Refusal;
use crate::oauth::endpoints::FormRequest;
use crate::serve::hallpass::Hallpass;
use crate::store::model::{ClientType, Resource, Secret, SecretHash};
use crate::time::Instant;
use aws_lc_rs::digest;
use hallpass_wire::client_credentials::{self, Basic, ClientCredentials};
use hallpass_wire::{ErrorCode, Parameters};
use http::{HeaderMap, header};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// What a request presents.
enum Presented {
    /// An id with a secret.
    Secret(Sent),
    /// An id alone.
    Id(String),
}

/// An id with a secret, in each way to read it.
struct Sent {
    readings: Vec<ClientCredentials>,
    /// The header that they were read from.
    header: Option<Basic>,
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
            trial.judged(found).await
        }
        Presented::Id(id) => {
            // The same reason as for a known confidential app: a client id cannot be probed.
            let client = hallpass.directory.client(&id).await?.ok_or(Refusal::SecretMissing)?;
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
    let Presented::Secret(sent) = presented(request.headers, body)? else {
        return Err(Refusal::SecretMissing);
    };
    let mut trial = Trial::new(hallpass, request, &sent, now);
    trial.guesses += sent.readings_as_a_whole();
    let found = trial.caller().await;
    trial.judged(found).await
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
    let header = Basic::parse(header).map_err(|_| Refusal::MalformedBasic)?;
    let (id, secret) = (body.get("client_id"), body.get("client_secret"));
    if let Some(header) = header {
        let sent = Sent::by_header(header);
        let other = id.is_some_and(|id| sent.secrets_of(id).next().is_none());
        if secret.is_some() || other {
            return Err(Refusal::TwoAuthentications);
        }
        return Ok(Presented::Secret(sent));
    }
    match (id, secret) {
        (Some(id), Some(secret)) => Ok(Presented::Secret(Sent::by_body(id, secret))),
        (Some(id), None) => Ok(Presented::Id(id.to_owned())),
        (None, _) => Err(Refusal::NoClientCredentials),
    }
}

impl Sent {
    fn by_header(header: Basic) -> Self {
        Self {
            readings: header.readings(),
            header: Some(header),
        }
    }

    fn by_body(id: &str, secret: &str) -> Self {
        Self {
            readings: vec![ClientCredentials {
                client_id: id.to_owned(),
                client_secret: secret.to_owned(),
            }],
            header: None,
        }
    }

    /// The account that a failure is counted for. It depends only on what was sent: not on which accounts exist, nor on the secret.
    fn account(&self) -> String {
        match (&self.header, self.readings.first()) {
            (Some(header), _) => header.name(),
            (None, Some(reading)) => client_credentials::name(&reading.client_id),
            (None, None) => String::new(),
        }
    }

    /// How many more ways there are where identifiers may have colons.
    fn readings_as_a_whole(&self) -> u32 {
        u32::from(self.header.as_ref().is_some_and(Basic::has_colon_in_secret))
    }

    /// The secret as it was sent, whatever it is a secret of.
    fn secret(&self) -> &str {
        self.readings.last().map_or("", |reading| &reading.client_secret)
    }

    /// Each way to read a secret of `identifier`. An identifier with colons that was not encoded ends at none of them by
    /// itself, so it is looked for as a whole.
    fn secrets_of<'a>(&'a self, identifier: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self
            .readings
            .iter()
            .filter(move |reading| reading.client_id == identifier);
        let whole = self.header.as_ref().filter(|_| identifier.contains(':'));
        named
            .map(|reading| reading.client_secret.as_str())
            .chain(whole.and_then(|header| header.secret_of(identifier)))
    }
}

/// The secret of one request, tried under the limits on failures.
struct Trial<'a> {
    hallpass: &'a Hallpass,
    request: &'a FormRequest<'a>,
    sent: &'a Sent,
    now: Instant,
    /// In how many ways what was sent is read.
    guesses: u32,
    /// How many of them were verified.
    verified: u32,
    /// Taken before the first secret that could be guessed, or to count the failure.
    attempt: Option<Attempt<'a>>,
}

impl<'a> Trial<'a> {
    fn new(hallpass: &'a Hallpass, request: &'a FormRequest<'a>, sent: &'a Sent, now: Instant) -> Self {
        Self {
            hallpass,
            request,
            sent,
            now,
            guesses: u32::try_from(sent.readings.len()).unwrap_or(u32::MAX),
            verified: 0,
            attempt: None,
        }
    }

    async fn caller(&mut self) -> Result<Caller, Refusal> {
        let (resources, sent) = (self.hallpass.directory.resources().await?, self.sent);
        let mut named = false;
        for resource in resources.iter() {
            for secret in sent.secrets_of(&resource.identifier) {
                if let Some(hash) = &resource.secret
                    && self.fits(hash, secret).await?
                {
                    return Ok(Caller::Resource(Arc::clone(resource)));
                }
                named = true;
            }
        }
        // An API's wrong secret is looked up as an app's too: neither time nor load tells which APIs there are.
        match self.client().await {
            Err(Refusal::UnknownClient) if named => Err(Refusal::WrongSecret),
            // An empty secret in a Basic header names a public client, and proves nothing.
            Ok(client) if client.app.client_type == ClientType::Public => Err(Refusal::SecretMissing),
            found => found.map(Caller::Client),
        }
    }

    async fn client(&mut self) -> Result<Arc<Client>, Refusal> {
        let mut refusal = Refusal::UnknownClient;
        for reading in &self.sent.readings {
            let Some(client) = self.hallpass.directory.client(&reading.client_id).await? else {
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
                if let Err(fault) = passwords::check(phc) {
                    tracing::warn!(%fault, "a stored client secret hash is not verified: give its app or API a new secret");
                    return Ok(false);
                }
                self.verified += 1;
                let (pool, remembered) = (&self.hallpass.clients, &self.hallpass.remembered);
                let verified = Box::pin(remembered.verify(pool, presented, phc)).await;
                verified.map_err(|Busy| Refusal::Busy)
            }
        }
    }

    /// Verifies as much as if each guess had been at a chosen secret.
    async fn verify_for_nobody(&mut self) -> Result<(), Refusal> {
        if self.verified >= self.guesses || !self.hallpass.store.has_chosen_secrets().await? {
            return Ok(());
        }
        let account = self.sent.account();
        for guess in self.verified..self.guesses {
            let account = format!("client {guess} {account}");
            let stand_in = self.hallpass.stand_ins.hash(&account, None);
            let verified = self.hallpass.clients.verify(self.sent.secret(), &stand_in).await;
            verified.map_err(|Busy| Refusal::Busy)?;
        }
        Ok(())
    }

    /// Asks the limits, once a request.
    fn begin(&mut self) -> Result<(), Refusal> {
        if self.attempt.is_none() {
            let source = self.hallpass.proxies.source(self.request.peer, self.request.headers);
            let (limits, account) = (&self.hallpass.limits, self.sent.account());
            let guess = Guess {
                secret: self.sent.secret(),
                readings: self.guesses,
            };
            self.attempt = Some(limits.attempt(Account::Client(&account), source, guess, self.now)?);
        }
        Ok(())
    }

    /// Counts what was found. Away or busy is neither success nor failure.
    async fn judged<T>(mut self, found: Result<T, Refusal>) -> Result<T, Refusal> {
        let failed = found.as_ref().err().map(|refusal| refusal.public().code());
        if failed.is_some_and(|code| code != ErrorCode::InvalidClient) {
            return found;
        }
        if failed.is_some() {
            self.begin()?;
            Box::pin(self.verify_for_nobody()).await?;
        }
        if let Some(attempt) = self.attempt.take() {
            attempt.judged(failed.is_none(), self.now);
        }
        found
    }
}
