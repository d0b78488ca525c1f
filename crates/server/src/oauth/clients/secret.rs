//! `client_secret_basic` and `client_secret_post` (RFC 6749 §2.3.1): an id with a secret, tried under the limits on failures.

use super::Caller;
use crate::accounts::limits::{Account, Attempt, Guess, TooManyFailures};
use crate::accounts::passwords;
use crate::accounts::passwords::Busy;
use crate::directory::Client;
use crate::oauth::endpoints::FormRequest;
use crate::oauth::refusal::{Reason, ServerReason};
use crate::serve::hallpass::Hallpass;
use crate::store::StoreError;
use crate::store::model::{AppSecret, ClientType, SecretHash};
use crate::time::Instant;
use aws_lc_rs::digest;
use hallpass_wire::PublicError;
use hallpass_wire::client_credentials::{self, Basic, ClientCredentials};
use hallpass_wire::public_error::{ClientFault, Trouble};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// Why an id with its secret, or without one, does not authenticate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum SecretReason {
    /// No app has this client ID.
    #[error("no app has this client ID")]
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
    /// It could not be looked at.
    #[error(transparent)]
    Server(#[from] ServerReason),
}

impl Reason for SecretReason {
    fn word(&self) -> &'static str {
        match self {
            Self::UnknownClient => "unknown_client",
            Self::WrongSecret => "wrong_secret",
            Self::SecretMissing => "secret_missing",
            Self::SecretOfPublicClient => "secret_of_public_client",
            Self::TooManyFailures(_) => "too_many_failures",
            Self::Server(reason) => reason.word(),
        }
    }

    fn public(&self) -> PublicError {
        PublicError::Client(match self {
            Self::UnknownClient => ClientFault::Unknown,
            Self::WrongSecret | Self::SecretOfPublicClient => ClientFault::WrongSecret,
            Self::SecretMissing => ClientFault::SecretMissing,
            Self::TooManyFailures(failures) => return PublicError::Trouble(Trouble::Wait(failures.seconds)),
            Self::Server(reason) => return reason.public(),
        })
    }
}

impl From<StoreError> for SecretReason {
    fn from(error: StoreError) -> Self {
        Self::Server(error.into())
    }
}

impl From<Busy> for SecretReason {
    fn from(Busy: Busy) -> Self {
        Self::Server(ServerReason::Busy)
    }
}

/// An id with a secret, in each way to read it.
pub(super) struct Sent {
    readings: Vec<ClientCredentials>,
    /// The header that they were read from.
    header: Option<Basic>,
}

impl Sent {
    pub(super) fn by_header(header: Basic) -> Self {
        Self {
            readings: header.readings(),
            header: Some(header),
        }
    }

    pub(super) fn by_body(id: &str, secret: &str) -> Self {
        Self {
            readings: vec![ClientCredentials {
                client_id: id.to_owned(),
                client_secret: secret.to_owned(),
            }],
            header: None,
        }
    }

    /// The account that a failure is counted for. It depends only on what was sent: not on which accounts exist, nor on the
    /// secret.
    fn account(&self) -> String {
        match (&self.header, self.readings.first()) {
            (Some(header), _) => header.name(),
            (None, Some(reading)) => client_credentials::name(&reading.client_id),
            (None, None) => String::new(),
        }
    }

    /// How many more ways there are where identifiers may have colons.
    pub(super) fn readings_as_a_whole(&self) -> u32 {
        u32::from(self.header.as_ref().is_some_and(Basic::has_colon_in_secret))
    }

    /// The secret as it was sent, whatever it is a secret of.
    fn secret(&self) -> &str {
        self.readings.last().map_or("", |reading| &reading.client_secret)
    }

    /// Each way to read a secret of `identifier`. An identifier with colons that was not encoded ends at none of them by
    /// itself, so it is looked for as a whole.
    pub(super) fn secrets_of<'a>(&'a self, identifier: &'a str) -> impl Iterator<Item = &'a str> {
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
pub(super) struct Trial<'a> {
    hallpass: &'a Hallpass,
    request: &'a FormRequest<'a>,
    sent: &'a Sent,
    now: Instant,
    /// In how many ways what was sent is read.
    pub(super) guesses: u32,
    /// How many of them were verified.
    verified: u32,
    /// Taken before the first secret that could be guessed, or to count the failure.
    attempt: Option<Attempt<'a>>,
}

impl<'a> Trial<'a> {
    pub(super) fn new(hallpass: &'a Hallpass, request: &'a FormRequest<'a>, sent: &'a Sent, now: Instant) -> Self {
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

    pub(super) async fn caller(&mut self) -> Result<Caller, SecretReason> {
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
            Err(SecretReason::UnknownClient) if named => Err(SecretReason::WrongSecret),
            // An empty secret in a Basic header names a public client, and proves nothing.
            Ok(client) if client.app.client_type == ClientType::Public => Err(SecretReason::SecretMissing),
            found => found.map(Caller::Client),
        }
    }

    pub(super) async fn client(&mut self) -> Result<Arc<Client>, SecretReason> {
        let mut reason = SecretReason::UnknownClient;
        for reading in &self.sent.readings {
            let Some(client) = self.hallpass.directory.client(&reading.client_id).await? else {
                continue;
            };
            if client.app.client_type == ClientType::Public {
                // Libraries send an empty secret in a Basic header for a public client: that is none.
                if reading.client_secret.is_empty() {
                    return Ok(client);
                }
                reason = SecretReason::SecretOfPublicClient;
                continue;
            }
            if self.has_secret(&client, &reading.client_secret).await? {
                return Ok(client);
            }
            reason = SecretReason::WrongSecret;
        }
        Err(reason)
    }

    async fn has_secret(&mut self, client: &Client, presented: &str) -> Result<bool, SecretReason> {
        let now = self.now;
        // Those that cost nothing first: beside one that was chosen, a made one gets in all the same.
        for chosen in [false, true] {
            let kind = |secret: &&AppSecret| matches!(secret.hash, SecretHash::Argon2(_)) == chosen;
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

    async fn fits(&mut self, hash: &SecretHash, presented: &str) -> Result<bool, SecretReason> {
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
                Ok(verified?)
            }
        }
    }

    /// Verifies as much as if each guess had been at a chosen secret.
    async fn verify_for_nobody(&mut self) -> Result<(), SecretReason> {
        if self.verified >= self.guesses || !self.hallpass.store.has_chosen_secrets().await? {
            return Ok(());
        }
        let account = self.sent.account();
        for guess in self.verified..self.guesses {
            let account = format!("client {guess} {account}");
            let stand_in = self.hallpass.stand_ins.hash(&account, None);
            let verified = self.hallpass.clients.verify(self.sent.secret(), &stand_in).await;
            verified?;
        }
        Ok(())
    }

    /// Asks the limits, once a request.
    fn begin(&mut self) -> Result<(), SecretReason> {
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
    pub(super) async fn judged<T>(mut self, found: Result<T, SecretReason>) -> Result<T, SecretReason> {
        if let Err(SecretReason::TooManyFailures(_) | SecretReason::Server(_)) = found {
            return found;
        }
        if found.is_err() {
            self.begin()?;
            Box::pin(self.verify_for_nobody()).await?;
        }
        if let Some(attempt) = self.attempt.take() {
            attempt.judged(found.is_ok(), self.now);
        }
        found
    }
}
