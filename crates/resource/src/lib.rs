//! Checks access tokens at an API: of Hallpass, or of any authorization server that follows the RFCs.
//!
//! A [`Verifier`] asks the authorization server about a token (introspection, RFC 7662) or verifies it as a JWT (RFC 9068). A
//! [`Guard`] is a tower layer that says what a route needs: scopes, an audience, a person. Refusals are those of RFC
//! 6750, RFC 9470 and RFC 9728, in the words of the API's [dialect](hallpass_dialect::Dialect).
//!
//! - **Fails closed, and says why.** If the server cannot be asked, the caller gets 503 with `Retry-After`, never 401: a
//!   client throws its token away on a 401. The reason is logged.
//! - **A kept answer ends with its token.** With Hallpass the verifier follows the revocation feed
//!   (docs/guide/resource-feed.md). When a token is revoked, its kept answer is dropped within a second. While the feed
//!   does not answer, no kept answer is used.
//! - **Memory is bounded.** Answers, expiries, requests in flight and events have limits. Caches hold hashes of tokens,
//!   not tokens.
//!
//! ```
//! # #[cfg(feature = "fetch")] {
//! use hallpass_resource::Verifier;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let verifier = Verifier::builder("https://auth.example.com")
//!     .audience("https://api.example.com")
//!     .introspection("https://api.example.com", "the secret of the [[resources]] entry")
//!     .follow_feed()
//!     .build()?;
//!
//! // Layers for the routes of axum, or of a tower service whose body can be made from a `String`. Others use `Guard::check`.
//! let read = verifier.guard().scopes("orders")?;
//! let write = verifier.guard().scopes("orders:write")?.person();
//! # Ok(()) }
//! # main().unwrap(); }
//! ```

mod access;
mod answers;
#[cfg(feature = "axum")]
mod axum;
mod builder;
mod clock;
mod discovery;
mod document;
mod feed;
mod fetch;
mod guard;
mod introspection;
mod jwt;
mod kept;
mod metadata;
mod refused;
mod service;
#[cfg(test)]
mod tests;
mod upstream;
mod verifier;

/// Compiles the programs of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/resource-servers.md")]
struct Guide;

pub use access::Access;
#[cfg(feature = "axum")]
pub use axum::{Caller, Rejection};
pub use builder::{BuildError, Builder};
pub use clock::{Clock, SystemClock};
pub use fetch::{Fetch, FetchError, FetchFuture};
pub use guard::{Guard, GuardError};
pub use metadata::ProtectedResource;
pub use refused::{Refused, StepUp, Unavailable};
pub use service::GuardedService;
pub use verifier::Verifier;

#[cfg(feature = "fetch")]
pub use hallpass_client::http::HttpClient;
pub use hallpass_dialect::{Dialect, DialectName};
pub use hallpass_wire::bearer::BearerToken;
pub use hallpass_wire::jose::Algorithm;
pub use hallpass_wire::{Scope, Scopes};
