//! What a configuration declares: the scope catalogue, products, and the objects that are created or updated at start.

use super::fields::Fields;
use super::localized::Localized;
use super::secret::Secret;
use super::secrets::{self, OptionalSecret, RequiredSecret};
use super::section::{Named, Setting, optional, or, required, section};
use super::shown::{HIDDEN, Shown};
use super::tree::Node;
use super::values;
use super::words::Word as _;
use crate::accounts::passwords;
use crate::apps::registration::{AppName, ClientId, DisplayName, Email, ExternalId, Slug};
use crate::store::model::{ClientType, GrantType, OrganizationKind, Reach, Role};
use hallpass_wire::{Origin, RedirectUri, Scope, Scopes};
use std::fmt;
use toml::{Table, Value};

section! {
    /// `[scopes.NAME]`: one entry of the catalogue.
    #[derive(PartialEq, Eq)]
    ScopeEntry {
        /// What the consent page says it opens.
        title: Localized = required(values::localized),
        /// A sentence more.
        description: Option<Localized> = optional(values::localized),
        /// The endpoints it opens, each `METHOD /path`.
        endpoints: Vec<String> = or(values::endpoints, Vec::new()),
        /// Whether it is asked for when an app names no scope.
        default: bool = or(values::boolean, false),
    }
    check approval_is_planned();
}

pub(super) fn scope_name(name: &str) -> Result<Scope, String> {
    Scope::parse(name).map_err(|error| error.to_string())
}

fn approval_is_planned(fields: &mut Fields<'_>) {
    if fields.optional("approval", values::boolean) == Some(true) {
        fields.problem("approval", "approval of scopes is not available yet");
    }
}

section! {
    /// `[products."NAME"]`: a named bundle of scopes that an app is subscribed to.
    #[derive(PartialEq, Eq)]
    Product {
        /// The scopes that an app with this product may use.
        scopes: Scopes = required(values::scopes),
    }
}

pub(super) fn product_name(name: &str) -> Result<String, String> {
    let fits = |letter: char| !letter.is_control() && !matches!(letter, ',' | '[' | ']');
    if name.trim() != name || name.is_empty() || name.len() > 200 || !name.chars().all(fits) {
        return Err("a product's name is 1 to 200 characters without comma and brackets".to_owned());
    }
    Ok(name.to_owned())
}

section! {
    /// `[[users]]`: a person.
    User {
        /// The login, unique whatever the case of its letters. With `external_id`: a label, and the name of the declaration.
        email: Email = required(values::email),
        /// The full name.
        name: DisplayName = required(values::name),
        /// The password; none: the person cannot log in by one.
        password: Option<DeclaredPassword> = PasswordOrHash,
        /// The language, a tag such as `nl`.
        locale: Option<String> = optional(values::language),
        /// Whether this person operates the server.
        admin: bool = or(values::boolean, false),
        /// Whether this person registers apps, which are trusted.
        developer: bool = or(values::boolean, false),
        /// The site's own id of a person whom the site signs in.
        external_id: Option<ExternalId> = optional(values::external_id),
    }
    check one_sign_in(external_id);
}

