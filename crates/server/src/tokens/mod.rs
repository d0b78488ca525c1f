//! Tokens: what a grant looks like to those who hold a part of it.

pub mod claims;
pub mod copies;
pub mod proofs;
pub mod refresh;
pub mod revoked;
pub mod sealed;
