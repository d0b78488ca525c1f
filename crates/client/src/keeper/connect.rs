//! New connections: the user goes to the provider and comes back (RFC 6749 §4.1).
//!
//! What must be remembered in between is in the vault, sealed, under the digest of `state`. So any process of the program can
//! serve the way back. The record names the reference for which the sign-in was begun; it is good for no other.

use super::seal::{NotSealed, Purpose};
use super::{Connection, Keeper, KeeperError, VaultError};
use crate::authorization::{Accepted, Naming};
use crate::keeper::provider::Variables;
use crate::keeper::vault::SignIn;
use crate::{
    CallbackError, Client, DiscoveryError, OAuthError, PendingAuthorization, ProviderError, TokenError, Tokens,
    own_redirect_uri,
};
use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// How long a user may take, in milliseconds: an hour, as the client library allows.
const LONGEST_ABSENCE: i64 = 3_600_000;
/// How often tokens of a new connection are stored again after the vault failed.
const RESTORE: Duration = Duration::from_millis(200);

/// What a new connection should be.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectRequest {
    /// The connection that it becomes. If it exists, its tokens are replaced when the user is back.
    pub connection: Connection,
    /// The scopes. Empty: those of the provider.
    pub scopes: Vec<String>,
    /// Where the program wants the user afterwards. The keeper only gives it back.
    pub return_to: Option<String>,
    /// Values for the `{variables}` in the provider's endpoints.
    pub variables: Variables,
}

impl ConnectRequest {
    /// A connection with the provider's scopes.
    #[must_use]
    pub fn new(connection: Connection) -> Self {
        Self {
            connection,
            scopes: Vec::new(),
            return_to: None,
            variables: Variables::new(),
        }
    }
}

/// A connection that was made.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Connected {
    /// The connection. Its tokens are stored.
    pub connection: Connection,
    /// What the request said.
    pub return_to: Option<String>,
}

/// Why no connection was made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// There is no such provider.
    #[error("the provider is not known")]
    Unknown,
    /// The keeper has no redirect URI, or the provider's configuration is not complete.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The provider's metadata cannot be had now. A sign-in that was begun stays as it is: ask again later.
    #[error("the provider's metadata cannot be had now: {0}")]
    Away(TokenError),
    /// The provider's server names itself otherwise than the configuration does, which only the operator can mend.
    #[error(transparent)]
    OtherIssuer(DiscoveryError),
    /// The way back belongs to no sign-in that was begun, or to one that is over or was used.
    #[error("the sign-in is not known, is over, or was used already")]
    State,
    /// The sign-in was begun for another reference: perhaps somebody sent this user a link.
    #[error("the sign-in was begun for somebody else")]
    Reference,
    /// The user or the provider refused. The sign-in is over.
    #[error("the sign-in was refused: {error}")]
    Denied {
        /// The answer of the provider, such as `access_denied`.
        error: OAuthError,
        /// What the request said.
        return_to: Option<String>,
    },
    /// The way back is not acceptable, or the code gave no tokens.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// The vault failed before the sign-in was over: send the same way back again.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The vault failed after the code was exchanged, and the tokens are lost: the user begins again.
    #[error("the tokens could not be stored, so the sign-in must begin again: {0}")]
    NotStored(VaultError),
}

/// The record of a sign-in.
#[derive(Serialize, Deserialize)]
struct Remembered {
    pending: PendingAuthorization,
    provider: String,
    reference: String,
    return_to: Option<String>,
    variables: Variables,
}

/// A way back that has passed its checks.
struct Back {
    state: [u8; 32],
    remembered: Remembered,
    /// The code, or the refusal of the user or the provider.
    accepted: Result<Accepted, OAuthError>,
    connection: Connection,
    client: Client,
}

