//! Checks an access token: one decryption, one look into the revoked set, and the cached status of its app, person and
//! organization.

use super::Reason;
use super::refusal::ServerReason;
use crate::directory::Client;
use crate::serve::hallpass::Hallpass;
use crate::store::StoreError;
use crate::store::model::{ActsAs, User, UserId};
use crate::time::Instant;
use crate::tokens::claims::Claims;
use crate::tokens::sealed::{self, OpenError};
use hallpass_wire::public_error::AccessFault;
use hallpass_wire::{PublicError, Scopes};
use http::{HeaderMap, header};
use std::sync::Arc;

/// Why a protected resource refuses an access token.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum AccessReason {
    /// No token was sent.
    #[error("no access token was sent")]
    NoToken,
    /// The Authorization header is not `Bearer` with one token.
    #[error("the Authorization header is malformed")]
    MalformedBearer,
    /// Not one of ours, tampered with, or another environment's.
    #[error("the access token is not authentic")]
    InvalidToken,
    /// The token has expired.
    #[error("the access token has expired")]
    TokenExpired,
    /// The token was revoked or replaced, its grant has ended, or its app or person is suspended.
    #[error("the access token was revoked")]
    TokenRevoked,
    /// Valid, but without these scopes.
    #[error("the access token lacks the scope {0}")]
    InsufficientScope(Scopes),
    /// The endpoint returns data of a person, and the token is an app's own (client_credentials) or an organization's.
    #[error("the access token acts for an app or an organization, not for a person")]
    NoResourceOwner,
    /// The token could not be checked.
    #[error(transparent)]
    Server(#[from] ServerReason),
}

impl Reason for AccessReason {
    fn word(&self) -> &'static str {
        match self {
            Self::NoToken => "no_token",
            Self::MalformedBearer => "malformed_bearer",
            Self::InvalidToken => "invalid_token",
            Self::TokenExpired => "token_expired",
            Self::TokenRevoked => "token_revoked",
            Self::InsufficientScope(_) => "insufficient_scope",
            Self::NoResourceOwner => "no_resource_owner",
            Self::Server(reason) => reason.word(),
        }
    }

    fn public(&self) -> PublicError {
        PublicError::Access(match self {
            Self::NoToken => AccessFault::Absent,
            Self::MalformedBearer => AccessFault::Malformed,
            Self::InvalidToken => AccessFault::Invalid,
            Self::TokenExpired => AccessFault::Expired,
            Self::TokenRevoked => AccessFault::Revoked,
            Self::InsufficientScope(scopes) => AccessFault::Scopes(scopes.clone()),
            Self::NoResourceOwner => AccessFault::NoPerson,
            Self::Server(reason) => return reason.public(),
        })
    }
}

impl From<StoreError> for AccessReason {
    fn from(error: StoreError) -> Self {
        Self::Server(error.into())
    }
}

/// An access token that is good now.
pub(crate) struct Access {
    /// The claims of the token.
    pub claims: Claims,
    /// The app that it was issued to.
    pub client: Arc<Client>,
    /// The party that it acts for.
    pub subject: Subject,
}

/// The party that an access token acts for.
pub(crate) enum Subject {
    /// The app itself (client_credentials).
    App,
    /// The person who allowed it.
    Person(Arc<User>),
    /// The organization, with the person who had set up its grant, and who may have been deleted since.
    Organization(UserId),
}

/// The bearer token of a request (RFC 6750 §2.1). Tokens in a query or a body are not accepted, because they end up in logs.
///
/// # Errors
/// If there is none, or the header has another scheme.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, AccessReason> {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let value = sent.next().ok_or(AccessReason::NoToken)?;
    if sent.next().is_some() {
        return Err(AccessReason::MalformedBearer);
    }
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or(AccessReason::MalformedBearer)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(AccessReason::NoToken);
    }
    if token.is_empty() || token.contains(' ') {
        Err(AccessReason::MalformedBearer)
    } else {
        Ok(token)
    }
}

/// Checks an access token that is used here, and remembers that it was seen.
///
/// # Errors
/// The exact reason.
pub(crate) async fn check(hallpass: &Hallpass, token: &str, now: Instant) -> Result<Access, AccessReason> {
    let claims = living(hallpass, token, now).await?;
    // Before the check of app and person: the holder of a token has received the answer with it, even if suspended now.
    see(hallpass, &claims, now);
    allowed(hallpass, claims, now).await
}

