//! Reads the scope catalogue, products and declared objects, one function a kind.

use super::declared::{App, DeclaredPassword, Organization, Product, Resource, ScopeEntry, User};
use super::fields::Fields;
use super::problems::join;
use super::secret::Secret;
use super::tree::Node;
use super::words::Word;
use super::{secrets, values};
use crate::accounts::passwords;
use crate::store::model::{ClientType, MOST_REDIRECT_URIS, OrganizationKind, Reach, Role};
use hallpass_wire::redirect_uri::Schemes;
use hallpass_wire::{Scope, Scopes};
use indexmap::IndexMap;

/// `[scopes.NAME]`.
pub(super) fn scopes(top: &mut Fields<'_>) -> IndexMap<Scope, ScopeEntry> {
    let mut catalogue = IndexMap::new();
    for (name, entry) in top.entries("scopes", scope) {
        match Scope::parse(&name) {
            Ok(scope) => {
                catalogue.insert(scope, entry);
            }
            Err(error) => {
                top.problems.add(&join("scopes", &name), error);
                top.problems.leave_out("scopes");
            }
        }
    }
    catalogue
}

fn scope(_: &str, mut fields: Fields<'_>) -> Option<ScopeEntry> {
    let title = fields.required("title", values::localized);
    let description = fields.optional("description", values::localized);
    let endpoints = fields.optional("endpoints", values::endpoints);
    let default = fields.optional("default", values::boolean);
    if fields.optional("approval", values::boolean) == Some(true) {
        fields.problem("approval", "approval of scopes is not available yet");
    }
    fields.finish();
    Some(ScopeEntry {
        title: title?,
        description,
        endpoints: endpoints.unwrap_or_default(),
        default: default.unwrap_or(false),
    })
}

/// `[products."NAME"]`.
pub(super) fn product(name: &str, mut fields: Fields<'_>) -> Option<Product> {
    let fits = |letter: char| !letter.is_control() && !matches!(letter, ',' | '[' | ']');
    if name.trim() != name || name.is_empty() || name.len() > 200 || !name.chars().all(fits) {
        let path = fields.path.clone();
        fields.problems.add(
            &path,
            "a product's name is 1 to 200 characters without comma and brackets",
        );
    }
    let scopes = fields.required("scopes", values::scopes);
    fields.finish();
    Some(Product { scopes: scopes? })
}

/// `[[users]]`.
pub(super) fn user(mut fields: Fields<'_>) -> Option<User> {
    let email = fields.required("email", values::email);
    let name = fields.required("name", values::line);
    let plain = secrets::optional(&mut fields, "password", "password_file", secrets::password);
    let hash = fields.optional("password_hash", password_hash);
    let locale = fields.optional("locale", values::language);
    let admin = fields.optional("admin", values::boolean);
    let developer = fields.optional("developer", values::boolean);
    let external_id = fields.optional("external_id", values::external_id);
    if external_id.is_some() && (plain.is_some() || hash.is_some()) {
        fields.problem("external_id", "the site signs this person in: leave the password out");
    }
    let password = match (plain, hash) {
        (Some(_), Some(_)) => {
            fields.problem("password_hash", "give either a password or `password_hash`");
            None
        }
        (Some(plain), None) => Some(DeclaredPassword::Plain(plain)),
        (None, hash) => hash.map(DeclaredPassword::Hash),
    };
    fields.finish();
    Some(User {
        email: email?,
        name: name?,
        password,
        locale,
        admin: admin.unwrap_or(false),
        developer: developer.unwrap_or(false),
        external_id,
    })
}

fn password_hash(node: &Node) -> Result<String, String> {
    let hash = values::text(node)?;
    passwords::check(&hash).map_err(|fault| fault.to_string())?;
    Ok(hash)
}

/// `[[organizations]]`.
pub(super) fn organization(mut fields: Fields<'_>) -> Option<Organization> {
    let slug = fields.required("slug", values::slug);
    let name = fields.required("name", values::line);
    let kind = fields.optional("kind", values::word);
    let members = fields.optional("members", members);
    fields.finish();
    Some(Organization {
        slug: slug?,
        name: name?,
        kind: kind.unwrap_or(OrganizationKind::Live),
        members: members.unwrap_or_default(),
    })
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

/// `[[resources]]`.
pub(super) fn resource(mut fields: Fields<'_>) -> Option<Resource> {
    let identifier = fields.required("identifier", values::identifier);
    let name = fields.required("name", values::line);
    let secret = secrets::required(&mut fields, "secret", "secret_file", secrets::client_secret);
    let scopes = fields.optional("scopes", values::scopes);
    fields.finish();
    Some(Resource {
        identifier: identifier?,
        name: name?,
        secret: secret?,
        scopes,
    })
}

/// `[[apps]]`; `schemes` are those without a dot that the operator admits.
pub(super) fn app(mut fields: Fields<'_>, schemes: &[String]) -> Option<App> {
    let name = fields.required("name", values::line);
    let organization = fields.optional("organization", values::slug);
    let owner = fields.optional("owner", values::email);
    let client_id = fields.required("client_id", values::client_id);
    let client_type = fields
        .optional("type", values::word)
        .unwrap_or(ClientType::Confidential);
    let client_secret = client_secret(&mut fields, client_type);
    let schemes = Schemes {
        listed: schemes,
        public: client_type == ClientType::Public,
    };
    let redirect_uris = fields.optional("redirect_uris", |node| values::redirect_uris(node, schemes));
    if redirect_uris
        .as_ref()
        .is_some_and(|uris| uris.len() > MOST_REDIRECT_URIS)
    {
        let text = format!("an app has at most {MOST_REDIRECT_URIS} redirect URIs");
        fields.problem("redirect_uris", &text);
    }
    let origins = fields.optional("origins", values::origins);
    let scopes: Option<Scopes> = fields.optional("scopes", values::scopes);
    let products = fields.optional("products", values::texts);
    let grant_types = fields.optional("grant_types", values::any_words);
    let reach = fields.optional("reach", values::word);
    let localhost_any_port = fields.optional("localhost_any_port", values::boolean);
    if localhost_any_port == Some(true) && client_type == ClientType::Confidential {
        fields.problem(
            "localhost_any_port",
            "a free port is for native apps, which are public (RFC 8252 §8.4)",
        );
    }
    fields.finish();
    Some(App {
        name: name?,
        organization,
        owner,
        client_id: client_id?,
        client_secret,
        redirect_uris: redirect_uris.unwrap_or_default(),
        origins: origins.unwrap_or_default(),
        scopes,
        products,
        grant_types,
        client_type,
        reach: reach.unwrap_or(Reach::Own),
        localhost_any_port: localhost_any_port.unwrap_or(false),
    })
}

/// A confidential app has a secret; a public one must not, for it could not keep it (RFC 6749 §2.1).
fn client_secret(fields: &mut Fields<'_>, client_type: ClientType) -> Option<Secret> {
    if client_type == ClientType::Confidential {
        return secrets::required(fields, "client_secret", "client_secret_file", secrets::client_secret);
    }
    let given = ["client_secret", "client_secret_file"].map(|key| fields.take(key).is_some().then_some(key));
    for key in given.into_iter().flatten() {
        fields.problem(
            key,
            "a public app has no secret; leave it out, or say type = \"confidential\"",
        );
    }
    None
}
