//! The second half of the authorization code grant: exchanges a code for tokens (RFC 6749 §4.1.3, RFC 7636 §4.6).
//!
//! Everything that can fail is decided from the row before the one statement that spends the code. That statement repeats
//! the condition: if requests race, one wins, and every other is a second use. A second use ends the grant only if it
//! passes the same checks: a code alone, from a log or a browser's history, ends nothing (decision 43).

use super::issue;
use crate::directory::Client;
use crate::http::respond::Response;
use crate::oauth::grants::TokenRequest;
use crate::oauth::refusal::{Reason, Refusal, RequestReason, ServerReason};
use crate::oauth::scopes::{ScopeReason, fitting};
use crate::oauth::standing::check_known;
use crate::serve::hallpass::Hallpass;
use crate::store::model::{ClientType, EndReason, Grant, GrantState, Redeem, Redeemed};
use crate::store::{CODE_KEPT, StoreError};
use crate::time::Instant;
use crate::tokens::proofs::{Proof, ProofKind};
use hallpass_wire::pkce::{CodeChallenge, CodeVerifier};
use hallpass_wire::public_error::CodeFault;
use hallpass_wire::{Parameters, PublicError, Scopes};

/// Why a code gives no tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum CodeReason {
    /// The code is not one of ours, or was tampered with.
    #[error("the code is not authentic")]
    Unknown,
    /// The code was issued to another app.
    #[error("the code was issued to another app")]
    Foreign,
    /// The code was not redeemed in time.
    #[error("the code has expired")]
    Expired,
    /// The code was redeemed before. If this request passes the same checks as the first one, the grant ends (RFC 6749 §4.1.2).
    #[error("the code was used before")]
    Replayed,
    /// The grant of this code ended before it was redeemed.
    #[error("the grant of this code has ended")]
    Revoked,
    /// The redirect URI differs from the one of the authorization request, or is absent although that request had one (RFC 6749
    /// §4.1.3).
    #[error("the redirect URI is not the one that the code was asked with")]
    RedirectUriMismatch,
    /// The authorization request had a challenge, but no verifier came (RFC 7636 §4.6).
    #[error("the code verifier is missing")]
    VerifierMissing,
    /// The verifier is not 43 to 128 unreserved characters (RFC 7636 §4.1).
    #[error("the code verifier is malformed")]
    VerifierMalformed,
    /// The verifier does not match the challenge (RFC 7636 §4.6).
    #[error("the code verifier does not match the code challenge")]
    VerifierMismatch,
    /// A verifier without a challenge: a downgrade (RFC 9700 §4.8.2).
    #[error("a code verifier was sent, but no code challenge before")]
    VerifierUnexpected,
}

impl Reason for CodeReason {
    fn word(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown_code",
            Self::Foreign => "foreign_code",
            Self::Expired => "code_expired",
            Self::Replayed => "code_replayed",
            Self::Revoked => "code_revoked",
            Self::RedirectUriMismatch => "redirect_uri_mismatch",
            Self::VerifierMissing => "verifier_missing",
            Self::VerifierMalformed => "verifier_malformed",
            Self::VerifierMismatch => "verifier_mismatch",
            Self::VerifierUnexpected => "verifier_unexpected",
        }
    }

    fn public(&self) -> PublicError {
        PublicError::Code(match self {
            Self::Unknown => CodeFault::Unknown,
            Self::Foreign => CodeFault::Foreign,
            Self::Expired => CodeFault::Expired,
            Self::Replayed => CodeFault::Spent("The code was used before"),
            Self::Revoked => CodeFault::Spent("The grant of this code has ended"),
            Self::RedirectUriMismatch => CodeFault::RedirectUri,
            Self::VerifierMissing => CodeFault::VerifierMissing,
            Self::VerifierMalformed => CodeFault::VerifierMalformed,
            Self::VerifierMismatch => CodeFault::VerifierMismatch,
            Self::VerifierUnexpected => CodeFault::VerifierUnexpected,
        })
    }
}

/// Redeems a code.
///
/// # Errors
/// The exact reason; an authentic second use ends the grant (RFC 6749 §4.1.2).
pub(crate) async fn redeem(hallpass: &Hallpass, request: &TokenRequest<'_>) -> Result<Response, Refusal> {
    let code = request
        .body
        .get("code")
        .ok_or(RequestReason::MissingParameter("code"))?;
    let grant = authentic(hallpass, request.client, code, request.now).await?;
    match grant.state {
        GrantState::Active => return Err(second_use(hallpass, request, &grant).await?.into()),
        GrantState::Ended => return Err(CodeReason::Revoked.into()),
        GrantState::Pending => {}
    }
    if request.now >= grant.code_expires {
        return Err(CodeReason::Expired.into());
    }
    check_redirect_uri(request.client, &grant, request.body)?;
    check_verifier(request.client, &grant, request.body)?;
    // The code is not spent: if the pause ends in time, the code can still be redeemed.
    hallpass.check_standing(&grant, request.client, request.now).await?;
    let scopes = scopes(request.client, &grant)?;

    let ends = hallpass
        .config
        .tokens
        .refresh_absolute
        .map(|bound| request.now.after(bound));
    let change = Redeem {
        id: grant.id,
        app: request.client.app.id,
        now: request.now,
        expires: issue::refresh_expiry(hallpass, request.client, ends, request.now),
        ends,
        keep: hallpass.config.tokens.grants_per_user_and_app,
        key: hallpass.keys.ring().proof_id(request.now),
    };
    match hallpass.store.redeem(&grant, change).await? {
        Some(Redeemed { grant, crowded }) => {
            // The code is spent, so the request must succeed: a client that tried again would send a used code and lose the
            // grant.
            if crowded && let Err(error) = end_longest_idle(hallpass, request, &grant).await {
                tracing::warn!(%error, grant = %grant.id, "grants beyond the limit stay until the next redemption");
            }
            let scopes = issue::still_granted(hallpass, &grant, scopes).await?;
            Ok(issue::for_grant(hallpass, request, &grant, scopes, request.now)?)
        }
        None => Err(lost(hallpass, request, &grant).await?),
    }
}

