//! What is kept while the user is at the server, and the checks of the callback that brings them back.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use crate::error::{OAuthError, TokenError};
use crate::form;
use crate::provider::Provider;

/// How long the user may take, in milliseconds: an hour.
const LONGEST_ABSENCE_MILLIS: i64 = 3_600_000;

/// The longest query that is read, in bytes.
const LONGEST_QUERY: usize = 16 * 1024;

/// An authorization that has begun. Send the user to `url`, and keep `pending` where only this user's session finds it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Begun {
    /// Where the user goes (RFC 6749 §4.1.1).
    pub url: String,
    /// What [`Client::complete`](crate::Client::complete) needs.
    pub pending: PendingAuthorization,
}

/// What must be remembered until the user comes back. It holds a secret, the code verifier.
#[derive(Clone, Serialize, Deserialize)]
pub struct PendingAuthorization {
    /// The value that the callback must repeat (RFC 6749 §10.12). A program can find this record by it.
    pub state: String,
    pub(crate) verifier: Option<String>,
    pub(crate) redirect_uri: String,
    pub(crate) issuer: Option<String>,
    pub(crate) began_at: i64,
}

/// Why the callback is not accepted, or gave no tokens.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallbackError {
    /// `state` is missing or not the one that was sent: another browser, another tab, or somebody else's link.
    #[error("the state is not the one that was sent")]
    State,
    /// The user took longer than an hour.
    #[error("the sign-in began more than an hour ago")]
    Expired,
    /// `iss` is missing or names another server (RFC 9207 §2.4): the answer may come from an attacker's server.
    #[error("the answer is not from the authorization server that was asked")]
    Issuer,
    /// The answer came to another redirect URI than the one that was sent.
    #[error("the answer came to another redirect URI")]
    RedirectUri,
    /// Only the query was given, and nothing in it says which server sent it.
    #[error("give the whole address to which the user came back: its query does not say which server sent it")]
    Address,
    /// A parameter is repeated (RFC 6749 §3.1), or the query is longer than 16 KiB.
    #[error("the answer cannot be read")]
    Malformed,
    /// The user or the server refused (RFC 6749 §4.1.2.1).
    #[error("the server refused: {0}")]
    Refused(OAuthError),
    /// The exchange of the code failed. If it [may have counted](TokenError::may_have_counted), the code is spent and the
    /// user must sign in again.
    #[error(transparent)]
    Token(TokenError),
}

/// When a callback must name its server (`iss`, RFC 9207).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Naming {
    #[cfg(any(test, feature = "keeper"))]
    /// Always: servers of several owners share the redirect URI. The name must be at the token endpoint's place.
    Always,
    /// Where only the query was given: the caller may have sent users to several servers.
    QueryAlone,
    #[cfg(any(test, feature = "keeper"))]
    /// Never: the caller sends users to one server only, so that no other can have sent it.
    Never,
}

/// A callback that has passed its checks.
pub(crate) struct Accepted {
    pub(crate) code: String,
    /// The parameters that [`Provider::callback_extra`] names.
    pub(crate) extra: Map<String, Value>,
}

