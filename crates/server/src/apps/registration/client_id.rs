//! Client identifiers (RFC 6749 §2.2, appendix A.1).

use super::text::read_as_text;
use crate::random;
use uuid::Uuid;

/// A client identifier that an app may have.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientId(String);

/// Why a text cannot be a client identifier.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ClientIdFault {
    /// HTTP Basic cannot carry a colon in it (RFC 7617 §2).
    #[error(
        "expected 1 to {longest} printable ASCII characters without space and colon, found {0:?}",
        longest = ClientId::LONGEST
    )]
    Characters(String),
    /// The page of the app is `/developer/apps/ID`. With these ids a browser would open another page.
    #[error("{0:?} cannot be a client ID: the page of such an app could not be opened")]
    NoPage(String),
    /// The app could pass for the user with this subject (RFC 9700 §4.15).
    #[error("{0:?} has the form of a user's subject (a UUID of version 7)")]
    Subject(String),
}

impl ClientId {
    /// The most characters.
    const LONGEST: usize = 128;
    /// The number of characters of a generated id: 142 random bits, so that nobody guesses one and none comes twice.
    const GENERATED: usize = 24;

    /// A new id of letters and digits.
    pub(crate) fn generate() -> Self {
        Self(random::alphanumeric(Self::GENERATED))
    }

    /// Reads an id that the operator chose.
    ///
    /// # Errors
    /// The first fault.
    pub fn parse(text: &str) -> Result<Self, ClientIdFault> {
        let fits = |byte: u8| byte.is_ascii_graphic() && byte != b':';
        if text.is_empty() || text.len() > Self::LONGEST || !text.bytes().all(fits) {
            return Err(ClientIdFault::Characters(text.to_owned()));
        }
        if matches!(text, "new" | "." | "..") {
            return Err(ClientIdFault::NoPage(text.to_owned()));
        }
        if text.len() == 36 && Uuid::try_parse(text).is_ok_and(|id| id.get_version_num() == 7) {
            return Err(ClientIdFault::Subject(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

read_as_text!(ClientId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_client_id_may_be_declared_as_well() {
        let id = String::from(ClientId::generate());
        assert_eq!(ClientId::parse(&id).map(String::from), Ok(id));
    }

    #[test]
    fn a_client_id_has_at_most_128_printable_characters() {
        assert!(ClientId::parse(&"a".repeat(128)).is_ok());
        for text in ["", "a b", "a:b", "é", &"a".repeat(129)] {
            let refused = ClientId::parse(text);
            assert_eq!(refused, Err(ClientIdFault::Characters(text.to_owned())));
        }
    }
}
