//! The pages for people: sign in, consent, the code to copy, the account with its connected apps, errors.

pub mod account;
mod address;
pub mod authorize;
mod browser;
pub mod connected_apps;
pub mod consent;
mod form;
pub mod landing;
pub mod login;
mod onward;
mod shown;
pub mod state;
mod visit;

pub use form::{Form, Post};
pub use onward::Kept;
pub use visit::{SignedIn, Visit};
