//! A client for any OAuth 2 authorization server.
//!
//! It finds the endpoints (RFC 8414), sends the user to sign in with PKCE and `state`, checks `iss` (RFC 9207), exchanges
//! codes, refreshes, revokes and introspects. It reads what servers really answer: lifetimes as text, odd token types, errors
//! of several shapes, empty bodies. It never prints a token, and each error says whether the request can have counted.
//!
//! ```
//! use hallpass_client::{ClientAuth, Provider};
//!
//! let secret = "456def".to_owned();
//! let mut provider = Provider::new("123abc", ClientAuth::basic(secret));
//! provider.token_endpoint = Some("https://id.example/oauth/token".to_owned());
//! assert_eq!(format!("{:?}", provider.auth), "Basic");
//! ```

mod answer;
mod authorization;
mod client;
mod clock;
mod discovery;
mod error;
mod form;
pub mod http;
#[cfg(feature = "keeper")]
pub mod keeper;
mod provider;
mod random;
mod tokens;

pub use authorization::{Begun, CallbackError, PendingAuthorization, own_redirect_uri};
pub use client::{AnyToken, Client, Introspection, Narrowing};
pub use clock::{Clock, SystemClock};
pub use discovery::{DiscoveryError, discover};
pub use error::{OAuthError, RefreshError, Refusal, TokenError};
pub use hallpass_wire::jose::{Algorithm, SigningKey};
pub use hallpass_wire::metadata::Metadata;
pub use provider::{BasicEncoding, BodyFormat, ClientAuth, ClientSecret, Provider, ProviderError};
pub use tokens::{AccessToken, RefreshToken, TokenType, Tokens};
