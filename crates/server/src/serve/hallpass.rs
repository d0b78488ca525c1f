//! The running server: what every endpoint is handed.

use crate::accounts::limits::Limits;
use crate::accounts::limits::consents::Consents;
use crate::accounts::passwords::{Pool, Remembered, StandIns};
use crate::accounts::spelling;
use crate::config::{Config, GrantType};
use crate::directory::Directory;
use crate::directory::feed::Feed;
use crate::http::body::Share;
use crate::http::endpoints::Endpoints;
use crate::http::source::{Peer, Proxies};
use crate::keys::Keys;
use crate::serve::in_flight::{InFlight, Source};
use crate::store::model::{EndReason, Grant, GrantId, State};
use crate::store::{Store, StoreError};
use crate::time::{Clock, Instant};
use crate::tokens::copies::Repeats;
use crate::tokens::proofs::Proof;
use crate::tokens::revoked::Revoked;
use hallpass_dialect::Dialect;
use hallpass_wire::Scopes;
use http::HeaderMap;
use std::sync::Arc;

/// Everything an endpoint may use. There is one, shared by all.
pub struct Hallpass {
    /// The configuration.
    pub config: Arc<Config>,
    /// The issuer identifier, which is the public address without a trailing slash (RFC 8414 §2).
    pub issuer: String,
    /// Where API clients call: `api_url`, or the issuer.
    pub api_url: String,
    /// The path of the public address, without a trailing slash; mostly empty.
    pub base: String,
    /// Every endpoint, by path.
    pub endpoints: Endpoints,
    /// The name of the session cookie.
    pub session_cookie: String,
    /// The database.
    pub store: Store,
    /// Every key.
    pub keys: Arc<Keys>,
    /// Where `now` comes from.
    pub clock: Clock,
    /// What was revoked and has not expired.
    pub revoked: Arc<Revoked>,
    /// Refreshes that were repeated from another source.
    pub repeats: Repeats,
    /// What keeps memory true: keys, the revoked set, the directory.
    pub feed: Arc<Feed>,
    /// How answers look.
    pub dialect: Dialect,
    /// Apps, people and organizations, cached.
    pub directory: Directory,
    /// Where people's passwords are verified.
    pub people: Pool,
    /// Where chosen client secrets are verified.
    pub clients: Pool,
    /// Chosen client secrets that were verified before.
    pub remembered: Remembered,
    /// Hashes for accounts without one.
    pub stand_ins: StandIns,
    /// Failed authentication, counted.
    pub limits: Limits,
    /// How often people allowed apps.
    pub consents: Consents,
    /// What requests in flight hold.
    pub in_flight: Arc<InFlight>,
    /// The proxies in front.
    pub proxies: Proxies,
}

impl Hallpass {
    /// The present moment. An endpoint reads it once.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The scopes that stand for a request without any, of those in `allowed` (RFC 6749 §3.3).
    #[must_use]
    pub fn default_scopes(&self, allowed: &Scopes) -> Scopes {
        let defaults = self.config.scopes.iter().filter(|(_, entry)| entry.default);
        defaults
            .map(|(scope, _)| scope)
            .filter(|scope| allowed.contains(scope))
            .cloned()
            .collect()
    }

    /// Whether this deployment offers the grant type.
    #[must_use]
    pub fn offers(&self, grant_type: GrantType) -> bool {
        self.config.wire.grant_types.contains(&grant_type)
    }

    /// The grant that a code or refresh token speaks of, if the token is authentic. Whose it is, and whether it still counts,
    /// is the caller's to judge. One whose key was revoked has ended, whoever speaks of it: nothing can prove that any more,
    /// and nothing depends on it.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn proven(&self, proof: &Proof, now: Instant) -> Result<Option<Grant>, StoreError> {
        self.feed.fresh().await?;
        let mut found = self.store.grant(GrantId(proof.grant)).await?;
        let lacks = |row: &Grant| row.generation < proof.generation;
        if self.store.is_shared() && found.as_ref().is_none_or(lacks) {
            // A primary that was cut off a moment ago lacks what was made since, and to refuse a token for that would sign
            // somebody out. What can commit was not cut off; where nothing can, nobody knows.
            self.feed.newest().await?;
            found = self.store.grant(GrantId(proof.grant)).await?;
        }
        let Some(grant) = found else { return Ok(None) };
        if self.keys.ring().is_revoked(grant.key) {
            return self.as_it_stands(grant, now).await.map(Some);
        }
        if self.keys.ring().proof_by_id(grant.key).is_none() {
            // Made by another server a moment ago, most likely.
            self.feed.newest().await?;
        }
        let ring = self.keys.ring();
        if ring.proof_by_id(grant.key).is_none() {
            // To call the token invalid would sign somebody out.
            let text = format!("key {}, which a grant names, is not known here", grant.key);
            return Err(StoreError::Unavailable(text));
        }
        Ok(ring.prove(proof, &grant).then_some(grant))
    }

    /// The grant of this row. One whose key was revoked has ended, and the row is told so: to revoke a key is one commit,
    /// however many grants it ends.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn as_it_stands(&self, mut grant: Grant, now: Instant) -> Result<Grant, StoreError> {
        if grant.state == State::Ended || !self.keys.ring().is_revoked(grant.key) {
            return Ok(grant);
        }
        self.store.end(grant.id, EndReason::KeyRevoked, now).await?;
        grant.state = State::Ended;
        grant.ended_at = Some(now);
        grant.reason = Some(EndReason::KeyRevoked);
        Ok(grant)
    }

    /// The hash that is verified for `address` where nobody there has one. Every sign-in asks for it, so each costs the same
    /// read.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn stand_in(&self, address: &str) -> Result<String, StoreError> {
        let account = spelling::email(address);
        let lenders = self.stand_ins.lenders(&account);
        let lender = self.store.last_password_of(&lenders).await?;
        Ok(self.stand_ins.hash(&account, lender.as_deref()))
    }

    /// Whose body a request has: the caller's, and not the proxy's.
    #[must_use]
    pub fn share(&self, peer: Peer, headers: &HeaderMap) -> Share {
        let address = self.proxies.source(peer, headers);
        Share(self.in_flight.clone(), Source::of(address, &self.proxies))
    }

    /// Whether the public address is https, on which cookies depend.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.issuer.starts_with("https://")
    }
}
