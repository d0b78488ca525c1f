//! A request to register or change an app, and the accepted values.

use super::app_name::AppName;
use super::fault::Fault;
use super::offer::Offer;
use super::redirect_uris;
use super::redirect_uris::RedirectUriFault;
use crate::store::model::{App, ClientType, GrantType};
use hallpass_wire::redirect_uri::Schemes;
use hallpass_wire::{RedirectUri, Scopes};

/// The requirements of the site.
pub(crate) struct Rules<'a> {
    pub(crate) offer: Offer<'a>,
    /// The name of the site, which no app may look like.
    pub(crate) brand: &'a str,
    /// Schemes without a dot that the operator allows in redirect URIs.
    pub(crate) schemes: &'a [String],
    /// Whether to refuse an app without a redirect URI and without a scope, because it would be useless to its developer.
    pub(crate) complete: bool,
    /// Whether people can copy their code from a page, so that a confidential app needs no redirect URI.
    pub(crate) code_page: bool,
}

/// The requested values. `None`: the request does not have the member.
#[derive(Clone)]
pub(crate) struct Request<'a> {
    pub(crate) client_type: ClientType,
    pub(crate) name: Option<&'a str>,
    pub(crate) redirect_uris: Option<Vec<&'a str>>,
    pub(crate) localhost_any_port: Option<bool>,
    pub(crate) scopes: Option<Vec<&'a str>>,
    pub(crate) products: Option<Vec<&'a str>>,
    pub(crate) grant_types: Option<Vec<&'a str>>,
}

/// The requested values, after the checks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Accepted {
    pub(crate) name: Option<AppName>,
    pub(crate) redirect_uris: Option<Vec<RedirectUri>>,
    pub(crate) localhost_any_port: Option<bool>,
    pub(crate) scopes: Option<Scopes>,
    pub(crate) products: Option<Vec<String>>,
    pub(crate) grant_types: Option<Vec<GrantType>>,
}

impl Request<'_> {
    /// Drops values that `app` already has. They stay valid even if the rules have become stricter.
    pub(crate) fn without_what_is(mut self, app: &App) -> Self {
        self.name = self.name.filter(|name| name.trim() != app.name);
        let uris = |texts: &Vec<&str>| {
            !texts
                .iter()
                .copied()
                .eq(app.redirect_uris.iter().map(RedirectUri::as_str))
        };
        self.redirect_uris = self.redirect_uris.filter(uris);
        self.localhost_any_port = self
            .localhost_any_port
            .filter(|wanted| *wanted != app.localhost_any_port);
        self
    }
}

/// Checks a request. Only the store can check whether the name looks like that of another app.
pub(crate) fn judge<'a>(rules: &Rules<'_>, request: &Request<'a>) -> Result<Accepted, Vec<Fault<'a>>> {
    let mut faults = Vec::new();
    let offer = &rules.offer;
    let name = request.name.map(|text| AppName::choose(text, rules.brand));
    let name = name.and_then(|name| name.map_err(|fault| faults.push(Fault::Name(fault))).ok());
    let uris = request.redirect_uris.as_ref();
    let redirect_uris = uris.map(|texts| uris_of(rules, request.client_type, texts, &mut faults));
    if request.localhost_any_port == Some(true) && request.client_type != ClientType::Public {
        faults.push(Fault::AnyPort);
    }
    let scopes = request.scopes.as_ref();
    let scopes = scopes.map(|names| each(names, |name| offer.scope(name), &mut faults));
    if rules.complete && request.scopes.as_ref().is_some_and(Vec::is_empty) {
        faults.push(Fault::NoScope);
    }
    let product = |name| offer.has_product(name).map(|()| String::from(name));
    let products = request.products.as_ref();
    let products = products.map(|names| each(names, product, &mut faults));
    let grant_type = |name| offer.grant_type(request.client_type, name);
    let grant_types = request.grant_types.as_ref();
    let grant_types = grant_types.map(|names| each(names, grant_type, &mut faults));
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Accepted {
        name,
        redirect_uris,
        localhost_any_port: request.localhost_any_port,
        scopes: scopes.map(Scopes::from_iter),
        products,
        grant_types,
    })
}

fn uris_of<'a>(
    rules: &Rules<'_>,
    client_type: ClientType,
    texts: &[&'a str],
    faults: &mut Vec<Fault<'a>>,
) -> Vec<RedirectUri> {
    let schemes = Schemes {
        listed: rules.schemes,
        public: client_type == ClientType::Public,
    };
    let (uris, found) = redirect_uris::read(texts.iter().copied(), schemes);
    // API-5: an app needs no redirect URI if its code can be copied from a page.
    let may_be_without = !rules.complete || (rules.code_page && client_type == ClientType::Confidential);
    if texts.is_empty() && !may_be_without {
        faults.push(Fault::RedirectUri("", RedirectUriFault::Missing));
    }
    faults.extend(found.into_iter().map(|(text, fault)| Fault::RedirectUri(text, fault)));
    uris
}

/// Reads each name. Adds wrong names to `faults`.
fn each<'a, T>(
    names: &[&'a str],
    read: impl Fn(&'a str) -> Result<T, Fault<'a>>,
    faults: &mut Vec<Fault<'a>>,
) -> Vec<T> {
    let read = names.iter().map(|name| read(name));
    read.filter_map(|read| read.map_err(|fault| faults.push(fault)).ok())
        .collect()
}
