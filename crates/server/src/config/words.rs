//! The values that are one of a few words, and the words.

use super::sections::{DialectName, IdentityMember, Register, TokenFormat};
use crate::store::model::{ClientType, GrantType, OrganizationKind, Reach, Role};

/// A type whose every value is written as one word in the configuration.
pub(super) trait Word: Copy + PartialEq + 'static {
    /// Every value, in the order in which a message lists them.
    const ALL: &'static [Self];

    /// The word of this value.
    fn word(self) -> &'static str;

    /// The value that `word` stands for.
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.word() == word)
    }
}

/// Gives types of the configuration their words.
macro_rules! words {
    ($($type:ident { $($value:ident = $word:literal),+ $(,)? })+) => {$(
        impl $type {
            /// The word that stands for it in the configuration, and on the wire where it appears there.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $word),+
                }
            }
        }

        impl Word for $type {
            const ALL: &'static [Self] = &[$(Self::$value),+];

            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    )+};
}

words! {
    TokenFormat { Sealed = "sealed" }
    DialectName {
        Standard = "standard",
        Oauth2ServerPhp = "oauth2-server-php",
        Passport = "passport",
        Django = "django",
        Apigee = "apigee",
    }
    Register { Everyone = "everyone", Developers = "developers", Nobody = "nobody" }
    IdentityMember { Sub = "sub", Id = "id", Name = "name", Email = "email", Locale = "locale" }
}

/// Types of the store are written as they are kept.
macro_rules! kept {
    ($($type:ident),+) => {$(
        impl Word for $type {
            const ALL: &'static [Self] = Self::ALL;

            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    )+};
}

kept!(OrganizationKind, Role, ClientType, GrantType, Reach);
