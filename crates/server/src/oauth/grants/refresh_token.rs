//! The refresh token grant (RFC 6749 §6, RFC 9700 §4.14.2). What a token means is decided in [`crate::tokens::refresh`].

use super::{copied_device, issue};
use crate::directory::Client;
use crate::http::respond::Response;
use crate::oauth::grants::TokenRequest;
use crate::oauth::refusal::{Reason, Refusal, RequestReason, ServerReason};
use crate::oauth::scopes::{ScopeReason, fitting};
use crate::oauth::standing::check_known;
use crate::serve::hallpass::Hallpass;
use crate::store::StoreError;
use crate::store::model::{EndReason, Grant, GrantState, Rotate};
use crate::time::Instant;
use crate::tokens::proofs::{Proof, ProofKind};
use crate::tokens::refresh::{Leniency, Meaning, Rotation, meaning};
use hallpass_wire::public_error::RefreshFault;
use hallpass_wire::{PublicError, Scopes};

/// How often the decision is repeated because another request changed the row meanwhile. Each time this request decides from
/// the changed row. More than a few changes in a row mean that something is wrong.
const ATTEMPTS: u32 = 8;

/// Why a refresh token gives no tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum RefreshReason {
    /// The refresh token is not one of ours, or was tampered with.
    #[error("the refresh token is not authentic")]
    Unknown,
    /// The refresh token was issued to another app.
    #[error("the refresh token was issued to another app")]
    Foreign,
    /// The refresh token has expired.
    #[error("the refresh token has expired")]
    Expired,
    /// An older generation came back; the grant has ended (RFC 9700 §4.14.2).
    #[error("the refresh token was used before")]
    Reused,
    /// The grant ended: revoked by a person, an app, an operator.
    #[error("the grant of this refresh token has ended")]
    Revoked,
    /// This database never issued the generation, so the database was rolled back.
    #[error("the refresh token is newer than the database")]
    FromTheFuture,
}

impl Reason for RefreshReason {
    fn word(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown_refresh_token",
            Self::Foreign => "foreign_refresh_token",
            Self::Expired => "refresh_token_expired",
            Self::Reused => "refresh_token_reused",
            Self::Revoked => "refresh_token_revoked",
            Self::FromTheFuture => "refresh_token_from_the_future",
        }
    }

    fn public(&self) -> PublicError {
        PublicError::Refresh(match self {
            Self::Unknown => RefreshFault::Unknown,
            Self::Foreign => RefreshFault::Foreign,
            Self::Expired => RefreshFault::Expired,
            Self::Reused => RefreshFault::Spent("The refresh token was used before, so its grant has ended"),
            Self::Revoked => RefreshFault::Spent("The grant of this refresh token has ended"),
            Self::FromTheFuture => RefreshFault::Spent("The refresh token is newer than the data of this server"),
        })
    }
}

/// Answers a refresh request.
///
/// # Errors
/// The exact reason; an authentic token that was used before ends the grant.
pub(crate) async fn refresh(hallpass: &Hallpass, request: &TokenRequest<'_>) -> Result<Response, Refusal> {
    let token = request
        .body
        .get("refresh_token")
        .ok_or(RequestReason::MissingParameter("refresh_token"))?;
    let (proof, mut grant) = authentic(hallpass, request.client, token, request.now).await?;
    for _ in 0..ATTEMPTS {
        check_life(&grant, request.now)?;
        let decided = decide(hallpass, request, &proof, &grant);
        // The reuse of a token counts even if the request has other faults.
        if decided == Meaning::Reused {
            return Err(reused(hallpass, request, &grant).await?.into());
        }
        // The row was read from the newest database (`Hallpass::proven`).
        if decided == Meaning::RolledBack {
            tracing::error!(grant = %grant.id, "a refresh token is newer than the database: was it restored from a backup?");
            return Err(RefreshReason::FromTheFuture.into());
        }
        check_expiry(hallpass, request.client, &grant, request.now)?;
        let allowed = allowed(hallpass, request, &grant).await;
        // The generation counts as seen even if the request has other faults: its holder got the answer that contained the token.
        if decided == Meaning::Rotate && (allowed.is_err() || !issue::rotates(hallpass, request.client)) {
            hallpass.store.touch(grant.id, grant.generation, request.now);
        }
        let scopes = allowed?;
        if decided == Meaning::Repeat {
            copied_device::note_repeat(hallpass, request, &grant).await?;
        }
        if decided == Meaning::Repeat || !issue::rotates(hallpass, request.client) {
            let issued_at = moment_of_issue(hallpass, request, decided, &grant);
            let scopes = issue::still_granted(hallpass, &grant, scopes).await?;
            return Ok(issue::for_grant(hallpass, request, &grant, scopes, issued_at)?);
        }
        let rotated = hallpass
            .store
            .rotate(&grant, change(hallpass, request, &proof, &grant)?)
            .await?;
        if rotated.changed {
            let issued_at = rotated.grant.rotated_at;
            let scopes = issue::still_granted(hallpass, &rotated.grant, scopes).await?;
            return Ok(issue::for_grant(hallpass, request, &rotated.grant, scopes, issued_at)?);
        }
        grant = hallpass.as_it_stands(rotated.grant, request.now).await?;
    }
    Err(ServerReason::Unavailable.into())
}

