//! Names of apps, as people read them on a consent page: the allowed characters, and the names that look alike.
//!
//! A person tells apps apart by their names. So a name that developers choose has no invisible character, and does not
//! look like the brand or like the name of another app that can ask the same people.

use icu_properties::props::{
    BinaryProperty as _, CanonicalCombiningClass, DefaultIgnorableCodePoint, EnumeratedProperty as _, GeneralCategory,
    JoiningType,
};
use unicode_security::skeleton;

/// The most marks on one letter: more of them draw over the lines above and below (UTS 39 §5.4).
const MOST_MARKS: usize = 4;

/// Keeps two letters from joining.
const ZWNJ: char = '\u{200c}';
/// Joins two letters.
const ZWJ: char = '\u{200d}';

/// Characters with a blank glyph that the Unicode properties call visible.
const BLANK: [char; 5] = [
    '\u{2800}',  // braille pattern blank
    '\u{13441}', // Egyptian hieroglyph full blank
    '\u{13442}', // Egyptian hieroglyph half blank
    '\u{16fe4}', // Khitan small script filler
    '\u{1d159}', // musical symbol null notehead
];

/// Why a name is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameError {
    /// A character that is invisible, or that a font may not have.
    #[error("it has the invisible character {}", code_point(*.0))]
    Invisible(char),
    /// Only spaces, punctuation and pictures.
    #[error("it has no letter and no digit")]
    NoLetter,
    /// A mark without a letter, or too many marks on one letter.
    #[error("it has an accent or mark that stands on no letter, or more than {MOST_MARKS} on one letter")]
    Marks,
}

/// Checks that every character of a name is visible, and that at least one is a letter or digit.
///
/// # Errors
/// The first fault.
pub(crate) fn check(name: &str) -> Result<(), NameError> {
    let mut marks = MOST_MARKS;
    let mut letters = false;
    for (at, character) in name.char_indices() {
        if joins(name, at) {
            continue;
        }
        if is_hidden(character) {
            return Err(NameError::Invisible(character));
        }
        match kind(character) {
            CharacterKind::Mark if marks == MOST_MARKS => return Err(NameError::Marks),
            CharacterKind::Mark => marks += 1,
            // After a space, a mark has no letter.
            CharacterKind::Space => marks = MOST_MARKS,
            CharacterKind::Letter => (letters, marks) = (true, 0),
            CharacterKind::Other => marks = 0,
        }
    }
    if letters { Ok(()) } else { Err(NameError::NoLetter) }
}

/// The text without the characters that nobody sees.
#[must_use]
pub(crate) fn seen(text: &str) -> String {
    let seen = text
        .char_indices()
        .filter(|(at, one)| joins(text, *at) || !is_hidden(*one));
    seen.map(|(_, one)| one).collect()
}

/// Whether the joiner at `at` changes the shape of the letters around it (RFC 5892 A.1 and A.2). Persian and Indic spelling
/// needs it there; elsewhere it is invisible.
fn joins(name: &str, at: usize) -> bool {
    let (before, rest) = name.split_at(at);
    let mut after = rest.chars();
    let Some(joiner @ (ZWNJ | ZWJ)) = after.next() else {
        return false;
    };
    let last = before.chars().next_back();
    if last.is_some_and(|last| CanonicalCombiningClass::for_char(last) == CanonicalCombiningClass::Virama) {
        return after
            .next()
            .is_some_and(|next| matches!(kind(next), CharacterKind::Letter));
    }
    let is_seen = |one: &JoiningType| *one != JoiningType::Transparent;
    let left = before.chars().rev().map(JoiningType::for_char).find(is_seen);
    let right = after.map(JoiningType::for_char).find(is_seen);
    joiner == ZWNJ
        && matches!(left, Some(JoiningType::LeftJoining | JoiningType::DualJoining))
        && matches!(right, Some(JoiningType::RightJoining | JoiningType::DualJoining))
}

