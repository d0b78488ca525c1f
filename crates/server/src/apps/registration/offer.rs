//! The scopes, products and grant types that a site offers to apps.

use super::fault::Fault;
use crate::store::model::{ClientType, GrantType};
use hallpass_wire::Scope;
use indexmap::IndexSet;

/// The scopes, products and grant types that a site offers. `None` if unknown, for instance because that part of a
/// configuration has faults. Requests are then not checked against it.
#[derive(Default)]
pub(crate) struct Offer<'a> {
    /// In the order of the configuration.
    pub(crate) scopes: Option<IndexSet<&'a str>>,
    pub(crate) products: Option<IndexSet<&'a str>>,
    pub(crate) grant_types: Option<&'a [GrantType]>,
}

impl Offer<'_> {
    /// The scope of this name.
    pub(super) fn scope<'n>(&self, name: &'n str) -> Result<Scope, Fault<'n>> {
        let scope = Scope::parse(name).map_err(|_| Fault::UnknownScope(name))?;
        self.has_scope(name).map(|()| scope)
    }

    pub(crate) fn has_scope<'n>(&self, name: &'n str) -> Result<(), Fault<'n>> {
        let is_known = self.scopes.as_ref().is_none_or(|scopes| scopes.contains(name));
        is_known.then_some(()).ok_or(Fault::UnknownScope(name))
    }

    pub(crate) fn has_product<'n>(&self, name: &'n str) -> Result<(), Fault<'n>> {
        let is_known = self.products.as_ref().is_none_or(|products| products.contains(name));
        is_known.then_some(()).ok_or(Fault::UnknownProduct(name))
    }

    pub(super) fn grant_type<'n>(&self, client_type: ClientType, name: &'n str) -> Result<GrantType, Fault<'n>> {
        let grant_type = GrantType::from_text(name).ok_or(Fault::GrantTypeNotOffered(name))?;
        match self.grant_type_faults(client_type, grant_type).next() {
            // Repeats the name of the request, not ours.
            Some(Fault::GrantTypeNotOffered(_)) => Err(Fault::GrantTypeNotOffered(name)),
            Some(_) => Err(Fault::GrantTypeNeedsSecret),
            None => Ok(grant_type),
        }
    }

    /// Why apps of this type may not have this grant type.
    pub(crate) fn grant_type_faults(
        &self,
        client_type: ClientType,
        grant_type: GrantType,
    ) -> impl Iterator<Item = Fault<'static>> {
        let is_offered = self.grant_types.is_none_or(|offered| offered.contains(&grant_type));
        let has_secret = grant_type != GrantType::ClientCredentials || client_type == ClientType::Confidential;
        let not_offered = (!is_offered).then_some(Fault::GrantTypeNotOffered(grant_type.as_str()));
        let needs_secret = (!has_secret).then_some(Fault::GrantTypeNeedsSecret);
        not_offered.into_iter().chain(needs_secret)
    }
}
