//! Why a request for tokens failed, told so that a caller knows what to do next.

use std::time::Duration;

use crate::discovery::DiscoveryError;
use crate::http::HttpError;
use crate::tokens::RefreshToken;

/// Why a token endpoint gave no tokens. No text contains a token or a secret.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The server refused the request, in one of the forms that servers use.
    #[error("the server refused: {0}")]
    Refused(OAuthError),
    /// The server cannot answer now (429, 5xx, `temporarily_unavailable`). Ask again, not before `retry_after` has passed.
    #[error("the server cannot answer now (status {status})")]
    Unavailable {
        /// From the header `Retry-After`, in seconds or as a date.
        retry_after: Option<Duration>,
        /// The HTTP status.
        status: u16,
        /// Whether the server may have acted although this is an error: true for 408, 500, 502 and 504, which a proxy may have written.
        may_have_counted: bool,
    },
    /// The request was sent and its answer was lost. The server may have acted on it.
    #[error("the answer of the server was lost: {0}")]
    Unanswered(String),
    /// The request did not reach the server.
    #[error("the server was not reached: {0}")]
    NotSent(String),
    /// The server has no metadata that can be used, so nothing was sent.
    #[error(transparent)]
    Metadata(DiscoveryError),
    /// The answer cannot be read as tokens or as an error. The server may have acted on the request.
    #[error("the answer of the server (status {status}) cannot be read: {reason}")]
    Malformed {
        /// The HTTP status.
        status: u16,
        /// What is wrong with the answer.
        reason: &'static str,
    },
    /// The answer has a new refresh token and no access token that can be read. Store the refresh token, and ask again with
    /// it: the one before may be spent.
    #[error("the answer of the server (status {status}) has a refresh token and no usable access token")]
    Incomplete {
        /// The HTTP status.
        status: u16,
        /// The new refresh token.
        refresh: RefreshToken,
    },
}

/// The error of [`Client::refresh`](crate::Client::refresh).
pub type RefreshError = TokenError;

impl TokenError {
    /// Whether the server may have acted on the request, so that a code may be spent or a refresh token replaced.
    pub fn may_have_counted(&self) -> bool {
        match self {
            Self::Refused(_) | Self::NotSent(_) | Self::Metadata(_) => false,
            Self::Unavailable { may_have_counted, .. } => *may_have_counted,
            Self::Unanswered(_) | Self::Malformed { .. } | Self::Incomplete { .. } => true,
        }
    }
}

impl From<DiscoveryError> for TokenError {
    fn from(error: DiscoveryError) -> Self {
        match error {
            DiscoveryError::Http { .. } => Self::NotSent(error.to_string()),
            other => Self::Metadata(other),
        }
    }
}

impl From<HttpError> for TokenError {
    fn from(error: HttpError) -> Self {
        match error.may_have_counted() {
            true => Self::Unanswered(error.to_string()),
            false => Self::NotSent(error.to_string()),
        }
    }
}

/// The refusal of an authorization server (RFC 6749 §5.2), whatever shape it had.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct OAuthError {
    /// The error code as the server wrote it, at most 100 characters. Empty if the answer has only a text.
    pub code: String,
    /// A text for a developer, at most 500 characters, without the secrets of the request.
    pub description: Option<String>,
    /// The HTTP status. Zero if the error came by a redirect.
    pub status: u16,
}

/// What a refusal is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The grant, code or refresh token is no longer valid: only the user can help.
    Grant,
    /// The client is unknown, its secret is wrong, or it may not do this: its operator must act. Tokens stay what they are.
    Client,
    /// The grant is paused, and works again later: Hallpass says `access_denied` and `paused: …`.
    Paused,
    /// The request itself, such as a scope or a parameter that the server does not take.
    Request,
    /// A word that this library does not know. It ends nothing.
    Unknown,
}

const LONGEST_CODE: usize = 100;
const LONGEST_DESCRIPTION: usize = 500;

/// Words for a dead grant in place of `invalid_grant`, at refreshes.
const GRANT_CODES: [&str; 8] = [
    "invalid_grant",
    "bad_refresh_token",
    "invalid_refresh_token",
    "keymanagement.service.invalid_refresh_token",
    "keymanagement.service.refresh_token_expired",
    // OpenID Connect Core §3.1.2.6: only the user can answer these.
    "interaction_required",
    "consent_required",
    "login_required",
];

/// Texts of servers that say `invalid_request` where the RFC says `invalid_grant`: league/oauth2-server 8, Apigee.
const GRANT_TEXTS: [&str; 4] = [
    "The refresh token is invalid",
    "Invalid Refresh Token",
    "Refresh Token expired",
    "Invalid Authorization Code",
];

impl OAuthError {
    /// An error without control characters, which would disturb a log, and of bounded length.
    pub(crate) fn new(code: &str, description: Option<&str>) -> Self {
        Self {
            code: printable(code, LONGEST_CODE),
            description: description
                .map(|text| printable(text, LONGEST_DESCRIPTION))
                .filter(|text| !text.is_empty()),
            status: 0,
        }
    }

    /// What the refusal is about.
    pub fn refusal(&self) -> Refusal {
        let description = self.description.as_deref().unwrap_or_default();
        let says_dead = || GRANT_TEXTS.iter().any(|text| description.contains(text));
        match self.code.as_str() {
            code if GRANT_CODES.contains(&code) => Refusal::Grant,
            "access_denied" if description.starts_with("paused: ") => Refusal::Paused,
            "invalid_client" | "unauthorized_client" => Refusal::Client,
            "invalid_request" | "" if says_dead() => Refusal::Grant,
            "invalid_request" | "invalid_scope" | "invalid_target" | "unsupported_grant_type" => Refusal::Request,
            _ => Refusal::Unknown,
        }
    }
}

fn printable(text: &str, longest: usize) -> String {
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    shown.take(longest).collect::<String>().trim().to_owned()
}

impl std::fmt::Display for OAuthError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code.as_str(), &self.description) {
            ("", None) => write!(f, "status {}", self.status),
            ("", Some(description)) => f.write_str(description),
            (code, None) => f.write_str(code),
            (code, Some(description)) => write!(f, "{code}: {description}"),
        }
    }
}
