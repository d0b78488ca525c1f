use crate::config::section::{required, section};
use crate::config::values;
use crate::config::words::words;
use crate::store::model::GrantType;
use hallpass_dialect::DialectName;

section! {
    /// `[wire]`: how answers look and what is offered.
    Wire {
        /// Whose answers the server gives.
        dialect: DialectName = required(values::word),
        /// The members of the identity endpoint, in order.
        identity: Vec<IdentityMember> = required(values::words),
        /// Whether refusals of the resource side carry `message` beside the dialect's own members.
        refusal_message: bool = required(values::boolean),
        /// Whether the `apigee` dialect gives its member with the empty name.
        empty_member: bool = required(values::boolean),
        /// Whether a confidential app without redirect URIs gets a page to copy the code from.
        code_page: bool = required(values::boolean),
        /// The grant types that are offered at all.
        grant_types: Vec<GrantType> = required(values::words),
        /// Whether confidential clients must use PKCE too; public ones always must.
        require_pkce: bool = required(values::boolean),
    }
}

words! {
    /// What the identity endpoint can tell about a user.
    IdentityMember {
        /// The subject, a UUID as text.
        Sub = "sub",
        /// The numeric id.
        Id = "id",
        /// The full name.
        Name = "name",
        /// The email address.
        Email = "email",
        /// The language.
        Locale = "locale",
    }
}
