//! The paths.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};
use http::StatusCode;

use super::answers::{fault, text};
use super::{LONGEST_BODY, Rights, Service, connections, guard, page, tokens};

pub(super) fn router(service: Service) -> Router {
    Router::new()
        .route("/token/{provider}/{*reference}", get(tokens::token))
        .route("/connections", get(page::connections))
        .route("/connections/callback", post(connections::callback))
        .route("/connections/{provider}/{*reference}", any(connections::one))
        .route("/metrics", get(metrics))
        .route("/style.css", get(page::style))
        .fallback(|| async { fault(StatusCode::NOT_FOUND, "no_such_path", "see docs/guide/keeper.md").into_response() })
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(from_fn_with_state(service.clone(), guard::guard))
        .with_state(service)
}

async fn metrics(State(service): State<Service>, Extension(rights): Extension<Rights>) -> Response {
    match service.metrics.text(|provider| rights.allow(provider)) {
        Ok(metrics) => text(
            StatusCode::OK,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            metrics,
        ),
        Err(_) => fault(
            StatusCode::INTERNAL_SERVER_ERROR,
            "metrics",
            "failed to write the metrics",
        )
        .into_response(),
    }
}
