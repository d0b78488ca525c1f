//! Requests to the token endpoint.

use super::Client;
use super::request::{Answered, Endpoint, add_own, add_resources};
use crate::answer;
use crate::error::{RefreshError, TokenError};
use crate::provider::ClientAuth;
use crate::tokens::{RefreshToken, Tokens};

/// What a refresh asks for, if it asks for less than the whole grant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Narrowing<'a> {
    /// Scopes of the new access token (RFC 6749 §6). None: those of the grant.
    pub scopes: &'a [String],
    /// The APIs that the new access token is for (RFC 8707 §2.2). None: those of the provider.
    pub resources: &'a [String],
}

impl Client {
    /// Exchanges a refresh token for new tokens (RFC 6749 §6).
    ///
    /// The answer may have a new refresh token: store it before anybody gets the access token. If the answer has none, the one
    /// before stays valid. After an error with [`may_have_counted`](TokenError::may_have_counted), ask again with the same
    /// token: Hallpass answers with the same successor.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn refresh(&self, refresh: &RefreshToken) -> Result<Tokens, RefreshError> {
        self.refresh_narrowed(refresh, Narrowing::default()).await
    }

    /// Exchanges a refresh token for new tokens that may do less than the grant.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn refresh_narrowed(
        &self,
        refresh: &RefreshToken,
        narrowing: Narrowing<'_>,
    ) -> Result<Tokens, RefreshError> {
        let provider = self.provider();
        let scope = narrowing.scopes.join(&provider.scope_separator);
        let mut parameters = vec![("grant_type", "refresh_token"), ("refresh_token", refresh.secret())];
        if !scope.is_empty() {
            parameters.push(("scope", &scope));
        }
        let resources = match narrowing.resources {
            [] => &provider.resources[..],
            narrower => narrower,
        };
        add_resources(&mut parameters, resources);
        add_own(&mut parameters, &provider.refresh_params);
        self.request_tokens(parameters, refresh.secret()).await
    }

    /// Tokens for the client itself (RFC 6749 §4.4).
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn client_credentials(&self, scopes: &[String]) -> Result<Tokens, TokenError> {
        let provider = self.provider();
        let scope = scopes.join(&provider.scope_separator);
        let mut parameters = vec![("grant_type", "client_credentials")];
        if !scope.is_empty() {
            parameters.push(("scope", &scope));
        }
        add_resources(&mut parameters, &provider.resources);
        add_own(&mut parameters, &provider.token_params);
        self.request_tokens(parameters, "").await
    }

    /// Posts to the token endpoint. `secret` is what the request spends: a code or a refresh token.
    pub(super) async fn request_tokens(
        &self,
        parameters: Vec<(&str, &str)>,
        secret: &str,
    ) -> Result<Tokens, TokenError> {
        let Answered { answer, moment } = self.post(Endpoint::Token, parameters).await?;
        answer::read_tokens(&answer, self.provider(), moment, &self.secrets(secret))
    }

    /// What no error text may repeat.
    pub(super) fn secrets<'a>(&'a self, sent: &'a str) -> [&'a str; 2] {
        match &self.provider().auth {
            ClientAuth::Basic(secret, _) | ClientAuth::Body(secret) => [sent, secret.expose()],
            ClientAuth::None | ClientAuth::PrivateKeyJwt { .. } => [sent, ""],
        }
    }
}
