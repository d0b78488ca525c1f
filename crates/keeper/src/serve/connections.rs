//! Connections: made in a browser, taken over, ended.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use hallpass_client::keeper::{ConnectError, ConnectRequest, Connection};
use hallpass_client::{CallbackError, Refusal, TokenError};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::answers::{Json, fault, later, not_allowed, too_long};
use super::tokens::{Barred, allowed, refused};
use super::{LONGEST_BODY, Rights, Service};
use crate::moving::{Moved, take_over};

/// The wait after the vault or the provider failed.
const AWHILE: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConnectBody {
    reference: String,
    return_to: Option<String>,
    scopes: Option<Vec<String>>,
    /// Values for the `{variables}` in the provider's endpoints.
    params: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallbackBody {
    query: String,
    reference: String,
}

/// `POST /connections/{provider}/connect`, and `PUT` and `DELETE` of a connection. A connection may be called `connect` too.
pub(super) async fn one(
    State(service): State<Service>,
    Extension(rights): Extension<Rights>,
    Path((provider, reference)): Path<(String, String)>,
    request: Request,
) -> Response {
    let answer = answer(&service, &rights, (&provider, &reference), request).await;
    service.metrics.request("connection", answer.status().as_u16());
    answer
}

async fn answer(service: &Service, rights: &Rights, name: (&str, &str), request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LONGEST_BODY).await else {
        return too_long();
    };
    let (provider, reference) = name;
    match head.method {
        Method::POST if reference == "connect" => {
            connect(service, rights, provider, json_body(&head.headers, &body)).await
        }
        Method::PUT => match allowed(rights, provider, reference) {
            Ok(connection) => put(service, &connection, json_body(&head.headers, &body)).await,
            Err(barred) => refusal(barred),
        },
        Method::DELETE => match allowed(rights, provider, reference) {
            Ok(connection) => delete(service, &connection, head.uri.query().unwrap_or_default()).await,
            Err(barred) => refusal(barred),
        },
        _ if reference == "connect" => not_allowed("POST, PUT, DELETE"),
        _ => not_allowed("PUT, DELETE"),
    }
}

async fn connect(service: &Service, rights: &Rights, provider: &str, body: Result<ConnectBody, Json>) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(fault) => return fault.into_response(),
    };
    let connection = match allowed(rights, provider, &body.reference) {
        Ok(connection) => connection,
        Err(barred) => return refusal(barred),
    };
    let mut request = ConnectRequest::new(connection);
    request.scopes = body.scopes.unwrap_or_default();
    request.return_to = body.return_to;
    request.variables = body.params.unwrap_or_default();
    match service.keeper.begin(&request).await {
        Ok(url) => Json(StatusCode::OK, json!({"url": url})).into_response(),
        Err(error) => not_connected(&error),
    }
}

/// `POST /connections/callback`: the user is back.
pub(super) async fn callback(
    State(service): State<Service>,
    Extension(rights): Extension<Rights>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let providers = match &rights {
        Rights::All => None,
        Rights::Only(providers) => Some(&**providers),
    };
    let answer = match json_body::<CallbackBody>(&headers, &body) {
        Err(fault) => fault.into_response(),
        // A program without the right to the provider cannot end the sign-in of another.
        Ok(body) => match service
            .keeper
            .complete_for(providers, &body.query, &body.reference)
            .await
        {
            Ok(connected) => {
                let connection = connected.connection.to_string();
                let body = json!({"connection": connection, "return_to": connected.return_to});
                Json(StatusCode::OK, body).into_response()
            }
            Err(error) => not_connected(&error),
        },
    };
    service.metrics.request("callback", answer.status().as_u16());
    answer
}

async fn put(service: &Service, connection: &Connection, body: Result<Moved, Json>) -> Response {
    match body {
        Err(fault) => fault.into_response(),
        Ok(tokens) => match take_over(&service.keeper, connection, tokens).await {
            Ok(()) => StatusCode::NO_CONTENT.into_response(),
            Err(crate::moving::MoveError::Tokens(text)) => {
                fault(StatusCode::UNPROCESSABLE_ENTITY, "tokens", text).into_response()
            }
            Err(crate::moving::MoveError::Keeper(error)) => refused(service, &error).1,
        },
    }
}

/// `?forget=1` deletes without a word to the provider.
async fn delete(service: &Service, connection: &Connection, query: &str) -> Response {
    let forget = form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "forget" && value == "1");
    let ended = match forget {
        true => service.keeper.forget(connection).await,
        false => service.keeper.end(connection).await,
    };
    match ended {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => unknown(),
        Err(error) => refused(service, &error).1,
    }
}

