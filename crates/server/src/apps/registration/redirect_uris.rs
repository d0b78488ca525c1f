//! The redirect URIs of an app: each is valid, and none comes twice.

use hallpass_wire::RedirectUri;
use hallpass_wire::redirect_uri::{RedirectUriError, Schemes};

/// The most redirect URIs of an app (decision 61).
const MOST: usize = 50;

/// Why a redirect URI cannot be registered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum RedirectUriFault {
    /// No URI is given, and this app needs one.
    #[error("an app needs at least one")]
    Missing,
    /// An app may not have this URI.
    #[error(transparent)]
    Malformed(#[from] RedirectUriError),
    /// It is in the list already.
    #[error("it is there twice")]
    Duplicate,
    /// The list is full.
    #[error("an app has at most {MOST}")]
    TooMany,
}

/// Reads the redirect URIs of an app.
pub(crate) fn read<'a>(
    texts: impl IntoIterator<Item = &'a str>,
    schemes: Schemes<'_>,
) -> (Vec<RedirectUri>, Vec<(&'a str, RedirectUriFault)>) {
    let (mut uris, mut faults) = (Vec::new(), Vec::new());
    for text in texts {
        match RedirectUri::parse_with(text, schemes) {
            Ok(uri) if uris.contains(&uri) => faults.push((text, RedirectUriFault::Duplicate)),
            Ok(_) if uris.len() == MOST => faults.push((text, RedirectUriFault::TooMany)),
            Ok(uri) => uris.push(uri),
            Err(error) => faults.push((text, error.into())),
        }
    }
    (uris, faults)
}
