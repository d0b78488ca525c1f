//! The running server: the services that every endpoint gets.

use crate::accounts::limits::Limits;
use crate::accounts::limits::hourly::{Changes, Consents};
use crate::accounts::passwords::{Pool, Remembered, StandIns};
use crate::accounts::spelling;
use crate::config::{Config, GrantType};
use crate::directory::Directory;
use crate::directory::feed::Feed;
use crate::http::body::Share;
use crate::http::endpoints::{Endpoints, Published, TABLE};
use crate::http::source::{Peer, Proxies};
use crate::keys::Keys;
use crate::oauth::forward_auth::ForwardAuth;
use crate::oauth::resource_feed::ResourceFeed;
use crate::serve::in_flight::{InFlight, SourceNetworks};
use crate::store::model::{EndReason, Grant, GrantId, GrantState};
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
    /// The base URL that API clients call: `api_url`, or else the issuer.
    pub api_url: String,
    /// The path of the public address, without a trailing slash. Usually empty.
    pub base: String,
    /// Every endpoint, by path.
    pub endpoints: Endpoints,
    /// The name of the session cookie.
    pub session_cookie: String,
    /// The database.
    pub store: Store,
    /// Every key.
    pub keys: Arc<Keys>,
    /// The source of `now`.
    pub clock: Clock,
    /// Revoked tokens that have not expired.
    pub revoked: Arc<Revoked>,
    /// Refreshes that were repeated from another source.
    pub repeats: Repeats,
    /// Keeps memory up to date: keys, the revoked set, the directory.
    pub feed: Arc<Feed>,
    /// The check for proxies. `None`: it is off.
    pub(crate) forward_auth: Option<ForwardAuth>,
    /// What APIs need to follow the feed.
    pub(crate) resource_feed: ResourceFeed,
    /// The dialect of answers.
    pub dialect: Dialect,
    /// Apps, people and organizations, cached.
    pub directory: Directory,
    /// The pool that verifies people's passwords.
    pub people: Pool,
    /// The pool that verifies chosen client secrets.
    pub clients: Pool,
    /// Chosen client secrets that were verified before.
    pub remembered: Remembered,
    /// Hashes to verify for accounts that have none.
    pub stand_ins: StandIns,
    /// The counts of failed authentication.
    pub limits: Limits,
    /// The counts of people's approvals of apps.
    pub consents: Consents,
    /// The counts of people's changes on pages.
    pub changes: Changes,
    /// The memory and connections that requests in flight hold.
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

    /// The default scopes for a request without scopes, limited to `allowed` (RFC 6749 §3.3).
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

    /// The grant of a code or refresh token, if the token is authentic. The caller checks the owner and whether the grant is
    /// still good. A grant whose key was revoked is returned as ended for any token that names it: no proof can be checked any
    /// more.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn proven(&self, proof: &Proof, now: Instant) -> Result<Option<Grant>, StoreError> {
        self.feed.fresh().await?;
        let mut found = self.store.grant(GrantId(proof.grant)).await?;
        let lacks = |row: &Grant| row.generation < proof.generation;
        if self.store.is_shared() && found.as_ref().is_none_or(lacks) {
            // A primary that was cut off lacks the newest grants, and refusing their tokens would sign people out. A heartbeat
            // proves that this database was not cut off: a cut-off primary cannot commit.
            self.feed.newest().await?;
            found = self.store.grant(GrantId(proof.grant)).await?;
        }
        let Some(grant) = found else { return Ok(None) };
        if self.keys.ring().is_revoked(grant.key) {
            return self.as_it_stands(grant, now).await.map(Some);
        }
        if self.keys.ring().proof_by_id(grant.key).is_none() {
            // Probably another server made the key a moment ago.
            self.feed.newest().await?;
        }
        let ring = self.keys.ring();
        if ring.proof_by_id(grant.key).is_none() {
            // Unavailable and not invalid: `invalid_grant` would sign the person out.
            let text = format!("key {}, which a grant names, is not known here", grant.key);
            return Err(StoreError::Unavailable(text));
        }
        Ok(ring.prove(proof, &grant).then_some(grant))
    }

    /// The grant of this row. If its key was revoked, the grant has ended, and this writes the end to the row: the revocation
    /// of a key is one commit, however many grants it ends.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn as_it_stands(&self, mut grant: Grant, now: Instant) -> Result<Grant, StoreError> {
        if grant.state == GrantState::Ended || !self.keys.ring().is_revoked(grant.key) {
            return Ok(grant);
        }
        self.store.end(grant.id, EndReason::KeyRevoked, now).await?;
        grant.state = GrantState::Ended;
        grant.ended_at = Some(now);
        grant.reason = Some(EndReason::KeyRevoked);
        Ok(grant)
    }

    /// The hash to verify for `address` if the account has none. Every sign-in computes it, so each sign-in costs the same read.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn stand_in(&self, address: &str) -> Result<String, StoreError> {
        let account = spelling::email(address);
        let lenders = self.stand_ins.lenders(&account);
        let lender = self.store.last_password_of(&lenders).await?;
        Ok(self.stand_ins.hash(&account, lender.as_deref()))
    }

    /// The share that counts the body of a request: that of the caller, not of the proxy.
    #[must_use]
    pub fn share(&self, peer: Peer, headers: &HeaderMap) -> Share {
        let address = self.proxies.source(peer, headers);
        Share(self.in_flight.clone(), SourceNetworks::of(address, &self.proxies))
    }

    /// The address of an endpoint, by its member in the metadata document (RFC 8414 §2). `None` if the document has no such
    /// member.
    #[must_use]
    pub fn address(&self, member: &str) -> Option<String> {
        TABLE.iter().find_map(|row| {
            let base = match row.published {
                Published::AtIssuer(name) if name == member => &self.issuer,
                Published::AtApi(name) if name == member => &self.api_url,
                _ => return None,
            };
            Some(format!("{base}{}", row.location.documented_path(&self.config.paths)))
        })
    }

    /// Whether the public address is https, on which cookies depend.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.issuer.starts_with("https://")
    }
}
