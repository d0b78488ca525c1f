//! The rules by which a proxy asks about each request of an API (docs/guide/forward-auth.md, docs/decisions/0085).
//!
//! Everything that is not clearly allowed is refused: a call that no scope lists, a path that two programs may read differently,
//! a header that may pass for one of ours.

mod headers;
mod proxy;
pub(crate) mod routes;
mod target;

pub(crate) use headers::IDENTITY;
#[cfg(test)]
pub(crate) use routes::NoRoute;
#[cfg(test)]
pub(crate) use target::TargetFault;

use crate::config::Config;
use crate::http::source::Peer;
use crate::oauth::refusal::Reason;
use hallpass_wire::{ErrorCode, PublicError, Scopes};
use http::HeaderMap;
use proxy::ProxyRules;
use routes::Routes;
use target::Target;

/// The check of a deployment.
#[derive(Debug)]
pub(crate) struct ForwardAuth {
    proxy: ProxyRules,
    routes: Routes,
}

/// The request that a proxy asks about.
pub(crate) struct AskedRequest<'h> {
    method: &'h str,
    target: Target<'h>,
}

/// Why a request is not let through, apart from its token.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum ForwardReason {
    /// The caller is no proxy that `[forward_auth]` names, or does not have its secret.
    #[error("the caller is not a proxy that [forward_auth] trusts")]
    UntrustedProxy,
    /// There is no method header, or more than one.
    #[error("the request must have one [forward_auth] method_header")]
    MethodUnclear,
    /// There is no URI header, or more than one.
    #[error("the request must have one [forward_auth] uri_header")]
    UriUnclear,
    /// A header that a backend could take for one of ours, or for another request.
    #[error("the client sent the header {0}, which a backend may believe")]
    Header(String),
    /// Programs may read the path differently.
    #[error("{0}")]
    Target(#[from] target::TargetFault),
    /// No scope opens the call.
    #[error("{0}")]
    NoRoute(#[from] routes::NoRoute),
}

impl Reason for ForwardReason {
    fn word(&self) -> &'static str {
        match self {
            Self::UntrustedProxy => "untrusted_proxy",
            Self::MethodUnclear => "method_unclear",
            Self::UriUnclear => "uri_unclear",
            Self::Header(_) => "header_refused",
            Self::Target(_) => "path_refused",
            Self::NoRoute(_) => "call_not_listed",
        }
    }

    fn public(&self) -> PublicError {
        let (code, text) = match self {
            Self::UntrustedProxy => (ErrorCode::InvalidRequest, "Only a trusted proxy may ask"),
            Self::MethodUnclear | Self::UriUnclear => {
                (ErrorCode::InvalidRequest, "The proxy did not say which request this is")
            }
            Self::Header(_) => (
                ErrorCode::InvalidRequest,
                "The request has a header that is not allowed",
            ),
            Self::Target(_) => (ErrorCode::InvalidRequest, "The path is not written plainly"),
            Self::NoRoute(_) => (ErrorCode::InsufficientScope, "No scope opens this call"),
        };
        PublicError::Plain(code, text)
    }
}

impl ForwardAuth {
    /// `None` if the configuration does not have it. The configuration was checked, so its endpoints are good.
    #[must_use]
    pub(crate) fn of(config: &Config) -> Option<Self> {
        let proxy = ProxyRules::of(config.forward_auth.as_ref()?)?;
        let catalogue = config.scopes.iter();
        let routes = Routes::of(catalogue.map(|(scope, entry)| (scope, entry.endpoints.as_slice()))).ok()?;
        Some(Self { proxy, routes })
    }

    /// The request that the proxy asks about.
    ///
    /// # Errors
    /// If the caller may not ask, or the request may be another one for the backend.
    pub(crate) fn asked<'h>(&self, peer: Peer, headers: &'h HeaderMap) -> Result<AskedRequest<'h>, ForwardReason> {
        self.proxy.check(peer, headers)?;
        let (method, uri) = self.proxy.request(headers)?;
        for (name, value) in headers.iter().filter(|(name, _)| !self.proxy.reads(name)) {
            headers::check(name, value)?;
        }
        let target = Target::parse(uri)?;
        Ok(AskedRequest { method, target })
    }

    /// The scopes of which one opens the call.
    ///
    /// # Errors
    /// If none does.
    pub(crate) fn scopes(&self, asked: &AskedRequest<'_>) -> Result<&Scopes, ForwardReason> {
        Ok(self.routes.scopes(asked.method, &asked.target)?)
    }
}
