//! The values that are one of a few words, and the words.

use super::declared::{ClientType, OrganizationKind, Reach, Role};
use super::sections::{DialectName, GrantType, IdentityMember, TokenFormat};

/// A type whose every value is written as one word in the configuration.
pub(super) trait Word: Copy + PartialEq + 'static {
    /// Each value with its word, in the order in which a message lists them.
    const WORDS: &'static [(&'static str, Self)];
}

/// Implements [`Word`] and the word as text, from one table.
macro_rules! words {
    ($($type:ident { $($value:ident = $word:literal),+ $(,)? })+) => {$(
        impl Word for $type {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$value)),+];
        }

        impl $type {
            /// The word that stands for it in the configuration, and on the wire where it appears there.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $word),+
                }
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
    IdentityMember { Sub = "sub", Id = "id", Name = "name", Email = "email", Locale = "locale" }
    GrantType {
        AuthorizationCode = "authorization_code",
        RefreshToken = "refresh_token",
        ClientCredentials = "client_credentials",
    }
    OrganizationKind { Live = "live", Sandbox = "sandbox" }
    Role { Owner = "owner", Developer = "developer", Member = "member" }
    ClientType { Confidential = "confidential", Public = "public" }
    Reach { Own = "own", Partner = "partner" }
}