/// Keeps the number of active grants of one person for one app within the limit: the grants that were idle longest end.
async fn end_longest_idle(hallpass: &Hallpass, request: &TokenRequest<'_>, grant: &Grant) -> Result<(), StoreError> {
    let keep = hallpass.config.tokens.grants_per_user_and_app;
    let (reason, now) = (EndReason::Replaced, request.now);
    for idle in hallpass.store.longest_idle(grant, keep).await? {
        let store = hallpass.store.recording(request.who(hallpass).ended(reason, now));
        store.end(idle, reason, now).await?;
    }
    Ok(())
}

/// The grant of an authentic code of this client. A forged or foreign code changes nothing.
async fn authentic(hallpass: &Hallpass, client: &Client, code: &str, now: Instant) -> Result<Grant, Refusal> {
    let proof = Proof::parse(ProofKind::Code, code)
        .filter(|proof| proof.generation == 0)
        .ok_or(CodeReason::Unknown)?;
    let grant = hallpass.proven(&proof, now).await?.ok_or(CodeReason::Unknown)?;
    if grant.app != client.app.id {
        return Err(CodeReason::Foreign.into());
    }
    check_known(&grant)?;
    Ok(grant)
}

/// RFC 6749 §4.1.3: identical to the one of the authorization request. If that request had none, the registered one
/// counts, and naming it is allowed.
fn check_redirect_uri(client: &Client, grant: &Grant, body: &Parameters<'_>) -> Result<(), CodeReason> {
    let fits = match (&grant.redirect_uri, body.get("redirect_uri")) {
        (Some(bound), Some(sent)) => bound == sent,
        (Some(_), None) => false,
        (None, None) => true,
        (None, Some(sent)) => client
            .app
            .redirect_uris
            .iter()
            .any(|registered| registered.as_str() == sent),
    };
    if fits {
        Ok(())
    } else {
        Err(CodeReason::RedirectUriMismatch)
    }
}

fn check_verifier(client: &Client, grant: &Grant, body: &Parameters<'_>) -> Result<(), CodeReason> {
    let Some(challenge) = grant.code_challenge else {
        // The code of a public client always has a challenge. A code without one could only come from an older configuration.
        let public = client.app.client_type == ClientType::Public;
        return match body.get("code_verifier") {
            Some(_) => Err(CodeReason::VerifierUnexpected),
            None if public => Err(CodeReason::VerifierMissing),
            None => Ok(()),
        };
    };
    let verifier = body.get("code_verifier").ok_or(CodeReason::VerifierMissing)?;
    let verifier = CodeVerifier::parse(verifier).ok_or(CodeReason::VerifierMalformed)?;
    if CodeChallenge(challenge).is_answered_by(verifier) {
        Ok(())
    } else {
        Err(CodeReason::VerifierMismatch)
    }
}

/// The granted scopes that the app may still have. A token with more scopes would be refused everywhere.
fn scopes(client: &Client, grant: &Grant) -> Result<Scopes, ScopeReason> {
    let scopes = grant.scopes.intersection(&client.scopes);
    if scopes.is_empty() {
        Err(ScopeReason::Lost)
    } else {
        fitting(scopes)
    }
}

/// The row changed before the write: another request spent the code or ended the grant, or the code has expired.
async fn lost(hallpass: &Hallpass, request: &TokenRequest<'_>, grant: &Grant) -> Result<Refusal, Refusal> {
    match hallpass.store.grant(grant.id).await? {
        Some(row) if row.state == GrantState::Active => Ok(second_use(hallpass, request, &row).await?.into()),
        Some(row) if row.state == GrantState::Pending && request.now >= row.code_expires => {
            Ok(CodeReason::Expired.into())
        }
        // A key was revoked: that of the code, or that of the new refresh token.
        Some(row) if row.state == GrantState::Pending && !hallpass.keys.ring().is_revoked(row.key) => {
            Ok(ServerReason::Unavailable.into())
        }
        _ => Ok(CodeReason::Revoked.into()),
    }
}

/// An authentic code of this client that was redeemed before (RFC 6749 §4.1.2, RFC 9700 §2.1.1).
async fn second_use(hallpass: &Hallpass, request: &TokenRequest<'_>, grant: &Grant) -> Result<CodeReason, StoreError> {
    if is_replay(request, grant) {
        tracing::warn!(grant = %grant.id, "a code came a second time: the grant ends");
        let (reason, now) = (EndReason::CodeReplayed, request.now);
        let store = hallpass.store.recording(request.who(hallpass).ended(reason, now));
        store.end_unrefreshed(grant.id, reason, now).await?;
    }
    Ok(CodeReason::Replayed)
}

/// Whether a second use passes the same checks as the first. After the first rotation, and some time after the code has
/// expired, the row no longer has the data for these checks.
fn is_replay(request: &TokenRequest<'_>, grant: &Grant) -> bool {
    let (client, body) = (request.client, request.body);
    // A server of the previous version removes this data from the row when it redeems a code.
    let bound = grant.redirect_uri.is_some() || grant.code_challenge.is_some();
    let proven = || check_redirect_uri(client, grant, body).is_ok() && check_verifier(client, grant, body).is_ok();
    grant.generation == 1 && request.now < grant.code_expires.after(CODE_KEPT) && (!bound || proven())
}
