//! The terms of OAuth 2.0 as types that cannot hold an invalid value, without I/O.
//!
//! A server, a resource server and a client parse here, once, everything that they read from the wire. A value of one of
//! these types has passed every check that needs no database. Nothing is validated again later.
//!
//! Redirect URIs and origins need the feature `url`, which is on by default. Resource servers do without it.

pub mod bearer;
pub mod client_credentials;
pub mod error;
pub mod jose;
pub mod metadata;
#[cfg(feature = "url")]
pub mod origin;
pub mod parameters;
pub mod pkce;
pub mod public_error;
#[cfg(feature = "url")]
pub mod redirect_uri;
pub mod scope;

pub use error::ErrorCode;
#[cfg(feature = "url")]
pub use origin::Origin;
pub use parameters::{ParameterError, Parameters};
pub use public_error::{Pause, PublicError};
#[cfg(feature = "url")]
pub use redirect_uri::RedirectUri;
pub use scope::{Scope, Scopes};