/// A person whom the site signs in has no password here.
fn one_sign_in(fields: &mut Fields<'_>, external_id: Option<&Option<ExternalId>>) {
    let has_password = secrets::is_given(fields, "password") || fields.has("password_hash");
    if matches!(external_id, Some(Some(_))) && has_password {
        fields.problem("external_id", "the site signs this person in: leave the password out");
    }
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

/// `password`, `password_file` or `password_hash`.
struct PasswordOrHash;

impl Setting<Option<DeclaredPassword>> for PasswordOrHash {
    fn read(&self, name: &'static str, fields: &mut Fields<'_>) -> Option<Option<DeclaredPassword>> {
        let plain = secrets::read_optional(fields, name, secrets::password);
        let hash = fields.optional("password_hash", password_hash);
        if plain.is_some() && hash.is_some() {
            fields.problem("password_hash", "give either a password or `password_hash`");
        }
        let plain = plain.map(DeclaredPassword::Plain);
        Some(plain.or(hash.map(DeclaredPassword::Hash)))
    }

    fn show(&self, name: &'static str, password: &Option<DeclaredPassword>, table: &mut Table) {
        let name = match password {
            Some(DeclaredPassword::Plain(_)) => name,
            Some(DeclaredPassword::Hash(_)) => "password_hash",
            None => return,
        };
        table.insert(name.to_owned(), HIDDEN.into());
    }
}

fn password_hash(node: &Node) -> Result<String, String> {
    let hash = values::text(node)?;
    passwords::check(&hash).map_err(|fault| fault.to_string())?;
    Ok(hash)
}

section! {
    /// `[[organizations]]`: a customer of the API, whose data apps reach.
    Organization {
        /// Its name in addresses and configuration, `[a-z0-9-]+`.
        slug: Slug = required(values::slug),
        /// Its name for people.
        name: DisplayName = required(values::name),
        /// Real or for trying out.
        kind: OrganizationKind = or(values::word, OrganizationKind::Live),
        /// Who belongs to it, by email, and as what.
        members: Vec<(String, Role)> = or(members, Vec::new()),
    }
}

/// `email:role`, each.
fn members(node: &Node) -> Result<Vec<(String, Role)>, String> {
    let member = |text: String| {
        let found = text
            .rsplit_once(':')
            .and_then(|(email, word)| Some((email.to_owned(), Role::from_word(word)?)));
        found
            .ok_or_else(|| format!("expected \"email:owner\", \"email:developer\" or \"email:member\", found {text:?}"))
    };
    values::texts(node)?.into_iter().map(member).collect()
}

impl Shown for (String, Role) {
    fn shown(&self) -> Value {
        format!("{}:{}", self.0, self.1.as_str()).into()
    }
}

section! {
    /// `[[resources]]`: an API that asks whether tokens are good.
    Resource {
        /// Its identifier, the audience of tokens meant for it.
        identifier: String = required(values::identifier),
        /// Its name for people.
        name: DisplayName = required(values::name),
        /// What it authenticates with at introspection.
        secret: Secret = RequiredSecret(secrets::client_secret),
        /// The scopes it takes; none: all.
        scopes: Option<Scopes> = optional(values::scopes),
    }
}

section! {
    /// `[[apps]]`: an OAuth client.
    App {
        /// Its name on the consent page.
        name: AppName = required(values::app_name),
        /// The slug of the owner; none: the default organization.
        organization: Option<Slug> = optional(values::slug),
        /// The email of the developer who manages it; none: the operator alone.
        owner: Option<Email> = optional(values::email),
        /// The client identifier (RFC 6749 §2.2).
        client_id: ClientId = required(values::client_id),
        /// Whether it can keep a secret.
        client_type: ClientType = Named("type", or(values::word, ClientType::Confidential)),
        /// The client secret; a public client has none.
        client_secret: Option<Secret> = OptionalSecret(secrets::client_secret),
        /// The registered redirect URIs.
        redirect_uris: Vec<RedirectUri> = or(values::redirect_uris, Vec::new()),
        /// The origins of its pages, beside those of its redirect URIs: WebViews have one that is no redirect URI.
        origins: Vec<Origin> = or(values::origins, Vec::new()),
        /// The scopes it may ask for, an empty list: nothing; none: the whole catalogue.
        scopes: Option<Scopes> = optional(values::scopes),
        /// The products it is subscribed to, an empty list: none, so it may ask for nothing; none: the default product.
        products: Option<Vec<String>> = optional(values::texts),
        /// The grant types it may use, an empty list: none of them; none: all that are offered.
        grant_types: Option<Vec<GrantType>> = optional(values::any_words),
        /// Whose users may connect it.
        reach: Reach = or(values::word, Reach::Own),
        /// Whether `http://localhost` is admitted with any port; for public apps only.
        localhost_any_port: bool = or(values::boolean, false),
    }
    check secret_of_its_type(client_type);
    check port_of_its_type(client_type, localhost_any_port);
}

/// A confidential app has a secret; a public one must not, for it could not keep it (RFC 6749 §2.1).
fn secret_of_its_type(fields: &mut Fields<'_>, client_type: Option<&ClientType>) {
    if client_type == Some(&ClientType::Confidential) {
        if !secrets::is_given(fields, "client_secret") {
            secrets::missing(fields, "client_secret");
        }
        return;
    }
    for key in ["client_secret", "client_secret_file"] {
        if fields.has(key) {
            fields.problem(
                key,
                "a public app has no secret; leave it out, or say type = \"confidential\"",
            );
        }
    }
}

fn port_of_its_type(fields: &mut Fields<'_>, client_type: Option<&ClientType>, any_port: Option<&bool>) {
    if any_port == Some(&true) && client_type == Some(&ClientType::Confidential) {
        fields.problem(
            "localhost_any_port",
            "a free port is for native apps, which are public (RFC 8252 §8.4)",
        );
    }
}
