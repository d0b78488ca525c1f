//! JSON Web Signatures, keys and tokens (RFC 7515, 7517, 7518, 7519, 8037), with one strict policy.
//!
//! - Only the compact serialization exists. There is no `none`, no encryption and no shared key.
//! - The key decides the algorithm. The header's `alg` only has to agree with the key.
//! - The caller gives the keys, the clock and what it expects. Nothing of a token says where to find a key: `jku`, `x5u` and
//!   `jwk` are refused, and so is every `crit`.
//! - The caller names the `typ` of its use, so a token that was made for another use is refused (RFC 8725 §3.11).
//! - Sizes are limited before anything is decoded: [`MAX_TOKEN`], [`MAX_JWKS`].
//!
//! ```
//! use hallpass_wire::jose::{self, Jwks, Policy, SigningKey, Typ};
//! use std::time::Duration;
//!
//! let key = SigningKey::from_jwk(
//!     r#"{"kty":"OKP","crv":"Ed25519","kid":"a","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
//!         "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
//! )?;
//! let keys = Jwks::parse(key.public_jwks().as_bytes())?;
//!
//! let claims = serde_json::json!({"iss": "https://id.example", "aud": "https://api.example", "exp": 1_000});
//! let token = jose::sign(&key, "at+jwt", &claims)?;
//!
//! let policy = Policy {
//!     typ: Typ::Is("at+jwt"),
//!     algorithms: &[],
//!     issuer: "https://id.example",
//!     audiences: &["https://api.example".to_owned()],
//!     leeway: Duration::from_secs(30),
//! };
//! let claims = jose::verify(&token, &keys, &policy, 999_000)?;
//! assert_eq!(claims.expires_at_ms(), 1_000_000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod algorithm;
mod claims;
mod compact;
mod error;
mod jwk;
mod jwks;
mod members;
mod signing;
#[cfg(test)]
mod tests;
mod verify;

pub use algorithm::Algorithm;
pub use claims::Claims;
pub use compact::MAX_TOKEN;
pub use error::JoseError;
pub use jwk::{Jwk, JwkError, MAX_JWK};
pub use jwks::{Jwks, MAX_JWKS, MAX_KEYS};
pub use signing::{SignError, SigningKey, sign};
pub use verify::{Policy, Typ, verify};