impl PendingAuthorization {
    /// The redirect URI that was sent.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Checks the callback. `callback` is the whole URL, whose beginning must be the redirect URI, or its query alone.
    pub(crate) fn accept(
        &self,
        provider: &Provider,
        callback: &str,
        naming: Naming,
        now: i64,
    ) -> Result<Accepted, CallbackError> {
        let (query, is_whole) = self.query_of(callback)?;
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let one = |name: &str| {
            let mut values = pairs
                .iter()
                .filter(|(found, _)| found == name)
                .map(|(_, value)| &**value);
            match (values.next(), values.next()) {
                (value, None) => Ok(value.filter(|value| !value.is_empty())),
                (_, Some(_)) => Err(CallbackError::Malformed),
            }
        };
        let state = one("state")?.ok_or(CallbackError::State)?;
        if !bool::from(state.as_bytes().ct_eq(self.state.as_bytes())) {
            return Err(CallbackError::State);
        }
        if now.saturating_sub(self.began_at) > LONGEST_ABSENCE_MILLIS {
            return Err(CallbackError::Expired);
        }
        let iss = one("iss")?;
        self.check_issuer(provider, iss)?;
        // Where servers share a redirect URI, only `iss` tells their answers apart (RFC 9700 §4.4.2).
        match naming {
            #[cfg(any(test, feature = "keeper"))]
            Naming::Always if !iss.is_some_and(|iss| is_at_one_place(iss, provider.token_endpoint.as_deref())) => {
                return Err(CallbackError::Issuer);
            }
            Naming::QueryAlone if !is_whole && iss.is_none() => return Err(CallbackError::Address),
            _ => {}
        }
        if let Some(code) = one("error")? {
            let error = OAuthError::new(code, one("error_description")?);
            return Err(CallbackError::Refused(error));
        }
        let code = one("code")?.ok_or(CallbackError::Malformed)?;
        let mut extra = Map::new();
        for name in &provider.callback_extra {
            if let Some(value) = one(name)? {
                extra.insert(name.clone(), Value::from(value));
            }
        }
        Ok(Accepted {
            code: code.to_owned(),
            extra,
        })
    }

    /// The query, and whether the whole address was there.
    fn query_of<'a>(&self, callback: &'a str) -> Result<(&'a str, bool), CallbackError> {
        if callback.len() > LONGEST_QUERY {
            return Err(CallbackError::Malformed);
        }
        let callback = callback.split('#').next().unwrap_or_default();
        match callback.split_once('?') {
            None => Ok((callback, false)),
            Some(("", query)) => Ok((query, false)),
            // A redirect URI may have a query of its own, before which the server appends nothing.
            Some((place, query)) => {
                let (own_place, own_query) = self.redirect_uri.split_once('?').unwrap_or((&self.redirect_uri, ""));
                let fits = place == own_place && query.starts_with(own_query);
                fits.then_some((query, true)).ok_or(CallbackError::RedirectUri)
            }
        }
    }

    /// The server that was asked is the one of `provider`, and `iss`, where it is there or promised, says so.
    fn check_issuer(&self, provider: &Provider, iss: Option<&str>) -> Result<(), CallbackError> {
        let fits = match (iss, &provider.issuer) {
            (Some(iss), Some(issuer)) => iss == issuer,
            // Without a known issuer, it must at least be at the place where the user was sent.
            (Some(iss), None) => is_at_one_place(iss, provider.authorization_endpoint.as_deref()),
            (None, _) => !provider.iss_required,
        };
        (fits && self.issuer == provider.issuer)
            .then_some(())
            .ok_or(CallbackError::Issuer)
    }
}

/// Whether two addresses have one scheme and one host with its port.
fn is_at_one_place(one: &str, other: Option<&str>) -> bool {
    let place = |text: &str| {
        let uri = text.parse::<http::Uri>().ok()?;
        let authority = uri.authority()?.as_str().to_ascii_lowercase();
        Some((uri.scheme_str()?.to_owned(), authority))
    };
    let one = place(one);
    one.is_some() && one == other.and_then(place)
}

impl fmt::Debug for PendingAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingAuthorization")
            .field("redirect_uri", &self.redirect_uri)
            .field("issuer", &self.issuer)
            .field("began_at", &self.began_at)
            .finish_non_exhaustive()
    }
}

/// A redirect URI for one provider, and one tenant there if there are several: `base/provider/tenant`.
///
/// With a redirect URI of its own for each authorization server, an answer of one server cannot be taken for that of another,
/// even where the servers send no `iss` (RFC 9700 §4.4.2.2). Give the callback's whole URL to
/// [`Client::complete`](crate::Client::complete).
///
/// ```
/// let own = hallpass_client::own_redirect_uri("https://app.example/callback/", "house-check", Some("shop 1"));
/// assert_eq!(own, "https://app.example/callback/house-check/shop%201");
/// ```
pub fn own_redirect_uri(base: &str, provider: &str, tenant: Option<&str>) -> String {
    let mut uri = base.trim_end_matches('/').to_owned();
    for part in [Some(provider), tenant].into_iter().flatten() {
        uri.push('/');
        uri.push_str(&form::encode_segment(part));
    }
    uri
}
