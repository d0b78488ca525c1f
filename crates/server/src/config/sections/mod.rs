//! The sections of the configuration, one file each. A section has its keys with their types, parsers and meanings.

mod audit;
mod brand;
mod defaults;
mod forward_auth;
mod handover;
mod keys;
mod paths;
mod portal;
mod server;
mod store;
mod tokens;
mod wire;

pub use audit::Audit;
pub use brand::Brand;
pub use defaults::Defaults;
pub use forward_auth::ForwardAuth;
pub use handover::Handover;
pub(crate) use handover::{is_on_this_computer, page_url};
pub use keys::Keys;
pub use paths::Paths;
pub use portal::{Portal, Register};
pub use server::Server;
pub use store::{Store, StoreUrl};
pub use tokens::{Lifetime, TokenFormat, Tokens};
pub use wire::{IdentityMember, Wire};
