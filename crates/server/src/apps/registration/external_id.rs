//! Ids of people and organizations in the site's own system.

use super::text::read_as_text;

/// The site's own id of a person, which is the subject of their tokens (decision 45).
#[derive(Clone, PartialEq, Eq)]
pub struct ExternalId(String);

/// Why a text cannot be the site's id of a person.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExternalIdFault {
    /// It is empty, too long, or has other characters.
    #[error("expected 1 to {longest} printable ASCII characters, found {0:?}", longest = LONGEST)]
    Characters(String),
    /// Apps, organizations or sample people have such subjects.
    #[error("subjects that begin with {0:?} are not for people, found {1:?}")]
    Reserved(&'static str, String),
}

impl ExternalId {
    /// How the subjects of apps, organizations and sample people begin.
    const RESERVED: [&'static str; 3] = ["app:", "org_", "sandbox:"];

    /// Reads an id.
    ///
    /// # Errors
    /// The first fault.
    pub fn parse(text: &str) -> Result<Self, ExternalIdFault> {
        if !is_printable(text) {
            return Err(ExternalIdFault::Characters(text.to_owned()));
        }
        match Self::RESERVED.iter().find(|prefix| text.starts_with(**prefix)) {
            Some(prefix) => Err(ExternalIdFault::Reserved(prefix, text.to_owned())),
            None => Ok(Self(text.to_owned())),
        }
    }
}

read_as_text!(ExternalId);

/// The site's own id of an organization.
#[derive(Clone, PartialEq, Eq)]
pub struct ExternalOrganizationId(String);

/// A text that cannot be the site's id of an organization.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected 1 to {LONGEST} printable ASCII characters, found {0:?}")]
pub struct NoExternalOrganizationId(String);

impl ExternalOrganizationId {
    /// Reads an id.
    ///
    /// # Errors
    /// If the text cannot be an id.
    pub fn parse(text: &str) -> Result<Self, NoExternalOrganizationId> {
        match is_printable(text) {
            true => Ok(Self(text.to_owned())),
            false => Err(NoExternalOrganizationId(text.to_owned())),
        }
    }
}

read_as_text!(ExternalOrganizationId);

/// The most characters of an id.
const LONGEST: usize = 255;

fn is_printable(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_the_site_is_no_subject_of_another_kind() {
        for text in ["7", "Ada/7", " ", &"a".repeat(255)] {
            assert_eq!(ExternalId::parse(text).map(String::from), Ok(text.to_owned()));
        }
        for text in ["", "\u{e9}", "a\n", &"a".repeat(256)] {
            let refused = ExternalId::parse(text);
            assert_eq!(refused, Err(ExternalIdFault::Characters(text.to_owned())));
            assert!(ExternalOrganizationId::parse(text).is_err());
        }
        for (prefix, text) in [("app:", "app:x"), ("org_", "org_1"), ("sandbox:", "sandbox:1")] {
            let refused = ExternalId::parse(text);
            assert_eq!(refused, Err(ExternalIdFault::Reserved(prefix, text.to_owned())));
            assert!(ExternalOrganizationId::parse(text).is_ok());
        }
    }
}
