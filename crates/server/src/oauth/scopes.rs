//! The scopes of a request, limited to those that it may have (RFC 6749 §3.3).

use crate::directory::Client;
use crate::oauth::Reason;
use crate::serve::hallpass::Hallpass;
use crate::tokens::sealed::LONGEST_SCOPES;
use hallpass_wire::public_error::ScopeFault;
use hallpass_wire::{ErrorCode, PublicError, Scope, Scopes};

/// Why scopes are refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum ScopeReason {
    /// Not a list of scope tokens (RFC 6749 §3.3).
    #[error("the scope parameter is not a list of scopes")]
    Malformed,
    /// The catalogue has no such scope.
    #[error("there is no scope {0}")]
    Unknown(Scope),
    /// The app may not request this scope.
    #[error("this app may not ask for the scope {0}")]
    BeyondClient(Scope),
    /// The app has no scope at all: none was chosen for it.
    #[error("this app has no scopes: none was chosen for it")]
    ClientWithoutScopes,
    /// The grant does not have this scope (RFC 6749 §6).
    #[error("the grant does not have the scope {0}")]
    BeyondGrant(Scope),
    /// No scope was requested, and there is no default scope that this app may have.
    #[error("no scope was asked for and none is the default")]
    Missing,
    /// The app lost every scope that the grant has.
    #[error("the app may no longer have any scope of the grant")]
    Lost,
    /// More scopes than an access token has room for.
    #[error("the scopes have {0} characters, and an access token has room for {LONGEST_SCOPES}")]
    TooLong(usize),
}

impl Reason for ScopeReason {
    fn word(&self) -> &'static str {
        match self {
            Self::Malformed => "scope_malformed",
            Self::Unknown(_) => "unknown_scope",
            Self::BeyondClient(_) => "scope_beyond_client",
            Self::ClientWithoutScopes => "client_without_scopes",
            Self::BeyondGrant(_) => "scope_beyond_grant",
            Self::Missing => "scope_missing",
            Self::Lost => "scopes_lost",
            Self::TooLong(_) => "scopes_too_long",
        }
    }

    fn public(&self) -> PublicError {
        let plain = |sentence| PublicError::Plain(ErrorCode::InvalidScope, sentence);
        PublicError::Scope(match self {
            Self::Malformed => ScopeFault::Malformed,
            Self::Unknown(scope) => ScopeFault::Unknown(scope.clone()),
            Self::BeyondClient(scope) => ScopeFault::BeyondClient(scope.clone()),
            Self::BeyondGrant(scope) => ScopeFault::BeyondGrant(scope.clone()),
            Self::Missing => ScopeFault::Missing,
            Self::TooLong(length) => ScopeFault::TooLong {
                length: *length,
                longest: LONGEST_SCOPES,
            },
            Self::ClientWithoutScopes => return plain("This app has no scopes: choose some where it is registered"),
            Self::Lost => return plain("This app may no longer have any scope of the grant"),
        })
    }
}

/// Parses scopes that the catalogue has.
///
/// # Errors
/// If the text is not a list of scopes, or names an unknown one.
pub(crate) fn known_scopes(hallpass: &Hallpass, text: &str) -> Result<Scopes, ScopeReason> {
    let scopes = Scopes::parse(text).map_err(|_| ScopeReason::Malformed)?;
    match scopes.iter().find(|scope| !hallpass.config.scopes.contains_key(*scope)) {
        Some(unknown) => Err(ScopeReason::Unknown(unknown.clone())),
        None => Ok(scopes),
    }
}

/// The requested scopes, if all of them are allowed. If none is requested, the default scopes (RFC 6749 §3.3).
///
/// # Errors
/// If the client may not have one of them, if there is no default, or if a token has no room for them.
pub(crate) fn grantable_scopes(
    hallpass: &Hallpass,
    asked: Option<Scopes>,
    client: &Client,
) -> Result<Scopes, ScopeReason> {
    if client.scopes.is_empty() {
        return Err(ScopeReason::ClientWithoutScopes);
    }
    let asked = match asked {
        // Checked before the app's own scopes, so that the answer depends on the request alone.
        Some(asked) if !asked.is_empty() => fitting(asked)?,
        _ => {
            let defaults = hallpass.default_scopes(&client.scopes);
            return if defaults.is_empty() {
                Err(ScopeReason::Missing)
            } else {
                fitting(defaults)
            };
        }
    };
    match asked.iter().find(|scope| !client.scopes.contains(scope)) {
        Some(beyond) => Err(ScopeReason::BeyondClient(beyond.clone())),
        None => Ok(asked),
    }
}

/// The scopes, if an access token has room for them: a longer token could be neither used nor revoked.
///
/// # Errors
/// [`ScopeReason::TooLong`].
pub(crate) fn fitting(scopes: Scopes) -> Result<Scopes, ScopeReason> {
    match scopes.text_length() {
        length if length > LONGEST_SCOPES => Err(ScopeReason::TooLong(length)),
        _ => Ok(scopes),
    }
}
