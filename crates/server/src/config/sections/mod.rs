//! The sections of the configuration, a file each: every key with its type, how it is read, and what it means.

mod audit;
mod brand;
mod defaults;
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
pub use keys::Keys;
pub use paths::Paths;
pub use portal::{Portal, Register};
pub use server::Server;
pub use store::{Store, StoreUrl};
pub use tokens::{Lifetime, TokenFormat, Tokens};
pub use wire::{IdentityMember, Wire};
