//! The pages for people: sign in, consent, the code to copy, the account with its connected apps, errors.

pub mod account;
pub mod authorize;
pub mod connected_apps;
pub mod consent;
pub mod landing;
pub mod login;
pub mod state;
pub mod visit;

pub use visit::{Form, Visit};