/// The grant of an authentic refresh token of this client. A forged or foreign token changes nothing.
async fn authentic(hallpass: &Hallpass, client: &Client, token: &str, now: Instant) -> Result<(Proof, Grant), Refusal> {
    let proof = Proof::parse(ProofKind::RefreshToken, token)
        .filter(|proof| proof.generation > 0)
        .ok_or(RefreshReason::Unknown)?;
    let grant = hallpass.proven(&proof, now).await?.ok_or(RefreshReason::Unknown)?;
    if grant.app != client.app.id {
        return Err(RefreshReason::Foreign.into());
    }
    check_known(&grant)?;
    Ok((proof, grant))
}

/// A pending grant has issued no refresh token. If one comes, a restore has removed the redemption that issued it.
fn check_life(grant: &Grant, now: Instant) -> Result<(), RefreshReason> {
    if grant.state == GrantState::Ended {
        return Err(RefreshReason::Revoked);
    }
    if grant.ends.is_some_and(|ends| now >= ends) {
        return Err(RefreshReason::Expired);
    }
    Ok(())
}

/// If refresh tokens rotate, the expiry of the row includes the idle time. If they do not, the idle time counts from the last
/// use.
fn check_expiry(hallpass: &Hallpass, client: &Client, grant: &Grant, now: Instant) -> Result<(), RefreshReason> {
    let idle = hallpass
        .config
        .tokens
        .refresh_idle
        .filter(|_| !issue::rotates(hallpass, client));
    let unused = idle.map(|idle| {
        grant
            .last_used
            .unwrap_or(grant.rotated_at)
            .max(grant.rotated_at)
            .after(idle)
    });
    let over = [grant.expires, unused].into_iter().flatten().any(|end| now >= end);
    if over { Err(RefreshReason::Expired) } else { Ok(()) }
}

fn decide(hallpass: &Hallpass, request: &TokenRequest<'_>, proof: &Proof, grant: &Grant) -> Meaning {
    let tokens = &hallpass.config.tokens;
    let row = Rotation {
        current: grant.generation,
        previous: grant.previous,
        rotated_at: grant.rotated_at,
        // Each use of a sealed token is noted, so it is known whether the generation was seen.
        confirmed: Some(grant.confirmed),
    };
    meaning(
        proof.generation,
        row,
        request.now,
        Leniency {
            grace: tokens.grace,
            retry: tokens.effective_retry(),
        },
    )
}

fn change(
    hallpass: &Hallpass,
    request: &TokenRequest<'_>,
    proof: &Proof,
    grant: &Grant,
) -> Result<Rotate, ServerReason> {
    let key = hallpass.keys.ring().proof_id(request.now);
    Ok(Rotate {
        id: grant.id,
        presented: proof.generation,
        expect: grant.generation,
        expect_previous: grant.previous,
        now: request.now,
        expires: issue::refresh_expiry(hallpass, request.client, grant.ends, request.now),
        key,
        repeats: copied_device::repeats(hallpass, grant),
        source: copied_device::source(hallpass, request, grant, key).ok_or(ServerReason::Unavailable)?,
    })
}

/// A repeated answer has the access token of the first answer, unless that token has expired.
fn moment_of_issue(hallpass: &Hallpass, request: &TokenRequest<'_>, decided: Meaning, grant: &Grant) -> Instant {
    let winners = grant.rotated_at;
    if decided == Meaning::Repeat && request.now < winners.after(hallpass.config.tokens.access) {
        winners
    } else {
        request.now
    }
}

/// The scopes of the answer, if the person may still act for this app.
async fn allowed(hallpass: &Hallpass, request: &TokenRequest<'_>, grant: &Grant) -> Result<Scopes, Refusal> {
    hallpass.check_standing(grant, request.client, request.now).await?;
    Ok(scopes(hallpass, request, grant)?)
}

/// The requested scopes that the grant has and the app still may have. To request more than was granted is an error; scopes that
/// the app lost since then are left out (RFC 6749 §6).
fn scopes(hallpass: &Hallpass, request: &TokenRequest<'_>, grant: &Grant) -> Result<Scopes, ScopeReason> {
    let asked = match request.scopes(hallpass)? {
        Some(asked) if !asked.is_empty() => asked,
        _ => grant.scopes.clone(),
    };
    if let Some(beyond) = asked.iter().find(|scope| !grant.scopes.contains(scope)) {
        return Err(ScopeReason::BeyondGrant(beyond.clone()));
    }
    let scopes = asked.intersection(&request.client.scopes);
    if scopes.is_empty() {
        Err(ScopeReason::Lost)
    } else {
        fitting(scopes)
    }
}

async fn reused(hallpass: &Hallpass, request: &TokenRequest<'_>, grant: &Grant) -> Result<RefreshReason, StoreError> {
    tracing::warn!(grant = %grant.id, "a refresh token came that was used before: the grant ends");
    let (reason, now) = (EndReason::RefreshReused, request.now);
    let store = hallpass.store.recording(request.who(hallpass).ended(reason, now));
    store.end(grant.id, reason, now).await?;
    Ok(RefreshReason::Reused)
}
