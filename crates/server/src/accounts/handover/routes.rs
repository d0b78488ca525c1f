//! The calls about people, on one page. The other addresses are in [`crate::web::routes`].

use super::{export, grants, person};
use crate::serve::hallpass::Hallpass;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{delete, get, patch, post};
use http::Method;
use std::sync::Arc;

/// The router of the calls about people.
pub(crate) fn routes(hallpass: &Arc<Hallpass>) -> Router<Arc<Hallpass>> {
    Router::new()
        .route(
            "/handover/people/{subject}",
            get(person::show).put(person::put).delete(person::delete),
        )
        .route("/handover/people/{subject}/suspend", post(person::suspend))
        .route("/handover/people/{subject}/resume", post(person::resume))
        .route("/handover/people/{subject}/sign-out", post(person::sign_out))
        .route("/handover/people/{subject}/organizations/{id}", delete(person::leave))
        .route("/handover/people/{subject}/grants", get(grants::list))
        .route(
            "/handover/people/{subject}/grants/{id}",
            patch(grants::narrow).delete(grants::end),
        )
        .route("/handover/people/{subject}/export", get(export::export))
        .layer(from_fn_with_state(hallpass.clone(), known))
}

/// Answers a change only when this server's memory has it, also if it found nothing to do: another server may have made the
/// change a moment ago.
async fn known(State(hallpass): State<Arc<Hallpass>>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let response = next.run(request).await;
    if !reads && response.status().is_success() {
        // Without the database memory is stale in a moment, and nothing is answered from it.
        if let Err(error) = hallpass.feed.newest().await {
            tracing::warn!(%error, "failed to read the feed after a change by the site");
        }
    }
    response
}
