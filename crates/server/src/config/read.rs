//! Reads the merged tree into [`Config`], section by section. What one value says alone is judged here; how values go
//! together is judged in `judge.rs`.

use super::fields::Fields;
use super::problems::Problems;
use super::secrets;
use super::sections::{
    Audit, Brand, Defaults, Keys, Paths, Portal, Server, Store, StoreUrl, TokenFormat, Tokens, Wire,
};
use super::tree::{Node, Table};
use super::{Config, objects, values};
use crate::store::Address;
use std::path::{Path, PathBuf};

/// The configuration that `table` describes, with the values of `presets` in place of those that are wrong, which is noted.
pub(super) fn config(preset: String, table: Table, presets: Table, problems: &mut Problems) -> Option<Config> {
    let mut top = Fields::new(String::new(), table, problems).over(presets);
    top.take("preset");
    let server = server(top.section("server"));
    let data = server.as_ref().map(|server| server.data.clone()).unwrap_or_default();
    let store = store(top.section("store"), &data);
    let tokens = tokens(top.section("tokens"));
    let wire = wire(top.section("wire"));
    let keys = keys(top.section("keys"));
    let paths = paths(top.section("paths"));
    let defaults = defaults(top.section("defaults"));
    let portal = portal(top.section("portal"));
    let audit = audit(top.section("audit"));
    let brand = brand(top.section("brand"));
    let scopes = objects::scopes(&mut top);
    let products = top.entries("products", objects::product).into_iter().collect();
    let users = top.list("users", objects::user);
    let organizations = top.list("organizations", objects::organization);
    let resources = top.list("resources", objects::resource);
    let schemes = portal.as_ref().map_or(&[][..], |portal| &portal.schemes);
    let apps = top.list("apps", |fields| objects::app(fields, schemes));
    top.later(&["outgoing", "admin"]);
    top.finish();
    Some(Config {
        preset,
        server: server?,
        store: store?,
        tokens: tokens?,
        wire: wire?,
        keys: keys?,
        paths: paths?,
        defaults: defaults?,
        portal: portal?,
        audit: audit?,
        brand: brand?,
        scopes,
        products,
        users,
        organizations,
        resources,
        apps,
    })
}

fn server(mut fields: Fields<'_>) -> Option<Server> {
    let listen = fields.required("listen", values::address);
    let public_url = fields.optional("public_url", values::base_url);
    let api_url = fields.optional("api_url", values::base_url);
    let folder = fields.origin("data").and_then(|origin| origin.layer.folder.clone());
    let data = fields.required("data", file_name);
    let trusted_proxies = fields.optional("trusted_proxies", values::networks);
    fields.later(&["tls_cert", "tls_key"]);
    fields.finish();
    Some(Server {
        listen: listen?,
        public_url,
        api_url,
        trusted_proxies: trusted_proxies.unwrap_or_default(),
        data: folder.unwrap_or_default().join(data?),
    })
}

fn file_name(node: &Node) -> Result<PathBuf, String> {
    let text = values::text(node)?;
    if text.is_empty() {
        return Err("expected a path".to_owned());
    }
    if text.contains(char::is_control) {
        return Err(format!(
            "expected a path without line breaks and control characters, found {text:?}"
        ));
    }
    Ok(text.into())
}

/// The longest path that SQLite opens, in bytes: its 512 less a NUL and the endings of the files beside the database.
const LONGEST_DATABASE: usize = 503;

/// SQLite's file. Its path is judged here, because SQLite does not say what is wrong with it.
fn sqlite(file: &Path, data: &Path, problems: &mut Problems) -> StoreUrl {
    let path = data.join(file);
    let length = std::path::absolute(&path).map_or(0, |path| path.as_os_str().len());
    if length > LONGEST_DATABASE {
        let key = if file.is_absolute() { "store.url" } else { "server.data" };
        let text = format!("the path of the database has {length} bytes, and SQLite takes {LONGEST_DATABASE} at most");
        problems.add(key, text);
    }
    StoreUrl::Sqlite(path)
}

fn store(mut fields: Fields<'_>, data: &Path) -> Option<Store> {
    let password = secrets::optional(&mut fields, "password", "password_file", secrets::password);
    let url = fields.required("url", store_url);
    let connections = fields.required("connections", values::count);
    if connections.is_some_and(|connections| connections < Store::FEWEST_CONNECTIONS) {
        fields.problem(
            "connections",
            &format!("expected {} or more", Store::FEWEST_CONNECTIONS),
        );
    }
    let prepared_statements = fields.required("prepared_statements", values::boolean);
    let problems = fields.finish();
    let url = match url? {
        StoreUrl::Sqlite(file) => sqlite(&file, data, problems),
        StoreUrl::Postgres(mut address) => {
            if let Some(password) = password {
                address.set_password(&password);
            }
            StoreUrl::Postgres(address)
        }
    };
    Some(Store {
        url,
        connections: connections?,
        prepared_statements: prepared_statements?,
    })
}

