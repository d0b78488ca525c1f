//! From a decision to a token answer: seals the access token, derives the refresh token, hands both to the dialect.

use super::Refusal;
use super::token::TokenRequest;
use crate::app::Hallpass;
use crate::config::{GrantType, Lifetime};
use crate::dialect::{ClientFacts, RefreshAnswer, TokenAnswer};
use crate::directory::Client;
use crate::respond::Response;
use crate::store::model::{ClientType, Grant};
use crate::time::Instant;
use crate::tokens::proofs::{Kind, Proof, access_token_seed};
use crate::tokens::sealed::{self, Claims, PersonGrant};
use hallpass_wire::Scopes;

/// Whether a refresh makes a new refresh token: always for public clients (RFC 9700 §2.2.2), else as configured.
#[must_use]
pub fn rotates(hallpass: &Hallpass, client: &Client) -> bool {
    hallpass.config.tokens.rotate || client.app.client_type == ClientType::Public
}

/// Until when a refresh token issued at `now` counts. A grant that cannot be refreshed lasts as long as its access token.
#[must_use]
pub fn refresh_expiry(hallpass: &Hallpass, client: &Client, ends: Option<Instant>, now: Instant) -> Option<Instant> {
    let tokens = &hallpass.config.tokens;
    if !client.may_use(GrantType::RefreshToken) {
        return [Some(now.after(tokens.access)), ends].into_iter().flatten().min();
    }
    let by_age = match tokens.refresh {
        Lifetime::Never => None,
        Lifetime::For(lifetime) => Some(now.after(lifetime)),
    };
    // A token that stays is not idle while it is used; the row is not written then (see `refresh_token`).
    let idle = tokens.refresh_idle.filter(|_| rotates(hallpass, client));
    let by_idleness = idle.map(|idle| now.after(idle));
    [by_age, by_idleness, ends].into_iter().flatten().min()
}

/// The answer for a grant whose current generation came to be at `issued_at`. The same grant, scopes and moment give the
/// same tokens, whoever asks and on whichever node: a lost answer can be given again.
///
/// # Errors
/// Where the key that the row names was revoked a moment ago.
pub fn for_grant(
    hallpass: &Hallpass,
    request: &TokenRequest<'_>,
    grant: &Grant,
    scopes: Scopes,
    issued_at: Instant,
) -> Result<Response, Refusal> {
    let ring = hallpass.keys.ring();
    // Revoked in the moment since the row moved to it: whoever asks again is told how the grant stands.
    let key = ring.proof_by_id(grant.key).ok_or(Refusal::Unavailable)?;
    let seed = access_token_seed(key, &grant.salt, grant.id.0, grant.generation, issued_at.0);
    let expires = issued_at.after(hallpass.config.tokens.access);
    let claims = Claims {
        grant: Some(PersonGrant {
            id: grant.id,
            generation: grant.generation,
            user: grant.user,
            key: grant.key,
        }),
        app: grant.app,
        organization: grant.organization,
        scopes,
        issued_at,
        expires: [Some(expires), grant.expires, grant.ends]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(expires),
        serial: [0; 16],
    };
    if !request.client.may_use(GrantType::RefreshToken) {
        return answer(hallpass, request, claims, seed, None);
    }
    let token = Proof::derive(Kind::RefreshToken, key, &grant.salt, grant.id.0, grant.generation).token();
    let refresh = RefreshAnswer {
        token: &token,
        expires_in: grant.expires.map(|expires| remaining(expires, request.now)),
        issued_at: grant.rotated_at,
    };
    answer(hallpass, request, claims, seed, Some(refresh))
}

/// Seals `claims` with the serial and the nonce in `seed`, and renders.
///
/// # Errors
/// Where the cipher refuses.
pub fn answer(
    hallpass: &Hallpass,
    request: &TokenRequest<'_>,
    mut claims: Claims,
    seed: [u8; 28],
    refresh: Option<RefreshAnswer<'_>>,
) -> Result<Response, Refusal> {
    let mut nonce = [0; 12];
    claims.serial.copy_from_slice(&seed[..16]);
    nonce.copy_from_slice(&seed[16..]);
    // By the moment of issue, not by now: an answer that is given again after a rotation of the keys is the same answer.
    let ring = hallpass.keys.ring();
    let key = ring.access(claims.issued_at);
    let token = sealed::seal(&claims, key, nonce, &hallpass.issuer).map_err(|_| Refusal::Internal)?;
    let app = &request.client.app;
    Ok(hallpass.dialect.token(&TokenAnswer {
        access_token: &token,
        expires_in: remaining(claims.expires, request.now),
        scopes: &claims.scopes,
        refresh,
        issued_at: claims.issued_at,
        refresh_count: claims.grant.map_or(0, |grant| grant.generation.saturating_sub(1)),
        client: ClientFacts {
            client_id: &app.client_id,
            id: app.id.0,
            products: &app.products,
            organization: &request.client.organization.slug,
            developer_email: &request.client.developer_email,
        },
    }))
}

/// Seconds until `expires`, as `expires_in` counts them (RFC 6749 §5.1). A part of a second counts as one, so that requests
/// that race get the same answer, and not one that is a second shorter.
fn remaining(expires: Instant, now: Instant) -> i64 {
    i64::try_from(expires.since(now).as_millis().div_ceil(1000)).unwrap_or(i64::MAX)
}
