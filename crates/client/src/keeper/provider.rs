//! A provider, as the keeper uses it.

use super::Keep;
use super::pace::Pace;
use crate::{AnyToken, Client, ProviderError, RefreshToken, TokenError, Tokens};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Values for the `{variables}` in a provider's endpoints, such as the name of a tenant.
pub type Variables = BTreeMap<String, String>;

/// How the keeper treats the connections of one provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Care {
    /// What Method 2 keeps.
    pub keep: Keep,
    /// The most refreshes a minute that this keeper begins by itself. Refreshes on demand count too, but do not wait. `None`:
    /// no limit.
    pub per_minute: Option<u32>,
}

/// The future of an answer.
pub(crate) type AnswerFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, TokenError>> + Send + 'a>>;

/// A provider's endpoints: the outside world, which tests replace.
pub(crate) trait Endpoints: Send + Sync {
    /// Finds out what must be known before anything is sent. Cheap when it is.
    fn ready(&self) -> AnswerFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Our clock went back by `step` milliseconds, or on if that is negative: what is known of the server's clock moves with it.
    fn shift(&self, _step: i64) {}

    /// As [`ready`](Self::ready), without asking anybody: the reason if something is still missing.
    fn known(&self) -> Result<(), TokenError> {
        Ok(())
    }

    /// A client for a connection with these variables.
    fn client(&self, variables: &Variables) -> Result<Client, ProviderError>;

    /// Whether requests for a connection with these variables can be sent at all.
    fn check(&self, variables: &Variables) -> Result<(), ProviderError> {
        self.client(variables).map(drop)
    }

    /// Whether there are variables: then no server's clock counts.
    fn has_variables(&self) -> bool {
        false
    }

    /// Whether the values of variables choose whose server gets codes and secrets.
    fn variables_choose_server(&self) -> bool {
        false
    }

    /// The name of the server behind these variables. Empty if there is one server for all.
    fn place(&self, _: &Variables) -> String {
        String::new()
    }

    /// Exchanges a refresh token (RFC 6749 §6). Its time is limited by a lease, so nothing but that is asked for here.
    fn refresh<'a>(&'a self, variables: &'a Variables, token: &'a RefreshToken) -> AnswerFuture<'a, Tokens> {
        Box::pin(async move {
            self.known()?;
            self.client(variables).map_err(not_sent)?.refresh(token).await
        })
    }

    /// Revokes a token (RFC 7009). Nothing to do for a provider without that endpoint.
    fn revoke<'a>(&'a self, variables: &'a Variables, token: AnyToken<'a>) -> AnswerFuture<'a, ()> {
        Box::pin(async move {
            self.ready().await?;
            let client = self.client(variables).map_err(not_sent)?;
            match client.provider().revocation_endpoint {
                Some(_) => client.revoke(token).await,
                None => Ok(()),
            }
        })
    }
}

/// A provider of the keeper's configuration.
pub(crate) struct Provider {
    pub(crate) endpoints: Arc<dyn Endpoints>,
    pub(crate) keep: Keep,
    pub(crate) pace: Pace,
}

impl Provider {
    pub(crate) fn new(endpoints: Arc<dyn Endpoints>, care: Care) -> Self {
        Self {
            endpoints,
            keep: care.keep,
            pace: Pace::new(care.per_minute),
        }
    }

    /// Finds the metadata before the time of a lease runs. A search that takes longer than `patience` goes on, and the refresh
    /// fails before anything is sent. At a provider that fails already, nobody waits.
    pub(crate) async fn prepare(&self, patience: Duration) {
        if self.endpoints.known().is_ok() {
            return;
        }
        let patience = if self.pace.is_failing() {
            Duration::ZERO
        } else {
            patience
        };
        let endpoints = self.endpoints.clone();
        let search = tokio::spawn(async move { endpoints.ready().await });
        drop(tokio::time::timeout(patience, search).await);
    }

    pub(crate) fn client(&self, variables: &Variables) -> Result<Client, ProviderError> {
        self.endpoints.client(variables)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form of map_err")]
fn not_sent(error: ProviderError) -> TokenError {
    TokenError::NotSent(error.to_string())
}
