//! The tokens of one desk: a keeper with a vault in memory, and the switch between its two methods.
//!
//! The switch belongs to one desk, so each desk has a keeper of its own. An app without such a switch has one keeper for all
//! its users.

use std::sync::Arc;
use std::time::Duration;

use hallpass_client::http::HttpClient;
use hallpass_client::keeper::{Care, Connection, InvalidConnection, InvalidKey, Keeper, MemoryVault, State, VaultKey};
use hallpass_client::{Client, ClientAuth, Clock, Provider, ProviderError};
use tokio::task::AbortHandle;

use super::network::Network;
use super::{Registration, SampleApp};
use crate::demo::world::ClientAuthentication;
use crate::random;

/// The person, as the app calls them: a desk has one.
pub(super) const PERSON: &str = "person";
/// The path below which each registration has its redirect URI.
const CALLBACK: &str = "/callback";
/// How often a waiting action looks at the tokens, and how many times.
const LOOK: Duration = Duration::from_millis(50);
const MOST_LOOKS: usize = 100;

/// How the app keeps access tokens good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Method {
    /// Method 1: refresh when the person acts and the token has expired.
    OnDemand,
    /// Method 2: refresh every token before it expires.
    Ahead,
}

/// Keeper and client of one desk.
pub(super) struct Keeping {
    pub(super) keeper: Keeper,
    /// For requests that no keeper makes: introspection, client credentials, two refreshes at once.
    pub(super) client: Client,
    pub(super) connection: Connection,
    pub(super) network: Arc<Network>,
    /// The task of Method 2.
    watching: Option<AbortHandle>,
}

/// Why a desk cannot have a keeper. This is a defect of the demo.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeepingError {
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Connection(#[from] InvalidConnection),
    #[error(transparent)]
    Key(#[from] InvalidKey),
}

impl Keeping {
    pub(super) fn new(app: &SampleApp, registration: &Registration) -> Result<Self, KeepingError> {
        let id = &registration.credentials.id;
        let network = Network::new(app.http.clone(), Arc::clone(&app.clock));
        let http = HttpClient::over(network.clone());
        let clock: Arc<dyn Clock> = app.clock.clone();
        let provider = provider(app, registration);
        let key = VaultKey::from_bytes(random::alphanumeric(32).as_bytes())?;
        let keeper = Keeper::builder(Arc::new(MemoryVault::new()), key, clock.clone())
            .provider(id, provider.clone(), http.clone(), Care::default())
            .redirect_uri(&format!("{}{CALLBACK}", app.url))
            .build();
        Ok(Self {
            keeper,
            client: Client::new(provider, http, clock)?,
            connection: Connection::new(id, PERSON)?,
            network,
            watching: None,
        })
    }

    pub(super) fn method(&self) -> Method {
        match self.watching {
            Some(_) => Method::Ahead,
            None => Method::OnDemand,
        }
    }

    pub(super) fn choose(&mut self, method: Method) {
        if method == self.method() {
            return;
        }
        self.stop();
        if method == Method::Ahead {
            let keeper = self.keeper.clone();
            let task = tokio::spawn(async move { keeper.watch().await });
            self.watching = Some(task.abort_handle());
        }
    }

    /// Whether only the person can give access again.
    pub(super) async fn needs_user(&self) -> bool {
        self.keeper.state(&self.connection).await == Ok(Some(State::NeedsUser))
    }

    /// Waits until the keeper has another access token than `old`, or access has ended. Gives up after five seconds.
    pub(super) async fn until_other(&self, old: &str) {
        for _ in 0..MOST_LOOKS {
            let held = self.network.held();
            if held.is_none_or(|held| held.access != old) || self.needs_user().await {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until the keeper, which goes on with `old` after a lost answer, has asked again. Gives up after five seconds.
    pub(super) async fn until_asked_again(&self, old: &str) {
        for _ in 0..MOST_LOOKS {
            let token = self.keeper.token(&self.connection).await;
            let is_new = token.is_ok_and(|token| token.access.secret() != old);
            if is_new || self.needs_user().await {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Deletes the tokens.
    pub(super) async fn forget(&self) {
        if let Err(error) = self.keeper.forget(&self.connection).await {
            tracing::warn!(%error, "the sample app could not delete the tokens of an ended access");
        }
        self.network.forget();
    }

    fn stop(&mut self) {
        if let Some(task) = self.watching.take() {
            task.abort();
        }
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The server, as the app knows it.
fn provider(app: &SampleApp, registration: &Registration) -> Provider {
    let credentials = &registration.credentials;
    let authentication = match app.client_authentication {
        ClientAuthentication::Basic => ClientAuth::basic(credentials.secret.as_str()),
        ClientAuthentication::Body => ClientAuth::body(credentials.secret.as_str()),
    };
    let mut provider = Provider::new(credentials.id.as_str(), authentication);
    provider.issuer = Some(app.issuer.clone());
    provider.iss_required = true;
    provider.authorization_endpoint = Some(app.endpoints.authorize.clone());
    provider.token_endpoint = Some(app.endpoints.token.clone());
    provider.revocation_endpoint = Some(app.endpoints.revoke.clone());
    provider.introspection_endpoint = Some(app.endpoints.introspect.clone());
    let scopes = app.scope.as_deref().unwrap_or_default();
    provider.scopes = scopes
        .split(' ')
        .filter(|scope| !scope.is_empty())
        .map(str::to_owned)
        .collect();
    provider
}
