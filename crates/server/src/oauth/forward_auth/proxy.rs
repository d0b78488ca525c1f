//! The proxy that asks: whether it may, and which request it asks about.
//!
//! A header of the request may come from the proxy or from the proxy's caller. So the method and the URI are read from the one
//! header of each that the configuration names, and only if there is exactly one of it.

use super::ForwardReason;
use crate::config;
use crate::http::source::Peer;
use aws_lc_rs::digest;
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use subtle::ConstantTimeEq as _;

/// The header with the secret of a proxy.
pub(super) const SECRET: HeaderName = HeaderName::from_static("hallpass-proxy-secret");

/// Who may ask, and how.
#[derive(Debug)]
pub(super) struct ProxyRules {
    trusted: Vec<IpNet>,
    /// The SHA-256 of the secret.
    secret: Option<[u8; 32]>,
    method: HeaderName,
    uri: HeaderName,
}

impl ProxyRules {
    /// `None` if the headers have names that no header can have; the configuration refuses those.
    pub(super) fn of(config: &config::ForwardAuth) -> Option<Self> {
        Some(Self {
            trusted: config.trusted_proxies.clone(),
            secret: config.secret.as_ref().map(|secret| hash(secret.expose().as_bytes())),
            method: HeaderName::from_bytes(config.method_header.as_bytes()).ok()?,
            uri: HeaderName::from_bytes(config.uri_header.as_bytes()).ok()?,
        })
    }

    /// Lets only a proxy ask that the configuration names. With networks and a secret, both must fit.
    pub(super) fn check(&self, peer: Peer, headers: &HeaderMap) -> Result<(), ForwardReason> {
        let address = peer.0.to_canonical();
        let from_there = self.trusted.is_empty() || self.trusted.iter().any(|network| network.contains(&address));
        let knows_secret = match (&self.secret, one(headers, &SECRET)) {
            (None, _) => true,
            (Some(expected), Some(sent)) => hash(sent.as_bytes()).ct_eq(expected).into(),
            (Some(_), None) => false,
        };
        // Without both, anybody could ask. The configuration refuses that too.
        let is_closed = self.trusted.is_empty() && self.secret.is_none();
        match from_there && knows_secret && !is_closed {
            true => Ok(()),
            false => Err(ForwardReason::UntrustedProxy),
        }
    }

    /// Method and URI of the request that the proxy asks about.
    pub(super) fn request<'h>(&self, headers: &'h HeaderMap) -> Result<(&'h str, &'h str), ForwardReason> {
        let method = one(headers, &self.method).ok_or(ForwardReason::MethodUnclear)?;
        let uri = one(headers, &self.uri).ok_or(ForwardReason::UriUnclear)?;
        Ok((method, uri))
    }

    /// Whether the method or the URI is read from this header.
    pub(super) fn reads(&self, name: &HeaderName) -> bool {
        self.method == *name || self.uri == *name
    }
}

fn hash(secret: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, secret).as_ref());
    bytes
}

/// The value of a header that comes once, as text.
fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    match values.next() {
        None => value.to_str().ok(),
        Some(_) => None,
    }
}