/// What was found is not repeated: a database URL may hold a password.
fn store_url(node: &Node) -> Result<StoreUrl, String> {
    let url = values::text(node)?;
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        return Address::parse(&url).map(|address| StoreUrl::Postgres(Box::new(address)));
    }
    match url.strip_prefix("sqlite:") {
        Some(file) if file.contains(char::is_control) => {
            Err("expected a file's name without line breaks and control characters".to_owned())
        }
        Some(file) if !file.is_empty() && !file.starts_with("//") && !file.contains([':', '?']) => {
            Ok(StoreUrl::Sqlite(file.into()))
        }
        _ => Err("expected a database such as \"sqlite:hallpass.db\", \"sqlite:/folder/hallpass.db\" or \"postgres://user@host/database\"".to_owned()),
    }
}

fn tokens(mut fields: Fields<'_>) -> Option<Tokens> {
    let format = fields.required("format", token_format);
    let access = fields.required("access", values::duration);
    let refresh = fields.required("refresh", values::lifetime);
    let refresh_idle = fields.optional("refresh_idle", values::duration);
    let refresh_absolute = fields.optional("refresh_absolute", values::duration);
    let code = fields.required("code", values::duration);
    let rotate = fields.required("rotate", values::boolean);
    let grace = fields.required("grace", values::duration);
    let retry = fields.required("retry", values::duration);
    let grants_per_user_and_app = fields.required("grants_per_user_and_app", values::count);
    fields.finish();
    Some(Tokens {
        format: format?,
        access: access?,
        refresh: refresh?,
        refresh_idle,
        refresh_absolute,
        code: code?,
        rotate: rotate?,
        grace: grace?,
        retry: retry?,
        grants_per_user_and_app: grants_per_user_and_app?,
    })
}

fn token_format(node: &Node) -> Result<TokenFormat, String> {
    if values::text(node).is_ok_and(|text| text == "jwt") {
        return Err("\"jwt\" is not available yet; use \"sealed\"".to_owned());
    }
    values::word(node)
}

fn wire(mut fields: Fields<'_>) -> Option<Wire> {
    let dialect = fields.required("dialect", values::word);
    let identity = fields.required("identity", values::words);
    let refusal_message = fields.required("refusal_message", values::boolean);
    let empty_member = fields.required("empty_member", values::boolean);
    let code_page = fields.required("code_page", values::boolean);
    let grant_types = fields.required("grant_types", values::words);
    let require_pkce = fields.required("require_pkce", values::boolean);
    fields.finish();
    Some(Wire {
        dialect: dialect?,
        identity: identity?,
        refusal_message: refusal_message?,
        empty_member: empty_member?,
        code_page: code_page?,
        grant_types: grant_types?,
        require_pkce: require_pkce?,
    })
}

fn keys(mut fields: Fields<'_>) -> Option<Keys> {
    let operators = |fields: &Fields<'_>, key| fields.origin(key).is_some_and(|origin| !origin.layer.embedded);
    if operators(&fields, "master") && operators(&fields, "master_file") {
        fields.problem("master", "give either `master` or `master_file`");
    }
    let master = fields.optional("master", secrets::master_key);
    let master_file = fields.required("master_file", file_name);
    fields.finish();
    Some(Keys {
        master,
        master_file: master_file?,
    })
}

fn paths(mut fields: Fields<'_>) -> Option<Paths> {
    let authorize = fields.required("authorize", values::path);
    let token = fields.required("token", values::path);
    let introspect = fields.required("introspect", values::path);
    let revoke = fields.required("revoke", values::path);
    let identity = fields.required("identity", values::path);
    fields.finish();
    Some(Paths {
        authorize: authorize?,
        token: token?,
        introspect: introspect?,
        revoke: revoke?,
        identity: identity?,
    })
}

fn defaults(mut fields: Fields<'_>) -> Option<Defaults> {
    let organization = fields.required("organization", values::slug);
    let organization_name = fields.optional("organization_name", values::line);
    let product = fields.optional("product", values::line);
    fields.finish();
    Some(Defaults {
        hidden: false,
        organization: organization?,
        organization_name,
        product,
    })
}

fn portal(mut fields: Fields<'_>) -> Option<Portal> {
    let register = fields.required("register", values::word);
    let schemes = fields.required("schemes", values::schemes);
    fields.finish();
    Some(Portal {
        register: register?,
        schemes: schemes?,
    })
}

fn audit(mut fields: Fields<'_>) -> Option<Audit> {
    let kept = fields.required("kept", values::duration);
    fields.finish();
    Some(Audit { kept: kept? })
}

fn brand(mut fields: Fields<'_>) -> Option<Brand> {
    let name = fields.required("name", values::line);
    fields.finish();
    Some(Brand { name: name? })
}