/// The claims of an access token that was not revoked and has not expired.
///
/// # Errors
/// The exact reason.
pub(crate) async fn living(hallpass: &Hallpass, token: &str, now: Instant) -> Result<Claims, AccessReason> {
    let claims = open(hallpass, token, now).await?;
    if now >= claims.expires {
        return Err(AccessReason::TokenExpired);
    }
    if is_revoked(hallpass, &claims) {
        return Err(AccessReason::TokenRevoked);
    }
    Ok(claims)
}

/// Remembers that a token was used by its app, or presented by an API that it is meant for. A request by anybody else is not a
/// use: it would make a refresh whose answer was lost look like reuse.
pub(crate) fn see(hallpass: &Hallpass, claims: &Claims, now: Instant) {
    if let Some(grant) = claims.grant {
        hallpass.store.touch(grant.id, grant.generation, now);
    }
}

/// Checks that the app and the person of these claims may act now.
///
/// # Errors
/// [`AccessReason::TokenRevoked`] if they may not.
pub(crate) async fn allowed(hallpass: &Hallpass, claims: Claims, now: Instant) -> Result<Access, AccessReason> {
    let client = hallpass
        .directory
        .client_by_id(claims.app)
        .await?
        .ok_or(AccessReason::TokenRevoked)?;
    // The app lost a scope, or the scope left the catalogue. The next token has the remaining scopes.
    if !claims.scopes.is_subset_of(&client.scopes) {
        return Err(AccessReason::TokenRevoked);
    }
    let subject = standing(hallpass, &claims, &client, now).await?;
    Ok(Access {
        claims,
        client,
        subject,
    })
}

/// The claims of an access token that Hallpass sealed, even if it has expired or was revoked. If its key is unknown, another
/// server may have made the key a moment ago, so the newest keys are read.
///
/// # Errors
/// If the token is not ours, or if memory is stale and the database is away.
pub(crate) async fn open(hallpass: &Hallpass, token: &str, now: Instant) -> Result<Claims, AccessReason> {
    hallpass.feed.fresh().await?;
    let opened = opened(hallpass, token, now);
    if opened.is_err() && sealed::key_of(token).is_some_and(|id| hallpass.keys.ring().is_to_come(id)) {
        hallpass.feed.newest().await?;
        return self::opened(hallpass, token, now).map_err(unopened);
    }
    opened.map_err(unopened)
}

fn unopened(error: OpenError) -> AccessReason {
    if let OpenError::Claims(error) = error {
        tracing::warn!(%error, "refused an access token that another version of this server issued");
    }
    AccessReason::InvalidToken
}

fn opened(hallpass: &Hallpass, token: &str, now: Instant) -> Result<Claims, OpenError> {
    let ring = hallpass.keys.ring();
    sealed::open(token, |id| ring.access_by_id(id, now), &hallpass.issuer)
}

/// Whether the token itself, its generation, its grant or the key of its refresh token was revoked.
#[must_use]
pub(crate) fn is_revoked(hallpass: &Hallpass, claims: &Claims) -> bool {
    let key = claims.grant.map(|grant| grant.key);
    key.is_some_and(|key| hallpass.keys.ring().is_revoked(key)) || hallpass.revoked.has(claims)
}

async fn standing(
    hallpass: &Hallpass,
    claims: &Claims,
    client: &Client,
    now: Instant,
) -> Result<Subject, AccessReason> {
    let Some(grant) = claims.grant else {
        let own = client.is_live() && client.app.organization == claims.organization;
        return if own {
            Ok(Subject::App)
        } else {
            Err(AccessReason::TokenRevoked)
        };
    };
    if grant.acts_as == ActsAs::Organization {
        let paused = Box::pin(hallpass.pause_of_organization(claims.organization, client, now)).await?;
        return match paused {
            None => Ok(Subject::Organization(grant.user)),
            Some(_) => Err(AccessReason::TokenRevoked),
        };
    }
    let user = hallpass
        .directory
        .user(grant.user)
        .await?
        .ok_or(AccessReason::TokenRevoked)?;
    match hallpass.pause(&user, claims.organization, client).await? {
        None => Ok(Subject::Person(user)),
        Some(_) => Err(AccessReason::TokenRevoked),
    }
}
