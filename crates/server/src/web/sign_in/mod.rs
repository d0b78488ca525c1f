//! The way from an app and back to it: the authorization request, sign-in, consent.

pub(crate) mod authorize;
mod choices;
pub(crate) mod consent;
pub(crate) mod handover;
mod judged;
pub(crate) mod login;
pub(crate) mod prompt;
mod resume;
mod shown;
mod to_site;