/// A character as people look it up, such as `U+200B`, because it may be invisible.
#[must_use]
pub(crate) fn code_point(character: char) -> String {
    format!("U+{:04X}", u32::from(character))
}

/// The keys of a name. Names that look alike have one in common: the skeleton of UTS 39 §4 folds no case, and some letters
/// look alike only as capitals, others only as small ones (`I` is an `l`, `i` is not).
#[must_use]
pub(crate) fn keys(name: &str) -> [String; 2] {
    [fold(&fold(name).to_lowercase()), fold(&name.to_lowercase())]
}

/// Whether two names look alike.
#[must_use]
pub(crate) fn look_alike(one: &str, other: &str) -> bool {
    let others = keys(other);
    keys(one).iter().any(|key| others.contains(key))
}

/// The skeleton without spaces, punctuation and symbols, because these do not distinguish names: a name with `™` or a check mark
/// after it claims to be the other one. They are also removed before the skeleton is made, because it maps a dash to a letter of
/// another script.
fn fold(text: &str) -> String {
    let letters = |text: &str| -> String { text.chars().filter(|one| !is_decoration(*one)).collect() };
    let folded: String = skeleton(&letters(text)).collect();
    match letters(&folded) {
        folded if folded.is_empty() => skeleton(text).collect(),
        folded => folded,
    }
}

/// Whether a character is a space, punctuation or a symbol, and looks like no letter (`|` looks like an `l`).
fn is_decoration(character: char) -> bool {
    let decorates = matches!(kind(character), CharacterKind::Space | CharacterKind::Other) && !is_hidden(character);
    decorates && !skeleton(character.encode_utf8(&mut [0; 4])).all(|one| one.is_ascii_alphanumeric())
}

enum CharacterKind {
    Letter,
    Mark,
    Space,
    Other,
}

fn kind(character: char) -> CharacterKind {
    use GeneralCategory as G;
    match GeneralCategory::for_char(character) {
        G::UppercaseLetter
        | G::LowercaseLetter
        | G::TitlecaseLetter
        | G::ModifierLetter
        | G::OtherLetter
        | G::DecimalNumber
        | G::LetterNumber
        | G::OtherNumber => CharacterKind::Letter,
        G::NonspacingMark | G::EnclosingMark => CharacterKind::Mark,
        G::SpaceSeparator => CharacterKind::Space,
        _ => CharacterKind::Other,
    }
}

