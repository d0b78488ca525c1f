//! Values that are one of a few words.

use crate::store::model::{ClientType, GrantType, OrganizationKind, Reach, Role};
use hallpass_dialect::DialectName;

/// A type whose every value is written as one word in the configuration.
pub(super) trait Word: Copy + PartialEq + 'static {
    /// Every value, in the order in which a message lists them.
    const ALL: &'static [Self];

    fn word(self) -> &'static str;

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.word() == word)
    }
}

/// Declares a type of the configuration with its words.
macro_rules! words {
    ($(#[$doc:meta])* $type:ident { $($(#[$value_doc:meta])* $value:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $type {
            $($(#[$value_doc])* $value),+
        }

        impl $type {
            /// The word in the configuration, and on the wire where it appears there.
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

/// Types of the store are written as they are kept, dialects as their crate names them.
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

kept!(OrganizationKind, Role, ClientType, GrantType, Reach, DialectName);
