//! Makes the token answer of a grant: seals the access token, derives the refresh token, and gives both to the dialect.

use crate::config::{GrantType, Lifetime};
use crate::directory::Client;
use crate::http::respond;
use crate::http::respond::Response;
use crate::keys::Keyring;
use crate::oauth::grants::TokenRequest;
use crate::oauth::refusal::{Refusal, ServerReason};
use crate::oauth::scopes::ScopeReason;
use crate::serve::hallpass::Hallpass;
use crate::store::model::{ClientType, Grant};
use crate::time::Instant;
use crate::tokens::claims::{Claims, PersonGrant};
use crate::tokens::proofs::{Proof, ProofKind};
use crate::tokens::sealed;
use hallpass_dialect::{ClientFacts, RefreshAnswer, RefreshLife, TokenAnswer};
use hallpass_wire::Scopes;

/// Whether a refresh makes a new refresh token: always for public clients (RFC 9700 §2.2.2), or else as configured.
#[must_use]
pub(crate) fn rotates(hallpass: &Hallpass, client: &Client) -> bool {
    hallpass.config.tokens.rotate || client.app.client_type == ClientType::Public
}

/// When a refresh token issued at `now` expires. A grant that cannot be refreshed lasts as long as its access token.
#[must_use]
pub(crate) fn refresh_expiry(
    hallpass: &Hallpass,
    client: &Client,
    ends: Option<Instant>,
    now: Instant,
) -> Option<Instant> {
    let tokens = &hallpass.config.tokens;
    if !client.may_use(GrantType::RefreshToken) {
        return [Some(now.after(tokens.access)), ends].into_iter().flatten().min();
    }
    let by_age = match tokens.refresh {
        Lifetime::Never => None,
        Lifetime::For(lifetime) => Some(now.after(lifetime)),
    };
    // A refresh token that does not rotate is not idle while it is used, and its row is not written then (see `refresh_token`).
    let idle = tokens.refresh_idle.filter(|_| rotates(hallpass, client));
    let by_idleness = idle.map(|idle| now.after(idle));
    [by_age, by_idleness, ends].into_iter().flatten().min()
}

/// When the refresh token of `grant`, which is used now, and the grant itself end. If the token does not rotate, the grant ends
/// with it, and the idle time counts from now.
fn refresh_life(hallpass: &Hallpass, client: &Client, grant: &Grant, now: Instant) -> RefreshLife {
    let stays = !rotates(hallpass, client);
    let idle = hallpass.config.tokens.refresh_idle.filter(|_| stays);
    let token = [grant.expires, grant.ends, idle.map(|idle| now.after(idle))];
    let whole = [grant.ends, grant.expires.filter(|_| stays)];
    RefreshLife {
        token: token.into_iter().flatten().min().map(|end| remaining(end, now)),
        grant: whole.into_iter().flatten().min().map(|end| remaining(end, now)),
    }
}

/// The scopes that the grant still has. If its tokens were recalled, it may have lost scopes after `grant` was read: the row is
/// read again.
///
/// # Errors
/// If none is left, or the database is away.
pub(crate) async fn still_granted(hallpass: &Hallpass, grant: &Grant, scopes: Scopes) -> Result<Scopes, Refusal> {
    if hallpass.revoked.recalled_by(grant.id.0).is_none() {
        return Ok(scopes);
    }
    let Some(row) = Box::pin(hallpass.store.grant(grant.id)).await? else {
        return Ok(scopes);
    };
    let scopes = scopes.intersection(&row.scopes);
    if scopes.is_empty() {
        return Err(ScopeReason::Lost.into());
    }
    Ok(scopes)
}

