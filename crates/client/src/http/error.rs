//! Why a request got no answer, and whether the server can have acted on it.

use std::error::Error;

use http_body_util::LengthLimitError;
use hyper_util::client::legacy;

/// Why there is no answer. None of the texts contains a header or a body.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The address of the request cannot be used. Nothing was sent.
    #[error("the URL of the request cannot be used: {0}")]
    Target(&'static str),
    /// There was no connection, so the server has not seen the request.
    #[error("could not connect: {0}")]
    NotSent(String),
    /// The request was sent, wholly or in part, and the answer did not arrive whole. The server may have acted on it.
    #[error("the answer was lost: {0}")]
    Unanswered(String),
    /// The answer is longer than the client reads. The server has acted on the request.
    #[error("the answer is longer than {limit} bytes")]
    TooLarge {
        /// The longest body that this client reads, in bytes.
        limit: usize,
    },
}

impl HttpError {
    /// Whether the server may have acted on the request.
    pub fn may_have_counted(&self) -> bool {
        match self {
            Self::Target(_) | Self::NotSent(_) => false,
            Self::Unanswered(_) | Self::TooLarge { .. } => true,
        }
    }

    pub(super) fn not_sent(reason: &str) -> Self {
        Self::NotSent(reason.to_owned())
    }

    pub(super) fn unanswered(reason: &str) -> Self {
        Self::Unanswered(reason.to_owned())
    }

    /// A canceled request was never written to its connection: hyper hands it back, and the pool does not try again once
    /// the client is busy closing.
    pub(super) fn from_pool(error: &legacy::Error) -> Self {
        let canceled = source_of::<hyper::Error>(error).is_some_and(hyper::Error::is_canceled);
        if error.is_connect() || canceled {
            Self::NotSent(root_cause(error))
        } else {
            Self::Unanswered(root_cause(error))
        }
    }

    pub(super) fn from_body(error: &(dyn Error + Send + Sync + 'static), limit: usize) -> Self {
        if error.is::<LengthLimitError>() {
            Self::TooLarge { limit }
        } else {
            Self::Unanswered(root_cause(error))
        }
    }
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

fn source_of<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// The text of the innermost error: the outer ones say only that a connection failed.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}
