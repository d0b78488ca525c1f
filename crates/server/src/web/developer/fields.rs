//! The fields of an app that its developer fills in: on the form that registers it, and on the form that changes it.

use crate::apps::registration::{Fault, NameFault, RedirectUriFault, Request};
use crate::http::excerpt::excerpt;
use crate::store::model::{App, ClientType};
use crate::web::view::{AppFieldErrors, AppFields, Notice, RefusedRedirectUri, ScopeChoice};
use crate::web::{Form, Visit};
use hallpass_wire::Scope;

/// The names of these fields.
pub(super) const FIELDS: [&str; 4] = ["name", "redirect_uris", "localhost_any_port", "scope"];
/// The largest number of faulty redirect URIs that the page names. The others are counted.
const MOST_NAMED: usize = 10;
/// The largest number of characters of a faulty redirect URI that the page repeats.
const LONGEST_SHOWN: usize = 200;

/// The typed text, unchanged.
#[derive(Default)]
pub(super) struct Typed {
    pub(super) name: String,
    pub(super) redirect_uris: String,
    pub(super) localhost_any_port: bool,
    /// `None` on the first page, where all are ticked.
    pub(super) scopes: Option<Vec<String>>,
}

/// The faults of the typed text. A form of 64 KiB can hold 30,000 faulty redirect URIs, so only the first are named.
#[derive(Default)]
pub(super) struct Faults {
    pub(super) name: Option<NameFault>,
    redirect_uris: Vec<(String, RedirectUriFault)>,
    more_redirect_uris: usize,
    localhost_any_port: bool,
    scope: bool,
}

impl Typed {
    pub(super) fn of(form: &Form) -> Self {
        Self {
            name: form.get("name").unwrap_or_default().to_owned(),
            redirect_uris: form.get("redirect_uris").unwrap_or_default().to_owned(),
            localhost_any_port: form.has("localhost_any_port"),
            scopes: Some(form.all("scope").map(str::to_owned).collect()),
        }
    }

    /// The fields as the app has them.
    pub(super) fn of_app(app: &App) -> Self {
        let uris: Vec<&str> = app.redirect_uris.iter().map(|uri| uri.as_str()).collect();
        let scopes = app.scopes.as_ref();
        Self {
            name: app.name.clone(),
            redirect_uris: uris.join("\n"),
            localhost_any_port: app.localhost_any_port,
            scopes: scopes.map(|scopes| scopes.iter().map(ToString::to_string).collect()),
        }
    }

    pub(super) fn request(&self, client_type: ClientType) -> Request<'_> {
        // HC-2: several URIs are separated by commas; white space and line breaks also separate them.
        let separates = |c: char| c == ',' || c.is_whitespace();
        let uris = self.redirect_uris.split(separates).filter(|text| !text.is_empty());
        let scopes = self.scopes.as_deref().unwrap_or_default();
        Request {
            client_type,
            name: Some(&self.name),
            redirect_uris: Some(uris.collect()),
            localhost_any_port: Some(self.localhost_any_port),
            scopes: Some(scopes.iter().map(String::as_str).collect()),
            products: None,
            grant_types: None,
        }
    }

    /// Whether the same of these scopes are ticked, and no other scope is named.
    pub(super) fn ticks_the_same<'s>(&self, other: &Self, mut scopes: impl Iterator<Item = &'s Scope> + Clone) -> bool {
        let is_known = |name: &String| scopes.clone().any(|scope| scope.as_str() == name);
        self.scopes.iter().flatten().all(is_known) && scopes.all(|scope| self.ticks(scope) == other.ticks(scope))
    }

    /// Whether the field names the same redirect URIs, however the browser breaks its lines.
    pub(super) fn has_uris_of(&self, other: &Self) -> bool {
        self.redirect_uris
            .split_whitespace()
            .eq(other.redirect_uris.split_whitespace())
    }

    fn ticks(&self, scope: &Scope) -> bool {
        let chosen = self.scopes.as_ref();
        chosen.is_none_or(|chosen| chosen.iter().any(|name| name == scope.as_str()))
    }
}

impl Faults {
    pub(super) fn of(faults: &[Fault<'_>]) -> Self {
        let mut found = Self::default();
        for fault in faults {
            match fault {
                Fault::Name(fault) => found.name = Some(*fault),
                Fault::RedirectUri(..) if found.redirect_uris.len() == MOST_NAMED => found.more_redirect_uris += 1,
                Fault::RedirectUri(text, fault) => found.redirect_uris.push((excerpt(text, LONGEST_SHOWN), *fault)),
                Fault::AnyPort => found.localhost_any_port = true,
                // The form has no field for products and grant types.
                _ => found.scope = true,
            }
        }
        found
    }

    pub(super) fn taken() -> Self {
        Self {
            name: Some(NameFault::Taken),
            ..Self::default()
        }
    }
}

/// Shows the fields with the typed text and its faults.
pub(super) fn with_fields<T>(
    visit: &Visit,
    typed: &Typed,
    faults: &Faults,
    show: impl FnOnce(AppFields<'_>) -> T,
) -> T {
    let config = &visit.hallpass.config;
    let locale = visit.locale.tag();
    let catalogue = config.scopes.iter();
    let scopes: Vec<_> = catalogue
        .map(|(scope, entry)| ScopeChoice {
            name: scope.as_str(),
            title: entry.title.get(locale),
            chosen: typed.ticks(scope),
        })
        .collect();
    let uris = faults.redirect_uris.iter();
    let uris: Vec<_> = uris.map(|(uri, why)| RefusedRedirectUri { uri, why: *why }).collect();
    show(AppFields {
        name: &typed.name,
        redirect_uris: &typed.redirect_uris,
        localhost_any_port: typed.localhost_any_port,
        scopes: &scopes,
        code_page: config.wire.code_page,
        errors: AppFieldErrors {
            name: faults.name,
            redirect_uris: &uris,
            more_redirect_uris: faults.more_redirect_uris,
            localhost_any_port: faults.localhost_any_port,
            scope: faults.scope,
        },
    })
}

/// The notice for a form that took no effect.
pub(super) fn kept(form: &Form) -> Notice {
    if form.has_typed() {
        Notice::Kept
    } else {
        Notice::NothingDone
    }
}
