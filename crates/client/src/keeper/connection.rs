//! The name of a connection: `provider/reference`.

use std::fmt;
use std::str::FromStr;

/// The longest provider name, in bytes.
const PROVIDER_LENGTH: usize = 64;
/// The longest reference, in bytes.
const REFERENCE_LENGTH: usize = 255;

/// A connection: the tokens of one user (or one account) at one provider.
///
/// The provider is a name from the keeper's configuration. The reference is the program's own key for the user or
/// account, for instance the id of a row. Both are compared byte for byte.
///
/// ```
/// use hallpass_client::keeper::Connection;
///
/// let connection: Connection = "warehouse/customer-17".parse()?;
/// assert_eq!(connection.provider(), "warehouse");
/// assert_eq!(connection.reference(), "customer-17");
/// # Ok::<(), hallpass_client::keeper::InvalidConnection>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Connection {
    provider: String,
    reference: String,
}

/// A provider name or a reference that no connection can have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidConnection {
    /// The provider name is not 1 to 64 characters of `a-z`, `A-Z`, `0-9`, `-`, `_` and `.`.
    #[error("a provider name has 1 to 64 characters of a-z, A-Z, 0-9, '-', '_' and '.'")]
    Provider,
    /// The reference is not 1 to 255 bytes without control characters.
    #[error("a reference has 1 to 255 bytes and no control characters")]
    Reference,
    /// There is no `/` between provider and reference.
    #[error("a connection is written provider/reference")]
    Form,
}

impl Connection {
    /// The connection of `reference` at `provider`.
    ///
    /// # Errors
    /// If either has characters or a length that is not allowed.
    pub fn new(provider: &str, reference: &str) -> Result<Self, InvalidConnection> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if provider.is_empty() || provider.len() > PROVIDER_LENGTH || !provider.bytes().all(allowed) {
            return Err(InvalidConnection::Provider);
        }
        if reference.is_empty() || reference.len() > REFERENCE_LENGTH || reference.chars().any(char::is_control) {
            return Err(InvalidConnection::Reference);
        }
        Ok(Self {
            provider: provider.to_owned(),
            reference: reference.to_owned(),
        })
    }

    /// The name of the provider in the keeper's configuration.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The program's own key for the user or account.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.reference
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.provider, self.reference)
    }
}

impl FromStr for Connection {
    type Err = InvalidConnection;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (provider, reference) = text.split_once('/').ok_or(InvalidConnection::Form)?;
        Self::new(provider, reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_may_contain_slashes_but_a_provider_may_not() {
        let connection: Connection = "shop/a/b".parse().unwrap();
        assert_eq!((connection.provider(), connection.reference()), ("shop", "a/b"));
        assert_eq!(connection.to_string(), "shop/a/b");
        assert_eq!(Connection::new("a/b", "c"), Err(InvalidConnection::Provider));
    }

    #[test]
    fn empty_long_and_control_characters_are_refused() {
        assert_eq!("/a".parse::<Connection>(), Err(InvalidConnection::Provider));
        assert_eq!("a/".parse::<Connection>(), Err(InvalidConnection::Reference));
        assert_eq!("a".parse::<Connection>(), Err(InvalidConnection::Form));
        assert_eq!(Connection::new("a", "b\n"), Err(InvalidConnection::Reference));
        assert_eq!(
            Connection::new("a", &"b".repeat(256)),
            Err(InvalidConnection::Reference)
        );
        assert_eq!(Connection::new(&"a".repeat(65), "b"), Err(InvalidConnection::Provider));
    }
}
