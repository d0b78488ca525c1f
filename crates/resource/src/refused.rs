//! Why a request is refused.

use hallpass_wire::Scopes;
use std::fmt;
use std::time::Duration;

/// A refusal. The answer contains only what the caller may know; the refusal itself may be logged.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Refused {
    /// The request has no token (RFC 6750 §3.1).
    Absent,
    /// The `Authorization` header is not `Bearer` with one token, or there are several.
    Malformed,
    /// The token is not one of the server's, or not for this API. The text says why.
    Invalid(String),
    /// The token has expired.
    Expired,
    /// This verifier saw the token as good before. It is not good now, although it has not expired.
    Revoked,
    /// The token lacks some of these scopes, which the route needs.
    Scopes(Scopes),
    /// The token acts for no person, and the route is about one.
    NoPerson,
    /// The person's sign-in is too weak or too old (RFC 9470).
    StepUp(StepUp),
    /// The verifier cannot find out now whether the token is good.
    Unavailable(Unavailable),
}

/// The sign-in that a route needs (RFC 9470 §3).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StepUp {
    /// Any of these classes, in the order of preference. Empty: any.
    pub acr_values: Vec<String>,
    /// The greatest age of the sign-in.
    pub max_age: Option<Duration>,
}

/// The authorization server cannot be asked, or its answer cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unavailable {
    /// What failed.
    pub reason: String,
    /// When to try again.
    pub retry_after: Duration,
}

impl Unavailable {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            retry_after: Duration::from_secs(1),
        }
    }
}

impl From<Unavailable> for Refused {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable)
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "access tokens cannot be checked now: {}", self.reason)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("the request has no access token"),
            Self::Malformed => f.write_str("the Authorization header is not Bearer with one token"),
            Self::Invalid(reason) => write!(f, "the access token is not valid here: {reason}"),
            Self::Expired => f.write_str("the access token has expired"),
            Self::Revoked => f.write_str("the access token was revoked"),
            Self::Scopes(scopes) => write!(f, "the access token lacks some of the scopes {scopes}"),
            Self::NoPerson => f.write_str("the access token acts for no person"),
            Self::StepUp(_) => f.write_str("the sign-in of the person is too weak or too old"),
            Self::Unavailable(unavailable) => unavailable.fmt(f),
        }
    }
}

impl std::error::Error for Unavailable {}
impl std::error::Error for Refused {}
