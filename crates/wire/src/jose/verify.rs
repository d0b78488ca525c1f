//! Verification: an ordered list of checks, each with its error.

use super::algorithm::Algorithm;
use super::claims::{Claims, Faulty};
use super::compact::{Compact, MAX_TOKEN};
use super::error::JoseError;
use super::jwks::Jwks;
use std::time::Duration;

/// What the caller expects of a token.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// The type of tokens for this use.
    pub typ: Typ<'a>,
    /// The only algorithms that are accepted. Empty: the one that each key stands for.
    pub algorithms: &'a [Algorithm],
    /// The issuer, compared as text (RFC 8414 §3.3).
    pub issuer: &'a str,
    /// `aud` must name one of these. An empty list accepts no token.
    pub audiences: &'a [String],
    /// How far the clocks of issuer and caller may differ.
    pub leeway: Duration,
}

/// The media type in `typ`, without `application/`; case does not count (RFC 7515 §4.1.9).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Typ<'a> {
    /// The token must have it: `at+jwt` for access tokens (RFC 9068 §4).
    Is(&'a str),
    /// The token must have it, or no `typ`: `JWT` for uses older than RFC 8725.
    IsOrAbsent(&'a str),
}

/// Verifies a token at `now_ms`, in milliseconds since the epoch.
///
/// # Errors
/// The first check that fails. Claims are read only after the signature has been verified.
pub fn verify(token: &str, keys: &Jwks, policy: &Policy<'_>, now_ms: i64) -> Result<Claims, JoseError> {
    if token.len() > MAX_TOKEN {
        return Err(JoseError::TooLong);
    }
    let token = Compact::parse(token)?;
    if !policy.typ.admits(token.header.typ.as_deref()) {
        return Err(JoseError::Type);
    }
    check_signature(&token, keys, policy.algorithms)?;
    let claims = Claims::parse(&token.payload).map_err(|Faulty(name)| JoseError::Claim(name))?;
    check_claims(&claims, policy, now_ms)?;
    Ok(claims)
}

pub(super) fn check_signature(token: &Compact<'_>, keys: &Jwks, allowed: &[Algorithm]) -> Result<(), JoseError> {
    let algorithm = Algorithm::from_name(&token.header.alg).ok_or(JoseError::Algorithm)?;
    let kid = token.header.kid.as_deref();
    if kid.is_some_and(|kid| !keys.has(kid)) {
        return Err(JoseError::UnknownKey);
    }
    let mut fitting = keys.verifiers(kid, algorithm, allowed).peekable();
    if kid.is_some() && fitting.peek().is_none() {
        return Err(JoseError::Algorithm);
    }
    let made =
        |key: &aws_lc_rs::signature::ParsedPublicKey| key.verify_sig(token.signed.as_bytes(), &token.signature).is_ok();
    match (fitting.any(made), kid) {
        (true, _) => Ok(()),
        (false, Some(_)) => Err(JoseError::Signature),
        (false, None) => Err(JoseError::UnknownKey),
    }
}

fn check_claims(claims: &Claims, policy: &Policy<'_>, now_ms: i64) -> Result<(), JoseError> {
    match claims.issuer() {
        None => return Err(JoseError::Claim("iss")),
        Some(issuer) if issuer != policy.issuer => return Err(JoseError::Issuer),
        Some(_) => {}
    }
    let meant_for = claims.audiences();
    if meant_for.is_empty() {
        return Err(JoseError::Claim("aud"));
    }
    if !policy.audiences.iter().any(|own| meant_for.contains(&own.as_str())) {
        return Err(JoseError::Audience);
    }
    let leeway = i64::try_from(policy.leeway.as_millis()).unwrap_or(i64::MAX);
    if now_ms >= claims.expires_at_ms().saturating_add(leeway) {
        return Err(JoseError::Expired);
    }
    let early = |start: i64| now_ms.saturating_add(leeway) < start;
    if claims.not_before_ms().is_some_and(early) {
        return Err(JoseError::NotYetValid);
    }
    Ok(())
}

impl Typ<'_> {
    pub(super) fn admits(self, typ: Option<&str>) -> bool {
        let same = |wanted: &str, typ: &str| {
            let prefix = typ
                .get(..12)
                .filter(|prefix| prefix.eq_ignore_ascii_case("application/"));
            let short = prefix.and_then(|prefix| typ.get(prefix.len()..)).unwrap_or(typ);
            short.eq_ignore_ascii_case(wanted)
        };
        match (self, typ) {
            (Self::Is(wanted) | Self::IsOrAbsent(wanted), Some(typ)) => same(wanted, typ),
            (Self::IsOrAbsent(_), None) => true,
            (Self::Is(_), None) => false,
        }
    }
}
