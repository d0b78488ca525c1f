//! Faults of a request to register or change an app.

use super::app_name::NameFault;
use super::redirect_uris::RedirectUriFault;
use std::fmt;

/// A fault of one member of a request. `Display` names the fault; the caller names the place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault<'a> {
    Name(NameFault),
    /// With the text of the request. Empty if a redirect URI is missing.
    RedirectUri(&'a str, RedirectUriFault),
    /// A free port of `http://localhost` is for native apps, which are public (RFC 8252 §8.4).
    AnyPort,
    NoScope,
    UnknownScope(&'a str),
    UnknownProduct(&'a str),
    GrantTypeNotOffered(&'a str),
    /// RFC 6749 §4.4.
    GrantTypeNeedsSecret,
}

impl Fault<'_> {
    /// The member of a request, and the key of the configuration, that is wrong.
    pub(crate) fn member(&self) -> &'static str {
        match self {
            Self::Name(_) => "name",
            Self::RedirectUri(..) => "redirect_uris",
            Self::AnyPort => "localhost_any_port",
            Self::NoScope | Self::UnknownScope(_) => "scopes",
            Self::UnknownProduct(_) => "products",
            Self::GrantTypeNotOffered(_) | Self::GrantTypeNeedsSecret => "grant_types",
        }
    }
}

impl fmt::Display for Fault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(fault) => fault.fmt(f),
            Self::RedirectUri(_, fault @ (RedirectUriFault::Missing | RedirectUriFault::TooMany)) => fault.fmt(f),
            Self::RedirectUri(text, fault) => write!(f, "{text:?}: {fault}"),
            Self::AnyPort => f.write_str("only a public app may have it"),
            Self::NoScope => f.write_str("an app needs at least one scope"),
            Self::UnknownScope(name) => write!(f, "there is no scope {name:?}"),
            Self::UnknownProduct(name) => write!(f, "there is no product {name:?}"),
            Self::GrantTypeNotOffered(name) => write!(f, "{name:?} is not offered"),
            Self::GrantTypeNeedsSecret => {
                f.write_str("client_credentials needs a secret, which a public app does not have")
            }
        }
    }
}
