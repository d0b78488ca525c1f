//! Checks the values of a configuration against each other.

use super::Config;
use super::declared::App;
use super::problems::{Problems, join};
use super::sections::Paths;
use crate::accounts::spelling;
use crate::apps::registration::{self, Fault, Offer};
use crate::http::endpoints::{EndpointRow, Location, TABLE, reserved};
use crate::oauth::forward_auth::routes::Routes;
use crate::store::model::{ActsAs, ClientType, Reach, Role};
use crate::tokens::sealed::LONGEST_SCOPES;
use hallpass_wire::redirect_uri::Schemes;
use hallpass_wire::{RedirectUri, Scopes};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

/// Notes every value that contradicts another one.
pub(super) fn config(config: &Config, problems: &mut Problems) {
    let offer = config.offer(|section| problems.is_complete(section));
    paths(&config.paths, problems);
    catalogue(config, &offer, problems);
    users(config, problems);
    organizations(config, problems);
    resources(config, &offer, problems);
    calls(config, problems);
    for (position, each) in config.apps.iter().enumerate() {
        app(config, &offer, (each, &problems.entry("apps", position)), problems);
    }
    let ids = config.apps.iter().map(|app| app.client_id.as_str());
    unique(ids.enumerate(), "apps", "client_id", problems);
}

/// Two endpoints must not have the same path. An endpoint is answered with and without a slash at the end, so a slash makes no
/// difference.
fn paths(paths: &Paths, problems: &mut Problems) {
    let configured = |row: &'static EndpointRow| match row.location {
        Location::Path(key, path) => Some((key, path(paths))),
        _ => None,
    };
    let all: Vec<_> = TABLE.iter().filter_map(configured).collect();
    for (position, (key, path)) in all.iter().enumerate() {
        let path = path.trim_end_matches('/');
        if path.is_empty() {
            problems.add(&format!("paths.{key}"), "\"/\" is the path of the landing page");
        } else if let Some(taken) = reserved(path) {
            problems.add(
                &format!("paths.{key}"),
                format!("/{taken} is taken by Hallpass's own pages"),
            );
        }
        let same = all[..position]
            .iter()
            .find(|(_, earlier)| earlier.trim_end_matches('/') == path);
        if let Some((earlier, _)) = same
            && problems.is_complete("paths")
        {
            problems.add(&format!("paths.{key}"), format!("the same path as `{earlier}`"));
        }
    }
}

fn catalogue(config: &Config, offer: &Offer<'_>, problems: &mut Problems) {
    let defaults = config.scopes.iter().filter(|(_, entry)| entry.default);
    let defaults: Scopes = defaults.map(|(scope, _)| scope.clone()).collect();
    if defaults.is_empty() && problems.is_complete("scopes") {
        problems.add(
            "scopes",
            "at least one scope needs `default = true`: it is what an app gets that asks for none",
        );
    }
    default_scopes(&defaults, problems);
    for (name, product) in &config.products {
        let path = join("products", name);
        at_least_one(&product.scopes, &format!("{path}.scopes"), problems);
        known_scopes(offer, &product.scopes, &format!("{path}.scopes"), problems);
    }
    if let Some(product) = &config.defaults.product {
        known_product(offer, product, "defaults.product", problems);
    }
}

/// An app that requests no scope gets the default scopes, so a token must have room for them.
fn default_scopes(defaults: &Scopes, problems: &mut Problems) {
    let length = defaults.text_length();
    let mut end = 0;
    let beyond = defaults.iter().find(|scope| {
        end += scope.as_str().len() + 1;
        end > LONGEST_SCOPES + 1
    });
    if let Some(scope) = beyond {
        let text = format!(
            "the names of all scopes with `default = true` have {length} characters, a space between two, and an access token \
             has room for {LONGEST_SCOPES}: leave `default` out for some, or shorten names"
        );
        problems.add(&join("scopes", scope.as_str()), text);
    }
}

fn users(config: &Config, problems: &mut Problems) {
    let emails = config.users.iter().map(|user| spelling::email(&user.email));
    unique(emails.enumerate(), "users", "email", problems);
    let ids = config.users.iter().enumerate();
    let ids = ids.filter_map(|(position, user)| Some((position, user.external_id.as_deref()?)));
    unique(ids, "users", "external_id", problems);
}

