//! Why a request is refused.
//!
//! Each endpoint, grant type and client authentication method has an enum of its own reasons, next to the code that raises
//! them. This file has what they share, and the reasons that any endpoint may have. A reason has three texts: `Display` is for
//! the log and the app's owner and never holds a token or a secret; [`Reason::word`] names its row in `docs/reasons.md`;
//! [`Reason::public`] is what an answer may reveal, in the words of a dialect.

use crate::store::StoreError;
use hallpass_wire::public_error::{RequestFault, Trouble};
use hallpass_wire::{ParameterError, PublicError};
use std::fmt;

/// An exact reason of a refusal.
pub trait Reason: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// The word of this reason in `docs/reasons.md` and in the log. It never changes: people search for it.
    fn word(&self) -> &'static str;

    /// The part that an answer may reveal.
    fn public(&self) -> PublicError;
}

/// Any reason. It is boxed, so a result with it is small; only a refused request allocates.
pub struct Refusal(Box<dyn Reason>);

/// Faults of the request itself, at any endpoint.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RequestReason {
    /// The endpoint does not accept this method (RFC 9110 §15.5.6).
    #[error("the request method {sent} is not served here; use {allowed}")]
    MethodNotAllowed {
        /// The method of the request.
        sent: String,
        /// The accepted methods, as in `Allow`.
        allowed: &'static str,
    },
    /// The body is not `application/x-www-form-urlencoded`. The text names its type.
    #[error("the body must be application/x-www-form-urlencoded, and was sent as {0}")]
    MediaType(String),
    /// The body or the parameters are larger than any client needs.
    #[error("the request is too large")]
    TooLarge,
    /// A known parameter is repeated, too long or not text.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// The request is truncated, or not valid HTTP. The text says how.
    #[error("{0}")]
    Malformed(&'static str),
    /// A required parameter is absent or empty.
    #[error("the parameter {0} is missing")]
    MissingParameter(&'static str),
}

/// Why the server cannot answer, at any endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ServerReason {
    /// The queue for hashing is full: the client may try again.
    #[error("too many verifications are waiting")]
    Busy,
    /// The memory for bodies and answers is full: the client may try again.
    #[error("the memory for requests in flight is full")]
    NoRoom,
    /// The database is away, locked or full.
    #[error("the database is not available")]
    Unavailable,
    /// A defect of the server. The log has the details.
    #[error("internal error")]
    Internal,
}

impl Refusal {
    /// As [`Reason::word`].
    #[must_use]
    pub fn word(&self) -> &'static str {
        self.0.word()
    }

    /// As [`Reason::public`].
    #[must_use]
    pub fn public(&self) -> PublicError {
        self.0.public()
    }
}

impl<R: Reason> From<R> for Refusal {
    fn from(reason: R) -> Self {
        Self(Box::new(reason))
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        ServerReason::from(error).into()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Reason for RequestReason {
    fn word(&self) -> &'static str {
        match self {
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::MediaType(_) => "media_type",
            Self::TooLarge => "too_large",
            Self::Parameter(ParameterError::Repeated(_)) => "parameter_repeated",
            Self::Parameter(ParameterError::TooLong(_)) => "parameter_too_long",
            Self::Parameter(ParameterError::NotText(_)) => "parameter_not_text",
            Self::Malformed(_) => "malformed",
            Self::MissingParameter(_) => "parameter_missing",
        }
    }

    fn public(&self) -> PublicError {
        PublicError::Request(match self {
            Self::MethodNotAllowed { sent, allowed } => RequestFault::Method {
                sent: sent.clone(),
                allowed,
            },
            Self::MediaType(sent) => RequestFault::MediaType(sent.clone()),
            Self::TooLarge => RequestFault::TooLarge,
            Self::Parameter(fault) => RequestFault::Parameter(*fault),
            Self::Malformed(detail) => RequestFault::Malformed(detail),
            Self::MissingParameter(name) => RequestFault::Missing(name),
        })
    }
}

impl Reason for ServerReason {
    fn word(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::NoRoom => "no_room",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    fn public(&self) -> PublicError {
        PublicError::Trouble(match self {
            Self::Busy | Self::NoRoom | Self::Unavailable => Trouble::Busy,
            Self::Internal => Trouble::Failed,
        })
    }
}

impl From<StoreError> for ServerReason {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(detail) => {
                tracing::warn!(%detail, "the database is not available");
                Self::Unavailable
            }
            other => {
                tracing::error!(error = %other, "the store failed");
                Self::Internal
            }
        }
    }
}