fn refusal(barred: Barred) -> Response {
    match barred {
        Barred::Unknown => unknown(),
        Barred::Reference(fault) => fault.into_response(),
    }
}

fn unknown() -> Response {
    fault(
        StatusCode::NOT_FOUND,
        "unknown_connection",
        "there is no such connection",
    )
    .into_response()
}

fn not_connected(error: &ConnectError) -> Response {
    if matches!(
        error,
        ConnectError::Provider(_) | ConnectError::OtherIssuer(_) | ConnectError::Away(_) | ConnectError::NotStored(_)
    ) {
        // The program cannot mend it, so the log must say it.
        tracing::warn!(%error, "a sign-in could not go on");
    }
    let (status, word) = match error {
        ConnectError::Denied { error, return_to } => {
            let text = error.to_string();
            let body = json!({"error": "denied", "reason": error.code, "message": text, "return_to": return_to});
            return Json(StatusCode::CONFLICT, body).into_response();
        }
        ConnectError::Callback(CallbackError::State | CallbackError::Expired) => (StatusCode::CONFLICT, "state"),
        ConnectError::Callback(CallbackError::Token(TokenError::Refused(refused))) => {
            if refused.refusal() == Refusal::Client {
                tracing::warn!(error = %refused, "a sign-in could not go on: client_id or secret_file of the provider is wrong");
            }
            let text = error.to_string();
            let body = json!({"error": "provider_refused", "reason": refused.code, "message": text});
            return Json(StatusCode::CONFLICT, body).into_response();
        }
        ConnectError::Callback(CallbackError::Token(_)) => (StatusCode::BAD_GATEWAY, "provider_away"),
        ConnectError::Callback(_) => (StatusCode::UNPROCESSABLE_ENTITY, "callback"),
        ConnectError::Unknown => (StatusCode::NOT_FOUND, "unknown_provider"),
        ConnectError::Provider(_) | ConnectError::OtherIssuer(_) => (StatusCode::UNPROCESSABLE_ENTITY, "provider"),
        ConnectError::State => (StatusCode::CONFLICT, "state"),
        ConnectError::Reference => (StatusCode::FORBIDDEN, "reference"),
        // The sign-in is spent: the same address would not help.
        ConnectError::NotStored(_) => (StatusCode::SERVICE_UNAVAILABLE, "not_stored"),
        ConnectError::Away(_) => return later("unavailable", Some("no_metadata"), AWHILE),
        _ => return later("unavailable", Some("vault"), AWHILE),
    };
    fault(status, word, &error.to_string()).into_response()
}

/// A form of another site cannot send this content type without being asked for leave first.
fn json_body<T: DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> Result<T, Json> {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media = content_type.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") {
        let text = "send JSON, with `Content-Type: application/json`";
        return Err(fault(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_type", text));
    }
    serde_json::from_slice(body).map_err(|error| fault(StatusCode::UNPROCESSABLE_ENTITY, "body", &describe(&error)))
}

/// Values may be tokens: only the kind and place of a fault are told, and the names of members.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("unknown field") || text.starts_with("missing field") {
        return text;
    }
    format!(
        "the body cannot be read at line {}, column {}",
        error.line(),
        error.column()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use hallpass_client::keeper::VaultError;
    use http::header::RETRY_AFTER;

    #[test]
    fn what_a_program_cannot_mend_is_no_matter_of_waiting() {
        let error = hallpass_client::DiscoveryError::OtherIssuer {
            url: "http://127.0.0.1:8080/.well-known/openid-configuration".to_owned(),
            found: "http://localhost:8080".to_owned(),
        };
        let answer = not_connected(&ConnectError::OtherIssuer(error.clone()));
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let answer = not_connected(&ConnectError::Away(error.into()));
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    }

    #[test]
    fn tokens_that_were_lost_call_for_another_sign_in() {
        let error = || VaultError::Unreachable("no answer in time".to_owned());
        let lost = not_connected(&ConnectError::NotStored(error()));
        assert_eq!(lost.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(lost.headers().get(RETRY_AFTER), None);
        assert!(
            not_connected(&ConnectError::Vault(error()))
                .headers()
                .contains_key(RETRY_AFTER)
        );
    }

    #[test]
    fn a_member_that_is_null_counts_as_absent() {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, "application/json".parse().unwrap())]);
        let body = br#"{"reference": "17", "return_to": null, "scopes": null, "params": null}"#;
        let read: Result<ConnectBody, _> = json_body(&headers, &Bytes::from_static(body));
        let read = read.ok().unwrap();
        assert!(read.scopes.is_none() && read.params.is_none() && read.return_to.is_none());
    }
}
