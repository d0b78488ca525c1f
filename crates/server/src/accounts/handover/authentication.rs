//! The site authenticates with a shared secret, as a bearer token (RFC 6750 §2.1).

use super::failure::Failure;
use crate::config;
use crate::http::source::Peer;
use crate::serve::hallpass::Hallpass;
use aws_lc_rs::digest::{SHA256, digest};
use http::header::AUTHORIZATION;
use http::request::Parts;
use std::net::{IpAddr, Ipv4Addr};
use subtle::{Choice, ConstantTimeEq as _};

/// A request that the site made.
pub(super) struct Site<'h> {
    /// What the configuration says about it.
    pub(super) config: &'h config::Handover,
    /// The address that it came from.
    pub(super) source: IpAddr,
}

/// Checks that the site sent this request. The body is not read before.
///
/// # Errors
/// If the handover is off, or the secret or the source is not the site's.
pub(super) fn authenticate<'h>(hallpass: &'h Hallpass, parts: &Parts) -> Result<Site<'h>, Failure> {
    let Some(config) = &hallpass.config.handover else {
        return Err(Failure::off());
    };
    let peer = parts.extensions.get::<Peer>().copied();
    let source = hallpass
        .proxies
        .source(peer.unwrap_or(Peer(Ipv4Addr::UNSPECIFIED.into())), &parts.headers);
    if !config.sources.is_empty() && !config.sources.iter().any(|network| network.contains(&source)) {
        tracing::warn!(%source, "refused the site: handover.sources does not name this address");
        return Err(Failure::forbidden(
            "handover.sources does not name the address of this request",
        ));
    }
    // Of two headers, a proxy and this server could each take another one.
    let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
    let header = headers.next().filter(|_| headers.next().is_none());
    let header = header.map(|value| value.as_bytes());
    let sent = header.and_then(|header| {
        let (scheme, token) = header.split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
    });
    let Some(sent) = sent else {
        return Err(Failure::unauthorized(
            "send the secret of [handover] as `Authorization: Bearer SECRET`",
        ));
    };
    if !is_secret(config, sent) {
        tracing::warn!(%source, "refused the site: the secret is not that of [handover]");
        return Err(Failure::unauthorized("the secret is not that of [handover]"));
    }
    Ok(Site { config, source })
}

/// Compares with every secret, whichever fits, in constant time. The hashes hide the lengths.
fn is_secret(config: &config::Handover, sent: &[u8]) -> bool {
    let sent = digest(&SHA256, sent);
    let each = config.secret.iter().map(|secret| {
        let own = digest(&SHA256, secret.expose().as_bytes());
        own.as_ref().ct_eq(sent.as_ref())
    });
    each.fold(Choice::from(0), |found, fits| found | fits).into()
}
