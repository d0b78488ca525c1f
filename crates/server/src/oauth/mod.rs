//! The protocol: one file for each endpoint and each grant type, named by the RFC's word.

pub(crate) mod access;
pub mod authorize;
pub(crate) mod clients;
pub mod endpoints;
pub(crate) mod forward_auth;
pub(crate) mod grants;
#[cfg(test)]
mod reasons;
pub mod refusal;
pub(crate) mod resource_feed;
pub(crate) mod scopes;
pub(crate) mod standing;

pub use refusal::{Reason, Refusal};
