//! `GET /token/{provider}/{reference}`: a live access token.

use axum::extract::{Extension, Path, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use hallpass_client::keeper::{Connection, InvalidConnection, KeeperError, Token};
use http::StatusCode;
use serde_json::json;
use tokio::time::Instant;

use super::answers::{Json, fault, later};
use super::{Rights, Service};
use crate::output::{SHORTEST_END, token_body};

/// The wait after the vault failed.
const VAULT_AWAY: std::time::Duration = std::time::Duration::from_secs(1);

pub(super) async fn token(
    State(service): State<Service>,
    Extension(rights): Extension<Rights>,
    Path((provider, reference)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let refused = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "refused");
    let connection = match allowed(&rights, &provider, &reference) {
        Ok(_)
            if refused
                .as_ref()
                .is_some_and(|(_, refused)| refused.len() < SHORTEST_END) =>
        {
            let text = "`refused` is the end of the refused token: its last 8 characters or more";
            return counted(
                &service,
                fault(StatusCode::UNPROCESSABLE_ENTITY, "refused", text).into_response(),
            );
        }
        Ok(connection) => connection,
        Err(Barred::Reference(fault)) => return counted(&service, fault.into_response()),
        Err(Barred::Unknown) => return answered(&service, "", Err(KeeperError::Unknown)),
    };
    let outcome = match refused {
        None => service.keeper.token(&connection).await,
        Some((_, refused)) => service.keeper.refused(&connection, &refused).await,
    };
    answered(&service, &provider, outcome)
}

/// Why a caller cannot use a connection.
pub(super) enum Barred {
    Unknown,
    /// No connection can have this reference.
    Reference(Json),
}

/// The connection, if the caller may use its provider. A stranger cannot tell a foreign connection from none.
pub(super) fn allowed(rights: &Rights, provider: &str, reference: &str) -> Result<Connection, Barred> {
    match Connection::new(provider, reference) {
        Ok(connection) if rights.allow(provider) => Ok(connection),
        Err(error @ InvalidConnection::Reference) => {
            let fault = fault(StatusCode::UNPROCESSABLE_ENTITY, "reference", &error.to_string());
            Err(Barred::Reference(fault))
        }
        Ok(_) | Err(_) => Err(Barred::Unknown),
    }
}

fn answered(service: &Service, provider: &str, outcome: Result<Token, KeeperError>) -> Response {
    let (word, answer) = match outcome {
        Ok(token) => ("given", Json(StatusCode::OK, token_body(&token)).into_response()),
        Err(error) => refused(service, &error),
    };
    // Only names of the configuration become labels.
    service
        .metrics
        .token(if word == "unknown" { "" } else { provider }, word);
    counted(service, answer)
}

fn counted(service: &Service, answer: Response) -> Response {
    service.metrics.request("token", answer.status().as_u16());
    answer
}

/// The answer to a request that the keeper refuses, and the word for counting it.
pub(super) fn refused(service: &Service, error: &KeeperError) -> (&'static str, Response) {
    match error {
        KeeperError::NeedsUser { reason, since } => {
            let body = json!({"error": "needs_user", "reason": reason, "since": since / 1000});
            ("needs_user", Json(StatusCode::CONFLICT, body).into_response())
        }
        KeeperError::Paused { reason, retry_after } => ("paused", later("paused", Some(reason), *retry_after)),
        KeeperError::Unavailable { retry_after, reason } => {
            ("unavailable", later("unavailable", reason.as_deref(), *retry_after))
        }
        KeeperError::Provider(error) => {
            let answer = fault(StatusCode::UNPROCESSABLE_ENTITY, "params", &error.to_string());
            ("params", answer.into_response())
        }
        KeeperError::Unknown => {
            let answer = fault(
                StatusCode::NOT_FOUND,
                "unknown_connection",
                "there is no such connection",
            );
            ("unknown", answer.into_response())
        }
        other => {
            if service.seldom.is_time(Instant::now()) {
                tracing::error!(error = %other, "the vault failed; told once a minute");
            }
            ("vault", later("unavailable", Some("vault"), VAULT_AWAY))
        }
    }
}