fn organizations(config: &Config, problems: &mut Problems) {
    let slugs = config
        .organizations
        .iter()
        .map(|organization| organization.slug.as_str());
    unique(slugs.enumerate(), "organizations", "slug", problems);
    external_ids(config, problems);
    for (position, organization) in config.organizations.iter().enumerate() {
        let path = format!("{}.members", problems.entry("organizations", position));
        let mut seen = HashSet::new();
        for (email, _) in &organization.members {
            let spelled = spelling::email(email);
            let mut users = config.users.iter();
            let declared = users.any(|user| spelling::email(&user.email) == spelled);
            if !declared && problems.is_complete("users") {
                problems.add(&path, format!("there is no user {email:?} among [[users]]"));
            }
            if !seen.insert(spelled) {
                problems.add(&path, format!("{email:?} is named twice"));
            }
        }
        if organization.slug == config.defaults.organization && config.defaults.organization_name.is_some() {
            let text = "the default organization is declared in [[organizations]]: set its `name` there";
            problems.add("defaults.organization_name", text);
        }
    }
}

/// Introspection names an organization by its `external_id` or its slug, and APIs could not tell the two apart.
fn external_ids(config: &Config, problems: &mut Problems) {
    let named = config.organizations.iter().enumerate();
    let named = named.filter_map(|(position, one)| Some((position, one.external_id.as_deref()?)));
    let slugs = config.organizations.iter().map(|one| one.slug.as_str());
    let slugs: HashSet<&str> = slugs.chain([config.defaults.organization.as_str()]).collect();
    unique(named.clone(), "organizations", "external_id", problems);
    for (position, id) in named {
        let own = config.organizations.get(position).is_some_and(|one| one.slug == id);
        if !own && slugs.contains(id) {
            let path = format!("{}.external_id", problems.entry("organizations", position));
            problems.add(
                &path,
                format!("another organization has the slug {id:?}: APIs could not tell them apart"),
            );
        }
    }
}

fn resources(config: &Config, offer: &Offer<'_>, problems: &mut Problems) {
    let identifiers = config.resources.iter().map(|resource| resource.identifier.as_str());
    unique(identifiers.enumerate(), "resources", "identifier", problems);
    for (position, resource) in config.resources.iter().enumerate() {
        let entry = problems.entry("resources", position);
        if config.apps.iter().any(|app| app.client_id == resource.identifier) {
            problems.add(
                &format!("{entry}.identifier"),
                "an app has this as its client_id; introspection could not distinguish the two",
            );
        }
        if let Some(scopes) = &resource.scopes {
            let path = format!("{entry}.scopes");
            at_least_one(scopes, &path, problems);
            known_scopes(offer, scopes, &path, problems);
        }
    }
}

/// A proxy is answered by the calls of the catalogue, so each must be one that a request can make.
fn calls(config: &Config, problems: &mut Problems) {
    if config.forward_auth.is_none() || !problems.is_complete("scopes") {
        return;
    }
    let catalogue = config.scopes.iter();
    match Routes::of(catalogue.map(|(scope, entry)| (scope, entry.endpoints.as_slice()))) {
        Ok(routes) if routes.is_empty() => {
            let text = "every request would be refused: no scope has `endpoints`";
            problems.add("forward_auth", text);
        }
        Ok(_) => {}
        Err((scope, endpoint, fault)) => {
            problems.add(&format!("scopes.{scope}.endpoints"), format!("{endpoint:?}: {fault}"));
        }
    }
}

fn app(config: &Config, offer: &Offer<'_>, (app, path): (&App, &str), problems: &mut Problems) {
    if let Some(slug) = &app.organization
        && problems.is_complete("organizations")
        && problems.is_complete("defaults")
        && *slug != config.defaults.organization
        && !config
            .organizations
            .iter()
            .any(|organization| organization.slug == *slug)
    {
        let text = format!("there is no organization {slug:?} among [[organizations]]");
        problems.add(&format!("{path}.organization"), text);
    }
    owner(config, app, path, problems);
    acts_as(config, app, path, problems);
    schemes(config, app, path, problems);
    if let Some(scopes) = &app.scopes {
        known_scopes(offer, scopes, &format!("{path}.scopes"), problems);
    }
    for product in app.products.iter().flatten() {
        known_product(offer, product, &format!("{path}.products"), problems);
    }
    let own = app.grant_types.iter().flatten();
    let faults: Vec<_> = own
        .flat_map(|one| offer.grant_type_faults(app.client_type, *one))
        .collect();
    for fault in faults {
        let text = match fault {
            Fault::GrantTypeNotOffered(_) => format!("{fault}: it is not in [wire] grant_types"),
            _ => format!("{fault} (RFC 6749 §4.4)"),
        };
        problems.add(&format!("{path}.{}", fault.member()), text);
    }
}

