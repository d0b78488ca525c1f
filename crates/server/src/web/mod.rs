//! The pages for people: sign in, consent, the code to copy, the account with its connected apps, errors.

pub(crate) mod account;
pub(crate) mod address;
pub(crate) mod allowance;
mod browser;
pub(crate) mod developer;
mod form;
pub(crate) mod landing;
mod onward;
pub(crate) mod organization;
mod post;
pub(crate) mod routes;
pub(crate) mod sign_in;
mod signed_in;
pub mod state;
pub(crate) mod view;
mod visit;

pub(crate) use form::Form;
pub(crate) use onward::Kept;
pub(crate) use post::Post;
pub(crate) use signed_in::SignedIn;
pub(crate) use visit::Visit;
