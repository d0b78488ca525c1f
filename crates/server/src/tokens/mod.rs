//! Codes, refresh tokens and access tokens of a grant, and what each of them means when it is presented.

pub mod claims;
pub mod copies;
pub mod proofs;
pub mod refresh;
pub mod revoked;
pub mod sealed;