/// The answer for a grant whose current generation was issued at `issued_at`. The same grant, scopes and moment give the same
/// tokens on every node, so a lost answer can be given again. The scopes have passed
/// [`fitting`](crate::oauth::scopes::fitting).
///
/// # Errors
/// If the key that the row names was revoked a moment ago.
pub(crate) fn for_grant(
    hallpass: &Hallpass,
    request: &TokenRequest<'_>,
    grant: &Grant,
    scopes: Scopes,
    issued_at: Instant,
) -> Result<Response, ServerReason> {
    let ring = hallpass.keys.ring();
    // The key was revoked just after the row was written. If the client asks again, it gets the state of the grant.
    let key = ring.proof_by_id(grant.key).ok_or(ServerReason::Unavailable)?;
    let expires = issued_at.after(hallpass.config.tokens.access);
    let mut claims = Claims {
        serial: [0; 16],
        grant: Some(PersonGrant {
            id: grant.id,
            generation: grant.generation,
            user: grant.user,
            acts_as: grant.acts_as,
            key: grant.key,
        }),
        app: grant.app,
        organization: grant.organization,
        scopes,
        issued_at: hallpass.issued_at(grant.id.0, issued_at),
        expires: [Some(expires), grant.expires, grant.ends]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(expires),
    };
    let access_token = seal(hallpass, &ring, &mut claims, None)?;
    if !request.client.may_use(GrantType::RefreshToken) {
        return Ok(render_token(hallpass, request, &access_token, &claims, None));
    }
    let token = Proof::derive(ProofKind::RefreshToken, key, &grant.salt, grant.id.0, grant.generation).token();
    let refresh = RefreshAnswer {
        token: &token,
        expires_in: grant.expires.map(|expires| remaining(expires, request.now)),
        life: refresh_life(hallpass, request.client, grant, request.now),
        issued_at_ms: grant.rotated_at.0,
    };
    Ok(render_token(hallpass, request, &access_token, &claims, Some(refresh)))
}

/// The answer for an app that acts for itself. Nothing is stored from which a lost answer could be given again, so each
/// request gets its own token. `draw` makes tokens of the same moment different.
///
/// # Errors
/// If the cipher fails.
pub(crate) fn for_app(
    hallpass: &Hallpass,
    request: &TokenRequest<'_>,
    scopes: Scopes,
    draw: [u8; 16],
) -> Result<Response, ServerReason> {
    let mut claims = Claims {
        serial: [0; 16],
        grant: None,
        app: request.client.app.id,
        organization: request.client.app.organization,
        scopes,
        issued_at: hallpass.issued_at(request.client.app.id.0, request.now),
        expires: request.now.after(hallpass.config.tokens.access),
    };
    let access_token = seal(hallpass, &hallpass.keys.ring(), &mut claims, Some(draw))?;
    Ok(render_token(hallpass, request, &access_token, &claims, None))
}

/// Seals with the key that was current at the moment of issue, so that an answer that is given again after a rotation of keys
/// is the same.
fn seal(
    hallpass: &Hallpass,
    ring: &Keyring,
    claims: &mut Claims,
    draw: Option<[u8; 16]>,
) -> Result<String, ServerReason> {
    sealed::seal(claims, ring.access(claims.issued_at), &hallpass.issuer, draw).map_err(|error| {
        tracing::error!(%error, app = %claims.app, "failed to seal an access token");
        ServerReason::Internal
    })
}

fn render_token(
    hallpass: &Hallpass,
    request: &TokenRequest<'_>,
    access_token: &str,
    claims: &Claims,
    refresh: Option<RefreshAnswer<'_>>,
) -> Response {
    let app = &request.client.app;
    respond::rendered(hallpass.dialect.token(&TokenAnswer {
        access_token,
        expires_in: remaining(claims.expires, request.now),
        scopes: &claims.scopes,
        refresh,
        issued_at_ms: claims.issued_at.0,
        refresh_count: claims.grant.map_or(0, |grant| grant.generation.saturating_sub(1)),
        client: ClientFacts {
            client_id: &app.client_id,
            id: &app.id.0,
            products: app.products.as_deref().unwrap_or_default(),
            organization: &request.client.organization.slug,
            developer_email: request.client.developer_email(),
        },
    }))
}

/// Seconds until `expires`, as `expires_in` counts them (RFC 6749 §5.1). A part of a second counts as one, so that requests
/// that race get the same answer, and not one that is a second shorter.
fn remaining(expires: Instant, now: Instant) -> i64 {
    i64::try_from(expires.since(now).as_millis().div_ceil(1000)).unwrap_or(i64::MAX)
}
