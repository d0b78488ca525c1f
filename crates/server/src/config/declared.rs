//! What a configuration declares: the scope catalogue, products, and the objects that are created or updated at start.

use super::secret::Secret;
use crate::store::model::{ClientType, GrantType, OrganizationKind, Reach, Role};
use hallpass_wire::{Origin, RedirectUri, Scopes};
use indexmap::IndexMap;
use std::fmt;

/// `[scopes.NAME]`: one entry of the catalogue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScopeEntry {
    /// What the consent page says it opens.
    pub title: Localized,
    /// A sentence more.
    pub description: Option<Localized>,
    /// The endpoints it opens, each `METHOD /path`.
    pub endpoints: Vec<String>,
    /// Whether it is asked for when an app names no scope.
    pub default: bool,
}

/// A text in one or more languages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Localized {
    /// The same for everybody.
    Plain(String),
    /// By language tag, in the order written; never empty.
    ByLanguage(IndexMap<String, String>),
}

impl Localized {
    /// The text for `language` (`nl`, `nl-BE`): that tag, its language, else English, else the first.
    #[must_use]
    pub fn get(&self, language: &str) -> &str {
        let texts = match self {
            Self::Plain(text) => return text,
            Self::ByLanguage(texts) => texts,
        };
        let wanted = |tag: &str| texts.iter().find(|(key, _)| key.eq_ignore_ascii_case(tag));
        let primary = language.split('-').next().unwrap_or(language);
        wanted(language)
            .or_else(|| wanted(primary))
            .or_else(|| wanted("en"))
            .or_else(|| texts.first())
            .map_or("", |(_, text)| text)
    }
}

/// `[products."NAME"]`: a named bundle of scopes that an app is subscribed to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Product {
    /// The scopes that an app with this product may use.
    pub scopes: Scopes,
}

/// `[[users]]`: a person.
#[derive(Clone, Debug)]
pub struct User {
    /// The login, unique whatever the case of its letters. With `external_id`: a label, and the name of the declaration.
    pub email: String,
    /// The full name.
    pub name: String,
    /// The password; none: the person cannot log in by one.
    pub password: Option<DeclaredPassword>,
    /// The language, a tag such as `nl`.
    pub locale: Option<String>,
    /// Whether this person operates the server.
    pub admin: bool,
    /// Whether this person registers apps, which are trusted.
    pub developer: bool,
    /// The site's own id of a person whom the site signs in.
    pub external_id: Option<String>,
}

/// A password as declared.
#[derive(Clone, PartialEq, Eq)]
pub enum DeclaredPassword {
    /// In plain, to be hashed at start.
    Plain(Secret),
    /// Already hashed: an argon2id PHC string.
    Hash(String),
}

impl fmt::Debug for DeclaredPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain(…)",
            Self::Hash(_) => "Hash(…)",
        })
    }
}

/// `[[organizations]]`: a customer of the API, whose data apps reach.
#[derive(Clone, Debug)]
pub struct Organization {
    /// Its name in addresses and configuration, `[a-z0-9-]+`.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// Real or for trying out.
    pub kind: OrganizationKind,
    /// Who belongs to it, by email, and as what.
    pub members: Vec<(String, Role)>,
}

/// `[[resources]]`: an API that asks whether tokens are good.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Its identifier, the audience of tokens meant for it.
    pub identifier: String,
    /// Its name for people.
    pub name: String,
    /// What it authenticates with at introspection.
    pub secret: Secret,
    /// The scopes it takes; none: all.
    pub scopes: Option<Scopes>,
}

/// `[[apps]]`: an OAuth client.
#[derive(Clone, Debug)]
pub struct App {
    /// Its name on the consent page.
    pub name: String,
    /// The slug of the owner; none: the default organization.
    pub organization: Option<String>,
    /// The email of the developer who manages it; none: the operator alone.
    pub owner: Option<String>,
    /// The client identifier (RFC 6749 §2.2).
    pub client_id: String,
    /// The client secret; a public client has none.
    pub client_secret: Option<Secret>,
    /// The registered redirect URIs.
    pub redirect_uris: Vec<RedirectUri>,
    /// The origins of its pages, beside those of its redirect URIs: WebViews have one that is no redirect URI.
    pub origins: Vec<Origin>,
    /// The scopes it may ask for, an empty list: nothing; none: the whole catalogue.
    pub scopes: Option<Scopes>,
    /// The products it is subscribed to, an empty list: none, so it may ask for nothing; none: the default product.
    pub products: Option<Vec<String>>,
    /// The grant types it may use, an empty list: none of them; none: all that are offered.
    pub grant_types: Option<Vec<GrantType>>,
    /// Whether it can keep a secret (key `type`).
    pub client_type: ClientType,
    /// Whose users may connect it.
    pub reach: Reach,
    /// Whether `http://localhost` is admitted with any port; for public apps only.
    pub localhost_any_port: bool,
}
