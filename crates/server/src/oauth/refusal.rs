//! Why a request is refused.
//!
//! Each endpoint, grant type and client authentication method has an enum of its own reasons, next to the code that raises them.
//! Here is what they share, and the reasons that any endpoint may find. A reason has three texts: `Display` is for the log and
//! the app's owner and never holds a token or a secret; [`Reason::word`] names its row in `docs/reasons.md`; [`Reason::public`]
//! is what an answer may reveal, in the words of a dialect.

use crate::store::StoreError;
use hallpass_wire::public_error::{RequestFault, Trouble};
use hallpass_wire::{ParameterError, PublicError};
use std::fmt;

/// An exact reason of a refusal.
pub trait Reason: fmt::Display + fmt::Debug + Send + Sync + 'static {
    /// The word of this reason in `docs/reasons.md` and in the log. It never changes: people search for it.
    fn word(&self) -> &'static str;

    /// What an answer may reveal of it.
    fn public(&self) -> PublicError;
}

/// Any reason. It is boxed, so a result with it is small; only a refused request allocates.
pub struct Refusal(Box<dyn Reason>);

/// What is wrong with the request itself, at any endpoint.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RequestReason {
    /// Another method than the ones that are served here (RFC 9110 §15.5.6).
    #[error("the request method {sent} is not served here; use {allowed}")]
    MethodNotAllowed {
        /// The method of the request.
        sent: String,
        /// What is served, as `Allow` lists it.
        allowed: &'static str,
    },
    /// The body is not `application/x-www-form-urlencoded`; the text says what it is.
    #[error("the body must be application/x-www-form-urlencoded, and was sent as {0}")]
    MediaType(String),
    /// The body or the parameters are larger than any client needs.
    #[error("the request is too large")]
    TooLarge,
    /// A known parameter is repeated, oversized or no text.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// The request breaks off, or is no request that HTTP allows; the text says how.
    #[error("{0}")]
    Malformed(&'static str),
    /// A required parameter is absent or empty.
    #[error("the parameter {0} is missing")]
    MissingParameter(&'static str),
}

/// Why the server cannot answer, at any endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ServerReason {
    /// The pool that hashes is full: try again.
    #[error("too many verifications are waiting")]
    Busy,
    /// The server holds as many bodies and answers as it may: try again.
    #[error("the memory for requests in flight is full")]
    NoRoom,
    /// The database is away, locked or full.
    #[error("the database is not available")]
    Unavailable,
    /// A defect of ours; the log has the detail.
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
