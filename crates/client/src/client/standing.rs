//! Revocation (RFC 7009) and introspection (RFC 7662) of a client's own tokens.

use std::fmt;

use serde_json::{Map, Value};

use super::Client;
use super::request::{Answered, Endpoint};
use crate::answer;
use crate::error::TokenError;
use crate::tokens::{AccessToken, RefreshToken};

/// A token of either kind.
#[derive(Clone, Copy, Debug)]
pub enum AnyToken<'a> {
    /// An access token.
    Access(&'a AccessToken),
    /// A refresh token.
    Refresh(&'a RefreshToken),
}

/// What an introspection endpoint says of a token (RFC 7662 §2.2).
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Introspection {
    /// Whether the token is valid now. An answer without this member counts as no.
    pub active: bool,
    /// All members of the answer.
    pub members: Map<String, Value>,
}

impl Client {
    /// Revokes a token (RFC 7009). With a refresh token, most servers end the whole grant.
    ///
    /// A token that the server does not know counts as revoked (§2.2), and so does an answer with any body.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn revoke(&self, token: AnyToken<'_>) -> Result<(), TokenError> {
        let parameters = vec![("token", token.secret()), ("token_type_hint", token.hint())];
        let Answered { answer, moment } = self.post(Endpoint::Revocation, parameters).await?;
        let secrets = self.secrets(token.secret());
        match answer::read_object(&answer, moment, &secrets) {
            Err(TokenError::Malformed { .. }) if answer.status().is_success() => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    /// Asks whether a token of this client is valid (RFC 7662).
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn introspect(&self, token: AnyToken<'_>) -> Result<Introspection, TokenError> {
        let parameters = vec![("token", token.secret()), ("token_type_hint", token.hint())];
        let Answered { answer, moment } = self.post(Endpoint::Introspection, parameters).await?;
        let members = answer::read_object(&answer, moment, &self.secrets(token.secret()))?;
        Ok(Introspection {
            active: members.get("active") == Some(&Value::Bool(true)),
            members,
        })
    }
}

impl AnyToken<'_> {
    fn secret(&self) -> &str {
        match self {
            Self::Access(token) => token.secret(),
            Self::Refresh(token) => token.secret(),
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Access(_) => "access_token",
            Self::Refresh(_) => "refresh_token",
        }
    }
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection")
            .field("active", &self.active)
            .field("members", &self.members.keys().collect::<Vec<_>>())
            .finish()
    }
}
