use crate::config::section::{optional, required, section};
use crate::config::shown::Shown;
use crate::config::tree::Node;
use crate::config::values;
use crate::config::words::words;
use std::time::Duration;
use toml::Value;

section! {
    /// `[tokens]`: the form and the lifetimes of tokens.
    Tokens {
        /// The form of access tokens.
        format: TokenFormat = required(token_format),
        /// Life of an access token, from its issue.
        access: Duration = required(values::duration),
        /// Life of a refresh token, from each token's issue.
        refresh: Lifetime = required(lifetime),
        /// A grant ends if its refresh token is not used for this long.
        refresh_idle: Option<Duration> = optional(values::duration),
        /// A grant ends this long after its code was redeemed, however often it was refreshed.
        refresh_absolute: Option<Duration> = optional(values::duration),
        /// Life of an authorization code.
        code: Duration = required(values::duration),
        /// Whether each refresh gives a new refresh token. Public clients always get one.
        rotate: bool = required(values::boolean),
        /// For this long after a rotation the predecessor gives the same successor again.
        grace: Duration = required(values::duration),
        /// For this long after a rotation an unconfirmed successor may be replaced, as configured; see
        /// [`Tokens::effective_retry`].
        retry: Duration = required(values::duration),
        /// Active grants that one user may have for one app; with one more, the longest idle one ends.
        grants_per_user_and_app: u32 = required(values::count),
    }
}

impl Tokens {
    /// How long an unconfirmed successor may be replaced: `retry`, at most the access lifetime, at most a day.
    #[must_use]
    pub fn effective_retry(&self) -> Duration {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        self.retry.min(self.access).min(DAY)
    }
}

words! {
    /// The form of access tokens.
    TokenFormat {
        /// Sealed by the server, and opaque to clients and resource servers.
        Sealed = "sealed",
    }
}

fn token_format(node: &Node) -> Result<TokenFormat, String> {
    if values::text(node).is_ok_and(|text| text == "jwt") {
        return Err("\"jwt\" is not available yet; use \"sealed\"".to_owned());
    }
    values::word(node)
}

/// The lifetime of a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lifetime {
    /// It does not expire by age.
    Never,
    /// From its issue.
    For(Duration),
}

impl Shown for Lifetime {
    fn shown(&self) -> Value {
        match self {
            Self::Never => "never".into(),
            Self::For(span) => span.shown(),
        }
    }
}

fn lifetime(node: &Node) -> Result<Lifetime, String> {
    if values::text(node).is_ok_and(|text| text == "never") {
        return Ok(Lifetime::Never);
    }
    values::duration(node)
        .map(Lifetime::For)
        .map_err(|text| format!("{text}; \"never\" is possible too"))
}
