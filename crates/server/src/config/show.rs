//! The effective configuration as TOML, without its secrets.

use super::declared::{App, DeclaredPassword, Localized, Organization, Resource, ScopeEntry, User};
use super::sections::{Lifetime, StoreUrl};
use super::{Config, GrantType};
use crate::store::model::Role;
use hallpass_wire::Scopes;
use std::path::Path;
use std::time::Duration;
use toml::{Table, Value};

/// What stands in place of a secret.
const HIDDEN: &str = "…";

impl Config {
    /// The effective configuration as a `hallpass.toml` would say it, each secret as `…`.
    #[must_use]
    pub fn show(&self) -> String {
        let mut table = Table::new();
        put(&mut table, "preset", self.preset.as_str());
        for (name, section) in self.sections() {
            put(&mut table, name, section);
        }
        let scopes = self
            .scopes
            .iter()
            .map(|(name, entry)| (name.to_string(), Value::Table(scope(entry))));
        put(&mut table, "scopes", scopes.collect::<Table>());
        let products = self.products.iter().map(|(name, product)| {
            let product = Table::from_iter([("scopes".to_owned(), scopes_value(&product.scopes))]);
            (name.clone(), Value::Table(product))
        });
        put(&mut table, "products", products.collect::<Table>());
        put(&mut table, "users", tables(&self.users, user));
        put(&mut table, "organizations", tables(&self.organizations, organization));
        put(&mut table, "resources", tables(&self.resources, resource));
        put(&mut table, "apps", tables(&self.apps, app));
        table.retain(|_, value| !empty(value));
        table.to_string()
    }

