//! Enums that are written as words in the configuration.

use crate::store::model::{ActsAs, ClientType, GrantType, OrganizationKind, Reach, Role};
use hallpass_dialect::DialectName;

/// An enum of which each value is written as one word.
pub(super) trait Word: Copy + PartialEq + 'static {
    /// Every value, in the order of messages.
    const ALL: &'static [Self];

    fn word(self) -> &'static str;

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.word() == word)
    }
}

/// Declares an enum with its words.
macro_rules! words {
    ($(#[$doc:meta])* $type:ident { $($(#[$value_doc:meta])* $value:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $type {
            $($(#[$value_doc])* $value),+
        }

        impl $type {
            /// The word in the configuration and, if the value is sent to clients, in responses.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $word),+
                }
            }
        }

        impl $crate::config::words::Word for $type {
            const ALL: &'static [Self] = &[$(Self::$value),+];

            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    };
}
pub(super) use words;

/// Enums of the store and of the dialects have their words already.
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

kept!(
    ActsAs,
    OrganizationKind,
    Role,
    ClientType,
    GrantType,
    Reach,
    DialectName
);
