//! The configuration: presets, the operator's file, the environment and the command line are merged and checked together.
//!
//! Every value of a [`Config`] has been checked. No later code validates it again.

mod declared;
mod fields;
mod judge;
mod load;
mod localized;
mod offer;
mod presets;
mod problems;
mod secret;
mod secrets;
mod section;
mod sections;
mod show;
mod shown;
mod tree;
mod values;
mod warnings;
mod words;

#[cfg(test)]
mod tests;

pub use declared::{App, DeclaredPassword, Organization, Product, Resource, ScopeEntry, User};
pub use load::{Loaded, Source, default_file};
pub use localized::Localized;
pub use presets::{DEFAULT, preset_names, preset_text};
pub use problems::ConfigError;
pub use secret::Secret;
pub use sections::{
    Audit, Brand, Defaults, ForwardAuth, Handover, IdentityMember, Keys, Lifetime, Paths, Portal, Register, Server,
    Store, StoreUrl, TokenFormat, Tokens, Wire,
};

pub(crate) use secrets::{beginning, from_outside, typeable};
pub(crate) use sections::{is_on_this_computer, page_url};
pub(crate) use values::language_tag;
// These types have the same words in the configuration and in the store.
pub use crate::store::model::{ClientType, GrantType, OrganizationKind, Reach, Role};
pub use hallpass_dialect::DialectName;

use fields::Fields;
use hallpass_wire::Scope;
use indexmap::IndexMap;
use section::{ListOfTables, OneTable, OptionalTable, TablesByName, required, section};

section! {
    /// The effective configuration.
    Config {
        /// The name of its preset.
        preset: String = required(values::text),
        /// `[server]`.
        server: Server = OneTable,
        /// `[store]`.
        store: Store = OneTable,
        /// `[tokens]`.
        tokens: Tokens = OneTable,
        /// `[wire]`.
        wire: Wire = OneTable,
        /// `[keys]`.
        keys: Keys = OneTable,
        /// `[paths]`.
        paths: Paths = OneTable,
        /// `[defaults]`.
        defaults: Defaults = OneTable,
        /// `[handover]`. None: people sign in with passwords of this server.
        handover: Option<Handover> = OptionalTable,
        /// `[forward_auth]`. None: no proxy may ask.
        forward_auth: Option<ForwardAuth> = OptionalTable,
        /// `[portal]`.
        portal: Portal = OneTable,
        /// `[audit]`.
        audit: Audit = OneTable,
        /// `[brand]`.
        brand: Brand = OneTable,
        /// `[scopes.NAME]`: the catalogue, in the order written.
        scopes: IndexMap<Scope, ScopeEntry> = TablesByName(declared::scope_name),
        /// `[products."NAME"]`, in the order written.
        products: IndexMap<String, Product> = TablesByName(declared::product_name),
        /// `[[users]]`, in the order of declaration.
        users: Vec<User> = ListOfTables,
        /// `[[organizations]]`.
        organizations: Vec<Organization> = ListOfTables,
        /// `[[resources]]`.
        resources: Vec<Resource> = ListOfTables,
        /// `[[apps]]`.
        apps: Vec<App> = ListOfTables,
    }
    check sections_that_are_planned();
}

fn sections_that_are_planned(fields: &mut Fields<'_>) {
    fields.later(&["outgoing", "admin"]);
}

impl Config {
    /// Whether the default organization is hidden: its slug is `default`, and it is not declared.
    #[must_use]
    pub fn hides_default_organization(&self) -> bool {
        let mut declared = self.organizations.iter();
        self.defaults.organization == "default" && !declared.any(|organization| organization.slug == "default")
    }
}
