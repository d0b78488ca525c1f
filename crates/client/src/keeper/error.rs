//! Why there is no token.

use super::VaultError;
use crate::ProviderError;
use std::time::Duration;

/// Why the keeper gives no token. Each case asks something else of the caller.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeeperError {
    /// The user must connect again: the grant ended, or its tokens cannot be renewed. Asking again is cheap and does not help.
    #[error("the user must connect again ({reason})")]
    NeedsUser {
        /// The provider's error code, `answer_lost` or `no_refresh_token`.
        reason: String,
        /// Since when, in milliseconds since 1970 by the provider's clock.
        since: i64,
    },
    /// The provider gives no tokens for a while, and says that it will again. Keep the connection.
    #[error("the provider paused the connection ({reason})")]
    Paused {
        /// The provider's word, such as `app_suspended`.
        reason: String,
        /// When to ask again.
        retry_after: Duration,
    },
    /// The provider cannot be asked now, or did not answer. Ask again later.
    #[error("the provider cannot be asked now; ask again in {} s ({})", retry_after.as_secs(), reason.as_deref().unwrap_or("busy"))]
    Unavailable {
        /// When to ask again.
        retry_after: Duration,
        /// Why the last refresh failed, if that is known: the provider's error code or a word of the keeper.
        reason: Option<String>,
    },
    /// The provider cannot be asked with this connection's variables, or its configuration is not complete.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// There is no such connection, or no such provider.
    #[error("the connection is not known")]
    Unknown,
    /// The vault failed. Nothing is lost; ask again later.
    #[error(transparent)]
    Vault(#[from] VaultError),
}
