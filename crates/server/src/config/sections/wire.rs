use crate::config::section::{required, section};
use crate::config::values;
use crate::config::words::words;
use crate::store::model::GrantType;
use hallpass_dialect::DialectName;

section! {
    /// `[wire]`: the form of responses, and the grant types on offer.
    Wire {
        /// The server software whose responses Hallpass imitates, or the standard.
        dialect: DialectName = required(values::word),
        /// The members of the identity endpoint, in order.
        identity: Vec<IdentityMember> = required(values::words),
        /// Whether refusals of access tokens have the member `message` in addition to those of the dialect.
        refusal_message: bool = required(values::boolean),
        /// Whether responses of the `apigee` dialect have the member with the empty name.
        empty_member: bool = required(values::boolean),
        /// Whether a page shows the code to copy, for a confidential app without redirect URIs.
        code_page: bool = required(values::boolean),
        /// The grant types that apps may have.
        grant_types: Vec<GrantType> = required(values::words),
        /// Whether confidential clients must use PKCE. Public clients always must.
        require_pkce: bool = required(values::boolean),
    }
}

words! {
    /// A member of the identity endpoint's response.
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
