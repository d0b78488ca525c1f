//! Names of organizations in addresses.

use super::text::read_as_text;

/// The name of an organization in addresses.
#[derive(Clone, PartialEq, Eq)]
pub struct Slug(String);

/// A text that cannot be a slug.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected 1 to {longest} lower-case letters, digits and hyphens, found {0:?}", longest = Slug::LONGEST)]
pub struct NoSlug(String);

impl Slug {
    /// The most characters.
    const LONGEST: usize = 64;

    /// Reads a slug.
    ///
    /// # Errors
    /// If the text cannot be a slug.
    pub fn parse(text: &str) -> Result<Self, NoSlug> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text.is_empty() || text.len() > Self::LONGEST || !text.bytes().all(fits) {
            return Err(NoSlug(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

read_as_text!(Slug);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_has_at_most_64_lower_case_letters_digits_and_hyphens() {
        assert!(Slug::parse(&"a-1".repeat(21)).is_ok());
        for text in ["", "Acme", "a b", "é", &"a".repeat(65)] {
            assert_eq!(Slug::parse(text), Err(NoSlug(text.to_owned())));
        }
    }
}
