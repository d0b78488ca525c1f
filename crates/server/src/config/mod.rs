//! The configuration: presets, the operator's file, the environment and the command line, judged as a whole.
//!
//! What a value of [`Config`] says has been checked; nothing is validated again later.

mod declared;
mod fields;
mod judge;
mod load;
mod objects;
mod presets;
mod problems;
mod read;
mod secret;
mod secrets;
mod sections;
mod show;
mod tree;
mod values;
mod warnings;
mod words;

#[cfg(test)]
mod tests;

pub use declared::{App, DeclaredPassword, Localized, Organization, Product, Resource, ScopeEntry, User};
pub use load::{Loaded, Source, default_file};
pub use presets::{DEFAULT, preset_names, preset_text};
pub use problems::ConfigError;
pub use secret::Secret;
pub use sections::{
    Audit, Brand, Defaults, DialectName, IdentityMember, Keys, Lifetime, Paths, Portal, Register, Server, Store,
    StoreUrl, TokenFormat, Tokens, Wire,
};

pub(crate) use secrets::{beginning, from_outside, typeable};
pub(crate) use values::{email_address, language_tag, one_line, slug_text};
// Said in the configuration as the store keeps them.
pub use crate::store::model::{ClientType, GrantType, OrganizationKind, Reach, Role};

use hallpass_wire::Scope;
use indexmap::IndexMap;

/// The effective configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The name of the preset it is built on.
    pub preset: String,
    /// `[server]`.
    pub server: Server,
    /// `[store]`.
    pub store: Store,
    /// `[tokens]`.
    pub tokens: Tokens,
    /// `[wire]`.
    pub wire: Wire,
    /// `[keys]`.
    pub keys: Keys,
    /// `[paths]`.
    pub paths: Paths,
    /// `[defaults]`.
    pub defaults: Defaults,
    /// `[portal]`.
    pub portal: Portal,
    /// `[audit]`.
    pub audit: Audit,
    /// `[brand]`.
    pub brand: Brand,
    /// `[scopes.NAME]`: the catalogue, in the order written.
    pub scopes: IndexMap<Scope, ScopeEntry>,
    /// `[products."NAME"]`, in the order written.
    pub products: IndexMap<String, Product>,
    /// `[[users]]`, in the order of declaration.
    pub users: Vec<User>,
    /// `[[organizations]]`.
    pub organizations: Vec<Organization>,
    /// `[[resources]]`.
    pub resources: Vec<Resource>,
    /// `[[apps]]`.
    pub apps: Vec<App>,
}
