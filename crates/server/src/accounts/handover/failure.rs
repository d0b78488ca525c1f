//! Refusals of the site's requests: `{"error", "error_description"}`, and `field` where a member of the body is wrong.

use crate::http::body::Unread;
use crate::http::excerpt::excerpt;
use crate::http::respond;
use crate::http::respond::Response;
use crate::store::StoreError;
use axum::response::IntoResponse;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::json;

/// The longest description, in characters: it repeats text of the request.
const LONGEST: usize = 500;

/// A refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    status: u16,
    error: &'static str,
    field: Option<String>,
    description: String,
}

impl Failure {
    /// No secret, or a wrong one (RFC 6750 §3).
    pub(super) fn unauthorized(description: &str) -> Self {
        Self::of(401, "invalid_token", description)
    }

    /// The site may not do this.
    pub(super) fn forbidden(description: &str) -> Self {
        Self::of(403, "forbidden", description)
    }

    /// There is no such person, grant or request.
    pub(super) fn not_found(description: &str) -> Self {
        Self::of(404, "not_found", description)
    }

    /// This server has no site. Another error than for an unknown person, which a site may ignore.
    pub(super) fn off() -> Self {
        let description = "this server has no [handover] in its configuration";
        Self::of(404, "handover_off", description)
    }

    /// The path exists, but not with this method.
    pub(super) fn method_not_allowed() -> Self {
        Self::of(405, "method_not_allowed", "this address does not take this method")
    }

    /// An older word of the site, or a state that does not allow the change.
    pub(super) fn conflict(description: &str) -> Self {
        Self::of(409, "conflict", description)
    }

    /// The request ended.
    pub(super) fn gone(description: &str) -> Self {
        Self::of(410, "expired", description)
    }

    /// A member is wrong.
    pub(super) fn member(field: &str, description: impl Into<String>) -> Self {
        let field = Some(excerpt(field, 100));
        Self {
            field,
            ..Self::of(422, "invalid_member", &description.into())
        }
    }

    /// Logs a message that was refused: many sites do not show the answer to their developers.
    pub(super) fn logged(self) -> Self {
        let (field, description) = (self.field.as_deref().unwrap_or_default(), &self.description);
        tracing::info!(error = self.error, field, description, "refused a message of the site");
        self
    }

    /// The body as a whole is wrong.
    pub(super) fn body(description: &str) -> Self {
        Self::of(422, "invalid_body", description)
    }

    fn of(status: u16, error: &'static str, description: &str) -> Self {
        Self {
            status,
            error,
            field: None,
            description: excerpt(description, LONGEST),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::warn!(%error, "failed to answer the site");
        match error {
            StoreError::Unavailable(_) => Self::of(
                503,
                "temporarily_unavailable",
                "the database is not available: try again",
            ),
            StoreError::Conflict | StoreError::Taken(_) => Self::of(
                503,
                "temporarily_unavailable",
                "the person was changed at the same moment: try again",
            ),
            StoreError::Corrupt(_) | StoreError::Unfit(_) => {
                Self::of(500, "server_error", "the server failed; its log says why")
            }
        }
    }
}

impl From<Unread> for Failure {
    fn from(unread: Unread) -> Self {
        let text = unread.to_string();
        match unread {
            Unread::TooLarge => Self::of(413, "too_large", &text),
            Unread::Broken => Self::of(400, "invalid_request", &text),
            Unread::NoRoom => Self::of(503, "temporarily_unavailable", &text),
        }
    }
}

impl Failure {
    /// The refusal as an answer.
    pub(super) fn response(self) -> Response {
        let mut body = json!({ "error": self.error, "error_description": self.description });
        if self.status == 422 {
            body["field"] = self.field.into();
        }
        let mut response: Response = respond::json(self.status, body.to_string());
        match self.status {
            401 => respond::set(&mut response, WWW_AUTHENTICATE, "Bearer"),
            503 => respond::set(&mut response, RETRY_AFTER, "1"),
            _ => {}
        }
        response
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> axum::response::Response {
        self.response().into_response()
    }
}
