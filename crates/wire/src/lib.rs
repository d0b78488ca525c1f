//! The nouns of OAuth 2.0 as types that cannot be wrong, without I/O.
//!
//! Everything a server, a resource server or a client parses from the wire is parsed here, once. A value of one of these
//! types has passed every check that does not need a database; nothing is validated again later.

pub mod client_credentials;
pub mod error;
pub mod metadata;
pub mod origin;
pub mod parameters;
pub mod pkce;
pub mod redirect_uri;
pub mod scope;

pub use error::ErrorCode;
pub use origin::Origin;
pub use parameters::{ParameterError, Parameters};
pub use redirect_uri::RedirectUri;
pub use scope::{Scope, Scopes};