/// The owner of an app must be able to manage it: the apps of an organization are managed by its own developers (decision 37).
fn owner(config: &Config, app: &App, path: &str, problems: &mut Problems) {
    let Some(email) = &app.owner else { return };
    let is_owner = |other: &str| spelling::email(other) == spelling::email(email);
    if !config.users.iter().any(|user| is_owner(&user.email)) {
        if !problems.is_complete("users") {
            return;
        }
        let text = format!("there is no user {email:?} among [[users]]");
        return problems.add(&format!("{path}.owner"), text);
    }
    let slug = app.organization.as_deref().unwrap_or(&config.defaults.organization);
    let declared = config.organizations.iter().find(|one| one.slug == slug);
    let members = declared.into_iter().flat_map(|one| &one.members);
    let mut roles = members.filter(|(member, _)| is_owner(member)).map(|(_, role)| *role);
    let develops = roles.any(|role| role != Role::Member);
    let is_known = problems.is_complete("organizations") && problems.is_complete("defaults");
    if config.defaults.organization != slug && !develops && is_known {
        let text = format!("{email:?} could not manage the app: add \"{email}:developer\" to the members of {slug:?}");
        problems.add(&format!("{path}.owner"), text);
    }
}

/// Only an owner of an organization may allow an app that acts for it, and the hidden organization has none.
fn acts_as(config: &Config, app: &App, path: &str, problems: &mut Problems) {
    let slug = app.organization.as_deref().unwrap_or(&config.defaults.organization);
    let hidden = config.defaults.organization == slug && config.hides_default_organization();
    let is_known = problems.is_complete("organizations") && problems.is_complete("defaults");
    if app.acts_as == ActsAs::Organization && app.reach == Reach::Own && hidden && is_known {
        let text = "nobody could allow it: only an owner of an organization can, and the hidden default organization has none; \
                    give the app an `organization`, or say reach = \"partner\"";
        problems.add(&format!("{path}.acts_as"), text);
    }
}

/// A scheme without a dot must be allowed by the operator, and only public apps may use it.
fn schemes(config: &Config, app: &App, path: &str, problems: &mut Problems) {
    let schemes = Schemes {
        listed: &config.portal.schemes,
        public: app.client_type == ClientType::Public,
    };
    let uris = app.redirect_uris.iter().map(RedirectUri::as_str);
    let (_, faults) = registration::redirect_uris(uris, schemes);
    let faults: Vec<String> = faults.iter().map(|(uri, fault)| format!("{uri:?}: {fault}")).collect();
    if !faults.is_empty() && problems.is_complete("portal") {
        problems.add(&format!("{path}.redirect_uris"), faults.join("; "));
    }
}

/// An app may have no scope. A product or a resource without a scope would be useless.
fn at_least_one(scopes: &Scopes, path: &str, problems: &mut Problems) {
    if scopes.is_empty() {
        problems.add(path, "expected at least one scope");
    }
}

fn known_scopes(offer: &Offer<'_>, scopes: &Scopes, path: &str, problems: &mut Problems) {
    for scope in scopes.iter() {
        if let Err(fault) = offer.has_scope(scope.as_str()) {
            let known = offer.scopes.iter().flatten().copied();
            let known = known.collect::<Vec<_>>().join(", ");
            problems.add(path, format!("{fault}; there are {known}"));
        }
    }
}

fn known_product(offer: &Offer<'_>, product: &str, path: &str, problems: &mut Problems) {
    if let Err(fault) = offer.has_product(product) {
        problems.add(path, format!("{fault} in [products]"));
    }
}

/// Notes each value of `key` that an earlier entry of the list already has.
fn unique<T: std::hash::Hash + Eq>(
    values: impl Iterator<Item = (usize, T)>,
    list: &str,
    key: &str,
    problems: &mut Problems,
) {
    let mut seen = HashMap::new();
    for (position, value) in values {
        match seen.entry(value) {
            Entry::Vacant(entry) => drop(entry.insert(position)),
            Entry::Occupied(earlier) => {
                let earlier = format!("{}.{key}", problems.entry(list, *earlier.get()));
                let place = problems.origin(&earlier).map(|origin| format!(" ({origin})"));
                let text = format!("the same as {earlier}{}", place.unwrap_or_default());
                problems.add(&format!("{}.{key}", problems.entry(list, position)), text);
            }
        }
    }
}
