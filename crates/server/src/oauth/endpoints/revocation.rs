//! Token revocation (RFC 7009). Revoking an access token ends only that token; revoking a refresh token ends its grant.
//! `token_type_hint` is not needed, because the prefix of a token names its type.

use crate::directory::Client;
use crate::http::respond;
use crate::http::respond::Response;
use crate::oauth::access::{self, AccessReason};
use crate::oauth::clients::authenticate;
use crate::oauth::endpoints::FormRequest;
use crate::oauth::refusal::{Reason, Refusal, RequestReason};
use crate::serve::hallpass::Hallpass;
use crate::store::model::{AuditEvent, EndReason};
use crate::time::Instant;
use crate::tokens::proofs::{Proof, ProofKind};
use hallpass_wire::PublicError;
use hallpass_wire::public_error::RefreshFault;

/// Why an app may not revoke a token (RFC 7009 §2.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RevocationReason {
    /// The refresh token was issued to another app.
    #[error("the refresh token was issued to another app")]
    ForeignRefreshToken,
    /// The access token was issued to another app.
    #[error("the access token was issued to another app")]
    ForeignAccessToken,
}

impl Reason for RevocationReason {
    fn word(&self) -> &'static str {
        match self {
            Self::ForeignRefreshToken => "foreign_refresh_token",
            Self::ForeignAccessToken => "foreign_access_token",
        }
    }

    fn public(&self) -> PublicError {
        PublicError::Refresh(RefreshFault::Foreign)
    }
}

/// Answers a revocation request.
pub async fn revoke(hallpass: &Hallpass, request: &FormRequest<'_>, now: Instant) -> Response {
    match handle(hallpass, request, now).await {
        Ok(()) => respond::rendered(hallpass.dialect.revocation()),
        Err(refusal) => {
            tracing::info!(endpoint = "revocation", reason = refusal.word(), %refusal, "refused");
            respond::rendered(hallpass.dialect.token_refusal(&refusal.public(), request.scheme()))
        }
    }
}

/// An unknown, expired or ended token is no error, because the token is invalid already (RFC 7009 §2.2).
async fn handle(hallpass: &Hallpass, request: &FormRequest<'_>, now: Instant) -> Result<(), Refusal> {
    let body = request.parameters()?;
    let client = authenticate(hallpass, request, &body, now).await?;
    let token = body.get("token").ok_or(RequestReason::MissingParameter("token"))?;
    if let Some(proof) = Proof::parse(ProofKind::RefreshToken, token) {
        let who = request.who(hallpass, &client);
        return refresh_token(hallpass, &client, &proof, who.ended(EndReason::ByApp, now)).await;
    }
    access_token(hallpass, &client, token, now).await
}

/// Any authentic generation ends the grant. The holder of an old refresh token could end it anyway, by a refresh.
async fn refresh_token(hallpass: &Hallpass, client: &Client, proof: &Proof, event: AuditEvent) -> Result<(), Refusal> {
    let now = event.at;
    let Some(grant) = hallpass.proven(proof, now).await? else {
        return Ok(());
    };
    if grant.app != client.app.id {
        return Err(RevocationReason::ForeignRefreshToken.into());
    }
    let store = hallpass.store.recording(event);
    store.end(grant.id, EndReason::ByApp, now).await?;
    Ok(())
}

async fn access_token(hallpass: &Hallpass, client: &Client, token: &str, now: Instant) -> Result<(), Refusal> {
    let claims = match access::open(hallpass, token, now).await {
        Err(AccessReason::InvalidToken) => return Ok(()),
        claims => claims?,
    };
    if claims.app != client.app.id {
        return Err(RevocationReason::ForeignAccessToken.into());
    }
    // The token is revoked already. A repeated revocation must not add an entry to the feed.
    if now < claims.expires && !access::is_revoked(hallpass, &claims) {
        // The holder of the token has received the answer with it.
        if let Some(grant) = claims.grant {
            hallpass.store.touch(grant.id, grant.generation, now);
        }
        hallpass.revoke_token(&claims, now).await?;
    }
    Ok(())
}
