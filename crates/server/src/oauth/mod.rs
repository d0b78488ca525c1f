//! The protocol: one file for each endpoint and each grant type, named by the RFC's word.

pub mod access;
pub mod authorize;
pub mod clients;
pub mod endpoints;
pub mod grants;
#[cfg(test)]
mod reasons;
pub mod refusal;
pub mod scopes;
pub mod standing;

pub use refusal::{Reason, Refusal};
