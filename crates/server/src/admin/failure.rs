//! Refusals of the admin API: `{"error": code, "message": text}` with the status that belongs to the code.

use super::described::{Responses, described};
use crate::accounts::passwords::Busy;
use crate::http::excerpt::excerpt;
use crate::http::paging::ForeignCursor;
use crate::http::respond;
use crate::http::respond::Response;
use crate::store::StoreError;
use axum::response::IntoResponse;
use http::header::RETRY_AFTER;
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

/// The longest message, in characters: a message repeats text of the request.
const LONGEST: usize = 1_000;

/// A refusal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[schema(as = Refusal)]
pub(super) struct Failure {
    #[serde(rename = "error")]
    code: Code,
    message: String,
}

/// What kind of refusal it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RefusalCode)]
pub(super) enum Code {
    InvalidRequest,
    NotFound,
    MethodNotAllowed,
    Taken,
    Conflict,
    TooLarge,
    Internal,
    Unavailable,
}

impl Code {
    fn status(self) -> u16 {
        match self {
            Self::InvalidRequest => 400,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Taken | Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }
}

impl Failure {
    /// The same refusal, with advice.
    pub(super) fn with_hint(self, hint: &str) -> Self {
        let message = format!("{}; {hint}", self.message);
        Self { message, ..self }
    }

    /// The request has an invalid value.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::of(Code::InvalidRequest, message)
    }

    /// The named object does not exist.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::of(Code::NotFound, message)
    }

    /// The address exists, but not with this method.
    pub(super) fn method_not_allowed() -> Self {
        Self::of(Code::MethodNotAllowed, "this address does not take this method")
    }

    /// A unique value exists already.
    pub(super) fn taken(message: impl Into<String>) -> Self {
        Self::of(Code::Taken, message)
    }

    /// The request contradicts the present state.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::of(Code::Conflict, message)
    }

    /// The body is longer than the limit.
    pub(super) fn too_large() -> Self {
        Self::of(Code::TooLarge, "the body is too long")
    }

    /// A defect of the server.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        let failure = Self::of(Code::Internal, message);
        tracing::error!(error = failure.message, "a command failed");
        failure
    }

    fn of(code: Code, message: impl Into<String>) -> Self {
        let message = excerpt(&message.into(), LONGEST);
        Self { code, message }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::of(Code::Unavailable, error.to_string()),
            StoreError::Taken(_) => Self::taken(error.to_string()),
            StoreError::Conflict => Self::conflict("it was changed or removed at the same moment; try again"),
            StoreError::Corrupt(_) | StoreError::Unfit(_) => {
                tracing::error!(%error, "the store failed");
                Self::of(Code::Internal, error.to_string())
            }
        }
    }
}

impl From<Busy> for Failure {
    fn from(error: Busy) -> Self {
        Self::of(Code::Unavailable, error.to_string())
    }
}

impl From<ForeignCursor> for Failure {
    fn from(error: ForeignCursor) -> Self {
        Self::invalid(error.to_string())
    }
}

/// Which refusals a call can give is the same everywhere.
impl IntoResponses for Failure {
    fn responses() -> Responses {
        let mut refusals = described::<Self>("4XX", "The request was refused");
        refusals.append(&mut described::<Self>("5XX", "The server failed"));
        refusals
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> axum::response::Response {
        let body = serde_json::json!(self).to_string();
        let mut response: Response = respond::json(self.code.status(), body);
        if self.code == Code::Unavailable {
            respond::set(&mut response, RETRY_AFTER, "1");
        }
        response.into_response()
    }
}
