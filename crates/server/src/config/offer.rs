//! The scopes, products and grant types that the site offers to apps, and its rules for apps.

use super::Config;
use crate::apps::registration::{Offer, Rules};
use hallpass_wire::Scope;

impl Config {
    /// The rules for an app that a developer registers or changes.
    pub(crate) fn rules_for_developers(&self) -> Rules<'_> {
        Rules {
            offer: self.offer(|_| true),
            brand: &self.brand.name,
            schemes: &self.portal.schemes,
            complete: true,
            code_page: self.wire.code_page,
        }
    }

    /// The rules for an app that the operator makes or changes.
    pub(crate) fn rules_for_operators(&self) -> Rules<'_> {
        Rules {
            complete: false,
            ..self.rules_for_developers()
        }
    }

    /// The offer of the site. Sections that are not known completely are left out.
    pub(super) fn offer(&self, is_known: impl Fn(&str) -> bool) -> Offer<'_> {
        let scopes = || self.scopes.keys().map(Scope::as_str).collect();
        let products = || self.products.keys().map(String::as_str).collect();
        Offer {
            scopes: is_known("scopes").then(scopes),
            products: is_known("products").then(products),
            grant_types: is_known("wire").then_some(self.wire.grant_types.as_slice()),
        }
    }
}
