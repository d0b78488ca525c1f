//! One spelling for texts that people type in several: a letter with an accent may be one character or two, and keyboards
//! have more than one kind of space.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{EnumeratedProperty as _, GeneralCategory};
use std::borrow::Cow;

const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();

/// Maps a password as RFC 8265 §4.2.2 does (`OpaqueString`): every space becomes the ASCII space, letters are composed, and
/// case is kept. Borrowed if nothing changes.
///
/// Characters that the profile forbids are kept as well. Its tables do not know letters that are newer than they are, and a
/// person with such a letter in the password must get in.
#[must_use]
pub(crate) fn password(typed: &str) -> Cow<'_, str> {
    let is_space = |letter| letter != ' ' && GeneralCategory::for_char(letter) == GeneralCategory::SpaceSeparator;
    if !typed.contains(is_space) {
        return NFC.normalize(typed);
    }
    let spaced = typed.chars().map(|letter| if is_space(letter) { ' ' } else { letter });
    NFC.normalize_iter(spaced).collect::<String>().into()
}

/// An e-mail address as it is stored and compared: trimmed, in lower case, composed. No mail server in use distinguishes
/// the case of the local part.
#[must_use]
pub(crate) fn email(typed: &str) -> String {
    // Lower case comes first: the lower case of a composed letter may be two characters.
    NFC.normalize(&typed.trim().to_lowercase()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8265 §4.3, and the other spaces of Unicode.
    #[test]
    fn a_password_keeps_its_case_and_has_one_kind_of_space() {
        for (typed, mapped) in [
            ("correct horse battery staple", "correct horse battery staple"),
            ("Correct Horse Battery Staple", "Correct Horse Battery Staple"),
            ("πßå", "πßå"),
            ("Jack of \u{2666}s", "Jack of \u{2666}s"),
            ("foo\u{1680}bar", "foo bar"),
            ("\u{a0}a\u{2003}b\u{202f}c\u{3000}", " a b c "),
            ("pa\u{308}ssword", "p\u{e4}ssword"),
            ("\u{212b}ngstro\u{308}m", "\u{c5}ngstr\u{f6}m"),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
            ("\u{1f468}\u{200d}\u{1f469}", "\u{1f468}\u{200d}\u{1f469}"),
        ] {
            assert_eq!(password(typed), mapped);
            assert!(
                matches!(password(mapped), Cow::Borrowed(same) if same == mapped),
                "{mapped}"
            );
        }
    }

    #[test]
    fn an_address_is_the_same_in_any_case_and_composed_or_not() {
        for typed in [
            " Jos\u{e9}@B\u{fc}cher.example ",
            "JOSE\u{301}@BU\u{308}CHER.EXAMPLE",
            "jose\u{301}@bu\u{308}cher.example",
        ] {
            assert_eq!(email(typed), "jos\u{e9}@b\u{fc}cher.example");
        }
        for typed in ["\u{130}@example.com", "I\u{307}@example.com"] {
            assert_eq!(email(typed), "i\u{307}@example.com");
        }
    }
}
