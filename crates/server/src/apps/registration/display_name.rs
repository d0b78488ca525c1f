//! Names and titles that people read on pages.

use super::text::read_as_text;

/// One line of text that people read: a name or a title.
#[derive(Clone, PartialEq, Eq)]
pub struct DisplayName(String);

/// A text that cannot be a name or a title.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected one line of 1 to {longest} characters", longest = DisplayName::LONGEST)]
pub struct NoDisplayName;

impl DisplayName {
    /// The most characters.
    const LONGEST: usize = 200;

    /// Reads a name or a title.
    ///
    /// # Errors
    /// If the text is empty, too long or has a character that misleads.
    pub fn parse(text: &str) -> Result<Self, NoDisplayName> {
        if text.trim().is_empty() || text.chars().any(misleads) || text.chars().count() > Self::LONGEST {
            return Err(NoDisplayName);
        }
        Ok(Self(text.to_owned()))
    }
}

read_as_text!(DisplayName);

/// Whether a character is invisible and on no keyboard. Copied text may contain one.
pub(crate) fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}' | '\u{feff}'
    )
}

/// Whether a character is invisible, or changes the direction of the text around it. With such a character one name could look
/// like another.
fn misleads(character: char) -> bool {
    let changes_direction =
        matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || is_invisible(character) || changes_direction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_at_most_200_visible_characters() {
        for text in ["John Doe", " John ", &"\u{e9}".repeat(200)] {
            assert_eq!(DisplayName::parse(text).map(String::from), Ok(text.to_owned()));
        }
        for text in ["", " ", "John\nDoe", "John\u{200b}", "\u{202e}eoD", &"a".repeat(201)] {
            assert_eq!(DisplayName::parse(text), Err(NoDisplayName), "{text:?}");
        }
    }
}
