//! Codes, refresh tokens and access tokens of a grant, and what each of them means when it is presented.

pub mod claims;
pub(crate) mod copies;
pub mod proofs;
pub(crate) mod refresh;
pub(crate) mod revoked;
pub mod sealed;
