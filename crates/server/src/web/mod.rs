//! The pages for people: sign in, consent, the code to copy, the account with its connected apps, errors.

pub mod account;
mod address;
mod browser;
pub mod developer;
mod form;
pub mod landing;
mod onward;
pub mod organization;
mod post;
pub mod routes;
pub mod sign_in;
mod signed_in;
pub mod state;
pub mod view;
mod visit;

pub use form::Form;
pub use onward::Kept;
pub use post::Post;
pub use signed_in::SignedIn;
pub use visit::Visit;