/// Whether a character is invisible, or its glyph differs between fonts.
fn is_hidden(character: char) -> bool {
    use GeneralCategory as G;
    let category = GeneralCategory::for_char(character);
    let hidden = matches!(
        category,
        G::Control | G::Format | G::PrivateUse | G::Unassigned | G::LineSeparator | G::ParagraphSeparator
    );
    hidden || DefaultIgnorableCodePoint::for_char(character) || BLANK.contains(&character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_holds_nothing_that_cannot_be_seen() {
        for hidden in [
            '\u{0}',
            '\n',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{17b4}',
            '\u{180e}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{2028}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2800}',
            '\u{3164}',
            '\u{e000}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{ffff}',
            '\u{1d159}',
            '\u{e0001}',
            '\u{e0061}',
            '\u{e0100}',
        ] {
            for name in [format!("Acme{hidden}Reports"), hidden.to_string()] {
                assert_eq!(
                    check(&name),
                    Err(NameError::Invisible(hidden)),
                    "{}",
                    code_point(hidden)
                );
            }
        }
    }

    #[test]
    fn a_joiner_stands_between_letters_that_it_changes() {
        for name in [
            // Persian: khâne-hâ, mi-khâham.
            "خانه\u{200c}ها",
            "می\u{200c}خواهم",
            // The mark between is no letter.
            "می\u{64e}\u{200c}خواهم",
            // Sinhala and Malayalam; a Devanagari half form.
            "ශ්\u{200d}රී",
            "അവന്\u{200d}റെ",
            "क्\u{200d}ष",
            "क्\u{200c}ष",
        ] {
            assert_eq!(check(name), Ok(()), "{name:?}");
        }
        for (name, hidden) in [
            ("Ac\u{200c}me", ZWNJ),
            ("Ac\u{200d}me", ZWJ),
            ("می\u{200d}خواهم", ZWJ),
            ("می\u{200c}\u{200c}خواهم", ZWNJ),
            ("\u{200c}می", ZWNJ),
            ("می\u{200c}", ZWNJ),
            ("می\u{200c} خواهم", ZWNJ),
            ("اد\u{200c}ب", ZWNJ),
            ("क्\u{200d}", ZWJ),
            ("क्\u{200d}\u{200d}ष", ZWJ),
            ("क\u{200d}ष", ZWJ),
            ("👩\u{200d}💻 Ada", ZWJ),
        ] {
            assert_eq!(check(name), Err(NameError::Invisible(hidden)), "{name:?}");
        }
        // Without it the name may be another word, and looks much like it.
        assert!(look_alike("می\u{200c}خواهم", "میخواهم"));
        assert!(look_alike("क्\u{200d}ष", "क्ष"));
    }

    #[test]
    fn a_name_has_a_letter_or_digit_and_marks_stand_on_one() {
        for name in ["", " ", "...", "\u{2003}", "☕"] {
            assert_eq!(check(name), Err(NameError::NoLetter), "{name:?}");
        }
        for name in [
            "\u{301}",
            "\u{301}\u{308}",
            " \u{301}a",
            "\u{20dd}",
            "a\u{300}\u{301}\u{302}\u{303}\u{304}",
        ] {
            assert_eq!(check(name), Err(NameError::Marks), "{name:?}");
        }
        for name in [
            "Acme Reports",
            "1",
            "Café ☕",
            "Cafe\u{301} & Söhne (2)",
            "Nguyễn",
            "日本語\u{3000}アプリ",
            "한글",
            "עברית",
            "हिन्दी",
            "ไทยที่นี่",
        ] {
            assert_eq!(check(name), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn names_that_look_alike_share_a_key() {
        for (one, other) in [
            ("Acme Reports", "Acme Reports"),
            ("Acme Reports", "ACME REPORTS"),
            ("Acme Reports", "acme  reports"),
            ("Acme Reports", "AcmeReports"),
            ("Acme Reports", "Acme-Reports."),
            // Cyrillic letters, Greek ones, full width, mathematical ones.
            ("Acme Reports", "Аcmе Rероrts"),
            ("Acme Reports", "Αcme Reports"),
            ("Acme Reports", "Ａｃｍｅ Reports"),
            ("Acme Reports", "𝐀cme 𝖱eports"),
            ("Acme Reports", "Acrne Reports"),
            ("Paypal", "paypaI"),
            ("Paypal", "PAYPA1"),
            ("Illinois", "lllinois"),
            ("Illinois", "iIlinois"),
            ("Google", "G00gle"),
            ("House Check", "House\u{200b} Check"),
            ("House Check", "House\u{a0}Check"),
            // Punctuation and symbols of other blocks.
            ("Acme Reports", "Acme—Reports"),
            ("Acme Reports", "Acme – Reports"),
            ("Acme Reports", "Acme·Reports"),
            ("Acme Reports", "Acme \u{a78f} Reports"),
            ("Acme Reports", "“Acme Reports”"),
            ("Acme Reports", "Acme Reports™"),
            ("Acme Reports", "Acme® Reports"),
            ("Acme Reports", "Acme Reports ✓"),
            ("Acme Reports", "✅ Acme Reports"),
            ("Paypal", "Paypa|"),
        ] {
            assert!(
                look_alike(one, other),
                "{one} {other} {:?} {:?}",
                keys(one),
                keys(other)
            );
        }
        for (one, other) in [
            ("Acme Reports", "Acme Report"),
            ("Acme Reports", "Acme Reports 2"),
            ("Mail", "Mall"),
            ("!", "?"),
            ("北京", "東京"),
        ] {
            assert!(!look_alike(one, other), "{one} {other}");
        }
    }
}
