//! The authorization code grant: the user goes to the server and comes back (RFC 6749 §4.1).

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Client;
use super::request::{add_own, add_resources};
use crate::authorization::{Accepted, Begun, CallbackError, Naming, PendingAuthorization};
use crate::error::TokenError;
use crate::form;
use crate::provider::ProviderError;
use crate::random;
use crate::tokens::Tokens;

impl Client {
    /// Begins the authorization code grant: an address for the user, with `state` and a code challenge (RFC 7636, `S256`).
    ///
    /// `scopes` empty means those of the provider. `redirect_uri` must be registered; give each provider and tenant one
    /// of its own, as [`own_redirect_uri`](crate::own_redirect_uri) makes it. It is empty if none is registered. Then
    /// the server shows the code to the user, who copies it: call [`redeem`](Self::redeem) instead of
    /// [`complete`](Self::complete).
    ///
    /// # Errors
    /// [`ProviderError::Missing`] without an authorization endpoint.
    pub fn begin(&self, redirect_uri: &str, scopes: &[String]) -> Result<Begun, ProviderError> {
        let provider = self.provider();
        let endpoint = provider.authorization_endpoint.as_deref();
        let endpoint = endpoint.ok_or(ProviderError::Missing("authorization_endpoint"))?;
        let pending = PendingAuthorization {
            state: random::text(),
            verifier: provider.pkce.then(random::text),
            redirect_uri: redirect_uri.to_owned(),
            issuer: provider.issuer.clone(),
            began_at: self.clock.now_millis(),
        };
        let scopes = if scopes.is_empty() { &provider.scopes } else { scopes };
        let scope = scopes.join(&provider.scope_separator);
        let challenge = pending.verifier.as_deref().map(challenge);
        let mut pairs = vec![("response_type", "code"), ("client_id", provider.client_id.as_str())];
        if !redirect_uri.is_empty() {
            pairs.push(("redirect_uri", redirect_uri));
        }
        pairs.push(("state", &pending.state));
        if !scope.is_empty() {
            pairs.push(("scope", &scope));
        }
        if let Some(challenge) = &challenge {
            pairs.extend([
                ("code_challenge", challenge.as_str()),
                ("code_challenge_method", "S256"),
            ]);
        }
        add_resources(&mut pairs, &provider.resources);
        add_own(&mut pairs, &provider.authorize_params);
        // §3.1: a query of the endpoint is kept.
        let joint = if endpoint.contains('?') { '&' } else { '?' };
        let url = format!("{endpoint}{joint}{}", form::encode_pairs(pairs));
        Ok(Begun { url, pending })
    }

    /// Completes the authorization code grant: checks the callback and exchanges the code.
    ///
    /// `callback` is the whole URL that the browser asked for. Its query alone is enough if it has `iss` (RFC 9207). Remove
    /// `pending` from where it is kept before this call, so that a second callback finds none.
    ///
    /// # Errors
    /// See [`CallbackError`].
    pub async fn complete(&self, pending: &PendingAuthorization, callback: &str) -> Result<Tokens, CallbackError> {
        let now = self.clock.now_millis();
        let accepted = pending.accept(self.provider(), callback, Naming::QueryAlone, now)?;
        self.exchange(pending, accepted).await
    }

    /// Exchanges the code of a callback that has passed its checks.
    pub(crate) async fn exchange(
        &self,
        pending: &PendingAuthorization,
        accepted: Accepted,
    ) -> Result<Tokens, CallbackError> {
        let exchanged = self.redeem(pending, &accepted.code).await;
        let mut tokens = exchanged.map_err(CallbackError::Token)?;
        tokens.extra.extend(accepted.extra);
        Ok(tokens)
    }

    /// Exchanges a code that the user copied from the server's page (RFC 6749 §4.1.3). A code that came by a redirect goes to
    /// [`complete`](Self::complete), which checks `state` and `iss`.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn redeem(&self, pending: &PendingAuthorization, code: &str) -> Result<Tokens, TokenError> {
        let provider = self.provider();
        let mut parameters = vec![("grant_type", "authorization_code"), ("code", code)];
        if !pending.redirect_uri.is_empty() {
            parameters.push(("redirect_uri", &pending.redirect_uri));
        }
        if let Some(verifier) = &pending.verifier {
            parameters.push(("code_verifier", verifier));
        }
        add_resources(&mut parameters, &provider.resources);
        add_own(&mut parameters, &provider.token_params);
        self.request_tokens(parameters, code).await
    }
}

/// RFC 7636 §4.2.
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}