    fn sections(&self) -> [(&'static str, Table); 10] {
        [
            ("server", self.server_section()),
            ("store", self.store_section()),
            ("tokens", self.tokens_section()),
            ("wire", self.wire_section()),
            ("keys", self.keys_section()),
            ("paths", self.paths_section()),
            ("defaults", self.defaults_section()),
            ("portal", self.portal_section()),
            (
                "audit",
                Table::from_iter([("kept".to_owned(), duration(self.audit.kept).into())]),
            ),
            (
                "brand",
                Table::from_iter([("name".to_owned(), self.brand.name.as_str().into())]),
            ),
        ]
    }

    fn server_section(&self) -> Table {
        let mut table = Table::new();
        put(&mut table, "listen", self.server.listen.to_string());
        put_some(&mut table, "public_url", self.server.public_url.as_deref());
        put_some(&mut table, "api_url", self.server.api_url.as_deref());
        let proxies: Vec<String> = self.server.trusted_proxies.iter().map(ToString::to_string).collect();
        if !proxies.is_empty() {
            put(&mut table, "trusted_proxies", proxies);
        }
        put(&mut table, "data", self.server.data.display().to_string());
        table
    }

    fn store_section(&self) -> Table {
        let url = match &self.store.url {
            StoreUrl::Sqlite(file) => format!("sqlite:{}", self.in_data(file)),
            StoreUrl::Postgres(address) => address.shown(),
        };
        let mut table = Table::new();
        put(&mut table, "url", url);
        put(&mut table, "connections", i64::from(self.store.connections));
        put(&mut table, "prepared_statements", self.store.prepared_statements);
        table
    }

    fn tokens_section(&self) -> Table {
        let tokens = &self.tokens;
        let mut table = Table::new();
        put(&mut table, "format", tokens.format.as_str());
        put(&mut table, "access", duration(tokens.access));
        let refresh = match tokens.refresh {
            Lifetime::Never => "never".to_owned(),
            Lifetime::For(span) => duration(span),
        };
        put(&mut table, "refresh", refresh);
        put_some(&mut table, "refresh_idle", tokens.refresh_idle.map(duration));
        put_some(&mut table, "refresh_absolute", tokens.refresh_absolute.map(duration));
        put(&mut table, "code", duration(tokens.code));
        put(&mut table, "rotate", tokens.rotate);
        put(&mut table, "grace", duration(tokens.grace));
        put(&mut table, "retry", duration(tokens.retry));
        put(
            &mut table,
            "grants_per_user_and_app",
            i64::from(tokens.grants_per_user_and_app),
        );
        table
    }

    fn wire_section(&self) -> Table {
        let wire = &self.wire;
        let mut table = Table::new();
        put(&mut table, "dialect", wire.dialect.as_str());
        let identity: Vec<&str> = wire.identity.iter().map(|member| member.as_str()).collect();
        put(&mut table, "identity", identity);
        put(&mut table, "refusal_message", wire.refusal_message);
        put(&mut table, "empty_member", wire.empty_member);
        put(&mut table, "code_page", wire.code_page);
        put(&mut table, "grant_types", grant_types(&wire.grant_types));
        put(&mut table, "require_pkce", wire.require_pkce);
        table
    }

    fn keys_section(&self) -> Table {
        let mut table = Table::new();
        match &self.keys.master {
            Some(_) => put(&mut table, "master", HIDDEN),
            None => put(&mut table, "master_file", self.keys.master_file.display().to_string()),
        }
        table
    }

    fn paths_section(&self) -> Table {
        let paths = &self.paths;
        let mut table = Table::new();
        put(&mut table, "authorize", paths.authorize.as_str());
        put(&mut table, "token", paths.token.as_str());
        put(&mut table, "introspect", paths.introspect.as_str());
        put(&mut table, "revoke", paths.revoke.as_str());
        put(&mut table, "identity", paths.identity.as_str());
        table
    }

    fn defaults_section(&self) -> Table {
        let mut table = Table::new();
        put(&mut table, "organization", self.defaults.organization.as_str());
        put_some(
            &mut table,
            "organization_name",
            self.defaults.organization_name.as_deref(),
        );
        put_some(&mut table, "product", self.defaults.product.as_deref());
        table
    }

    fn portal_section(&self) -> Table {
        let mut table = Table::new();
        put(&mut table, "register", self.portal.register.as_str());
        put(&mut table, "schemes", self.portal.schemes.clone());
        table
    }

    /// A path as it is written: relative to the data folder where it lies in it.
    fn in_data(&self, path: &Path) -> String {
        path.strip_prefix(&self.server.data)
            .unwrap_or(path)
            .display()
            .to_string()
    }
}

fn scope(entry: &ScopeEntry) -> Table {
    let mut table = Table::new();
    put(&mut table, "title", localized(&entry.title));
    put_some(&mut table, "description", entry.description.as_ref().map(localized));
    put(&mut table, "endpoints", entry.endpoints.clone());
    put(&mut table, "default", entry.default);
    table
}

fn localized(text: &Localized) -> Value {
    match text {
        Localized::Plain(text) => text.as_str().into(),
        Localized::ByLanguage(texts) => {
            let entry = |(tag, text): (&String, &String)| (tag.clone(), text.as_str().into());
            Value::Table(texts.iter().map(entry).collect())
        }
    }
}

fn user(user: &User) -> Table {
    let mut table = Table::new();
    put(&mut table, "email", user.email.as_str());
    put(&mut table, "name", user.name.as_str());
    match &user.password {
        Some(DeclaredPassword::Plain(_)) => put(&mut table, "password", HIDDEN),
        Some(DeclaredPassword::Hash(_)) => put(&mut table, "password_hash", HIDDEN),
        None => {}
    }
    put_some(&mut table, "locale", user.locale.as_deref());
    put(&mut table, "admin", user.admin);
    put(&mut table, "developer", user.developer);
    put_some(&mut table, "external_id", user.external_id.as_deref());
    table
}

fn organization(organization: &Organization) -> Table {
    let mut table = Table::new();
    put(&mut table, "slug", organization.slug.as_str());
    put(&mut table, "name", organization.name.as_str());
    put(&mut table, "kind", organization.kind.as_str());
    let member = |(email, role): &(String, Role)| format!("{email}:{}", role.as_str());
    let members: Vec<String> = organization.members.iter().map(member).collect();
    put(&mut table, "members", members);
    table
}

fn resource(resource: &Resource) -> Table {
    let mut table = Table::new();
    put(&mut table, "identifier", resource.identifier.as_str());
    put(&mut table, "name", resource.name.as_str());
    put(&mut table, "secret", HIDDEN);
    put_some(&mut table, "scopes", resource.scopes.as_ref().map(scopes_value));
    table
}

fn app(app: &App) -> Table {
    let mut table = Table::new();
    put(&mut table, "name", app.name.as_str());
    put_some(&mut table, "organization", app.organization.as_deref());
    put_some(&mut table, "owner", app.owner.as_deref());
    put(&mut table, "client_id", app.client_id.as_str());
    put_some(&mut table, "client_secret", app.client_secret.as_ref().map(|_| HIDDEN));
    let uris: Vec<&str> = app
        .redirect_uris
        .iter()
        .map(hallpass_wire::RedirectUri::as_str)
        .collect();
    put(&mut table, "redirect_uris", uris);
    let origins: Vec<&str> = app.origins.iter().map(hallpass_wire::Origin::as_str).collect();
    put(&mut table, "origins", origins);
    put_some(&mut table, "scopes", app.scopes.as_ref().map(scopes_value));
    put_some(&mut table, "products", app.products.clone());
    put_some(&mut table, "grant_types", app.grant_types.as_deref().map(grant_types));
    put(&mut table, "type", app.client_type.as_str());
    put(&mut table, "reach", app.reach.as_str());
    put(&mut table, "localhost_any_port", app.localhost_any_port);
    table
}

fn put(table: &mut Table, key: &str, value: impl Into<Value>) {
    table.insert(key.to_owned(), value.into());
}

fn put_some<T: Into<Value>>(table: &mut Table, key: &str, value: Option<T>) {
    if let Some(value) = value {
        put(table, key, value);
    }
}

fn tables<T>(items: &[T], table: fn(&T) -> Table) -> Value {
    Value::Array(items.iter().map(|item| Value::Table(table(item))).collect())
}

fn empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Table(table) => table.is_empty(),
        _ => false,
    }
}

fn scopes_value(scopes: &Scopes) -> Value {
    Value::Array(scopes.iter().map(|scope| scope.as_str().into()).collect())
}

fn grant_types(types: &[GrantType]) -> Value {
    Value::Array(types.iter().map(|grant_type| grant_type.as_str().into()).collect())
}

/// A span of time in the largest unit that says it exactly.
fn duration(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60)];
    let whole = units.iter().find(|(_, unit)| seconds.is_multiple_of(*unit));
    whole.map_or_else(
        || format!("{seconds}s"),
        |(name, unit)| format!("{}{name}", seconds / unit),
    )
}
