//! Declared objects: the scope catalogue, products, and the users, organizations, resources and apps that are created or
//! updated at start.

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
use crate::apps::registration::{AppName, ClientId, DisplayName, Email, ExternalId, ExternalOrganizationId, Slug};
use crate::store::model::{ActsAs, ClientType, GrantType, OrganizationKind, Reach, Role};
use hallpass_wire::{Origin, RedirectUri, Scope, Scopes};
use std::fmt;
use toml::{Table, Value};

section! {
    /// `[scopes.NAME]`: one entry of the catalogue.
    #[derive(PartialEq, Eq)]
    ScopeEntry {
        /// The permission in the words of the consent page.
        title: Localized = required(values::localized),
        /// One more sentence on the consent page.
        description: Option<Localized> = optional(values::localized),
        /// The endpoints of the API that need this scope, each `METHOD /path`.
        endpoints: Vec<String> = or(values::endpoints, Vec::new()),
        /// Whether an app that requests no scope gets it.
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
        /// The login, which is unique without regard to case. For a person with an `external_id`: the contact address and the
        /// name of the declaration, not a login.
        email: Email = required(values::email),
        /// The full name.
        name: DisplayName = required(values::name),
        /// `None`: the person cannot sign in with a password.
        password: Option<DeclaredPassword> = PasswordOrHash,
        /// A language tag such as `nl`.
        locale: Option<String> = optional(values::language),
        /// Whether the person operates the server.
        admin: bool = or(values::boolean, false),
        /// Whether the person may register apps. Such apps are trusted.
        developer: bool = or(values::boolean, false),
        /// The site's own id of the person, if the site signs the person in.
        external_id: Option<ExternalId> = optional(values::external_id),
    }
    check one_sign_in(external_id);
}

/// If the site signs a person in, Hallpass has no password for the person.
fn one_sign_in(fields: &mut Fields<'_>, external_id: Option<&Option<ExternalId>>) {
    let has_password = secrets::is_given(fields, "password") || fields.has("password_hash");
    if matches!(external_id, Some(Some(_))) && has_password {
        fields.problem("external_id", "the site signs this person in: leave the password out");
    }
}

/// A password as declared.
#[derive(Clone, PartialEq, Eq)]
pub enum DeclaredPassword {
    /// Plain text. It is hashed at start.
    Plain(Secret),
    /// A hash: an argon2id PHC string.
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

/// Reads `password`, `password_file` or `password_hash`.
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
    /// `[[organizations]]`: a customer of the API, whose data apps can get access to.
    Organization {
        /// The name in URLs and in the configuration, `[a-z0-9-]+`.
        slug: Slug = required(values::slug),
        /// The name on pages.
        name: DisplayName = required(values::name),
        /// A live organization, or a sandbox for tests.
        kind: OrganizationKind = or(values::word, OrganizationKind::Live),
        /// The id of the organization on the site. Once it has one, this is fixed.
        external_id: Option<ExternalOrganizationId> = optional(values::external_organization_id),
        /// The email address and the role of each member.
        members: Vec<(String, Role)> = or(members, Vec::new()),
    }
}

/// Reads members, each written `email:role`.
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
    /// `[[resources]]`: an API that checks tokens by introspection.
    Resource {
        /// The identifier, which is the audience of tokens for this API.
        identifier: String = required(values::identifier),
        /// The name on pages.
        name: DisplayName = required(values::name),
        /// The secret with which it authenticates at introspection.
        secret: Secret = RequiredSecret(secrets::client_secret),
        /// The scopes that it accepts. `None`: all.
        scopes: Option<Scopes> = optional(values::scopes),
    }
}

section! {
    /// `[[apps]]`: an OAuth client.
    App {
        /// The name on the consent page.
        name: AppName = required(values::app_name),
        /// The slug of the organization that owns it. `None`: the default organization.
        organization: Option<Slug> = optional(values::slug),
        /// The email address of the developer who manages it. `None`: only the operator manages it.
        owner: Option<Email> = optional(values::email),
        /// The client identifier (RFC 6749 §2.2).
        client_id: ClientId = required(values::client_id),
        /// Confidential, or public: unable to keep a secret (RFC 6749 §2.1).
        client_type: ClientType = Named("type", or(values::word, ClientType::Confidential)),
        /// The client secret. A public client has none.
        client_secret: Option<Secret> = OptionalSecret(secrets::client_secret),
        /// The registered redirect URIs.
        redirect_uris: Vec<RedirectUri> = or(values::redirect_uris, Vec::new()),
        /// Further origins of its pages. The origins of its redirect URIs need not be listed, those of WebViews do.
        origins: Vec<Origin> = or(values::origins, Vec::new()),
        /// The scopes that it may request. `None`: every scope of the catalogue. An empty list: no scope.
        scopes: Option<Scopes> = optional(values::scopes),
        /// The products to which it is subscribed. `None`: the default product. An empty list: no product, so no scope.
        products: Option<Vec<String>> = optional(values::texts),
        /// The grant types that it may use. `None`: every grant type that is offered. An empty list: no grant type.
        grant_types: Option<Vec<GrantType>> = optional(values::any_words),
        /// The organizations whose members may connect it.
        reach: Reach = or(values::word, Reach::Own),
        /// Whose its grants are: the person's who allows it, or the organization's.
        acts_as: ActsAs = or(values::word, ActsAs::Person),
        /// Whether `http://localhost` is accepted with any port. Only public apps may have this.
        localhost_any_port: bool = or(values::boolean, false),
    }
    check secret_of_its_type(client_type);
    check port_of_its_type(client_type, localhost_any_port);
}

/// A confidential app needs a secret. A public app must have none, because it cannot keep one (RFC 6749 §2.1).
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
                "a public app has no secret; leave it out, or write type = \"confidential\"",
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
