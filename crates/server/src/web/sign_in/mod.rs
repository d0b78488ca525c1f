//! The way from an app and back to it: the authorization request, sign-in, consent.

pub mod authorize;
mod choices;
pub mod consent;
pub mod handover;
mod judged;
pub mod login;
pub mod prompt;
mod resume;
mod shown;
mod to_site;
