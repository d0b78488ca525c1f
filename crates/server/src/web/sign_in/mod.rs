//! The way from an app and back to it: the authorization request, sign-in, consent.

pub mod authorize;
pub mod consent;
pub mod login;
mod shown;
