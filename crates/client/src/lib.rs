//! A client for any OAuth 2 authorization server.
//!
//! It finds the endpoints (RFC 8414), sends the user to sign in with PKCE and `state`, checks `iss` (RFC 9207),
//! exchanges codes, refreshes, revokes and introspects. It reads what servers really answer: lifetimes as text, odd
//! token types, errors of several shapes, empty bodies. It never prints a token. Each error says whether the request
//! may have counted, that is, whether the server may have acted on it.
//!
//! ```
//! use std::sync::Arc;
//!
//! use hallpass_client::http::HttpClient;
//! use hallpass_client::{CallbackError, Client, ClientAuth, Provider, SystemClock};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut provider = Provider::new("123abc", ClientAuth::basic("456def"));
//! // Or find the endpoints: `provider.adopt(&discover(&http, "https://id.example").await?)`.
//! provider.authorization_endpoint = Some("https://id.example/oauth/authorize".to_owned());
//! provider.token_endpoint = Some("https://id.example/oauth/token".to_owned());
//! let client = Client::new(provider, HttpClient::builder().build()?, Arc::new(SystemClock))?;
//!
//! // Send the user to `begun.url`, and keep `begun.pending` in the user's session.
//! let begun = client.begin("https://app.example/callback/id", &["orders".to_owned()])?;
//! assert!(begun.url.starts_with("https://id.example/oauth/authorize?response_type=code&client_id=123abc&"));
//!
//! // The user comes back. Here `state` is not the one that was sent, so the callback is refused.
//! let back = "https://app.example/callback/id?code=hp_ac_1&state=forged";
//! assert_eq!(client.complete(&begun.pending, back).await.unwrap_err(), CallbackError::State);
//! # Ok(())
//! # }
//! ```
//!
//! The feature `keeper` adds a module that stores tokens and keeps them fresh. `sqlite` and `postgres` add vaults,
//! which are the places where it stores them. Programs in other languages use it through the service `hallpass-keeper`.

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