impl Keeper {
    /// Begins a connection. Returns the address to which the user's browser goes. State and verifier are stored before.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn begin(&self, request: &ConnectRequest) -> Result<String, ConnectError> {
        let connection = &request.connection;
        let provider = self.engine.providers.get(connection.provider());
        let provider = provider.ok_or(ConnectError::Unknown)?;
        let base = self
            .redirect_uri
            .as_deref()
            .ok_or(ProviderError::Missing("redirect_uri"))?;
        let redirect_uri = own_redirect_uri(base, connection.provider(), None);
        provider.endpoints.ready().await.map_err(not_ready)?;
        let client = provider.client(&request.variables)?;
        let begun = client.begin(&redirect_uri, &request.scopes)?;
        let state = digest_of(&begun.pending.state);
        let remembered = Remembered {
            pending: begun.pending,
            provider: connection.provider().to_owned(),
            reference: connection.reference().to_owned(),
            return_to: request.return_to.clone(),
            variables: request.variables.clone(),
        };
        let plain = serde_json::to_vec(&remembered).map(Zeroizing::new);
        let plain = plain.map_err(|error| VaultError::Failed(error.to_string()))?;
        let sealed = self.engine.key.seal(&Purpose::SignIn(&state), &plain);
        let sealed = sealed.map_err(|NotSealed| VaultError::Failed("failed to seal a sign-in".to_owned()))?;
        let now = self.engine.clock.now_millis();
        let sign_in = SignIn {
            state,
            sealed,
            expires_at: now.saturating_add(LONGEST_ABSENCE),
        };
        self.engine.vault.begin(sign_in, now).await?;
        Ok(begun.url)
    }

    /// Ends a sign-in with the user's way back: exchanges the code and stores the tokens, then returns.
    ///
    /// `callback` is the whole URL that the browser asked for. Its query alone is enough if it has `iss` (RFC 9207), and if the
    /// keeper has no other provider. `reference` is the one of the user who is signed in at the program now.
    ///
    /// If the variables of the provider's token endpoint choose its server, the way back must have `iss`, at the place of that
    /// endpoint. A variable below a fixed domain, such as `https://{shop}.shops.example`, does not: the servers there are those
    /// of the domain's owner.
    ///
    /// If this future is dropped while the code is exchanged, the tokens are still stored.
    ///
    /// # Errors
    /// See [`ConnectError`]. After [`ConnectError::Denied`], [`ConnectError::NotStored`] and errors of the exchange, the
    /// user begins again.
    pub async fn complete(&self, callback: &str, reference: &str) -> Result<Connected, ConnectError> {
        self.complete_for(None, callback, reference).await
    }

    /// As [`complete`](Self::complete), for a caller who may use these providers alone. The sign-in of another provider is
    /// [`ConnectError::State`], and stays as it is.
    ///
    /// # Errors
    /// As [`complete`](Self::complete).
    pub async fn complete_for(
        &self,
        providers: Option<&BTreeSet<String>>,
        callback: &str,
        reference: &str,
    ) -> Result<Connected, ConnectError> {
        let state = state_of(callback).ok_or(ConnectError::State)?;
        let found = self.engine.vault.begun(&state).await?.ok_or(ConnectError::State)?;
        let now = self.engine.clock.now_millis();
        if found.expires_at <= now {
            return Err(ConnectError::State);
        }
        let plain = self.engine.key.open(&Purpose::SignIn(&state), &found.sealed);
        let plain = plain.map_err(|NotSealed| VaultError::Sealed("a sign-in".to_owned()))?;
        let remembered: Remembered = serde_json::from_slice(&plain).map_err(|_| ConnectError::State)?;
        if providers.is_some_and(|providers| !providers.contains(&remembered.provider)) {
            return Err(ConnectError::State);
        }
        if remembered.reference != reference {
            return Err(ConnectError::Reference);
        }
        let connection = Connection::new(&remembered.provider, reference).map_err(|_| ConnectError::State)?;
        let provider = self.engine.providers.get(connection.provider());
        let provider = provider.ok_or(ConnectError::Unknown)?;
        provider.endpoints.ready().await.map_err(not_ready)?;
        let client = provider.client(&remembered.variables)?;
        // What anybody can send ends no sign-in; an answer of the provider does.
        let is_only = self.engine.providers.len() == 1 && remembered.variables.is_empty();
        let naming = match provider.endpoints.variables_choose_server() {
            // One tenant's server could send the user on to another's, and get the code of that one.
            true => Naming::Always,
            false if is_only => Naming::Never,
            false => Naming::QueryAlone,
        };
        let accepted = match remembered.pending.accept(client.provider(), callback, naming, now) {
            Ok(accepted) => Ok(accepted),
            Err(CallbackError::Refused(error)) => Err(error),
            Err(error) => return Err(error.into()),
        };
        let (keeper, back) = (
            self.clone(),
            Back {
                state,
                remembered,
                accepted,
                connection,
                client,
            },
        );
        // A caller that hangs up must not cancel this: a code is redeemed once, and its tokens cannot be had again.
        let ended = tokio::spawn(async move { keeper.redeem(back).await }).await;
        ended.unwrap_or_else(|error| Err(ConnectError::NotStored(VaultError::Failed(error.to_string()))))
    }

    /// Ends the sign-in, exchanges the code and stores the tokens.
    async fn redeem(&self, back: Back) -> Result<Connected, ConnectError> {
        let Back {
            state,
            remembered,
            accepted,
            connection,
            client,
        } = back;
        let _place = self.engine.gate.enter().await.map_err(VaultError::from)?;
        // Before the exchange: a code is redeemed once.
        if !self.engine.vault.spend(&state).await? {
            return Err(ConnectError::State);
        }
        let Remembered {
            pending,
            return_to,
            variables,
            ..
        } = remembered;
        let accepted = match accepted {
            Ok(accepted) => accepted,
            Err(error) => return Err(ConnectError::Denied { error, return_to }),
        };
        let tokens = client.exchange(&pending, accepted).await?;
        self.store_new(&connection, &tokens, &variables).await?;
        Ok(Connected { connection, return_to })
    }

    /// Stores the tokens of a code, which cannot be had again.
    async fn store_new(
        &self,
        connection: &Connection,
        tokens: &Tokens,
        variables: &Variables,
    ) -> Result<(), ConnectError> {
        let patience = Instant::now() + self.engine.limits.lease;
        loop {
            match self.store(connection, tokens, variables, true).await {
                Ok(_) => return Ok(()),
                Err(KeeperError::Vault(error)) if Instant::now() >= patience => {
                    return Err(ConnectError::NotStored(error));
                }
                Err(KeeperError::Unavailable { .. }) if Instant::now() >= patience => {
                    let text = "the refresh token of the code is being sent".to_owned();
                    return Err(ConnectError::NotStored(VaultError::Locked(text)));
                }
                // A provider that does not rotate gives the refresh token again that a refresh sends now.
                Err(KeeperError::Vault(_) | KeeperError::Unavailable { .. }) => tokio::time::sleep(RESTORE).await,
                Err(KeeperError::Provider(error)) => return Err(error.into()),
                Err(_) => return Err(ConnectError::Unknown),
            }
        }
    }
}

fn not_ready(error: TokenError) -> ConnectError {
    match error {
        TokenError::Metadata(error @ DiscoveryError::OtherIssuer { .. }) => ConnectError::OtherIssuer(error),
        other => ConnectError::Away(other),
    }
}

/// The digest of the one `state` of a callback.
fn state_of(callback: &str) -> Option<[u8; 32]> {
    let query = callback.split_once('?').map_or(callback, |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    let mut states = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "state");
    match (states.next(), states.next()) {
        (Some((_, state)), None) => Some(digest_of(&state)),
        _ => None,
    }
}

fn digest_of(state: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    let digest = digest(&SHA256, state.as_bytes());
    for (to, from) in bytes.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    bytes
}
