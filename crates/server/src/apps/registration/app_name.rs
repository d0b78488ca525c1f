//! The name of an app, as people read it on a consent page.

use super::display_name::{DisplayName, NoDisplayName};
use super::text::read_as_text;
use crate::apps::names::{self, NameError};

/// A name that an app may have.
#[derive(Clone, PartialEq, Eq)]
pub struct AppName(String);

/// Why a name for an app is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameFault {
    /// It is empty.
    #[error("it has no letter and no digit")]
    Missing,
    /// It has too many characters.
    #[error("an app's name has at most {} characters", AppName::LONGEST)]
    TooLong,
    /// It has an invisible character, or nothing that can be read.
    #[error(transparent)]
    Unreadable(#[from] NameError),
    /// It looks like the name of the site.
    #[error("it looks like the name of this site")]
    Brand,
    /// It looks like the name of another developer's app.
    #[error("it looks like the name of another developer's app, and the same people could be asked by both")]
    Taken,
}

impl AppName {
    /// The most characters of a chosen name. An app that had a longer name before keeps it.
    pub const LONGEST: usize = 100;

    /// Reads a name that a person chooses on a site called `brand`. The store checks whether it looks like the name of another
    /// app.
    ///
    /// # Errors
    /// The first fault.
    pub fn choose(text: &str, brand: &str) -> Result<Self, NameFault> {
        let name = text.trim();
        if name.is_empty() {
            return Err(NameFault::Missing);
        }
        if name.chars().count() > Self::LONGEST {
            return Err(NameFault::TooLong);
        }
        names::check(name)?;
        if names::look_alike(name, brand) {
            return Err(NameFault::Brand);
        }
        Ok(Self(name.to_owned()))
    }

    /// Reads a name that the operator declares. The operator may use the name of the site.
    ///
    /// # Errors
    /// If the text cannot be a name at all.
    pub fn declare(text: &str) -> Result<Self, NoDisplayName> {
        DisplayName::parse(text).map(|name| Self(name.into()))
    }
}

read_as_text!(AppName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_has_at_most_100_characters() {
        let chosen = |text: &str| AppName::choose(text, "House Check").map(String::from);
        assert_eq!(chosen("  Crew "), Ok("Crew".to_owned()));
        assert_eq!(chosen(" "), Err(NameFault::Missing));
        assert_eq!(chosen(&"é".repeat(100)), Ok("é".repeat(100)));
        assert_eq!(chosen(&"é".repeat(101)), Err(NameFault::TooLong));
        assert_eq!(chosen("..."), Err(NameFault::Unreadable(NameError::NoLetter)));
        assert_eq!(chosen("house-check"), Err(NameFault::Brand));
    }
}
